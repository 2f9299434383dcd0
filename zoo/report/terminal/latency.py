"""Latency on a terminal: one row per cell, then what comes before the first answer and before the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from zoo.records import Report
from zoo.report import text
from zoo.report.baseline import TITLE, BaselineRow, baseline_rows
from zoo.report.latency_rows import LatencyRow, first_of_each, latency_rows, stage_times, tail_shown
from zoo.report.terminal.console import GAP, STYLES, folded, plain

_NARROWEST_ID = 16
_MOST = 12  # rows of what the first table does not need
_IN_DOUBT = {"inconclusive": "?", "fail": "✗", "no_claim": text.ABSENT, "known": "known"}
LEGEND = (
    "b1t2: batch 1, 2 threads. p50: in ms, averaged over processes, and its interval. GFLOP/s: a core, and as a share "
    "of the probe's; > probe: above it. rank: 1 + how many are surely faster; ✓: quotable, and none to compare; ?: not "
    "measurable here; ✗: a check failed."
)


def tables(report: Report, width: int = 100) -> Iterator[Table | Text]:
    """The cells with their legend, what it takes until a first answer, the stages; nothing without a bench."""
    if rows := latency_rows(report):
        yield _of_runs(rows, width)
        yield Text(LEGEND, style="dim")
        if earlier := baseline_rows(report):
            yield Text()
            yield _of_baseline(earlier, width)
        if any(row.is_done for row in rows):
            yield Text()
            yield from _of_loading(rows, width)
    if report.stages:
        yield Text()
        yield _of_stages(report)


def _of_runs(rows: Sequence[LatencyRow], width: int) -> Table:
    tail = tail_shown(rows)
    heads = ("framework", "checkpoint", "", "p50", tail, "images/s", "GFLOP/s", "rank")
    lines = [
        (
            row.framework, row.size, row.p50_and_interval, getattr(row, tail), row.images_per_second, row.efficiency,
            _place(row),
        )
        for row in rows
    ]  # fmt: skip
    others = [max(map(len, column)) for column in zip((heads[0], *heads[2:]), *lines, strict=True)]
    room = max(_NARROWEST_ID, width - sum(others) - GAP * len(others))
    result = plain(heads, (tail, "p50", "images/s", "GFLOP/s", "rank"), ("checkpoint",))
    for row, line in zip(rows, lines, strict=True):
        place = Text(line[-1], style=STYLES.get(row.outcome, ""))
        result.add_row(line[0], folded(row.checkpoint, room), *map(Text, line[1:-1]), place)
    return result


def _place(row: LatencyRow) -> str:
    """The rank, or why there is none."""
    if row.outcome == "pass":
        return row.rank or "✓"
    return _IN_DOUBT.get(row.outcome, row.words)


def _of_loading(rows: Sequence[LatencyRow], width: int) -> Iterator[Table | Text]:
    """Once for each checkpoint and framework: loading depends on neither batch nor threads, the first call little."""
    first = first_of_each(rows)
    heads = [head for head in first[0].loading if head != "memory before"]
    title = "Until the first answer"
    result = plain(("framework", "checkpoint", "", *heads), heads, ("checkpoint",), title)
    for row in first[:_MOST]:
        checkpoint = folded(row.checkpoint, max(_NARROWEST_ID, width - 71))
        result.add_row(row.framework, checkpoint, row.size, *(row.loading[head] for head in heads))
    yield result
    if len(first) > _MOST:
        yield Text(f"{len(first) - _MOST} more are in latency.csv", style="dim")


def _of_baseline(rows: Sequence[BaselineRow], width: int) -> Table:
    heads = ("latency run", "ratio", "interval", "")
    result = plain(heads, ("ratio", "interval"), ("latency run",), TITLE)
    for row in rows:
        subject = folded(row.subject, width - 40)
        result.add_row(subject, row.ratio, Text(row.interval), Text(row.words, style=STYLES.get(row.outcome, "")))
    return result


def _of_stages(report: Report) -> Table:
    title = "Before the network, for one image on one core, ms"
    numbers = ("images", "p50", "p90")
    result = plain(("stage", "recipe", *numbers), numbers, ("recipe",), title)
    for each in report.stages:
        p50, _, p90 = stage_times(each)
        result.add_row(text.STAGES[each.stage], Text(text.one_line(each.recipe)), str(each.images), p50, p90)
    return result
