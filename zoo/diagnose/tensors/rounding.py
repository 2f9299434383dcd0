"""How far two tensors of one origin may be apart because one of them was stored in fewer bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from zoo.diagnose.network import Array, Double, Layer
from zoo.diagnose.tensors.differences import EXACT

Rounding = Literal["", "half precision", "bfloat16", "8 bits"]

# Relative errors of a folded weight: 2^-11 and 2^-8 of one rounding, for weight, scale and variance, with room.
SHARES: dict[Rounding, float] = {"": EXACT, "half precision": 3e-3, "bfloat16": 2.5e-2}
STEPS = 0.75  # of an integer's step: half of one is rounding; the rest is room for another way of choosing the step
BIAS_SHARE = 0.1  # of the largest bias: tools that quantise weights mend the mean error of the outputs in the bias
LEVELS = 256  # of 8 bits
SHORTEST = 8  # values in which a grid is seen; any four lie on one


@dataclass(frozen=True)
class Noise:
    """What rounding explains of a layer's folded tensors. rounding: which; weight, bias: (out,), absolute."""

    rounding: Rounding
    weight: Double
    bias: Double


def noises(own: Layer, other: Layer) -> Iterator[Noise]:
    """From float32 arithmetic alone to the coarsest rounding that either layer shows.

    That of half precision is always there: what was rounded may have been folded since, and so little changes nothing.
    """
    yield _of_share("", own, other)
    yield _of_share("half precision", own, other)
    if is_bfloat16(own) or is_bfloat16(other):
        yield _of_share("bfloat16", own, other)
    steps = np.maximum(steps_of(own), steps_of(other))
    if steps.any():
        plain = _of_share("", own, other)
        bias = np.full(len(steps), BIAS_SHARE * _largest(_terms(other)).max())
        yield Noise("8 bits", plain.weight + STEPS * steps, plain.bias + bias)


def of_part(rounding: Rounding, values: Array) -> Double:
    """What rounding explains of one stored tensor: (out,), absolute."""
    share = SHARES.get(rounding, 0.0)
    if rounding == "8 bits":
        return np.full(len(values), BIAS_SHARE * float(np.abs(values).max()))
    return np.asarray(max(share, EXACT) * _largest(values.astype(np.float64)) + 1e-30)


def _of_share(rounding: Rounding, own: Layer, other: Layer) -> Noise:
    share = SHARES[rounding]
    weight = np.maximum(_largest(own.folded[0]), _largest(other.folded[0]))
    bias = np.maximum(_terms(own), _terms(other))
    # Values that nothing is left of beside the others of the layer are not looked at to their last digit.
    return Noise(rounding, share * (weight + 1e-3 * weight.max()) + 1e-30, share * (bias + 1e-3 * bias.max()) + 1e-30)


def _largest(rows: Double) -> Double:
    """The largest size in each row."""
    values = np.abs(rows).reshape(len(rows), -1).max(axis=1)
    return np.asarray(np.nan_to_num(values, nan=0.0, posinf=0.0), np.float64)


def _terms(layer: Layer) -> Double:
    """Sizes of what a folded bias is summed from, whose rounding errors remain where the sum is small."""
    folded = np.abs(layer.folded[1])
    if layer.norm is None:
        return np.asarray(np.nan_to_num(folded), np.float64)
    before = layer.norm.mean if layer.bias is None else np.abs(layer.norm.mean) + np.abs(layer.bias)
    return np.asarray(np.nan_to_num(np.abs(layer.norm.beta) + np.abs(before * layer.norm.factor())), np.float64)


def is_bfloat16(layer: Layer) -> bool:
    """Whether the weights have no more than the upper 16 of their bits."""
    if layer.weight is None:
        return False
    return not (np.ascontiguousarray(layer.weight, np.float32).view(np.uint32) & 0xFFFF).any()


def steps_of(layer: Layer) -> Double:
    """The step of each output's stored integers as it is after folding, (out,); 0 of floats.

    Also of floats that only take the values of integers, as a file has them that was read from integers.
    """
    if layer.weight is None:
        return np.zeros(1)
    factor = np.ones(len(layer.weight)) if layer.norm is None else np.nan_to_num(np.abs(layer.norm.factor()))
    if layer.weight_scale is not None and layer.bits == 8:
        scales = np.asarray(layer.weight_scale, np.float64).ravel()
        scales = scales if scales.size in (1, len(factor)) else scales.max(keepdims=True)
        return np.asarray(scales * factor, np.float64)
    grid = grid_of(layer.weight)
    grids = np.array([grid] if grid else [grid_of(row) for row in layer.weight])
    return np.asarray(grids * factor, np.float64)


def grid_of(values: Array, levels: int = LEVELS) -> float:
    """The step between values that all are whole multiples of it, with no more than so many levels; 0 without one."""
    distinct = np.unique(np.abs(values.astype(np.float64)))
    if values.size < SHORTEST or not 3 <= len(distinct) <= levels or not np.isfinite(distinct[-1]):
        return 0.0
    step = float(np.diff(distinct).min())
    if step <= 0 or distinct[-1] > levels * step:
        return 0.0
    whole = distinct / step
    # The smallest difference has the largest share of rounding error: one more look with the mean step.
    step = float(distinct[-1] / np.rint(whole[-1]))
    whole = distinct / step
    return step if float(np.abs(whole - np.rint(whole)).max()) < 1e-2 else 0.0
