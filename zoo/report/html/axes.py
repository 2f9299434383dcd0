"""Axes of drawings: where a value is drawn, and which values get a label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Ticks = tuple[tuple[float, str], ...]  # (position, label)

PADDING = 1.13  # a logarithmic axis reaches beyond its outermost values by this factor
WIDTH, LEFT, RIGHT, TOP, BELOW = 640, 56, 624, 16, 42  # of a drawing with two axes; BELOW: for what stands under it


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of a horizontal axis: where it begins, and its width."""

    x: float
    width: float


@dataclass(frozen=True)
class Axis:
    """A linear axis: the values `low` and `high` are drawn at `start` and `end`, which are percent or pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The position of a value; what lies beyond an end of the axis is drawn at that end."""
        low, high, inside = map(self._scaled, (self.low, self.high, min(max(value, self.low), self.high)))
        return round(self.start + (inside - low) / (high - low) * (self.end - self.start), 2)

    def span(self, low: float, high: float) -> Span:
        """The stretch between two values."""
        left, right = self.at(low), self.at(high)
        return Span(x=left, width=round(right - left, 2))

    def _scaled(self, value: float) -> float:
        return value


class LogAxis(Axis):
    """A logarithmic axis; all values are above 0."""

    @classmethod
    def around(cls, values: Sequence[float], start: float, end: float) -> LogAxis:
        """The axis that holds these values, and a little more on both sides."""
        return cls(min(values) / PADDING, max(values) * PADDING, start, end)

    def ticks(self) -> Ticks:
        """Positions and labels of round values."""
        return tuple((self.at(value), f"{value:g}") for value in round_values(self.low, self.high))

    def _scaled(self, value: float) -> float:
        return math.log(value)


def round_values(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two numbers; more where these are fewer than two.

    >>> round_values(3, 120)
    [5.0, 10.0, 20.0, 50.0, 100.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9), tuple(number / 10 for number in range(10, 100))):
        candidates = [float(f"{digit * 10.0**power:.6g}") for power in powers for digit in digits]
        inside = [value for value in candidates if low <= value <= high]
        if len(inside) >= 2:
            break
    return inside


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What surrounds a drawing with two axes, pixels: the ticks, and a title for each axis."""

    height: int
    x_ticks: Ticks
    y_ticks: Ticks
    x_title: str
    y_title: str
    width: int = WIDTH
    left: int = LEFT
    right: int = RIGHT

    @property
    def bottom(self) -> int:
        """Where the horizontal axis lies."""
        return self.height - BELOW
