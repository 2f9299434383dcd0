"""One row per verdict, joined with the documented number that it judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.records import Claim, Report, Verdict
from zoo.report import text


@dataclass(frozen=True, kw_only=True)
class VerdictRow:
    """What Markdown and the page show of one verdict; all fields but the first two are text, ready to be escaped.

    metric: of the claim; source: the document with the claim, and the place in it.
    """

    verdict: Verdict
    claim: Claim | None
    metric: str
    documented: str
    measured: str
    interval: str
    n: str
    p_value: str
    p_adjusted: str
    source: str


def by_id(claims: Sequence[Claim]) -> dict[str, Claim]:
    """Claims by their id."""
    return {claim.id: claim for claim in claims}


def claim_of(verdict: Verdict, known: Mapping[str, Claim]) -> Claim | None:
    """The claim that a verdict judges, where it is at hand."""
    return known.get(verdict.claim_id) if verdict.claim_id else None


def is_accuracy(verdict: Verdict, claim: Claim | None) -> bool:
    """Whether a verdict judges a documented accuracy."""
    return verdict.topic == "accuracy" and (claim is None or claim.is_accuracy)


def verdict_rows(report: Report, claims: Sequence[Claim]) -> list[VerdictRow]:
    """The verdicts, the worst first."""
    known = by_id(claims)
    return [_row(verdict, claim_of(verdict, known)) for verdict in text.worst_first(report.verdicts)]


def _row(verdict: Verdict, claim: Claim | None) -> VerdictRow:
    return VerdictRow(
        verdict=verdict,
        claim=claim,
        metric=text.METRIC_NAMES[claim.metric] if claim else "",
        documented=text.documented(verdict, claim),
        measured=text.quantity(verdict.measured, verdict, claim),
        interval=text.interval(verdict, claim),
        n=text.ABSENT if verdict.n is None else str(verdict.n),
        p_value=text.chance(verdict.p_value),
        p_adjusted=text.chance(verdict.p_adjusted),
        source=text.one_line(f"{claim.source} {claim.place}") if claim else "",
    )
