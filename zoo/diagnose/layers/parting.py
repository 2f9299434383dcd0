"""The first layer at which two computations of one network part, and what it does differently on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zoo.diagnose.layers.compared import Comparison, Point
from zoo.diagnose.layers.computation import relative
from zoo.diagnose.layers.numeric import Values, Window, value
from zoo.diagnose.network import SOURCE, WEIGHTED, FileNetwork, Layer

# Relative differences (see computation.relative) that one layer may add. Measured on all pairs of the embedded files in
# six frameworks: floats add at most 3e-7 a layer, weights rounded to half precision 4e-4.
FLOAT = 1e-6
FLOOR = 1e-4  # of a difference that another padding, activation or epsilon explains, when both are floats
OTHER = 1e-2  # of one that nothing but other weights, or nothing known, explains
# Of quantised files, whose every layer rounds: how many times the usual difference of a layer.
OUTLIER = 8.0
EXPLAINED = 0.2  # what must be left of a difference once its explanation is taken out, at most
SAME = 1e-5  # relative difference of two layers' folded weights that are the same but for rounding
USUAL = 25  # percentile of the layers' differences that says what is usual


@dataclass(frozen=True)
class Explanation:
    """Something that the two layers do differently. left: the difference if the other's layer did it the own way.

    what: "pads", "stride", "activation", "epsilon", "addition", "source" or "weights"; own, other: in words.
    """

    what: str
    own: str
    other: str
    left: float

    def __str__(self) -> str:
        """For a sentence."""
        return f"its {self.what} here: {self.own}; there: {self.other}"


@dataclass(frozen=True)
class Parting:
    """Where two computations part. number: of the point, from 0; explanations: what explains it, the best first."""

    comparison: Comparison
    number: int
    explanations: tuple[Explanation, ...]

    @property
    def point(self) -> Point:
        """The layer and its values."""
        return self.comparison.points[self.number]

    @property
    def explained(self) -> Explanation | None:
        """What takes the difference away, if one thing does."""
        best = self.explanations[0] if self.explanations else None
        return best if best is not None and best.left <= EXPLAINED * self.point.parting else None


def usual(comparison: Comparison) -> float:
    """What a layer adds in most places; at least what floats do."""
    found = [point.parting for point in comparison.points if point.own.kind in WEIGHTED]
    return max(FLOAT, float(np.percentile(found, USUAL))) if found else FLOAT


def partings(comparison: Comparison) -> list[Parting]:
    """Every layer that adds more than rounding explains, in network order."""
    ordinary = usual(comparison)
    floor = OUTLIER * ordinary if comparison.is_quantised else max(FLOOR, OUTLIER * FLOAT)
    found = []
    for number, point in enumerate(comparison.points):
        if point.parting <= floor:
            continue
        parting = Parting(comparison, number, tuple(_Explained(comparison, point).ranked))
        cause = parting.explained
        structural = cause is not None and cause.what != "weights"
        if structural or point.parting > max(OTHER, OUTLIER * ordinary):
            found.append(parting)
    return found


@dataclass(frozen=True)
class _Explained:
    """What explains the difference at one point."""

    comparison: Comparison
    point: Point

    @property
    def ranked(self) -> Sequence[Explanation]:
        """The best first."""
        return sorted(self._all(), key=lambda each: each.left)

    def _all(self) -> Iterator[Explanation]:
        yield from self._fed()
        for name in ("pads", "stride", "activation"):
            yield from self._window(name)
        yield from self._epsilon()
        yield from self._weights()

    @cached_property
    def _windows(self) -> tuple[Window | None, Window | None]:
        own, other = self.comparison.own, self.comparison.other
        return own.windows.get(self.point.own.number), other.windows.get(self.point.other.number)

    @cached_property
    def _inputs(self) -> list[Values]:
        """The own values that feed the own layer."""
        found = [self.comparison.own.value(number) for number in self.point.own.inputs]
        known = [each for each in found if each is not None]
        return known if len(known) == len(found) else []

    def _left(self, layer: Layer, window: Window, tensors: tuple[Values, Values] | None = None) -> float:
        after = self.comparison.own.value(self.point.own.number)
        if not self._inputs or after is None or len(self._inputs) != len(layer.inputs):
            return float("inf")
        again = value(layer, self._inputs, window, tensors)
        return float("inf") if again is None else relative(after, again)

    def _window(self, name: str) -> Iterator[Explanation]:
        own, other = self._windows
        if own is None or other is None or getattr(own, name) == getattr(other, name):
            return
        mended = other.changed(**{name: getattr(own, name)})
        left = self._left(self.point.other, mended)
        yield Explanation(name, _plain(getattr(own, name)), _plain(getattr(other, name)), left)

    def _epsilon(self) -> Iterator[Explanation]:
        own, other, window = self.point.own.norm, self.point.other.norm, self._windows[1]
        if own is None or other is None or window is None or np.isclose(own.epsilon, other.epsilon, rtol=1e-3):
            return
        left = self._left(self.point.other, window, self.point.other.folded_with(own.epsilon))
        yield Explanation("epsilon", f"{own.epsilon:.3g}", f"{other.epsilon:.3g}", left)

    def _weights(self) -> Iterator[Explanation]:
        own, other, window = self.point.own, self.point.other, self._windows[1]
        if own.weight is None or other.weight is None or window is None:
            return
        (mine, shift), (theirs, their_shift) = own.folded, other.folded
        if max(relative(mine, theirs), relative(shift, their_shift)) > SAME:
            words = (_statistics(mine, shift), _statistics(theirs, their_shift))
            yield Explanation("weights", *words, self._left(other, window, own.folded))

    def _fed(self) -> Iterator[Explanation]:
        """What feeds the two, where that is not the same; left: of the other's layer fed as the own one is."""
        own, other = self.point.own, self.point.other
        mine, theirs = (
            ", ".join(_named(computation.network, number) for number in layer.inputs)
            for computation, layer in ((self.comparison.own, own), (self.comparison.other, other))
        )
        window = self._windows[1]
        if self.point.same_sources or window is None:
            return
        lacking = self.point.inserted or any(
            number in [each.number for each in self.comparison.unmatched] for number in own.inputs
        )
        yield Explanation("addition" if lacking else "source", mine, theirs, self._left(other, window))


def _named(network: FileNetwork, number: int) -> str:
    if number == SOURCE:
        return "the input"
    layer = network.layers[number]
    return f"{layer.kind} {layer.name!r}"


def _plain(value: object) -> str:
    return "none" if value == "" else str(value)


def _statistics(weight: Values, bias: Values) -> str:
    size, shift = (float(np.sqrt(np.mean(np.square(each)))) for each in (weight, bias))
    return f"weights of size {size:.4g} and bias {shift:.4g} (root mean square, batch norm folded in)"


def feeds_from_source(point: Point) -> bool:
    """Whether a layer reads the network's input."""
    return SOURCE in point.own.inputs and SOURCE in point.other.inputs
