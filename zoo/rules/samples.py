"""Rule X301: what is answered here to one input against what the publisher prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from zoo.documents.classes import class_name
from zoo.records import LabelMap, Outcome, SampleAnswer, SampleRun, Verdict
from zoo.rules.base import Evidence, Rule, why_not_run
from zoo.rules.pairs.scores import TINY, are_probabilities

SUMS = {"exact": "added whole", "saturating": "cut off at 16 bits", "unknown": "added in a way that cannot be tested"}

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class _Compared:
    """Printed scores beside ours, in one kind. All arrays are float64, of one length, at the outputs `outputs`.

    allowed: by how much they may differ; shift: what was added to ours, as logits behind a softmax are known but for
    one constant.
    """

    outputs: Sequence[int]
    printed: Scores
    ours: Scores
    allowed: Scores
    shift: float | None = None

    @property
    def differences(self) -> Scores:
        """Absolute, float64."""
        differences: Scores = np.abs(self.ours - self.printed)
        return differences

    @property
    def worst(self) -> int:
        """Where the difference is largest, by the tolerance of that place."""
        shares = self.differences / np.maximum(self.allowed, TINY)  # a relative tolerance allows nothing for a 0
        return int(np.argmax(shares))

    @property
    def beyond(self) -> int:
        """How many scores differ by more than they may; what a float64 cannot tell apart does not count."""
        return int((self.differences > self.allowed * (1 + 1e-9)).sum())


class SampleAnswers(Rule):
    """To a picture or tensor with a published answer, the network gives that answer, within the stated tolerance or
    half a unit of the last printed digit.
    """

    id = "X301"
    topic = "sample_answers"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each framework in which a sample answer was looked at, and for each that nobody can."""
        by_id = {sample.id: sample for sample in evidence.sample_answers}
        for run in evidence.samples:
            if run.sample in by_id:
                yield self._judged(run, by_id[run.sample], evidence)
        for sample in by_id.values():
            checkpoint = evidence.checkpoints.get(sample.checkpoint)
            if why := sample.unavailable or (checkpoint.unavailable if checkpoint else ""):
                yield self.verdict(
                    sample.checkpoint, "not_comparable", f"sample answer {sample.id}: {why}", claim_id=sample.id,
                    checkpoints=(sample.checkpoint,), sources=(sample.source,), printed=_printed(sample),
                )  # fmt: skip

    def _judged(self, run: SampleRun, sample: SampleAnswer, evidence: Evidence) -> Verdict:
        if run.status != "done":
            return self._verdict(run, sample, "not_run", f"not run: {why_not_run(run.error)}")
        label_map = evidence.label_maps.get(run.label_map)
        scores = np.array(run.outputs, np.float64)
        if sample.output and len(run.published) != len(scores):
            lengths = f"the publisher's tensor has {len(run.published):,} scores, the network {len(scores):,}"
            return self._verdict(run, sample, "refuted", lengths)
        compared = _compared(run, sample, scores) if sample.scores or sample.output else None
        order = _misplaced(sample.best, scores, label_map)
        wrong = bool(order) or (compared is not None and compared.beyond > 0)
        obstacle = _obstacle(run, sample, wrong)
        outcome: Outcome = "not_comparable" if obstacle else "refuted" if wrong else "confirmed"
        right = "" if order or not sample.best else _best(sample.best, label_map)
        words = [order or right, _words(compared, sample, label_map) if compared else "", obstacle]
        fields: dict[str, Any] = {"arithmetic": _short(compared) or _places(sample.best, scores)}
        if compared is not None:
            at = compared.worst
            printed, allowed = float(compared.printed[at]), float(compared.allowed[at])
            fields |= {"documented": printed, "measured": float(compared.ours[at])}
            fields |= {"low": printed - allowed, "high": printed + allowed}
        return self._verdict(run, sample, outcome, "; ".join(filter(None, words)), **fields)

    def _verdict(self, run: SampleRun, sample: SampleAnswer, outcome: Outcome, reason: str, **fields: Any) -> Verdict:
        return self.verdict(
            run, outcome, f"sample answer {sample.id}: {reason}", claim_id=sample.id, sources=(sample.source,),
            printed=_printed(sample), **fields,
        )  # fmt: skip


def _compared(run: SampleRun, sample: SampleAnswer, scores: Scores) -> _Compared:
    if sample.output:
        outputs: Sequence[int] = range(len(scores))
        printed = np.array(run.published, np.float64)
        half = np.zeros(len(scores))
    else:
        outputs = [score.output for score in sample.scores]
        printed = np.array([score.number(sample.unit) for score in sample.scores])
        half = np.array([score.half_unit(sample.unit) for score in sample.scores])
    allowed = np.array([sample.allowed(value) for value in printed]) if sample.has_stated_tolerance else half
    ours, shift = _of_kind(sample, scores), None
    at = ours[list(outputs)]
    if sample.of == "logits" and are_probabilities(scores[None]):
        gaps = printed - at
        shift = float(gaps.max() + gaps.min()) / 2  # the constant that leaves the smallest largest difference
        at = at + shift
    return _Compared(outputs, printed, at, allowed, shift)


