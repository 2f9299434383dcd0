"""Which tensor of a layer is another one than the relative's, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zoo.diagnose.network import Array, Double, Layer, Norm
from zoo.diagnose.tensors.differences import Change, change, fits, size_of
from zoo.diagnose.tensors.rounding import Noise, Rounding, of_part
from zoo.diagnose.tensors.words import number

NORM_PARTS = ("gamma", "beta", "mean", "variance")
TINY = 1e-4  # of the largest factor of a batch norm: below it nothing is left to divide by
VAGUE = ("few", "other")  # changes that are only measured, not explained
MOST = 3  # tensors of a layer that may be others before only their product is looked at
EPSILONS = (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1.001e-5, 2e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)  # that libraries and slips give
FARTHEST = 100.0  # ratio of two factors of a batch norm that another epsilon may make
NEAR = 0.02  # relative distance to one of these at which it is meant


@dataclass(frozen=True)
class Part:
    """name: "weight", "bias", one of NORM_PARTS, "epsilon", or "statistics" where two parts stand for each other."""

    name: str
    change: Change


def changed(own: Layer, other: Layer, noise: Noise) -> list[Part]:
    """Every tensor that differs. own: with the order of its input taken back; noise: what rounding explains."""
    if (part := _epsilon(own, other, noise)) is not None:
        return [part]
    if own.norm is not None and other.norm is not None:
        stored = list(_stored(own, other, noise.rounding))
        if 0 < len(stored) <= MOST:
            return stored
    folded = list(_folded(own, other, noise))
    before = _before_norm(own, other, noise)
    return folded if before is None or folded[0].change.kind not in VAGUE else [before]


def _folded(own: Layer, other: Layer, noise: Noise) -> Iterator[Part]:
    rooms = (noise.weight, noise.bias)
    for name, mine, theirs, room in zip(("weight", "bias"), own.folded, other.folded, rooms, strict=True):
        found = change(mine, theirs, room)
        if found is not None:
            yield Part(name, found)


def _before_norm(own: Layer, other: Layer, noise: Noise) -> Part | None:
    """What was done to the weight before a batch norm was multiplied in, which only one of the two still has apart.

    Only where the biases are equal: then the batch norm is.
    """
    norm = own.norm or other.norm
    if norm is None or not fits(own.folded[1], other.folded[1], noise.bias):
        return None
    factor = norm.factor()
    known = np.abs(factor) > TINY * np.abs(factor).max()
    shape = (-1, *[1] * (own.folded[0].ndim - 1))
    divisor = np.where(known, factor, np.inf)
    mine, theirs = (layer.folded[0] / divisor.reshape(shape) for layer in (own, other))
    found = change(mine, theirs, np.where(known, noise.weight / np.abs(divisor), noise.weight))
    return None if found is None or found.kind in VAGUE else Part("weight", found)


def _stored(own: Layer, other: Layer, rounding: Rounding) -> Iterator[Part]:
    """Of the tensors as they are stored, batch norms apart."""
    pairs = [("weight", own.weight, other.weight), ("bias", own.bias, other.bias)]
    if own.norm is not None and other.norm is not None:
        exchanged = _exchanged(own.norm, other.norm)
        if exchanged is not None:
            yield exchanged
        else:
            pairs += [(name, getattr(own.norm, name), getattr(other.norm, name)) for name in NORM_PARTS]
    for name, mine, theirs in pairs:
        if mine is None and theirs is None:
            continue
        first, second = _both(mine, theirs)
        found = change(first, second, of_part(rounding, second))
        if found is not None:
            yield Part(name, found)


def _both(mine: Array | None, theirs: Array | None) -> tuple[Double, Double]:
    """As float64; zeros for a bias that one of the two does not have."""
    known = mine if mine is not None else theirs
    assert known is not None
    first, second = (np.zeros_like(known) if each is None else each for each in (mine, theirs))
    return first.astype(np.float64), second.astype(np.float64)


def _exchanged(own: Norm, other: Norm) -> Part | None:
    """Two tensors of a batch norm that stand in each other's place."""
    for place, first in enumerate(NORM_PARTS):
        for second in NORM_PARTS[place + 1 :]:
            mine = [getattr(own, name).astype(np.float64) for name in (first, second)]
            theirs = [getattr(other, name).astype(np.float64) for name in (second, first)]
            alike = all(fits(*pair, of_part("", pair[1])) for pair in zip(mine, theirs, strict=True))
            if alike and not fits(mine[0], theirs[1], of_part("", theirs[1])):
                words = f"{first} and {second} stand in each other's place"
                return Part("statistics", Change("swapped", words, size_of(mine[0], theirs[1])))
    return None


def _epsilon(own: Layer, other: Layer, noise: Noise) -> Part | None:
    """Another epsilon under the root of the variance, where that alone explains the folded tensors.

    The factor of a channel is gamma / sqrt(variance + epsilon), so its ratio r to the relative's gives
    epsilon' = (variance + epsilon) / r^2 - variance, the same for every channel.
    """
    mine: float | None
    theirs: float | None
    if other.norm is not None:
        mine, theirs = _fitted_epsilon(own.folded, other, noise), other.norm.epsilon
    elif own.norm is not None:
        mine, theirs = own.norm.epsilon, _fitted_epsilon(other.folded, own, noise)
    else:
        return None
    if mine is None or theirs is None or abs(mine - theirs) <= NEAR * max(mine, theirs):
        return None
    words = f"is {number(mine)}, not {number(theirs)}"
    return Part("epsilon", Change("other", words, size_of(own.folded[0], other.folded[0])))


def _fitted_epsilon(tensors: tuple[Double, Double], layer: Layer, noise: Noise) -> float | None:
    """The epsilon with which `layer` folds to `tensors`; None if there is none."""
    norm = layer.norm
    assert norm is not None
    rows, expected = (each.reshape(len(each), -1) for each in (tensors[0], layer.folded[0]))
    energy = (expected**2).sum(axis=1)
    ratio = np.divide((rows * expected).sum(axis=1), energy, out=np.zeros(len(energy)), where=energy > 0)
    known = (ratio > 1 / FARTHEST) & (ratio < FARTHEST)
    if not known.any():
        return None
    variance = norm.variance.astype(np.float64)
    fitted = (variance + norm.epsilon)[known] / ratio[known] ** 2 - variance[known]
    # channels of small variance say most about it
    chosen = np.argsort(variance[known])[: max(3, int(known.sum()) // 4)]
    guess = float(np.median(fitted[chosen]))
    near = [each for each in EPSILONS if abs(each - guess) <= 5 * NEAR * max(each, 1e-7)]
    for epsilon in (*near, guess):
        weight, bias = layer.folded_with(epsilon) if epsilon >= 0 else layer.folded
        room = np.where(known, np.maximum(1, ratio), 1)
        if fits(tensors[0], weight, noise.weight * room) and fits(tensors[1], bias, noise.bias * room):
            return max(epsilon, 0.0)
    return None
