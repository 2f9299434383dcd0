"""The steps of an MXNet symbol, and the values behind them."""

from __future__ import annotations

import ast
import json
import os
from collections import Counter
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np

from adapters.common.canonical import as_value
from adapters.common.drafts import Pads, Stored
from adapters.common.steps import Norm, Step
from adapters.common.walk import Walk, Window

Node = Dict[str, Any]
Arrays = Mapping[str, Any]  # name -> mx.nd.NDArray
# What changes no value, or only where it stands
PASSED = (
    "Dropout", "Flatten", "flatten", "Reshape", "reshape", "squeeze", "expand_dims", "_copy", "identity", "BlockGrad",
    "Cast", "cast", "amp_cast", "_np_copy", "_npx_reshape",
)  # fmt: skip
ASKING = ("shape_array", "size_array")  # they give numbers about a value, not the value
SUMS = ("elemwise_add", "broadcast_add", "_npi_add", "add_n", "_grad_add")


def read(symbol: Any, parameters: Arrays, source: str, side: int) -> List[Step]:
    """Steps of a symbol. source: its input, NCHW; side: of the input in pixels."""
    return _Reader(symbol, parameters, source, side).steps()


def values(
    symbol: Any, parameters: Arrays, source: str, steps: Sequence[Step], batch: np.ndarray
) -> Iterator[Tuple[int, np.ndarray]]:
    """What stands behind the steps, from one run of a symbol that answers with all of them. See canonical.as_value.

    One operator after another, without the primitives into which `predict` fuses a convolution with what follows it:
    MXNet fails where it would fuse an addition and is asked for the values around it.
    """
    os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"  # or `bind` fuses too
    internals = symbol.get_internals()
    told = {number: step for number, step in enumerate(steps) if step.output}
    group = mx.sym.Group([internals[step.output] for step in told.values()])
    arguments = {name: parameters[name] for name in group.list_arguments() if name != source}
    auxiliary = {name: parameters[name] for name in group.list_auxiliary_states()}
    arguments[source] = mx.nd.array(batch)
    executor = group.bind(mx.cpu(), arguments, aux_states=auxiliary, grad_req="null")
    for (number, step), value in zip(told.items(), executor.forward(is_train=False)):
        yield number, as_value(step, value.asnumpy())


