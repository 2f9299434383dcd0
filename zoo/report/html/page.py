"""A run as one self-contained page: no request leaves it, and nothing from outside is trusted in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from zoo.documents import units
from zoo.records import Claim, Report, Verdict
from zoo.report import baseline, conditions, importance, reproduce, text
from zoo.report.baseline import baseline_rows
from zoo.report.cells import ROUND_HEADS, Cell, cells, first_of_each, of_rounds, reasons
from zoo.report.details import NOTHING, Details
from zoo.report.html import pictures as thumbnails
from zoo.report.html.dots import dot_plots
from zoo.report.html.plot import claim_plot
from zoo.report.html.ratios import ratio_plots
from zoo.report.html.scatter import against_latency, against_multiply_adds
from zoo.report.rows import Row, by_id, claim_of, rows
from zoo.runs.agreement import Answer, Discordant

SYMBOLS = {
    "refuted": "✗", "fail": "✗", "failed": "!", "not_run": "!", "inconclusive": "?",
    "not_comparable": "≠", "known": "≈", "confirmed": "✓", "pass": "✓", "no_claim": "·",
}  # fmt: skip
_ALWAYS_COUNTED = ("confirmed", "refuted", "inconclusive", "not_comparable")
_COUNTED_WHEN_SEEN = ("known", "not_run", "fail")
_COUNT_NAMES = {"fail": "checks failed", "failed": "runs failed"}  # of tiles


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A verdict beside its claim, in words."""

    verdict: Verdict
    claim: Claim | None
    metric: str
    documented: str
    measured: str
    interval: str
    chance: str
    source: str
    command: str


def render(report: Report, claims: Sequence[Claim], details: Details = NOTHING) -> str:
    """report.html."""
    found, timed, pictures = rows(report, claims), cells(report), thumbnails.shown(details)
    return _environment().get_template("report.html.j2").render(
        report=report,
        counts=_counts(report, timed),
        plot=claim_plot(report, claims),
        frameworks=list(dict.fromkeys(row.framework for row in found)),
        found=found,
        matrix=_matrix(found),
        passed=text.outcome_counts(report.verdicts).get("pass", 0),
        failed=text.not_done(report),
        run_outcomes=_run_outcomes(found),
        outcome_words={outcome: text.outcome_name(outcome) for outcome in (*text.OUTCOMES, "no_claim", "failed")},
        details=details,
        scatters=[*against_multiply_adds(found, details.multiply_adds), *against_latency(found, timed)],
        timed=timed,
        timed_outcomes={cell.outcome: "a check failed" if cell.outcome == "fail" else cell.words for cell in timed},
        unquotable=reasons(timed),
        loading=first_of_each(timed),
        dot_plots=dot_plots(timed),
        earlier=baseline_rows(report),
        baseline_title=baseline.TITLE,
        documented_latencies=[item for item in _judged(report, claims) if item.verdict.topic == "documented_latency"],
        ratio_plots=ratio_plots(details.variants),
        round_heads=ROUND_HEADS,
        latency_heads=conditions.LATENCY_HEADS,
        audit_command=reproduce.audit_command(report.conditions),
        by_label=_by_label,
        judged=_judged(report, claims),
        outcomes=list(text.outcome_counts(report.verdicts)),
        general=conditions.of_parts(report),
        run_heads=conditions.RUN_HEADS,
        pictures=pictures,
        pictured=thumbnails.sentence(pictures, details),
        **_assets("; img-src data:" if pictures else ""),
    )  # fmt: skip


def page(template: str, own_style: str = "", script: str = "", **values: Any) -> str:
    """A page in the style of the reports and in its own, with its own script or none; the policy lets in no other."""
    style = "".join(_source(name) for name in ("report.css", own_style) if name)
    policy = f"default-src 'none'; base-uri 'none'; style-src 'sha256-{_digest(style)}'"
    if script:
        policy += f"; script-src 'sha256-{_digest(_source(script))}'"
    assets = {"style": Markup(style), "policy": policy, "script": Markup(_source(script)) if script else ""}
    return _environment().get_template(template).render(**values, **assets)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("zoo.report.html"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        finalize=lambda value: text.clean(value) if type(value) is str else value,
    )  # fmt: skip
    environment.globals.update(text=text, units=units, symbols=SYMBOLS, importance=importance)
    environment.globals.update(
        of_run=conditions.of_run, processor=conditions.processor, of_latency=conditions.of_latency, of_rounds=of_rounds
    )
    environment.filters.update(breakable=_breakable, outcome_name=text.outcome_name)
    return environment


