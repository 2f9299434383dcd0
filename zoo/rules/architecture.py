"""Rules C: counts and sizes against the network that the document speaks of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from zoo import architecture, printed
from zoo.architecture import Parts, Way
from zoo.records import Claim, Network, Verdict
from zoo.rules.base import Evidence
from zoo.rules.documents import DocumentRule, decimal, grouped
from zoo.statements import Label
from zoo.wording import with_unit

CLASSES = (1000, 1001)
UNITS = {"M": 10**6, "GMAC": 10**9, "GFLOP": 10**9}
PER_MULTIPLY_ADD = {"FLOPs": 2, "MACs": 1}


@dataclass(frozen=True)
class Explanation:
    """The way of counting that gives a printed number. how: "rounded", "cut off", or "" where no way does."""

    way: Way
    classes: int
    how: str
    plain: bool


def network_of(claim: Claim, evidence: Evidence) -> Network | None:
    """The network a claim is about; without a checkpoint the paper's, of the printed width and resolution."""
    if claim.checkpoint:
        checkpoint = evidence.checkpoints.get(claim.checkpoint)
        return checkpoint.network if checkpoint else None
    if claim.alpha is None or claim.resolution is None:
        return None
    return Network(alpha=claim.alpha, resolution=claim.resolution, classes=CLASSES[0])


def explain(claim: Claim, own: Parts) -> Explanation:
    """The plainest way to the printed number: own classes before others, rounded before cut off; `plain` is the
    first of these: an own count, rounded, in the unit that is printed.
    """
    nearest: tuple[Fraction, Way] | None = None
    for how in ("rounded", "cut off"):
        for classes in (own.classes, *(other for other in CLASSES if other != own.classes)):
            for ways, in_unit in _ways(claim, architecture.with_classes(own, classes)):
                for way in ways:
                    value = Fraction(way.value, UNITS[claim.unit])
                    if printed.fits(claim.value, value) == how:
                        plain = how == "rounded" and classes == own.classes and in_unit
                        return Explanation(way, classes, how, plain)
                    distance = abs(value - Fraction(claim.value))
                    if classes == own.classes and in_unit and (nearest is None or distance < nearest[0]):
                        nearest = distance, way
    assert nearest is not None
    return Explanation(nearest[1], own.classes, "", False)


def _ways(claim: Claim, own: Parts) -> Iterator[tuple[Iterable[Way], bool]]:
    """Ways of counting with whether they are what the unit says."""
    if claim.metric == "parameters":
        yield architecture.parameters(own), True
        return
    doubled = claim.unit == "GFLOP"
    yield (architecture.operations if doubled else architecture.multiply_adds)(own), True
    yield (architecture.multiply_adds if doubled else architecture.operations)(own), False


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
        found = explain(claim, architecture.parts(network))
        value = f"{found.way.value:,}"
        at = f"alpha {network.alpha:g} at {network.resolution}"
        if not found.how:
            reason = f"no way of counting {at} with {network.classes:,} classes gives {with_unit(claim)}"
            return self.found(claim.id, False, reason, [claim], arithmetic=f"nearest: {value} ({found.way.words})")
        other = f" of a network with {found.classes:,} classes, not {network.classes:,}" * (
            found.classes != network.classes
        )
        exactly = decimal(Fraction(found.way.value, UNITS[claim.unit]), 9)
        rounded = "" if found.how == "rounded" else ", cut off instead of rounded"
        reason = f"{found.way.words}{other}: {value}{rounded}"
        return self.found(claim.id, found.plain, reason, [claim], arithmetic=f"{exactly} is printed as {claim.value}")


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
    remedy = "the way of counting, printed beside the number"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each width for which two documents count."""
        counts = [
            (claim, network) for claim in evidence.published()
            if claim.metric == "parameters" and (network := network_of(claim, evidence))
        ]  # fmt: skip
        for pairs in grouped((network.alpha, (claim, network)) for claim, network in counts).values():
            if len({claim.source for claim, _ in pairs}) < 2:
                continue
            ways = grouped((_way(claim, network), claim) for claim, network in pairs)
            said = "; ".join(f"{_values(claims)}: {words}" for words, claims in ways.items())
            first = {claim.value: claim for claims in ways.values() for claim in reversed(claims)}
            numbers = sorted(first, key=float)
            yield self.found(
                f"parameters of alpha {pairs[0][1].alpha:g}", len(ways) == 1, said, list(first.values()),
                arithmetic=f"{len(numbers)} printed values from {numbers[0]} to {numbers[-1]} M, {len(ways)} ways",
            )  # fmt: skip


def _way(claim: Claim, network: Network) -> str:
    found = explain(claim, architecture.parts(network))
    return f"{found.way.words}, {found.classes:,} classes" if found.how else "no known way"


def _values(claims: Sequence[Claim]) -> str:
    return ", ".join(dict.fromkeys(claim.value for claim in claims))


class Departs(DocumentRule):
    """A network that is called MobileNetV2 of some width is the paper's table of layers at that width."""

    id = "C404"
    remedy = "a note of the difference wherever the network's figures stand beside the paper's"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each checkpoint whose network is known, with the same classes as the paper's."""
        for checkpoint in evidence.checkpoints.values():
            network = checkpoint.network
            if network is None:
                continue
            plain = Network(alpha=network.alpha, resolution=network.resolution, classes=network.classes)
            own, paper = (architecture.parts(each) for each in (network, plain))
            holds = own.multiply_adds == paper.multiply_adds
            ways = [f"widths by {network.rounding!r}"] * (network.rounding != "divisible")
            ways += ["an expansion in the first bottleneck"] * network.expand_first
            reason = "the paper's layers" if holds else f"not the paper's layers: {' and '.join(ways)}"
            arithmetic = (
                f"{own.multiply_adds / 1e6:.3f} against {paper.multiply_adds / 1e6:.3f} M multiply-adds, "
                f"{own.convolutions + own.classifier:,} against {paper.convolutions + paper.classifier:,} weights"
            )
            verdict = self.found(checkpoint.id, holds, reason, arithmetic=arithmetic)
            yield verdict.model_copy(update={"sources": checkpoint.sources})


class Labels(DocumentRule):
    """The word a document gives as the unit of its numbers is the unit they are in."""

    id = "C405"
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
            (claim, Fraction(claim.value) * UNITS[claim.unit] / architecture.parts(network).multiply_adds)
            for claim in claims
            if (network := network_of(claim, evidence))
        ]
        if factor is None or not counted:
            return None
        wrong = [claim for claim, ratio in counted if abs(ratio - factor) > abs(ratio - (3 - factor))]
        shown = [claim for claim, _ in counted]
        said = f"{counted[0][0].value} is {float(counted[0][1]):.3f} per multiply-add"
        reason = f"labelled {statement.label}, which are {factor} per multiply-add"
        return self.found(
            f"{statement.source} {statement.metric}", not wrong, reason, wrong or shown[:1],
            [(statement, f"labelled {statement.label}")], arithmetic=said,
        )  # fmt: skip

    def _bits(self, statement: Label, claims: Sequence[Claim], evidence: Evidence) -> Verdict:
        """A label with a small b speaks of bits."""
        bits = statement.label.endswith("b")
        reason = f"labelled {statement.label}, which are {'bits' if bits else 'bytes'}"
        first = claims[0]
        return self.found(
            f"{statement.source} size", not bits, reason, claims, [(statement, f"labelled {statement.label}")],
            arithmetic=f"{first.value} {statement.label} are {float(Fraction(first.value) / 8):g} MB" if bits else "",
        )  # fmt: skip
