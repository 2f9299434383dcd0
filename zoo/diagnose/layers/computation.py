"""One network that has answered a few images, with what stood behind each of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from zoo.diagnose.layers.numeric import Values, Window, known_activation, value
from zoo.diagnose.network import SOURCE, FileNetwork, Layer

REPRODUCED = 1e-4  # a layer is understood if its values are computed here again but for this share; see `relative`
ACTIVATIONS = ("", "relu6", "relu")  # tried where a file does not say which it is


def relative(first: Values, second: Values) -> float:
    """Root of the mean squared difference, as a share of that of the larger one; infinite for other shapes or NaN."""
    if first.shape != second.shape:
        return float("inf")
    apart = float(np.sqrt(np.mean(np.square(first - second, dtype=np.float64))))
    size = max(float(np.sqrt(np.mean(np.square(each, dtype=np.float64)))) for each in (first, second))
    return apart / size if size and np.isfinite(apart) else (0.0 if apart == 0 else float("inf"))


@dataclass(frozen=True)
class Computation:
    """A network and its values.

    title: of checkpoint and framework; network: its layers; values: float32 behind each layer that can be told, by its
    number: (N, channels, height, width), of the mean and the classifier (N, channels); given: the network's input, as
    real numbers, (N, channels, height, width).
    """

    title: str
    network: FileNetwork
    values: Mapping[int, Values]
    given: Values

    def value(self, number: int) -> Values | None:
        """Behind a layer, or the network's input for SOURCE; None where it is not known."""
        return self.given if number == SOURCE else self.values.get(number)

    def first(self, images: int) -> Computation:
        """Of its first images alone."""
        if images == len(self.given):
            return self
        values = {number: each[:images] for number, each in self.values.items()}
        return Computation(self.title, self.network, values, self.given[:images])

    @cached_property
    def windows(self) -> dict[int, Window]:
        """What each layer does, by its number; where the file does not say, what gives its values."""
        found = {}
        for layer in self.network.layers:
            window = self._window(layer)
            if window is not None:
                found[layer.number] = window
        return found

    @cached_property
    def unexplained(self) -> dict[int, float]:
        """By how much each layer's values differ from those that its file's words give, by its number."""
        found = {}
        for number, window in self.windows.items():
            again = self.again(self.network.layers[number], window)
            if again is not None:
                found[number] = relative(self.values[number], again)
        return found

    def again(self, layer: Layer, window: Window) -> Values | None:
        """A layer's values computed from those that feed it."""
        inputs = [self.value(number) for number in layer.inputs]
        known = [each for each in inputs if each is not None]
        return value(layer, known, window) if known and len(known) == len(inputs) else None

    def _window(self, layer: Layer) -> Window | None:
        after = self.values.get(layer.number)
        if after is None or not layer.inputs:
            return None
        candidates = list(self._candidates(layer, after))
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        errors = []
        for candidate in candidates:
            again = self.again(layer, candidate)
            errors.append(float("inf") if again is None else relative(after, again))
            if errors[-1] < REPRODUCED:
                return candidate
        return candidates[int(np.argmin(errors))]

    def _candidates(self, layer: Layer, after: Values) -> Iterator[Window]:
        """What the layer may do, the usual first."""
        activations = ACTIVATIONS if layer.activation == "?" else (layer.activation,)
        if not all(known_activation(name) for name in activations):
            return
        if layer.kind in ("add", "mean", "classifier"):
            # An addition and a mean are followed by none unless the file says so; formats of tensors alone do not.
            yield from (Window((0, 0, 0, 0), (1, 1), name) for name in activations)
            return
        before = self.value(layer.inputs[0])
        if before is None or before.ndim != 4 or after.ndim != 4:
            return
        kernel = layer.kernel if layer.weight is None else layer.weight.shape[2:]
        if kernel is None:
            return
        stride = layer.stride or _strides(before, after)
        pads = [layer.pads] if layer.pads is not None else _pads(before, after, kernel, stride)
        for pad, name in product(pads, activations):
            yield Window(tuple(pad), tuple(stride), name)


def _strides(before: Values, after: Values) -> tuple[int, int]:
    height, width = (max(1, round(before.shape[axis] / after.shape[axis])) for axis in (2, 3))
    return height, width


def _pads(before: Values, after: Values, kernel: tuple[int, ...], stride: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Pads that give a value of this size: as much on both sides, then the odd pixel behind, then before."""
    sides = [
        max(0, (after.shape[2 + axis] - 1) * stride[axis] + kernel[axis] - before.shape[2 + axis]) for axis in (0, 1)
    ]
    even = [-(-total // 2) for total in sides]
    late = [(total // 2, total - total // 2) for total in sides]
    found = [
        (even[0], even[1], even[0], even[1]),
        (late[0][0], late[1][0], late[0][1], late[1][1]),
        (late[0][1], late[1][1], late[0][0], late[1][0]),
    ]
    return list(dict.fromkeys(found))