class _Reader:
    """Reads a symbol's nodes; values go by the names that MXNet gives them: "<node>_output", a variable's own."""

    def __init__(self, symbol: Any, parameters: Arrays, source: str, side: int) -> None:
        self.parameters = parameters
        graph = json.loads(symbol.tojson())
        self.nodes: List[Node] = graph["nodes"]
        self.target = self._value(graph["heads"][0])
        used = (set(self._inputs(node)) for node in self.nodes if node["op"] not in ASKING)
        self.walk = Walk(Counter(name for names in used for name in names))
        self.walk.source(source, "NCHW", (side, side))

    def steps(self) -> List[Step]:
        """Steps that lead to the first output."""
        for node in self.nodes:
            flowing = self.walk.known(self._inputs(node))
            if flowing and node["op"] not in ASKING:
                self._read(node, flowing)
        return self.walk.steps(self.target)

    def _value(self, entry: Sequence[int]) -> str:
        """The name of an output of a node; the first is the one that networks use."""
        node = self.nodes[entry[0]]
        if node["op"] == "null":
            return str(node["name"])
        return f"{node['name']}_output" if entry[1] == 0 else f"{node['name']}_output{entry[1]}"

    def _inputs(self, node: Node) -> List[str]:
        return [self._value(entry) for entry in node["inputs"]]

    def _read(self, node: Node, flowing: List[str]) -> None:
        kind, target = node["op"], f"{node['name']}_output"
        if kind in OPERATORS:
            OPERATORS[kind](self, node, flowing, target)
        elif kind in PASSED:
            self.walk.passed(flowing[0], target)
        else:
            self.walk.noted(flowing[0], target, kind.lower())

    def stored(self, node: Node, place: int) -> Optional[Stored]:
        """A stored tensor among a node's inputs; None of a computed one."""
        names = self._inputs(node)
        array = self.parameters.get(names[place]) if place < len(names) else None
        return None if array is None else Stored.of(array.asnumpy())

    def only_constant(self, node: Node) -> Optional[np.ndarray]:
        """The number that a node has as an attribute, or the one input that is stored."""
        given = _given(node)
        if "scalar" in given:
            return np.array([given["scalar"]], np.float32)
        found = (self.stored(node, place) for place in range(len(node["inputs"])))
        return next((stored.flat for stored in found if stored is not None), None)

    # weighted

    def conv(self, node: Node, flowing: List[str], target: str) -> None:
        """Convolution of OIHW."""
        given = _given(node)
        weight = self.stored(node, 1)
        window = _window(given)
        draft = self.walk.layer(node["name"], flowing[0], target, weight, window, int(given.get("num_group", 1)))
        bias = self.stored(node, 2)
        draft.bias = None if bias is None else bias.flat

    def matrix(self, node: Node, flowing: List[str], target: str) -> None:
        """FullyConnected by (classes, in)."""
        draft = self.walk.product(node["name"], flowing[0], target, self.stored(node, 1))
        bias = self.stored(node, 2)
        draft.bias = None if bias is None else bias.flat

    def norm(self, node: Node, flowing: List[str], target: str) -> None:
        """BatchNorm; unless it says otherwise, every gamma is taken as 1, and epsilon is 0.001."""
        given = _given(node)
        parts = [self.stored(node, place) for place in range(1, 5)]
        found = [stored.flat for stored in parts if stored is not None]
        if len(found) < 4:
            self.walk.noted(flowing[0], target, "batch_norm")
            return
        gamma = np.ones_like(found[0]) if given.get("fix_gamma", True) else found[0]
        self.walk.normalised(
            flowing[0], target, Norm(gamma, found[1], found[2], found[3], float(given.get("eps", 1e-3)))
        )

    # sums and products

    def total(self, node: Node, flowing: List[str], target: str) -> None:
        """An addition of several values, or of a constant."""
        if len(flowing) > 1:
            self.walk.summed(node["name"], flowing, target)
            return
        constant = self.only_constant(node)
        self.walk.shifted(flowing[0], target, np.zeros(1) if constant is None else constant)

    def arithmetic(self, node: Node, flowing: List[str], target: str) -> None:
        """A constant taken away, multiplied or divided by."""
        kind = ARITHMETIC[node["op"]]
        constant = self.only_constant(node)
        turned = kind != "mul" and flowing[0] != self._inputs(node)[0]
        if kind == "mul" and len(flowing) > 1:
            self.walk.multiplied(flowing, target)
        elif len(flowing) > 1 or constant is None or turned:
            self.walk.noted(flowing[0], target, kind)
        elif kind == "sub":
            self.walk.shifted(flowing[0], target, constant, "sub")
        else:
            self.walk.scaled(flowing[0], target, constant, kind)

    # activations

    def clip(self, node: Node, flowing: List[str], target: str) -> None:
        """Between two bounds."""
        given = _given(node)
        self.walk.clipped(flowing[0], target, _bound(given.get("a_min")), _bound(given.get("a_max")), "clip")

    def bound(self, node: Node, flowing: List[str], target: str) -> None:
        """Minimum and maximum with a number."""
        constant, kind = self.only_constant(node), node["op"].strip("_").split("_")[0]
        if len(flowing) > 1 or constant is None or constant.size != 1:
            self.walk.noted(flowing[0], target, kind)
            return
        limit = _bound(float(constant[0]))
        low, high = (None, limit) if kind == "minimum" else (limit, None)
        self.walk.clipped(flowing[0], target, low, high, kind)

    def activation(self, node: Node, flowing: List[str], target: str) -> None:
        """Activation and LeakyReLU of some type, or an operator of its own name."""
        name = str(_given(node).get("act_type", "leaky" if node["op"] == "LeakyReLU" else node["op"]))
        if name == "relu":
            self.walk.clipped(flowing[0], target, 0, None, "relu")
        else:
            self.walk.activated(flowing[0], target, "leaky_relu" if name == "leaky" else name)

    # pooling and layout

    def pool(self, node: Node, flowing: List[str], target: str) -> None:
        """Pooling: the largest values, or a mean of all."""
        given, source = _given(node), flowing[0]
        everywhere = bool(given.get("global_pool", False))
        if given.get("pool_type", "max") == "max":
            self.walk.largest(node["name"], source, target, None if everywhere else _window(given))
        elif given["pool_type"] == "avg":
            self.walk.averaged(node["name"], source, target, None if everywhere else _window(given).kernel)
        else:
            self.walk.noted(source, target, f"pooling({given['pool_type']})")

    def mean(self, node: Node, flowing: List[str], target: str) -> None:
        """Over both axes of the image."""
        axes, chosen = self.walk.flows[flowing[0]].axes, np.ravel(_given(node).get("axis", ()))
        over = {axes[int(at)] for at in chosen} if len(axes) == 4 else set()
        if over != {"H", "W"}:
            self.walk.noted(flowing[0], target, f"mean over {''.join(sorted(over))}")
        else:
            self.walk.averaged(node["name"], flowing[0], target)

    def padding(self, node: Node, flowing: List[str], target: str) -> None:
        """Pad with zeros, or with the lowest value before a max pooling."""
        given = _given(node)
        around, value = given["pad_width"], float(given.get("constant_value", 0))
        filled = given["mode"] == "constant" and (value == 0 or value < -1e38)
        if not filled or any(around[:4]) or len(around) != 8:
            self.walk.noted(flowing[0], target, f"pad({given['mode']}, {value:.6g}, {around})")
            return
        top, bottom, left, right = around[4:]
        self.walk.padded(flowing[0], target, (top, left, bottom, right))

    def turned(self, node: Node, flowing: List[str], target: str) -> None:
        """transpose."""
        self.walk.turned(flowing[0], target, _given(node).get("axes", ()))


