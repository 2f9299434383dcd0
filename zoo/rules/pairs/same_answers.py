"""Rules X: the same weights in two frameworks give the same answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.records import Run, Verdict
from zoo.records.predictions import Predictions
from zoo.rules.base import Evidence, Rule

LABELS_PER_THOUSAND = 1  # that may differ: float arithmetic in another order moves a near tie
LARGEST_LOGIT_DIFFERENCE = 2e-3
SHOWN = 10  # image ids named in a sentence


class Answered(NamedTuple):
    """A finished run with its answers."""

    run: Run
    answers: Predictions


class SameLabels(Rule):
    """Two frameworks with the same weights and images choose the same class for all but one image in a thousand."""

    id = "X101"
    topic = "same_answers"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict per pair of runs."""
        for first, second in _pairs(evidence):
            classes, others = (
                answers.indices[:, 0] - evidence.label_maps[run.label_map].first for run, answers in (first, second)
            )
            differ = np.flatnonzero(classes != others)
            n = len(classes)
            allowed = n * LABELS_PER_THOUSAND // 1000
            names = named([first.answers.ids[row] for row in differ])
            yield self.verdict(
                second.run,
                "pass" if len(differ) <= allowed else "fail",
                f"against {first.run.subject}: {len(differ)} of {n:,} labels differ (allowed: {allowed})"
                + (f": {names}" if names else ""),
                against=first.run, measured=len(differ) / n, high=allowed / n, n=n,
            )  # fmt: skip


class SameScores(Rule):
    """On the first 64 images no class's score differs between two frameworks by more than 0.002 (logits, centred)."""

    id = "X102"
    topic = "same_answers"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict per pair of runs."""
        for first, second in _pairs(evidence):
            logits, others = _logits(*first, evidence), _logits(*second, evidence)
            if logits is None or others is None:
                continue
            difference = np.abs(logits - others)
            largest = float(difference.max())
            yield self.verdict(
                second.run,
                "pass" if largest < LARGEST_LOGIT_DIFFERENCE else "fail",
                f"against {first.run.subject}: logits of {len(logits)} images differ by at most {largest:.2g}, "
                f"on average by {difference.mean():.2g} (allowed: below {LARGEST_LOGIT_DIFFERENCE:g})",
                against=first.run, measured=largest, high=LARGEST_LOGIT_DIFFERENCE, n=len(logits),
            )  # fmt: skip


def _pairs(evidence: Evidence) -> Iterator[tuple[Answered, Answered]]:
    """Each finished run with the first one that has its weights, its images, its geometry and as many classes."""
    references: dict[tuple[object, ...], Answered] = {}
    for own in answered(evidence):
        run, answers = own
        group = (
            run.image_set, run.n, answers.ids, network(run, evidence), evidence.label_maps[run.label_map].classes
        )  # fmt: skip
        if (first := references.setdefault(group, own)) is not own:
            yield first, own


def answered(evidence: Evidence) -> Iterator[Answered]:
    """Every finished run whose answers were kept. Answers that are counted again by other labels are the same."""
    for run in evidence.runs:
        answers = evidence.answers(run) if run.status == "done" and not run.recounts else None
        if answers is not None:
            yield Answered(run, answers)


def network(run: Run, evidence: Evidence) -> tuple[object, ...]:
    """What two runs on the same images have in common that should give the same answers."""
    return run.weights, run.precision, run.arithmetic, run.geometry, _departs_from_recipe(run, evidence)


def _departs_from_recipe(run: Run, evidence: Evidence) -> str:
    """The recipe of a run that was made with another one than its checkpoint's own, else nothing.

    Own recipes may differ by name and still be the same, each in its framework's layout.
    """
    checkpoint = evidence.checkpoints.get(run.checkpoint)
    return run.recipe if checkpoint is not None and run.recipe != checkpoint.recipe else ""


def _logits(run: Run, answers: Predictions, evidence: Evidence) -> NDArray[np.float64] | None:
    """Scores of the classes, float64 (N, classes), each row centred on its mean.

    Softmax outputs are known by their sums; their logarithm is the logits but for a constant a row.
    """
    label_map = evidence.label_maps[run.label_map]
    scores = answers.first_scores.astype(np.float64)
    if not len(scores):
        return None
    if (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        scores = np.log(np.maximum(scores, np.finfo(np.float32).tiny))
    classes = scores[:, label_map.first : label_map.first + label_map.classes]
    centred: NDArray[np.float64] = classes - classes.mean(axis=1, keepdims=True)
    return centred


def named(images: Sequence[str], where: str = "") -> str:
    """The first of some images by their ids, and how many more there are and where: "" of none."""
    more = f" and {len(images) - SHOWN:,} more{where}" if len(images) > SHOWN else ""
    return ", ".join(images[:SHOWN]) + more
