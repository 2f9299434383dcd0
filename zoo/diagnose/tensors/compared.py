"""Every layer of a file against the layer of a relative in its place, with batch norms folded into the weights.

Channels may come in another order, and be larger or smaller, where the layers behind take it back: the network then
computes the same. What no later layer takes back is a difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from zoo.diagnose.network import SOURCE, Alignment, Array, Double, FileNetwork, Layer
from zoo.diagnose.tensors import parts
from zoo.diagnose.tensors.differences import cosine, fits, row_order, size_of
from zoo.diagnose.tensors.order import Order
from zoo.diagnose.tensors.parts import Part
from zoo.diagnose.tensors.rounding import Noise, Rounding, noises, steps_of

HOMOGENEOUS = ("", "relu")  # activations that let a positive factor through
COARSE = 0.08  # relative distance of weights that rounding to 8 bits seldom makes: a step for each channel gives 0.01
LOOSE = 0.3  # cosine below which two layers have nothing to do with each other


@dataclass(frozen=True)
class Difference:
    """A layer that is not the relative's.

    size: relative L2 distance of the folded weights; cosine: of their angle; parts: what was done to which tensor.
    """

    own: Layer
    other: Layer
    size: float
    cosine: float
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Coarse:
    """A layer that is the relative's but for rounding, which moved it far. levels: steps up to its largest weight."""

    own: Layer
    size: float
    levels: float


@dataclass
class Comparison:
    """All layers that both networks have, in network order.

    differences: layers that differ by more than rounding; rounded: number of layers by how their rounding is called;
    largest: relative L2 distance of equal layers, the largest one; coarse: those that rounding moved far;
    harmless: layers whose channels come in another order or size that later layers take back.
    """

    own: FileNetwork
    other: FileNetwork
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    rounded: dict[Rounding, int] = field(default_factory=dict)
    largest: float = 0.0
    coarse: list[Coarse] = field(default_factory=list)
    _orders: dict[int, Order] = field(default_factory=dict)
    _suspects: dict[int, Difference] = field(default_factory=dict)

    @property
    def harmless(self) -> list[Layer]:
        """Layers whose change later layers take back."""
        return [suspect.own for suspect in self._suspects.values()]

    @property
    def unrelated(self) -> float:
        """The share of layers that have nothing to do with the relative's."""
        return sum(abs(each.cosine) < LOOSE for each in self.differences) / max(self.compared, 1)

    def step(self, layer: Layer, other: Layer | None) -> None:
        """One step of the own network; other: the relative's layer in the place of a weighted one."""
        incoming = [self._orders.get(number, Order()) for number in layer.inputs if number != SOURCE]
        if layer.weight is None:
            self._orders[layer.number] = self._joined(incoming)
        elif other is None or other.weight is None:
            self._confirm(*incoming)
        else:
            self.compared += 1
            layer, other = with_equal_classes(layer, other) if layer.kind == "classifier" else (layer, other)
            self._orders[layer.number] = self._weighted(layer, other, incoming[0] if incoming else Order())

    def end(self) -> None:
        """After the last step: differences are brought into network order."""
        self.differences.sort(key=lambda each: each.own.number)

    def _joined(self, incoming: list[Order]) -> Order:
        """Behind an addition or a pooling: what its inputs agree on."""
        first = incoming[0] if incoming else Order()
        if all(first.same(each) for each in incoming[1:]):
            return replace(first, origins=frozenset().union(*(each.origins for each in incoming)))
        self._confirm(*incoming)
        return Order()

    def _confirm(self, *orders: Order) -> None:
        """What these layers changed is not taken back."""
        for origin in frozenset().union(*(each.origins for each in orders)):
            suspect = self._suspects.pop(origin, None)
            if suspect is not None:
                self.differences.append(suspect)

    def _weighted(self, layer: Layer, other: Layer, incoming: Order) -> Order:
        """Compare one layer; the order of its channels."""
        restored = layer if incoming.is_plain else incoming.taken_back(layer)
        behind = replace(incoming, scale=None) if layer.is_depthwise else Order()
        if (noise := _fitting(restored, other)) is not None:
            self._note(noise, restored, other)
            return Order() if behind.is_plain else behind
        self._confirm(incoming)
        if restored is not layer:
            if (noise := _fitting(layer, other)) is not None:
                self._note(noise, layer, other)
                return Order()
            if _distance(restored, other) < _distance(layer, other):
                return self._differing(restored, other, behind)
        return self._differing(layer, other, Order())

    def _note(self, noise: Noise, layer: Layer, other: Layer) -> None:
        self.rounded[noise.rounding] = self.rounded.get(noise.rounding, 0) + 1
        size = _distance(layer, other)
        self.largest = max(self.largest, size)
        if noise.rounding == "8 bits" and size > COARSE:
            steps = steps_of(layer)
            rows = np.abs(layer.folded[0]).reshape(len(steps), -1).max(axis=1)
            levels = float((rows / np.where(steps > 0, steps, np.inf)).max())
            self.coarse.append(Coarse(layer, size, levels))

    def _differing(self, layer: Layer, other: Layer, behind: Order) -> Order:
        """Note a layer that does not fit. behind: the order of its channels if it did."""
        noise = list(noises(layer, other))[-1]
        angle = cosine(layer.folded[0], other.folded[0])
        found = tuple(parts.changed(layer, other, noise))
        difference = Difference(layer, other, _distance(layer, other), angle, found)
        made = _made(layer, other, noise) if behind.is_plain and layer.kind != "classifier" else None
        if made is None:
            self.differences.append(difference)
            return behind
        self._suspects[layer.number] = difference
        return made


