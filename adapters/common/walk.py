"""Steps from a graph's operators, in the same way for every format that holds a graph.

An adapter reads its own operators one after the other, each after those that feed it, and tells them here; what
belongs to a step (its bias, batch norm, activation, padding) is put into it.
Only numpy and the standard library, so that it runs under the oldest Python any framework needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from adapters.common import layers
from adapters.common.canonical import in_network_order
from adapters.common.steps import SOURCE, Level, Norm, Step

Pads = Tuple[int, int, int, int]  # (top, left, bottom, right)
Bounds = Tuple[Optional[float], Optional[float]]  # (lowest, highest), None where there is none
UNPADDED: Pads = (0, 0, 0, 0)
CHANNELLED = ("conv", "classifier")
NEAR_SIX = 0.02  # how far a quantised ReLU6 may end from 6: its scale is rounded


@dataclass(frozen=True)
class Value:
    """What stands behind a step, or SOURCE. pads: zeros around it, for the layer that reads it."""

    step: int
    pads: Pads = UNPADDED


START = Value(SOURCE)


class Walk:
    """Takes operators in the graph's order, and gives the steps in network order.

    Each method returns the `Value` that the operator computes. What changes a step's values and has no field of its
    own is told by the step's activation: "relu6, HardSwish".
    """

    def __init__(self) -> None:
        self.steps: List[Step] = []
        self.bounds: Dict[int, Bounds] = {}

    def add_step(self, feeding: Sequence[Value], step: Step) -> Value:
        """A step of its own; its `inputs` are filled in, and its pads are added to those in front of it."""
        around = feeding[0].pads
        if step.pads is not None:
            step = replace(step, pads=summed(step.pads, around))
        inputs = tuple(value.step for value in feeding)
        activation = "" if step.activation == "?" else step.activation
        self.steps.append(replace(step, inputs=inputs, activation=activation))
        return Value(len(self.steps) - 1)

    def pad(self, value: Value, pads: Pads) -> Value:
        """Zeros around a value."""
        return Value(value.step, summed(value.pads, pads))

    def shift(self, value: Value, amount: np.ndarray, output: str) -> Value:
        """A constant is added: one value, or one for each channel in any shape."""
        return self._affine(value, np.ones(1, np.float32), amount, output)

    def scale(self, value: Value, factor: np.ndarray, output: str) -> Value:
        """A constant is multiplied: one value, or one for each channel in any shape."""
        return self._affine(value, factor, np.zeros(1, np.float32), output)

    def norm(self, value: Value, norm: Norm, output: str) -> Value:
        """A batch norm with tensors of its own."""
        step = self._step(value)
        if step is None:
            return value
        if step.kind in CHANNELLED and step.norm is None and not step.activation:
            return self._changed(value, output, norm=norm)
        return self.other(value, "batch norm", output)

    def clip(self, value: Value, bounds: Bounds, output: str) -> Value:
        """An activation that keeps values between two bounds; of two in a row the narrower bounds count."""
        step = self._step(value)
        low, high = (_plain(bound) for bound in bounds)
        if step is None:
            return value
        known = self.bounds.get(value.step)
        if known is None and step.activation:
            return self.other(value, layers.clipped(low, high), output)
        lowest, highest = known or (None, None)
        bounds = (_narrower(max, lowest, low), _narrower(min, highest, high))
        if bounds == (None, None):
            return value
        self.bounds[value.step] = bounds
        return self._changed(value, output, activation=layers.clipped(*bounds))

    def other(self, value: Value, name: str, output: str) -> Value:
        """An operator on single values for which a step has no field."""
        step = self._step(value)
        if step is None:
            return value
        self.bounds.pop(value.step, None)
        return self._changed(value, output, activation=", ".join(filter(None, (step.activation, name))))

    def produces(self, value: Value, level: Optional[Level]) -> None:
        """How the output of the step is written, where no operator behind it says otherwise."""
        if value.step != SOURCE and level is not None:
            self.steps[value.step] = replace(self.steps[value.step], produced=level)

    def finished(self, target: Value) -> List[Step]:
        """The steps that lead to `target`, in network order; a last 1x1 convolution behind a mean is the classifier."""
        last = target.step
        if last == SOURCE:
            return []
        step = self.steps[last]
        if step.kind == "conv" and self._is_classifier(step):
            assert step.weight is not None
            self.steps[last] = replace(
                step,
                kind="classifier",
                weight=step.weight.reshape(step.weight.shape[:2]),
                **dict.fromkeys(("stride", "pads", "groups", "kernel")),  # type: ignore[arg-type]  # all may be None
            )
        steps = [self._activated(step) for step in self.steps]
        return in_network_order(steps, last)

    def _is_classifier(self, step: Step) -> bool:
        feeding = step.inputs[0]
        pooled = feeding != SOURCE and self.steps[feeding].kind == "mean"
        return pooled and step.weight is not None and step.weight.shape[2:] == (1, 1) and step.groups == 1

    @staticmethod
    def _activated(step: Step) -> Step:
        """The step; where nothing but the levels of its output clips its values, with the activation they stand for."""
        if step.produced is None or step.activation or step.kind not in ("conv", "add"):
            return step
        return replace(step, activation=implied(step.produced))

    def _step(self, value: Value) -> Optional[Step]:
        """The step behind a value; None of the network's input, whose own arithmetic belongs to no step."""
        return None if value.step == SOURCE else self.steps[value.step]

    def _changed(self, value: Value, output: str, **fields: Any) -> Value:
        self.steps[value.step] = replace(self.steps[value.step], output=output, **fields)
        return value

    def _affine(self, value: Value, factor: np.ndarray, amount: np.ndarray, output: str) -> Value:
        step = self._step(value)
        if step is None:
            return value
        factor, amount = (np.asarray(each, np.float32).ravel() for each in (factor, amount))
        channels = 0 if step.weight is None else len(step.weight)
        if step.kind not in CHANNELLED or step.activation or not {len(factor), len(amount)} <= {1, channels}:
            neutral = not np.any(amount) and np.all(factor == 1)
            return value if neutral else self.other(value, "arithmetic with constants", output)
        if step.norm is not None:
            old = step.norm
            norm = replace(old, gamma=old.gamma * factor, beta=old.beta * factor + amount)
            return self._changed(value, output, norm=norm)
        assert step.weight is not None
        weight = step.weight * factor.reshape(-1, *[1] * (step.weight.ndim - 1))
        bias = amount if step.bias is None else step.bias * factor + amount
        bias = np.broadcast_to(bias, channels).astype(np.float32)
        unbiased = step.bias is None and not np.any(bias)
        return self._changed(value, output, weight=weight.astype(np.float32), bias=None if unbiased else bias)


