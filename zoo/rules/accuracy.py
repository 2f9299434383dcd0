"""Rules A: measured accuracy against documented accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from zoo import stats
from zoo.documents.accepted import accepted
from zoo.documents.formatting import as_printed, percent
from zoo.documents.library_differences import Tolerance
from zoo.records import Claim, Outcome, Run, Verdict
from zoo.rules import drawn
from zoo.rules.base import Evidence, Rule, why_not_run
from zoo.rules.nonsense.makes_sense import MakesSense, symptoms
from zoo.stats import Accepted, planning

NONSENSE = f"the answers are nonsense (rule {MakesSense.id})"


class _Accuracy(Rule):
    topic = "accuracy"
    unit = "fraction"
    metric: ClassVar[str]

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each documented number of each run's checkpoint."""
        for run in evidence.runs:
            for claim in evidence.claims_on(run.checkpoint, self.metric):
                if _judged_on_another(run, claim, evidence):
                    continue
                yield self._verdict(run, claim, evidence)

    def _verdict(self, run: Run, claim: Claim, evidence: Evidence) -> Verdict:
        if run.status != "done":
            return self.verdict(run, "not_run", f"not run: {why_not_run(run.error)}", claim=claim)
        nonsense = f"; {NONSENSE}" if symptoms(run, evidence) else ""
        obstacle = obstacle_to(run, claim, evidence)
        if obstacle is not None:
            return self._not_comparable(run, claim, obstacle + nonsense, evidence)
        tolerance = evidence.tolerated(run.geometry, claim.population, claim.metric)
        goal = accepted(claim, tolerance.value, evidence.populations[claim.population].images)
        known = _known(run, claim, goal, evidence)
        if nonsense and known.outcome == "inconclusive":
            return self._not_comparable(run, claim, f"{NONSENSE}, and more images would decide nothing", evidence)
        low, high = _shares(known, claim, goal)
        sample = f", which means {percent(low)} to {percent(high)} % of all" if low != high else ""
        how = _placed(known.outcome, low, claim, tolerance)
        saved = _saved(known, run, claim, goal)
        more = f"{_when(known, run, claim, saved)}{_more(known, run, claim, goal)}{_coarse(run, tolerance.value)}"
        more += _saturated(run)
        reason = f"measured {measured(run, claim, evidence)}{_left_out(run)}{sample}: {how}{more}{nonsense}"
        return self._on_finished(
            run, claim, known.outcome, reason, low=low, high=high, p_value=known.p_value, decided_at=known.decided_at,
            saved=saved, tolerance=tolerance.value,
        )  # fmt: skip

    def _not_comparable(self, run: Run, claim: Claim, why: str, evidence: Evidence) -> Verdict:
        reason = f"measured {measured(run, claim, evidence)}{_left_out(run)}; documented {as_printed(claim)}, but {why}"
        return self._on_finished(run, claim, "not_comparable", reason)

    def _on_finished(self, run: Run, claim: Claim, outcome: Outcome, reason: str, **fields: Any) -> Verdict:
        measured = run.accuracy(self.metric)
        return self.verdict(run, outcome, reason, claim=claim, measured=measured, n=run.n, **fields)


class Top1(_Accuracy):
    """The share of images whose best-scored class is the label lies in the documented interval."""

    id = "A101"
    metric = "top1"


class Top5(_Accuracy):
    """The share of images whose label is among the five best-scored classes lies in the documented interval."""

    id = "A102"
    metric = "top5"


def obstacle_to(run: Run, claim: Claim, evidence: Evidence) -> str | None:
    """Why the run cannot speak about the claim, or None."""
    checkpoint = evidence.checkpoints.get(run.checkpoint)
    if run.population == "other" or run.population_id != claim.population:
        population = evidence.populations.get(claim.population)
        of = f"the {population.images:,} images of {population.title}" if population else claim.population
        if run.population != "other":
            own = evidence.populations[run.population_id].title
            return f"{run.image_set} has the images and labels of {own}, not {of}"
        return f"{run.image_set} is neither {of} nor a random sample drawn from them"
    if checkpoint is not None and run.recipe != checkpoint.recipe:
        return f"this is recipe {run.recipe}, and the checkpoint is documented with {checkpoint.recipe}"
    return drawn.obstacle(run, evidence)


