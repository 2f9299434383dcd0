"""Train the embedded zoo's network and write everything that is documented about it.

    python -m zoo.embedded.train            # images, weights, training record and claims, in minutes
    python -m zoo.embedded.train --check    # measure the committed weights again; 1 if a claim differs

The images come from shapes.py, the network from adapters/common/mobilenet_v2.py. Needs PyTorch beside the
suite's own requirements; everything else in `zoo` does without it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import io
import json
import multiprocessing
import os
import platform
import sys
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from zoo import disk, stats
from zoo.documents.formatting import percent
from zoo.embedded import shapes

ROOT = disk.PACKAGE.parent
DATA = disk.EMBEDDED

CLAIM_COLUMNS = (
    "id", "checkpoint", "metric", "value", "unit", "decimals", "population", "n_images", "source", "place", "note",
)  # fmt: skip
CSV: dict[str, Any] = {"index": False, "lineterminator": "\n"}  # the same bytes on every system
CHECK_COMMAND = "python -m zoo.embedded.train --check"
NEEDS_TORCH = "Training needs PyTorch, which is not installed here: run `tox -e embedded-train`."

ALPHA, SIDE = 0.35, 96
TRAINING_IMAGES, VALIDATION_IMAGES = 12_000, 960  # whole numbers of every class
EPOCHS = 10
BATCH, EVALUATION_BATCH = 64, 120
PEAK_RATE, WEIGHT_DECAY, WARM_UP, LABEL_SMOOTHING = 4e-3, 0.05, 0.2, 0.1
SHIFT = 1  # pixels by which a training crop may miss the documented one, each axis
SEED, THREADS = 20_240_501, 2
IMAGE_BYTES_LIMIT, WEIGHT_BYTES_LIMIT = 3_900_000, 2_000_000

Pixels = NDArray[np.uint8]
Indices = NDArray[np.int64]
Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an image becomes input: RGB, short side to `short` (None: squash to the square), crop, numbers.

    The numbers are (value / 255 - mean) / std per channel in RGB order; `swapped` feeds B, G, R.
    """

    short: int | None = 110
    mean: Triple = (0.485, 0.456, 0.406)
    std: Triple = (0.229, 0.224, 0.225)
    swapped: bool = False


