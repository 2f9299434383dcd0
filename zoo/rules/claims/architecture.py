"""Rules C: counts and sizes against the network that the document speaks of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from zoo.documents import counting, rounding
from zoo.documents.counting import Parts, Way
from zoo.documents.formatting import with_unit
from zoo.records import Claim, FindingClass, MobileNetV2, Network, Verdict
from zoo.records.statements import Label
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims.base import DocumentRule, decimal

CLASSES = (1000, 1001)
SIDE = 224
UNITS = {"M": 10**6, "GMAC": 10**9, "GFLOP": 10**9}
PER_MULTIPLY_ADD = {"FLOPs": 2, "MACs": 1}
BITS_PER_BYTE = 8
_ROUNDING: FindingClass = "unit_or_rounding"


@dataclass(frozen=True)
class Explanation:
    """The way of counting that gives a printed number, or the nearest one.

    how: "rounded", "cut off", or "" where no way does. tried: how many ways are known for the metric. plain: an own
    count, rounded, in the unit that is printed. nearest: what the network has, counted in the nearest of these.
    """

    way: Way
    classes: int
    how: str
    plain: bool
    tried: int
    nearest: Way


@dataclass(frozen=True)
class _Candidate:
    way: Way
    classes: int
    own: bool
    in_unit: bool
    value: Fraction


def network_of(claim: Claim, evidence: Evidence) -> Network | None:
    """The network a claim is about; without a checkpoint the paper's, of the printed width and resolution.

    Other families have widths too, so without a checkpoint the printed name has to be that of a MobileNetV2.
    """
    if claim.checkpoint:
        checkpoint = evidence.checkpoints.get(claim.checkpoint)
        return checkpoint.network if checkpoint else None
    if claim.alpha is None or claim.resolution is None or not claim.names_mobilenet_v2:
        return None
    return MobileNetV2(alpha=claim.alpha, resolution=claim.resolution, classes=CLASSES[0])


def explain(claim: Claim, own: Parts) -> Explanation:
    """The plainest way to the printed number: own classes before others, rounded before cut off."""
    candidates = list(_candidates(claim, own))
    tried = len({candidate.way.words for candidate in candidates})
    plain = [candidate for candidate in candidates if candidate.own and candidate.in_unit]
    nearest = min(plain, key=lambda candidate: abs(candidate.value - Fraction(claim.value)))
    for how in ("rounded", "cut off"):
        for each in candidates:
            if rounding.fits(claim.value, each.value) == how:
                simple = how == "rounded" and each.own and each.in_unit
                return Explanation(each.way, each.classes, how, simple, tried, nearest.way)
    return Explanation(nearest.way, own.classes, "", False, tried, nearest.way)


def _candidates(claim: Claim, own: Parts) -> Iterator[_Candidate]:
    for classes in (own.classes, *(other for other in CLASSES if other != own.classes)):
        for ways, in_unit in _ways(claim, counting.with_classes(own, classes)):
            for way in ways:
                value = Fraction(way.value, UNITS[claim.unit])
                yield _Candidate(way, classes, classes == own.classes, in_unit, value)


def _ways(claim: Claim, own: Parts) -> Iterator[tuple[Iterable[Way], bool]]:
    """Ways of counting with whether they are what the unit says."""
    if claim.metric == "parameters":
        yield counting.parameters(own), True
        return
    doubled = claim.unit == "GFLOP"
    yield (counting.operations if doubled else counting.multiply_adds)(own), True
    yield (counting.multiply_adds if doubled else counting.operations)(own), False


class _Count(DocumentRule):
    metrics: ClassVar[tuple[str, ...]] = ()
    remedy = "the way of counting and the number of classes, printed beside the number"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each count whose network is known."""
        for claim in evidence.published():
            network = network_of(claim, evidence) if claim.metric in self.metrics else None
            if network is not None:
                yield self._verdict(claim, network)

    def _verdict(self, claim: Claim, network: Network) -> Verdict:
        explanation = explain(claim, counting.parts(network))
        value = f"{explanation.way.value:,}"
        meant = (
            explanation.way
            if explanation.classes == network.classes and explanation.how == "cut off"
            else explanation.nearest
        )
        stated, exactly = Fraction(claim.value), Fraction(meant.value, UNITS[claim.unit])
        if not explanation.how:
            at = f"{network.variant} at {network.resolution} with {_either(network.classes)} classes"
            reason = f"none of the {explanation.tried} ways of counting known here gives {with_unit(claim)} for {at}"
            return self.verdict_on(
                claim.id, findings.percent("incomplete", stated, exactly), reason, [claim],
                arithmetic=f"nearest: {value} ({explanation.way.words})",
            )  # fmt: skip
        reason, kind = f"{explanation.way.words}: {value}", _ROUNDING
        if explanation.classes != network.classes:
            kind = "incomplete"
            reason = (
                f"what a network with {explanation.classes:,} classes gives, {explanation.way.words}: {value}"
                f"{', cut off' * (explanation.how == 'cut off')}; this one has {network.classes:,}, with which no way "
                "known here rounds to it"
            )
        elif explanation.how == "cut off":
            reason += ", cut off; no way known here rounds to it"
        elif not explanation.plain:
            reason += f", and not what {claim.unit} says"
        finding = None if explanation.plain else findings.percent(kind, stated, exactly)
        printed_as = decimal(Fraction(explanation.way.value, UNITS[claim.unit]), 9)
        return self.verdict_on(
            claim.id, finding, reason, [claim], arithmetic=f"{printed_as} is printed as {claim.value}"
        )  # fmt: skip


