"""Accuracy against what it costs: positions in a drawing of fixed size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.report import text
from zoo.report.rows import Row

WIDTH, HEIGHT = 640, 340
_SPREAD = 1.1  # least ratio of the costs that is worth a drawing
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 14, 42


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A run: where it lies, which mark it gets, and its numbers in words."""

    x: float
    y: float
    outcome: str
    number: int
    subject: str
    cost: str
    accuracy: str


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """One drawing. ticks: (position, label); cost: its name for a column."""

    image_set: str
    cost: str
    dots: tuple[Dot, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    x_title: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    bottom: int = HEIGHT - _BOTTOM
    right: int = WIDTH - _RIGHT


def against_multiply_adds(rows: Sequence[Row], costs: Mapping[str, int]) -> list[Scatter]:
    """Top-1 by the multiply-adds of one image, a drawing for each set of images on which networks differ in cost."""
    millions = {name: value / 1e6 for name, value in costs.items()}
    by_images: dict[str, list[Row]] = {}
    for row in rows:
        if row.run.status == "done" and row.run.n and millions.get(row.run.checkpoint, 0) > 0:
            by_images.setdefault(row.run.image_set, []).append(row)
    title = "multiply-adds of one image, millions"
    drawn = (scatter(found, millions, title=title, cost="multiply-adds", unit="M") for found in by_images.values())
    return [each for each in drawn if each is not None]


def scatter(found: Sequence[Row], costs: Mapping[str, float], *, title: str, cost: str, unit: str) -> Scatter | None:
    """Top-1 of finished runs, the cost on a logarithmic axis; None where all cost nearly the same."""
    values = [costs[row.run.checkpoint] for row in found]
    if max(values) < _SPREAD * min(values):
        return None
    tops = [row.run.top1_correct / row.run.n for row in found]
    low, high, step = _bounds(min(tops), max(tops))
    left, right = math.log(min(values)) - 0.15, math.log(max(values)) + 0.15

    def across(value: float) -> float:
        return round(_LEFT + (math.log(value) - left) / (right - left) * (WIDTH - _LEFT - _RIGHT), 1)

    def down(share: float) -> float:
        return round(_TOP + (high - share) / (high - low) * (HEIGHT - _TOP - _BOTTOM), 1)

    dots = [
        Dot(
            x=across(value), y=down(top), outcome=row.verdicts[0][0], number=number, subject=row.run.subject,
            cost=f"{value:.0f} {unit}", accuracy=row.top1,
        )
        for number, (row, value, top) in enumerate(zip(found, values, tops, strict=True), start=1)
    ]  # fmt: skip
    shares = [low + step * number for number in range(round((high - low) / step) + 1)]
    return Scatter(
        image_set=found[0].run.image_set,
        cost=cost,
        dots=tuple(dots),
        x_ticks=tuple((across(value), f"{value:g}") for value in _ticks(math.exp(left), math.exp(right))),
        y_ticks=tuple((down(share), text.percent(share, 0)) for share in shares),
        x_title=title,
    )


def _bounds(low: float, high: float) -> tuple[float, float, float]:
    """Whole steps around the values: (first, last, step)."""
    reach = max(high - low, 0.01)
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if reach / step <= 6 or step == 0.2)
    return math.floor(low / step) * step, (math.floor(high / step) + 1) * step, step


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten; more where these are fewer than two."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9), tuple(number / 10 for number in range(10, 100))):
        ticks = [float(f"{digit * 10.0**power:.6g}") for power in powers for digit in digits]
        shown = [tick for tick in ticks if low <= tick <= high]
        if len(shown) >= 2:
            return shown
    return shown
