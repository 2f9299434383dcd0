"""The steps of a GraphDef, and the values behind them."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf

from adapters.common.canonical import as_value
from adapters.common.drafts import NO_PADS, Pads, Stored
from adapters.common.steps import Norm, Step
from adapters.common.walk import Walk, Window
from adapters.tensorflow import facts
from adapters.tensorflow.graphs import Graph, GraphNetwork

# What changes no value, or only where it stands
PASSED = (
    "Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims", "EnsureShape", "StopGradient", "Snapshot",
    "CheckNumerics", "PlaceholderWithDefault", "Cast", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs",
)  # fmt: skip
ASKING = ("Shape", "ShapeN", "Size", "Rank")  # they give numbers about a value, not the value
ACTIVATIONS = {
    "LeakyRelu": "leaky_relu", "Elu": "elu", "Selu": "selu", "Sigmoid": "sigmoid", "Tanh": "tanh",
    "Softplus": "softplus", "_MklSwish": "swish",
}  # fmt: skip
CLIPS: Mapping[str, Tuple[float, Optional[float]]] = {"Relu": (0, None), "Relu6": (0, 6)}
Pair = Tuple[int, int]


def read(graph: Graph, side: int) -> List[Step]:
    """Steps of a graph without variables. side: pixels, where the graph leaves the size of its input open.

    Constants that the graph computes are computed: weights that it scales, or a batch norm made of single operators,
    are told as they are multiplied. A softmax at the end belongs to no step.
    """
    network = GraphNetwork(graph)
    placed = facts.placed(graph.definition, graph.source, network.shape, network.dtype, side)
    return _Reader(placed).steps(graph.target)


def values(graph: Graph, steps: Sequence[Step], batch: np.ndarray) -> Iterator[Tuple[int, np.ndarray]]:
    """What stands behind the steps of `graph`, from one run in which it answers with all of them.

    batch: as the graph takes it. See canonical.as_value.
    """

    def imported() -> None:
        tf.graph_util.import_graph_def(graph.definition, name="")

    wrapped = tf.compat.v1.wrap_function(imported, [])
    told = {number: step for number, step in enumerate(steps) if step.output}
    source, *tensors = (
        wrapped.graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
        for name in (graph.source, *(step.output for step in told.values()))
    )
    found = wrapped.prune(source, tensors)(tf.constant(batch))
    for (number, step), value in zip(told.items(), found):
        yield number, as_value(step, value.numpy())


class _Reader:
    """Reads the operators of a graph whose tensors have shapes; values go by their names in the file."""

    def __init__(self, graph: tf.Graph) -> None:
        blank = graph.get_operation_by_name(facts.BLANK)
        computed = _computed(graph, blank)
        self.operations = computed[1:]
        self.constants = _constants(graph, [operation.name for operation in computed])
        used = (name for each in self.operations if each.type not in ASKING for name in set(_inputs(each)))
        self.walk = Walk(Counter(used))
        shape: List[Any] = blank.outputs[0].shape.as_list()
        planar = len(shape) == 4 and shape[1] == 3 and shape[3] != 3
        size = tuple(shape[2:4] if planar else shape[1:3])
        self.walk.source(facts.BLANK, "NCHW" if planar else "NHWC", (size[0], size[1]))

    def steps(self, target: str) -> List[Step]:
        """Steps that lead to the node `target`."""
        for operation in self.operations:
            flowing = self.walk.known(_inputs(operation))
            if flowing and operation.outputs and operation.type not in ASKING:
                self._read(operation, flowing)
        return self.walk.steps(target)

    def _read(self, operation: Any, flowing: List[str]) -> None:
        kind, target = operation.type, _short(operation.outputs[0])
        if kind in OPERATORS:
            OPERATORS[kind](self, operation, flowing, target)
        elif kind in CLIPS:
            self.walk.clipped(flowing[0], target, *CLIPS[kind], kind.lower())
        elif kind in ACTIVATIONS:
            self.walk.activated(flowing[0], target, ACTIVATIONS[kind])
        elif kind in PASSED or (len(flowing) == 1 and operation.outputs[0].dtype.is_integer):
            self.walk.passed(flowing[0], target)
        else:
            self.walk.noted(flowing[0], target, kind.lower())

    def constant(self, operation: Any, place: int) -> Optional[np.ndarray]:
        """The value of an input; None if it depends on the network's input, or there is none."""
        return self.constants.get(_inputs(operation)[place]) if place < len(operation.inputs) else None

    def stored(self, operation: Any, axes: Sequence[int]) -> Optional[Stored]:
        """The weights of an operator, with their axes in another order."""
        values = self.constant(operation, 1)
        if values is None:
            return None
        bits = min(32, 8 * _stored_type(operation.inputs[1]).size)
        return Stored(np.ascontiguousarray(values.transpose(axes), np.float32), bits)

    def only_constant(self, operation: Any) -> Optional[np.ndarray]:
        """The one input that does not depend on the network's."""
        found = [self.constant(operation, place) for place in range(len(operation.inputs))]
        return next((np.asarray(values) for values in found if values is not None), None)

    # weighted

    def conv(self, operation: Any, flowing: List[str], target: str) -> None:
        """Conv2D of HWIO."""
        self._convolved(operation, flowing[0], target, self.stored(operation, (3, 2, 0, 1)))

    def depthwise(self, operation: Any, flowing: List[str], target: str) -> None:
        """DepthwiseConv2dNative of (height, width, channels, multiplier)."""
        weight = self.stored(operation, (2, 3, 0, 1))
        if weight is not None:
            weight = Stored(weight.values.reshape(-1, 1, *weight.values.shape[2:]), weight.bits)
        self._convolved(operation, flowing[0], target, weight)

    def _convolved(self, operation: Any, source: str, target: str, weight: Optional[Stored]) -> None:
        channels, size = _sides(operation)
        height, width = (1, 1) if weight is None else weight.values.shape[2:]
        groups = 1 if weight is None else channels // weight.values.shape[1]
        stride, apart = (_spatial(operation, operation.get_attr(name)) for name in ("strides", "dilations"))
        reach = ((height - 1) * apart[0] + 1, (width - 1) * apart[1] + 1)
        window = Window(reach, stride, _pads(operation, size, reach, stride))
        self.walk.layer(operation.name, source, target, weight, window, groups)

    def matrix(self, operation: Any, flowing: List[str], target: str) -> None:
        """MatMul by a stored matrix (in, out)."""
        axes = (0, 1) if operation.get_attr("transpose_b") else (1, 0)
        self.walk.product(operation.name, flowing[0], target, self.stored(operation, axes))

    def norm(self, operation: Any, flowing: List[str], target: str) -> None:
        """FusedBatchNorm; one that is left in training takes the statistics of the batch, not its own."""
        parts = [self.constant(operation, place) for place in range(1, 5)]
        found = [np.asarray(values, np.float32) for values in parts if values is not None]
        if len(found) < 4 or operation.get_attr("is_training"):
            self.walk.noted(flowing[0], target, "batch_norm(of the batch)")
            return
        epsilon = float(f"{operation.get_attr('epsilon'):.7g}")  # it comes as the float32 next to it
        self.walk.normalised(flowing[0], target, Norm(found[0], found[1], found[2], found[3], epsilon))

    # sums and products

    def total(self, operation: Any, flowing: List[str], target: str) -> None:
        """An addition of several values, or of a constant."""
        if len(flowing) > 1:
            self.walk.summed(operation.name, flowing, target)
            return
        constant = self.only_constant(operation)
        self.walk.shifted(flowing[0], target, np.zeros(1) if constant is None else constant)

    def arithmetic(self, operation: Any, flowing: List[str], target: str) -> None:
        """Sub, Mul and RealDiv with a constant as the second; Mul with one as either."""
        kind, source = operation.type, flowing[0]
        constant = self.only_constant(operation)
        if kind == "Mul" and len(flowing) > 1:
            self.walk.multiplied(flowing, target)
        elif len(flowing) > 1 or constant is None or (kind != "Mul" and source != _inputs(operation)[0]):
            self.walk.noted(source, target, kind.lower())
        elif kind == "Sub":
            self.walk.shifted(source, target, constant, "sub")
        else:
            self.walk.scaled(source, target, constant, "div" if kind == "RealDiv" else "mul")

    # bounds

    def bound(self, operation: Any, flowing: List[str], target: str) -> None:
        """Minimum and Maximum with a constant."""
        constant = self.only_constant(operation)
        if len(flowing) > 1 or constant is None or constant.size != 1:
            self.walk.noted(flowing[0], target, operation.type.lower())
            return
        limit = plain(constant)
        low, high = (None, limit) if operation.type == "Minimum" else (limit, None)
        self.walk.clipped(flowing[0], target, low, high, operation.type.lower())

    def clip(self, operation: Any, flowing: List[str], target: str) -> None:
        """ClipByValue."""
        low, high = (self.constant(operation, place) for place in (1, 2))
        if low is None or high is None or low.size != 1 or high.size != 1:
            self.walk.noted(flowing[0], target, "clip")
        else:
            self.walk.clipped(flowing[0], target, plain(low), plain(high), "clip")

    # pooling and layout

    def padding(self, operation: Any, flowing: List[str], target: str) -> None:
        """Pad, PadV2 and MirrorPad."""
        around, filled = self.constant(operation, 1), self.constant(operation, 2)
        axes = self.walk.flows[flowing[0]].axes
        value = 0.0 if filled is None else float(filled.reshape(-1)[0])
        lowest = value <= np.finfo(np.float32).min or value == -np.inf  # what pads a max pooling
        if around is None or len(around) != len(axes) or operation.type == "MirrorPad" or not (value == 0 or lowest):
            self.walk.noted(flowing[0], target, f"{operation.type.lower()}({value:.6g})")
            return
        self.walk.padded(flowing[0], target, pads_of(around, axes))

    def largest(self, operation: Any, flowing: List[str], target: str) -> None:
        """MaxPool."""
        self.walk.largest(operation.name, flowing[0], target, self._window(operation))

    def average(self, operation: Any, flowing: List[str], target: str) -> None:
        """AvgPool."""
        self.walk.averaged(operation.name, flowing[0], target, self._window(operation).kernel)

    def _window(self, operation: Any) -> Window:
        kernel, stride = (_spatial(operation, operation.get_attr(name)) for name in ("ksize", "strides"))
        return Window(kernel, stride, _pads(operation, _sides(operation)[1], kernel, stride))

    def mean(self, operation: Any, flowing: List[str], target: str) -> None:
        """Mean over both axes of the image."""
        axes, chosen = self.walk.flows[flowing[0]].axes, self.constant(operation, 1)
        over = {axes[int(at)] for at in np.ravel(chosen)} if chosen is not None and len(axes) == 4 else set()
        if over != {"H", "W"}:
            self.walk.noted(flowing[0], target, f"mean over {''.join(sorted(over))}")
            return
        self.walk.averaged(operation.name, flowing[0], target)

    def turned(self, operation: Any, flowing: List[str], target: str) -> None:
        """Transpose."""
        order = self.constant(operation, 1)
        self.walk.turned(flowing[0], target, [] if order is None else [int(axis) for axis in order])


