"""An ONNX graph step by step; see common/steps.py."""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, Dict, List, Optional, Sequence, Set

import numpy as np
import onnx
from onnx import helper

from adapters.common.drafts import Stored
from adapters.common.steps import Level, Norm, Step
from adapters.common.walk import Walk, Window
from adapters.onnxruntime.constants import Constants, real
from adapters.onnxruntime.facts import Graph

PASSED = ("Identity", "Dropout", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Cast")
# Operators that give numbers about a value, not the value
ASKING = ("Shape", "Size")
ACTIVATIONS = {
    "HardSwish": "hard_swish", "HardSigmoid": "hard_sigmoid", "Sigmoid": "sigmoid", "Tanh": "tanh", "Elu": "elu",
    "Selu": "selu", "Gelu": "gelu", "LeakyRelu": "leaky_relu", "PRelu": "prelu", "Mish": "mish", "Softplus": "softplus",
    "Softmax": "softmax", "LogSoftmax": "log_softmax", "Swish": "swish", "QuickGelu": "quick_gelu",
    "ThresholdedRelu": "thresholded_relu", "QLinearLeakyRelu": "leaky_relu", "QLinearSigmoid": "sigmoid",
    "QLinearSoftmax": "softmax",
}  # fmt: skip


def steps(model: onnx.ModelProto, side: int) -> List[Step]:
    """The steps of a graph. side: pixels, where the file leaves the size of its input open."""
    return _Reader(model, side).read()


class _Reader:
    def __init__(self, model: onnx.ModelProto, side: int) -> None:
        self.model, self.graph, self.side = model, Graph(model.graph), side
        self.constants = Constants(model, self.graph)
        users = Counter(
            name for node in self.graph.nodes if node.op_type not in ASKING for name in dict.fromkeys(node.input)
        )
        self.walk = Walk(users)
        self.operators: Dict[str, Callable[[onnx.NodeProto, str], None]] = {
            "Conv": self._conv, "FusedConv": self._conv, "ConvInteger": self._conv_integer,
            "QLinearConv": self._qlinear_conv,
            "Gemm": self._gemm, "MatMul": self._matmul, "MatMulInteger": self._matmul,
            "QLinearMatMul": self._qlinear_matmul, "QGemm": self._qgemm,
            "BatchNormalization": self._norm, "SpatialBN": self._norm,
            "Add": self._sum, "Sum": self._sum, "Sub": self._sum, "Mul": self._product, "Div": self._product,
            "QLinearAdd": self._qlinear_sum, "QLinearMul": self._qlinear_sum,
            "Relu": self._relu, "Clip": self._clip, "Min": self._bound, "Max": self._bound,
            "GlobalAveragePool": self._mean, "AveragePool": self._mean, "ReduceMean": self._mean,
            "QLinearGlobalAveragePool": self._qlinear_mean, "QLinearAveragePool": self._qlinear_mean,
            "QLinearReduceMean": self._qlinear_mean,
            "MaxPool": self._max_pool, "GlobalMaxPool": self._max_pool,
            "Pad": self._pad, "Transpose": self._transpose,
            "QuantizeLinear": self._quantise, "DequantizeLinear": self._dequantise,
            "DynamicQuantizeLinear": self._pass,
        }  # fmt: skip

    def read(self) -> List[Step]:
        for value in self.model.graph.input:
            if value.name not in self.graph.stored:
                self._source(value)
        for node in ordered(self.graph):
            flowing = self.walk.known(node.input)
            if flowing and node.op_type not in ASKING:
                self._read(node, flowing[0])
        return self.walk.steps(self.model.graph.output[0].name)

    def _source(self, value: onnx.ValueInfoProto) -> None:
        """The network's input, whose channels are last if there are three of them there."""
        axes = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        last = len(axes) == 4 and axes[3] == 3 and axes[1] != 3
        height, width = (axes[1:3] if last else axes[2:4]) if len(axes) == 4 else (0, 0)
        size = (height or self.side, width or self.side)
        self.walk.source(value.name, "NHWC" if last else "NCHW", size)

    def _read(self, node: onnx.NodeProto, source: str) -> None:
        """One operator. source: the first of its inputs that comes from the network's."""
        target = node.output[0]
        operator = self.operators.get(node.op_type)
        if operator is not None:
            operator(node, source)
        elif node.op_type in ACTIVATIONS:
            self.walk.activated(source, target, ACTIVATIONS[node.op_type])
        elif node.op_type in PASSED:
            if source == node.input[0]:  # a shape that was computed from the input's is no value
                shape = self.constants.of(node, 1) if node.op_type == "Reshape" else None
                self.walk.reshaped(source, target, None if shape is None else shape.values.size)
        else:
            self.walk.noted(source, target, node.op_type.lower())
        for name in node.output[1:]:
            if name and node.op_type == "DynamicQuantizeLinear":
                self.walk.flows.pop(name, None)

    def _pass(self, node: onnx.NodeProto, source: str) -> None:
        self.walk.passed(source, node.output[0])

    # weighted

    def _window(self, node: onnx.NodeProto, kernel: Sequence[int]) -> Window:
        given = attributes(node)
        height, width = given.get("kernel_shape", kernel)[:2]
        strides = given.get("strides", [1, 1])
        dilated = [(size - 1) * by + 1 for size, by in zip((height, width), given.get("dilations", [1, 1]))]
        auto = given.get("auto_pad", b"NOTSET").decode()
        pads = None if auto.startswith("SAME") else (0, 0, 0, 0) if auto == "VALID" else given.get("pads", [0] * 4)
        return Window(
            (dilated[0], dilated[1]),
            (strides[0], strides[1]),
            None if pads is None else (pads[0], pads[1], pads[2], pads[3]),
            auto != "SAME_LOWER",
        )

    def _convolved(self, node: onnx.NodeProto, source: str, weight: Optional[Stored], bias: Optional[Stored]) -> None:
        kernel = [1, 1] if weight is None or weight.values.ndim != 4 else weight.values.shape[2:]
        groups = attributes(node).get("group", 1)
        draft = self.walk.layer(named(node), source, node.output[0], weight, self._window(node, kernel), groups)
        draft.bias = None if bias is None else bias.flat

    def _conv(self, node: onnx.NodeProto, source: str) -> None:
        self._convolved(node, source, self.constants.of(node, 1), self.constants.of(node, 2))
        name = attributes(node).get("activation", b"").decode()
        if name == "Relu":
            self.walk.clipped(node.output[0], node.output[0], 0, None, "relu")
        elif name == "Clip":
            low, high = attributes(node)["activation_params"]
            self.walk.clipped(node.output[0], node.output[0], low, high, "clip")
        elif name:
            self.walk.activated(node.output[0], node.output[0], name.lower())

    def _conv_integer(self, node: onnx.NodeProto, source: str) -> None:
        self._convolved(node, source, self._integers(node), None)

    def _integers(self, node: onnx.NodeProto) -> Optional[Stored]:
        """Weights whose scale is multiplied after the product; their zero point is input 3."""
        stored = self.constants.of(node, 1)
        axis = 0 if node.op_type == "ConvInteger" else 1
        return real(stored, Stored(np.ones(1, np.float32)), self.constants.of(node, 3), axis)

    def _qlinear_conv(self, node: onnx.NodeProto, source: str) -> None:
        weight, scale, zero = (self.constants.of(node, place) for place in (3, 4, 5))
        bias = self._integer_bias(node, 8, scale)
        self._convolved(node, self._levelled(node, source, 1), real(weight, scale, zero), bias)
        self._produced(node, 6)

    def _integer_bias(self, node: onnx.NodeProto, place: int, scale: Optional[Stored]) -> Optional[Stored]:
        """A bias in integers of the data's scale (input 1) times the weights'."""
        bias, data = self.constants.of(node, place), self.constants.of(node, 1)
        if bias is None or data is None or scale is None:
            return None
        return Stored(bias.flat * (data.flat * scale.flat))

    def _gemm(self, node: onnx.NodeProto, source: str) -> None:
        given, weight, bias = attributes(node), self.constants.of(node, 1), self.constants.of(node, 2)
        self._multiplied(node, source, weight, bool(given.get("transB", 0)), bias)
        self._times(node, given.get("alpha", 1.0), given.get("beta", 1.0))

    def _times(self, node: onnx.NodeProto, alpha: float, beta: float) -> None:
        """Factors of a Gemm's product and of its bias."""
        draft = self.walk.drafts[self.walk.flows[node.output[0]].step]
        bias, draft.bias = draft.bias, None
        if alpha != 1 and draft.weight is not None:
            draft.scale(np.full(1, alpha, np.float32))
        draft.bias = None if bias is None else bias * np.float32(beta)

    def _matmul(self, node: onnx.NodeProto, source: str) -> None:
        if len(self.walk.known(node.input[:2])) == 2:
            self.walk.noted(source, node.output[0], node.op_type.lower())
            return
        integers = node.op_type == "MatMulInteger"
        weight = self._integers(node) if integers else self.constants.of(node, 1)
        self._multiplied(node, source, weight, False, None)

    def _qlinear_matmul(self, node: onnx.NodeProto, source: str) -> None:
        weight, scale, zero = (self.constants.of(node, place) for place in (3, 4, 5))
        read = real(weight, scale, zero, 1)
        self._multiplied(node, self._levelled(node, source, 1), read, False, None)
        self._produced(node, 6)

    def _qgemm(self, node: onnx.NodeProto, source: str) -> None:
        weight, scale, zero = (self.constants.of(node, place) for place in (3, 4, 5))
        given = attributes(node)
        turned = bool(given.get("transB", 0))
        bias = self._integer_bias(node, 6, scale)
        read = real(weight, scale, zero, 0 if turned else 1)
        self._multiplied(node, self._levelled(node, source, 1), read, turned, bias)
        self._times(node, given.get("alpha", 1.0), 1.0)
        if len(node.input) > 7 and node.input[7]:
            self._produced(node, 7)

    def _multiplied(
        self, node: onnx.NodeProto, source: str, weight: Optional[Stored], turned: bool, bias: Optional[Stored]
    ) -> None:
        """A product with a matrix. turned: it is stored as (out, in)."""
        if weight is not None and not turned:
            weight = Stored(np.ascontiguousarray(weight.values.T), weight.bits, weight.scale, weight.zero)
        draft = self.walk.product(named(node), source, node.output[0], weight)
        if bias is not None:
            draft.bias = np.broadcast_to(bias.flat, (draft.channels or bias.flat.size,)).astype(np.float32)

    # integers

    def _level(self, node: onnx.NodeProto, place: int) -> Optional[Level]:
        """Scale and zero point at two inputs, None where they are no constants, or differ by channel."""
        scale, zero = self.constants.number(node, place), self.constants.of(node, place + 1)
        if scale is None or (zero is not None and zero.values.size != 1):
            return None
        kind = np.dtype(np.uint8) if zero is None else zero.values.dtype
        return Level(scale, 0 if zero is None else int(zero.flat[0]), str(kind))

    def _levelled(self, node: onnx.NodeProto, source: str, place: int) -> str:
        """The name of `source` as a node reads its integers."""
        level = self._level(node, place)
        if level is None:
            return source
        name = f"{node.output[0]} from {source} at {place}"
        self.walk.dequantised(source, name, level)
        return name

    def _produced(self, node: onnx.NodeProto, place: int) -> None:
        level, target = self._level(node, place), node.output[0]
        if level is not None:
            self.walk.quantised(target, target, level)

    def _quantise(self, node: onnx.NodeProto, source: str) -> None:
        level = self._level(node, 1)
        if level is None:
            self.walk.passed(source, node.output[0])
        else:
            self.walk.quantised(source, node.output[0], level)

    def _dequantise(self, node: onnx.NodeProto, source: str) -> None:
        level = self._level(node, 1)
        if level is None:
            self.walk.passed(source, node.output[0])
        else:
            self.walk.dequantised(source, node.output[0], level)

    # sums and products

    def _sum(self, node: onnx.NodeProto, source: str) -> None:
        """Add, Sub, Sum: of two values a step of its own, with a constant part of the step before."""
        target, flowing = node.output[0], self.walk.known(node.input)
        constants = [stored for name in node.input if (stored := self.constants.get(name)) is not None]
        if len(flowing) > 1:
            if node.op_type == "Sub":
                self.walk.noted(flowing[0], target, "sub")
            else:
                self.walk.summed(named(node), flowing, target)
        elif not constants:
            self.walk.passed(source, target)
        elif node.op_type == "Sub" and source == node.input[1]:
            self.walk.noted(source, target, "subtracted")
        else:
            total = np.asarray(sum(stored.flat for stored in constants))
            self.walk.shifted(source, target, total, node.op_type.lower())

    def _product(self, node: onnx.NodeProto, source: str) -> None:
        target, flowing = node.output[0], self.walk.known(node.input)
        constants = [stored for name in node.input if name not in flowing for stored in self._factors(name)]
        if len(flowing) == 2 and node.op_type == "Mul":
            self.walk.multiplied(flowing, target)
        elif len(flowing) > 1 or (constants and node.op_type == "Div" and source == node.input[1]):
            self.walk.noted(max(flowing, key=lambda name: self.walk.flows[name].step), target, node.op_type.lower())
        elif not constants:
            self.walk.passed(source, target)
        else:
            self.walk.scaled(source, target, constants[0].flat, node.op_type.lower())

    def _factors(self, name: str) -> List[Stored]:
        """The constant in a product, the rest of which is a scale that is found anew for each image."""
        stored, node = self.constants.get(name), self.graph.producers.get(name)
        if stored is not None:
            return [stored]
        inner = node.input if node is not None and node.op_type == "Mul" else ()
        return [found for each in inner if (found := self.constants.get(each)) is not None]

    def _qlinear_sum(self, node: onnx.NodeProto, source: str) -> None:
        """Inputs: a, its scale, its zero, b, its scale, its zero, scale and zero of the answer."""
        pair = [(node.input[place], place + 1) for place in (0, 3)]
        flowing = [self._levelled(node, name, place) for name, place in pair if name in self.walk.flows]
        target = node.output[0]
        if len(flowing) == 2 and node.op_type == "QLinearAdd":
            self.walk.summed(named(node), flowing, target)
        elif len(flowing) == 2:
            self.walk.noted(flowing[0], target, "mul")
        else:
            ((name, place),) = [each for each in pair if each[0] not in self.walk.flows]
            stored = real(self.constants.get(name), self.constants.of(node, place), self.constants.of(node, place + 1))
            self._with_constant(node, flowing[0], stored)
        self._produced(node, 6)

    def _with_constant(self, node: onnx.NodeProto, source: str, stored: Optional[Stored]) -> None:
        """A quantised bias: the step before has been rounded already, but it is its bias all the same."""
        target = node.output[0]
        if stored is None:
            self.walk.passed(source, target)
            return
        draft = self.walk.drafts[self.walk.flows[source].step]
        if draft.kind == "classifier" and not draft.activated and node.op_type == "QLinearAdd":
            draft.produced = None
        how = self.walk.shifted if node.op_type == "QLinearAdd" else self.walk.scaled
        how(source, target, stored.flat)

    def _norm(self, node: onnx.NodeProto, source: str) -> None:
        parts = [self.constants.of(node, place) for place in range(1, 5)]
        epsilon = float(attributes(node).get("epsilon", 1e-5))
        found = [stored.flat for stored in parts if stored is not None]
        if len(found) == 4:
            self.walk.normalised(source, node.output[0], Norm(found[0], found[1], found[2], found[3], epsilon))
        else:
            self.walk.noted(source, node.output[0], "batch_norm")

    # bounds

    def _relu(self, node: onnx.NodeProto, source: str) -> None:
        self.walk.clipped(source, node.output[0], 0, None, "relu")

    def _clip(self, node: onnx.NodeProto, source: str) -> None:
        """Bounds are inputs since opset 11, attributes before."""
        given = attributes(node)
        low, high = (
            float(given[name]) if name in given else self.constants.number(node, place)
            for place, name in ((1, "min"), (2, "max"))
        )
        self.walk.clipped(source, node.output[0], low, high, "clip")

    def _bound(self, node: onnx.NodeProto, source: str) -> None:
        numbers = [stored.flat for name in node.input if (stored := self.constants.get(name)) is not None]
        target, words = node.output[0], node.op_type.lower()
        if len(numbers) != 1 or numbers[0].size != 1:
            self.walk.noted(source, target, words)
            return
        bound = float(numbers[0][0])
        low, high = (bound, None) if node.op_type == "Max" else (None, bound)
        self.walk.clipped(source, target, low, high, words)

    # pooling and layout

    def _mean(self, node: onnx.NodeProto, source: str) -> None:
        given = attributes(node)
        axes = self._axes(node, given) if node.op_type == "ReduceMean" else None
        if axes is not None:
            self.walk.mean_over(named(node), source, node.output[0], axes)
            return
        kernel = given.get("kernel_shape")
        self.walk.averaged(named(node), source, node.output[0], None if kernel is None else (kernel[0], kernel[1]))

    def _axes(self, node: onnx.NodeProto, given: Dict[str, Any]) -> Optional[List[int]]:
        if "axes" in given:
            return list(given["axes"])
        stored = self.constants.of(node, 1)
        return None if stored is None else [int(axis) for axis in stored.values.reshape(-1)]

    def _qlinear_mean(self, node: onnx.NodeProto, source: str) -> None:
        """Inputs: data, its scale, its zero, scale and zero of the answer."""
        kernel = attributes(node).get("kernel_shape")
        read = self._levelled(node, source, 1)
        self.walk.averaged(named(node), read, node.output[0], None if kernel is None else (kernel[0], kernel[1]))
        if attributes(node).get("channels_last", 0):
            self.walk.passed(node.output[0], node.output[0], axes="NHWC")
        self._produced(node, 3)

    def _max_pool(self, node: onnx.NodeProto, source: str) -> None:
        window = None if node.op_type == "GlobalMaxPool" else self._window(node, (1, 1))
        self.walk.largest(named(node), source, node.output[0], window)

    def _pad(self, node: onnx.NodeProto, source: str) -> None:
        given, stored = attributes(node), self.constants.of(node, 1)
        pads = given.get("pads") or given.get("paddings") or (None if stored is None else stored.values.tolist())
        value = given.get("value", self.constants.number(node, 2) or 0)
        axes = self.walk.flows[source].axes
        mode = given.get("mode", b"constant").decode()
        if pads is None or len(pads) != 2 * len(axes) or len(node.input) > 3:
            self.walk.noted(source, node.output[0], "pad")
            return
        ends = {axis: (int(pads[at]), int(pads[at + len(axes)])) for at, axis in enumerate(axes)}
        if mode != "constant" or value != 0 or any(any(ends[axis]) for axis in axes if axis in "NC"):
            self.walk.noted(source, node.output[0], f"pad({mode}, {value:.6g}, {pads})")
            return
        (top, bottom), (left, right) = ends["H"], ends["W"]
        self.walk.padded(source, node.output[0], (top, left, bottom, right))

    def _transpose(self, node: onnx.NodeProto, source: str) -> None:
        rank = len(self.walk.flows[source].axes)
        self.walk.turned(source, node.output[0], attributes(node).get("perm", range(rank)[::-1]))


def attributes(node: onnx.NodeProto) -> Dict[str, Any]:
    """A node's attributes by name."""
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def named(node: onnx.NodeProto) -> str:
    """A node's name, or that of its output where it has none."""
    return node.name or node.output[0]


def ordered(graph: Graph) -> List[onnx.NodeProto]:
    """Nodes so that each comes after those that feed it, which ONNX asks for and not every file does."""
    places = {id(node): place for place, node in enumerate(graph.nodes)}
    opened: Set[int] = set()
    done: Set[int] = set()
    found: List[onnx.NodeProto] = []
    waiting = list(reversed(graph.nodes))
    while waiting:
        node = waiting.pop()
        place = places[id(node)]
        if place in done:
            continue
        producers = (graph.producers.get(name) for name in node.input)
        missing = [each for each in producers if each is not None and places[id(each)] not in done]
        if missing and place not in opened:  # opened twice: a graph that goes in circles
            opened.add(place)
            waiting.extend([node, *missing])
        else:
            done.add(place)
            found.append(node)
    return found
