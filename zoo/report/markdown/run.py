"""A run as Markdown: short enough for a pull request, the details folded under it."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.records import Claim, Report, Verdict
from zoo.report import conditions, text
from zoo.report.markdown import latency
from zoo.report.markdown.marks import escape, folded, marked, name, table
from zoo.report.rows import Row, by_id, claim_of, rows


def render(report: Report, claims: Sequence[Claim]) -> str:
    """report.md."""
    parts = [
        f"## MobileNetV2 conformance: {text.headline(report)}",
        f"{escape(text.images_of(report))}. Zoo: {escape(report.conditions.zoo)}. {escape(report.conditions.created)}.",
        _runs(rows(report, claims)) if report.runs or not report.latencies else "",
        *latency.sections(report),
        _failed(report),
        _verdicts(report, claims),
        _conditions(report),
        f"**Next:** {text.next_step(report)}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _runs(found: Sequence[Row]) -> str:
    heads = ("framework", "checkpoint", "n", "top-1", "top-5", "documented", "verdict", "images/s")
    lines = [
        (
            name(row.framework), name(row.checkpoint), row.n, row.top1, row.top5, escape(row.documented),
            "<br>".join(marked(*verdict) for verdict in row.verdicts), row.images_per_second,
        )
        for row in found
    ]  # fmt: skip
    return table(heads, lines, right=("n", "top-1", "top-5", "images/s")) if lines else "No runs."


def _failed(report: Report) -> str:
    failed = [f"- {name(run.subject)}: {escape(text.first_line(run.error or ''))}" for run in text.not_done(report)]
    return "**Could not be run:**\n\n" + "\n".join(failed) if failed else ""


def _verdicts(report: Report, claims: Sequence[Claim]) -> str:
    """Two folds: what is open, and what holds."""
    listed = [verdict for verdict in text.worst_first(report.verdicts) if not latency.is_left_out(verdict)]
    open_ones = [verdict for verdict in listed if verdict.outcome not in text.GOOD]
    good = [verdict for verdict in listed if verdict.outcome in text.GOOD]
    folds = [("Not confirmed, with reasons", open_ones), ("Confirmed and passed", good)]
    known = by_id(claims)
    return "\n\n".join(
        folded(f"{title} ({len(verdicts)})", _verdict_table(verdicts, known)) for title, verdicts in folds if verdicts
    )


def _verdict_table(verdicts: Sequence[Verdict], known: dict[str, Claim]) -> str:
    heads: tuple[str, ...] = ("outcome", "rule", "subject", "documented", "measured", "interval", "n", "reason")
    lines = [_verdict_cells(verdict, claim_of(verdict, known)) for verdict in verdicts]
    if any(verdict.p_value is not None for verdict in verdicts):
        heads = (*heads[:-1], "p", "p, Holm", heads[-1])
        lines = [
            (*cells[:-1], text.chance(verdict.p_value), text.chance(verdict.p_adjusted), cells[-1])
            for cells, verdict in zip(lines, verdicts, strict=True)
        ]
    return table(heads, lines, right=("n", "p", "p, Holm"))


def _verdict_cells(verdict: Verdict, claim: Claim | None) -> tuple[str, ...]:
    metric = f"{text.METRIC_NAMES[claim.metric]} " if claim else ""
    return (
        marked(verdict.outcome, text.outcome_name(verdict.outcome)),
        verdict.rule,
        name(verdict.subject),
        escape(metric + text.documented(verdict, claim)),
        escape(text.quantity(verdict.measured, verdict, claim)),
        escape(text.interval(verdict, claim)),
        text.ABSENT if verdict.n is None else str(verdict.n),
        escape(verdict.reason),
    )


def _conditions(report: Report) -> str:
    parts = conditions.of_parts(report)
    tables = [table(("condition", "value"), [(head, escape(value)) for head, value in pairs]) for _, pairs in parts]
    titles = [f"{escape(title)}:\n\n" if report.parts else "" for title, _ in parts]
    general = "\n\n".join(title + each for title, each in zip(titles, tables, strict=True))
    cells = [[escape(cell) for cell in conditions.of_run(run)] for run in report.runs]
    runs = table(conditions.RUN_HEADS, cells) if cells else ""
    timed = [[escape(cell) for cell in conditions.of_latency(run)] for run in report.latencies]
    latencies = table(conditions.LATENCY_HEADS, timed) if timed else ""
    return folded("Conditions", "\n\n".join(part for part in (general, runs, latencies) if part))
