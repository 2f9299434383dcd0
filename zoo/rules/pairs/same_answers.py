"""Rules X: the same weights in two frameworks give the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.records import Run, Verdict
from zoo.records.predictions import Predictions
from zoo.rules.base import Evidence, Rule

LABELS_PER_THOUSAND = 1  # that may differ: float arithmetic in another order moves a near tie
LARGEST_LOGIT_DIFFERENCE = 2e-3
SHOWN = 10  # image ids named in a sentence


class _Pair(NamedTuple):
    """Two runs of the same weights on the same images; `first` is the one the others are compared with."""

    first: Run
    second: Run
    first_answers: Predictions
    second_answers: Predictions


class SameLabels(Rule):
    """Two frameworks with the same weights and images choose the same class for all but one image in a thousand."""

    id = "X101"
    topic = "same_answers"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict per pair of runs."""
        for pair in _pairs(evidence):
            first, second = (
                answers.indices[:, 0] - _first_class(run, evidence)
                for run, answers in ((pair.first, pair.first_answers), (pair.second, pair.second_answers))
            )
            differ = np.flatnonzero(first != second)
            n = len(first)
            allowed = n * LABELS_PER_THOUSAND // 1000
            yield self.verdict(
                pair.second,
                "pass" if len(differ) <= allowed else "fail",
                f"against {pair.first.subject}: {len(differ)} of {n:,} labels differ (allowed: {allowed})"
                f"{_named(pair, differ)}",
                against=pair.first, measured=len(differ) / n, high=allowed / n, n=n,
            )  # fmt: skip


class SameScores(Rule):
    """On the first 64 images no class's score differs between two frameworks by more than 0.002 (logits, centred)."""

    id = "X102"
    topic = "same_answers"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict per pair of runs."""
        for pair in _pairs(evidence):
            first = _logits(pair.first, pair.first_answers, evidence)
            second = _logits(pair.second, pair.second_answers, evidence)
            if first is None or second is None:
                continue
            difference = np.abs(first - second)
            largest = float(difference.max())
            yield self.verdict(
                pair.second,
                "pass" if largest < LARGEST_LOGIT_DIFFERENCE else "fail",
                f"against {pair.first.subject}: logits of {len(first)} images differ by at most {largest:.2g}, "
                f"on average by {difference.mean():.2g} (allowed: below {LARGEST_LOGIT_DIFFERENCE:g})",
                against=pair.first, measured=largest, high=LARGEST_LOGIT_DIFFERENCE, n=len(first),
            )  # fmt: skip


def _pairs(evidence: Evidence) -> Iterator[_Pair]:
    """Each finished run with the first one that has its weights, its images, its geometry and as many classes."""
    references: dict[tuple[object, ...], tuple[Run, Predictions]] = {}
    for run in evidence.runs:
        answers = evidence.answers(run) if run.status == "done" else None
        if answers is None:
            continue
        departs = departs_from_recipe(run, evidence)
        group = (
            run.weights, run.image_set, run.n, answers.ids, run.precision, run.arithmetic, run.geometry, departs,
            evidence.label_maps[run.label_map].classes,
        )  # fmt: skip
        if group not in references:
            references[group] = run, answers
            continue
        first, first_answers = references[group]
        yield _Pair(first, run, first_answers, answers)


def departs_from_recipe(run: Run, evidence: Evidence) -> str:
    """The recipe of a run that was made with another one than its checkpoint's own, else nothing.

    Own recipes may differ by name and still be the same, each in its framework's layout.
    """
    checkpoint = evidence.checkpoints.get(run.checkpoint)
    return run.recipe if checkpoint is not None and run.recipe != checkpoint.recipe else ""


def _first_class(run: Run, evidence: Evidence) -> int:
    return evidence.label_maps[run.label_map].first


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


def _named(pair: _Pair, differ: NDArray[np.int64]) -> str:
    if not len(differ):
        return ""
    names = ", ".join(pair.first_answers.ids[row] for row in differ[:SHOWN])
    more = f" and {len(differ) - SHOWN} more" if len(differ) > SHOWN else ""
    return f": {names}{more}"
