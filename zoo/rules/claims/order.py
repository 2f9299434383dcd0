"""Rules C: numbers of one table that have an order or a sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations

from zoo.documents import counting, rounding
from zoo.documents.formatting import with_unit
from zoo.records import Claim, FindingClass, Verdict
from zoo.records.statements import Complement
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims.architecture import UNITS, network_of
from zoo.rules.claims.base import DocumentRule, column, exact, one_value_fits, scale, shortened, table
from zoo.rules.findings import Finding

MOST_DECIMALS = 6  # more is a number printed as the program had it
STRICT = ("size", "parameters", "multiply_adds", "gflops")


class TopFive(DocumentRule):
    """Top-5 is at least top-1: the label that is scored best is among the five that are scored best."""

    id = "C104"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each network in one source, over all its pairs that are measured alike."""
        accuracies = (claim for claim in evidence.claims if claim.is_accuracy)
        rows = grouped(((claim.source, claim.checkpoint, claim.model), claim) for claim in accuracies)
        for claims in rows.values():
            pairs = [
                (one, five)
                for alike in grouped((_conditions(claim), claim) for claim in claims).values()
                for one in alike if one.metric == "top1"
                for five in alike if five.metric == "top5"
            ]  # fmt: skip
            if pairs:
                yield self._verdict(*min(pairs, key=lambda pair: exact(pair[1]) - exact(pair[0])))

    def _verdict(self, one: Claim, five: Claim) -> Verdict:
        wrong = exact(one) > exact(five) and not one_value_fits(one, five)
        distance = exact(five) - exact(one)
        return self.verdict_on(
            f"{one.checkpoint or one.model} in {one.source}",
            findings.points("cannot_be", distance) if wrong else None,
            f"top-1 {with_unit(one)}, top-5 {with_unit(five)}", [one, five],
            arithmetic=f"{float(exact(five)):g} - {float(exact(one)):g} = {float(distance):g} points",
        )  # fmt: skip


def _conditions(claim: Claim) -> Hashable:
    """What a row states besides the network: a source may print one network's accuracies for several of these."""
    return (
        claim.population, claim.n_images, claim.resolution, claim.crop, claim.recipe, claim.device, claim.by
    )  # fmt: skip


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
            share, error = (rounding.possible(text) for text in (claim.value, statement.error))
            slack = (share[1] - share[0]) * 100 / scale(claim) / 2 + (error[1] - error[0]) / 2
            wrong = abs(total - 100) > slack
            reason = f"{with_unit(claim)} and an error of {statement.error} %"
            yield self.verdict_on(
                claim.id, findings.points("contradiction", total - 100) if wrong else None, reason,
                [claim], [(statement, f"error {statement.error} %")],
                arithmetic=f"{float(exact(claim)):g} + {statement.error} = {float(total):g}",
            )  # fmt: skip