def outcome_on(run: Run, claim: Claim, evidence: Evidence) -> Outcome:
    """What a run says of a claim's number as if this were about the images and labels of the run."""
    if claim.population != run.population_id:
        claim = claim.changed(population=run.population_id, n_images=None)
    tolerance = evidence.tolerated(run.geometry, claim.population, claim.metric)
    goal = accepted(claim, tolerance.value, evidence.populations[run.population_id].images)
    return _known(run, claim, goal, evidence).outcome


def measured(run: Run, claim: Claim, evidence: Evidence) -> str:
    """A run's accuracy by the claim's metric: "71.88 % (35,940 of 50,000 images)"; of images that were not equally
    likely, what is estimated of all, and no count.
    """
    if run.drawn is not None and run.is_estimated:
        population = evidence.populations.get(run.population_id)
        seen = f"{run.n:,} of {population.images:,}" if population else f"{run.n:,}"
        how = f"estimated from {seen} images drawn by what {run.drawn.reference} answered"
        return f"{percent(run.accuracy(claim.metric))} % ({how})"
    correct = run.correct(claim.metric)
    return f"{percent(correct / run.n)} % ({correct:,} of {run.n:,} images)"


def _judged_on_another(run: Run, claim: Claim, evidence: Evidence) -> bool:
    """Whether this run has other known images or labels than the claim, and one just like it has the claim's own.

    Answers that were counted again by labels that nobody knows are judged on the first labels alone, too.
    """
    unknown = run.population == "other" and not run.recounts
    if run.status != "done" or unknown or run.population_id == claim.population:
        return False
    like = run.subject, run.recipe
    return any(
        other.status == "done" and (other.subject, other.recipe) == like
        and other.population != "other" and other.population_id == claim.population
        for other in evidence.runs
    )  # fmt: skip


@dataclass(frozen=True)
class _Known:
    """What a run leaves possible: totals of right images in the population, and what that says of a claim."""

    low: int
    high: int
    outcome: Outcome
    p_value: float | None = None
    decided_at: int | None = None


def _known(run: Run, claim: Claim, goal: Accepted, evidence: Evidence) -> _Known:
    """One total if the run saw all images, an interval if it saw a random sample.

    If it was looked at while it grew, the intervals of all looks together.
    """
    correct = run.correct(claim.metric)
    if run.is_estimated:
        return _drawn(run, claim, goal, evidence)
    if run.look_every and run.drawn is None:
        return _course(run, claim, goal, evidence)
    if run.population == "full":
        return _Known(correct, correct, goal.outcome(correct, correct))
    low, high = (int(end) for end in stats.finite_totals(correct, run.n, goal.images))
    p_value = stats.finite_p(correct, run.n, goal.images, *goal.outer)
    return _Known(low, high, goal.outcome(low, high), p_value)


def _course(run: Run, claim: Claim, goal: Accepted, evidence: Evidence) -> _Known:
    """The intervals after every look at a growing sample; what one look excludes stays excluded.

    Without kept answers only the last look is known.
    """
    answers = evidence.answers(run)
    looks, right = np.array([run.n]), np.array([run.correct(claim.metric)])
    if answers is not None:
        looks = np.append(np.arange(run.look_every, run.n, run.look_every), run.n)
        right = np.cumsum(answers.correct(claim.metric))[looks - 1]
    low, high = (ends.tolist() for ends in stats.running(right, looks, goal.images, goal.prior))
    outcomes = [goal.outcome(*ends) for ends in zip(low, high, strict=True)]
    outcome: Outcome = next((each for each in outcomes if each != "inconclusive"), "inconclusive")
    # Once in twenty evaluations the truth is lost, and later looks may leave nothing at all.
    lowest, highest = [ends for ends in zip(low, high, strict=True) if ends[0] <= ends[1]][-1]
    if run.n == goal.images:  # nothing is left to estimate, whatever an earlier look said
        lowest = highest = int(right[-1])
        outcome = goal.outcome(lowest, highest)
    at = None if outcome == "inconclusive" else looks[outcomes.index(outcome) if outcome in outcomes else -1]
    p_value = stats.sequence_p(right, looks, goal.images, *goal.outer, goal.prior)
    return _Known(lowest, highest, outcome, p_value, None if at is None else int(at))


def _drawn(run: Run, claim: Claim, goal: Accepted, evidence: Evidence) -> _Known:
    """Of images that a reference chose. Without kept answers, or the reference, nothing follows from the counts."""
    looked = drawn.looked(run, claim.metric, evidence)
    if looked is None:
        return _Known(0, goal.images, "inconclusive")
    watch = drawn.watched(looked, goal)
    low, high = drawn.totals(looked)
    return _Known(low, high, watch.outcome, watch.p_value, watch.decided_at)


