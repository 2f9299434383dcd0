"""Two computations side by side: by how much each layer parts them, given the same input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from zoo.diagnose.layers.computation import Computation, relative
from zoo.diagnose.layers.numeric import Values, value
from zoo.diagnose.network import SOURCE, WEIGHTED, FileNetwork, Layer, aligned


@dataclass(frozen=True)
class Point:
    """A layer of the own network and that of the other in its place, and their values.

    apart: relative difference of the values behind them; before: the largest of the values that feed them, 0 where they
    are the network's inputs; alone: of the own values from what the other's layer gives for the own input, None where
    that cannot be computed; see `computation.relative`. inserted: layers of the other network between this one and the
    one before it, that the own one lacks; same_sources: whether the layers that feed the two stand for each other.
    """

    own: Layer
    other: Layer
    apart: float
    before: float
    alone: float | None = None
    inserted: tuple[Layer, ...] = ()
    same_sources: bool = True

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
    """Every layer that both have, with values on both sides."""
    counterparts = matched(own.network, other.network)
    bridge = _Bridge(own, other, {theirs: mine for mine, theirs in counterparts})
    points = tuple(point for mine, theirs in counterparts if (point := bridge.point(mine, theirs)) is not None)
    paired = {mine for mine, _ in counterparts}
    return Comparison(own, other, points, tuple(each for each in own.network.layers if each.number not in paired))


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
    """The other network's layers, given the own one's values. mine: the other's numbers -> own numbers."""

    own: Computation
    other: Computation
    mine: dict[int, int]
    computed: dict[int, Values | None] = field(default_factory=dict)

    def point(self, mine: int, theirs: int) -> Point | None:
        """None where the values of either side are not known."""
        own, other = self.own.value(mine), self.other.value(theirs)
        if own is None or other is None:
            return None
        layer = self.other.network.layers[theirs]
        again = self._again(layer)
        point = Point(
            own=self.own.network.layers[mine],
            other=layer,
            apart=relative(own, other),
            before=self._before(layer),
            alone=None if again is None else relative(own, again),
        )
        sources = {self.mine.get(number, number if number == SOURCE else -2) for number in layer.inputs}
        same = sources == set(point.own.inputs)
        return replace(point, inserted=tuple(self._inserted(layer)), same_sources=same)

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
            return self.own.value(self.mine[number])
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


UNDERSTOOD = 0.2  # a layer whose own values are computed here with a larger error is not understood
