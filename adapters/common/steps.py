"""A network as a file has it, step by step, in the same words for every format.

An adapter walks its own format once and gives a list of steps. Two files of one network then have equal lists, so that
their tensors can be compared, and the values after each step in two frameworks.
Only numpy and the standard library, so that it runs under the oldest Python any framework needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

import numpy as np

KINDS = ("conv", "classifier", "add", "max_pool", "mean")
SOURCE = -1  # in `inputs`: the network's own input
ARRAYS = ("weight", "bias", "weight_scale", "weight_zero")
PLAIN = ("name", "kind", "output", "bits", "activation", "groups", "layout")
LISTED = ("inputs", "stride", "pads", "kernel", "before", "behind")
NORM_ARRAYS = ("gamma", "beta", "mean", "variance")


@dataclass(frozen=True)
class Norm:
    """A batch norm that the file keeps apart from its convolution; arrays float32 (channels,)."""

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float


@dataclass(frozen=True)
class Level:
    """How integers of a value that flows between steps are read: real = scale * (integer - zero)."""

    scale: float
    zero: int
    dtype: str


@dataclass(frozen=True)
class Step:
    """One canonical layer: a convolution with its batch norm and activation, the classifier, an addition, a pooling.

    name: the file's own, of the operator or the tensor. inputs: which steps feed it, SOURCE for the network's input.
    output: the file's own name of the value behind the batch norm and the activation, "" where the file holds no graph.
    weight: float32, OIHW of a convolution (depthwise: (channels, 1, k, k)), (classes, in) of the classifier, as it is
    multiplied: integers are already read as real numbers. bias: float32 (out,), None where there is none.
    weight_scale, weight_zero: how stored integers were read, one value or one for each output channel; None of floats.
    bits: of the stored weights: 32, 16 or 8. norm: None where it is folded into the weights or there is none.
    activation: "" for none, "relu6", "relu", "clip(0, 3)" as layers.clipped names it; "?" where the file does not say.
    stride: of both axes; pads: (top, left, bottom, right); groups. All three None where the file does not say.
    consumed, produced: of quantised files: how the step reads its input, and how its output is written; None otherwise.
    written: how each input was last written on its way here; a step that reads it by other levels is wrong.
    before: the file's operators between its inputs and it that belong to no step, in words, such as "sub(0.5)".
    behind: of the last step: the same between it and the network's output.
    layout: the axes of the value `output` as the file has them, "NCHW", "NHWC", "NC"; canonical.as_value turns them.
    """

    name: str
    kind: str
    inputs: Tuple[int, ...]
    output: str = ""
    weight: Optional[np.ndarray] = None
    bias: Optional[np.ndarray] = None
    weight_scale: Optional[np.ndarray] = None
    weight_zero: Optional[np.ndarray] = None
    bits: int = 32
    norm: Optional[Norm] = None
    activation: str = "?"
    stride: Optional[Tuple[int, int]] = None
    pads: Optional[Tuple[int, int, int, int]] = None
    groups: Optional[int] = None
    consumed: Tuple[Level, ...] = ()
    produced: Optional[Level] = None
    kernel: Optional[Tuple[int, int]] = None
    written: Tuple[Optional[Level], ...] = ()
    before: Tuple[str, ...] = ()
    behind: Tuple[str, ...] = ()
    layout: str = "NCHW"


def as_json(step: Step) -> Dict[str, Any]:
    """Everything but the arrays, as JSON types."""
    plain = {name: getattr(step, name) for name in PLAIN}
    for name in LISTED:
        value = getattr(step, name)
        plain[name] = None if value is None else list(value)
    return {
        **plain,
        "epsilon": None if step.norm is None else step.norm.epsilon,
        "consumed": [vars(level) for level in step.consumed],
        "written": [None if level is None else vars(level) for level in step.written],
        "produced": None if step.produced is None else vars(step.produced),
    }


def arrays(steps: Sequence[Step]) -> Iterator[Tuple[str, np.ndarray]]:
    """The arrays of all steps under "<number of the step>.<name>", for an .npz file."""
    for number, step in enumerate(steps):
        for name in ARRAYS:
            value = getattr(step, name)
            if value is not None:
                yield f"{number}.{name}", value
        if step.norm is not None:
            for name in NORM_ARRAYS:
                yield f"{number}.{name}", getattr(step.norm, name)


def from_json(number: int, plain: Mapping[str, Any], stored: Mapping[str, np.ndarray]) -> Step:
    """Step `number` again, of what `as_json` and `arrays` gave."""
    gamma, beta, mean, variance = (stored.get(f"{number}.{name}") for name in NORM_ARRAYS)
    apart = None
    if gamma is not None and beta is not None and mean is not None and variance is not None:
        apart = Norm(gamma, beta, mean, variance, plain["epsilon"])
    fields: Dict[str, Any] = {name: plain[name] for name in PLAIN}
    fields.update((name, None if plain[name] is None else tuple(plain[name])) for name in LISTED)
    fields.update((name, stored.get(f"{number}.{name}")) for name in ARRAYS)
    return Step(
        **fields,
        norm=apart,
        consumed=tuple(Level(**level) for level in plain["consumed"]),
        written=tuple(_level(level) for level in plain["written"]),
        produced=_level(plain["produced"]),
    )


def _level(plain: Optional[Mapping[str, Any]]) -> Optional[Level]:
    return None if plain is None else Level(**plain)
