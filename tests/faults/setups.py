"""What one run is made of before anything is written: network, recipe, images and labels, as plain values.

A fault is a small function from a good setup to a bad one. `tests.faults.planting` writes a setup as a zoo folder.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from tests.by_hand import onnx_edits, weight_edits
from tests.by_hand.real_networks import REAL
from tests.by_hand.reconstructed import canonical_tensors
from zoo import disk

CHECKPOINT = "onnx"  # of the embedded zoo: whose documented numbers the embedded setup has


@dataclass(frozen=True)
class Picture:
    """An image as it will lie in the folder: its name, its label as a label file has it; edit: of its bytes."""

    name: str
    label: str
    source: Path
    edit: Callable[[bytes], bytes] | None = None


@dataclass(frozen=True)
class Outputs:
    """The label map: output i is class i - first. names: as the data file has them, in TOML."""

    outputs: int
    classes: int
    first: int = 0
    names: str = ""


@dataclass(frozen=True)
class Setup:
    """Everything that one run depends on.

    built: the architecture that the file is written with; documented: what the record says of it. published: a file
    that is taken as it is, in place of tensors. graph: an edit of the ONNX file; quantised: "QDQ" or "QOperator" where
    the ONNX file is quantised before that edit. geometry, numeric: steps in TOML, without the layout. layout: of the
    input of an ONNX file; other formats have their own. external: tensors in a file of their own.
    labels_as: "csv", or "folders" with the classes' numbers as names.
    accuracy: documented percentages by metric; None where they are measured on the good setup before.
    words: more arguments of the command. stale: the answers were kept for images in another order.
    """

    tensors: weight_edits.Tensors
    built: dict[str, Any]
    documented: dict[str, Any]
    geometry: tuple[str, ...]
    numeric: tuple[str, ...]
    outputs: Outputs
    pictures: tuple[Picture, ...]
    published: Path | None = None
    graph: onnx_edits.Edit | None = None
    quantised: str = ""
    layout: str = "nchw"
    external: bool = False
    labels_as: str = "csv"
    accuracy: dict[str, str] | None = None
    words: tuple[str, ...] = ()
    stale: bool = False


def divide(by: float) -> str:
    """A numeric step."""
    return f'{{ op = "divide", by = {by} }}'


def normalise(mean: tuple[float, ...], std: tuple[float, ...]) -> str:
    """A numeric step."""
    return f'{{ op = "normalise", mean = {list(mean)}, std = {list(std)} }}'


def decode(library: str = "pil", exif: str = "ignore") -> str:
    """A geometry step."""
    return f'{{ op = "decode", library = "{library}", exif = "{exif}" }}'


def resample(library: str, interpolation: str, antialias: bool) -> str:
    """The fields of a resize."""
    return f'library = "{library}", interpolation = "{interpolation}", antialias = {str(antialias).lower()}'


PIL_BILINEAR = resample("pil", "bilinear", True)
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def short(size: int, how: str = PIL_BILINEAR, long_side: str = "truncate") -> str:
    """A geometry step: the short side to `size`."""
    return f'{{ op = "resize_short", size = {size}, {how}, long_side = "{long_side}" }}'


def exact(size: int, how: str = PIL_BILINEAR) -> str:
    """A geometry step: both sides to `size`."""
    return f'{{ op = "resize_exact", size = {size}, {how} }}'


def crop(size: int, offset: str = "round_half_even") -> str:
    """A geometry step."""
    return f'{{ op = "centre_crop", size = {size}, offset = "{offset}" }}'


@cache
def embedded() -> Setup:
    """The embedded network with its recipe, its images and its documented numbers."""
    training = json.loads((disk.EMBEDDED / "training.json").read_text(encoding="utf-8"))
    with (disk.EMBEDDED / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (disk.EMBEDDED / "claims.csv").open(newline="", encoding="utf-8") as file:
        stated = {row["metric"]: row["value"] for row in csv.DictReader(file) if row["checkpoint"].endswith(CHECKPOINT)}
    network = training["network"]
    images = disk.EMBEDDED / "images"
    return Setup(
        tensors=load_file(disk.EMBEDDED / "weights.safetensors"),
        built=network,
        documented=network,
        geometry=(decode(), short(110), crop(96)),
        numeric=(divide(255), normalise(*IMAGENET)),
        outputs=Outputs(network["classes"], network["classes"], names=json.dumps(training["classes"])),
        pictures=tuple(Picture(row["file"], row["class_index"], images / row["file"]) for row in rows),
        accuracy=stated,
    )


def reconstructed(assets: Path, padding: str, images: int = 400) -> Setup:
    """A reconstructed real network of this padding, with images at their original sizes.

    Its documented numbers are what it gives here: those of the published network are about other images.
    """
    name, network, (mean, std) = REAL[padding]
    return Setup(
        tensors=canonical_tensors(assets / "reconstructed" / name, network),
        built=asdict(network),
        documented=asdict(network),
        geometry=(decode(), short(256), crop(224)),
        numeric=(divide(255), normalise(tuple(mean), tuple(std))),
        outputs=Outputs(network.classes, 1000, network.classes - 1000, '"imagenet"'),
        pictures=_original_sizes(assets, images),
    )


def published(assets: Path, images: int = 400) -> Setup:
    """The published int8 file of the ONNX model zoo."""
    network = asdict(REAL["symmetric"][1])
    return Setup(
        tensors={},
        built=network,
        documented=network,
        published=assets / "checkpoints" / "mobilenetv2-12-int8.onnx",
        geometry=(decode(), short(256), crop(224)),
        numeric=(divide(255), normalise(*IMAGENET)),
        outputs=Outputs(1000, 1000, 0, '"imagenet"'),
        pictures=_original_sizes(assets, images),
    )


def _original_sizes(assets: Path, count: int) -> tuple[Picture, ...]:
    """The first images of the real sample, under numbers that say nothing of their class."""
    folder = assets / "images" / "imagenet_sample_1000"
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    step = max(1, len(rows) // count)
    return tuple(
        Picture(f"{number:04d}.jpeg", row["class_index"], folder / row["file"])
        for number, row in enumerate(rows[::step])
    )


def good(base: str, assets: Path | None = None) -> Setup:
    """The good setup of this name. Real ones need the assets."""
    if base == "embedded":
        return embedded()
    if base in ("QDQ", "QOperator"):
        return replace(embedded(), quantised=base, accuracy=None)
    if assets is None:
        raise ValueError(f"the setup {base!r} needs real weights and images (ZOO_ASSETS)")
    return published(assets) if base == "published" else reconstructed(assets, base)
