"""Rules C: numbers printed so fully that they give away how many images were counted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from zoo.documents import rounding
from zoo.documents.formatting import percent
from zoo.records import Claim, Verdict
from zoo.records.statements import EvaluationBatch
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims.base import DocumentRule, scale

BATCHES = range(1, 1025)
USUAL = (16, 32, 50, 64, 100, 128, 200, 250, 256, 500, 512, 1000, 1024)


class Counted(DocumentRule):
    """Accuracies printed in full were counted over every image of the set that they speak of."""

    id = "C102"
    remedy = "an evaluation that keeps its last, incomplete batch"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for the numbers that one output printed together."""
        full = [claim for claim in evidence.claims if _is_full(claim, evidence)]
        for claims in grouped(((claim.source, claim.checkpoint, claim.place), claim) for claim in full).values():
            population = evidence.populations[claims[0].population].images
            fractions = [rounding.recover(claim.value, scale(claim), population) for claim in claims]
            yield self._verdict(claims, fractions, population)

    def _verdict(self, claims: Sequence[Claim], fractions: Sequence[Fraction | None], population: int) -> Verdict:
        subject = f"{claims[0].checkpoint or claims[0].model}: {claims[0].place}"
        chances = [rounding.chance_of_any(claim.decimals, scale(claim), population) for claim in claims]
        chance = math.prod(chances, start=Fraction(1))
        known = [fraction for fraction in fractions if fraction is not None]
        denominator = math.lcm(*(fraction.denominator for fraction in known)) if known else 0
        if len(known) < len(fractions) or denominator > population:
            reason = f"no n up to {population:,} gives every one of these digits"
            return self.verdict_on(subject, findings.plain("cannot_be"), reason, claims, chance=chance)
        n = population // denominator * denominator  # the largest that fits; every other one is a smaller multiple
        counts = [int(fraction * n) for fraction in known]
        counted = ", ".join(f"{claim.metric} {count:,}" for claim, count in zip(claims, counts, strict=True))
        if n == population:
            return self.verdict_on(subject, None, f"{counted} of all {n:,} images", claims, chance=chance)
        left = population - n
        ranges = ", ".join(
            f"{claim.metric} {count:,} to {count + left:,} ({percent(count / population, 3)} to "
            f"{percent((count + left) / population, 3)} %)"
            for claim, count in zip(claims, counts, strict=True)
        )
        fewer = f" (or of a smaller multiple of {denominator:,})" * (n > denominator)
        reason = (
            f"{counted} of {n:,} images{fewer}, not of {population:,}; {left} were left out, so over all of them it is "
            f"{ranges}; {_batches(n, population)}"
        )
        ends = [Fraction(end, population) for count in counts for end in (count, count + left)]
        farthest = max(abs(end - known[at // 2]) for at, end in enumerate(ends))
        shares = " and ".join(f"{count}/{n} = {claim.value}" for claim, count in zip(claims, counts, strict=True))
        return self.verdict_on(
            subject, findings.points("cannot_be", farthest * 100), reason, claims,
            arithmetic=f"{shares}; random digits are such shares with a chance of {float(chance):.1g}", chance=chance,
        )  # fmt: skip


class WholeBatches(DocumentRule):
    """The images behind a printed accuracy are those of all whole batches of the documented size."""

    id = "C103"
    remedy = "the batch size that the evaluation was really run with"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each claim that a documented batch size is about, and that determines its n."""
        for statement in evidence.stated(EvaluationBatch):
            for claim in (evidence.claim(name) for name in statement.claims):
                if claim is not None and _is_full(claim, evidence):
                    population = evidence.populations[claim.population].images
                    fraction = rounding.recover(claim.value, scale(claim), population)
                    if fraction is not None:  # else there is no such number of images, which is rule C102's to say
                        yield self._verdict(claim, statement, fraction.denominator, population)

    def _verdict(self, claim: Claim, statement: EvaluationBatch, multiple: int, population: int) -> Verdict:
        """multiple: the number of images has to be one of this, as the digits say."""
        expected = population // statement.batch * statement.batch
        counted = population // multiple * multiple
        finding = findings.points("contradiction", Fraction(expected - counted, population) * 100)
        return self.verdict_on(
            claim.id, finding if expected % multiple else None,
            f"whole batches of {statement.batch} hold {expected:,} of {population:,} images; "
            f"the digits need a multiple of {multiple:,}",
            [claim], [(statement, f"batch {statement.batch}")],
            arithmetic=f"{population:,} // {statement.batch} x {statement.batch} = {expected:,}",
            chance=rounding.chance(claim.decimals, scale(claim), expected),
        )  # fmt: skip


def _is_full(claim: Claim, evidence: Evidence) -> bool:
    population = evidence.populations.get(claim.population)
    return claim.is_accuracy and population is not None and rounding.determines(
        claim.value, scale(claim), population.images
    )  # fmt: skip


def _batches(n: int, population: int) -> str:
    sizes = rounding.whole_batches(n, population, BATCHES)
    usual = [str(size) for size in sizes if size in USUAL]
    if usual:
        return f"that is what batches of {' or '.join(usual)} leave when the last one is dropped"
    return f"no usual batch size leaves {n:,}" + (f", but {sizes[0]} does" if sizes else "")
