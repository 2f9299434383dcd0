"""The table and the closing lines that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from zoo.records import Claim, Report, Verdict
from zoo.report import drawn_rows, importance, text, why
from zoo.report.run_rows import HEADS, NUMBERS, RunRow, run_rows
from zoo.report.sample_rows import HEADS as HEADS_OF_SAMPLES
from zoo.report.sample_rows import sample_rows
from zoo.report.terminal import latency
from zoo.report.terminal.console import GAP, STYLES, folded, plain

_NARROWEST_ID = 20
_MOST_DOUBTS = 8  # lines: on a busy machine each latency has a doubt of its own


def table(report: Report, claims: Sequence[Claim], width: int = 100) -> RenderableType:
    """One row per sample answer, per run and per latency run; long ids are folded, so that tables fit `width`."""
    parts: list[RenderableType] = [_of_samples(report)] if report.samples else []
    parts += [_of_runs(run_rows(report, claims), width)] if text.has_runs(report) else []
    timed = list(latency.tables(report, width))
    parts += [Group(*timed)] if timed else []
    return Group(*(each for place, part in enumerate(parts) for each in ((Text(), part) if place else (part,))))


def _of_samples(report: Report) -> Table:
    result = plain(HEADS_OF_SAMPLES, (), HEADS_OF_SAMPLES)
    for row in sample_rows(report):
        *cells, words = row.cells
        result.add_row(*cells, Text(words, style=STYLES.get(row.outcome, "")))
    return result


def _of_runs(rows: Sequence[RunRow], width: int) -> Table:
    result = plain(HEADS, NUMBERS, ("checkpoint", "verdict", "documented"))
    room = max(_NARROWEST_ID, width - _width_of_others(rows))
    for row in rows:
        result.add_row(
            row.framework, folded(row.checkpoint, room), row.n, row.top1, row.top5,
            Text(row.documented), _verdict(row), row.images_per_second,
        )  # fmt: skip
    return result


def summary(report: Report) -> str:
    """What is not confirmed and why, what could not be run, the counts; the last line says what to do next.

    Lines are as long as their sentences: let the terminal wrap them, not the program.
    """
    images = text.doubtful_images(report)
    found = [*_open_verdicts(report), *_failed_runs(report), *why.lines(report)]
    drawn = drawn_rows.sentence(report)
    lines = [*found, *([f"Images: {images}."] if images else []), *([f"{drawn}."] if drawn else [])]
    return "\n".join([*lines, text.headline(report) + ".", f"Next: {text.next_step(report)}."])


def sentences(verdicts: Sequence[Verdict]) -> str:
    """One line per verdict, worst first."""
    return "\n".join(
        f"{text.outcome_name(verdict.outcome)}: {text.one_line(verdict.subject)}: {text.one_line(verdict.reason)}"
        for verdict in text.worst_first(verdicts)
    )


def _cells(row: RunRow) -> list[list[str]]:
    """The lines of every cell but the checkpoint's."""
    verdicts = [words for _, words in row.verdicts]
    plain = [row.framework, row.n, row.top1, row.top5, row.documented]
    return [*([cell] for cell in plain), verdicts, [row.images_per_second]]


def _width_of_others(rows: Sequence[RunRow]) -> int:
    heads = [[head] for head in HEADS if head != "checkpoint"]
    columns = zip(heads, *(_cells(row) for row in rows), strict=True)
    return sum(max(len(line) for cell in column for line in cell) + GAP for column in columns)


def _verdict(row: RunRow) -> Text:
    return Text("\n").join(Text(words, style=STYLES.get(outcome, "")) for outcome, words in row.verdicts)


def _open_verdicts(report: Report) -> list[str]:
    """One line per outcome and reason, with the subjects that share it; failed runs have their own lines."""
    failed = {run.subject for run in text.not_done(report)}
    subjects: dict[tuple[str, str, bool], list[str]] = {}
    for verdict in text.worst_first(importance.sorted_by_importance(report.verdicts)):
        follows = verdict.outcome == "not_run" and verdict.subject in failed
        if verdict.outcome not in text.GOOD and verdict.topic != "documented_latency" and not follows:
            kind = verdict.outcome, text.one_line(verdict.reason), verdict.is_latency
            names = subjects.setdefault(kind, [])
            if (name := text.one_line(verdict.subject)) not in names:
                names.append(name)
    lines = [
        (f"{text.outcome_name(outcome)}: {text.listed(names)}: {reason}", of_bench and outcome != "fail")
        for (outcome, reason, of_bench), names in subjects.items()
    ]
    kept = [line for line, of_bench in lines if not of_bench]
    doubts = [line for line, of_bench in lines if of_bench]
    more = [f"{len(doubts) - _MOST_DOUBTS} more of the bench are in report.html"] if len(doubts) > _MOST_DOUBTS else []
    return [*kept, *doubts[:_MOST_DOUBTS], *more, *_documented_latencies(report)]


def _documented_latencies(report: Report) -> list[str]:
    """One line for all documented latencies: all are of other devices, and a bench of a whole zoo has dozens."""
    count = sum(verdict.topic == "documented_latency" for verdict in report.verdicts)
    many = text.counted(count, "documented latency", "documented latencies")
    return [f"not comparable: {many} of other devices: report.html has them beside ours"] if count else []


def _failed_runs(report: Report) -> list[str]:
    lines = [
        f"{text.outcome_name(run.status)}: {text.one_line(run.subject)}: {text.first_line(run.error or '')}"
        for run in text.not_done(report)
    ]
    return list(dict.fromkeys(lines))
