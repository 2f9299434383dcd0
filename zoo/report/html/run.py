"""What the page of a run folder shows: tiles, plots, tables of runs and latencies, verdicts, conditions."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.records import Claim, Outcome, Report, Verdict
from zoo.report import conditions, drawn_rows, latency_rows, reproduce, text, why
from zoo.report.baseline import TITLE, baseline_rows
from zoo.report.extras import NO_EXTRAS, Extras
from zoo.report.html import pictures as thumbnails
from zoo.report.html.dots import dot_plots
from zoo.report.html.page import page
from zoo.report.html.plot import claim_plot
from zoo.report.html.ratios import ratio_plots
from zoo.report.html.scatter import against_latency, against_multiply_adds
from zoo.report.run_rows import RunRow, run_rows
from zoo.report.sample_rows import HEADS, sample_rows
from zoo.report.sample_rows import TITLE as TITLE_OF_SAMPLES
from zoo.report.verdict_rows import verdict_rows
from zoo.runs.agreement import Answer, Discordant

_ALWAYS_COUNTED: tuple[Outcome, ...] = ("confirmed", "refuted", "inconclusive", "not_comparable")
_COUNTED_WHEN_SEEN: tuple[Outcome, ...] = ("known", "not_run", "fail")


def render(report: Report, claims: Sequence[Claim], extras: Extras = NO_EXTRAS) -> str:
    """report.html."""
    runs, verdicts = run_rows(report, claims), verdict_rows(report, claims)
    latencies = latency_rows.latency_rows(report)
    pictures = thumbnails.shown(extras)
    return page(
        "report.html.j2", script="report.js", with_pictures=bool(pictures),
        report=report, extras=extras, conditions=conditions, reproduce=reproduce, why=why,
        tiles=tiles(report, latencies),
        passed=text.outcome_counts(report.verdicts).get("pass", 0),
        plot=claim_plot(report, claims),
        runs=runs,
        drawn=drawn_rows.drawn_rows(report), drawn_rows=drawn_rows, drawn_sentence=drawn_rows.sentence(report), zip=zip,
        frameworks=list(dict.fromkeys(row.framework for row in runs)),
        matrix=_matrix(runs),
        run_outcomes=_run_outcomes(runs),
        samples=sample_rows(report), sample_heads=HEADS, sample_title=TITLE_OF_SAMPLES,
        latencies=latencies,
        latency_outcomes={row.outcome: "a check failed" if row.outcome == "fail" else row.words for row in latencies},
        unquotable=latency_rows.reasons(latencies),
        dot_plots=dot_plots(latencies),
        baseline=baseline_rows(report), baseline_title=TITLE,
        timed=latency_rows, loading=latency_rows.first_of_each(latencies),
        documented_latencies=[row for row in verdicts if row[0].topic == "documented_latency"],
        ratio_plots=ratio_plots(extras.variants),
        not_done=text.not_done(report),
        by_label=_by_label, pictures=pictures, pictured=thumbnails.sentence(pictures, extras),
        scatters=[*against_multiply_adds(runs, extras.multiply_adds), *against_latency(runs, latencies)],
        verdicts=verdicts, chance=_chance,
        outcomes=list(text.outcome_counts(report.verdicts)),
    )  # fmt: skip


def tiles(report: Report, latencies: Sequence[latency_rows.LatencyRow] = ()) -> list[tuple[str, int, str]]:
    """(outcome, how many, name): latencies, then documented numbers, then checks, then runs that were not done."""
    counts = text.outcome_counts(report.verdicts)
    shown = [outcome for outcome in _ALWAYS_COUNTED if counts.get(outcome) or text.has_runs(report)]
    shown += [outcome for outcome in _COUNTED_WHEN_SEEN if counts.get(outcome)]
    of_verdicts = [
        (outcome, counts.get(outcome, 0), "checks failed" if outcome == "fail" else text.outcome_name(outcome))
        for outcome in shown
    ]
    outcomes = [row.outcome for row in latencies]
    of_bench = [
        ("pass", outcomes.count("pass"), "quotable latencies"),
        ("inconclusive", outcomes.count("inconclusive"), "not measurable here"),
    ]
    return [*(of_bench if latencies else []), *of_verdicts, ("failed", len(text.not_done(report)), "runs failed")]


def _matrix(rows: Sequence[RunRow]) -> dict[str, dict[str, list[RunRow]]]:
    """checkpoint -> framework -> rows; empty where each checkpoint ran in one framework: a list is better."""
    matrix: dict[str, dict[str, list[RunRow]]] = {}
    for row in rows:
        matrix.setdefault(row.checkpoint, {}).setdefault(row.framework, []).append(row)
    return matrix if any(len(by_framework) > 1 for by_framework in matrix.values()) else {}


def _run_outcomes(rows: Sequence[RunRow]) -> list[str]:
    """Outcomes and states that occur in the table of runs."""
    seen = {outcome for row in rows for outcome, _ in row.verdicts}
    return [outcome for outcome in (*text.OUTCOMES, "failed", "no_claim") if outcome in seen]


def _chance(verdict: Verdict) -> str:
    """The p-values of a verdict; the sentences of rules that compare two runs have theirs."""
    if verdict.p_value is None or verdict.unit == "points":
        return ""
    return f"p = {text.chance(verdict.p_value)}, {text.chance(verdict.p_adjusted)} after Holm"


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
