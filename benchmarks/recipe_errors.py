"""What the commonest errors cost: the table of docs/diagnose.md, measured on 1,000 labelled photographs.

    python benchmarks/recipe_errors.py ASSETS [--threads 2] [--images N]

ASSETS holds `images/imagenet_sample_1000` with its labels.csv, two float32 networks in `reconstructed`, and
`checkpoints/mobilenetv2-12-int8.onnx` as it was published. Each row changes one thing and runs the same images; the
interval is that of a difference between paired accuracies (`zoo.stats.difference_interval`). The last row needs a
processor without VNNI.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.libraries import PHOTOGRAPHS, Labelled, labelled  # noqa: E402
from zoo import machine, stats  # noqa: E402
from zoo.frameworks import environments  # noqa: E402
from zoo.frameworks.table import framework  # noqa: E402
from zoo.images import preprocess  # noqa: E402
from zoo.records import Geometry, Numeric  # noqa: E402

SYMMETRIC = "mobilenetv2-12_fp32-backbone_int8-classifier.onnx"
SAME = "mobilenet_v2_1.0_224_fp32-backbone_int8-classifier.onnx"
INT8 = "mobilenetv2-12-int8.onnx"
TITLES = {SYMMETRIC: "ONNX zoo, float", SAME: "TensorFlow, float", INT8: "ONNX zoo, int8"}
Step = dict[str, Any]
Right = NDArray[np.bool_]

SHORT: Step = {
    "op": "resize_short", "size": 256, "library": "pil", "interpolation": "bilinear", "antialias": True,
    "long_side": "truncate",
}  # fmt: skip
SQUASH: Step = {name: value for name, value in SHORT.items() if name != "long_side"} | {"op": "resize_exact"}
NO_ANTIALIAS: Step = SHORT | {"library": "opencv", "antialias": False}
BY_255: Step = {"op": "divide", "by": 255}
IMAGENET: Step = {"op": "normalise", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
HALF: Step = {"op": "normalise", "mean": [0.5] * 3, "std": [0.5] * 3}
BGR: Step = {"op": "channels", "order": "bgr"}


@dataclass(frozen=True)
class Case:
    """One way to run a network. title: what is wrong, "" of the right way; resize: the second step of the geometry."""

    title: str
    network: str
    numeric: Sequence[Step]
    resize: Step
    padding: str = ""
    arithmetic: str = "exact"


def cases() -> list[list[Case]]:
    """Of each network the right way, then what is wrong with it."""
    zoo, slim = Case("", SYMMETRIC, (BY_255, IMAGENET), SHORT), Case("", SAME, (BY_255, HALF), SHORT)
    int8 = Case("", INT8, (BY_255, IMAGENET), SHORT)
    return [
        [
            zoo,
            replace(zoo, title="BGR in place of RGB", numeric=(BGR, BY_255, IMAGENET)),
            replace(zoo, title="squashed to 256 x 256, not short side 256", resize=SQUASH),
            replace(zoo, title="resized without antialias (OpenCV bilinear)", resize=NO_ANTIALIAS),
            replace(zoo, title="whole short side, not the central 0.875", resize=SHORT | {"size": 224}),
            replace(zoo, title="pixels in -1 to 1, not ImageNet's mean", numeric=(BY_255, HALF)),
            replace(zoo, title="1/255 forgotten", numeric=(IMAGENET,)),
        ],
        [
            slim,
            replace(slim, title="BGR in place of RGB", numeric=(BGR, BY_255, HALF)),
            replace(slim, title="ImageNet's mean, not -1 to 1", numeric=(BY_255, IMAGENET)),
            replace(slim, title="padding 1 on every side, not TensorFlow's SAME", padding="symmetric"),
        ],
        [int8, replace(int8, title="sums cut off at 16 bits: the defaults without VNNI", arithmetic="as-shipped")],
    ]  # fmt: skip


def geometry(resize: Step) -> Geometry:
    """Pillow, one resize, and the central 224 pixels."""
    steps = [
        {"op": "decode", "library": "pil", "exif": "ignore"}, resize,
        {"op": "centre_crop", "size": 224, "offset": "round_half_even"},
    ]  # fmt: skip
    return Geometry.model_validate({"id": "measured", "steps": steps})


def pixels(resizes: Sequence[Step], images: Labelled, folder: Path) -> list[Path]:
    """Stores of all images, uint8 (N, 224, 224, 3), one for each resize; every image is decoded once."""
    wanted = [geometry(resize) for resize in resizes]
    with ThreadPoolExecutor() as pool:
        rows = list(pool.map(lambda path: preprocess.apply_all(wanted, path.read_bytes()), images.paths))
    stores = []
    for number in range(len(wanted)):
        stores.append(folder / f"{number}.npy")
        np.save(stores[-1], np.stack([row[number] for row in rows]))
    return stores


def padded_on_every_side(path: Path, folder: Path) -> Path:
    """The network with one pixel of padding on all sides wherever it had TensorFlow's."""
    model, changed = onnx.load(str(path)), 0
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Conv" and attribute.name == "pads" and list(attribute.ints) == [0, 0, 1, 1]:
                attribute.ints[:] = [1, 1, 1, 1]
                changed += 1
    if not changed:
        raise SystemExit(f"{path}: expected convolutions padded by 0 before and 1 after, got none")
    onnx.save(model, str(folder / "symmetric.onnx"))
    return folder / "symmetric.onnx"


