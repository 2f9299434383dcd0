"""Which layers an ONNX graph holds, and at how many positions each is computed."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from adapters.common import layers, saturation

# Operator -> places of its stored weights and of its stored bias among the inputs
WEIGHTED: Dict[str, Tuple[int, Optional[int]]] = {
    "Conv": (1, 2), "QLinearConv": (3, 8), "ConvInteger": (1, None),
    "Gemm": (1, 2), "QGemm": (3, 6), "MatMul": (1, None), "QLinearMatMul": (3, None), "MatMulInteger": (1, None),
}  # fmt: skip
FLOAT_OPS = ("Conv", "MatMul", "Gemm")  # computed in integers where data and weights are dequantised before them
# What may stand between a stored tensor and its use, or between a product and its bias
PASSING = ("QuantizeLinear", "DequantizeLinear", "Identity", "Cast", "Reshape", "Transpose")
ADDING = ("Add", "QLinearAdd")


class Graph:
    """A graph with its stored tensors by name."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes = list(graph.node)
        self.stored: Dict[str, np.ndarray] = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        for node in self.nodes:
            if node.op_type == "Constant" and node.attribute[0].HasField("t"):
                self.stored[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        self.producers = {name: node for node in self.nodes for name in node.output}
        self.users: Dict[str, List[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in node.input:
                self.users.setdefault(name, []).append(node)

    def tensor(self, node: onnx.NodeProto, place: Optional[int]) -> Optional[np.ndarray]:
        """What is stored for an input of a node; None where it is absent or computed."""
        name = node.input[place] if place is not None and place < len(node.input) else ""
        while name and name not in self.stored and name in self.producers:
            producer = self.producers[name]
            name = producer.input[0] if producer.op_type in PASSING else ""
        return self.stored.get(name)

    def size(self, node: onnx.NodeProto, place: Optional[int]) -> int:
        """Values stored for an input of a node; 0 where it is absent or computed."""
        tensor = self.tensor(node, place)
        return 0 if tensor is None else int(tensor.size)

    def dtype(self, node: onnx.NodeProto, place: int) -> Optional[np.dtype]:
        """Type of an input of a node, or of its zero point; None where that cannot be told."""
        tensor = self.tensor(node, place)
        if tensor is not None:
            return tensor.dtype
        producer = self.producers.get(node.input[place]) if place < len(node.input) else None
        dynamic = producer is not None and producer.op_type == "DynamicQuantizeLinear"
        return np.dtype(np.uint8) if dynamic else None

    def dequantised(self, node: onnx.NodeProto, place: int) -> Optional[np.dtype]:
        """Type of the integers that a DequantizeLinear makes an input of a node from; None where there is none."""
        producer = self.producers.get(node.input[place]) if place < len(node.input) else None
        while producer is not None and producer.op_type in ("Transpose", "Reshape", "Identity"):
            producer = self.producers.get(producer.input[0])
        if producer is None or producer.op_type != "DequantizeLinear":
            return None
        return self.dtype(producer, 2 if len(producer.input) > 2 else 0)

    def weighted(self) -> Iterator[onnx.NodeProto]:
        """Convolutions and products with stored weights, in network order."""
        for node in self.nodes:
            if node.op_type in WEIGHTED and self.size(node, WEIGHTED[node.op_type][0]):
                yield node

    def added(self, node: onnx.NodeProto, channels: int) -> int:
        """Values of a bias that an operator of its own adds to the output of `node`."""
        users = self.users.get(node.output[0], [])
        while len(users) == 1 and users[0].op_type in PASSING:
            users = self.users.get(users[0].output[0], [])
        if len(users) != 1 or users[0].op_type not in ADDING:
            return 0
        sizes = (self.size(users[0], place) for place in range(len(users[0].input)))
        return channels if channels in sizes else 0

    def number(self, node: onnx.NodeProto, place: int, name: str) -> Optional[float]:
        """A bound of a Clip: an input since opset 11, an attribute before; None where there is none."""
        given = {attribute.name: attribute.f for attribute in node.attribute}
        if name in given:
            return float(given[name])
        source = node.input[place] if place < len(node.input) else ""
        return float(self.stored[source].reshape(-1)[0]) if source in self.stored else None

    def minimum(self, node: onnx.NodeProto) -> Optional[float]:
        """The stored number that the only user of a node's output limits it to; None where there is none."""
        users = self.users.get(node.output[0], [])
        if len(users) != 1 or users[0].op_type != "Min":
            return None
        limits = [self.stored[name] for name in users[0].input if name in self.stored]
        return float(limits[0].reshape(-1)[0]) if len(limits) == 1 and limits[0].size == 1 else None


def measured(model: onnx.ModelProto, side: int) -> Dict[str, Any]:
    """Layers, inputs and outputs of a file. side: pixels, where the file leaves the size of its input open."""
    graph = Graph(model.graph)
    inputs = [value for value in model.graph.input if value.name not in graph.stored]
    weighted = list(graph.weighted())
    shapes = _shapes(model, inputs, [node.output[0] for node in weighted], side)
    found = []
    for node in weighted:
        weights, bias = WEIGHTED[node.op_type]
        channels, positions = layers.shape_of_one(shapes[node.output[0]], 1)
        biases = graph.size(node, bias) or graph.added(node, channels)
        found.append(layers.Layer(graph.size(node, weights), biases, channels, positions))
    norms = [
        layers.Norm(*(sum(graph.size(node, place) for place in pair) for pair in ((1, 2), (3, 4))))
        for node in graph.nodes
        if node.op_type == "BatchNormalization"
    ]
    return {
        **layers.facts(found, norms),
        "graph": True,
        "tensors": len(graph.stored),
        "activations": dict(Counter(_activations(graph))),
        "byte_pairs": [pairs for node in weighted for pairs in _byte_pairs(graph, node)],
        "inputs": [_spec(value) for value in inputs],
        "outputs": [_spec(value) for value in model.graph.output],
    }


def _byte_pairs(graph: Graph, node: onnx.NodeProto) -> List[Dict[str, Any]]:
    """The pairs of neighbouring weights of a layer (see saturation.py); none where its weights are no signed bytes."""
    weights = graph.tensor(node, WEIGHTED[node.op_type][0])
    if weights is None or weights.ndim not in (2, 4):
        return []
    if node.op_type not in FLOAT_OPS and graph.dtype(node, 2) == np.int8:
        return []  # integer operators on signed data have kernels that add in 32 bits
    if weights.ndim == 4:  # channels, input channels, height, width
        weights = weights.transpose(0, 2, 3, 1).reshape(len(weights), -1)
    elif not any(each.name == "transB" and each.i for each in node.attribute):
        weights = weights.T
    return saturation.of_layer(node.name or node.output[0], weights)


def _activations(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        if node.op_type == "Relu":
            yield layers.clipped(0, graph.minimum(node))
        elif node.op_type == "Clip":
            yield layers.clipped(graph.number(node, 1, "min"), graph.number(node, 2, "max"))


def exposed(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """A copy that also gives named values."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {value.name for value in copy.graph.output}
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    return copy


def _shapes(
    model: onnx.ModelProto, inputs: List[onnx.ValueInfoProto], names: List[str], side: int
) -> Dict[str, Tuple[int, ...]]:
    """Shapes of named values for one blank image, as the runtime makes them.

    Not onnx's own inference of shapes: it knows none of the operators that only ONNX Runtime has, which quantised
    files are full of, and stops at the first.
    """
    copy = exposed(model, names)
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = 1
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.log_severity_level = 3
    session = ort.InferenceSession(copy.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    blank = {value.name: _blank(value, side) for value in inputs}
    return {name: array.shape for name, array in zip(names, session.run(names, blank))}


def _blank(value: onnx.ValueInfoProto, side: int) -> np.ndarray:
    """Zeros for one image."""
    tensor = value.type.tensor_type
    axes = [axis.dim_value for axis in tensor.shape.dim]
    shape = [size or (1 if place == 0 else 3 if place == 1 else side) for place, size in enumerate(axes)]
    return np.zeros(shape, helper.tensor_dtype_to_np_dtype(tensor.elem_type))


def _spec(value: onnx.ValueInfoProto) -> Dict[str, Any]:
    tensor = value.type.tensor_type
    shape = [axis.dim_value for axis in tensor.shape.dim] if tensor.HasField("shape") else None
    return layers.spec(value.name, shape, TensorProto.DataType.Name(tensor.elem_type))
