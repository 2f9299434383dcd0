"""Rules C: figures of one set of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import ClassVar

from zoo.documents.formatting import with_unit
from zoo.records import Checkpoint, Claim, FindingClass, Verdict
from zoo.records.statements import Converted
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims import contents
from zoo.rules.claims.base import DocumentRule, first_of, gap, one_value_fits, side_by_side
from zoo.rules.claims.settings import Compared, comparisons, involved, setting

METRICS = ("top1", "top5", "parameters")


class _OneNumber(DocumentRule):
    """Claims that share a key agree, metric by metric. of_bytes: whether what they share is one content."""

    remedy = "one evaluation of these bytes with a stated recipe; the other figure is withdrawn, or says how it differs"
    remedy_of_counts: ClassVar[str] = "the way of counting, printed beside the number"
    otherwise: ClassVar[str] = "no further apart than rounding and another image library bring them"
    shared = ""
    of_bytes: ClassVar[bool] = False

    def _judged(self, claims: Sequence[Claim], evidence: Evidence, subject: str = "") -> Iterator[Verdict]:
        for own in grouped((claim.metric, claim) for claim in claims if claim.metric in METRICS).values():
            if len(own) > 1 and self.joins(own, evidence):
                name = subject or first_of(own, evidence.checkpoints)
                yield self._verdict(f"{name} {own[0].metric}", own, evidence)

    def joins(self, claims: Sequence[Claim], evidence: Evidence) -> bool:
        """Whether the rule is about these claims of one metric."""
        return True

    def pairs(self, claims: Sequence[Claim], evidence: Evidence) -> list[Compared]:
        """Every two that one value cannot be behind."""
        return list(comparisons(claims, evidence, of_bytes=self.of_bytes))

    def _verdict(self, subject: str, claims: Sequence[Claim], evidence: Evidence) -> Verdict:
        pairs = self.pairs(claims, evidence)
        if wrong := [pair for pair in pairs if pair.contradicts]:
            return self._contradicted(subject, wrong, evidence)
        if explained := [pair for pair in pairs if pair.apart]:
            reason = "; ".join(dict.fromkeys(_apart(pair) for pair in explained))
            return self.verdict_on(subject, None, reason, involved(explained), outcome="not_comparable")
        fits = all(one_value_fits(*pair) for pair in combinations(claims, 2))
        why = "one value fits all" if fits else self.otherwise
        return self.verdict_on(subject, None, f"{side_by_side(claims)}: {why}", claims)

    def _contradicted(self, subject: str, wrong: Sequence[Compared], evidence: Evidence) -> Verdict:
        widest = max(wrong, key=lambda pair: pair.gap)
        claims, accuracy = involved(wrong), widest.one.is_accuracy
        unsaid = [claim for claim in claims if accuracy and setting(claim, evidence).recipe is None]
        # Two documents may count in two ways; without the same steps in both, something else may be behind it.
        two_documents = widest.one.source != widest.other.source
        differs = widest.unsaid or widest.library if accuracy else two_documents
        cut_off = all(pair.cut_off for pair in wrong)
        kind: FindingClass = (
            "unit_or_rounding" if cut_off else "differs_between_documents" if differs else "contradiction"
        )
        explained = "rounding and another image library explain" if widest.library else "rounding explains"
        return self.verdict_on(
            subject,
            findings.between(kind, widest.one, widest.other, widest.gap),
            f"{side_by_side(claims)} for {self.shared}"
            + "; the shorter is cut off instead of rounded" * cut_off
            + f"; no recipe is documented for {side_by_side(unsaid)}" * (len(unsaid) > 0),
            claims,
            arithmetic=f"{gap(widest.one, widest.other)}, more than {explained}",
            remedy=self.remedy if accuracy else self.remedy_of_counts,
        )


class SameBytes(_OneNumber):
    """Claims about the same bytes (one published hash, or one checkpoint) agree within the rounding of their print.

    Accuracies that are documented for different images, resolutions, crops, recipes or devices are not compared.
    """

    id = "C201"
    shared = "the same bytes"
    of_bytes = True

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each metric of each content that two claims are about."""
        by_checkpoint = evidence.published_by_checkpoint()
        for group in contents.grouped(evidence.checkpoints[name] for name in evidence.checkpoints):
            claims = [claim for checkpoint in group for claim in by_checkpoint.get(checkpoint.id, ())]
            yield from self._judged(claims, evidence)


