"""How near each answer of a run was to being another one: the place of the right class, and its distance as logits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.records import LabelMap
from zoo.records.predictions import Predictions
from zoo.rules.pairs import scores

Floats = NDArray[np.float64]


def ranks(answers: Predictions, label_map: LabelMap) -> NDArray[np.uint8]:
    """Place of the best right class among the best outputs of each image, from 1; 0 where none is. uint8 (N,)."""
    hits = _right(answers, label_map)
    return np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, 0).astype(np.uint8)


def distances(answers: Predictions, label_map: LabelMap) -> Floats:
    """How far the scores of the best right and the best wrong output of each image lie apart, in nats; float64 (N,).

    Scores of every kind become logits first. Where only right ones, or only wrong ones, are among the best, it is the
    distance of the first from the last of them: it is at least so far.
    """
    best, hits = _logits(answers, label_map), _right(answers, label_map)
    if not len(best):
        return np.zeros(0)
    last = best.shape[1] - 1
    places = [np.where(each.any(axis=1), each.argmax(axis=1), last) for each in (hits, ~hits)]
    right, wrong = (np.take_along_axis(best, place[:, None], axis=1)[:, 0] for place in places)
    return np.abs(right - wrong)


def _right(answers: Predictions, label_map: LabelMap) -> NDArray[np.bool_]:
    """Which outputs stand for a right class, bool (N, k)."""
    right = answers.classes[:, None]
    if answers.other_classes is not None:
        right = np.hstack([right, answers.other_classes])
    given = answers.indices.astype(np.int64) - label_map.first
    hits: NDArray[np.bool_] = ((given[:, :, None] == right[:, None, :]) & (right >= 0)[:, None, :]).any(axis=2)
    return hits


def _logits(answers: Predictions, label_map: LabelMap) -> Floats:
    """The best scores as logits, but for a constant an image, float64 (N, k)."""
    best, kind = answers.scores.astype(np.float64), _kind(answers)
    if kind != "logits":  # a share of 0 or 1 was rounded to it: it lies beyond the nearest one that is neither
        between = best[(best > 0) & (best < 1)]
        best = np.clip(best, between.min(initial=1), between.max(initial=0)) if between.size else best
    return scores.best_logits(best, kind, label_map.outputs)


def _kind(answers: Predictions) -> scores.Kind:
    """What the scores are; by the best ones alone where no image with all of them is counted."""
    if answers.first_scores.size:
        return scores.kind_of(answers.first_scores.astype(np.float64))
    best = answers.scores
    if not ((best >= 0) & (best <= 1)).all():
        return "logits"
    return "softmax outputs" if (best.sum(axis=1) <= 1 + scores.SUMS_TO_ONE).all() else "sigmoid outputs"
