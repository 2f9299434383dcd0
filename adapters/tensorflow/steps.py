"""The steps of a GraphDef, and the values behind them."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple

import numpy as np
import tensorflow as tf

from adapters.common.contract import AdapterError
from adapters.common.steps import Norm, Step
from adapters.common.walk import START, UNPADDED, Bounds, Pads, Value, Walk, same_pads
from adapters.tensorflow import facts
from adapters.tensorflow.graphs import Graph, GraphNetwork

# What changes no value that is compared, or only where it stands
PASSING = (
    "Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims", "EnsureShape", "Transpose", "StopGradient", "Snapshot",
    "CheckNumerics", "PlaceholderWithDefault", "Softmax", "LogSoftmax", "Cast", "FakeQuantWithMinMaxVars",
    "FakeQuantWithMinMaxArgs",
)  # fmt: skip
ADDING = ("Add", "AddV2", "AddN")
BOUNDS: Mapping[str, Bounds] = {"Relu": (0, None), "Relu6": (0, 6)}


def read(graph: Graph, side: int) -> List[Step]:
    """Steps of a graph without variables. side: pixels, where the graph leaves the size of its input open.

    Constants that the graph computes are computed: weights that it scales, or a batch norm made of single operators,
    are told as they are multiplied.
    """
    network = GraphNetwork(graph)
    placed = facts.placed(graph.definition, graph.source, network.shape, network.dtype, side)
    return _Reader(placed).steps(f"{graph.target}:0")


def values(graph: Graph, steps: Sequence[Step], batch: np.ndarray) -> Iterator[Tuple[int, np.ndarray]]:
    """What stands behind the steps of `graph`, from one run in which it answers with all of them.

    batch: as the graph takes it -> float32 (N, channels, height, width), of the classifier (N, classes).
    """

    def imported() -> None:
        tf.graph_util.import_graph_def(graph.definition, name="")

    wrapped = tf.compat.v1.wrap_function(imported, [])
    told = {number: step for number, step in enumerate(steps) if step.output}
    tensors = [wrapped.graph.get_tensor_by_name(_full(step.output)) for step in told.values()]
    source = wrapped.graph.get_tensor_by_name(f"{graph.source}:0")
    found = wrapped.prune(source, tensors)(tf.constant(batch))
    planar = any(_planar(operation) for operation in wrapped.graph.get_operations())
    for (number, step), value in zip(told.items(), found):
        yield number, arranged(value.numpy(), step, planar)


def arranged(value: np.ndarray, step: Step, planar: bool = False) -> np.ndarray:
    """A step's value as `values` gives it. planar: whether its axes are in that order already."""
    if step.kind == "classifier":
        return value.reshape(len(value), -1)
    if value.ndim == 2:
        return value[:, :, None, None]
    return value if planar else value.transpose(0, 3, 1, 2)


