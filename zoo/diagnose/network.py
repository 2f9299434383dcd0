"""A network as its file has it, step by step, in the same words for every format; two of them side by side.

What a worker tells (adapters/common/steps.py says how) is read into frozen values, so that looks compare tensors and
graphs without knowing any format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE = -1  # in `inputs`: the network's own input
WEIGHTED = ("conv", "classifier")
CONTENT = 0.5  # of the likeness of two layers, that of their tensors; the rest is that of their shapes

Array = NDArray[Any]
Double = NDArray[np.float64]


@dataclass(frozen=True)
class Norm:
    """A batch norm that the file keeps apart from its convolution; arrays float32 (channels,)."""

    gamma: Array
    beta: Array
    mean: Array
    variance: Array
    epsilon: float

    def factor(self, epsilon: float | None = None) -> Double:
        """What it multiplies each channel by, float64 (channels,); NaN where the variance is negative."""
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = np.sqrt(self.variance.astype(np.float64) + (self.epsilon if epsilon is None else epsilon))
            return np.asarray(self.gamma / spread, np.float64)


@dataclass(frozen=True)
class Level:
    """How integers of a value that flows between layers are read: real = scale * (integer - zero)."""

    scale: float
    zero: int
    dtype: str


@dataclass(frozen=True)
class Layer:
    """One step: a convolution with its batch norm and activation, the classifier, an addition, a pooling.

    number: of the step; name: the file's own; kind: "conv", "classifier", "add", "max_pool", "mean"; inputs: numbers of
    the steps that feed it, SOURCE for the network's input; output: the file's own name of the value behind it.
    weight: float32, OIHW of a convolution (depthwise: (channels, 1, k, k)), (classes, in) of the classifier; bias:
    float32 (out,); weight_scale, weight_zero: how stored integers were read; bits: of the stored weights, 32, 16 or 8.
    shape: of the weight, known also where only documents tell of it.
    activation: "" for none, "relu6", "relu", "clip(0, 3)", "?" where the file does not say; stride: of both axes; pads:
    (top, left, bottom, right); kernel; groups: None where the file does not say.
    consumed, produced: of quantised files, how it reads its input and how its output is written.
    """

    number: int
    name: str
    kind: str
    inputs: tuple[int, ...]
    output: str = ""
    weight: Array | None = None
    bias: Array | None = None
    weight_scale: Array | None = None
    weight_zero: Array | None = None
    bits: int = 32
    norm: Norm | None = None
    activation: str = "?"
    stride: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    kernel: tuple[int, ...] | None = None
    groups: int | None = None
    consumed: tuple[Level, ...] = ()
    produced: Level | None = None
    shape: tuple[int, ...] = ()
    written: tuple[Level | None, ...] = ()
    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    layout: str = "NCHW"

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel has a kernel of its own."""
        return len(self.shape) == 4 and self.shape[1] == 1 and self.shape[0] > 1

    @cached_property
    def folded(self) -> tuple[Double, Double]:
        """(weight, bias) with the batch norm multiplied in, float64; the bias is zero where there is none.

        w * gamma / sqrt(variance + epsilon), beta + (b - mean) * gamma / sqrt(variance + epsilon).
        """
        return self.folded_with(None)

    def folded_with(self, epsilon: float | None) -> tuple[Double, Double]:
        """`folded` as if the batch norm had another epsilon. Raises ValueError for a step without weights."""
        if self.weight is None:
            raise ValueError(f"{self.name}: a step of kind {self.kind!r} has no weights to fold; ask weighted layers")
        weight = self.weight.astype(np.float64)
        bias = np.zeros(len(weight)) if self.bias is None else self.bias.astype(np.float64)
        if self.norm is None:
            return weight, bias
        factor = self.norm.factor(epsilon)
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
            return scaled, self.norm.beta + (bias - self.norm.mean) * factor


@dataclass(frozen=True)
class FileNetwork:
    """The steps of a file in network order; numbers are positions in `layers`."""

    layers: tuple[Layer, ...]

    @cached_property
    def weighted(self) -> tuple[Layer, ...]:
        """Convolutions and the classifier, in network order."""
        return tuple(layer for layer in self.layers if layer.kind in WEIGHTED)

    @property
    def convs(self) -> tuple[Layer, ...]:
        """Convolutions, in network order."""
        return tuple(layer for layer in self.layers if layer.kind == "conv")

    @property
    def classifier(self) -> Layer | None:
        """The last matrix product; None if the file has none."""
        return next((layer for layer in reversed(self.layers) if layer.kind == "classifier"), None)

    @property
    def is_quantised(self) -> bool:
        """Whether any weights are stored as integers."""
        return any(layer.bits == 8 for layer in self.layers)


def parsed(steps: Sequence[Mapping[str, Any]], arrays: Mapping[str, Array]) -> FileNetwork:
    """What a worker told: facts of each step, and arrays under "<number of the step>.<name>". Arrays become read-only.

    Raises KeyError if a fact is missing: adapter and core are then not of one version.
    """
    for array in arrays.values():
        array.flags.writeable = False
    return FileNetwork(tuple(_layer(number, facts, arrays) for number, facts in enumerate(steps)))


