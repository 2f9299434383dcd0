"""A run as Markdown: short enough for a pull request, the details folded under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.records import Claim, Report, Verdict
from zoo.report import conditions, drawn_rows, text
from zoo.report.markdown import latency, why
from zoo.report.markdown.marks import escape, folded, marked, name, table
from zoo.report.run_rows import HEADS, NUMBERS, RunRow, run_rows
from zoo.report.sample_rows import HEADS as HEADS_OF_SAMPLES
from zoo.report.sample_rows import TITLE, sample_rows
from zoo.report.verdict_rows import verdict_rows


def render(report: Report, claims: Sequence[Claim]) -> str:
    """report.md."""
    parts = [
        f"## MobileNetV2 conformance: {text.headline(report)}",
        f"{escape(text.images_of(report))}. Zoo: {escape(report.conditions.zoo)}. {escape(report.conditions.created)}.",
        _samples(report),
        _runs(run_rows(report, claims)) if text.has_runs(report) else "",
        escape(f"{drawn}. {drawn_rows.EXPLAINED}") if (drawn := drawn_rows.sentence(report)) else "",
        *latency.sections(report),
        _failed(report),
        why.section(report),
        _verdicts(report, claims),
        _conditions(report),
        f"**Next:** {text.next_step(report)}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _runs(rows: Sequence[RunRow]) -> str:
    lines = [
        (
            name(row.framework), name(row.checkpoint), row.n, row.top1, row.top5, escape(row.documented),
            "<br>".join(marked(*verdict) for verdict in row.verdicts), row.images_per_second,
        )
        for row in rows
    ]  # fmt: skip
    return table(HEADS, lines, right=NUMBERS) if lines else "No runs."


def _samples(report: Report) -> str:
    lines = [(*(name(cell) for cell in row.cells[:-1]), marked(row.outcome, row.words)) for row in sample_rows(report)]
    return f"**{TITLE}:**\n\n{table(HEADS_OF_SAMPLES, lines)}" if lines else ""


def _failed(report: Report) -> str:
    failed = [f"- {name(run.subject)}: {escape(text.first_line(run.error or ''))}" for run in text.not_done(report)]
    return "**Could not be run:**\n\n" + "\n".join(failed) if failed else ""


def _verdicts(report: Report, claims: Sequence[Claim]) -> str:
    """Two folds: what is open, and what holds."""
    listed = [row for row in verdict_rows(report, claims) if not latency.is_left_out(row[0])]
    open_ones = [row for row in listed if row[0].outcome not in text.GOOD]
    good = [row for row in listed if row[0].outcome in text.GOOD]
    folds = [("Not confirmed, with reasons", open_ones), ("Confirmed and passed", good)]
    return "\n\n".join(folded(f"{title} ({len(rows)})", _verdict_table(rows)) for title, rows in folds if rows)


def _verdict_table(rows: Sequence[tuple[Verdict, Claim | None]]) -> str:
    tested = any(verdict.p_value is not None for verdict, _ in rows)
    p_values = ("p", "p, Holm") if tested else ()
    heads = ("outcome", "rule", "subject", "documented", "measured", "interval", "n", *p_values, "reason")
    lines = [
        (
            marked(verdict.outcome, text.outcome_name(verdict.outcome)), verdict.rule, name(verdict.subject),
            escape(f"{text.metric(claim)} {text.documented(verdict, claim)}"),
            escape(text.quantity(verdict.measured, verdict, claim)), escape(text.interval(verdict, claim)),
            text.images(verdict), *((text.chance(verdict.p_value), text.chance(verdict.p_adjusted)) if tested else ()),
            escape(verdict.reason),
        )
        for verdict, claim in rows
    ]  # fmt: skip
    return table(heads, lines, right=("n", "p", "p, Holm"))


def _conditions(report: Report) -> str:
    parts = [(title, table(("condition", "value"), _escaped(pairs))) for title, pairs in conditions.of_parts(report)]
    general = "\n\n".join(f"{escape(title)}:\n\n{each}" if report.parts else each for title, each in parts)
    samples = _each([conditions.of_sample(run) for run in report.samples])
    runs = _each([conditions.of_run(run) for run in report.runs])
    drawn = _drawn(report)
    latencies = _each([conditions.of_latency(run) for run in report.latencies])
    return folded("Conditions", "\n\n".join(part for part in (general, samples, runs, drawn, latencies) if part))


def _drawn(report: Report) -> str:
    lines = [[escape(cell) for cell in row.cells] for row in drawn_rows.drawn_rows(report)]
    heads, right = drawn_rows.HEADS, drawn_rows.NUMBERS
    return f"{drawn_rows.TITLE}:\n\n{table(heads, lines, right=right)}" if lines else ""


def _escaped(values: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(head, escape(value)) for head, value in values.items()]


def _each(rows: Sequence[Mapping[str, str]]) -> str:
    return table(tuple(rows[0]), [[escape(cell) for cell in row.values()] for row in rows]) if rows else ""