class _Reader:
    """Reads the operators of a graph whose tensors have shapes."""

    def __init__(self, graph: tf.Graph) -> None:
        self.walk = Walk()
        self.graph = graph
        self.values: Dict[str, Value] = {f"{facts.BLANK}:0": START}
        computed = _computed(graph)
        self.constants = _constants(graph, computed)
        self.operations = [operation for operation in graph.get_operations() if operation.name in computed]

    def steps(self, target: str) -> List[Step]:
        """Steps that lead to the tensor `target`."""
        for operation in self.operations:
            if operation.name != facts.BLANK and operation.outputs:
                value = self._read(operation)
                self.values.update((tensor.name, value) for tensor in operation.outputs)
        if target not in self.values:
            raise AdapterError(f"the output {target!r} does not depend on the input")
        return self.walk.finished(self.values[target])

    def _read(self, operation: Any) -> Value:
        kind, output = operation.type, _short(operation.outputs[0].name)
        fed = [self.values[tensor.name] for tensor in operation.inputs if tensor.name in self.values]
        if kind in PASSING or operation.outputs[0].dtype in (tf.int32, tf.int64):  # integers: the shape of a value
            return fed[0]
        if len(fed) > (2 if kind in ADDING else 1):
            raise AdapterError(f"{operation.name}: an operator {kind} of {len(fed)} computed values is no step")
        if kind in READERS:
            return READERS[kind](self, operation, fed, output)
        if kind in BOUNDS:
            return self.walk.clip(fed[0], BOUNDS[kind], output)
        return self.walk.other(fed[0], kind, output)

    def constant(self, operation: Any, index: int) -> np.ndarray:
        """The value of an input that does not depend on the network's."""
        name = operation.inputs[index].name
        if name not in self.constants:
            raise AdapterError(f"{operation.name}: expected a stored tensor as input {index}, got a computed one")
        return self.constants[name]

    def conv(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """Conv2D of HWIO, DepthwiseConv2dNative of (height, width, channels, multiplier)."""
        stored = self.constant(operation, 1)
        depthwise = operation.type == "DepthwiseConv2dNative"
        weight = (
            stored.transpose(2, 3, 0, 1).reshape(-1, 1, *stored.shape[:2])
            if depthwise
            else stored.transpose(3, 2, 0, 1)
        )
        channels, size = _sides(operation)
        window = _spatial(operation, operation.get_attr("dilations"))
        reach = [1 + (side - 1) * apart for side, apart in zip(stored.shape[:2], window)]
        stride = _spatial(operation, operation.get_attr("strides"))
        step = Step(
            name=operation.name,
            kind="conv",
            inputs=(),
            output=output,
            weight=np.ascontiguousarray(weight, np.float32),
            bits=8 * _stored_type(operation.inputs[1]).size,
            stride=stride,
            pads=_pads(operation, size, reach, stride, fed[0]),
            groups=channels // weight.shape[1],
            kernel=(int(stored.shape[0]), int(stored.shape[1])),
        )
        return self.walk.add_step(fed, step)

    def matrix(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """MatMul by a stored matrix (in, out)."""
        stored = self.constant(operation, 1)
        weight = stored if operation.get_attr("transpose_b") else stored.T
        weight = np.ascontiguousarray(weight, np.float32)
        bits = 8 * _stored_type(operation.inputs[1]).size
        return self.walk.add_step(fed, Step(operation.name, "classifier", (), output, weight=weight, bits=bits))

    def norm(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """FusedBatchNorm; one that is left in training takes the statistics of the batch, not its own."""
        if operation.get_attr("is_training"):
            return self.walk.other(fed[0], "batch norm of the batch's own statistics", output)
        gamma, beta, mean, variance = (np.asarray(self.constant(operation, index), np.float32) for index in range(1, 5))
        norm = Norm(gamma, beta, mean, variance, _decimal(operation.get_attr("epsilon")))
        return self.walk.norm(fed[0], norm, output)

    def total(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """An addition of two values, or of a constant."""
        if len(fed) == 2:
            return self.walk.add_step(fed, Step(operation.name, "add", (), output))
        constant = self.constant(operation, self._constant_index(operation))
        return self.walk.shift(fed[0], constant, output)

    def difference(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """A constant is taken away, or a constant less the value."""
        index = self._constant_index(operation)
        constant = self.constant(operation, index)
        if index == 1:
            return self.walk.shift(fed[0], -constant, output)
        return self.walk.shift(self.walk.scale(fed[0], np.array([-1], np.float32), output), constant, output)

    def product(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """A constant is multiplied, or divided by."""
        index = self._constant_index(operation)
        constant = self.constant(operation, index).astype(np.float32)
        if operation.type == "Mul":
            return self.walk.scale(fed[0], constant, output)
        if index == 0:
            return self.walk.other(fed[0], "1 / x", output)
        return self.walk.scale(fed[0], 1 / constant, output)

    def bound(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """Minimum and Maximum with a constant, ClipByValue."""
        if operation.type == "ClipByValue":
            return self.walk.clip(
                fed[0], (float(self.constant(operation, 1)), float(self.constant(operation, 2))), output
            )
        constant = self.constant(operation, self._constant_index(operation))
        if constant.size != 1:
            return self.walk.other(fed[0], operation.type, output)
        limit = float(constant.ravel()[0])
        return self.walk.clip(fed[0], (None, limit) if operation.type == "Minimum" else (limit, None), output)

    def padding(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """Pad, PadV2 and MirrorPad; the axis of channels is the one that is not padded at its end."""
        around = self.constant(operation, 1)
        axes = (2, 3) if not around[1].any() and around[3].any() else (1, 2)
        (top, bottom), (left, right) = (around[axis] for axis in axes)
        return self.walk.pad(fed[0], (top, left, bottom, right))

    def pool(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """MaxPool, and AvgPool over the whole of its input, which is a mean."""
        _, size = _sides(operation)
        kernel, stride = (_spatial(operation, operation.get_attr(name)) for name in ("ksize", "strides"))
        if operation.type == "AvgPool" and list(kernel) == list(size):
            return self.walk.add_step(fed, Step(operation.name, "mean", (), output))
        kind = "mean" if operation.type == "AvgPool" else "max_pool"
        pads = _pads(operation, size, kernel, stride, fed[0])
        return self.walk.add_step(fed, Step(operation.name, kind, (), output, stride=stride, pads=pads, kernel=kernel))

    def mean(self, operation: Any, fed: Sequence[Value], output: str) -> Value:
        """Over both axes of the image."""
        return self.walk.add_step(fed, Step(operation.name, "mean", (), output))

    def _constant_index(self, operation: Any) -> int:
        return next(index for index, tensor in enumerate(operation.inputs) if tensor.name not in self.values)


READERS: Mapping[str, Callable[..., Value]] = {
    "Conv2D": _Reader.conv,
    "DepthwiseConv2dNative": _Reader.conv,
    "MatMul": _Reader.matrix,
    "FusedBatchNorm": _Reader.norm,
    "FusedBatchNormV2": _Reader.norm,
    "FusedBatchNormV3": _Reader.norm,
    "BiasAdd": _Reader.total,
    "Add": _Reader.total,
    "AddV2": _Reader.total,
    "AddN": _Reader.total,
    "Sub": _Reader.difference,
    "Mul": _Reader.product,
    "RealDiv": _Reader.product,
    "Minimum": _Reader.bound,
    "Maximum": _Reader.bound,
    "ClipByValue": _Reader.bound,
    "Pad": _Reader.padding,
    "PadV2": _Reader.padding,
    "MirrorPad": _Reader.padding,
    "MaxPool": _Reader.pool,
    "AvgPool": _Reader.pool,
    "Mean": _Reader.mean,
}


def _computed(graph: tf.Graph) -> Dict[str, Any]:
    """Operations that depend on the input, by name."""
    found = {facts.BLANK: graph.get_operation_by_name(facts.BLANK)}
    for operation in graph.get_operations():  # in the order in which they were made: each after its inputs
        if any(tensor.op.name in found for tensor in operation.inputs):
            found[operation.name] = operation
    return found


def _constants(graph: tf.Graph, computed: Mapping[str, Any]) -> Dict[str, np.ndarray]:
    """Values of all tensors that the computed operations read, and that do not depend on the input."""
    wanted = {
        tensor.name: tensor
        for operation in computed.values()
        for tensor in operation.inputs
        if tensor.op.name not in computed
    }
    with tf.compat.v1.Session(graph=graph) as session:
        found: Dict[str, np.ndarray] = session.run(wanted)
    return found


def _stored_type(tensor: Any) -> Any:
    """The type in which the values behind a constant tensor are stored."""
    operation = tensor.op
    while operation.type in (*facts.PASSING, *PASSING) and operation.inputs:
        operation = operation.inputs[0].op
    return operation.outputs[0].dtype


def _planar(operation: Any) -> bool:
    return operation.type in ("Conv2D", "DepthwiseConv2dNative") and operation.get_attr("data_format") == b"NCHW"


def _spatial(operation: Any, axes: Sequence[int]) -> Tuple[int, int]:
    """Height and width of an attribute with a number for each axis."""
    first = 2 if operation.get_attr("data_format") == b"NCHW" else 1
    return int(axes[first]), int(axes[first + 1])


def _sides(operation: Any) -> Tuple[int, Tuple[int, int]]:
    """Channels, and (height, width), of the first input; -1 where they are unknown."""
    shape = operation.inputs[0].shape
    sizes = [-1 if size is None else size for size in shape.as_list()] if shape.rank is not None else [-1] * 4
    channels = sizes[1] if operation.get_attr("data_format") == b"NCHW" else sizes[3]
    return channels, _spatial(operation, sizes)


def _pads(operation: Any, size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], value: Value) -> Pads:
    """What the operator itself pads."""
    padding = operation.get_attr("padding")
    if padding == b"SAME":
        return same_pads(size, kernel, stride)
    if padding == b"EXPLICIT":
        each = operation.get_attr("explicit_paddings")
        top, left = _spatial(operation, each[0::2])
        bottom, right = _spatial(operation, each[1::2])
        return top, left, bottom, right
    return UNPADDED


def _decimal(value: float) -> float:
    """A float32 as it was written: 0.001, not 0.0010000000474974513."""
    return float(f"{value:.7g}")


def _short(name: str) -> str:
    """A tensor's name as the file's own nodes write it."""
    return name[:-2] if name.endswith(":0") else name


def _full(name: str) -> str:
    return name if ":" in name else f"{name}:0"