OPERATORS = {
    "Conv2D": _Reader.conv,
    "DepthwiseConv2dNative": _Reader.depthwise,
    "MatMul": _Reader.matrix,
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _Reader.norm),
    **dict.fromkeys(("BiasAdd", "Add", "AddV2", "AddN"), _Reader.total),
    **dict.fromkeys(("Sub", "Mul", "RealDiv"), _Reader.arithmetic),
    **dict.fromkeys(("Minimum", "Maximum"), _Reader.bound),
    "ClipByValue": _Reader.clip,
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad"), _Reader.padding),
    "MaxPool": _Reader.largest,
    "AvgPool": _Reader.average,
    "Mean": _Reader.mean,
    "Transpose": _Reader.turned,
}


def plain(number: np.ndarray) -> Optional[float]:
    """A bound as a whole number where it is one; None where it is infinite."""
    value = float(f"{np.ravel(number)[0]:.7g}")
    if np.isinf(value):
        return None
    return int(value) if value == int(value) else value


def pads_of(around: np.ndarray, axes: str) -> Pads:
    """(top, left, bottom, right) of (before, after) for each of the axes."""
    ends = {axis: (int(before), int(after)) for axis, (before, after) in zip(axes, around)}
    (top, bottom), (left, right) = ends["H"], ends["W"]
    return top, left, bottom, right