class WiderIsMore(DocumentRule):
    """In one column, a wider network or a larger image has no lower accuracy, and a wider network has more
    parameters, operations and bytes.

    An accuracy that falls is possible, and the document should say why. Equal sizes and counts are found where those
    of the two networks differ by more than a printed step.
    """

    id = "C106"
    about_checkpoints = False
    remedy = "a remark beside the row, or the corrected figure"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each column with several variants of one publisher."""
        # A checkpoint without a network record is of another architecture, and need not be in order.
        known = [each for each in evidence.published() if each.metric != "latency" and network_of(each, evidence)]
        keyed = (
            (
                (claim.source, claim.checkpoint.partition("/")[0], claim.metric, claim.unit, column(claim),
                 claim.population, claim.n_images, claim.device),
                claim,
            )
            for claim in known
        )  # fmt: skip
        for claims in grouped(keyed).values():
            pairs = [pair for one, other in combinations(claims, 2) if (pair := _ordered(one, other))]
            if pairs:
                yield self._verdict(claims, pairs, evidence)

    def _verdict(self, claims: Sequence[Claim], pairs: Sequence[tuple[Claim, Claim]], evidence: Evidence) -> Verdict:
        wrong = [pair for pair in pairs if _out_of_order(*pair, evidence)]
        subject = f"{claims[0].source} {claims[0].metric} ({column(claims[0])})"
        if not wrong:
            return self.verdict_on(subject, None, f"{len(pairs)} pairs of variants in order", claims)
        wrong_pairs = shortened(
            (f"{_name(small)} {with_unit(small)}, {_name(large)} {with_unit(large)}" for small, large in wrong), "; "
        )
        sums = shortened(
            (f"{large.value} - {small.value} = {float(exact(large) - exact(small)):g}" for small, large in wrong), "; "
        )
        involved = list({claim.id: claim for pair in wrong for claim in pair}.values())
        finding = max((_finding(*pair, evidence) for pair in wrong), key=lambda each: each.size or 0)
        return self.verdict_on(subject, finding, f"out of order: {wrong_pairs}", involved, arithmetic=sums)


def _out_of_order(small: Claim, large: Claim, evidence: Evidence) -> bool:
    if exact(large) < exact(small):
        return not one_value_fits(small, large)
    if small.metric not in STRICT or exact(large) > exact(small) or small.alpha == large.alpha:
        return False
    step = Fraction(1, 10**small.decimals) * UNITS.get(small.unit, 10**6)
    return abs(_amount(large, evidence) - _amount(small, evidence)) > step


def _amount(claim: Claim, evidence: Evidence) -> int:
    """What the network takes of what a count or a size speaks of: at least one byte for each parameter."""
    network = network_of(claim, evidence)
    assert network is not None
    own = counting.parts(network)
    if claim.metric in ("multiply_adds", "gflops"):
        return own.multiply_adds
    return own.convolutions + own.classifier


def _finding(small: Claim, large: Claim, evidence: Evidence) -> Finding:
    """An accuracy by how much it falls; a size or a count by how much the two networks' ratio is missed.

    A count follows from the network; a training may go worse, and a file may hold more than its network.
    """
    if small.is_accuracy:
        return findings.points("incomplete", exact(small) - exact(large))
    networks = Fraction(_amount(small, evidence), _amount(large, evidence))
    kind: FindingClass = "incomplete" if small.metric == "size" else "contradiction"
    return findings.percent(kind, exact(small), exact(large) * networks)


class OnePrecision(DocumentRule):
    """The accuracies of one table are printed with one number of decimals."""

    id = "C107"
    about_checkpoints = False
    remedy = "the same number of decimals in every row"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each table with two accuracies at least."""
        accuracies = [claim for claim in evidence.published() if claim.is_accuracy and claim.decimals <= MOST_DECIMALS]
        tables = grouped(((claim.source, table(claim), claim.unit), claim) for claim in accuracies)
        for claims in tables.values():
            if len(claims) > 1:
                yield self._verdict(claims)

    def _verdict(self, claims: Sequence[Claim]) -> Verdict:
        decimals = Counter(claim.decimals for claim in claims)
        usual = max(decimals, key=lambda digits: (decimals[digits], digits))
        odd = [claim for claim in claims if claim.decimals != usual]
        subject = " ".join(part for part in (claims[0].source, table(claims[0])) if part)
        odd_values = shortened(dict.fromkeys(claim.value for claim in odd), ", ")
        one = "figure has" if len(claims) - len(odd) == 1 else "figures have"
        reason = f"{len(claims) - len(odd)} {one} {_decimals(usual)}" + (f", but not {odd_values}" if odd else "")
        shown = list({claim.value: claim for claim in odd}.values()) or claims[:1]
        counts = ", ".join(f"{count} with {digits}" for digits, count in sorted(decimals.items()))
        half = Fraction(100, scale(claims[0])) / 10 ** min(decimals) / 2  # what the coarsest print leaves open
        finding = findings.points("unit_or_rounding", half) if odd else None
        return self.verdict_on(subject, finding, reason, shown, arithmetic=f"decimals: {counts}")


def _decimals(digits: int) -> str:
    return f"{digits} decimal{'s' * (digits != 1)}"


def _ordered(one: Claim, other: Claim) -> tuple[Claim, Claim] | None:
    """The pair as (smaller, larger) where one variant is larger in one respect and equal in the other."""
    sizes = [(claim.alpha or 0, claim.resolution or 0) for claim in (one, other)]
    differing = sum(a != b for a, b in zip(*sizes, strict=True))
    if differing != 1 or (one.metric in ("size", "parameters") and sizes[0][0] == sizes[1][0]):
        return None
    return (one, other) if sizes[0] < sizes[1] else (other, one)


def _name(claim: Claim) -> str:
    return f"{claim.alpha:g} at {claim.resolution}"
