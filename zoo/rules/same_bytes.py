"""Rules C: figures of one set of weights, and figures that several sets share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from zoo.records import Checkpoint, Claim, File, Verdict
from zoo.rules.base import Evidence
from zoo.rules.documents import DocumentRule, conflicts, exact, first_of, gap, grouped
from zoo.statements import Converted
from zoo.wording import with_unit

METRICS = ("top1", "top5", "parameters")
FINE_STEP = 0.0001  # as a fraction: figures of at least two decimals in percent


class _OneNumber(DocumentRule):
    """Claims that share a key agree, metric by metric."""

    remedy = "one evaluation of these bytes with a stated recipe; the other figure is withdrawn, or says how it differs"
    shared = ""

    def _judged(self, groups: Sequence[Sequence[Claim]], evidence: Evidence) -> Iterator[Verdict]:
        for group in groups:
            for claims in grouped((claim.metric, claim) for claim in group if claim.metric in METRICS).values():
                if len(claims) > 1:
                    yield self._verdict(claims, evidence)

    def conflicts(self, claims: Sequence[Claim], evidence: Evidence) -> list[tuple[Claim, Claim]]:
        """Pairs that one value cannot be behind."""
        return conflicts(claims)

    def _verdict(self, claims: Sequence[Claim], evidence: Evidence) -> Verdict:
        subject = f"{first_of(claims, evidence.checkpoints)} {claims[0].metric}"
        pairs = self.conflicts(claims, evidence)
        said = " / ".join(dict.fromkeys(with_unit(claim) for claim in claims))
        if not pairs:
            return self.found(subject, True, f"{said}: one value fits all", claims)
        one, other = max(pairs, key=lambda pair: abs(exact(pair[0]) - exact(pair[1])))
        recipes = {
            checkpoint.recipe: None
            for claim in claims
            if (checkpoint := evidence.checkpoints.get(claim.checkpoint)) is not None
        }
        why = f"; the checkpoints are documented with the recipes {', '.join(recipes)}" if len(recipes) > 1 else ""
        return self.found(
            subject, False, f"{said} for {self.shared}{why}", claims,
            arithmetic=f"{gap(one, other)}, more than rounding explains",
        )  # fmt: skip


class SameBytes(_OneNumber):
    """Claims about the same bytes (one hash, or one checkpoint) agree within the rounding of their print."""

    id = "C201"
    shared = "the same bytes"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each metric of each content that two claims are about."""
        known = [claim for claim in evidence.published() if claim.checkpoint in evidence.checkpoints]
        groups = grouped((content(evidence.checkpoints[claim.checkpoint]), claim) for claim in known)
        yield from self._judged(list(groups.values()), evidence)


class SameWeights(_OneNumber):
    """Files that hold the same weights in different bytes have accuracies that agree within rounding."""

    id = "C202"
    shared = "the same weights in different files"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each metric of weights that are documented for two contents."""
        checkpoints = evidence.checkpoints
        known = [
            claim for claim in evidence.published()
            if claim.is_accuracy and claim.checkpoint in checkpoints and checkpoints[claim.checkpoint].weights
        ]  # fmt: skip
        groups = [
            claims for claims in grouped((checkpoints[claim.checkpoint].weights, claim) for claim in known).values()
            if len({content(checkpoints[claim.checkpoint]) for claim in claims}) > 1
        ]  # fmt: skip
        yield from self._judged(groups, evidence)

    def conflicts(self, claims: Sequence[Claim], evidence: Evidence) -> list[tuple[Claim, Claim]]:
        """Pairs from two contents; those about one content are the matter of the rule on bytes."""
        own = {claim.id: content(evidence.checkpoints[claim.checkpoint]) for claim in claims}
        return [
            (one, other) for one, other in combinations(claims, 2)
            if own[one.id] != own[other.id] and conflicts([one, other])
            and not any(own[third.id] == own[other.id] and not conflicts([one, third]) for third in claims)
        ]  # fmt: skip


class ConvertedWeights(_OneNumber):
    """Weights that were converted, and not trained any further, keep the accuracy of their original."""

    id = "C203"
    shared = "an original and its conversion"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each metric of each conversion that a document states."""
        for statement in evidence.stated(Converted):
            for name in statement.checkpoints:
                checkpoint = evidence.checkpoints.get(name)
                pair = (checkpoint.converted_from, name) if checkpoint else ()
                claims = [claim for claim in evidence.published() if claim.checkpoint in pair and claim.is_accuracy]
                for metric in grouped((claim.metric, claim) for claim in claims).values():
                    if len({claim.checkpoint for claim in metric}) > 1:
                        yield self._verdict(metric, evidence).model_copy(
                            update={"subject": f"{name} {metric[0].metric}"}
                        )


