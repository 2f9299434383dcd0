"""Which totals (whole numbers of right images) agree with a documented accuracy. No limit is rounded as a float."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from zoo.records import Claim, Outcome


@dataclass(frozen=True)
class Accepted:
    """Totals of right images in a population of `images`; every range includes both its ends and may be empty.

    inner: totals that prove the claim; outer: totals that the claim leaves possible. They differ only where the claim
    speaks of fewer images than the population (a last batch was dropped), and nobody knows which.
    """

    images: int
    inner: tuple[int, int]
    outer: tuple[int, int]

    def outcome(self, low: int, high: int) -> Outcome:
        """What totals of low to high say: all of them proof, none of them possible, or neither."""
        if high < self.outer[0] or low > self.outer[1]:
            return "refuted"
        if self.inner[0] <= low and high <= self.inner[1]:
            return "confirmed"
        return "inconclusive"

    def decidable(self, total: int) -> bool:
        """Whether looking at every image would decide, if `total` of them are right."""
        return self.outcome(total, total) != "inconclusive"


def accepted(claim: Claim, tolerance: float, images: int) -> Accepted:
    """Totals among `images` whose share lies in what rounds to the printed text, widened by `tolerance` (fraction)."""
    low, high = claim.exact_interval()
    wider = Fraction(str(tolerance))
    counted = claim.n_images or images
    dropped = images - counted
    start, end = (low - wider) * counted, (high + wider) * counted
    if claim.is_error:  # what rounds to an error includes its upper end as an accuracy, not its lower one
        least, most = math.floor(start) + 1, math.floor(end)
    else:
        least, most = math.ceil(start), math.ceil(end) - 1
    inner = (least + dropped if least > 0 else 0, most if most < counted else images)
    return Accepted(images, inner, (max(least, 0), min(most, counted) + dropped))