def _of_kind(sample: SampleAnswer, scores: Scores) -> Scores:
    """Ours as what is printed: a network may end with a softmax, or leave it to its user."""
    normalised = are_probabilities(scores[None])
    converted: Scores = scores
    if sample.of == "probabilities" and not normalised:
        converted = scipy.special.softmax(scores)
    elif sample.of == "logits" and normalised:
        converted = scipy.special.log_softmax(np.log(np.maximum(scores, TINY)))
    return converted


def _obstacle(run: SampleRun, sample: SampleAnswer, wrong: bool) -> str:
    """Why the difference says nothing against the publisher; "" where it does, or where there is none to explain."""
    in_integers = run.integer_sums in SUMS
    here = f"byte products are {SUMS.get(run.integer_sums, '')} here"
    if in_integers and sample.integer_sums and run.integer_sums != sample.integer_sums:
        told = f" ({sample.processor})" if sample.processor else ""
        remedy = "; `--arithmetic exact` adds them whole" if sample.integer_sums == "exact" else ""
        return f"the printed values were made with byte products {SUMS[sample.integer_sums]}{told}, {here}{remedy}"
    if wrong and in_integers and not sample.integer_sums:
        return f"nobody says how the publisher's processor adds byte products ({here}), on which the answers depend"
    if wrong and not run.input_verified:
        return f"no hash shows that {run.input} is the publisher's file (sha256 here: {run.input_sha256[:12]})"
    return ""


def _misplaced(best: Sequence[int], scores: Scores, label_map: LabelMap | None) -> str:
    """Where the highest scores are not those that are printed as such; equal scores go by the lower output."""
    ranked = np.argsort(-scores, kind="stable")[: len(best)].tolist()
    if ranked == list(best):
        return ""
    return f"highest scores: {_named(ranked, label_map)}; printed: {_named(best, label_map)}"


def _best(best: Sequence[int], label_map: LabelMap | None) -> str:
    return f"the highest score{'s are' if len(best) > 1 else ' is'} that of {_named(best, label_map)}, as printed"


def _named(outputs: Sequence[int], label_map: LabelMap | None) -> str:
    return ", ".join(_name(output, label_map) for output in outputs)


def _name(output: int, label_map: LabelMap | None) -> str:
    """`output 284 (283 Persian cat)`."""
    if label_map is None:
        return f"output {output}"
    return f"output {output} ({class_name(label_map, output - label_map.first)})"


def _words(compared: _Compared, sample: SampleAnswer, label_map: LabelMap | None) -> str:
    at, count = compared.worst, len(compared.outputs)
    scores, agree = (f"{count:,} scores", "agree") if count > 1 else ("1 score", "agrees")
    many = f"{compared.beyond:,} of {scores} beyond what is allowed" if compared.beyond else f"{scores} {agree}"
    largest = (
        f"largest difference {compared.differences[at]:.2g} at {_name(compared.outputs[at], label_map)}: "
        f"printed {compared.printed[at]:.6g}, here {compared.ours[at]:.6g}, allowed {compared.allowed[at]:.2g}"
    )
    why = "" if sample.has_stated_tolerance else " (half a unit of the last printed digit)"
    shift = "" if compared.shift is None else "; logits behind a softmax are known but for one constant, chosen to fit"
    return f"{many}; {largest}{why}{shift}"


def _short(compared: _Compared | None) -> str:
    """The largest difference in a few signs, for a table."""
    if compared is None:
        return ""
    at = compared.worst
    return f"{compared.printed[at]:.6g} / {compared.ours[at]:.6g} (±{compared.allowed[at]:.2g})"


def _places(best: Sequence[int], scores: Scores) -> str:
    """The highest outputs, printed and ours."""
    ranked = np.argsort(-scores, kind="stable")[: len(best)]
    return f"{' '.join(map(str, best))} / {' '.join(map(str, ranked))}" if best else ""


def _printed(sample: SampleAnswer) -> tuple[str, ...]:
    """What the document prints, for a reader of the verdict."""
    percent = " %" if sample.unit == "percent" else ""
    scores = [f"output {score.output}: {score.value}{percent}" for score in sample.scores]
    best = [f"highest: {', '.join(map(str, sample.best))}"] if sample.best else []
    return (*scores, *best, *([sample.output.name] if sample.output else []))