DOCUMENTED = Recipe()
WRONG_RECIPES = {
    "red_blue_swapped": Recipe(swapped=True),
    "mean_std_half": Recipe(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    "no_mean_std": Recipe(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    "squashed": Recipe(short=None),
    "short_side_96": Recipe(short=96),
    "short_side_128": Recipe(short=128),
}


def crop(image: Image.Image, short: int | None, margin: int = 0) -> Pixels:
    """Resize and centre-crop: uint8 (SIDE + 2 margin, SIDE + 2 margin, 3), RGB.

    The margin goes around the documented crop, whose place it does not change.
    """
    image = image.convert("RGB")
    if short is None:
        return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    shorter = min(image.size)
    width, height = (short if side == shorter else int(short * side / shorter) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (round((side - SIDE) / 2.0) - margin for side in (width, height))
    reach = SIDE + 2 * margin
    return np.asarray(image.crop((left, top, left + reach, top + reach)))


def training_image(index: int) -> Pixels:
    """One training image after JPEG and crop: uint8 (SIDE + 2 SHIFT, SIDE + 2 SHIFT, 3), RGB."""
    jpeg = shapes.encode(shapes.render(shapes.TRAINING, index))
    return crop(Image.open(io.BytesIO(jpeg)), DOCUMENTED.short, SHIFT)


def validation_image(index: int) -> bytes:
    """One validation image as a JPEG file."""
    return shapes.encode(shapes.render(shapes.VALIDATION, index))


def in_processes(work: Callable[[int], Any], count: int) -> list[Any]:
    """work(0) ... work(count - 1), over THREADS processes."""
    # forked or spawned makes no difference to the images: each has its own seed
    with ProcessPoolExecutor(THREADS, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, range(count), chunksize=120))


def write_images(out: Path) -> None:
    """The validation images as out/images/NNNN.jpg and their classes as out/labels.csv."""
    folder = out / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jpg"):
        old.unlink()
    files = in_processes(validation_image, VALIDATION_IMAGES)
    total = sum(map(len, files))
    if total > IMAGE_BYTES_LIMIT:
        raise SystemExit(f"The images take {total} bytes, more than {IMAGE_BYTES_LIMIT}: make fewer.")
    rows = []
    for index, jpeg in enumerate(files):
        (folder / f"{index:04d}.jpg").write_bytes(jpeg)
        label = shapes.class_of(index)
        rows.append((f"{index:04d}.jpg", label, shapes.CLASSES[label].name))
    pd.DataFrame(rows, columns=["file", "class_index", "name"]).to_csv(out / "labels.csv", **CSV)


def adapter_module(name: str) -> Any:
    """A module of adapters/, where the network is defined once for training and for validation."""
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    return importlib.import_module(f"adapters.{name}")


class Trainer:
    """PyTorch, made repeatable, and the few things that are done with it here."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        torch.set_num_threads(THREADS)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(SEED)
        family = adapter_module("common.mobilenet_v2")
        given = family.MobileNetV2(alpha=ALPHA, resolution=SIDE, classes=len(shapes.CLASSES))
        self.network: dict[str, Any] = asdict(given)
        self.model = adapter_module("torch.network").build(given.layers())

    def normalised(self, pixels: Any, recipe: Recipe) -> Any:
        """uint8 (N, H, W, 3) RGB -> float32 (N, 3, H, W) by the recipe's numbers."""
        mean, std = (self.torch.tensor(three).view(1, 3, 1, 1) for three in (recipe.mean, recipe.std))
        batch = pixels.permute(0, 3, 1, 2).float() / 255.0
        return ((batch.flip(1) if recipe.swapped else batch) - mean) / std

    def augmented(self, pixels: Any, rng: np.random.Generator) -> Any:
        """uint8 (N, SIDE + 2 SHIFT, ..., 3) -> (N, SIDE, SIDE, 3), mirrored at random, all shifted alike."""
        top, left = rng.integers(2 * SHIFT + 1, size=2)
        pixels = pixels[:, top : top + SIDE, left : left + SIDE]
        mirror = self.torch.from_numpy(rng.random(len(pixels)) < 0.5).view(-1, 1, 1, 1)
        return self.torch.where(mirror, pixels.flip(2), pixels)

    def fit(self, images: Pixels, labels: Indices, epochs: int) -> list[float]:
        """Train on uint8 (N, SIDE + 2 SHIFT, ..., 3) RGB; the mean loss of each epoch."""
        torch, rng, losses = self.torch, np.random.default_rng(SEED), []
        pixels, targets = torch.from_numpy(images), torch.from_numpy(labels)
        steps = len(labels) // BATCH  # the incomplete last batch is left out
        model = self.model.to(memory_format=torch.channels_last).train()
        optimizer = torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, PEAK_RATE, total_steps=epochs * steps, pct_start=WARM_UP
        )
        criterion = torch.nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)
        for epoch in range(epochs):
            total, begun = 0.0, time.perf_counter()
            for chosen in rng.permutation(len(labels))[: steps * BATCH].reshape(steps, BATCH):
                batch = self.normalised(self.augmented(pixels[chosen], rng), DOCUMENTED)
                loss = criterion(model(batch), targets[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item()
            losses.append(round(total / steps, 4))
            seconds = time.perf_counter() - begun
            print(f"epoch {epoch + 1}/{epochs}: loss {losses[-1]}, {seconds:.0f} s", file=sys.stderr)
        return losses

    def save(self, path: Path) -> None:
        """Every tensor but the batch counters, float32, under its torchvision name."""
        tensors = {
            name: np.ascontiguousarray(tensor.numpy())
            for name, tensor in self.model.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
        importlib.import_module("safetensors.numpy").save_file(tensors, path)

    def load(self, path: Path) -> None:
        """Read what `save` wrote; a missing, extra or misshapen tensor is an error."""
        tensors = importlib.import_module("safetensors.torch").load_file(path)
        counters = {name for name in self.model.state_dict() if name.endswith("num_batches_tracked")}
        answer = self.model.load_state_dict(tensors, strict=False)
        missing = sorted(set(answer.missing_keys) - counters)
        if missing or answer.unexpected_keys:
            raise SystemExit(f"{path}: missing {missing}, unexpected {answer.unexpected_keys}")

    def ranks(self, images: list[Image.Image], labels: Indices, recipe: Recipe) -> Indices:
        """Place of the right class in each image's scores, 0 the highest: int64 (N,).

        Of equal scores the one with the lower index comes first.
        """
        pixels = self.torch.from_numpy(np.stack([crop(image, recipe.short) for image in images]))
        model = self.model.to(memory_format=self.torch.contiguous_format).eval()
        with self.torch.inference_mode():
            scores = np.concatenate(
                [model(self.normalised(part, recipe)).numpy() for part in pixels.split(EVALUATION_BATCH)]
            )
        order = np.argsort(-scores, axis=1, kind="stable")
        places: Indices = np.argmax(order == labels[:, None], axis=1)
        return places


def read_images(folder: Path) -> tuple[list[Image.Image], Indices]:
    """The images that labels.csv lists, as RGB, and their classes: int64 (N,)."""
    rows = pd.read_csv(folder / "labels.csv")
    images = []
    for name in rows["file"]:
        with Image.open(folder / "images" / name) as image:
            images.append(image.convert("RGB"))
    return images, rows["class_index"].to_numpy(np.int64)


def measure(trainer: Trainer, folder: Path) -> dict[str, Any]:
    """Counts on the written images by the documented recipe, and what each wrong recipe costs."""
    images, labels = read_images(folder)
    documented = trainer.ranks(images, labels, DOCUMENTED)
    sensitivity = []
    for name, recipe in WRONG_RECIPES.items():
        ranks = trainer.ranks(images, labels, recipe)
        lost = int(((documented == 0) & (ranks != 0)).sum())
        gained = int(((documented != 0) & (ranks == 0)).sum())
        entry = {"wrong": name, "top1_correct": int((ranks == 0).sum()), "lost": lost, "gained": gained}
        sensitivity.append({**entry, "p_value": stats.mcnemar(lost, gained)})
    return {
        "n_images": len(labels),
        "top1_correct": int((documented == 0).sum()),
        "top5_correct": int((documented < 5).sum()),
        "sensitivity": sensitivity,
    }


def show(measured: dict[str, Any]) -> None:
    """Print the accuracies and the table of wrong recipes."""
    n = measured["n_images"]
    for metric in ("top1", "top5"):
        correct = measured[f"{metric}_correct"]
        print(f"{metric}: {percent(correct / n)} % ({correct}/{n})")
    print(f"{'wrong recipe':<18} top-1 %   lost gained  p (exact McNemar)")
    for row in measured["sensitivity"]:
        top1 = percent(row["top1_correct"] / n)
        print(f"{row['wrong']:<18} {top1:>7} {row['lost']:>6} {row['gained']:>6}  {row['p_value']:.1e}")


def claims(measured: dict[str, Any]) -> pd.DataFrame:
    """claims.csv, all text: every checkpoint that is written from these weights documents the same accuracy."""
    n, place = measured["n_images"], "zoo/data/embedded/training.json"
    rows: list[tuple[object, ...]] = []
    for entry in tomllib.loads((DATA / "checkpoints.toml").read_text(encoding="utf-8"))["checkpoint"]:
        for metric in ("top1", "top5"):
            name = f"{entry['id'].replace('/', '-')}-{metric}"
            value = percent(measured[f"{metric}_correct"] / n)
            what: tuple[object, ...] = (name, entry["id"], metric, value, "percent", 2)
            rows.append((*what, "embedded_val", n, "embedded-training", place, CHECK_COMMAND))
    return pd.DataFrame(rows, columns=list(CLAIM_COLUMNS), dtype=str)


def train(trainer: Trainer, out: Path, epochs: int) -> None:
    """Write images/, labels.csv, weights.safetensors, training.json and claims.csv into `out`."""
    begun = time.perf_counter()
    write_images(out)
    images = np.stack(in_processes(training_image, TRAINING_IMAGES))
    labels = np.array([shapes.class_of(index) for index in range(TRAINING_IMAGES)])
    drawn = time.perf_counter()
    images_drawn = f"{TRAINING_IMAGES} training and {VALIDATION_IMAGES} validation images"
    print(f"{images_drawn}: {drawn - begun:.0f} s", file=sys.stderr)
    losses = trainer.fit(images, labels, epochs)
    fitted = time.perf_counter()
    weights = out / "weights.safetensors"
    trainer.save(weights)
    if weights.stat().st_size > WEIGHT_BYTES_LIMIT:
        raise SystemExit(f"{weights} takes {weights.stat().st_size} bytes, more than {WEIGHT_BYTES_LIMIT}.")
    trainer.load(weights)  # what is documented is the file, not the network that wrote it
    measured = measure(trainer, out)
    seconds = {"images": drawn - begun, "training": fitted - drawn, "all": time.perf_counter() - begun}
    # of all threads and processes: unlike the others, hardly longer on a busy machine
    seconds["processor"] = sum(os.times()[:4])
    record = {**conditions(trainer, epochs), "loss_by_epoch": losses, **measured}
    record["seconds"] = {name: round(value, 1) for name, value in seconds.items()}
    record["weights_sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    (out / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    claims(measured).to_csv(out / "claims.csv", **CSV)
    show(measured)
    print(f"written to {out} in {seconds['all']:.0f} s")


def conditions(trainer: Trainer, epochs: int) -> dict[str, Any]:
    """All that the weights depend on."""
    packages = ("torch", "numpy", "pillow", "safetensors")
    return {
        "format": 1,
        "command": "python -m zoo.embedded.train",
        "network": trainer.network,
        "classes": [kind.name for kind in shapes.CLASSES],
        "recipe": {**asdict(DOCUMENTED), "resize": "Pillow bilinear", "crop": SIDE},
        "seeds": {
            "training": SEED,
            "training_images": shapes.TRAINING,
            "validation_images": shapes.VALIDATION,
        },
        "training_images": TRAINING_IMAGES,
        "epochs": epochs,
        "batch": BATCH,
        "optimizer": {"name": "AdamW, one cycle", "peak_rate": PEAK_RATE, "weight_decay": WEIGHT_DECAY},
        "label_smoothing": LABEL_SMOOTHING,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "machine": platform.machine(),
        "threads": THREADS,
    }


def check(trainer: Trainer, folder: Path) -> int:
    """Measure the stored weights on the stored images; 0 if claims.csv says the same, else 1."""
    trainer.load(folder / "weights.safetensors")
    measured = measure(trainer, folder)
    show(measured)
    if pd.read_csv(folder / "claims.csv", dtype=str).equals(claims(measured)):
        print("claims.csv agrees")
        return 0
    print(f"{folder / 'claims.csv'} says something else: train again, or find what changed the result")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m zoo.embedded.train", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DATA, help="folder to write or, with --check, to read")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="passes over the training images")
    parser.add_argument("--check", action="store_true", help="only measure the stored weights again")
    options = parser.parse_args()
    # threads that spin while they wait slow each other down many times over when another program is busy
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        print(NEEDS_TORCH, file=sys.stderr)
        return 3
    trainer = Trainer(torch)
    if options.check:
        return check(trainer, options.out)
    train(trainer, options.out, options.epochs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