def _layer(number: int, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> Layer:
    def array(name: str) -> Array | None:
        return arrays.get(f"{number}.{name}")

    def numbers(name: str) -> tuple[int, ...] | None:
        return None if facts[name] is None else tuple(facts[name])

    weight = array("weight")
    return Layer(
        number=number,
        inputs=numbers("inputs") or (),
        weight=weight,
        bias=array("bias"),
        weight_scale=array("weight_scale"),
        weight_zero=array("weight_zero"),
        norm=_norm(number, facts, arrays),
        stride=numbers("stride"),
        pads=numbers("pads"),
        kernel=numbers("kernel"),
        consumed=tuple(Level(**level) for level in facts["consumed"]),
        written=tuple(map(_level, facts["written"])),
        produced=_level(facts["produced"]),
        before=tuple(facts["before"]),
        behind=tuple(facts["behind"]),
        shape=() if weight is None else weight.shape,
        **{name: facts[name] for name in ("name", "kind", "output", "bits", "activation", "groups", "layout")},
    )


def _level(facts: Mapping[str, Any] | None) -> Level | None:
    return None if facts is None else Level(**facts)


def _norm(number: int, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> Norm | None:
    if facts["epsilon"] is None:
        return None
    parts = {name: arrays[f"{number}.{name}"] for name in ("gamma", "beta", "mean", "variance")}
    return Norm(**parts, epsilon=facts["epsilon"])


@dataclass(frozen=True)
class Pair:
    """A weighted layer of one network and that of the other in its place; None where one of them has none."""

    own: Layer | None
    other: Layer | None


@dataclass(frozen=True)
class Alignment:
    """Weighted layers of two networks side by side, in network order."""

    pairs: tuple[Pair, ...]

    @property
    def both(self) -> Iterator[tuple[Layer, Layer]]:
        """The layers that both have."""
        for pair in self.pairs:
            if pair.own is not None and pair.other is not None:
                yield pair.own, pair.other

    @property
    def missing(self) -> tuple[Layer, ...]:
        """Layers that only the other one has."""
        return tuple(pair.other for pair in self.pairs if pair.own is None and pair.other is not None)

    @property
    def extra(self) -> tuple[Layer, ...]:
        """Layers that only the own one has."""
        return tuple(pair.own for pair in self.pairs if pair.other is None and pair.own is not None)


def aligned(own: FileNetwork, other: FileNetwork) -> Alignment:
    """Convolutions and classifiers of two networks side by side.

    One by one where there are equally many of each kind in the same order, whatever their shapes; otherwise so that as
    many as possible have equal shapes, and of those with like tensors.
    """
    mine, others = own.weighted, other.weighted
    if [layer.kind for layer in mine] == [layer.kind for layer in others]:
        return Alignment(tuple(Pair(*pair) for pair in zip(mine, others, strict=True)))
    places = _in_order(len(mine), len(others), lambda left, right: _likeness(mine[left], others[right]))
    return Alignment(
        tuple(
            Pair(None if left is None else mine[left], None if right is None else others[right])
            for left, right in places
        )
    )


def _likeness(left: Layer, right: Layer) -> float:
    """Of two layers: 0 if they cannot stand for each other, 1 for equal shapes, more for like tensors."""
    if left.kind != right.kind:
        return 0.0
    if left.shape != right.shape:
        return 0.1 if left.kind == "classifier" else 0.0
    if left.weight is None or right.weight is None:
        return 1.0 + CONTENT * (left.stride == right.stride)
    first, second = (layer.folded[0].ravel() for layer in (left, right))
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    cosine = float(first @ second) / size if np.isfinite(size) and size > 0 else 0.0
    return 1.0 + CONTENT * abs(cosine)


def _in_order(first: int, second: int, likeness: Callable[[int, int], float]) -> list[tuple[int | None, int | None]]:
    """The pairs in increasing order whose likeness is largest in sum; None for what has no partner.

    Needleman and Wunsch 1970, without a price for gaps.
    """
    table = np.array([[likeness(left, right) for right in range(second)] for left in range(first)])
    best = np.zeros((first + 1, second + 1))
    for left in range(1, first + 1):
        for right in range(1, second + 1):
            paired = best[left - 1, right - 1] + table[left - 1, right - 1]
            best[left, right] = max(paired, best[left - 1, right], best[left, right - 1])
    found: list[tuple[int | None, int | None]] = []
    left, right = first, second
    while left or right:
        alike = table[left - 1, right - 1] if left and right else 0.0
        if alike > 0 and best[left, right] == best[left - 1, right - 1] + alike:
            left, right = left - 1, right - 1
            found.append((left, right))
        elif left and (not right or best[left, right] == best[left - 1, right]):
            left -= 1
            found.append((left, None))
        else:
            right -= 1
            found.append((None, right))
    return found[::-1]
