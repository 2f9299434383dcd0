"""Which totals (whole numbers of right images) agree with a documented accuracy. No limit is rounded as a float."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from zoo.stats.priors import FLAT, Prior, expecting

Outcome = Literal["confirmed", "refuted", "inconclusive"]


@dataclass(frozen=True)
class Accepted:
    """Totals of right images in a population of `images`; every range includes both its ends and may be empty.

    inner: totals that prove the claim; outer: totals that the claim leaves possible. They differ only where the claim
    speaks of fewer images than the population (a last batch was dropped), and nobody knows which.
    """

    images: int
    inner: tuple[int, int]
    outer: tuple[int, int]

    @property
    def prior(self) -> Prior:
        """What is expected of the total before the first image: that the claim is true, or nearly."""
        first, last = self.outer
        return expecting((first + last) / 2 / self.images) if first <= last else FLAT

    def outcome(self, low: int, high: int) -> Outcome:
        """What totals of low to high, both included, say: all of them proof, none of them possible, or neither."""
        if self.outer[0] > self.outer[1] or high < self.outer[0] or low > self.outer[1]:
            return "refuted"
        if self.inner[0] <= low and high <= self.inner[1]:
            return "confirmed"
        return "inconclusive"

    def decidable(self, total: int) -> bool:
        """Whether looking at every image would decide, if `total` of them are right."""
        return self.outcome(total, total) != "inconclusive"


def accepted_totals(
    low: Fraction, high: Fraction, images: int, *, tolerance: float = 0.0, counted: int | None = None,
    closed: Literal["left", "right"] = "left",
) -> Accepted:  # fmt: skip
    """Totals among `images` whose share lies between `low` and `high`, widened by `tolerance` on both sides.

    low, high: fractions of right images, exact: 71.8 %, rounded, is Fraction("0.7175") to Fraction("0.7185").
    tolerance: fraction, at least 0; it is taken as it is printed (0.001 is a thousandth). counted: how many of the
    images the claim is about; None for all. closed: which end belongs to the interval. Numbers round up, so it is the
    left one; of an error that was turned into an accuracy it is the right one. Raises ValueError.

    >>> accepted_totals(Fraction("0.7175"), Fraction("0.7185"), 50_000, tolerance=0.001).inner
    (35825, 35974)
    """
    some = images if counted is None else counted
    if low > high or tolerance < 0 or not 1 <= some <= images:
        raise ValueError(
            "expected low <= high, a tolerance of at least 0, and from 1 to all images counted, got "
            f"{low}, {high}, {tolerance}, {some} and {images}"
        )
    wider, dropped = Fraction(str(tolerance)), images - some
    start, end = (low - wider) * some, (high + wider) * some
    if closed == "right":
        least, most = math.floor(start) + 1, math.floor(end)
    else:
        least, most = math.ceil(start), math.ceil(end) - 1
    first, last = max(least, 0), min(most, some)
    if first > last:  # whatever the images that were not counted are, no share is
        return Accepted(images, (first, last), (first, last))
    inner = (least + dropped if least > 0 else 0, most if most < some else images)
    return Accepted(images, inner, (first, last + dropped))