class SameWeights(_OneNumber):
    """Files that hold the same weights in different bytes have accuracies that agree within rounding.

    Accuracies that are documented for different images, resolutions, crops, recipes or devices are not compared.
    Where only the image library differs, they agree within the tolerance.
    """

    id = "C202"
    otherwise = "each file has a figure that fits one of the other's, as far as they are comparable"
    shared = "the same weights in different files"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each metric of weights that are documented for two contents."""
        by_checkpoint = evidence.published_by_checkpoint()
        known = [each for each in evidence.checkpoints.values() if each.weights and each.id in by_checkpoint]
        for group in grouped((checkpoint.weights, checkpoint) for checkpoint in known).values():
            claims = [claim for each in group for claim in by_checkpoint[each.id] if claim.is_accuracy]
            yield from self._judged(claims, evidence)

    def joins(self, claims: Sequence[Claim], evidence: Evidence) -> bool:
        """Whether they are about two contents."""
        return len(set(_numbered(claims, evidence).values())) > 1

    def pairs(self, claims: Sequence[Claim], evidence: Evidence) -> list[Compared]:
        """Pairs from two contents. A figure that fits one of the other content's is the matter of the rule on bytes."""
        own = _numbered(claims, evidence)
        return [
            pair for pair in super().pairs(claims, evidence)
            if own[pair.one.checkpoint] != own[pair.other.checkpoint]
            and not any(
                one_value_fits(claim, third)
                for claim, other in ((pair.one, pair.other), (pair.other, pair.one))
                for third in claims if own[third.checkpoint] == own[other.checkpoint]
            )
        ]  # fmt: skip


class ConvertedWeights(_OneNumber):
    """Weights that were converted, and not trained any further, keep the accuracy of their original.

    Accuracies that are documented for different images, resolutions, crops, recipes or devices are not compared.
    """

    id = "C203"
    otherwise = "the original's fit the conversion's, as far as they are comparable"
    shared = "a conversion and its original"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each metric of each conversion that a document states."""
        by_checkpoint = evidence.published_by_checkpoint()
        for statement in evidence.stated(Converted):
            for name in statement.checkpoints:
                checkpoint = evidence.checkpoints.get(name)
                both = (name, checkpoint.converted_from or "") if checkpoint else ()
                claims = [claim for each in both for claim in by_checkpoint.get(each, ()) if claim.is_accuracy]
                yield from self._judged(claims, evidence, subject=name)

    def joins(self, claims: Sequence[Claim], evidence: Evidence) -> bool:
        """Whether original and conversion both have a figure."""
        return len({claim.checkpoint for claim in claims}) > 1

    def pairs(self, claims: Sequence[Claim], evidence: Evidence) -> list[Compared]:
        """Pairs of an original's and a conversion's figure."""
        return [pair for pair in super().pairs(claims, evidence) if pair.one.checkpoint != pair.other.checkpoint]


def _numbered(claims: Sequence[Claim], evidence: Evidence) -> Mapping[str, int]:
    """Id of each checkpoint -> number of its content."""
    checkpoints: dict[str, Checkpoint] = {claim.checkpoint: evidence.checkpoints[claim.checkpoint] for claim in claims}
    groups = contents.grouped(checkpoints.values())
    return {each.id: number for number, group in enumerate(groups) for each in group}


def _apart(pair: Compared) -> str:
    return f"{with_unit(pair.one)} / {with_unit(pair.other)}: {', '.join(pair.apart)}"