def summed(one: Pads, two: Pads) -> Pads:
    """Both pads one after the other."""
    top, left, bottom, right = (int(first) + int(second) for first, second in zip(one, two))
    return top, left, bottom, right


def same_pads(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int]) -> Pads:
    """TensorFlow's SAME padding of an input of `size` (height, width) pixels: the odd pixel comes after.

    kernel: with its dilation. An axis of unknown size (below 1) is taken as a multiple of the stride.
    """
    ends: List[Tuple[int, int]] = []
    for length, window, step in zip(size, kernel, stride):
        length = length if length > 0 else step
        total = max((-(-length // step) - 1) * step + window - length, 0)
        ends.append((total // 2, total - total // 2))
    (top, bottom), (left, right) = ends
    return top, left, bottom, right


def implied(level: Level) -> str:
    """The activation that a range of integers stands for: "" if it goes below zero, "?" if it ends below 6."""
    limits = np.iinfo(level.dtype)
    if level.zero != limits.min:
        return ""
    top = level.scale * (limits.max - level.zero)
    if abs(top - 6) < 6 * NEAR_SIX:
        return "relu6"
    return "?" if top < 6 else "relu"


def _narrower(choose: Any, one: Optional[float], two: Optional[float]) -> Optional[float]:
    known = [bound for bound in (one, two) if bound is not None]
    return choose(known) if known else None


def _plain(bound: Optional[float]) -> Optional[float]:
    """A bound as a whole number where it is one; None where it is infinite."""
    if bound is None or np.isinf(bound):
        return None
    rounded = float(f"{bound:.7g}")
    return int(rounded) if rounded == int(rounded) else rounded
