"""Images with the output that should be the best beside the one that was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoo.records import LabelMap
from zoo.records.predictions import Predictions

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """Images as pairs of numbers.

    wanted: int64 (N,), output that the label asks for, 0 or more, perhaps beyond the last; given: int64 (N,), the best
    output; outputs: how many there are.
    """

    wanted: Integers
    given: Integers
    outputs: int

    @property
    def n(self) -> int:
        """How many images there are."""
        return len(self.wanted)

    @cached_property
    def size(self) -> int:
        """One more than the largest number in use, and no less than the outputs."""
        return max(self.outputs, int(max(self.wanted.max(initial=0), self.given.max(initial=0))) + 1)

    @cached_property
    def counts(self) -> Integers:
        """How often each output was given where each was wanted, int64 (size, size)."""
        flat = np.bincount(self.wanted * self.size + self.given, minlength=self.size**2)
        return flat.reshape(self.size, self.size).astype(np.int64)

    @cached_property
    def images(self) -> Integers:
        """Images for which each output is wanted, int64 (size,)."""
        return np.bincount(self.wanted, minlength=self.size).astype(np.int64)

    @cached_property
    def answers(self) -> Integers:
        """Images to which each output is given, int64 (size,)."""
        return np.bincount(self.given, minlength=self.size).astype(np.int64)

    @cached_property
    def right(self) -> int:
        """Images whose wanted output is given."""
        return int((self.wanted == self.given).sum())

    def hits(self, target: Integers) -> Integers:
        """Images of each wanted output that are given `target` of it, int64 (size,); none where that is -1."""
        found = self.counts[np.arange(self.size), np.clip(target, 0, self.size - 1)]
        return np.where((target >= 0) & (target < self.size), found, 0)


def labels_of(answers: Predictions, label_map: LabelMap) -> Integers:
    """True class of each image, int64 (N,); where several are right, the one that was given if it is among them."""
    given = answers.indices[:, 0].astype(np.int64) - label_map.first
    return np.where(answers.top1, given, answers.classes)


def pairs_of(answers: Predictions, label_map: LabelMap) -> Pairs:
    """Labels, as outputs of a label map, against answers."""
    given = answers.indices[:, 0].astype(np.int64)
    return Pairs(labels_of(answers, label_map) + label_map.first, given, label_map.outputs)