def compared(own: FileNetwork, other: FileNetwork, alignment: Alignment) -> Comparison:
    """Every layer of `own` that `other` has in its place and in its shape; classes may be one more or less."""
    partner = {mine.number: theirs for mine, theirs in alignment.both if _comparable(mine, theirs)}
    comparison = Comparison(own, other)
    for layer in own.layers:
        comparison.step(layer, partner.get(layer.number))
    comparison.end()
    return comparison


def _comparable(own: Layer, other: Layer) -> bool:
    return own.shape == other.shape or (own.kind == "classifier" and own.shape[1:] == other.shape[1:])


def with_equal_classes(own: Layer, other: Layer) -> tuple[Layer, Layer]:
    """Both without the outputs that one of two classifiers has more: those at the end that fits worse."""
    surplus = len(own.folded[0]) - len(other.folded[0])
    if surplus < 0:
        return with_equal_classes(other, own)[::-1]
    expected = other.folded[0]
    count = len(expected)
    start = min((0, surplus), key=lambda first: size_of(own.folded[0][first : first + count], expected))
    return _rows(own, slice(start, start + count)), other


def _rows(layer: Layer, chosen: slice) -> Layer:
    """A classifier with these outputs alone."""
    count = len(layer.folded[0])

    def kept(values: Array | None) -> Array | None:
        return values if values is None or len(values) != count else values[chosen]

    weight = kept(layer.weight)
    return replace(
        layer,
        weight=weight,
        bias=kept(layer.bias),
        weight_scale=None if layer.weight_scale is None else kept(layer.weight_scale.ravel()),
        weight_zero=None if layer.weight_zero is None else kept(layer.weight_zero.ravel()),
        shape=layer.shape if weight is None else weight.shape,
    )


def _fitting(own: Layer, other: Layer) -> Noise | None:
    """The finest rounding that explains all that differs; None if nothing does."""
    (weight, bias), (others, shifts) = own.folded, other.folded
    for noise in noises(own, other):
        if fits(weight, others, noise.weight) and fits(bias, shifts, noise.bias):
            return noise
    return None


def _distance(own: Layer, other: Layer) -> float:
    return size_of(own.folded[0], other.folded[0])


def _made(layer: Layer, other: Layer, noise: Noise) -> Order | None:
    """The order or scale of its channels that a layer changed, where nothing else about it differs."""
    (weight, bias), (others, shifts) = layer.folded, other.folded
    origins = frozenset({layer.number})
    if not layer.is_depthwise:
        order = row_order(weight, others, noise.weight)
        if order is not None and fits(bias, shifts[order], np.full(len(bias), noise.bias.max())):
            return Order(order, None, origins)
    if layer.activation not in HOMOGENEOUS:
        return None
    scale = _row_scale(weight, others)
    room = np.maximum(1, scale)
    shape = (-1, *[1] * (weight.ndim - 1))
    fitting = fits(weight, others * scale.reshape(shape), noise.weight * room)
    return Order(None, scale, origins) if fitting and fits(bias, shifts * scale, noise.bias * room) else None


def _row_scale(weight: Double, others: Double) -> Double:
    """By how much each row is larger, (out,); at least a little, so that a factor below zero never fits."""
    rows, expected = (each.reshape(len(each), -1) for each in (weight, others))
    energy = (expected**2).sum(axis=1)
    factors = np.divide((rows * expected).sum(axis=1), energy, out=np.ones(len(energy)), where=energy > 0)
    return np.asarray(np.maximum(np.nan_to_num(factors, nan=1.0), 1e-9), np.float64)
