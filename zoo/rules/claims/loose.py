"""Rules C: figures that are not a publisher's about a file: readers' own, and those that name a network alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from zoo.documents.formatting import with_unit
from zoo.records import Claim, FindingClass, Verdict
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims.base import DocumentRule, gap, side_by_side
from zoo.rules.claims.settings import Compared, beyond_rounding, compare, comparisons, involved
from zoo.rules.files.saturation import can_saturate, weights

_HASH = re.compile(r"-[0-9a-f]{6,}$")  # how file names of a network end


class Remeasured(DocumentRule):
    """A reader's own measurement agrees with what the publisher documents for the same name.

    A measurement that is documented for other images, another resolution, crop, recipe or device is not compared.
    """

    id = "C205"
    remedy = "both recipes side by side, or a third evaluation with the publisher's"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each third party's figure that has a published counterpart."""
        published = evidence.published()
        for claim in evidence.claims:
            if claim.by == "third_party" and claim.is_accuracy:
                same = [other for other in published if other.metric == claim.metric and _same(claim, other)]
                pairs = [compare(claim, other, evidence, of_bytes=bool(claim.checkpoint)) for other in same]
                if near := [pair for pair in pairs if not pair.apart]:
                    yield self._verdict(claim, near, _may_saturate(claim, evidence))

    def _verdict(self, claim: Claim, pairs: Sequence[Compared], why: str) -> Verdict:
        nearest = min(pairs, key=lambda pair: (pair.excess, pair.gap))
        same = {pair.other.value: pair.other for pair in pairs}
        kind: FindingClass = "unit_or_rounding" if nearest.cut_off else "differs_between_documents"
        finding = findings.points(kind, nearest.gap) if nearest.contradicts else None
        documented = side_by_side(same.values())
        return self.verdict_on(
            claim.id, finding, f"measured {with_unit(claim)}, documented {documented}{why if finding else ''}",
            [claim, *same.values()], arithmetic=gap(claim, nearest.other),
        )  # fmt: skip


class OtherFigure(DocumentRule):
    """Figures that name a network but no file agree with each other, and with a file of that name.

    Figures for different images, resolutions, crops, recipes or devices are not compared.
    """

    id = "C206"
    about_checkpoints = False
    remedy = "the file and the revision that each figure was measured with"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each metric of a model name under which two figures are printed."""
        accuracies = [claim for claim in evidence.published() if claim.is_accuracy]
        names = [claim for claim in accuracies if claim.model and not claim.checkpoint]
        by_name = grouped((_key(claim.model, claim), claim) for claim in names)
        files = grouped(
            (_key(_HASH.sub("", claim.model), claim), claim)
            for claim in accuracies
            if claim.checkpoint and _HASH.search(claim.model)
        )
        for key, claims in by_name.items():
            if len(claims) + len(files.get(key, ())) > 1:
                yield self._verdict(claims, files.get(key, []), evidence)

    def _verdict(self, claims: Sequence[Claim], files: Sequence[Claim], evidence: Evidence) -> Verdict:
        wrong = [pair for pair in comparisons(claims, evidence, of_bytes=False) if pair.contradicts]
        for claim in claims if not wrong else ():
            beside = [compare(claim, file, evidence, of_bytes=False) for file in files]
            near = [pair for pair in beside if not pair.apart]
            if near and all(pair.contradicts for pair in near):
                wrong += near
        subject = " ".join(part for part in (claims[0].model, claims[0].framework, claims[0].metric) if part)
        if not wrong:
            alone = all(beyond_rounding(claims[0], claim) == 0 for claim in (*claims, *files))
            why = "one value fits all" if alone else "each for its own images, resolution, crop, recipe and device"
            return self.verdict_on(subject, None, f"{side_by_side((*claims, *files))}: {why}", [*claims, *files])
        kind = findings.gravest(_kind(pair) for pair in wrong)
        widest = max((pair for pair in wrong if _kind(pair) == kind), key=lambda pair: pair.gap)
        shown = involved(wrong)
        return self.verdict_on(
            subject, findings.points(kind, widest.gap), f"{side_by_side(shown)} under one name{_REMARKS.get(kind, '')}",
            shown, arithmetic=gap(widest.one, widest.other),
        )  # fmt: skip


_REMARKS: dict[FindingClass, str] = {
    "incomplete": "; resolution, crop, recipe, device or number of images is stated of only one",
    "unit_or_rounding": "; the shorter is cut off instead of rounded",
}


def _kind(pair: Compared) -> FindingClass:
    if pair.cut_off:
        return "unit_or_rounding"
    if pair.one.source != pair.other.source:
        return "differs_between_documents"
    return "incomplete" if pair.one_sided else "contradiction"


def _key(name: str, claim: Claim) -> tuple[str, str, str]:
    """What two claims have in common that may be about one thing."""
    return name.casefold(), claim.framework, claim.metric


def _may_saturate(claim: Claim, evidence: Evidence) -> str:
    """That the processor may be the reason, where the file is here and can answer otherwise without VNNI; else ""."""
    for inspection in evidence.inspections:
        if inspection.checkpoint == claim.checkpoint and inspection.measured is not None:
            pairs = inspection.measured.byte_pairs
            if can_saturate(pairs):
                return f"; the reader's processor may be why: without VNNI sums can be cut off, as {weights(pairs)}"
    return ""


def _same(claim: Claim, other: Claim) -> bool:
    """Whether two claims are about one thing: a checkpoint, else a model name in one framework."""
    if claim.checkpoint:
        return claim.checkpoint == other.checkpoint
    return claim.model == other.model and claim.framework in ("", other.framework)
