"""Rule S105: whether a quantised file gives the same answers on every processor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from zoo import stats
from zoo.documents.formatting import percent
from zoo.records import AsShipped, BytePairs, Checkpoint, Inspection, Outcome, Verdict
from zoo.rules import findings
from zoo.rules.base import Evidence
from zoo.rules.files.base import FileRule, known

LEVEL = 0.05  # of McNemar's exact test on the images that were answered in both ways
REMEDY = (
    "quantise again with weights of 7 bits (reduce_range), or tell users to turn on exact sums "
    "(session.x64quantprecision=1 or LP_TRANSFORMS_MODE=NO, by framework)"
)


class Saturation(FileRule):
    """A quantised file gives the same answers on x86 processors with and without VNNI, as its framework is shipped.

    Without VNNI the products of two neighbouring weights are added in 16 bits, and what does not fit is cut off. Where
    weights that can cause this are stored, only answers can show whether they do: those of the framework's defaults on
    the first images, on a processor without VNNI.
    """

    id = "S105"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each file with weights of signed bytes, or whose answers the defaults change here."""
        shipped = {run.subject: run.as_shipped for run in evidence.runs}
        drawn = {run.subject for run in evidence.runs if run.is_estimated}
        for inspection, checkpoint in known(evidence):
            pairs = inspection.measured.byte_pairs if inspection.measured else ()
            shown = shipped.get(inspection.subject)
            if pairs or shown:
                yield self._verdict(inspection, checkpoint, pairs, shown, inspection.subject in drawn)

    def _verdict(
        self, inspection: Inspection, checkpoint: Checkpoint, pairs: tuple[BytePairs, ...], shown: AsShipped | None,
        drawn: bool,
    ) -> Verdict:  # fmt: skip
        """drawn: whether a reference drew these images. Hard ones show as well that answers differ, but not how many
        points that costs over all.
        """
        outcome = _outcome(pairs, shown)
        reason = "; ".join(part for part in (_answers(inspection.framework, shown, drawn), weights(pairs)) if part)
        if outcome == "inconclusive" and shown is None:
            reason += "; to know whether they do, run it on a processor without VNNI"
        finding = None
        if shown is not None and outcome == "fail":
            lost = Fraction(100 * (shown.lost - shown.gained), shown.n)
            finding = findings.plain("contradiction") if drawn else findings.points("contradiction", lost)
        return self.verdict(
            inspection, outcome, reason,
            finding=finding,
            sources=checkpoint.sources,
            remedy=REMEDY if outcome in ("fail", "inconclusive") else "",
            measured=shown.shipped_correct / shown.n if shown and not drawn else None,
            n=shown.n if shown else None,
            p_value=_chance(shown) if shown else None,
        )  # fmt: skip


def can_saturate(pairs: Iterable[BytePairs]) -> bool:
    """Whether any layer has neighbouring weights whose products can leave 16 bits."""
    return any(layer.beyond for layer in pairs)


def weights(pairs: tuple[BytePairs, ...]) -> str:
    """What is stored, in words; "" where nothing is known."""
    if not pairs:
        return ""
    wrong = [layer.beyond / layer.pairs for layer in pairs if layer.beyond]
    if not wrong:
        return f"the products of no two neighbouring weights in {_layers(len(pairs))} can leave 16 bits"
    least, most = (percent(end, 1) for end in (min(wrong), max(wrong)))
    share = f"{least} %" if least == most else f"{least} to {most} %"
    return (
        f"in {len(wrong)} of {_layers(len(pairs))} the products of neighbouring weights can leave 16 bits "
        f"({share} of a layer's pairs)"
    )


def _layers(count: int) -> str:
    return f"{count} layer{'s' * (count != 1)}"


def _outcome(pairs: tuple[BytePairs, ...], shown: AsShipped | None) -> Outcome:
    if shown is None:
        return "inconclusive" if can_saturate(pairs) else "pass"
    if not shown.different:
        return "pass"
    return "fail" if _chance(shown) < LEVEL else "inconclusive"


def _chance(shown: AsShipped) -> float:
    return stats.mcnemar(shown.gained, shown.lost)


def _answers(framework: str, shown: AsShipped | None, drawn: bool) -> str:
    """What the defaults answer, in words; "" where that was not tried."""
    if shown is None:
        return ""
    before, after = (percent(count / shown.n) for count in (shown.top1_correct, shown.shipped_correct))
    where = f"as {framework} is shipped, on a processor without VNNI such as this one,"
    if not shown.different:
        return f"{where} the labels of the first {shown.n:,} images are the same"
    if drawn:
        return (
            f"{where} sums are cut off: {shown.shipped_correct:,} instead of {shown.top1_correct:,} of the first "
            f"{shown.n:,} images, which a reference drew, are right, {shown.different:,} labels differ"
        )
    return (
        f"{where} sums are cut off: {after} instead of {before} % of the first {shown.n:,} images are right, "
        f"{shown.different:,} labels differ"
    )