def _breakable(name: str) -> Markup:
    """An escaped name that may be broken over lines after / _ - @."""
    parts = re.findall(r"[^/_@-]*[/_@-]|[^/_@-]+", text.one_line(name))
    return Markup("<wbr>").join(escape(part) for part in parts)


def _assets(more: str = "") -> dict[str, Any]:
    """Style and script, and the policy that lets exactly these two in, and what `more` says."""
    sources = {name: _source(name) for name in ("report.css", "report.js")}
    style, script = (f"'sha256-{_digest(source)}'" for source in sources.values())
    policy = f"default-src 'none'; base-uri 'none'; style-src {style}; script-src {script}{more}"
    return {"style": Markup(sources["report.css"]), "script": Markup(sources["report.js"]), "policy": policy}


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _counts(report: Report, timed: Sequence[Cell] = ()) -> list[tuple[str, int, str]]:
    """(outcome, how many, name) for the tiles: latencies, documented numbers, then checks, then runs."""
    seen = text.outcome_counts(report.verdicts)
    counts: list[tuple[str, int]] = [(outcome, seen.get(outcome, 0)) for outcome in text.OUTCOMES]
    of_documents = [pair for wanted in _ALWAYS_COUNTED for pair in counts if pair[0] == wanted]
    tiles = [pair for pair in of_documents if pair[1] or report.runs or not report.latencies]
    tiles += [pair for wanted in _COUNTED_WHEN_SEEN for pair in counts if pair[0] == wanted and pair[1]]
    tiles.append(("failed", len(text.not_done(report))))
    return [
        *_of_bench(timed),
        *((kind, number, _COUNT_NAMES.get(kind, text.outcome_name(kind))) for kind, number in tiles),
    ]


def _of_bench(timed: Sequence[Cell]) -> list[tuple[str, int, str]]:
    if not timed:
        return []
    outcomes = [cell.outcome for cell in timed]
    return [
        ("pass", outcomes.count("pass"), "quotable latencies"),
        ("inconclusive", outcomes.count("inconclusive"), "not measurable here"),
    ]


def _matrix(found: Sequence[Row]) -> dict[str, dict[str, list[Row]]]:
    """checkpoint -> framework -> rows; empty where each checkpoint ran in one framework: a list is better."""
    matrix: dict[str, dict[str, list[Row]]] = {}
    for row in found:
        matrix.setdefault(row.checkpoint, {}).setdefault(row.framework, []).append(row)
    return matrix if any(len(by_framework) > 1 for by_framework in matrix.values()) else {}


def _judged(report: Report, claims: Sequence[Claim]) -> list[Judged]:
    known = by_id(claims)
    return [_in_words(verdict, claim_of(verdict, known), report) for verdict in text.worst_first(report.verdicts)]


def _chance(verdict: Verdict) -> str:
    """p-values; the sentences of rules on pairs have theirs."""
    if verdict.p_value is None or text.is_difference(verdict):
        return ""
    return f"p = {text.chance(verdict.p_value)}, {text.chance(verdict.p_adjusted)} after Holm"


def _in_words(verdict: Verdict, claim: Claim | None, report: Report) -> Judged:
    return Judged(
        verdict=verdict,
        claim=claim,
        metric=text.METRIC_NAMES[claim.metric] if claim else "",
        documented=text.documented(verdict, claim),
        measured=text.quantity(verdict.measured, verdict, claim),
        interval=text.interval(verdict, claim),
        chance=_chance(verdict),
        source=text.one_line(f"{claim.source} {claim.place}") if claim else "",
        command=text.one_line(reproduce.command(verdict, report)),
    )


def _run_outcomes(found: Sequence[Row]) -> list[str]:
    """Outcomes and states that occur in the table of runs."""
    seen = {outcome for row in found for outcome, _ in row.verdicts}
    return [outcome for outcome in (*text.OUTCOMES, "failed", "no_claim") if outcome in seen]


def _by_label(image: Discordant) -> list[tuple[str, bool, str, str]]:
    """(label, right or wrong, scores, "runs 1, 3"), the label of most runs first."""
    numbered: dict[str, list[tuple[int, Answer]]] = {}
    for number, answer in enumerate(image.answers, start=1):
        numbered.setdefault(answer.label, []).append((number, answer))
    return [
        (label, own[0][1].right, _scores([answer.score for _, answer in own]), _numbers([number for number, _ in own]))
        for label, own in sorted(numbered.items(), key=lambda item: -len(item[1]))
    ]


def _scores(scores: Sequence[float]) -> str:
    low, high = (f"{score:.4g}" for score in (min(scores), max(scores)))
    return low if low == high else f"{low} to {high}"


def _numbers(numbers: Sequence[int]) -> str:
    return ("run " if len(numbers) == 1 else "runs ") + ", ".join(map(str, numbers))
