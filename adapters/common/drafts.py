"""A step while its operators are still being read one after another; `Draft.step` is the finished one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np

from adapters.common import layers
from adapters.common.steps import Level, Norm, Step

Pads = Tuple[int, int, int, int]
NO_PADS: Pads = (0, 0, 0, 0)
SHOWN = 3  # numbers of a constant in words


@dataclass(frozen=True)
class Stored:
    """A tensor of a file. values: as they are multiplied; bits: as they are stored; scale, zero: of integers."""

    values: np.ndarray
    bits: int = 32
    scale: Optional[np.ndarray] = None
    zero: Optional[np.ndarray] = None

    @classmethod
    def of(cls, array: np.ndarray) -> Stored:
        """A tensor just as the file has it."""
        return cls(array, 8 * array.dtype.itemsize if array.dtype.itemsize < 4 else 32)

    @property
    def flat(self) -> np.ndarray:
        """All values, float32, in one row."""
        return np.asarray(self.values, np.float32).reshape(-1)


def worded(name: str, values: Optional[np.ndarray] = None) -> str:
    """An operator with its constant, in words: "sub(0.485, 0.456, 0.406)"; a large constant is its size."""
    if values is None:
        return name
    flat = np.asarray(values).reshape(-1)
    numbers = ", ".join(f"{float(value):.6g}" for value in flat)
    return f"{name}({numbers})" if flat.size <= SHOWN else f"{name}({flat.size} numbers)"


@dataclass
class Draft:
    """What is known of a step so far; see Step."""

    name: str
    kind: str
    inputs: Tuple[int, ...]
    output: str
    weight: Optional[Stored] = None
    bias: Optional[np.ndarray] = None
    norm: Optional[Norm] = None
    low: Optional[float] = None
    high: Optional[float] = None
    other: Tuple[str, ...] = ()
    stride: Optional[Tuple[int, int]] = None
    pads: Optional[Pads] = None
    groups: Optional[int] = None
    kernel: Optional[Tuple[int, int]] = None
    consumed: Tuple[Level, ...] = ()
    written: Tuple[Optional[Level], ...] = ()
    produced: Optional[Level] = None
    before: Tuple[str, ...] = ()
    behind: Tuple[str, ...] = ()
    layout: str = "NCHW"

    @property
    def linear(self) -> bool:
        """Whether constants can still be folded in: nothing but sums and products so far."""
        weighted = self.kind in ("conv", "classifier") and self.weight is not None
        return weighted and not self.activated and self.produced is None

    @property
    def activated(self) -> bool:
        """Whether an activation has been read."""
        return self.low is not None or self.high is not None or bool(self.other)

    @property
    def channels(self) -> int:
        """Of the output; 0 if the step has no weights."""
        return 0 if self.weight is None else len(self.weight.values)

    def clip(self, low: Optional[float], high: Optional[float]) -> None:
        """Keep the output between two more bounds."""
        self.low = low if self.low is None else self.low if low is None else max(low, self.low)
        self.high = high if self.high is None else self.high if high is None else min(high, self.high)

    def scale(self, factor: np.ndarray) -> None:
        """Multiply the output by a number or by one for each channel."""
        assert self.weight is not None
        if self.norm is not None:
            norm = self.norm
            self.norm = Norm(norm.gamma * factor, norm.beta * factor, norm.mean, norm.variance, norm.epsilon)
            return
        values = np.asarray(self.weight.values, np.float32)
        column = factor.reshape([-1] + [1] * (values.ndim - 1))
        scale = None if self.weight.scale is None else self.weight.scale * factor
        self.weight = Stored(values * column, self.weight.bits, scale, self.weight.zero)
        if self.bias is not None:
            self.bias = self.bias * factor

    def shift(self, summand: np.ndarray) -> None:
        """Add a number to the output, or one to each channel."""
        if self.norm is not None:
            norm = self.norm
            self.norm = Norm(norm.gamma, norm.beta + summand, norm.mean, norm.variance, norm.epsilon)
        else:
            shifted = summand if self.bias is None else self.bias + summand
            self.bias = np.broadcast_to(shifted, (self.channels,)).astype(np.float32)

    @property
    def activation(self) -> str:
        """As Step names it.

        Integers whose lowest level is zero keep a ReLU without an operator for it, and maybe its upper bound too: the
        file does not say then.
        """
        names: List[str] = [*self.other]
        if self.low is not None or self.high is not None:
            names.insert(0, layers.clipped(self.low, self.high))
        rounded = self.produced if self.kind in ("conv", "add") else None
        if not names and rounded is not None and rounded.zero == lowest(rounded.dtype):
            return "?"
        return "+".join(names)

    def step(self) -> Step:
        """The finished step."""
        weight = self.weight
        return Step(
            name=self.name,
            kind=self.kind,
            inputs=self.inputs,
            output=self.output,
            weight=None if weight is None else np.asarray(weight.values, np.float32),
            bias=None if self.bias is None else np.asarray(self.bias, np.float32),
            weight_scale=None if weight is None else weight.scale,
            weight_zero=None if weight is None else weight.zero,
            bits=32 if weight is None else weight.bits,
            norm=self.norm,
            activation=self.activation,
            stride=self.stride,
            pads=self.pads,
            groups=self.groups,
            consumed=self.consumed,
            produced=self.produced,
            kernel=self.kernel,
            written=self.written,
            before=self.before,
            behind=self.behind,
            layout=self.layout,
        )


def lowest(dtype: str) -> int:
    """The lowest integer of a type."""
    return int(np.iinfo(np.dtype(dtype)).min)