ARITHMETIC = {
    "_minus_scalar": "sub", "broadcast_sub": "sub", "elemwise_sub": "sub",
    "_mul_scalar": "mul", "broadcast_mul": "mul", "elemwise_mul": "mul",
    "_div_scalar": "div", "broadcast_div": "div", "elemwise_div": "div",
}  # fmt: skip
OPERATORS = {
    "Convolution": _Reader.conv,
    "FullyConnected": _Reader.matrix,
    "BatchNorm": _Reader.norm,
    **dict.fromkeys((*SUMS, "_plus_scalar"), _Reader.total),
    **dict.fromkeys(ARITHMETIC, _Reader.arithmetic),
    "clip": _Reader.clip,
    **dict.fromkeys(
        ("_minimum_scalar", "_maximum_scalar", "broadcast_minimum", "broadcast_maximum", "_minimum", "_maximum"),
        _Reader.bound,
    ),
    **dict.fromkeys(("Activation", "LeakyReLU", "relu", "sigmoid", "tanh", "hard_sigmoid"), _Reader.activation),
    "Pooling": _Reader.pool,
    "mean": _Reader.mean,
    "Pad": _Reader.padding,
    "pad": _Reader.padding,
    "transpose": _Reader.turned,
}


def _given(node: Node) -> Dict[str, Any]:
    """A node's attributes as Python values; MXNet keeps them as text."""
    return {name: _parsed(text) for name, text in node.get("attrs", {}).items()}


def _parsed(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _window(given: Mapping[str, Any]) -> Window:
    """kernel, stride, pad and dilate of a node; pad is the same on both sides."""
    (height, width), (down, across), (above, beside), (tall, wide) = (
        given.get(name) or (other, other) for name, other in (("kernel", 1), ("stride", 1), ("pad", 0), ("dilate", 1))
    )
    pads: Pads = (above, beside, above, beside)
    return Window(((height - 1) * tall + 1, (width - 1) * wide + 1), (down, across), pads)


def _bound(value: Optional[float]) -> Optional[float]:
    """A bound as a whole number where it is one; None where there is none."""
    if value is None or abs(value) > 1e38:
        return None
    return int(value) if value == int(value) else float(value)