def _shares(known: _Known, claim: Claim, goal: Accepted) -> tuple[float, float]:
    """Accuracies over the claim's images: (low, high), fractions.

    Where the claim speaks of fewer images than the population, a last batch having been dropped, any of the dropped
    ones may have been right or wrong.
    """
    counted = min(claim.n_images or goal.images, goal.images)
    return max(known.low - (goal.images - counted), 0) / counted, min(known.high, counted) / counted


def _left_out(run: Run) -> str:
    """How many images more there are that have no right class."""
    if not run.left_out:
        return ""
    return f", {run.left_out:,} more without a right class {'is' if run.left_out == 1 else 'are'} left out"


def _placed(outcome: Outcome, low: float, claim: Claim, tolerance: Tolerance) -> str:
    """Where the possible accuracies, from `low` on, lie: "inside the documented 71.8 %, that is ..."."""
    ends = (float(end) for end in claim.exact_interval())
    start, end = (end + sign * tolerance.value for end, sign in zip(ends, (-1, 1), strict=True))
    digits = max(claim.decimals - (0 if claim.unit.startswith("percent") else 2), 0) + 2
    interval = ", ".join(percent(end, digits).rstrip("0").rstrip(".") for end in (start, end))
    interval = f"({interval}]" if claim.is_error else f"[{interval})"
    where = {"confirmed": "inside", "inconclusive": "partly outside"}.get(outcome, "below" if low < start else "above")
    return f"{where} the documented {as_printed(claim)}, that is {interval} % with {tolerance.text}"


def _coarse(run: Run, tolerance: float) -> str:
    """Where a single image moves the measured accuracy by more than the tolerance; an estimate moves otherwise."""
    if run.is_estimated or not 0 < Fraction(str(tolerance)) < Fraction(1, run.n):
        return ""
    points = f"{100 / run.n:.3g} {'point' if run.n == 100 else 'points'}"
    return f"; one image of {run.n:,} is {points}, more than the tolerance"


def _saturated(run: Run) -> str:
    """Where the processor may be the reason for another number than the documented one."""
    if run.integer_sums != "saturating":
        return ""
    exact = "; `--arithmetic exact` adds them up whole" if run.arithmetic == "as-shipped" else ""
    return f"; sums of two products of integers were cut off at 16 bits on this processor (rule S105){exact}"


def _saved(known: _Known, run: Run, claim: Claim, goal: Accepted) -> int | None:
    """By how many more images half of the evaluations in random order take, were the estimate the truth."""
    if known.decided_at is None or not run.is_estimated:
        return None
    return drawn.in_random_order(goal, run.accuracy(claim.metric), run.look_every) - known.decided_at


def _when(known: _Known, run: Run, claim: Claim, saved: int | None) -> str:
    """After how many images the claim was decided, and how many fewer that is than in random order."""
    if known.decided_at is None:
        return ""
    when = f"; decided after {known.decided_at:,} images"
    if saved is None:
        return when
    fewer = f"{saved:,} fewer" if saved > 0 else "not fewer"
    others, share = known.decided_at + saved, percent(run.accuracy(claim.metric))
    return f"{when}, {fewer} than in random order ({others:,}, the median if {share} % are right)"


def _more(known: _Known, run: Run, claim: Claim, goal: Accepted) -> str:
    """How many images would decide an open claim: if the claim is true, and if the measured share is."""
    if known.outcome != "inconclusive" or run.n >= goal.images:
        return ""
    if run.is_estimated:  # it ended before it was decided
        return f"; to decide it, look at more images, at most at all {goal.images:,}"
    documented, measured = claim.number(), run.correct(claim.metric) / run.n
    images = f"{_needed(goal, documented)} if the claim is true"
    if measured != documented:
        images += f", {_needed(goal, measured)} if {percent(measured)} % of all are right"
    return f"; to decide it, take {images}"


def _needed(goal: Accepted, share: float) -> str:
    most, surely = (planning.images_needed(goal, round(share * goal.images), each) for each in planning.CHANCES)
    if most is None or surely is None:
        return "all images, and it may stay open,"
    if most == surely:
        return f"{'all ' * (most == goal.images)}{most:,} images"
    return f"{most:,} images (80 % chance) or {surely:,} (95 %)"