def _either(own: int) -> str:
    """ "1,000 or 1,001"."""
    return " or ".join(f"{classes:,}" for classes in (own, *(other for other in CLASSES if other != own)))


class Parameters(_Count):
    """A documented number of parameters is a count of the documented network, rounded, with its own classes."""

    id = "C401"
    metrics = ("parameters",)


class Operations(_Count):
    """A documented number of operations is a count of the documented network, rounded, in the unit it is given in."""

    id = "C402"
    metrics = ("multiply_adds", "gflops")


class OneWay(DocumentRule):
    """Parameters of one architecture are counted in one way, so that documents can be compared."""

    id = "C403"
    about_checkpoints = False
    remedy = "the way of counting, printed beside the number"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each architecture of one width for which two documents count."""
        counts = [
            (claim, network) for claim in evidence.published()
            if claim.metric == "parameters" and (network := network_of(claim, evidence))
        ]  # fmt: skip
        for pairs in grouped((_layers(network), (claim, network)) for claim, network in counts).values():
            if len({claim.source for claim, _ in pairs}) > 1:
                yield self._verdict(pairs)

    def _verdict(self, pairs: Sequence[tuple[Claim, Network]]) -> Verdict:
        counted = [(ways_in_words(claim, network), claim) for claim, network in pairs]
        common = set.intersection(*(set(ways) for ways, _ in counted))
        ways_by_number = "; ".join(
            f"{', '.join(dict.fromkeys(claim.value for _, claim in group))}: {_one_of(ways)}"
            for ways, group in ((group[0][0], group) for group in grouped((each[0], each) for each in counted).values())
        )
        first = {claim.value: claim for _, claim in reversed(counted)}
        numbers = sorted(first, key=float)
        finding = findings.percent("differs_between_documents", Fraction(numbers[-1]), Fraction(numbers[0]))
        return self.verdict_on(
            f"parameters of {_named(pairs[0][1])}", None if common else finding, ways_by_number,
            [first[number] for number in numbers],
            arithmetic=f"{len(numbers)} printed values from {numbers[0]} to {numbers[-1]} M",
        )  # fmt: skip


def _one_of(ways: Sequence[str]) -> str:
    """The first of them, and how many besides; a number of few digits fits several."""
    if not ways:
        return "no way known here"
    more = len(ways) - 1
    return ways[0] + (f", or {more} other way{'s' * (more > 1)}" if more else "")


def _layers(network: Network) -> Network:
    """What two networks have in common that differ in input size and classes alone."""
    if not isinstance(network, MobileNetV2):
        return network.changed(resolution=SIDE, classes=CLASSES[0], bn_epsilon=1e-5)
    return MobileNetV2(
        alpha=network.alpha, resolution=SIDE, classes=CLASSES[0], rounding=network.rounding,
        expand_first=network.expand_first, classifier_bias=network.classifier_bias,
    )  # fmt: skip


def _named(network: Network) -> str:
    """ "alpha 0.75", and what besides the width makes the layers others than the paper's."""
    return ", ".join([network.variant, *(departures(network) if isinstance(network, MobileNetV2) else ())])


def ways_in_words(claim: Claim, network: Network) -> tuple[str, ...]:
    """The ways that give a printed number with the network's own classes, or else with others.

    Only the ways of the better kind: a number that one way rounds to was not cut off from another.
    """
    own = counting.parts(network)
    explanation = explain(claim, own)
    if explanation.how and explanation.classes != network.classes:
        return (f"{explanation.way.words}, with {explanation.classes:,} classes",)
    how = {each.way.words: rounding.fits(claim.value, each.value) for each in _candidates(claim, own) if each.own}
    best = "rounded" if "rounded" in how.values() else "cut off"
    return tuple(words for words, manner in how.items() if manner == best)


