"""An OpenVINO graph step by step; see common/steps.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import numpy as np
import openvino as ov

from adapters.common.drafts import Stored
from adapters.common.steps import Level, Norm, Step
from adapters.common.walk import Walk, Window
from adapters.openvino.constants import Constants
from adapters.openvino.network import shape

PASSED = ("Convert", "ConvertLike", "Identity", "Reshape", "Squeeze", "Unsqueeze")
# Operators that give numbers about a value, not the value
ASKING = ("ShapeOf",)
ACTIVATIONS = {
    "HSwish": "hard_swish", "HardSigmoid": "hard_sigmoid", "HSigmoid": "hard_sigmoid", "Sigmoid": "sigmoid",
    "Tanh": "tanh", "Elu": "elu", "Selu": "selu", "Gelu": "gelu", "PRelu": "prelu", "Mish": "mish",
    "SoftPlus": "softplus", "Softmax": "softmax", "LogSoftmax": "log_softmax", "Swish": "swish",
}  # fmt: skip


class Found(NamedTuple):
    """The steps of a graph. ports: what gives the output of each; raw: whether it gives integers in floats."""

    steps: List[Step]
    ports: List[Any]
    raw: List[bool]


def found(model: ov.Model, target: Any) -> Found:
    """The steps that lead to an output of a model whose image has a known size."""
    reader = _Reader(model)
    steps = reader.read(target)
    ports = [reader.ports[step.output] for step in steps]
    named = [replace(step, output=_friendly(port)) for step, port in zip(steps, ports)]
    return Found(named, ports, [step.output in reader.raw for step in steps])


class _Reader:
    def __init__(self, model: ov.Model) -> None:
        self.model, self.constants = model, Constants()
        self.ports: Dict[str, Any] = {}
        users: Dict[str, int] = {}
        for node in model.get_ordered_ops():
            for port in node.outputs():
                nodes = {each.get_node().get_name(): each.get_node() for each in port.get_target_inputs()}
                users[_key(port)] = sum(each.get_type_name() not in ASKING for each in nodes.values())
                self.ports[_key(port)] = port
        self.walk = Walk(users)
        self.raw: Dict[str, Level] = {}  # values that are integers in floats, or come from them
        self.zeros: Dict[str, int] = {}  # what has been subtracted from such since
        self.operators: Dict[str, Callable[[Any, str, str], None]] = {
            "Convolution": self._conv, "GroupConvolution": self._conv, "MatMul": self._matmul,
            "BatchNormInference": self._norm,
            "Add": self._sum, "Subtract": self._sum, "Multiply": self._product, "Divide": self._product,
            "Relu": self._relu, "Clamp": self._clamp, "Minimum": self._bound, "Maximum": self._bound,
            "ReduceMean": self._mean, "AvgPool": self._mean, "AdaptiveAvgPool": self._mean,
            "MaxPool": self._max_pool, "ReduceMax": self._max_pool,
            "Pad": self._pad, "Transpose": self._transpose, "FakeQuantize": self._quantise,
        }  # fmt: skip

    def read(self, target: Any) -> List[Step]:
        for node in self.model.get_ordered_ops():
            kind = node.get_type_name()
            if kind == "Parameter":
                self._source(node)
            flowing = self.walk.known([_key(port) for port in node.input_values()])
            if flowing and node.get_output_size() and kind not in ASKING:
                self._read(node, kind, flowing[0])
        return self.walk.steps(_key(target.get_node().input_value(0)))

    def _source(self, node: Any) -> None:
        """The network's input, whose channels are last if there are three of them there."""
        axes = shape(node.output(0))
        last = len(axes) == 4 and axes[3] == 3 and axes[1] != 3
        size = (axes[1:3] if last else axes[2:4]) if len(axes) == 4 else (-1, -1)
        known = (size[0], size[1]) if min(size) > 0 else None
        self.walk.source(_key(node.output(0)), "NHWC" if last else "NCHW", known)

    def _read(self, node: Any, kind: str, source: str) -> None:
        """One operator. source: the first of its inputs that comes from the network's."""
        target = _key(node.output(0))
        if kind in self.operators:
            self.operators[kind](node, source, target)
        elif kind in ACTIVATIONS:
            self.walk.activated(source, target, ACTIVATIONS[kind])
        elif kind in PASSED:
            if source == _key(node.input_value(0)):  # a shape that was computed from the input's is no value
                rank = node.get_output_partial_shape(0).rank
                self.walk.reshaped(source, target, None if rank.is_dynamic else rank.get_length())
                self._as_raw(source, target)
        elif kind != "Result":
            self.walk.noted(source, target, kind.lower())

    # weighted

    def _window(self, node: Any, kernel: Any) -> Window:
        given = node.get_attributes()
        dilated = [(size - 1) * by + 1 for size, by in zip(kernel, given.get("dilations", [1, 1]))]
        (top, left), (bottom, right) = given["pads_begin"], given["pads_end"]
        strides = given["strides"]
        return Window((dilated[0], dilated[1]), (strides[0], strides[1]), (top, left, bottom, right))

    def _conv(self, node: Any, source: str, target: str) -> None:
        weight = self.constants.get(node.input_value(1))
        groups = 1
        stored = shape(node.input_value(1))
        if node.get_type_name() == "GroupConvolution":
            groups = stored[0]
            if weight is not None:  # (groups, out / groups, in / groups, height, width)
                weight = replace(weight, values=weight.values.reshape(-1, *weight.values.shape[2:]))
        window = self._window(node, stored[-2:])
        self.walk.layer(node.get_friendly_name(), source, target, weight, window, groups)

    def _matmul(self, node: Any, source: str, target: str) -> None:
        weight = self.constants.get(node.input_value(1))
        if weight is not None and not node.get_attributes()["transpose_b"]:
            weight = replace(weight, values=np.ascontiguousarray(weight.values.T))
        self.walk.product(node.get_friendly_name(), source, target, weight)

    def _norm(self, node: Any, source: str, target: str) -> None:
        parts = [stored.flat for stored in self.constants.of(node)]
        if len(parts) != 4:
            self.walk.noted(source, target, "batch_norm")
            return
        gamma, beta, mean, variance = parts
        epsilon = float(node.get_attributes()["epsilon"])
        self.walk.normalised(source, target, Norm(gamma, beta, mean, variance, epsilon))

    # sums and products

    def _sum(self, node: Any, source: str, target: str) -> None:
        kind, constants = node.get_type_name(), self.constants.of(node)
        flowing = self.walk.known([_key(port) for port in node.input_values()])
        if len(flowing) > 1 and kind == "Add":
            self.walk.summed(node.get_friendly_name(), flowing, target)
        elif len(flowing) > 1 or not constants or (kind == "Subtract" and source != _key(node.input_value(0))):
            self.walk.noted(flowing[0], target, kind.lower())
        elif source in self.raw and constants[0].values.size == 1:
            sign = 1 if kind == "Subtract" else -1
            self.zeros[target] = self.zeros.get(source, 0) + sign * int(np.rint(constants[0].flat[0]))
            self.walk.passed(source, target)
            self.raw[target] = self.raw[source]
        else:
            self.walk.shifted(source, target, constants[0].flat, "sub" if kind == "Subtract" else "add")

    def _product(self, node: Any, source: str, target: str) -> None:
        kind, constants = node.get_type_name(), self.constants.of(node)
        flowing = self.walk.known([_key(port) for port in node.input_values()])
        if len(flowing) == 2 and kind == "Multiply":
            self.walk.multiplied(flowing, target)
        elif len(flowing) > 1 or not constants or (kind == "Divide" and source != _key(node.input_value(0))):
            self.walk.noted(max(flowing, key=lambda name: self.walk.flows[name].step), target, kind.lower())
        elif source in self.raw and constants[0].values.size == 1 and kind == "Multiply":
            level = Level(float(constants[0].flat[0]), self.zeros.get(source, 0), self.raw[source].dtype)
            self.walk.dequantised(source, target, level)
        else:
            self.walk.scaled(source, target, constants[0].flat, "div" if kind == "Divide" else "mul")

    def _as_raw(self, source: str, target: str) -> None:
        if source in self.raw:
            self.raw[target] = self.raw[source]
            self.zeros[target] = self.zeros.get(source, 0)

    def _quantise(self, node: Any, source: str, target: str) -> None:
        """Rounded to the levels of a range, as real numbers or as the integers themselves."""
        levels = self.constants.range_of(node)
        level = None if levels is None else levels.level
        if levels is None or level is None:
            self.walk.passed(source, target)
            return
        self.walk.quantised(source, target, level, levels.raw)
        if levels.raw:
            self.raw[target] = level

    # bounds

    def _relu(self, node: Any, source: str, target: str) -> None:
        self.walk.clipped(source, target, 0, None, "relu")

    def _clamp(self, node: Any, source: str, target: str) -> None:
        given = node.get_attributes()
        self.walk.clipped(source, target, float(given["min"]), float(given["max"]), "clip")

    def _bound(self, node: Any, source: str, target: str) -> None:
        constants, kind = self.constants.of(node), node.get_type_name()
        if len(constants) != 1 or constants[0].values.size != 1:
            self.walk.noted(source, target, kind.lower())
            return
        bound = float(constants[0].flat[0])
        low, high = (bound, None) if kind == "Maximum" else (None, bound)
        self.walk.clipped(source, target, low, high, kind.lower())

    # pooling and layout

    def _mean(self, node: Any, source: str, target: str) -> None:
        kind, name = node.get_type_name(), node.get_friendly_name()
        stored = self.constants.get(node.input_value(1)) if kind == "ReduceMean" else None
        if stored is not None:
            self.walk.mean_over(name, source, target, [int(at) for at in stored.values.reshape(-1)])
            return
        kernel = node.get_attributes().get("kernel") if kind == "AvgPool" else None
        self.walk.averaged(name, source, target, None if kernel is None else (kernel[0], kernel[1]))

    def _max_pool(self, node: Any, source: str, target: str) -> None:
        pools = node.get_type_name() == "MaxPool"
        window = self._window(node, node.get_attributes()["kernel"]) if pools else None
        self.walk.largest(node.get_friendly_name(), source, target, window)
        self._as_raw(source, target)

    def _pad(self, node: Any, source: str, target: str) -> None:
        ends = [self.constants.get(port) for port in node.input_values()[1:3]]
        value = self.constants.get(node.input_value(3)) if node.get_input_size() > 3 else None
        axes, mode = self.walk.flows[source].axes, str(node.get_attributes()["pad_mode"])
        if ends[0] is None or ends[1] is None:
            self.walk.noted(source, target, "pad")
            return
        pairs = {axis: (int(ends[0].flat[at]), int(ends[1].flat[at])) for at, axis in enumerate(axes)}
        filled = 0.0 if value is None else float(value.flat[0])
        if "constant" not in mode.lower() or filled or any(any(pairs.get(axis, ())) for axis in "NC"):
            self.walk.noted(source, target, f"pad({mode}, {filled:.6g}, {list(pairs.values())})")
            return
        (top, bottom), (left, right) = pairs["H"], pairs["W"]
        self.walk.padded(source, target, (top, left, bottom, right))

    def _transpose(self, node: Any, source: str, target: str) -> None:
        order: Optional[Stored] = self.constants.get(node.input_value(1))
        rank = len(self.walk.flows[source].axes)
        places = range(rank)[::-1] if order is None else [int(at) for at in order.values.reshape(-1)]
        self.walk.turned(source, target, places)
        self._as_raw(source, target)


def _key(port: Any) -> str:
    """A port's name, which no other one of this graph has; another copy of the graph has others."""
    return f"{port.get_node().get_name()}:{port.get_index()}"


def _friendly(port: Any) -> str:
    """A port's name as the file has it."""
    return str(min(port.get_names(), default=port.get_node().get_friendly_name()))
