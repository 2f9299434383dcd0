"""How many answers change if other libraries prepare the images: what the tolerance of a verdict follows from.

    python benchmarks/libraries.py ASSETS [--python INTERPRETER ...] [--geometry ID ...] [--images N] [--write]

ASSETS holds `images/imagenet_sample_1000` (files of ImageNet at their original sizes) and
`images/ilsvrc2012_val_1300`, each with a labels.csv, and float32 networks in `reconstructed`. An INTERPRETER has other
versions of Pillow and OpenCV (and numpy); each geometry of those two libraries runs in it as its publisher composed it.
--geometry: only these of PLANS, beside what is in the data file; --images: so many of each set (evenly spaced), for a
trial; --write: zoo/data/base/library_differences.toml. The embedded network is measured on all of its own images.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.recipes import OPERATORS, WHOLE, interpreter  # noqa: E402
from zoo import disk, records  # noqa: E402
from zoo.checkpoints import exports  # noqa: E402
from zoo.documents import library_differences  # noqa: E402
from zoo.documents.library_differences import Difference, Family, Flips, LibraryDifferences  # noqa: E402
from zoo.documents.load import load_zoo  # noqa: E402
from zoo.frameworks import environments  # noqa: E402
from zoo.frameworks.table import framework  # noqa: E402
from zoo.images import preprocess  # noqa: E402
from zoo.machine import processor  # noqa: E402

Pixels = NDArray[Any]
PHOTOGRAPHS = "imagenet_sample_1000"
SQUARES = "ilsvrc2012_val_1300"  # 227 x 227, for the one geometry that does not resize
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
HALF = ([0.5] * 3, [0.5] * 3)
EMBEDDED_GEOMETRY, EMBEDDED_IMAGES = "torch_110_96", "embedded_val"
VERSIONS = """
import json, re, sys
found = {}
for name in ("PIL", "cv2", "tensorflow", "torch", "onnxruntime"):
    try:
        found[name] = __import__(name).__version__
    except ImportError:
        pass
if "PIL" in found:
    from PIL import features
    found["PIL"] += f" (libjpeg-turbo {features.version('libjpeg_turbo')})"
if "cv2" in found:
    jpeg = re.search(r"JPEG:.*?\\(ver ([^)]*)\\)", sys.modules["cv2"].getBuildInformation())
    found["cv2"] += f" (libjpeg-turbo {jpeg[1] if jpeg else 'unknown'})"
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Network:
    """name: in the table; path: an .onnx file; mean, std: of pixels in [0, 1]; first: the output index of class 0."""

    name: str
    path: Path
    mean: list[float]
    std: list[float]
    first: int = 0


@dataclass(frozen=True)
class Labelled:
    """Image files and their classes, int64 (n,)."""

    name: str
    paths: tuple[Path, ...]
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """A family is measured with one of its geometries, whose networks are named.

    images: the name of a folder, or EMBEDDED_IMAGES, the id of the embedded population.
    """

    geometry: str
    networks: tuple[str, ...]
    images: str = PHOTOGRAPHS


SYMMETRIC, SAME, OWN = "ONNX zoo 1.0 224, reconstructed", "TFLite 1.0 224, reconstructed", "embedded 0.35 96"
PLANS = (
    Plan("torch_256_224", (SYMMETRIC, SAME)),
    Plan(EMBEDDED_GEOMETRY, (OWN,), EMBEDDED_IMAGES),
    Plan("slim_central_224", (SAME,)),
    Plan("opencv_256_224", (SYMMETRIC,)),
    Plan("centre_224", (SYMMETRIC, SAME), SQUARES),
    Plan("opencv_squash256_224", (SYMMETRIC,)),
    Plan("pil_bicubic_256_224", (SYMMETRIC,)),
    Plan("tflite_eval_224", (SAME,)),
    Plan("opencv_central_224", (SAME,)),
    Plan("mxnet_squash224", (SYMMETRIC,)),
    Plan("area_float_squash256_224", (SYMMETRIC,)),
    Plan("opencv_decode_torch_256_224", (SYMMETRIC,)),
    Plan("opencv_decode_pil_squash224", (SYMMETRIC,)),
)


