"""Rules A: measured accuracy against documented accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from zoo import stats
from zoo.records import Claim, Outcome, Population, Run, Verdict
from zoo.rules.base import Evidence, Rule
from zoo.wording import as_printed, percent


class _Accuracy(Rule):
    metric: ClassVar[str]

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each documented number of each run's checkpoint."""
        for run in evidence.runs:
            for claim in evidence.claims_on(run.checkpoint, self.metric):
                yield self._verdict(run, claim, evidence)

    def _verdict(self, run: Run, claim: Claim, evidence: Evidence) -> Verdict:
        if run.status != "done":
            return self._made(run, claim, "not_run", f"not run: {(run.error or '').splitlines()[0]}")
        obstacle = _obstacle(run, claim, evidence)
        if obstacle is not None:
            reason = f"measured {_measured(run, claim)}; documented {as_printed(claim)}, but {obstacle}"
            return self._made(run, claim, "not_comparable", reason)
        low, high = possible(run, claim, evidence.populations[claim.population])
        outcome, how = _compared(low, high, claim, evidence.tolerance)
        sample = f", which means {percent(low)} to {percent(high)} % of all" if low != high else ""
        reason = f"measured {_measured(run, claim)}{sample}: {how}"
        return self._made(run, claim, outcome, reason, low, high)

    def _made(
        self, run: Run, claim: Claim, outcome: Outcome, reason: str, low: float | None = None, high: float | None = None
    ) -> Verdict:
        done = run.status == "done"
        return Verdict(
            rule=self.id,
            subject=run.subject,
            outcome=outcome,
            claim_id=claim.id,
            documented=claim.number(),
            measured=run.correct(self.metric) / run.n if done else None,
            low=low,
            high=high,
            n=run.n if done else None,
            reason=reason,
            run=run.key,
        )


class Top1(_Accuracy):
    """The share of images whose best-scored class is the label lies in the documented interval."""

    id = "A101"
    metric = "top1"


class Top5(_Accuracy):
    """The share of images whose label is among the five best-scored classes lies in the documented interval."""

    id = "A102"
    metric = "top5"


def possible(run: Run, claim: Claim, population: Population) -> tuple[float, float]:
    """Accuracies over the claim's images that agree with the run: (low, high), fractions.

    A random sample leaves a confidence interval. A full run leaves one value, unless the claim speaks of fewer images
    than the population (a last batch was dropped): then any of the dropped ones may have been right or wrong.
    """
    correct = run.correct(claim.metric)
    if run.population == "random_sample":
        return stats.finite_interval(correct, run.n, population.images)
    counted = claim.n_images or population.images
    dropped = population.images - counted
    return max(correct - dropped, 0) / counted, min(correct, counted) / counted


def _measured(run: Run, claim: Claim) -> str:
    correct = run.correct(claim.metric)
    return f"{percent(correct / run.n)} % ({correct:,} of {run.n:,} images)"


def _obstacle(run: Run, claim: Claim, evidence: Evidence) -> str | None:
    """Why the run cannot speak about the claim, or None."""
    checkpoint = evidence.checkpoints.get(run.checkpoint)
    if run.population == "other" or run.population_id != claim.population:
        population = evidence.populations.get(claim.population)
        of = f"the {population.images:,} images of {population.title}" if population else claim.population
        return f"{run.image_set} is neither {of} nor a random sample drawn from them"
    if checkpoint is not None and run.recipe != checkpoint.recipe:
        return f"this is recipe {run.recipe}, and the checkpoint is documented with {checkpoint.recipe}"
    return None


def _compared(low: float, high: float, claim: Claim, tolerance: float) -> tuple[Outcome, str]:
    """Outcome and wording for the accuracies that are possible against the claim's widened interval [from, to)."""
    start, end = claim.interval()
    start, end = start - tolerance, end + tolerance
    digits = claim.decimals + (0 if claim.unit == "percent" else -2)
    interval = f"[{percent(start, max(digits, 0) + 2)}, {percent(end, max(digits, 0) + 2)}) %"
    span = f"documented {as_printed(claim)}, that is {interval} with a tolerance of {tolerance * 100:g} points"
    if start <= low and high < end:
        return "confirmed", f"inside the {span}"
    if high < start or low >= end:
        return "refuted", f"{'below' if high < start else 'above'} the {span}"
    return "inconclusive", f"partly outside the {span}"
