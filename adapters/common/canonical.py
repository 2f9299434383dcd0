"""Steps of files that hold tensors without a graph, and the order of steps that every format shares.

Only numpy and the standard library, so that it runs under the oldest Python any framework needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from adapters.common.network import Block, Classifier, Conv, Network, Pool
from adapters.common.steps import SOURCE, Norm, Step


@dataclass(frozen=True)
class Place:
    """One step of a table of layers. kind, inputs: as of a Step.

    name: a convolution's and the classifier's own; of what has no tensors, made up from the last convolution before.
    layer: None of an addition and of the mean. activated: whether the network's activation follows.
    """

    kind: str
    name: str
    inputs: Tuple[int, ...]
    layer: Optional[Union[Conv, Pool, Classifier]] = None
    activated: bool = False


def places(network: Network) -> List[Place]:
    """Every step of a table, in the order of `in_network_order`: a shortcut's convolution before its addition."""
    found: List[Place] = []
    last = SOURCE
    for block in network.blocks:
        found.extend(_block(block, last, len(found)))
        last = len(found) - 1
    classifier = network.classifier
    found.append(Place("mean", "mean", (last,)))
    found.append(Place("classifier", classifier.name, (last + 1,), classifier))
    return found


def _block(block: Block, source: int, first: int) -> Iterator[Place]:
    """The steps of one block. source: the step that feeds it; first: the number of its first step."""
    number, last = first, source
    for conv in block.convs:
        yield Place("conv", conv.name, (last,), conv, conv.activated)
        last, number = number, number + 1
    name = block.convs[-1].name
    if block.residual:
        around = source
        if block.shortcut is not None:
            yield Place("conv", block.shortcut.name, (source,), block.shortcut, block.shortcut.activated)
            around, number = number, number + 1
        yield Place("add", f"{name}.add", (last, around), None, block.activated)
        last, number = number, number + 1
    if block.pool is not None:
        yield Place("max_pool", f"{name}.pool", (last,), block.pool)


def steps_of_tensors(
    tensors: Mapping[str, np.ndarray], network: Network, published: Optional[Mapping[str, str]] = None
) -> List[Step]:
    """Steps of a file that holds tensors without a graph.

    tensors: canonical name -> array, float32 or float16, in the canonical layout (see Network.tensor_shapes).
    published: canonical name -> the file's own, for the steps' names.
    What such a file does not say is unknown: activation "?", stride, pads and groups None, no output names. The
    epsilon and which step feeds which are the table's.
    """
    own = published or {}
    return [_of_place(place, tensors, network, own) for place in places(network)]


def _of_place(place: Place, tensors: Mapping[str, np.ndarray], network: Network, own: Mapping[str, str]) -> Step:
    layer = place.layer
    if isinstance(layer, Pool):
        return Step(place.name, place.kind, place.inputs, kernel=(layer.kernel, layer.kernel))
    if layer is None:
        return Step(place.name, place.kind, place.inputs)
    stored = tensors[layer.weight]
    step = Step(
        name=own.get(layer.weight, place.name),
        kind=place.kind,
        inputs=place.inputs,
        weight=np.asarray(stored, np.float32),
        bits=8 * stored.dtype.itemsize if stored.dtype.kind == "f" else 32,
    )
    if isinstance(layer, Classifier):
        bias = tensors.get(layer.bias)
        return replace(step, bias=None if bias is None else np.asarray(bias, np.float32))
    height, width = stored.shape[2:]
    return replace(step, norm=norm_of_tensors(tensors, layer, network.bn_epsilon), kernel=(height, width))


def norm_of_tensors(tensors: Mapping[str, np.ndarray], conv: Conv, epsilon: float) -> Norm:
    """The batch norm behind a convolution of the table."""
    gamma, beta, mean, variance = (np.asarray(tensors[name], np.float32) for name in conv.norm)
    return Norm(gamma, beta, mean, variance, epsilon)


def in_network_order(steps: Sequence[Step], last: int) -> List[Step]:
    """The steps that lead to step number `last`, in the one order that all formats share, renumbered.

    A file may list the branches of an addition in any order. Here the branch with more steps from the input comes
    first, in the list and among the addition's inputs, then the other, then the addition.
    """
    depths = _depths(steps)
    order: Dict[int, int] = {}
    waiting = [last]
    while waiting:
        number = waiting[-1]
        feeding = sorted((each for each in steps[number].inputs if each != SOURCE), key=lambda each: -depths[each])
        missing = [each for each in feeding if each not in order]
        if missing:
            waiting.append(missing[0])
        else:
            order.setdefault(waiting.pop(), len(order))
    return [_renumbered(steps[number], order, depths) for number in order]


def _depths(steps: Sequence[Step]) -> List[int]:
    """Steps on the longest way from the input to each; every step comes after those that feed it."""
    depths: List[int] = []
    for step in steps:
        depths.append(1 + max((depths[each] for each in step.inputs if each != SOURCE), default=0))
    return depths


def _renumbered(step: Step, order: Mapping[int, int], depths: Sequence[int]) -> Step:
    """The step with its inputs, and what it says of each, in the shared order and under the new numbers."""
    turned = sorted(
        range(len(step.inputs)), key=lambda at: 0 if step.inputs[at] == SOURCE else -depths[step.inputs[at]]
    )
    inputs = [step.inputs[at] for at in turned]
    of_each = len(step.consumed) == len(turned)
    return replace(
        step,
        inputs=tuple(SOURCE if each == SOURCE else order[each] for each in inputs),
        consumed=tuple(step.consumed[at] for at in turned) if of_each else step.consumed,
        written=tuple(step.written[at] for at in turned) if step.written else (),
    )


def as_value(step: Step, found: np.ndarray, integers: Optional[bool] = None) -> np.ndarray:
    """What a framework gave for a step's `output`, as all formats give it.

    float32 (N, channels, height, width), of the mean and the classifier (N, channels); integers are read as real
    numbers. integers: whether these are some, where their type does not tell.
    """
    values = np.asarray(found)
    if (values.dtype.kind in "iu" if integers is None else integers) and step.produced is not None:
        values = (values.astype(np.float32) - np.float32(step.produced.zero)) * np.float32(step.produced.scale)
    values = values.astype(np.float32)
    if step.kind in ("mean", "classifier"):
        return values.reshape(len(values), -1)
    if step.layout != "NCHW" and sorted(step.layout) == sorted("NCHW"):
        values = values.transpose([step.layout.index(axis) for axis in "NCHW"])
    return np.ascontiguousarray(values)
