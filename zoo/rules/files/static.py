"""Rules S: what is measured in the files, against documents and against the network as it is built here."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, ClassVar

from zoo.documents import counting
from zoo.documents.counting import Parts
from zoo.documents.formatting import quoted, with_unit
from zoo.records import Checkpoint, Claim, FindingClass, Inspection, Measured, Network, Verdict
from zoo.rules import findings
from zoo.rules.base import Evidence
from zoo.rules.claims.architecture import UNITS, explain
from zoo.rules.files.base import FileRule, known, looked_into

# Parts of a count with their names, in the order of sentences.
COUNTED = {
    "multiply_adds": "multiply-adds",
    "convolutions": "weights of convolutions",
    "classifier": "weights of the classifier",
    "bias": "biases of the classifier",
    "norm_channels": "batch-norm channels",
}


class _Count(FileRule):
    metrics: ClassVar[tuple[str, ...]] = ()

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each documented count of a file that can be counted."""
        for inspection, checkpoint, measured in looked_into(evidence):
            if not measured.classes or not self.applies(measured):
                continue
            own = counting.measured_parts(measured, checkpoint.network)
            for metric in self.metrics:
                for claim in evidence.claims_on(checkpoint.id, metric):
                    yield self._verdict(inspection, claim, own)

    def applies(self, measured: Measured) -> bool:
        """Whether the file gives what is counted."""
        return True

    def _verdict(self, inspection: Inspection, claim: Claim, own: Parts) -> Verdict:
        explanation = explain(claim, own)
        value = explanation.way.value / UNITS[claim.unit]
        counted = Fraction(explanation.nearest.value, UNITS[claim.unit])
        judged: dict[str, Any] = {
            "claim": claim, "measured": value, "sources": (claim.source,), "printed": (quoted(claim),),
        }  # fmt: skip
        if not explanation.how:
            reason = (
                f"none of the {explanation.tried} ways of counting known here gives {with_unit(claim)} for what the "
                f"file holds; nearest: {explanation.way.value:,} ({explanation.way.words})"
            )
            finding = findings.percent("incomplete", Fraction(claim.value), counted)
            return self.verdict(inspection, "refuted", reason, finding=finding, **judged)
        other = f" of a network with {explanation.classes:,} classes, not {own.classes:,}" * (
            explanation.classes != own.classes
        )
        cut = "" if explanation.how == "rounded" else ", cut off instead of rounded"
        reason = f"{with_unit(claim)} is {explanation.way.value:,}, {explanation.way.words}{other}{cut}"
        if explanation.plain:
            return self.verdict(inspection, "confirmed", reason, **judged)
        if not (other or cut):
            reason += f", and not what {claim.unit} says"
        kind: FindingClass = "incomplete" if other else "unit_or_rounding"
        finding = findings.percent(kind, Fraction(claim.value), counted)
        return self.verdict(inspection, "refuted", reason, finding=finding, **judged)


class Parameters(_Count):
    """A documented number of parameters is a count of what the file holds, rounded."""

    id = "S101"
    metrics = ("parameters",)


class MultiplyAdds(_Count):
    """A documented number of operations is a count of those that the file's layers take, rounded, in its own unit."""

    id = "S102"
    metrics = ("multiply_adds", "gflops")

    def applies(self, measured: Measured) -> bool:
        """Whether the file fixes the size of every layer."""
        return measured.multiply_adds is not None


class AsBuilt(FileRule):
    """The file holds as many weights and takes as many multiply-adds as the network that its record describes."""

    id = "S103"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each file whose network is recorded; "not run" where its adapter could not look."""
        for inspection, checkpoint in known(evidence):
            if inspection.error is not None:
                reason = f"not looked into: {inspection.error}"
                yield self.verdict(inspection, "not_run", reason, sources=checkpoint.sources)
            elif inspection.measured is not None and checkpoint.network is not None:
                yield self._verdict(inspection, checkpoint, inspection.measured, checkpoint.network)

    def _verdict(self, inspection: Inspection, checkpoint: Checkpoint, measured: Measured, network: Network) -> Verdict:
        built, own = counting.parts(network), counting.measured_parts(measured, network)
        names = [name for name in COUNTED if name != "multiply_adds" or measured.multiply_adds is not None]
        differing = [name for name in names if getattr(built, name) != getattr(own, name)]
        if differing:
            differences = (
                f"{getattr(own, name):,} {COUNTED[name]} instead of {getattr(built, name):,}" for name in differing
            )
            counts = ((Fraction(getattr(built, name)), Fraction(getattr(own, name))) for name in differing)
            sized = (findings.percent("contradiction", *pair) for pair in counts if pair[1])
            finding = max(sized, key=lambda each: each.size or 0, default=findings.plain("contradiction"))
            reason = f"in the file {', '.join(differences)}"
            return self.on_file(inspection, checkpoint, reason, finding)
        return self.on_file(inspection, checkpoint, _counted(measured))


class Operators(FileRule):
    """The file has the convolutions and the activation that its record describes, and is quantised if it is said to be.

    Activations are not judged where the file has none of its own: files of tensors, and quantised ones, whose ranges
    replace them.
    """

    id = "S104"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each file of which the record says any of these."""
        for inspection, checkpoint, measured in looked_into(evidence):
            pairs = list(_operators(checkpoint, measured))
            wrong = [f"expected {want}, got {got}" for want, got in pairs if want != got]
            if pairs:
                reason = "; ".join(wrong or [got for _, got in pairs])
                finding = findings.plain("contradiction") if wrong else None
                yield self.on_file(inspection, checkpoint, reason, finding)


def _operators(checkpoint: Checkpoint, measured: Measured) -> Iterator[tuple[str, str]]:
    """What the record and the file say, in the same words."""
    network = checkpoint.network
    if network is not None:
        layers = counting.layers(network)
        yield f"{len(layers.convs)} convolutions", f"{measured.convolutions} convolutions"
        if measured.activations:
            yield f"activation {layers.activation}", f"activation {' and '.join(sorted(measured.activations))}"
    if checkpoint.quantised is not None:
        yield _arithmetic(checkpoint.quantised), _arithmetic(measured.quantised)


def _arithmetic(quantised: bool) -> str:
    return "quantised arithmetic" if quantised else "float arithmetic"


def _counted(measured: Measured) -> str:
    """What a file holds, in words."""
    norms = measured.parameters_by["norms"]
    folded = "running statistics included" if norms else "batch norm folded"
    products = measured.multiply_adds
    operations = [] if products is None else [f"{products:,} multiply-adds"]
    return ", ".join([*operations, f"{measured.parameters:,} stored values, {folded}"])