def _computed(graph: tf.Graph, blank: Any) -> List[Any]:
    """The input, and the operations that depend on it, each after its inputs: in the order in which they were made."""
    found = {blank.name: blank}
    for operation in graph.get_operations():
        if any(tensor.op.name in found for tensor in operation.inputs):
            found[operation.name] = operation
    return list(found.values())


def _constants(graph: tf.Graph, computed: Sequence[str]) -> Dict[str, np.ndarray]:
    """Values of all tensors that the computed operations read, and that do not depend on the input."""
    readers = [graph.get_operation_by_name(name) for name in computed]
    tensors = [tensor for operation in readers for tensor in operation.inputs if tensor.op.name not in computed]
    with tf.compat.v1.Session(graph=graph) as session:
        found: Dict[str, np.ndarray] = session.run({_short(tensor): tensor for tensor in tensors})
    return found


def _stored_type(tensor: Any) -> Any:
    """The type in which the values behind a constant tensor are stored."""
    operation = tensor.op
    while operation.type in (*facts.PASSING, *PASSED) and operation.inputs:
        operation = operation.inputs[0].op
    return operation.outputs[0].dtype


def _spatial(operation: Any, axes: Sequence[int]) -> Pair:
    """Height and width of an attribute with a number for each axis."""
    first = 2 if operation.get_attr("data_format") == b"NCHW" else 1
    return int(axes[first]), int(axes[first + 1])


def _sides(operation: Any) -> Tuple[int, Optional[Pair]]:
    """Channels of the first input, and its (height, width), None where that is open."""
    shape = operation.inputs[0].shape
    sizes = [0 if size is None else size for size in shape.as_list()] if shape.rank == 4 else [0] * 4
    channels = sizes[1] if operation.get_attr("data_format") == b"NCHW" else sizes[3]
    size = _spatial(operation, sizes)
    return channels, size if all(size) else None


def _pads(operation: Any, size: Optional[Pair], kernel: Pair, stride: Pair) -> Optional[Pads]:
    """What the operator itself pads; None where that depends on an open size."""
    padding = operation.get_attr("padding")
    if padding == b"SAME":
        return Window(kernel, stride, None).pads_of(size)
    if padding == b"EXPLICIT":
        each = operation.get_attr("explicit_paddings")
        (top, left), (bottom, right) = _spatial(operation, each[0::2]), _spatial(operation, each[1::2])
        return top, left, bottom, right
    return NO_PADS


def _inputs(operation: Any) -> List[str]:
    return [_short(tensor) for tensor in operation.inputs]


def _short(tensor: Any) -> str:
    """A tensor's name as the file's own nodes write it."""
    name = str(tensor.name)
    return name[:-2] if name.endswith(":0") else name
