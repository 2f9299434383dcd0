"""What the numeric steps of a recipe do, as one line per channel: x * factor + offset, for pixels of 0 to 255."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoo.records import Channels, Divide, Normalise, Recipe, Subtract

Floats = NDArray[np.float64]
NEAR = 0.001  # numbers that differ by less were only rounded otherwise


@dataclass(frozen=True)
class Affine:
    """factor, offset: float64 (3,), by colour: red, green, blue; order: in which the network gets the colours."""

    order: Literal["rgb", "bgr"]
    factor: Floats
    offset: Floats

    def rounded(self) -> tuple[object, ...]:
        """Equal where the results are the same but for the rounding of floats."""
        return self.order, *(float(f"{value:.4e}") + 0.0 for value in (*self.factor, *self.offset))

    def alike(self, other: Affine) -> bool:
        """Whether both give nearly the same numbers for each colour."""
        # Three quarters of all pixels lie between these two.
        return all(
            bool(np.allclose(self.factor * x + self.offset, other.factor * x + other.offset, rtol=NEAR, atol=NEAR * 2))
            for x in (40.0, 200.0)
        ) and bool(np.allclose(self.factor, other.factor, rtol=NEAR))

    def scaled_as(self, other: Affine) -> bool:
        """Whether only the unit of the pixels differs: mean and standard deviation would be the same numbers."""
        ratio = self.factor / other.factor
        return bool(np.allclose(ratio, ratio[0], rtol=NEAR)) and bool(
            np.allclose(self.offset, other.offset, rtol=NEAR, atol=NEAR * 2)
            or np.allclose(self.offset / self.factor, other.offset / other.factor, rtol=NEAR, atol=1)
        )


def of(recipe: Recipe) -> Affine:
    """Of a recipe's numeric steps, with what its geometry has divided by."""
    factor, offset = np.full(3, 1 / recipe.geometry.divided_by), np.zeros(3)  # by place
    colours = [0, 1, 2]  # the colour at each place
    for step in recipe.numeric.steps:
        match step:
            case Divide():
                factor, offset = factor / step.by, offset / step.by
            case Subtract():
                offset = offset - step.value
            case Normalise():
                std = np.asarray(step.std)
                factor, offset = factor / std, (offset - np.asarray(step.mean)) / std
            case Channels():
                factor, offset, colours = factor[::-1], offset[::-1], colours[::-1]
            case _:
                pass
    places = np.argsort(colours)
    return Affine("rgb" if colours[0] == 0 else "bgr", factor[places], offset[places])
