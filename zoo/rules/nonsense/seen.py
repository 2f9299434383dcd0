"""A run with its answers as classes, and the symptoms that rule A201 may find in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoo import stats
from zoo.documents.formatting import percent
from zoo.records import LabelMap, Run
from zoo.records.predictions import Predictions
from zoo.rules import drawn
from zoo.rules.base import Evidence
from zoo.rules.drawn import Looked

SURE = 1e-6  # chance that a network that is of use is called nonsense, for each symptom
USEFUL = 0.2  # of the way from guessing to all right: the least that a network is good for

Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Symptom:
    """What is wrong with a run's answers, in numbers, and what is likely to be behind it."""

    what: str
    likely: str


@dataclass(frozen=True)
class Seen:
    """A finished run with the classes it answers. answers: None where they were not kept.

    drawn: of a run whose images a reference drew, how likely they were: shares of its images are no shares of all.
    """

    run: Run
    label_map: LabelMap
    answers: Predictions | None
    drawn: Looked | None = None

    def share_p(self, found: Bools, share: float, alternative: Literal["less", "greater"]) -> float:
        """p-value of "of all images `share` at least (less), or at most (greater), are such".

        found: which of the run's images are, bool (N,). A network that is of use on all images may be wrong, undecided
        or of one mind on most of those that a reference finds hard: of drawn images each counts by how likely it was.
        """
        if self.drawn is not None:
            return drawn.share_p(self.drawn, found, share, alternative)
        return stats.share_p(int(found.sum()), len(found), share, alternative)

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return self.label_map.classes

    @cached_property
    def ranked(self) -> Integers:
        """Classes of the best outputs, int64 (N, k); `classes` stands for an output that is none."""
        assert self.answers is not None
        classes = self.answers.indices.astype(np.int64) - self.label_map.first
        return np.where((classes >= 0) & (classes < self.classes), classes, self.classes)

    @property
    def given(self) -> Integers:
        """Class that each image is given, int64 (N,)."""
        first: Integers = self.ranked[:, 0]
        return first

    @property
    def labels(self) -> Integers:
        """True class of each image, int64 (N,); where several are right, the one that was given if it is among them."""
        assert self.answers is not None
        return np.where(self.answers.top1, self.given, self.answers.classes)


def seen_of(run: Run, evidence: Evidence) -> Seen | None:
    """None where the run is not done, has no images, or has classes that nobody knows or only one."""
    label_map = evidence.label_maps.get(run.label_map)
    if run.status != "done" or run.n == 0 or label_map is None or label_map.classes < 2:
        return None
    if run.is_estimated:
        looked = drawn.looked(run, "top1", evidence)
        # Where it is not known how likely the images were, hard images may be all that is odd in the answers.
        return None if looked is None else Seen(run, label_map, evidence.answers(run), looked)
    return Seen(run, label_map, evidence.answers(run))


def accuracies(run: Run) -> str:
    """`top-1 of 0.10 % (1 of 1,000 images) and top-5 of 0.70 %`."""
    top1, top5 = (percent(run.accuracy(metric)) for metric in ("top1", "top5"))
    how = f"{run.top1_correct:,} of {run.n:,} images"
    if run.drawn is not None and run.is_estimated:
        how = f"estimated from {run.n:,} images drawn by what {run.drawn.reference} answered"
    return f"top-1 of {top1} % ({how}) and top-5 of {top5} %"
