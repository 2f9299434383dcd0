"""A run beside a relative's on the same images: the same rows of both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoo.diagnose.answers.pairs import Booleans, Integers, Pairs
from zoo.diagnose.base import Case, Relative
from zoo.records import LabelMap
from zoo.records.predictions import Predictions

FEW = 16  # images that two runs have in common, below which they are not compared


@dataclass(frozen=True)
class Beside:
    """Two runs on the same images. rows, other_rows: int64 (N,), rows of each that are the same image.

    first, other_first: rows of both arrays of whole score vectors that are the same image.
    """

    relative: Relative
    own: Predictions
    other: Predictions
    label_map: LabelMap
    rows: Integers
    other_rows: Integers
    first: Integers
    other_first: Integers

    @property
    def n(self) -> int:
        """Images in common."""
        return len(self.rows)

    @property
    def name(self) -> str:
        """The relative, as verdicts name it, with why it is one."""
        return f"{self.relative.run.subject} ({self.relative.kinship})"

    @property
    def same_outputs(self) -> bool:
        """Whether output i of the one is meant to be output i of the other."""
        return self.label_map.outputs == self.relative.label_map.outputs

    @cached_property
    def given(self) -> Integers:
        """Own best output of each image."""
        best: Integers = self.own.indices[self.rows, 0].astype(np.int64)
        return best

    @cached_property
    def expected(self) -> Integers:
        """The relative's best output of each image, as one of ours: by class where the outputs are not the same."""
        best: Integers = self.other.indices[self.other_rows, 0].astype(np.int64)
        if self.same_outputs:
            return best
        own: Integers = np.maximum(best - self.relative.label_map.first + self.label_map.first, 0)
        return own

    @cached_property
    def pairs(self) -> Pairs:
        """The relative's answers as what is wanted."""
        return Pairs(self.expected, self.given, self.label_map.outputs)

    @property
    def agreeing(self) -> Booleans:
        """Images with the same answer, bool (N,)."""
        agreeing: Booleans = self.given == self.expected
        return agreeing

    @cached_property
    def right(self) -> tuple[Booleans, Booleans]:
        """Images that are right, of ours and of the relative's, each by its own labels; bool (N,) both."""
        return self.own.top1[self.rows], self.other.top1[self.other_rows]

    @cached_property
    def labels(self) -> tuple[Integers, Integers]:
        """The label of each image, here and with the relative; int64 (N,) both."""
        return self.own.classes[self.rows], self.other.classes[self.other_rows]

    @property
    def one_label_each(self) -> bool:
        """Whether no image has several right classes in either run."""
        return self.own.other_classes is None and self.other.other_classes is None

    def standing(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Whole score vectors of both, float64 (M, outputs): logits up to a factor and a sum that each image has."""
        return _logits(self.own.first_scores[self.first]), _logits(self.other.first_scores[self.other_first])


def _logits(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Each image's scores with mean 0 and standard deviation 1; those that are probabilities as logarithms."""
    values = scores.astype(np.float64)
    if values.size and values.min() >= 0 and np.allclose(values.sum(axis=1), 1, atol=0.02):
        values = np.log(np.maximum(values, 1e-12))
    values = values - values.mean(axis=1, keepdims=True)
    standing: NDArray[np.float64] = values / np.maximum(values.std(axis=1, keepdims=True), 1e-12)
    return standing


def nearest(case: Case) -> Beside | None:
    """The nearest relative with enough of the same images; None if there is none."""
    assert case.answers is not None
    found = (beside(case.answers, case.label_map, each) for each in case.relatives)
    return next((each for each in found if each is not None and each.n >= FEW), None)


def beside(own: Predictions, label_map: LabelMap, relative: Relative) -> Beside | None:
    """A run and a relative's on the images that both have; None where the relative has no answers."""
    other = relative.answers
    if other is None:
        return None
    place = {name: row for row, name in enumerate(other.ids)}
    rows = np.array([row for row, name in enumerate(own.ids) if name in place], np.int64)
    other_rows = np.array([place[own.ids[row]] for row in rows], np.int64)
    whole = (rows < len(own.first_scores)) & (other_rows < len(other.first_scores))
    return Beside(relative, own, other, label_map, rows, other_rows, rows[whole], other_rows[whole])
