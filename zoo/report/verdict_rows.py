"""Verdicts with the documented numbers that they judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.records import Claim, Report, Verdict
from zoo.report import importance, text


def by_id(claims: Sequence[Claim]) -> dict[str, Claim]:
    """Claims by their id."""
    return {claim.id: claim for claim in claims}


def claim_of(verdict: Verdict, known: Mapping[str, Claim]) -> Claim | None:
    """The claim that a verdict judges, where it is at hand."""
    return known.get(verdict.claim_id) if verdict.claim_id else None


def is_accuracy(verdict: Verdict, claim: Claim | None) -> bool:
    """Whether a verdict judges a documented accuracy."""
    return verdict.topic == "accuracy" and (claim is None or claim.is_accuracy)


def verdict_rows(report: Report, claims: Sequence[Claim]) -> list[tuple[Verdict, Claim | None]]:
    """The verdicts, the worst first and of those the largest, each with the claim that it judges."""
    known = by_id(claims)
    ordered = text.worst_first(importance.sorted_by_importance(report.verdicts))
    return [(verdict, claim_of(verdict, known)) for verdict in ordered]
