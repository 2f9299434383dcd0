"""What a recipe does to an image, whichever library does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from zoo.records import (
    CentralFraction,
    CentreCrop,
    Channels,
    Decode,
    Divide,
    GeometryStep,
    Normalise,
    Recipe,
    ResizeExact,
    ResizeShort,
    Subtract,
    ToFloat,
)
from zoo.rules.claims.base import decimal

Numbers = tuple[Fraction, Fraction, Fraction]
SLACK = Fraction(1, 1000)  # relative; printed constants have four digits at least
DETAILS = {"library", "exif", "rounding", "long_side", "offset"}  # of a step: how a library carries it out


@dataclass(frozen=True)
class Affine:
    """What becomes of a pixel 0..255 of each colour: (x - mean) / scale, by R, G, B; order: the network's channels."""

    mean: Numbers
    scale: Numbers
    order: str

    def differences(self, other: Affine) -> list[str]:
        """Where two differ, in words with numbers."""
        differences = [f"channel order {self.order} against {other.order}"] * (self.order != other.order)
        for name in ("mean", "scale"):
            for colour, one, two in zip("RGB", getattr(self, name), getattr(other, name), strict=True):
                if abs(one - two) > SLACK * max(abs(one), abs(two)):
                    share = f" ({float((two - one) / one) * 100:+.2f} %)" if one else ""
                    differences.append(f"{name} of {colour} {decimal(one, 4)} against {decimal(two, 4)}{share}")
        return differences


def affine(recipe: Recipe) -> Affine:
    """The numeric steps of a recipe as one step on pixels 0..255."""
    divided = [step.divide for step in recipe.geometry.steps if isinstance(step, ToFloat)]
    factor = [1 / Fraction(str(divided[0])) if divided else Fraction(1)] * 3
    offset, order = [Fraction(0)] * 3, "rgb"
    for step in recipe.numeric.steps:
        if isinstance(step, Divide):
            factor, offset = ([value / Fraction(str(step.by)) for value in each] for each in (factor, offset))
        elif isinstance(step, Subtract):
            offset = [value - Fraction(str(step.value)) for value in offset]
        elif isinstance(step, Normalise):
            mean, std = ([Fraction(str(value)) for value in each] for each in (step.mean, step.std))
            factor = [value / by for value, by in zip(factor, std, strict=True)]
            offset = [(value - less) / by for value, less, by in zip(offset, mean, std, strict=True)]
        elif isinstance(step, Channels):
            order, factor, offset = step.order, factor[::-1], offset[::-1]
    if order == "bgr":
        factor, offset = factor[::-1], offset[::-1]
    scale = [1 / value for value in factor]
    return Affine(three([-less * by for less, by in zip(offset, scale, strict=True)]), three(scale), order)


def three(values: Sequence[Fraction]) -> Numbers:
    """One value for each colour."""
    one, two, three_ = values
    return one, two, three_


def placement(recipe: Recipe) -> list[dict[str, object]]:
    """Resizes and crops, without what depends on the library that carries them out."""
    return [_step(step) for step in recipe.geometry.steps if not isinstance(step, Decode | ToFloat)]


def _step(step: GeometryStep) -> dict[str, object]:
    return {name: value for name, value in step.to_json().items() if name not in DETAILS}


def kept_side(recipe: Recipe) -> Fraction | None:
    """The share of an image's short side that a recipe's crop keeps; None where it is not one number."""
    share, short = Fraction(1), None
    for step in recipe.geometry.steps:
        if isinstance(step, CentralFraction):
            share *= Fraction(str(step.fraction))
        elif isinstance(step, ResizeShort | ResizeExact):
            short = step.size
        elif isinstance(step, CentreCrop):
            share = share * step.size / short if short else share
    return share


def in_words(recipe: Recipe) -> str:
    """ "short side to 256 by bilinear, then the central 224 x 224"."""
    steps = []
    for step in recipe.geometry.steps:
        if isinstance(step, CentralFraction):
            steps.append(f"the central {step.fraction:g} of each side")
        elif isinstance(step, ResizeShort):
            steps.append(f"short side to {step.size} by {step.interpolation}")
        elif isinstance(step, ResizeExact):
            steps.append(f"squashed to {step.size} x {step.size} by {step.interpolation}")
        elif isinstance(step, CentreCrop):
            steps.append(f"the central {step.size} x {step.size}")
    return ", then ".join(steps)
