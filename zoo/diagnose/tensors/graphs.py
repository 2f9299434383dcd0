"""How a file connects its layers, against what is documented or what a relative does.

Where one of the two does not say (a file of tensors without a graph), nothing is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zoo.diagnose.network import SOURCE, Alignment, FileNetwork, Layer, Level
from zoo.diagnose.tensors.words import Names, listed, name_of
from zoo.records.diagnoses import Candidate, Certainty

IN_ORDER = ("softmax", "log_softmax", "sigmoid")  # the largest score stays the largest
BOUNDS = {"": (-np.inf, np.inf), "relu": (0.0, np.inf), "relu6": (0.0, 6.0)}
ROOM = 0.02  # by which an integer's range may miss an activation's bound, as a share of the range


@dataclass(frozen=True)
class Graphs:
    """A file's graph and the one it should be. whose: of whom the other is, "the record says", "X has"."""

    own: FileNetwork
    other: FileNetwork
    alignment: Alignment
    names: Names
    whose: str
    certainty: Certainty

    def candidates(self) -> Iterator[Candidate]:
        """Everything in which the two differ, one candidate for each kind of difference."""
        yield from self._layers()
        yield from self._poolings()
        yield from self._windows()
        yield from self._activations()
        yield from self._residuals()
        yield from self._operators()

    @cached_property
    def _pairs(self) -> list[tuple[Layer, Layer]]:
        return list(self.alignment.both)

    @cached_property
    def _place(self) -> dict[int, int]:
        """Number of a weighted layer of the own network -> that of the other's in its place."""
        return {own.number: other.number for own, other in self._pairs}

    def _candidate(self, cause: str, title: str, evidence: str, change: str) -> Candidate:
        return Candidate(cause=cause, title=title, certainty=self.certainty, evidence=evidence, change=change)

    def _layers(self) -> Iterator[Candidate]:
        """Layers that only one of the two has, and layers of other shapes. Classes are the label map's affair."""
        missing = [f"{layer.name} {list(layer.shape)}" for layer in self.alignment.missing]
        extra = [f"{name_of(layer, self.names)} {list(layer.shape)}" for layer in self.alignment.extra]
        other = [
            f"{name_of(own, self.names)} is {list(own.shape)}, not {list(expected.shape)}"
            for own, expected in self._pairs
            if own.shape[1:] != expected.shape[1:] or (own.shape != expected.shape and own.kind == "conv")
        ]
        if missing or extra or other:
            parts = [f"missing: {listed(missing)}"] * bool(missing) + [f"extra: {listed(extra)}"] * bool(extra)
            parts += [f"of another shape: {listed(other)}"] * bool(other)
            yield self._candidate(
                "file.layers",
                "the file has other layers",
                f"The file has {len(self.own.weighted)} layers with weights; {self.whose} {len(self.other.weighted)}; "
                + "; ".join(parts) + ".",
                "write the file again with every layer, or mend `network` of the record",
            )  # fmt: skip

    def _poolings(self) -> Iterator[Candidate]:
        """The largest value where a mean should be, or the other way round."""
        (means, largest), (their_means, their_largest) = map(_pools, (self.own, self.other))
        moved = len(their_means) - len(means)
        if moved == 0 or len(largest) - len(their_largest) != moved:
            return
        title = (
            "the largest value stands in place of the mean" if moved > 0 else "the mean stands in place of the largest"
        )
        names = listed([name_of(layer, self.names) for layer in (largest if moved > 0 else means)])
        yield self._candidate(
            "file.layers",
            title,
            f"The file has {len(means)} means and {len(largest)} poolings of the largest value ({names}); {self.whose} "
            f"{len(their_means)} and {len(their_largest)}.",
            f"make these the other kind of pooling: {names}",
        )

    def _windows(self) -> Iterator[Candidate]:
        kinds = (
            ("stride", "file.stride", "a stride is another", "strides"),
            ("pads", "file.padding", "the padding is another", "pads (top, left, bottom, right)"),
            ("groups", "file.groups", "channels are grouped otherwise", "groups"),
        )
        for attribute, cause, title, word in kinds:
            wrong = [
                (own, getattr(own, attribute), getattr(expected, attribute))
                for own, expected in self._windowed
                if None not in (getattr(own, attribute), getattr(expected, attribute))
                and getattr(own, attribute) != getattr(expected, attribute)
            ]
            if wrong:
                items = [f"{name_of(own, self.names)}: {_plain(got)}, not {_plain(want)}" for own, got, want in wrong]
                yield self._candidate(
                    cause,
                    f"{title} in {len(wrong)} of {len(self._windowed)} layers",
                    f"{word}, which {self.whose} otherwise: {listed(items)}.",
                    f"set {word}: " + listed([f"{own.name!r} to {_plain(want)}" for own, _, want in wrong]),
                )

    @cached_property
    def _windowed(self) -> list[tuple[Layer, Layer]]:
        """Convolutions of both, and poolings where there are as many."""
        convs = [(own, other) for own, other in self._pairs if own.kind == "conv"]
        pools = [[layer for layer in network.layers if layer.kind == "max_pool"] for network in (self.own, self.other)]
        return convs + (list(zip(*pools, strict=True)) if len(pools[0]) == len(pools[1]) else [])

    def _activations(self) -> Iterator[Candidate]:
        pairs = [*self._pairs, *self._additions_of_both]
        wrong = [(own, other) for own, other in pairs if not _same_activation(own, other)]
        if not wrong:
            return
        known = [own for own, other in pairs if "?" not in (own.activation, other.activation)]
        items = [f"{name_of(own, self.names)}: {_named(own)}, not {_named(other)}" for own, other in wrong]
        yield self._candidate(
            "file.activation",
            f"the activation behind {len(wrong)} of {len(known)} layers is another",
            f"Activations, which {self.whose} otherwise: {listed(items)}.",
            "put these behind the layers: " + listed([f"{_named(other)} behind {own.name!r}" for own, other in wrong]),
        )

    @cached_property
    def _additions_of_both(self) -> list[tuple[Layer, Layer]]:
        mine, others = self._own_additions, self._other_additions
        return [(mine[where], others[where]) for where in mine if where in others]

    @cached_property
    def _own_additions(self) -> dict[int, Layer]:
        return {
            self._place.get(where, -2 - where): layer
            for where, layer in _additions(self.own).items()
        }  # fmt: skip

    @cached_property
    def _other_additions(self) -> dict[int, Layer]:
        return _additions(self.other)

    def _residuals(self) -> Iterator[Candidate]:
        """Additions that only one of the two has, and values that come from elsewhere."""
        mine, others = self._own_additions, self._other_additions
        missing = [others[where].name for where in others if where not in mine]
        extra = [mine[where].name for where in mine if where not in others]
        moved = [] if missing or extra or self.alignment.missing or self.alignment.extra else self._moved()
        if not (missing or extra or moved):
            return
        items = [f"missing {listed(missing)}"] * bool(missing) + [f"extra {listed(extra)}"] * bool(extra)
        items += [f"fed from elsewhere: {listed(moved)}"] * bool(moved)
        title = "additions of the residual connections are missing" if missing else "a layer is fed from elsewhere"
        yield self._candidate(
            "file.residual",
            title if not extra else "additions of the residual connections are others",
            f"The file has {len(mine)} additions; {self.whose} {len(others)}: {'; '.join(items)}.",
            "add the block's input to its output again: " + listed(missing or moved) if not extra
            else "take these additions out: " + listed(extra),
        )  # fmt: skip

    def _operators(self) -> Iterator[Candidate]:
        """Operators between layers that belong to none. In front of the first they prepare the input."""
        odd = [layer for layer in self.own.layers if layer.before and SOURCE not in layer.inputs]
        if odd:
            items = [f"{', '.join(layer.before)} in front of {name_of(layer, self.names)}" for layer in odd]
            yield Candidate(
                cause="file.operators",
                title="operators stand between layers that belong to none",
                certainty="likely",
                evidence=f"{len(odd)} times: {listed(items)}.",
                change="take these operators out, and compare the answers",
            )

    def _moved(self) -> list[str]:
        """Weighted layers and additions whose inputs are not those that the other network has there."""
        places = {SOURCE: SOURCE, **self._place}
        places |= {own.number: other.number for own, other in self._additions_of_both}
        return [
            name_of(own, self.names)
            for own, other in (*self._pairs, *self._additions_of_both)
            if sorted(places.get(each, -2) for each in _sources(self.own, own))
            != sorted(_sources(self.other, other))
        ]  # fmt: skip


