"""Latency in Markdown: a short table, why some numbers may not be quoted, and folded details.

The rounds, and what a bench repeats for every cell, are only on the page: a comment on a pull request holds at most
65,536 characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.records import Report, Verdict
from zoo.report import text
from zoo.report.baseline import TITLE, BaselineRow, baseline_rows
from zoo.report.latency_rows import LatencyRow, first_of_each, latency_rows, reasons, stage_times, tail_shown
from zoo.report.markdown.marks import escape, folded, marked, name, table

_LEGEND = (
    "b1t2: batch 1, 2 threads. p50, averaged over processes, and its interval, in ms; GFLOP/s of a core, and as a "
    "share of the probe's (> probe: above it). Rank: 1 + how many of the same network, run in "
    "alternation, are surely faster."
)
TIMED_CHECKS = ("quotable_latency", "timed_answers", "timed_conditions")
_MOST = 8  # reasons that are seen at once


def sections(report: Report) -> Iterator[str]:
    """The parts of report.md that a bench adds; nothing without one."""
    if rows := latency_rows(report):
        yield "### Latency"
        yield _table(rows)
        yield _LEGEND
        if why := reasons(rows):
            lines = "\n".join(f"- {escape(text.listed(names))}: {escape(reason)}" for reason, names in why.items())
            yield lines if len(why) <= _MOST else folded(f"Why {len(why)} cannot be quoted", lines)
        if earlier := baseline_rows(report):
            yield _earlier(earlier)
        if any(row.is_done for row in rows):
            yield folded("Loading and memory", _loading(rows))
    if report.stages:
        yield folded("Before the network", _stages(report))
    if any(is_left_out(verdict) for verdict in report.verdicts):
        yield "Checks of latencies that passed, and documented latencies, are in report.html and verdicts.csv."


def is_left_out(verdict: Verdict) -> bool:
    """Whether report.md leaves a verdict out: the table says it already, or it is never judged."""
    return verdict.topic == "documented_latency" or (verdict.topic in TIMED_CHECKS and verdict.outcome == "pass")


def _table(rows: Sequence[LatencyRow]) -> str:
    tail = tail_shown(rows)
    heads = ("framework", "checkpoint", "", "p50", tail, "images/s", "GFLOP/s", "quotable", "rank")
    lines = [
        (
            name(row.framework), name(row.checkpoint), row.size, escape(row.p50_and_interval), getattr(row, tail),
            row.images_per_second, row.efficiency, marked(row.outcome, row.words), row.rank_among,
        )
        for row in rows
    ]  # fmt: skip
    return table(heads, lines, right=("p50", tail, "images/s", "GFLOP/s"))


def _earlier(rows: Sequence[BaselineRow]) -> str:
    lines = [(name(row.subject), row.ratio, escape(row.interval), marked(row.outcome, row.words)) for row in rows]
    return f"{TITLE}:\n\n" + table(("latency run", "ratio", "interval", ""), lines, right=("ratio", "interval"))


def _loading(rows: Sequence[LatencyRow]) -> str:
    first = first_of_each(rows)
    heads = tuple(first[0].loading)
    lines = [(name(row.framework), name(row.checkpoint), row.size, *row.loading.values()) for row in first]
    return table(("framework", "checkpoint", "", *heads), lines, right=heads)


def _stages(report: Report) -> str:
    heads = ("stage", "recipe", "images", "repeats", "p50, ms", "p90, ms")
    lines = []
    for each in report.stages:
        p50, _, p90 = stage_times(each)
        lines.append((text.STAGES[each.stage], name(each.recipe), str(each.images), str(each.repeats), p50, p90))
    return f"For one image on one core.\n\n{table(heads, lines, right=heads[2:])}"
