"""Rules C: numbers of one table that have an order or a sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations

from zoo import printed
from zoo.records import Claim, Verdict
from zoo.rules.architecture import network_of
from zoo.rules.base import Evidence
from zoo.rules.documents import DocumentRule, column, exact, grouped, scale, table
from zoo.statements import Complement
from zoo.wording import with_unit

MOST_DECIMALS = 6  # more is a number printed as the program had it
STRICT = ("size", "parameters", "multiply_adds", "gflops")


class TopFive(DocumentRule):
    """Top-5 is at least top-1: the label that is scored best is among the five that are scored best."""

    id = "C104"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each pair of top-1 and top-5 of one network in one source."""
        accuracies = (claim for claim in evidence.claims if claim.is_accuracy)
        rows = grouped(((claim.source, claim.checkpoint, claim.model), claim) for claim in accuracies)
        for claims in rows.values():
            firsts = [claim for claim in claims if claim.metric == "top1"]
            fives = [claim for claim in claims if claim.metric == "top5"]
            if not firsts or not fives:
                continue
            high, low = max(firsts, key=exact), min(fives, key=exact)
            reason = f"top-1 {with_unit(high)}, top-5 {with_unit(low)}"
            subject = f"{claims[0].checkpoint or claims[0].model} in {claims[0].source}"
            difference = f"{float(exact(low)):g} - {float(exact(high)):g} = {float(exact(low) - exact(high)):g} points"
            yield self.found(subject, exact(high) <= exact(low), reason, [high, low], arithmetic=difference)


class Complements(DocumentRule):
    """Accuracy and error of one row add up to 100 %, within the rounding of both."""

    id = "C105"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each printed error."""
        for statement in evidence.stated(Complement):
            claim = evidence.claim(statement.claim)
            if claim is None:
                continue
            total = exact(claim) + Fraction(statement.error)
            share, error = (printed.possible(text) for text in (claim.value, statement.error))
            slack = (share[1] - share[0]) * 100 / scale(claim) / 2 + (error[1] - error[0]) / 2
            holds = abs(total - 100) <= slack
            said = f"{with_unit(claim)} and an error of {statement.error} %"
            yield self.found(
                claim.id, holds, said, [claim], [(statement, f"error {statement.error} %")],
                arithmetic=f"{float(exact(claim)):g} + {statement.error} = {float(total):g}",
            )  # fmt: skip


class WiderIsMore(DocumentRule):
    """In one column, a wider network or a larger image has no lower accuracy, and a wider network has more
    parameters, operations and bytes.
    """

    id = "C106"
    remedy = "a remark beside the row, or the corrected figure"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each column with several variants of one publisher."""
        # A checkpoint without a network record is of another architecture, and need not be in order.
        known = [each for each in evidence.published() if each.metric != "latency" and network_of(each, evidence)]
        keyed = (
            ((claim.source, claim.checkpoint.partition("/")[0], claim.metric, column(claim)), claim) for claim in known
        )
        for claims in grouped(keyed).values():
            pairs = [pair for one, other in combinations(claims, 2) if (pair := _ordered(one, other))]
            if pairs:
                yield self._verdict(claims, pairs)

    def _verdict(self, claims: Sequence[Claim], pairs: Sequence[tuple[Claim, Claim]]) -> Verdict:
        strict = claims[0].metric in STRICT
        wrong = [
            (small, large) for small, large in pairs
            if exact(large) < exact(small) or (strict and exact(large) == exact(small) and small.alpha != large.alpha)
        ]  # fmt: skip
        subject = f"{claims[0].source} {claims[0].metric} ({column(claims[0])})"
        if not wrong:
            return self.found(subject, True, f"{len(pairs)} pairs of variants in order", claims)
        said = "; ".join(
            f"{_name(small)} {with_unit(small)}, {_name(large)} {with_unit(large)}" for small, large in wrong
        )
        sums = "; ".join(
            f"{large.value} - {small.value} = {float(exact(large) - exact(small)):g}" for small, large in wrong
        )
        involved = list({claim.id: claim for pair in wrong for claim in pair}.values())
        return self.found(subject, False, f"out of order: {said}", involved, arithmetic=sums)


class OnePrecision(DocumentRule):
    """The accuracies of one table are printed with one number of decimals."""

    id = "C107"
    remedy = "the same number of decimals in every row"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each table with two accuracies at least."""
        accuracies = [claim for claim in evidence.published() if claim.is_accuracy and claim.decimals <= MOST_DECIMALS]
        tables = grouped(((claim.source, table(claim), claim.unit), claim) for claim in accuracies)
        for claims in tables.values():
            if len(claims) < 2:
                continue
            decimals = Counter(claim.decimals for claim in claims)
            usual = max(decimals, key=lambda digits: (decimals[digits], digits))
            odd = [claim for claim in claims if claim.decimals != usual]
            subject = " ".join(part for part in (claims[0].source, table(claims[0])) if part)
            said = ", ".join(dict.fromkeys(claim.value for claim in odd))
            reason = f"{len(claims) - len(odd)} figures have {usual} decimals" + (f", but not {said}" if odd else "")
            shown = list({claim.value: claim for claim in odd}.values()) or claims[:1]
            counts = ", ".join(f"{count} with {digits}" for digits, count in sorted(decimals.items()))
            yield self.found(subject, not odd, reason, shown, arithmetic=f"decimals: {counts}")


def _ordered(one: Claim, other: Claim) -> tuple[Claim, Claim] | None:
    """The pair as (smaller, larger) where one variant is larger in one respect and equal in the other."""
    sizes = [(claim.alpha or 0, claim.resolution or 0) for claim in (one, other)]
    differing = sum(a != b for a, b in zip(*sizes, strict=True))
    if differing != 1 or (one.metric in ("size", "parameters") and sizes[0][0] == sizes[1][0]):
        return None
    return (one, other) if sizes[0] < sizes[1] else (other, one)


def _name(claim: Claim) -> str:
    return f"{claim.alpha:g} at {claim.resolution}"
