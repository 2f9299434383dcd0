"""Rules C: whether a printed accuracy can be a share of images at all."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from zoo.documents import rounding
from zoo.documents.formatting import percent
from zoo.records import Claim, Verdict
from zoo.rules import findings
from zoo.rules.base import Evidence
from zoo.rules.claims.base import DocumentRule, decimal, scale

PER_POINT = 100  # of a share of 1, in percentage points
MORE_DIGITS = 3  # than are printed: enough to see that the print is none of the shares beside it


class Attainable(DocumentRule):
    """A printed accuracy is k of n images for a whole k, however it was rounded; n is the number of images claimed.

    The test is GRIM's (Brown and Heathers 2017). Each verdict says how many of all numbers with as many decimals pass.
    """

    id = "C101"
    remedy = "the log of the evaluation, or the number of images that were really counted"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each accuracy whose n is known."""
        for claim in evidence.claims:
            population = evidence.populations.get(claim.population)
            n = claim.n_images or (population.images if population else None)
            if claim.is_accuracy and n:
                yield self._verdict(claim, n)

    def _verdict(self, claim: Claim, n: int) -> Verdict:
        whole = scale(claim)
        ways = {reading: counts for reading, counts in rounding.counts(claim.value, whole, n).items() if counts}
        chance = rounding.chance(claim.decimals, whole, n)
        if ways:
            reading, counts = next(iter(ways.items()))
            shown = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
            reason = f"{shown} of {n:,} images, {reading}; {_by_chance(chance)}"
            return self.verdict_on(claim.id, None, reason, [claim], chance=chance)
        value = Fraction(claim.value) / whole
        k = round(value * n)
        near = [count for count in (k - 1, k, k + 1) if 0 <= count <= n]
        shares = _listed([decimal(whole * Fraction(count, n), claim.decimals + MORE_DIGITS) for count in near])
        reason = f"no whole number of {n:,} images gives {claim.value}, however it is rounded; {_by_chance(chance)}"
        return self.verdict_on(
            claim.id, findings.points("cannot_be", (value - Fraction(k, n)) * PER_POINT), reason, [claim],
            arithmetic=f"{_listed([f'{count:,}' for count in near])} of {n:,} are {shares}", chance=chance,
        )  # fmt: skip


def _by_chance(chance: Fraction) -> str:
    """How much it means that a number passes."""
    if chance == 1:
        return "every number with as many digits passes"
    return f"{percent(float(chance))} % of all numbers with as many digits pass"


def _listed(values: list[str]) -> str:
    return f"{', '.join(values[:-1])} and {values[-1]}"
