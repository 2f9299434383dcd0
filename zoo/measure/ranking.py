"""The five best outputs of each row of scores, in pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.records.predictions import K


class Ranking(NamedTuple):
    """The best K outputs of each image.

    indices: int32 (N, k) output indices, best first, k = min(K, outputs); scores: float32 (N, k).
    tied_first / tied_fifth: bool (N,), whether the first (the K-th) place was shared with the next one, so that
    the lower index won.
    """

    indices: NDArray[np.int32]
    scores: NDArray[np.float32]
    tied_first: NDArray[np.bool_]
    tied_fifth: NDArray[np.bool_]


def rank(scores: NDArray[np.float32]) -> Ranking:
    """Top K of `scores`, float32 (N, outputs); equal scores are ordered by the lower index."""
    k = min(K, scores.shape[1])
    order = np.argsort(-scores, axis=1, kind="stable")[:, : k + 1]
    best = np.take_along_axis(scores, order, axis=1)
    nobody = np.zeros(len(scores), dtype=bool)
    tied_first = best[:, 0] == best[:, 1] if best.shape[1] > 1 else nobody
    tied_fifth = best[:, k - 1] == best[:, k] if best.shape[1] > k else nobody
    return Ranking(order[:, :k].astype(np.int32), best[:, :k], tied_first, tied_fifth)


def correct(
    indices: NDArray[np.int32], classes: NDArray[np.int64], first: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each image is right at top-1 and within top-K.

    indices: int32 (N, k) output indices; classes: int64 (N,) true classes, 0-based, or (N, m) where up to m classes of
    an image are right, filled up with -1; first: the output index of class 0 (label map), so that output i stands for
    class i - first.
    """
    given, right = indices - first, classes.reshape(len(classes), -1)
    hits = ((given[:, :, None] == right[:, None, :]) & (right >= 0)[:, None, :]).any(axis=2)
    return hits[:, 0], hits.any(axis=1)


def table(classes: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Right classes of N images as `correct` takes them: int64 (N, m), filled up with -1; m is 1 at least.

    >>> table([[3], [5, 8]]).tolist()
    [[3, -1], [5, 8]]
    """
    most = max((len(each) for each in classes), default=1) or 1
    return np.array([[*each, *[-1] * (most - len(each))] for each in classes], dtype=np.int64).reshape(-1, most)
