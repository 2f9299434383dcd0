"""Latency on a terminal: one row per cell, then what comes before the first answer and before the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from zoo.documents import units
from zoo.records import Report
from zoo.report import text
from zoo.report.baseline import TITLE, BaselineRow, baseline_rows
from zoo.report.cells import Cell, cells, first_of_each, tail_shown
from zoo.report.terminal.console import GAP, STYLES, fold, plain

_NARROWEST_ID = 16
_MOST = 12  # rows of what the first table does not need
_IN_DOUBT = {"inconclusive": "?", "fail": "✗", "no_claim": text.ABSENT, "known": "known"}
LEGEND = (
    "b1t2: batch 1, 2 threads. p50: of all calls, in ms, and the interval of the rounds' medians. GFLOP/s: a core, and "
    "as a share of the probe's. rank: 1 + how many are surely faster; ✓: quotable, and none to compare; ?: not "
    "measurable here; ✗: a check failed."
)


def tables(report: Report, width: int = 100) -> Iterator[Table | Text]:
    """The cells with their legend, what it takes until a first answer, the stages; nothing without a bench."""
    if found := cells(report):
        yield _of_cells(found, width)
        yield Text(LEGEND, style="dim")
        if earlier := baseline_rows(report):
            yield Text()
            yield _of_baseline(earlier, width)
        if any(cell.is_done for cell in found):
            yield Text()
            yield from _of_loading(found, width)
    if report.stages:
        yield Text()
        yield _of_stages(report)


def _of_cells(found: Sequence[Cell], width: int) -> Table:
    tail = tail_shown(found)
    heads = ("framework", "checkpoint", "", "p50", tail, "images/s", "GFLOP/s", "rank")
    lines = [
        (
            cell.framework, cell.size, f"{cell.p50} {cell.interval}" if cell.spread else cell.p50,
            cell.p99 if tail == "p99" else cell.p90, cell.images_per_second, _efficiency(cell), _place(cell),
        )
        for cell in found
    ]  # fmt: skip
    others = [max(map(len, column)) for column in zip((heads[0], *heads[2:]), *lines, strict=True)]
    room = max(_NARROWEST_ID, width - sum(others) - GAP * len(others))
    result = plain(heads, {"p50", tail, "images/s", "GFLOP/s", "rank"}, ("checkpoint",))
    for cell, line in zip(found, lines, strict=True):
        place = Text(line[-1], style=STYLES.get(cell.outcome, ""))
        result.add_row(line[0], Text("\n".join(fold(cell.checkpoint, room))), *map(Text, line[1:-1]), place)
    return result


def _efficiency(cell: Cell) -> str:
    return text.ABSENT if cell.gflops == text.ABSENT else f"{cell.gflops} ({cell.of_probe})"


def _place(cell: Cell) -> str:
    """The rank, or why there is none."""
    if cell.outcome == "pass":
        return cell.rank or "✓"
    return _IN_DOUBT.get(cell.outcome, cell.words)


def _of_loading(found: Sequence[Cell], width: int) -> Iterator[Table | Text]:
    """Once for each checkpoint and framework: loading depends on neither batch nor threads, the first call little."""
    heads = ("framework", "checkpoint", "", "load", "first call", "memory peak", "file")
    result = plain(heads, {"load", "first call", "memory peak", "file"}, ("checkpoint",), "Until the first answer")
    first = first_of_each(found)
    for cell in first[:_MOST]:
        run = cell.run
        result.add_row(
            cell.framework, Text("\n".join(fold(cell.checkpoint, max(_NARROWEST_ID, width - 71)))), cell.size,
            units.duration(run.load_seconds), units.duration(run.first_call_seconds),
            units.megabytes(run.memory_peak), units.megabytes(run.file_bytes),
        )  # fmt: skip
    yield result
    if len(first) > _MOST:
        yield Text(f"{len(first) - _MOST} more are in latency.csv", style="dim")


def _of_baseline(found: Sequence[BaselineRow], width: int) -> Table:
    heads = ("latency run", "ratio", "interval", "")
    result = plain(heads, {"ratio", "interval"}, ("latency run",), TITLE)
    for row in found:
        subject = Text("\n".join(fold(row.subject, width - 40)))
        result.add_row(subject, row.ratio, Text(row.interval), Text(row.words, style=STYLES.get(row.outcome, "")))
    return result


def _of_stages(report: Report) -> Table:
    title = "Before the network, for one image on one core, ms"
    result = plain(("stage", "recipe", "images", "p50", "p90"), {"images", "p50", "p90"}, ("recipe",), title)
    for stage in report.stages:
        p50, p90 = (next((each for each in stage.quantiles if each.level == level), None) for level in (0.5, 0.9))
        result.add_row(
            text.STAGES[stage.stage], Text(text.one_line(stage.recipe)), str(stage.images),
            units.ms(p50.value if p50 else None), units.ms(p90.value if p90 else None, p50.value if p50 else None),
        )  # fmt: skip
    return result