class Repeated(DocumentRule):
    """Different weights, or one network under different preprocessing, do not share top-1 and top-5 to two decimals."""

    id = "C204"
    remedy = "an evaluation of each of the two; a figure that was copied says so"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each two checkpoints, and one for each whose finely printed figures are its own."""
        figures = {name: both for name in evidence.checkpoints if (both := _figures(name, evidence))}
        shared: set[str] = set()
        for (name, one), (other, two) in combinations(figures.items(), 2):
            texts = [[(claim.metric, exact(claim)) for claim in claims] for claims in (one, two)]
            first, second = evidence.checkpoints[name], evidence.checkpoints[other]
            if texts[0] != texts[1] or not _different(first, second):
                continue
            shared |= {name, other}
            said = " and ".join(with_unit(claim) for claim in one)
            yield self.found(
                f"{name} = {other}", False, f"{said} for both, though {_difference(first, second)}",
                [*one, *two], arithmetic="differences: 0 and 0",
            )  # fmt: skip
        for name, claims in figures.items():
            if name not in shared:
                yield self.found(name, True, "no other weights are documented with this pair of figures", claims)


class Remeasured(DocumentRule):
    """A reader's own measurement agrees with what the publisher documents for the same name."""

    id = "C205"
    remedy = "both recipes side by side, or a third evaluation with the publisher's"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each third party's figure that has a published counterpart."""
        for claim in evidence.claims:
            if claim.by != "third_party" or not claim.is_accuracy:
                continue
            same = [other for other in evidence.published() if other.metric == claim.metric and _same(claim, other)]
            wrong = [other for other in same if conflicts([claim, other])]
            if same:
                nearest = min(same, key=lambda other: abs(exact(other) - exact(claim)))
                yield self.found(
                    claim.id, len(wrong) < len(same),
                    f"measured {with_unit(claim)}, documented {' / '.join(dict.fromkeys(map(with_unit, same)))}",
                    [claim, *{other.value: other for other in same}.values()], arithmetic=gap(claim, nearest),
                )  # fmt: skip


class OtherFigure(DocumentRule):
    """Figures that name a network but no file agree with each other, and with a file of that name."""

    id = "C206"
    remedy = "the file and the revision that each figure was measured with"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each metric of a model name under which two figures are printed."""
        loose = [claim for claim in evidence.published() if claim.is_accuracy and not claim.checkpoint]
        for claims in grouped(((c.model.casefold(), c.framework, c.metric), c) for c in loose).values():
            model = claims[0].model
            files = [
                claim for claim in evidence.published()
                if claim.checkpoint and claim.metric == claims[0].metric and claim.model.startswith(f"{model}-")
                and claim.framework == claims[0].framework
            ]  # fmt: skip
            if len(claims) + len(files) < 2:
                continue
            alone = [
                claim for claim in claims if files and len(conflicts([claim, *files])) >= len({f.value for f in files})
            ]
            pairs = conflicts(claims) or [
                (claim, file) for claim in alone for file in files if conflicts([claim, file])
            ]
            said = " / ".join(dict.fromkeys(with_unit(claim) for claim in (*claims, *files)))
            yield self.found(
                f"{model} {claims[0].framework} {claims[0].metric}".replace("  ", " "), not pairs,
                f"{said} under one name" if pairs else f"{said}: one value fits all", [*claims, *files],
                arithmetic=gap(*max(pairs, key=lambda pair: abs(exact(pair[0]) - exact(pair[1])))) if pairs else "",
            )  # fmt: skip


def content(checkpoint: Checkpoint) -> tuple[str, ...]:
    """What tells the bytes of a checkpoint from others'; its own id where a hash is not known."""
    hashes = [_identity(file) for file in checkpoint.files]
    return tuple(hashes) if hashes and all(hashes) else (checkpoint.id,)


def _identity(file: File) -> str:
    if file.sha256 or not file.archive:
        return file.sha256 or ""
    return f"{file.archive.sha256}/{file.archive.member}" if file.archive.sha256 else ""


def _figures(name: str, evidence: Evidence) -> list[Claim]:
    """The first printed top-1 and top-5 of a checkpoint, where both are printed finely."""
    claims = [
        claim for claim in evidence.published()
        if claim.checkpoint == name and claim.is_accuracy
        and claim.interval()[1] - claim.interval()[0] < FINE_STEP * 1.01
    ]  # fmt: skip
    by_metric = {claim.metric: claim for claim in reversed(claims)}
    return [by_metric["top1"], by_metric["top5"]] if len(by_metric) == 2 else []


def _different(one: Checkpoint, other: Checkpoint) -> bool:
    if content(one) == content(other) or (one.weights and one.weights == other.weights):
        return False
    return bool(_difference(one, other))


def _difference(one: Checkpoint, other: Checkpoint) -> str:
    """How two checkpoints are known to differ, in words; empty if in nothing that is recorded."""
    ways = []
    if one.network and other.network and one.network != other.network:
        ways.append("the networks differ")
    if one.files and other.files and all(file.sha256 for file in (*one.files, *other.files)):
        ways.append("the files differ")
    if one.recipe != other.recipe:
        ways.append(f"the recipes differ ({one.recipe}, {other.recipe})")
    return " and ".join(ways)


def _same(claim: Claim, other: Claim) -> bool:
    """Whether two claims are about one thing: a checkpoint, else a model name in one framework."""
    if claim.checkpoint:
        return claim.checkpoint == other.checkpoint
    return claim.model == other.model and claim.framework in ("", other.framework)
