"""The documented numbers that a race can be held against: those about the images it runs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo import stats
from zoo.diagnose.recipes.standing import MATTERS
from zoo.records import Claim, Outcome
from zoo.stats import Accepted

PART_OF_GAP = 0.5  # a variant that surely gains less than this part of what is missing is out
LEAST_GAP = 0.002
# Other images may be harder than the documented ones by so much: those of ImageNet-V2 cost 12 points.
HARDER = 0.15
USUAL = 0.5  # what the right recipe reaches where nothing is documented


@dataclass(frozen=True)
class Goal:
    """A documented accuracy, and which totals agree with it."""

    claim: Claim
    accepted: Accepted

    def outcome(self, right: int, n: int) -> Outcome:
        """What `right` of n images, in random order, say of it."""
        low, high = stats.sequence_totals(right, n, self.accepted.images)
        return self.accepted.outcome(int(low), int(high))


@dataclass(frozen=True)
class Goals:
    """All of them; none where the images are not the documented ones, nor a random sample of them.

    own: right images of the recipe in effect by metric, and of how many: of the whole run where it was finished.
    expected: the lowest documented top-1, of whatever images.
    """

    goals: Sequence[Goal] = ()
    own: tuple[dict[str, int], int] = ({}, 0)
    expected: float | None = None

    def plausible(self, right: int, n: int) -> bool:
        """Whether so many right images may be those of the right recipe.

        Where labels or weights are wrong, a wrong recipe can be right more often, but not as often as documented.
        """
        return right / n >= (USUAL if self.expected is None else self.expected - HARDER)

    def reached(self, right: int, right5: int, n: int) -> Outcome:
        """Whether counts reproduce every documented number; refuted where one is missed."""
        found = {goal.outcome(right if goal.claim.metric == "top1" else right5, n) for goal in self.goals}
        for outcome in ("refuted", "inconclusive", "confirmed"):
            if outcome in found:
                return outcome
        return "inconclusive"

    @property
    def own_reached(self) -> Outcome:
        """The same of the recipe in effect."""
        right, n = self.own
        return self.reached(right.get("top1", 0), right.get("top5", 0), n) if n else "inconclusive"

    @property
    def missing(self) -> float | None:
        """By how much the documented top-1 is higher than what was measured, a fraction; None without one."""
        right, n = self.own
        gaps = [goal.claim.number() - right["top1"] / n for goal in self.goals if goal.claim.metric == "top1" and n]
        return max(gaps, default=None)

    @property
    def wanted(self) -> float:
        """A variant that cannot gain as much explains nothing."""
        if self.own_reached != "refuted" or self.missing is None or self.missing <= 0:
            return MATTERS
        return min(MATTERS, max(LEAST_GAP, PART_OF_GAP * self.missing))
