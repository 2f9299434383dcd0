"""The plot of latencies on a logarithmic axis: one for each batch size and number of threads; positions in percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from zoo.report import text
from zoo.report.cells import Cell
from zoo.report.html.axes import log_ticks
from zoo.report.html.plot import Span

_MARGIN = 5.0  # percent of the width kept free at both ends
_LEAST = 1.2  # ratio of the axis' ends, so that cells that are alike are not drawn far apart


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One cell: where its p50 lies, and the interval of its rounds' medians."""

    cell: Cell
    mark: float
    interval: Span | None


@dataclass(frozen=True, kw_only=True)
class Dots:
    """One drawing, the fastest first. ticks: (position, milliseconds)."""

    title: str
    dots: tuple[Dot, ...]
    ticks: tuple[tuple[float, str], ...]


def dot_plots(found: Sequence[Cell]) -> list[Dots]:
    """Finished cells by batch size and threads; what was asked for alike has one axis."""
    groups: dict[tuple[int, int], list[Cell]] = {}
    for cell in found:
        if cell.is_done and cell.run.p50 > 0:
            groups.setdefault((cell.run.batch_size, cell.run.threads), []).append(cell)
    return [_drawn(batch, threads, groups[batch, threads]) for batch, threads in sorted(groups)]


def _drawn(batch: int, threads: int, found: Sequence[Cell]) -> Dots:
    ends = [end for cell in found for end in (cell.run.p50, *(cell.spread or ())) if end > 0]
    low, high = min(ends) * 1000, max(ends) * 1000
    if high < low * _LEAST:
        low, high = (math.sqrt(low * high) * factor for factor in (_LEAST**-0.5, _LEAST**0.5))

    def across(seconds: float) -> float:
        place = math.log(max(seconds * 1000, low) / low) / math.log(high / low)
        return round(_MARGIN + place * (100 - 2 * _MARGIN), 2)

    def span(cell: Cell) -> Span | None:
        if cell.spread is None:
            return None
        left, right = (across(end) for end in cell.spread[1:])
        return Span(x=left, width=round(right - left, 2))

    ordered = sorted(found, key=lambda cell: cell.run.p50)
    return Dots(
        title=f"Batch {batch}, {text.counted(threads, 'thread')}",
        dots=tuple(Dot(cell=cell, mark=across(cell.run.p50), interval=span(cell)) for cell in ordered),
        ticks=tuple((across(tick / 1000), f"{tick:g}") for tick in log_ticks(low, high)),
    )
