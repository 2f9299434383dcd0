"""Latency in Markdown: a short table, why numbers cannot be quoted, and the rest folded.

The rounds are left to the page, and what a bench repeats for every cell: a comment on a pull request holds 65,536
characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.documents import units
from zoo.records import Report, Verdict
from zoo.report import text
from zoo.report.baseline import TITLE, BaselineRow, baseline_rows
from zoo.report.cells import Cell, cells, first_of_each, reasons, tail_shown
from zoo.report.markdown.marks import escape, folded, marked, name, table

_LEGEND = (
    "b1t2: batch 1, 2 threads. p50 and its interval, that of the rounds' medians, in ms; GFLOP/s of a core, and as a "
    "share of the probe's. Rank: 1 + how many of the same network, run in alternation, are surely faster."
)
TIMED_CHECKS = ("quotable_latency", "timed_answers", "timed_conditions")
_MOST = 8  # reasons that are seen at once


def sections(report: Report) -> Iterator[str]:
    """The parts of report.md that a bench adds; nothing without one."""
    if found := cells(report):
        yield "### Latency"
        yield _table(found)
        yield _LEGEND
        if said := reasons(found):
            lines = "\n".join(f"- {escape(text.listed(names))}: {escape(reason)}" for reason, names in said.items())
            yield lines if len(said) <= _MOST else folded(f"Why {len(said)} cannot be quoted", lines)
        if earlier := baseline_rows(report):
            yield _earlier(earlier)
        if any(cell.is_done for cell in found):
            yield folded("Loading and memory", _loading(found))
    if report.stages:
        yield folded("Before the network", _stages(report))
    if any(is_left_out(verdict) for verdict in report.verdicts):
        yield "Checks of latencies that passed, and documented latencies, are in report.html and verdicts.csv."


def is_left_out(verdict: Verdict) -> bool:
    """What the table says already (L101 to L103 that pass), and what is never judged (L301)."""
    return verdict.topic == "documented_latency" or (verdict.topic in TIMED_CHECKS and verdict.outcome == "pass")


def _table(found: Sequence[Cell]) -> str:
    tail = tail_shown(found)
    heads = ("framework", "checkpoint", "", "p50", tail, "images/s", "GFLOP/s", "quotable", "rank")
    lines = [
        (
            name(cell.framework), name(cell.checkpoint), cell.size,
            f"{cell.p50} {escape(cell.interval)}" if cell.spread else cell.p50,
            cell.p99 if tail == "p99" else cell.p90, cell.images_per_second,
            text.ABSENT if cell.gflops == text.ABSENT else f"{cell.gflops} ({cell.of_probe})",
            marked(cell.outcome, cell.words), f"{cell.rank} of {cell.of}" if cell.rank else "",
        )
        for cell in found
    ]  # fmt: skip
    return table(heads, lines, right=("p50", tail, "images/s", "GFLOP/s"))


def _earlier(found: Sequence[BaselineRow]) -> str:
    lines = [(name(row.subject), row.ratio, escape(row.interval), marked(row.outcome, row.words)) for row in found]
    return f"{TITLE}:\n\n" + table(("latency run", "ratio", "interval", ""), lines, right=("ratio", "interval"))


def _loading(found: Sequence[Cell]) -> str:
    heads = ("framework", "checkpoint", "", "load", "first call", "memory before", "memory peak", "file")
    lines = [
        (
            name(cell.framework), name(cell.checkpoint), cell.size, units.duration(cell.run.load_seconds),
            units.duration(cell.run.first_call_seconds), units.megabytes(cell.run.memory_before),
            units.megabytes(cell.run.memory_peak), units.megabytes(cell.run.file_bytes),
        )
        for cell in first_of_each(found)
    ]  # fmt: skip
    return table(heads, lines, right=heads[3:])


def _stages(report: Report) -> str:
    heads = ("stage", "recipe", "images", "repeats", "p50, ms", "p90, ms")
    lines = []
    for stage in report.stages:
        p50, p90 = (next((each.value for each in stage.quantiles if each.level == level), None) for level in (0.5, 0.9))
        counts = str(stage.images), str(stage.repeats)
        lines.append((text.STAGES[stage.stage], name(stage.recipe), *counts, units.ms(p50), units.ms(p90, p50)))
    return f"For one image on one core.\n\n{table(heads, lines, right=heads[2:])}"
