"""Answers that are no better than chance: a network that does not look, or labels that have nothing to do with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.diagnose.answers.pairs import Integers, Pairs

DEALS = 40  # times that labels are shuffled
FAR = 6.0  # standard deviations beyond shuffled labels at which answers know something of the labels
SPREAD, NARROW = 0.5, 0.2  # effective classes of answers, as a share of those that shuffled labels would leave


@dataclass(frozen=True)
class Information:
    """How much answers know of labels. alike: pairs of images with one label and one answer; by_chance: mean with
    shuffled labels; deviations: by how many standard deviations it is more. effective: classes that are in use, of
    answers and of labels: two to the power of the entropy.
    """

    alike: int
    by_chance: float
    deviations: float
    effective: tuple[float, float]

    @property
    def tells(self) -> bool:
        """Whether answers surely depend on labels."""
        return self.deviations >= FAR

    @property
    def spread(self) -> float:
        """Effective classes of the answers as a share of the labels'."""
        return self.effective[0] / max(1.0, self.effective[1])


def information(pairs: Pairs) -> Information:
    """Compared with the same answers beside shuffled labels; deterministic."""
    random = np.random.default_rng(0)
    alike = _alike(pairs.wanted, pairs.given, pairs.size)
    dealt = [_alike(random.permutation(pairs.wanted), pairs.given, pairs.size) for _ in range(DEALS)]
    spread = max(float(np.std(dealt)), 0.5)
    effective = float(_effective(pairs.answers)), float(_effective(pairs.images))
    return Information(alike, float(np.mean(dealt)), (alike - float(np.mean(dealt))) / spread, effective)


def _alike(labels: Integers, given: Integers, size: int) -> int:
    _, both = np.unique(labels * size + given, return_counts=True)
    return int((both * (both - 1)).sum()) // 2


def _effective(counts: Integers) -> float:
    shares = counts[counts > 0] / max(1, int(counts.sum()))
    return float(np.exp2(-(shares * np.log2(shares)).sum()))
