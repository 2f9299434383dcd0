"""Values that are the same but for an order and a scale of their channels, and scores but for a growing function."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from zoo.diagnose.layers.computation import REPRODUCED, relative
from zoo.diagnose.layers.numeric import Values

POSITIONS = 2048  # of each channel, by which it is recognised
CLEAR = 1e-3  # of the range of an image's scores: two that lie nearer have no order


def in_order_of(own: Values, other: Values) -> Values | None:
    """Own values with their channels in the order and at the scale of the other's; None where they are not the same.

    Both (N, channels, ...). A network computes the same if the layer behind takes such an order back.
    """
    if own.shape != other.shape or own.shape[1] < 2:
        return None
    mine, theirs = (np.moveaxis(each, 1, 0).reshape(own.shape[1], -1).astype(np.float64) for each in (own, other))
    step = -(-mine.shape[1] // POSITIONS)
    likeness = _unit(mine[:, ::step]) @ _unit(theirs[:, ::step]).T
    if not np.isfinite(likeness).all():
        return None
    rows, order = linear_sum_assignment(-likeness)
    products, sizes = (mine[rows] * theirs[order]).sum(axis=1), np.square(theirs[order]).sum(axis=1)
    scale = np.divide(products, sizes, out=np.ones(len(rows)), where=sizes > 0)
    if not (scale > 0).all():
        return None
    found = np.empty_like(own, dtype=np.float64)
    found[:, order] = own / scale.reshape(-1, *[1] * (own.ndim - 2))
    return found if relative(found, other) < REPRODUCED else None


def same_order(own: Values, other: Values) -> bool:
    """Whether no image's scores (N, outputs) are in another order, so that a softmax or a constant is no cause.

    Also where the numbers of outputs differ: which is which class is then for the label map to say.
    """
    if own.shape != other.shape:
        return own.ndim == other.ndim == 2
    reach = CLEAR * (other.max(axis=1) - other.min(axis=1))
    clear = other[:, :, None] - other[:, None, :] > reach[:, None, None]
    return not (clear & (own[:, :, None] < own[:, None, :])).any()


def _unit(rows: Values) -> Values:
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, size, out=np.zeros_like(rows), where=size > 0))
