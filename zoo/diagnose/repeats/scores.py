"""Scores of the same images, answered again and again, and how they differ."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zoo.diagnose.base import Case
from zoo.documents.formatting import counted
from zoo.records import AsShipped

# By how much a score may differ for no reason but the order in which floats are added, as a share of the image's
# largest score. Measured over the ten embedded files in six frameworks, batches of 1, 8 and 50 and one and two threads:
# at most 1.1e-6 (PyTorch, alone against eight). A deeper network with larger sums stays below ten times that.
ROUNDING = 1e-4
# Of quantised networks, where one sum that is rounded to the next whole number moves the layers after it.
ROUNDING_QUANTISED = 0.05

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Varied:
    """The answers with one condition changed. before, after: what it was and became; scores: float32 (n, outputs)."""

    before: str
    after: str
    scores: Scores


@dataclass(frozen=True)
class Repeated:
    """The same n images answered again and again, float32 (n, outputs) each.

    first: under the run's own conditions, in a fresh worker; again: by that worker a second time; afresh: by another.
    kept: the run's own answers to the images number `rows` (int (m,)), None where they were not kept.
    alone, threads, arithmetic: with that one condition changed, None where it could not be.
    quantised: whether the network multiplies integers; beside: the defaults' answers beside exact ones, on more images.
    changed: what is known to be other than when the run was made; command: words of the command that makes it again.
    missing: what could not be tried, each with the reason.
    """

    first: Scores
    again: Scores
    afresh: Scores
    kept: Scores | None = None
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    alone: Varied | None = None
    threads: Varied | None = None
    arithmetic: Varied | None = None
    quantised: bool = False
    beside: AsShipped | None = None
    changed: tuple[str, ...] = ()
    command: tuple[str, ...] = ("zoo", "validate")
    missing: tuple[str, ...] = ()

    @property
    def rounding(self) -> float:
        """The largest relative difference that is no cause."""
        return ROUNDING_QUANTISED if self.quantised else ROUNDING


@dataclass(frozen=True)
class Difference:
    """How two answers to the same n images differ.

    relative: the largest difference of a score, as a share of the largest score of its image; beyond: images where
    that is more than rounding explains; labels: images among these whose best output is another one.
    """

    n: int
    relative: float
    beyond: int
    labels: int

    def __str__(self) -> str:
        """For a sentence."""
        images = f"{self.beyond} of {counted(self.n, 'image')}"
        return f"scores of {images} differ by up to {self.relative:.2g} of the largest, {self.labels} change the label"


def difference(first: Scores, second: Scores, rounding: float) -> Difference:
    """Between answers to the same images, float32 (n, outputs) each; rounding: relative, what is none."""
    size = np.maximum(np.abs(first).max(axis=1), np.abs(second).max(axis=1)).astype(np.float64)
    apart = np.abs(first.astype(np.float64) - second).max(axis=1)
    relative = np.divide(apart, size, out=np.zeros(len(size)), where=size > 0)
    beyond = relative > rounding
    labels = beyond & (first.argmax(axis=1) != second.argmax(axis=1))
    return Difference(len(first), float(relative.max(initial=0)), int(beyond.sum()), int(labels.sum()))


def right(case: Case, seen: Repeated, scores: Scores) -> NDArray[np.bool_]:
    """Which of the images whose right class is known are right, bool (m,), m = len(seen.rows)."""
    if case.answers is None:
        return np.empty(0, np.bool_)
    given = scores[seen.rows].argmax(axis=1) - case.label_map.first
    return np.array([int(label) in case.answers.right_classes(row) for row, label in enumerate(given)], np.bool_)
