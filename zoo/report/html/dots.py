"""The plot of latencies on a logarithmic axis: one for each batch size and number of threads; positions in percent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.report import text
from zoo.report.html.axes import LogAxis
from zoo.report.latency_rows import LatencyRow

_START, _END = 3.0, 97.0  # of the axis, percent of the width


@dataclass(frozen=True, kw_only=True)
class Dots:
    """One drawing, the fastest first; the axis is of milliseconds."""

    title: str
    rows: tuple[LatencyRow, ...]
    axis: LogAxis


def dot_plots(rows: Sequence[LatencyRow]) -> list[Dots]:
    """Finished cells by batch size and threads; what was asked for alike has one axis."""
    groups: dict[tuple[int, int], list[LatencyRow]] = {}
    for row in rows:
        if row.is_done and row.median > 0:
            groups.setdefault((row.run.batch_size, row.run.threads), []).append(row)
    return [_drawn(batch, threads, groups[batch, threads]) for batch, threads in sorted(groups)]


def _drawn(batch: int, threads: int, rows: Sequence[LatencyRow]) -> Dots:
    times = [time * 1000 for row in rows for time in (row.median, *(row.spread or ())) if time > 0]
    return Dots(
        title=f"Batch {batch}, {text.counted(threads, 'thread')}",
        rows=tuple(sorted(rows, key=lambda row: row.median)),
        axis=LogAxis.around(times, _START, _END),
    )
