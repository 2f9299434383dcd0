"""The latencies on a logarithmic axis: positions in percent of the width, a drawing for each batch and threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.report import text
from zoo.report.cells import Cell
from zoo.report.html.axes import LogAxis, Span, Ticks

_START, _END = 3.0, 97.0  # of the axis, percent of the width


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
    ticks: Ticks


def dot_plots(found: Sequence[Cell]) -> list[Dots]:
    """Finished cells by batch size and threads; what was asked for alike has one axis."""
    groups: dict[tuple[int, int], list[Cell]] = {}
    for cell in found:
        if cell.is_done and cell.run.p50 > 0:
            groups.setdefault((cell.run.batch_size, cell.run.threads), []).append(cell)
    return [_drawn(batch, threads, groups[batch, threads]) for batch, threads in sorted(groups)]


def _drawn(batch: int, threads: int, found: Sequence[Cell]) -> Dots:
    times = [time * 1000 for cell in found for time in (cell.run.p50, *(cell.spread or ())) if time > 0]
    axis = LogAxis.around(times, _START, _END)
    dots = [
        Dot(
            cell=cell,
            mark=axis.at(cell.run.p50 * 1000),
            interval=axis.span(*(end * 1000 for end in cell.spread[1:])) if cell.spread else None,
        )
        for cell in sorted(found, key=lambda cell: cell.run.p50)
    ]
    return Dots(title=f"Batch {batch}, {text.counted(threads, 'thread')}", dots=tuple(dots), ticks=axis.ticks())