def _sources(network: FileNetwork, layer: Layer) -> list[int]:
    """Numbers of the weighted layers and additions that feed a layer, through poolings."""
    found = []
    for number in layer.inputs:
        while number != SOURCE and network.layers[number].kind in ("mean", "max_pool"):
            number = network.layers[number].inputs[0]
        found.append(number)
    return found


def _additions(network: FileNetwork) -> dict[int, Layer]:
    """Additions by the number of the last weighted layer before each."""
    found = {}
    for layer in network.layers:
        if layer.kind == "add":
            before = [each.number for each in network.weighted if each.number < layer.number]
            found[before[-1] if before else SOURCE] = layer
    return found


def _pools(network: FileNetwork) -> tuple[list[Layer], list[Layer]]:
    """Poolings of the mean, and of the largest value."""
    means, largest = ([layer for layer in network.layers if layer.kind == kind] for kind in ("mean", "max_pool"))
    return means, largest


def _same_activation(own: Layer, other: Layer) -> bool:
    """Whether two activations are the same, or one of them is not known.

    Behind the classifier, one that leaves the scores in their order changes no label; publishers add or omit it.
    What integers cannot hold is cut off as an activation cuts it off: a layer without one may have that of its levels.
    """
    if "?" in (own.activation, other.activation) or own.activation == other.activation:
        return True
    behind = {each for layer in (own, other) for each in layer.activation.split("+")}
    if own.kind == other.kind == "classifier" and behind <= {"", *IN_ORDER}:
        return True
    bare, stated = (other, own) if own.activation else (own, other)
    if bare.activation or bare.produced is None or stated.activation not in BOUNDS:
        return False
    (low, high), (lowest, highest) = held(bare.produced), BOUNDS[stated.activation]
    room = ROOM * (high - low)
    return low >= lowest - room and high <= highest + room


def held(level: Level) -> tuple[float, float]:
    """The lowest and highest real number that integers of a level can hold."""
    limits = np.iinfo(level.dtype)
    return level.scale * (int(limits.min) - level.zero), level.scale * (int(limits.max) - level.zero)


def _named(layer: Layer) -> str:
    return layer.activation or "none"


def _plain(value: object) -> str:
    """(1, 1) as 1, (0, 0, 1, 1) as it is."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return str(value[0])
    return str(value)
