"""Scores of different kinds brought to one: logits, but for a constant an image and a factor.

The kind is recognised from the scores themselves. What a kind cannot show is not compared: after a second softmax, for
instance, all small probabilities look alike in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoo.records import LabelMap

Kind = Literal["logits", "softmax outputs", "outputs of two softmaxes", "sigmoid outputs"]
Floats = NDArray[np.float64]

TINY = float(np.finfo(np.float32).tiny)
SUMS_TO_ONE = 1e-3
PRECISE = 1e-3  # error of a logit up to which it counts as known
TWO_SOFTMAXES = 3e-7  # error of a probability under a second softmax in float32: its last digits and the exponential's
SIGMOID = 1e-7  # error of a sigmoid near 1 in float32
_ROUNDS = 20  # of `best_logits`; three do for 1,000 outputs
SAME_FACTOR = 0.01  # a factor so near to 1 is not taken out, as a defect may bring it about


@dataclass(frozen=True)
class Read:
    """The scores of a run's first images as logits.

    logits: float64 (N, classes), but for a constant a row; low, high: those outside are only known to lie outside.
    """

    kind: Kind
    logits: Floats
    low: float = -np.inf
    high: float = np.inf

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which logits are known, bool (N, classes)."""
        return (self.logits >= self.low) & (self.logits <= self.high)

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the known logits of an image, over all images; 0 where nothing is known."""
        rows = self.known.sum(axis=1) > 1
        return _spread(self.logits[rows], self.known[rows]) if rows.any() else 0.0

    def margin(self, best: float, other: float) -> float | None:
        """How far two scores of one image, as the network gives them, lie apart as logits; None where not known."""
        if self.kind == "outputs of two softmaxes":
            return None
        logits = _logits_of(np.array([best, other], dtype=np.float64), self.kind)
        return float(logits[0] - logits[1])


@dataclass(frozen=True)
class Difference:
    """How far two runs' logits of `images` images differ once the second's are divided by `factor`.

    largest, average: the greatest difference, and the root of the mean square; shares of the logits' spread.
    """

    images: int
    factor: float
    largest: float
    average: float


def read(scores: NDArray[np.float32], label_map: LabelMap) -> Read:
    """Scores float32 (N, outputs), N > 0, of the classes of `label_map` as logits."""
    values = scores.astype(np.float64)
    kind = kind_of(values)
    low, high = -np.inf, np.inf
    if kind == "outputs of two softmaxes":
        values, low = _inner(values), float(np.log(TWO_SOFTMAXES / PRECISE))
    elif kind == "softmax outputs" and not values.all():  # cut off at a smallest step
        low = float(np.log(values[values > 0].min() / PRECISE))
    elif kind == "sigmoid outputs":
        high = float(-np.log(SIGMOID / PRECISE))
    classes = slice(label_map.first, label_map.first + label_map.classes)
    return Read(kind, _logits_of(values[:, classes], kind), low, high)


def are_probabilities(scores: Floats) -> bool:
    """Whether the scores (N, outputs) of every image are at least 0 and add up to 1, as after a softmax."""
    return bool((scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=SUMS_TO_ONE))


def kind_of(scores: Floats) -> Kind:
    """What scores (N, outputs) are, by their signs and sums.

    A softmax of a softmax is known by its range: the logarithms of its row, but for a constant, are probabilities.
    """
    if (scores < 0).any():
        return "logits"
    if are_probabilities(scores):
        twice = scores.all() and (_inner(scores) > -10 * TWO_SOFTMAXES).all()
        return "outputs of two softmaxes" if twice else "softmax outputs"
    return "sigmoid outputs" if (scores <= 1).all() else "logits"


def difference(first: Read, second: Read) -> Difference | None:
    """How far two runs' logits differ; None where fewer than two classes of every image are known, or all are equal.

    A constant an image and one factor for all change no answer and are taken out. Logits that one run cannot show
    are cut off in both at the same place.
    """
    known = first.known & second.known
    rows = known.sum(axis=1) > 1
    known = known[rows]
    spread = _spread(first.logits[rows], known) if rows.any() else 0.0
    if not spread:
        return None
    (own, own_mean), (other, other_mean) = (_centred(each.logits[rows], known) for each in (first, second))
    factor = float((own * other)[known].sum() / np.square(own[known]).sum())
    if factor <= 0 or abs(factor - 1) < SAME_FACTOR:
        factor = 1.0
    low = np.maximum(first.low - own_mean, (second.low - other_mean) / factor)
    high = np.minimum(first.high - own_mean, (second.high - other_mean) / factor)
    apart = np.abs(np.clip(own, low, high) - np.clip(other / factor, low, high)) / spread
    return Difference(len(known), factor, float(apart.max()), float(np.sqrt(np.square(apart).mean())))


def same_order(first: Read, second: Read) -> bool:
    """Whether the second run orders all classes of every image as the first does, whatever its scores are.

    Two scores that the first run gives as equal may be in any order.
    """
    order = np.lexsort((-second.logits, -first.logits))
    ordered = np.take_along_axis(second.logits, order, axis=1)
    return bool((np.diff(ordered, axis=1) <= 1e-5 * second.spread).all())


def best_logits(best: Floats, kind: Kind, outputs: int) -> Floats:
    """The best scores (N, k) of each image as logits, but for a constant a row, where the other outputs are not known.

    outputs: how many the network has. Of two softmaxes, the best k make known what the second one divided by: the other
    outputs of the first share what is left of 1, and its exponential hardly depends on how.
    """
    if kind != "outputs of two softmaxes":
        return _logits_of(best, kind)
    logs, others = np.log(np.maximum(best, TINY)), outputs - best.shape[1]
    inner = np.zeros_like(logs)
    for _ in range(_ROUNDS if others else 0):
        left = np.clip(1 - inner.sum(axis=1, keepdims=True), 0, 1)
        inner = logs + np.log(np.exp(inner).sum(axis=1, keepdims=True) + others * np.exp(left / others))
    found: Floats = np.log(np.maximum(inner if others else _inner(best), TWO_SOFTMAXES))
    return found


def _logits_of(values: Floats, kind: Kind) -> Floats:
    if kind == "logits":
        return values
    logs: Floats = np.log(np.maximum(values, TINY))
    return logs - np.log(np.maximum(1 - values, TINY)) if kind == "sigmoid outputs" else logs


def _inner(outer: Floats) -> Floats:
    """What a softmax (N, outputs) was taken of, if that was probabilities: its logarithms, made to add up to 1."""
    logs = np.log(np.maximum(outer, TINY))
    inner: Floats = logs + (1 - logs.sum(axis=1, keepdims=True)) / logs.shape[1]
    return inner


def _centred(values: Floats, known: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Rows less the mean of what is known of them, and these means (N, 1)."""
    means: Floats = np.where(known, values, 0).sum(axis=1, keepdims=True) / known.sum(axis=1, keepdims=True)
    return values - means, means


def _spread(values: Floats, known: NDArray[np.bool_]) -> float:
    centred, _ = _centred(values, known)
    return float(np.sqrt(np.square(centred[known]).mean()))
