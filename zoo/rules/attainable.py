"""Rules C: whether a printed accuracy can be a share of images at all."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from zoo import printed
from zoo.records import Claim, Verdict
from zoo.rules.base import Evidence
from zoo.rules.documents import DocumentRule, decimal, scale


class Attainable(DocumentRule):
    """A printed accuracy is k of n images for a whole k, however it was rounded; n is the number of images claimed."""

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
        ways = {reading: found for reading, found in printed.counts(claim.value, scale(claim), n).items() if found}
        if ways:
            reading, found = next(iter(ways.items()))
            counts = f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"
            return self.found(claim.id, True, f"{counts} of {n:,} images, {reading}", [claim])
        k = round(claim.number() * n)
        below, above = (decimal(scale(claim) * Fraction(count, n), 18) for count in (k - 1, k + 1))
        near = decimal(scale(claim) * Fraction(k, n), 18)
        return self.found(
            claim.id, False, f"no whole number of {n:,} images gives {claim.value}, however it is rounded",
            [claim], arithmetic=f"{k - 1:,}, {k:,} and {k + 1:,} of {n:,} are {below}, {near} and {above}",
        )  # fmt: skip
