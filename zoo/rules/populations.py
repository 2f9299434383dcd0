"""Rule A103: whether a documented accuracy is about the images and labels that its document names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from zoo.documents.formatting import as_printed
from zoo.records import ACCURACIES, Claim, Outcome, Run, Verdict
from zoo.rules import findings
from zoo.rules.accuracy import measured, obstacle_to, outcome_on
from zoo.rules.base import Evidence, Rule
from zoo.rules.nonsense.makes_sense import symptoms


class NamedPopulation(Rule):
    """A documented accuracy is about the images and labels that its document names, and not about others.

    Judged where the same checkpoint was measured with the same framework and recipe on other known images or labels
    too, such as ReaL's labels or ImageNet-V2. Fails where the number is refuted on what its document names, and fits
    what was measured on the other. If it fits neither, only A101 and A102 say so.
    """

    id = "A103"
    topic = "population"
    unit = "fraction"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each documented accuracy that was measured on its own population and on another."""
        for run in evidence.runs:
            if run.status != "done" or symptoms(run, evidence):
                continue
            for metric in ACCURACIES:
                for claim in evidence.claims_on(run.checkpoint, metric):
                    others = _elsewhere(run, evidence) if obstacle_to(run, claim, evidence) is None else []
                    if others:
                        yield from self._verdict(run, others, claim, evidence)

    def _verdict(self, run: Run, others: Sequence[Run], claim: Claim, evidence: Evidence) -> Iterator[Verdict]:
        own = outcome_on(run, claim, evidence)
        elsewhere = [(other, outcome_on(other, claim, evidence)) for other in others]
        fitting = [other for other, outcome in elsewhere if outcome == "confirmed"]
        possible = [other for other, outcome in elsewhere if outcome != "refuted"]
        if own == "refuted" and not possible:
            return
        outcome: Outcome = "inconclusive"
        if own == "refuted" and fitting:
            outcome = "fail"
        elif own == "confirmed" or not possible:
            outcome = "pass"
        nearest = next(iter(fitting or possible), others[0])
        named, other = _title(run, evidence), _title(nearest, evidence)
        shares = [measured(each, claim, evidence) for each in (run, nearest)]
        on_named = run.accuracy(claim.metric)
        wrong_by = findings.points("contradiction", Fraction(claim.number() - on_named) * 100)
        yield self.verdict(
            run,
            outcome,
            f"documented {as_printed(claim)} for {named}, where {shares[0]} are right; for {other}, {shares[1]} are "
            f"right; {_conclusion(outcome, own, named, other, nearest in possible)}",
            claim=claim, against=nearest, measured=on_named, n=run.n, finding=wrong_by if outcome == "fail" else None,
        )  # fmt: skip


def _elsewhere(run: Run, evidence: Evidence) -> list[Run]:
    """The finished runs of the same checkpoint, framework and recipe on other known images or labels."""
    same = run.subject, run.recipe, run.sha256
    return [
        other for other in evidence.runs
        if other.status == "done" and other.population != "other" and other.population_id != run.population_id
        and (other.subject, other.recipe, other.sha256) == same
    ]  # fmt: skip


def _title(run: Run, evidence: Evidence) -> str:
    return evidence.populations[run.population_id].title


def _conclusion(outcome: Outcome, own: Outcome, named: str, other: str, other_fits: bool) -> str:
    """named, other: titles of what the document names and of what else was measured."""
    if outcome == "fail":
        return f"the number fits {other}, not {named}, so it is likely to be one of {other}"
    if outcome == "inconclusive":
        return "more images would tell which of the two the number is about"
    if own == "confirmed":
        return "the number fits both" if other_fits else f"the number fits {named} alone"
    return f"the number does not fit {other}"
