"""How ONNX Runtime adds integer products on this processor, found by small networks whose answers are known.

Its fastest kernels for products of unsigned and signed bytes cut sums off at 16 bits on x86 processors without VNNI.
The session entry `session.x64quantprecision` replaces them by exact ones. It does not fit every kind of network, and
not every processor needs it, so each setting is tested on every kind of product in the graph.
Source: onnxruntime_session_options_config_keys.h; microsoft/onnxruntime pull request 12088.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, NamedTuple, Set, Tuple

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from adapters.onnxruntime.facts import FLOAT_OPS, Graph

PRECISE = {"session.x64quantprecision": "1"}
AS_SHIPPED: Dict[str, str] = {}

# Operator -> places of its data's zero point and of its weights among the inputs
INTEGER_OPS = {
    "QLinearConv": (2, 3), "QLinearMatMul": (2, 3), "QGemm": (2, 3), "ConvInteger": (2, 1), "MatMulInteger": (2, 1),
}  # fmt: skip
BYTES = {np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int8): TensorProto.INT8}
DEPTH, CHANNELS, SIDE, ROWS = 32, 32, 5, 16  # of the small networks: as wide as the kernels' widest step
TOLERANCE = 0.02  # of a sum, in a network that rounds to its hundredth part; a sum that was cut off is half as large


class Chosen(NamedTuple):
    """entries: of the session's configuration; sums, shipped_sums: "none", "exact", "saturating" or "unknown"."""

    entries: Dict[str, str]
    sums: str
    shipped_sums: str


@dataclass(frozen=True)
class Product:
    """A kind of product of bytes.

    op: of INTEGER_OPS or FLOAT_OPS; data, weights: dtypes; grouped: whether channels are convolved by groups.
    """

    op: str
    data: np.dtype
    weights: np.dtype
    grouped: bool = False


def chosen(model: onnx.ModelProto, arithmetic: str) -> Chosen:
    """The session entries for `arithmetic`, and how integer products are added with them and as the runtime comes."""
    found = products(model.graph)
    if not found:
        known = any("Quant" in node.op_type or "Integer" in node.op_type for node in model.graph.node)
        return Chosen(AS_SHIPPED, "unknown", "unknown") if known else Chosen(AS_SHIPPED, "none", "none")
    shipped = "exact" if all(is_exact(each, AS_SHIPPED) for each in found) else "saturating"
    if arithmetic == "exact" and shipped != "exact" and all(is_exact(each, PRECISE) for each in found):
        return Chosen(PRECISE, "exact", shipped)
    return Chosen(AS_SHIPPED, shipped, shipped)


def products(graph: onnx.GraphProto) -> Set[Product]:
    """The kinds of product of bytes that a graph holds."""
    return set(_products(Graph(graph)))


def _products(graph: Graph) -> Iterator[Product]:
    for node in graph.nodes:
        if node.op_type in INTEGER_OPS:
            zero, weights = INTEGER_OPS[node.op_type]
            dtypes = graph.dtype(node, zero), graph.dtype(node, weights)
        elif node.op_type in FLOAT_OPS:
            dtypes = graph.dequantised(node, 0), graph.dequantised(node, 1)
        else:
            continue
        data, weight = dtypes
        if data in BYTES and weight in BYTES:
            groups = next((each.i for each in node.attribute if each.name == "group"), 1)
            yield Product(node.op_type, data, weight, grouped=groups > 1)


def is_exact(product: Product, entries: Dict[str, str]) -> bool:
    """Whether a product of this kind gives the true sums; False also where no kernel for it can be had."""
    return all(_gives(product, entries, data, weight) for data, weight in _extremes(product))


def _extremes(product: Product) -> List[Tuple[int, int]]:
    """Values of all data and of all weights whose sums are largest."""
    ends = {np.dtype(np.uint8): (255,), np.dtype(np.int8): (-128, 127)}
    return [(data, weight) for data in ends[product.data] for weight in ends[product.weights]]


def _gives(product: Product, entries: Dict[str, str], data: int, weight: int) -> bool:
    convolved = "Conv" in product.op
    terms = 9 if product.grouped else DEPTH
    true = float(data * weight * terms)
    settings = ort.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = 1
    for name, value in entries.items():
        settings.add_session_config_entry(name, value)
    network = _network(product, weight, abs(true) / 100)
    shape = (1, DEPTH, SIDE, SIDE) if convolved else (ROWS, DEPTH)
    try:
        session = ort.InferenceSession(network.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    except Exception:  # what the binding raises has no common name; the runtime has no such kernel
        return False
    (answers,) = session.run(None, {"data": np.full(shape, data, np.float32)})
    return bool(np.abs(answers / true - 1).max() <= TOLERANCE)


def _network(product: Product, weight: int, step: float) -> onnx.ModelProto:
    """`data` float32, quantised with scale 1, times weights that are all `weight`, to `answers` float32 in `step`s."""
    shape = _weight_shape(product)
    stored = {
        "one": np.float32(1), "step": np.float32(step),
        "data_zero": product.data.type(0), "weight_zero": product.weights.type(0),
        "zero": product.data.type(128 if product.data == np.uint8 else 0),
        "weights": np.full(shape, weight, product.weights),
    }  # fmt: skip
    nodes = [helper.make_node("QuantizeLinear", ["data", "one", "data_zero"], ["bytes"]), *_middle(product)]
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("answers", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _weight_shape(product: Product) -> Tuple[int, ...]:
    if "Conv" not in product.op:
        return (DEPTH, CHANNELS)
    return (CHANNELS, 1, 3, 3) if product.grouped else (CHANNELS, DEPTH, 1, 1)


def _middle(product: Product) -> List[onnx.NodeProto]:
    """From `bytes` to `answers`."""
    attributes: Dict[str, Any] = {"group": DEPTH} if product.grouped else {}
    last = helper.make_node("DequantizeLinear", ["sums", "step", "zero"], ["answers"])
    if product.op.endswith("Integer"):
        inputs = ["bytes", "weights", "data_zero", "weight_zero"]
        return [
            helper.make_node(product.op, inputs, ["sums"], **attributes),
            helper.make_node("Cast", ["sums"], ["answers"], to=TensorProto.FLOAT),
        ]
    if product.op in INTEGER_OPS:
        inputs = ["bytes", "one", "data_zero", "weights", "one", "weight_zero"]
        if product.op == "QGemm":
            inputs = [*inputs, "", "step", "zero"]
            return [helper.make_node("QGemm", inputs, ["sums"], domain="com.microsoft"), last]
        return [helper.make_node(product.op, [*inputs, "step", "zero"], ["sums"], **attributes), last]
    return [
        helper.make_node("DequantizeLinear", ["bytes", "one", "data_zero"], ["data_again"]),
        helper.make_node("DequantizeLinear", ["weights", "one", "weight_zero"], ["weights_again"]),
        helper.make_node(product.op, ["data_again", "weights_again"], ["float_sums"], **attributes),
        helper.make_node("QuantizeLinear", ["float_sums", "step", "zero"], ["sums"]),
        last,
    ]