def departures(network: MobileNetV2) -> list[str]:
    """In which ways a network's layers are not the paper's at that width; a rule that changes nothing is none."""
    plain = _plain(network)
    ways = {
        f"widths by {network.rounding!r}": plain.changed(rounding=network.rounding),
        "an expansion in the first bottleneck": plain.changed(expand_first=network.expand_first),
    }
    return [words for words, each in ways.items() if counting.layers(each).blocks != counting.layers(plain).blocks]


def _plain(network: MobileNetV2) -> MobileNetV2:
    return MobileNetV2(alpha=network.alpha, resolution=network.resolution, classes=network.classes)


class Departs(DocumentRule):
    """A network that is called MobileNetV2 of some width is the paper's table of layers at that width."""

    id = "C404"
    remedy = "a note of the difference wherever the network's figures stand beside the paper's"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each checkpoint whose network is known, with the same classes as the paper's."""
        for checkpoint in evidence.checkpoints.values():
            network = checkpoint.network
            if not isinstance(network, MobileNetV2) or checkpoint.network_assumed:
                continue
            own, paper = (counting.parts(each) for each in (network, _plain(network)))
            ways = departures(network)
            finding = findings.percent(
                "differs_between_documents", Fraction(own.multiply_adds), Fraction(paper.multiply_adds)
            )
            arithmetic = (
                f"{own.multiply_adds / 1e6:.3f} against {paper.multiply_adds / 1e6:.3f} M multiply-adds, "
                f"{own.convolutions + own.classifier:,} against {paper.convolutions + paper.classifier:,} weights"
            )
            reason = f"not the paper's layers: {' and '.join(ways)}" if ways else "the paper's layers"
            yield self.verdict_on(
                checkpoint.id, finding if ways else None, reason,
                arithmetic=arithmetic, sources=checkpoint.sources, checkpoints=(checkpoint.id,),
            )  # fmt: skip


class Labels(DocumentRule):
    """The word a document gives as the unit of its numbers is the unit they are in.

    A multiply-add is two operations, a multiplication and an addition, so FLOPs are two per multiply-add and MACs one.
    """

    id = "C405"
    about_checkpoints = False
    remedy = "the unit's right name: MACs for multiply-adds, MB for 1,000,000 bytes, MiB for 1,048,576"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each label over numbers that can be counted."""
        for statement in evidence.stated(Label):
            claims = [
                claim for claim in evidence.published()
                if claim.source == statement.source and claim.metric == statement.metric
            ]  # fmt: skip
            judge: Callable[[Label, Sequence[Claim], Evidence], Verdict | None]
            judge = self._bits if statement.metric == "size" else self._operations
            if claims and (verdict := judge(statement, claims, evidence)):
                yield verdict

    def _operations(self, statement: Label, claims: Sequence[Claim], evidence: Evidence) -> Verdict | None:
        """Whether the printed numbers are nearer to one or to two operations per multiply-add."""
        factor = PER_MULTIPLY_ADD.get(statement.label)
        counted = [
            (claim, Fraction(claim.value) * UNITS[claim.unit] / counting.parts(network).multiply_adds)
            for claim in claims
            if (network := network_of(claim, evidence))
        ]
        if factor is None or not counted:
            return None
        wrong = [claim for claim, ratio in counted if abs(ratio - factor) > abs(ratio - (3 - factor))]
        shown = [claim for claim, _ in counted]
        ratio_in_words = f"{counted[0][0].value} is {float(counted[0][1]):.3f} per multiply-add"
        as_stated, as_counted = ("two" if each == 2 else "one" for each in (factor, 3 - factor))
        reason = f"labelled {statement.label}, which are {as_stated} per multiply-add"
        reason += f"; the numbers are nearest to {as_counted}" * (len(wrong) > 0)
        finding = findings.percent(_ROUNDING, Fraction(3 - factor), Fraction(factor)) if wrong else None
        return self.verdict_on(
            f"{statement.source} {statement.metric}", finding, reason, wrong or shown[:1],
            [(statement, f"labelled {statement.label}")], arithmetic=ratio_in_words,
        )  # fmt: skip

    def _bits(self, statement: Label, claims: Sequence[Claim], evidence: Evidence) -> Verdict:
        """A label with a small b speaks of bits."""
        bits = statement.label.endswith("b")
        reason = f"labelled {statement.label}, which are {'bits' if bits else 'bytes'}"
        first = claims[0]
        as_bits = Fraction(first.value) / BITS_PER_BYTE
        finding = findings.percent(_ROUNDING, as_bits, Fraction(first.value)) if bits else None
        return self.verdict_on(
            f"{statement.source} size", finding, reason, claims, [(statement, f"labelled {statement.label}")],
            arithmetic=f"{first.value} {statement.label} are {float(as_bits):g} MB" if bits else "",
        )  # fmt: skip
