"""A run as Markdown: short enough for a pull request, the details folded under it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from zoo.records import Claim, Report, Verdict
from zoo.report import conditions, text
from zoo.report.rows import Row, by_id, claim_of, rows

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+@:-]*")
_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")
_MARKS = {
    "refuted": "❌", "fail": "❌", "failed": "❌", "not_run": "⛔", "inconclusive": "❔",
    "not_comparable": "➖", "known": "📌", "confirmed": "✅", "pass": "✅",
}  # fmt: skip


def render(report: Report, claims: Sequence[Claim]) -> str:
    """report.md."""
    parts = [
        f"## MobileNetV2 conformance: {text.headline(report)}",
        f"{escape(text.images_of(report))}. Zoo: {escape(report.conditions.zoo)}. {escape(report.conditions.created)}.",
        _runs(rows(report, claims)),
        _failed(report),
        _verdicts(report, claims),
        _conditions(report),
        f"**Next:** {text.next_step(report)}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(value: str) -> str:
    """Outside text for a line or a table cell: no Markdown, no HTML, no mention of people.

    >>> escape("a|b <i>")
    'a\\\\|b &lt;i&gt;'
    """
    line = _SPECIAL.sub(r"\\\1", html.escape(text.one_line(value), quote=False))
    return _MENTION.sub("@<!-- -->", line)


def name(value: str) -> str:
    """An id as code where it looks like one, else escaped."""
    line = text.one_line(value)
    return f"`{line}`" if _PLAIN.fullmatch(line) else escape(line)


def table(heads: Sequence[str], lines: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A pipe table of cells that are already escaped."""
    rule = ["---:" if head in right else "---" for head in heads]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [heads, rule, *lines])


def _folded(title: str, body: str) -> str:
    return f"<details>\n<summary>{html.escape(title)}</summary>\n\n{body}\n\n</details>"


def _marked(outcome: str, words: str) -> str:
    mark = _MARKS.get(outcome)
    return f"{mark} {words}" if mark else words


def _runs(found: Sequence[Row]) -> str:
    heads = ("framework", "checkpoint", "n", "top-1", "top-5", "documented", "verdict", "images/s")
    lines = [
        (
            name(row.framework), name(row.checkpoint), row.n, row.top1, row.top5, escape(row.documented),
            "<br>".join(_marked(*verdict) for verdict in row.verdicts), row.images_per_second,
        )
        for row in found
    ]  # fmt: skip
    return table(heads, lines, right=("n", "top-1", "top-5", "images/s")) if lines else "No runs."


def _failed(report: Report) -> str:
    failed = [f"- {name(run.subject)}: {escape(text.first_line(run.error or ''))}" for run in text.unfinished(report)]
    return "**Could not be run:**\n\n" + "\n".join(failed) if failed else ""


def _verdicts(report: Report, claims: Sequence[Claim]) -> str:
    """Two folds: what is open, and what holds."""
    open_ones = [verdict for verdict in text.worst_first(report.verdicts) if verdict.outcome not in text.GOOD]
    good = [verdict for verdict in text.worst_first(report.verdicts) if verdict.outcome in text.GOOD]
    folds = [("Not confirmed, with reasons", open_ones), ("Confirmed and passed", good)]
    known = by_id(claims)
    return "\n\n".join(
        _folded(f"{title} ({len(verdicts)})", _verdict_table(verdicts, known)) for title, verdicts in folds if verdicts
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
        _marked(verdict.outcome, text.outcome_name(verdict.outcome)),
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
    runs = table(conditions.RUN_HEADS, cells)
    return _folded("Conditions", f"{general}\n\n{runs}" if report.runs else general)
