"""What a layer gives for given values, computed here in float64: a second opinion on every framework's."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.diagnose.network import Layer

Values = NDArray[Any]
_CLIP = re.compile(r"clip\((\S+), (\S+)\)")
_SMOOTH: dict[str, Callable[[Values], Values]] = {
    "": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "relu6": lambda values: np.clip(values, 0, 6),
    "sigmoid": lambda values: 1 / (1 + np.exp(-values)),
    "tanh": np.tanh,
    "hard_sigmoid": lambda values: np.clip(values / 6 + 0.5, 0, 1),
    "hard_swish": lambda values: values * np.clip(values / 6 + 0.5, 0, 1),
    "swish": lambda values: values / (1 + np.exp(-values)),
    "leaky_relu": lambda values: np.where(values > 0, values, 0.01 * values),
}


@dataclass(frozen=True)
class Window:
    """How a layer's window lies on its input: pads (top, left, bottom, right), stride of both axes, activation."""

    pads: tuple[int, ...]
    stride: tuple[int, ...]
    activation: str

    def changed(self, **parts: Any) -> Window:
        """With other parts."""
        return replace(self, **parts)


def known_activation(name: str) -> bool:
    """Whether `activated` can compute it."""
    return name in _SMOOTH or _CLIP.fullmatch(name) is not None


def activated(values: Values, name: str) -> Values:
    """An activation by its name in a Layer; see `known_activation`."""
    if match := _CLIP.fullmatch(name):
        low, high = (None if bound == "None" else float(bound) for bound in match.groups())
        return values if low is None and high is None else np.clip(values, low, high)
    return _SMOOTH[name](values)


def value(
    layer: Layer,
    inputs: Sequence[Values],
    window: Window,
    tensors: tuple[Values, Values] | None = None,
) -> Values | None:
    """float64 (N, channels, height, width), or (N, channels) of the mean and the classifier.

    inputs: as the layer's own, (N, channels, height, width), of a classifier also (N, channels); window: the layer's
    own, or another one; tensors: folded weight and bias, if not the layer's own. What a quantised layer's integers
    cannot hold is cut off; they are not rounded. None where the layer does not fit its inputs, or where a tensor is not
    known.
    """
    found = _linear(layer, inputs, window, tensors)
    if found is None:
        return None
    after = activated(found, window.activation)
    if layer.produced is None:
        return after
    limits, level = np.iinfo(layer.produced.dtype), layer.produced
    low, high = (level.scale * (int(limit) - level.zero) for limit in (limits.min, limits.max))
    return np.clip(after, low, high)


def _linear(
    layer: Layer, inputs: Sequence[Values], window: Window, tensors: tuple[Values, Values] | None
) -> Values | None:
    """What the layer gives before its activation."""
    if layer.kind == "add":
        alike = len({each.shape for each in inputs}) == 1
        return np.asarray(sum(inputs), np.float64) if alike else None
    (source,) = inputs
    if layer.kind == "mean":
        return np.asarray(source.mean(axis=(2, 3), dtype=np.float64)) if source.ndim == 4 else None
    if layer.kind == "max_pool":
        return None if layer.kernel is None else _largest(source, layer.kernel, window)
    if tensors is None and layer.weight is None:
        return None
    weight, bias = tensors or layer.folded
    if layer.kind == "classifier":
        flat = source.reshape(len(source), -1)
        fits = weight.ndim == 2 and flat.shape[1] == weight.shape[1]
        return flat @ weight.T + bias if fits else None
    found = _convolved(source, weight, window)
    return None if found is None else found + bias[:, None, None]


def _padded(values: Values, pads: Sequence[int], filled: float = 0.0) -> Values:
    top, left, bottom, right = pads
    spread = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(values.astype(np.float64), spread, constant_values=filled)


def _taps(values: Values, kernel: Sequence[int], stride: Sequence[int]) -> list[tuple[tuple[int, int], Values]]:
    """For each place of the window, what lies under it as the window moves: (N, channels, height, width)."""
    sizes = [(values.shape[2 + axis] - kernel[axis]) // stride[axis] + 1 for axis in range(2)]
    if min(sizes) < 1:
        return []
    return [
        (
            (row, column),
            values[
                :,
                :,
                row : row + (sizes[0] - 1) * stride[0] + 1 : stride[0],
                column : column + (sizes[1] - 1) * stride[1] + 1 : stride[1],
            ],
        )
        for row in range(kernel[0])
        for column in range(kernel[1])
    ]


def _convolved(source: Values, weight: Values, window: Window) -> Values | None:
    """Without bias; None where the channels do not fit."""
    outputs, inside, *kernel = weight.shape
    channels = source.shape[1]
    if channels % inside or outputs % (channels // inside):
        return None
    groups = channels // inside
    taps = _taps(_padded(source, window.pads), kernel, window.stride)
    if not taps:
        return None
    if inside == 1:
        repeat = outputs // channels
        return np.asarray(
            sum(
                weight[:, 0, row, column, None, None] * np.repeat(under, repeat, axis=1)
                for (row, column), under in taps
            )
        )
    size = outputs // groups
    parts = []
    for group in range(groups):
        rows, columns = slice(group * size, (group + 1) * size), slice(group * inside, (group + 1) * inside)
        parts.append(
            sum(
                np.einsum("oc,nchw->nohw", weight[rows, :, row, column], under[:, columns], optimize=True)
                for (row, column), under in taps
            )
        )
    return np.concatenate(parts, axis=1)


def _largest(source: Values, kernel: Sequence[int], window: Window) -> Values:
    taps = _taps(_padded(source, window.pads, -np.inf), kernel, window.stride)
    return np.asarray(np.max([under for _, under in taps], axis=0))
