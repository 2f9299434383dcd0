"""What the geometry of a recipe does, apart from the order and names of its steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from zoo.diagnose.recipes.causes import CROP, DECODER, KNOWN, RESIZE, SCALE, SQUASH
from zoo.records import CentralFraction, CentreCrop, Decode, Geometry, ResizeExact, ResizeShort, ToFloat

Shape = Literal["short", "squash", "central", "cut"]
Resampling = tuple[str, str, bool]  # library, interpolation, antialias


@dataclass(frozen=True)
class Outline:
    """A geometry of one of four shapes, all but the last with one resize.

    short: the short side becomes `size`, then a crop; squash: both sides become `size`, then a crop, if it is larger
    than the side; central: a central share, then both sides become the side; cut: a crop alone.
    size: pixels, of "short" and "squash"; share: of "central", else 1; early: whether floats are resized, divided by
    `divide`; long_side, offset, rounding: how lengths are rounded.
    """

    shape: Shape
    side: int
    decode: Decode
    resample: Resampling | None
    size: int = 0
    share: float = 1.0
    divide: float | None = None
    long_side: str = "truncate"
    offset: str = "round_half_even"
    rounding: str = "tensorflow"

    @property
    def kept(self) -> float:
        """The share of the shorter side that is kept."""
        return self.side / self.size if self.size else self.share

    def sized(self, size: int) -> Outline:
        """With the short side, or both, scaled to another size."""
        return replace(self, size=size, share=1.0)


def of(geometry: Geometry) -> Outline | None:
    """None for a composition that is none of the four shapes."""
    decode, *steps = geometry.steps
    assert isinstance(decode, Decode)
    floats = [step for step in steps if isinstance(step, ToFloat)]
    if len(floats) > 1 or (floats and not isinstance(steps[0], ToFloat)):
        return None
    divide = floats[0].divide if floats else None
    match [step for step in steps if not isinstance(step, ToFloat)]:
        case [ResizeShort() as resize, CentreCrop() as crop]:
            return Outline(
                "short", geometry.side, decode, _resampling(resize), resize.size, divide=divide,
                long_side=resize.long_side, offset=crop.offset,
            )  # fmt: skip
        case [ResizeExact() as resize, CentreCrop() as crop]:
            return Outline(
                "squash", geometry.side, decode, _resampling(resize), resize.size, divide=divide, offset=crop.offset
            )
        case [ResizeExact() as resize]:
            return Outline("squash", geometry.side, decode, _resampling(resize), geometry.side, divide=divide)
        case [CentralFraction() as part, ResizeExact() as resize]:
            return Outline(
                "central", geometry.side, decode, _resampling(resize), share=part.fraction, divide=divide,
                rounding=part.rounding,
            )  # fmt: skip
        case [CentreCrop() as crop]:
            return Outline("cut", geometry.side, decode, None, divide=divide, offset=crop.offset)
    return None


def geometry(outline: Outline, name: str) -> Geometry:
    """The geometry with this outline; raises pydantic.ValidationError where it is impossible."""
    steps: list[object] = [outline.decode]
    if outline.divide is not None:
        steps.append({"op": "to_float", "divide": outline.divide})
    crop = {"op": "centre_crop", "size": outline.side, "offset": outline.offset}
    if outline.resample is None:
        return Geometry.model_validate({"id": name, "steps": [*steps, crop]})
    library, interpolation, antialias = outline.resample
    resample = {"library": library, "interpolation": interpolation, "antialias": antialias}
    if outline.shape == "short":
        steps += [{"op": "resize_short", "size": outline.size, "long_side": outline.long_side, **resample}, crop]
    elif outline.shape == "squash":
        steps += [{"op": "resize_exact", "size": outline.size, **resample}]
        steps += [crop] if outline.size > outline.side else []
    else:
        part = {"op": "central_fraction", "fraction": outline.share, "rounding": outline.rounding}
        steps += [part, {"op": "resize_exact", "size": outline.side, **resample}]
    return Geometry.model_validate({"id": name, "steps": steps})


def differing(old: Geometry, new: Geometry) -> set[str]:
    """The causes that lie between two geometries; "recipe.known" where one has no outline."""
    if old.steps == new.steps:
        return set()
    first, second = of(old), of(new)
    if first is None or second is None:
        return {KNOWN}
    found = set()
    if first.decode != second.decode:
        found.add(DECODER)
    if (first.resample, first.divide is None) != (second.resample, second.divide is None):
        found.add(RESIZE)
    if (first.shape == "squash") != (second.shape == "squash"):
        found.add(SQUASH)
    lengths = [(each.kept, each.long_side, each.offset, each.rounding) for each in (first, second)]
    if lengths[0] != lengths[1] and (first.kept != second.kept or first.shape == second.shape):
        found.add(CROP)
    if not found:  # the same share, cut before the resize or after it
        found.add(CROP if first.shape != second.shape else SCALE)
    return found


def _resampling(step: ResizeShort | ResizeExact) -> Resampling:
    return step.library, step.interpolation, step.antialias
