"""The plots of accuracy against multiply-adds and against time: positions in a drawing of fixed size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from zoo.documents import formatting
from zoo.report import text
from zoo.report.html.axes import BELOW, LEFT, RIGHT, TOP, Axis, Frame, LogAxis
from zoo.report.latency_rows import LatencyRow
from zoo.report.run_rows import RunRow

_HEIGHT = 340
_SPREAD = 1.1  # least ratio of the costs that is worth a drawing


class Dot(NamedTuple):
    """A run, where it lies, and its cost in words."""

    x: float
    y: float
    row: RunRow
    cost: str


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """One drawing. cost: its name for a column; left_out: how many runs have no cost."""

    image_set: str
    cost: str
    dots: tuple[Dot, ...]
    frame: Frame
    left_out: int


def against_multiply_adds(rows: Sequence[RunRow], costs: Mapping[str, int]) -> list[Scatter]:
    """Top-1 by the multiply-adds of one image, a drawing for each set of images on which networks differ in cost."""
    pairs = [(row, costs.get(row.run.checkpoint, 0) / 1e6) for row in rows]
    title = "multiply-adds of one image, millions"
    return _by_images(pairs, title=title, cost="multiply-adds", words=lambda millions: f"{millions:.0f} M")


def against_latency(rows: Sequence[RunRow], latencies: Sequence[LatencyRow]) -> list[Scatter]:
    """Top-1 by the p50 of batch 1 of the same file in the same framework, a drawing for each number of threads.

    Only of numbers that can be quoted; how many runs that leaves out is said.
    """
    drawn = []
    for threads in sorted({row.run.threads for row in latencies}):
        own = [row for row in latencies if row.run.batch_size == 1 and row.run.threads == threads]
        known = {(row.run.checkpoint, row.run.framework): row for row in own}
        pairs = [(row, known.get((row.run.checkpoint, row.run.framework))) for row in rows]
        timed_pairs = [(row, timed) for row, timed in pairs if timed is not None]
        drawn += _by_images(
            [(row, timed.median * 1000) for row, timed in timed_pairs if timed.outcome == "pass"],
            title=f"p50 of batch 1, {text.counted(threads, 'thread')}, ms",
            cost="p50",
            words=lambda value: formatting.precise_milliseconds(value / 1000),
            left_out=sum(timed.outcome != "pass" for _, timed in timed_pairs),
        )
    return drawn


def _by_images(pairs: Sequence[tuple[RunRow, float]], **how: Any) -> list[Scatter]:
    by_images: dict[str, list[tuple[RunRow, float]]] = {}
    for row, cost in pairs:
        if row.run.status == "done" and row.run.n and cost > 0:
            by_images.setdefault(row.run.image_set, []).append((row, cost))
    costs = {images: [cost for _, cost in each] for images, each in by_images.items()}
    worth = [images for images, values in costs.items() if max(values) >= _SPREAD * min(values)]
    return [_drawn(by_images[images], **how) for images in worth]


def _drawn(
    costly: Sequence[tuple[RunRow, float]], *, title: str, cost: str, words: Callable[[float], str], left_out: int = 0
) -> Scatter:
    """costly: finished runs with what each costs; words: a cost with its unit; left_out: runs whose cost is unknown."""
    tops = [row.run.accuracy("top1") for row, _ in costly]
    low, high, step = _bounds(min(tops), max(tops))
    x = LogAxis.around([value for _, value in costly], LEFT, RIGHT)
    y = Axis(low, high, _HEIGHT - BELOW, TOP)
    shares = [low + step * number for number in range(round((high - low) / step) + 1)]
    return Scatter(
        image_set=costly[0][0].run.image_set,
        cost=cost,
        dots=tuple(
            Dot(x.at(value), y.at(top), row, words(value)) for (row, value), top in zip(costly, tops, strict=True)
        ),
        frame=Frame(
            height=_HEIGHT,
            x_ticks=x.ticks(),
            y_ticks=tuple((y.at(share), text.percent(share, 0)) for share in shares),
            x_title=title,
            y_title="top-1, percent",
        ),
        left_out=left_out,
    )


def _bounds(low: float, high: float) -> tuple[float, float, float]:
    """Whole steps around the values: (first, last, step)."""
    reach = max(high - low, 0.01)
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if reach / step <= 6 or step == 0.2)
    return math.floor(low / step) * step, (math.floor(high / step) + 1) * step, step