def answers(case: Case, path: Path, store: Path, count: int, threads: int) -> tuple[NDArray[np.int64], str]:
    """The best output of each image, and how the framework added products of integers."""
    found = environments.find(framework("onnxruntime"))
    if found is None:
        raise SystemExit("expected the environment of onnxruntime, got none; zoo setup onnxruntime")
    options = {
        "threads": threads, "format": "onnx", "batch_size": 8, "precision": "fp32", "arithmetic": case.arithmetic,
        "network": None, "extra": {},
    }  # fmt: skip
    layout = {"op": "layout", "order": "nchw"}
    steps = Numeric.model_validate({"id": "measured", "steps": [*case.numeric, layout]}).steps
    with environments.started(found) as worker, tempfile.TemporaryDirectory() as scratch:
        info = worker.request("load", files=[str(path)], options=options)["info"]
        out = Path(scratch) / "scores.npy"
        worker.request(
            "predict", store=str(store), rows=[0, count], numeric=[step.to_json() for step in steps], out=str(out)
        )
        return np.load(out).argmax(axis=1), info["integer_sums"]


def row(case: Case, own: Right, base: Right, changed: int) -> str:
    """A line of the table: fractions as percent and points."""
    n = len(own)
    lost, won = int((base & ~own).sum()), int((own & ~base).sum())
    low, high = stats.difference_interval(won, lost, n, None)
    return (
        f"| {TITLES[case.network]} | {case.title} | {100 * own.mean():.1f} | {100 * (won - lost) / n:+.1f} "
        f"| {100 * low:+.1f} to {100 * high:+.1f} | {changed:,} |"
    )


def table(assets: Path, limit: int | None, threads: int) -> Iterator[str]:
    """The lines, each as soon as it is known."""
    images = labelled(assets / "images" / PHOTOGRAPHS, limit)
    yield "| network | what is wrong | top-1, % | cost, points | 95 % interval | answers changed |"
    yield "|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory(prefix="zoo-recipe-errors-") as name:
        folder = Path(name)
        resizes = [case.resize for group in cases() for case in group]
        distinct = [resize for number, resize in enumerate(resizes) if resize not in resizes[:number]]
        stores = pixels(distinct, images, folder)
        for group in cases():
            base, first = None, None
            for case in group:
                path = assets / ("checkpoints" if case.network == INT8 else "reconstructed") / case.network
                path = padded_on_every_side(path, folder) if case.padding else path
                store = stores[distinct.index(case.resize)]
                best, sums = answers(case, path, store, len(images.paths), threads)
                right = best == images.classes + (case.network == SAME)
                print(f"{time.strftime('%X')} {case.network}: {case.title or 'right'}, sums {sums}", file=sys.stderr)
                if base is None or first is None:
                    base, first = right, best
                    yield f"| {TITLES[case.network]} | nothing | {100 * right.mean():.1f} | | | |"
                elif case.network != INT8 or sums == "saturating":
                    yield row(case, right, base, int((best != first).sum()))
                else:
                    yield f"| {TITLES[case.network]} | {case.title} | not measurable here: sums are {sums} | | | |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int)
    arguments = parser.parse_args()
    for line in table(arguments.assets, arguments.images, arguments.threads):
        print(line, flush=True)
    sets = ", ".join(machine.instruction_sets())
    print(f"\nMeasured on {machine.processor()} ({sets}), {machine.cores()} cores.")


if __name__ == "__main__":
    main()
