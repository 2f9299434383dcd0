"""Two computations side by side: by how much each layer parts them, given the same input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from zoo.diagnose.layers.channels import in_order_of, same_order
from zoo.diagnose.layers.computation import REPRODUCED, Computation, relative
from zoo.diagnose.layers.numeric import Values, value
from zoo.diagnose.network import SOURCE, WEIGHTED, FileNetwork, Layer, aligned

UNDERSTOOD = 0.2  # a layer whose own values are computed here with a larger error is not understood


@dataclass(frozen=True)
class Point:
    """A layer of the own network and that of the other in its place, and their values.

    apart: relative difference of the values behind them; before: the largest of the values that feed them, 0 where they
    are the network's inputs; alone: of the own values from what the other's layer gives for the own input, None where
    that cannot be computed; see `computation.relative`. inserted: layers of the other network between this one and the
    one before it, that the own one lacks; same_sources: whether the layers that feed the two stand for each other;
    turned: whether own values that feed it were brought to the other's order and scale of channels.
    """

    own: Layer
    other: Layer
    apart: float
    before: float
    alone: float | None = None
    inserted: tuple[Layer, ...] = ()
    same_sources: bool = True
    turned: bool = False

    @property
    def parting(self) -> float:
        """By how much this layer parts the two: what it adds, given the same input; nothing if they agree behind it."""
        return self.apart if self.alone is None else min(self.alone, self.apart)


@dataclass(frozen=True)
class Comparison:
    """Two computations of a few images. points: in network order; unmatched: own layers that the other one lacks."""

    own: Computation
    other: Computation
    points: tuple[Point, ...]
    unmatched: tuple[Layer, ...] = ()

    @property
    def images(self) -> int:
        """How many were given to both."""
        return len(self.own.given)

    @property
    def is_quantised(self) -> bool:
        """Whether one of them computes with integers."""
        return self.own.network.is_quantised or self.other.network.is_quantised


def compared(own: Computation, other: Computation) -> Comparison:
    """Every layer that both have, with values on both sides.

    Channels in another order or scale are no difference if the layers behind take that back.
    """
    images = min(len(own.given), len(other.given))
    own, other = own.first(images), other.first(images)
    counterparts = matched(own.network, other.network)
    points = _points(own, other, counterparts, turning=True)
    if any(point.turned and point.parting > REPRODUCED for point in points):
        points = _points(own, other, counterparts, turning=False)
    paired = {mine for mine, _ in counterparts}
    unmatched = tuple(each for each in own.network.layers if each.number not in paired)
    return Comparison(own, other, tuple(points), unmatched)


def _points(
    own: Computation, other: Computation, counterparts: Sequence[tuple[int, int]], *, turning: bool
) -> list[Point]:
    bridge = _Bridge(own, other, {theirs: mine for mine, theirs in counterparts}, turning)
    return [point for mine, theirs in counterparts if (point := bridge.point(mine, theirs)) is not None]


def matched(own: FileNetwork, other: FileNetwork) -> list[tuple[int, int]]:
    """Numbers of layers that stand for each other, in the other network's order.

    Weighted layers as `aligned` has them; an addition or a pooling by its kind and the weighted layers before it.
    """
    pairs = {theirs.number: mine.number for mine, theirs in aligned(own, other).both}
    names = {mine: theirs for theirs, mine in pairs.items()}
    known = {key: number for number, key in _places(own, {number: names.get(number, -2) for number in names})}
    for number, key in _places(other, {theirs: theirs for theirs in pairs}):
        if key in known:
            pairs[number] = known[key]
    return sorted(((mine, theirs) for theirs, mine in pairs.items()), key=lambda pair: pair[1])


def _places(network: FileNetwork, names: dict[int, int]) -> Iterator[tuple[int, tuple[str, int, int]]]:
    """Layers without weights: number, and (kind, name of the weighted layer before it, how many of the kind since)."""
    last, since = SOURCE, dict[str, int]()
    for layer in network.layers:
        if layer.kind in WEIGHTED:
            if layer.number in names:
                last, since = names[layer.number], {}
            continue
        since[layer.kind] = since.get(layer.kind, 0) + 1
        yield layer.number, (layer.kind, last, since[layer.kind])


@dataclass
class _Bridge:
    """The other network's layers, given the own one's values. mine: the other's numbers -> own numbers.

    turning: whether own values may be brought to the other's order and scale of channels; turned: those that were.
    """

    own: Computation
    other: Computation
    mine: dict[int, int]
    turning: bool
    turned: dict[int, Values] = field(default_factory=dict)
    computed: dict[int, Values | None] = field(default_factory=dict)

    def point(self, mine: int, theirs: int) -> Point | None:
        """None where the values of either side are not known."""
        own, other = self.own.value(mine), self.other.value(theirs)
        if own is None or other is None:
            return None
        layer, again = self.other.network.layers[theirs], self._again(self.other.network.layers[theirs])
        inputs = [self.mine.get(number, number if number == SOURCE else -2) for number in layer.inputs]
        own = self._turned(mine, own, again, layer)
        alone = None if again is None else relative(own, again)
        if layer.kind == "classifier" and same_order(own, other if again is None else again):
            alone = 0.0
        return Point(
            own=self.own.network.layers[mine],
            other=layer,
            apart=relative(own, other),
            before=self._before(layer),
            alone=alone,
            inserted=tuple(self._inserted(layer)),
            same_sources=set(inputs) == set(self.own.network.layers[mine].inputs),
            turned=any(number in self.turned for number in inputs),
        )

    def _turned(self, mine: int, own: Values, again: Values | None, layer: Layer) -> Values:
        """The own value, in the other's order of channels if that alone is another."""
        if not self.turning or again is None or layer.kind == "classifier" or relative(own, again) < REPRODUCED:
            return own
        found = in_order_of(own, again)
        if found is None:
            return own
        self.turned[mine] = found
        return found

    def _before(self, layer: Layer) -> float:
        found = [0.0]
        for number in layer.inputs:
            own, other = self._given(number), self.other.value(number)
            if number != SOURCE and own is not None and other is not None:
                found.append(relative(own, other))
        return max(found)

    def _inserted(self, layer: Layer) -> Iterator[Layer]:
        """Layers on the way to this one that the own network lacks, the nearest first."""
        waiting = list(layer.inputs)
        while waiting:
            number = waiting.pop(0)
            if number != SOURCE and number not in self.mine:
                yield self.other.network.layers[number]
                waiting += self.other.network.layers[number].inputs

    def _given(self, number: int) -> Values | None:
        """The own value in the place of an input of the other's layer; computed where the own network lacks it."""
        if number == SOURCE:
            return self.own.given
        if number in self.mine:
            mine = self.mine[number]
            return self.turned[mine] if mine in self.turned else self.own.value(mine)
        if number not in self.computed:
            self.computed[number] = self._again(self.other.network.layers[number])
        return self.computed[number]

    def _again(self, layer: Layer) -> Values | None:
        """What the other's layer gives for own values. None where it cannot be computed here: an unknown operator."""
        window = self.other.windows.get(layer.number)
        inputs = [self._given(number) for number in layer.inputs]
        known = [each for each in inputs if each is not None]
        if window is None or not known or len(known) < len(inputs):
            return None
        if self.other.unexplained.get(layer.number, np.inf) > UNDERSTOOD:
            return None
        return value(layer, known, window)
