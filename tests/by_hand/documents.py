"""Documents built by hand for the tests of the rules C."""

from __future__ import annotations

from typing import Any

from zoo.records import Checkpoint, Claim, File, Population, Recipe, Source
from zoo.records.statements import (
    Statement,
)
from zoo.rules.base import Evidence
from zoo.rules.judge import CLAIM_RULES

POPULATION = Population(id="val", title="validation images", images=50_000, id_pattern="{n}", per_class=50)
SHA = {letter: letter * 64 for letter in "abc"}


def claim(name: str = "one", **changes: Any) -> Claim:
    """A top-1 of 71.8 % of checkpoint "a/net"; decimals follow from the value, the population from the metric."""
    fields: dict[str, Any] = {
        "id": name, "checkpoint": "a/net", "model": "net", "alpha": 1.0, "resolution": 224, "framework": "torch",
        "metric": "top1", "value": "71.8", "unit": "percent", "source": "page", "place": f"row {name}, column figures",
    } | changes  # fmt: skip
    fields["decimals"] = len(fields["value"].partition(".")[2])
    if fields["metric"] in ("top1", "top5"):
        fields |= {"population": "val", "n_images": fields.get("n_images", 50_000)}
    return Claim(**fields)


def checkpoint(name: str = "a/net", sha256: str = SHA["a"], **changes: Any) -> Checkpoint:
    """One file, MobileNetV2 1.0 at 224 with 1000 classes."""
    fields: dict[str, Any] = {
        "id": name, "framework": "torch", "format": "torch_state_dict", "recipe": "r", "label_map": "m",
        "files": (File(name="net.pth", sha256=sha256),), "network": {"alpha": 1.0, "resolution": 224, "classes": 1000},
    }  # fmt: skip
    return Checkpoint(**(fields | changes))


def evidence(
    *claims: Claim, checkpoints: tuple[Checkpoint, ...] = (), statements: tuple[Statement, ...] = (), **more: Any
) -> Evidence:
    """The documents of one test."""
    return Evidence(
        claims=claims,
        checkpoints={each.id: each for each in checkpoints or (checkpoint(),)},
        populations={"val": POPULATION},
        sources={"page": Source(id="page", title="A page", url="https://example.org/page")},
        statements=statements,
        **more,
    )


RULES = {rule.id: rule for rule in CLAIM_RULES}


def recipe(name: str, short: int = 256, std: float = 0.229, bgr: bool = False) -> Recipe:
    """Short side `short`, crop 224; the publisher's constants, or pixels as BGR for a converted network."""
    resize = {"size": short, "library": "pil", "interpolation": "bilinear", "antialias": True, "long_side": "truncate"}
    geometry = [
        {"op": "decode", "library": "pil", "exif": "ignore"}, {"op": "resize_short", **resize},
        {"op": "centre_crop", "size": 224, "offset": "floor"},
    ]  # fmt: skip
    numeric: list[dict[str, Any]] = [{"op": "layout", "order": "nchw"}]
    if bgr:
        numeric = [{"op": "channels", "order": "bgr"}, *numeric]
    else:
        constants = {"mean": (0.485, 0.456, 0.406), "std": (std, 0.224, 0.225)}
        numeric = [{"op": "divide", "by": 255}, {"op": "normalise", **constants}, *numeric]
    return Recipe.from_json(
        {"id": name, "geometry": {"id": "g", "steps": geometry}, "numeric": {"id": "n", "steps": numeric}}
    )
