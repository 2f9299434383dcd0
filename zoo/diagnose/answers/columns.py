"""Which output of one network computes which output of another, from whole score vectors of a few images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import f as f_distribution

from zoo.diagnose.answers.pairs import Integers
from zoo.diagnose.answers.weighing import SURE

LEAST = 16  # images
LONG, MOST = 10, 0.8  # columns of a cycle in which so large a share has to be sure, in a shorter one all
ALIKE = 0.9  # correlation from which on two columns are one output


@dataclass(frozen=True)
class Columns:
    """target: int64 (outputs,), the own column that is each of the relative's; moved: those that surely are another.

    before, after: mean correlation of the moved columns as they are numbered and as matched; images: used.
    """

    target: Integers
    moved: Integers
    before: float
    after: float
    images: int


def match(own: NDArray[np.float64], other: NDArray[np.float64]) -> Columns | None:
    """Match columns of (M, outputs) arrays over the same images; None where the images are too few.

    A column has moved if what remains of it against its partner is smaller than against its namesake by more than the
    F distribution allows in one of a million cases, over all pairs of columns, and if partner and column correlate.
    """
    images, outputs = own.shape
    if images < LEAST or own.shape != other.shape:
        return None
    distance = np.maximum(
        (other**2).sum(axis=0)[:, None] + (own**2).sum(axis=0)[None, :] - 2 * other.T @ own, 1e-9 * images
    )
    _, target = linear_sum_assignment(distance)
    numbers = np.arange(outputs)
    critical = f_distribution.isf(SURE / outputs**2, images, images)
    gain = distance[numbers, numbers] / distance[numbers, target]
    after, before = _correlation(other, own[:, target]), _correlation(other, own)
    moved = _in_cycles(target, (target != numbers) & (gain >= critical) & (after >= ALIKE))
    kept = np.where(np.isin(numbers, moved), target, numbers)
    mean_before, mean_after = (float(each[moved].mean()) if len(moved) else 1.0 for each in (before, after))
    return Columns(kept, moved, mean_before, mean_after, images)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each column with its partner, float64 (outputs,); 0 where one is constant."""
    left, right = one - one.mean(axis=0), other - other.mean(axis=0)
    size = np.sqrt((left**2).sum(axis=0) * (right**2).sum(axis=0))
    found: NDArray[np.float64] = (left * right).sum(axis=0) / np.maximum(size, 1e-12)
    return found


def _in_cycles(target: Integers, sure: NDArray[np.bool_]) -> Integers:
    """Columns of the cycles that are sure: all of a short one, most of a long one, as quantisation blurs some."""
    kept, left = list[int](), set(np.flatnonzero(target != np.arange(len(target))).tolist())
    while left:
        start = left.pop()
        cycle = [start]
        while (following := int(target[cycle[-1]])) != start:
            cycle.append(following)
            left.discard(following)
        if sure[cycle].mean() >= (MOST if len(cycle) >= LONG else 1):
            kept += cycle
    return np.array(sorted(kept), np.int64)