def labelled(folder: Path, limit: int | None) -> Labelled:
    """The images of a labels.csv, or `limit` of them, evenly spaced."""
    table = folder / "labels.csv"
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    files = folder / "images" if (folder / "images").is_dir() else folder
    rows = rows if limit is None else rows[:: max(1, len(rows) // limit)][:limit]
    classes = np.array([int(row["class_index"]) for row in rows], dtype=np.int64)
    return Labelled(folder.name, tuple(files / row["file"] for row in rows), classes)


def geometries() -> dict[str, records.Geometry]:
    """Those of both zoos, by id."""
    return load_zoo("published").geometries | load_zoo("embedded").geometries


def networks(assets: Path) -> dict[str, Network]:
    """By name; the embedded one is written by ONNX Runtime's adapter."""
    folder, zoo = assets / "reconstructed", load_zoo("embedded")
    environment = environments.find(framework("onnxruntime"))
    if environment is None:
        raise SystemExit("expected the environment of onnxruntime, got none; zoo setup onnxruntime")
    own = exports.export(zoo.checkpoints["embedded/onnx"], zoo.root, environment).paths[0]
    first = folder / "mobilenetv2-12_fp32-backbone_int8-classifier.onnx"
    second = folder / "mobilenet_v2_1.0_224_fp32-backbone_int8-classifier.onnx"
    found = (
        Network(SYMMETRIC, first, *IMAGENET),
        Network(SAME, second, *HALF, first=1),
        Network(OWN, own, *IMAGENET),
    )
    return {each.name: each for each in found}


# --- other libraries ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One operator of operators/<library>_operators.py over some inputs."""

    operator: str
    arguments: dict[str, Any]
    inputs: Sequence[Path]
    outputs: Sequence[Path]


def far(library: str, python: Path, calls: Iterable[Call]) -> None:
    """Run the calls in another Python, which has the library."""
    with tempfile.TemporaryDirectory(prefix="zoo-libraries-") as name:
        folder = Path(name)
        asked = [
            {
                "operator": call.operator, "arguments": call.arguments,
                "inputs": [str(path) for path in call.inputs], "outputs": [str(path) for path in call.outputs],
            }
            for call in calls
        ]  # fmt: skip
        (folder / "request.json").write_text(json.dumps({"calls": asked}), encoding="utf-8")
        script = OPERATORS / f"{library}_operators.py"
        command = [str(python), "-W", "ignore", "-s", str(script), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script} in {python}: exit code {done.returncode}\n{done.stderr}")


def versions(python: Path) -> dict[str, str]:
    """Of the libraries that an interpreter has, by import name."""
    command = [str(python), "-W", "ignore", "-s", "-c", VERSIONS]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    )
    return cast(dict[str, str], json.loads(done.stdout.splitlines()[-1]))


class Bench:
    """Other ways to prepare the same images. scratch: a folder for pixels between the processes."""

    def __init__(self, scratch: Path, others: Sequence[Path]) -> None:
        self.scratch = scratch
        self.others = {path: versions(path) for path in others}
        self.frameworks = {name: python for name in ("tensorflow", "torch") if (python := interpreter(name))}
        self.versions = {name: versions(python)[name] for name, python in self.frameworks.items()}

    def variants(self, geometry: records.Geometry, images: Labelled) -> Iterator[tuple[str, Pixels]]:
        """(what is different, pixels) of every way to make what the geometry makes."""
        if "tensorflow" in self.frameworks:
            name = f"TensorFlow {self.versions['tensorflow']}'s JPEG decoder"
            yield name, _stacked(self._with_decoder(geometry, images))
        if "torch" in self.frameworks and any(_torch_can(step) for step in geometry.steps):
            yield f"PyTorch {self.versions['torch']}'s resize", self._with_resize(geometry, images)
        library, call, arguments = WHOLE.get(geometry.id, ("", "", {}))
        if geometry.id == EMBEDDED_GEOMETRY:
            library, call, arguments = "pillow", "torchvision", {"resize": 110, "crop": 96}
        title, module = {"pillow": ("Pillow", "PIL"), "opencv": ("OpenCV", "cv2")}.get(library, ("", ""))
        for python, found in self.others.items():
            if module in found:
                outputs = self._paths("whole", images)
                far(library, python, [Call(call, arguments, images.paths, outputs)])
                yield f"{title} {found[module]}", _stacked(map(np.load, outputs))

    def _with_decoder(self, geometry: records.Geometry, images: Labelled) -> Iterator[Pixels]:
        """TensorFlow reads the files as it does unless it is told otherwise; the other steps are the suite's."""
        outputs = self._paths(f"tensorflow-{images.name}-{len(images.paths)}", images)
        if not outputs[-1].exists():
            call = Call("decode_jpeg", {"dct_method": ""}, images.paths, outputs)
            far("tensorflow", self.frameworks["tensorflow"], [call])
        for path in outputs:
            yield _rest(geometry.steps[1:], np.load(path))

    def _with_resize(self, geometry: records.Geometry, images: Labelled) -> Pixels:
        """torchvision's resize of tensors in place of the geometry's; the other steps are the suite's."""
        place = next(index for index, step in enumerate(geometry.steps) if _torch_can(step))
        step = cast(records.ResizeShort, geometry.steps[place])
        inputs, outputs = self._paths("before", images), self._paths("resized", images)

        def asked(path: Path, source: Path, target: Path) -> Call:
            before = _steps(geometry.steps[:place], path.read_bytes())
            np.save(source, before)
            height, width = np.asarray(preprocess.apply_step(step, before)).shape[:2]
            how = {"mode": step.interpolation, "antialias": step.antialias}
            return Call("interpolate_to", {"height": height, "width": width, **how}, [source], [target])

        with ThreadPoolExecutor() as pool:
            calls = list(pool.map(asked, images.paths, inputs, outputs))
        far("torch", self.frameworks["torch"], calls)
        return _stacked(_rest(geometry.steps[place + 1 :], np.load(path)) for path in outputs)

    def _paths(self, name: str, images: Labelled) -> list[Path]:
        return [self.scratch / f"{name}-{index}.npy" for index in range(len(images.paths))]


def _torch_can(step: records.GeometryStep) -> bool:
    """Whether PyTorch has the same filter for bytes."""
    return (
        isinstance(step, records.Resample)
        and step.library in ("pil", "opencv")
        and step.interpolation in ("bilinear", "bicubic")
    )


def _steps(steps: Sequence[records.GeometryStep], data: bytes) -> Pixels:
    first, *others = steps
    assert isinstance(first, records.Decode)
    return _rest(others, np.asarray(preprocess.decode(first, data)))


def _rest(steps: Sequence[records.GeometryStep], pixels: Pixels) -> Pixels:
    picture: preprocess.Picture = pixels
    for step in steps:
        picture = preprocess.apply_step(step, picture)
    return np.asarray(picture)


def _stacked(images: Iterable[Pixels]) -> Pixels:
    return np.stack(list(images))


# --- counting ----------------------------------------------------------------------------------------


def right(network: Network, pixels: Pixels, geometry: records.Geometry, images: Labelled, scratch: Path) -> Pixels:
    """Whether each image is right by top-1 and by top-5: bool (2, n)."""
    given, answers = scratch / "pixels.npy", scratch / "answers.npy"
    np.save(given, pixels)
    arguments = {
        "network": str(network.path), "mean": network.mean, "std": network.std, "scale": geometry.divided_by / 255,
    }  # fmt: skip
    python = interpreter("onnxruntime")
    assert python is not None  # it wrote the embedded network
    far("onnxruntime", python, [Call("answers", arguments, [given], [answers])])
    hit = np.load(answers) == images.classes[:, None] + network.first
    return np.stack([hit[:, 0], hit.any(axis=1)])


def flips(before: Pixels, after: Pixels) -> list[Flips]:
    """Of top-1 and top-5."""
    return [
        Flips(gained=int((new & ~old).sum()), lost=int((old & ~new).sum()))
        for old, new in zip(before, after, strict=True)
    ]


def measured(plan: Plan, images: Labelled, known: dict[str, Network], bench: Bench) -> list[Difference]:
    """Every variant of the plan's geometry beside the suite's own pixels."""
    geometry = geometries()[plan.geometry]
    with ThreadPoolExecutor() as pool:
        own = _stacked(pool.map(lambda path: preprocess.apply(geometry, path.read_bytes()), images.paths))
    before = {name: right(known[name], own, geometry, images, bench.scratch) for name in plan.networks}
    found = []
    for title, pixels in bench.variants(geometry, images):
        same = int((pixels == own).reshape(len(own), -1).all(axis=1).sum())
        for name in plan.networks:
            counted = [Flips(gained=0, lost=0)] * 2
            if same < len(own):
                counted = flips(before[name], right(known[name], pixels, geometry, images, bench.scratch))
            found.append(Difference(variant=title, network=name, identical=same, top1=counted[0], top5=counted[1]))
            print(f"{time.strftime('%X')} {geometry.id}: {found[-1]!r}", file=sys.stderr)
    return found


def families(assets: Path, limit: int | None, bench: Bench, plans: Sequence[Plan] = PLANS) -> Iterator[Family]:
    """One for each plan; the geometries that it stands for do the same steps with other sizes."""
    known, everywhere = networks(assets), geometries()
    for plan in plans:
        own = plan.images == EMBEDDED_IMAGES
        images = labelled(disk.EMBEDDED if own else assets / "images" / plan.images, None if own else limit)
        alike = [name for name in everywhere if _alike(everywhere[name], everywhere[plan.geometry])]
        yield Family(
            geometry=plan.geometry,
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            processor=f"{processor()}, {platform.machine()}",
            suite=preprocess.versions() | versions(cast(Path, interpreter("onnxruntime"))),
            population=EMBEDDED_IMAGES if own else "",
            geometries=(plan.geometry,) if own else tuple(name for name in alike if name != EMBEDDED_GEOMETRY),
            images=len(images.paths),
            difference=tuple(measured(plan, images, known, bench)),
        )


def _alike(one: records.Geometry, other: records.Geometry) -> bool:
    return library_differences.outline(one) == library_differences.outline(other)


# --- the data file -----------------------------------------------------------------------------------


def toml(found: LibraryDifferences) -> str:
    """The data file."""
    lines = library_differences.HEAD.splitlines()
    for family in found.family:
        lines += ["", "[[family]]", f'geometry = "{family.geometry}"']
        lines += [f'population = "{family.population}"'] if family.population else []
        lines += [f'date = "{family.date}"', f"processor = {json.dumps(family.processor)}"]
        lines += [f"suite = {_inline(family.suite)}"]
        names = [f'    "{name}",' for name in family.geometries]
        lines += ["geometries = [", *names, "]", f"images = {family.images}", "difference = ["]
        for each in family.difference:
            counts = (f"{metric} = {_inline(vars(getattr(each, metric)))}" for metric in ("top1", "top5"))
            what = f"variant = {json.dumps(each.variant)}, network = {json.dumps(each.network)}"
            lines.append(f"    {{ {what}, identical = {each.identical}, {', '.join(counts)} }},")
        lines.append("]")
    return "\n".join(lines) + "\n"


def _inline(values: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items()) + " }"


def main() -> None:
    """Measure, and print or write the data file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path)
    parser.add_argument("--python", type=Path, action="append", default=[])
    parser.add_argument("--geometry", choices=[plan.geometry for plan in PLANS], action="append")
    parser.add_argument("--images", type=int)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    wanted = arguments.geometry or [plan.geometry for plan in PLANS]
    kept = (
        {} if arguments.geometry is None else {family.geometry: family for family in library_differences.load().family}
    )
    with tempfile.TemporaryDirectory(prefix="zoo-libraries-") as scratch:
        bench = Bench(Path(scratch), arguments.python)
        plans = [plan for plan in PLANS if plan.geometry in wanted]
        for family in families(arguments.assets, arguments.images, bench, plans):
            kept[family.geometry] = family
            if arguments.write:  # after each, so that an interruption loses one
                library_differences.FILE.write_text(toml(_ordered(kept)), encoding="utf-8")
    if not arguments.write:
        print(toml(_ordered(kept)), end="")


def _ordered(found: dict[str, Family]) -> LibraryDifferences:
    """In the order of the plans."""
    places = [plan.geometry for plan in PLANS]
    return LibraryDifferences(family=tuple(sorted(found.values(), key=lambda each: places.index(each.geometry))))


if __name__ == "__main__":
    main()
