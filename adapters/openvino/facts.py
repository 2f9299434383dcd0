"""Which layers an OpenVINO graph holds, and at how many positions each is computed."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Iterator, List, Optional

import numpy as np
import openvino as ov

from adapters.common import layers, saturation
from adapters.openvino.network import shape, single_input, spec

WEIGHTED = ("Convolution", "GroupConvolution", "MatMul")
# What stands between a stored tensor and its use: other types, ranges of quantisation, other axes
PASSING = (
    "Convert", "FakeQuantize", "Reshape", "Transpose", "Unsqueeze", "Squeeze", "Broadcast",
)  # fmt: skip
SCALING = ("Multiply", "Subtract")
INTEGERS = ("i8", "u8", "i4", "u4")


def measured(model: ov.Model, side: int) -> Dict[str, Any]:
    """Static facts of a graph. side: pixels, where the graph leaves the size of its input open."""
    inputs, outputs = ([spec(port) for port in ports] for ports in (model.inputs, model.outputs))
    nodes = sized(model, side).get_ordered_ops()
    found = [layer for node in nodes if (layer := _layer(node))]
    norms = [_norm(node) for node in nodes if node.get_type_name() == "BatchNormInference"]
    types = Counter(node.get_type_name() for node in nodes)
    constants = types.pop("Constant", 0)
    return {
        **layers.facts(found, norms),
        "graph": True,
        "tensors": constants,
        "activations": dict(Counter(_activations(nodes))),
        "quantised": is_quantised(model),
        "byte_pairs": [pairs for node in nodes for pairs in _byte_pairs(node)],
        "ops": dict(types),
        "inputs": inputs,
        "outputs": outputs,
    }


def is_quantised(model: ov.Model) -> bool:
    """Whether a graph rounds to integers, or stores them as weights."""
    nodes = model.get_ordered_ops()
    stored = {node.get_element_type().to_string() for node in nodes if node.get_type_name() == "Constant"}
    return any(node.get_type_name() == "FakeQuantize" for node in nodes) or bool(set(INTEGERS) & stored)


def _byte_pairs(node: Any) -> List[Dict[str, Any]]:
    """The pairs of neighbouring weights of a layer (see saturation.py); none where its weights are no signed bytes."""
    if node.get_type_name() not in WEIGHTED:
        return []
    constant = _constant(node.input_value(1))
    if constant is None or constant.get_element_type().to_string() != "i8":
        return []
    weights = constant.get_data()
    if node.get_type_name() == "MatMul":  # (outputs, inputs) if its second operand is transposed
        if not node.get_attributes()["transpose_b"]:
            weights = weights.T
    else:  # [groups,] channels, input channels, height, width
        weights = np.moveaxis(weights, -3, -1)
        weights = weights.reshape(-1, int(np.prod(weights.shape[-3:])))
    return saturation.of_layer(node.get_friendly_name(), weights)


def sized(model: ov.Model, side: int) -> ov.Model:
    """The model, or a copy for one image of `side` pixels where height or width are open."""
    axes = list(shape(single_input(model)))
    if len(axes) != 4 or -1 not in axes[1:]:
        return model
    usual = [1, side, side, 3] if axes[-1] == 3 else [1, 3, side, side]
    copy = model.clone()
    copy.reshape([size if size != -1 else other for size, other in zip(axes, usual)])
    return copy


def _layer(node: Any) -> Optional[layers.Layer]:
    if node.get_type_name() not in WEIGHTED:
        return None
    weights = _stored(node.input_value(1))
    if not weights:
        return None
    output = node.output(0)
    axis = -1 if node.get_type_name() == "MatMul" else 1
    channels, positions = layers.shape_of_one(shape(output), axis)
    added = [
        _stored(value) for user in _users(output) if user.get_type_name() == "Add" for value in user.input_values()
    ]
    return layers.Layer(weights, channels if channels in added else 0, channels, positions)


def _users(port: Any) -> Iterator[Any]:
    """Nodes that take what a port gives, scaled or not: ONNX's Gemm becomes a product, a scale and a sum."""
    for target in port.get_target_inputs():
        node = target.get_node()
        yield node
        if node.get_type_name() == "Multiply":
            yield from _users(node.output(0))


def _constant(port: Any) -> Any:
    """The constant behind a port, or None where values are computed."""
    node = port.get_node()
    while node.get_type_name() in PASSING:
        node = node.input_value(0).get_node()
    if node.get_type_name() in SCALING:  # the larger one is what is stored, the other its scale or zero point
        both = [_constant(value) for value in node.input_values()]
        return None if any(each is None for each in both) else max(both, key=_size)
    return node if node.get_type_name() == "Constant" else None


def _stored(port: Any) -> int:
    """Stored values behind a port; 0 where they are computed."""
    node = _constant(port)
    return 0 if node is None else _size(node)


def _size(constant: Any) -> int:
    return int(np.prod(shape(constant.output(0))))


def _norm(node: Any) -> layers.Norm:
    """A batch norm's stored inputs are scale, shift, mean and variance, in this order."""
    sizes = [size for size in map(_stored, node.input_values()) if size]
    return layers.Norm(sum(sizes[:2]), sum(sizes[2:]))


def _activations(nodes: Any) -> Iterator[str]:
    for node in nodes:
        if node.get_type_name() == "Relu":
            yield "relu"
        elif node.get_type_name() == "Clamp":
            given = node.get_attributes()
            yield layers.clipped(given["min"], given["max"])
        elif node.get_type_name() == "Minimum":  # ONNX's Clip, whose bounds are inputs, becomes two operations
            inner = [value.get_node() for value in node.input_values()]
            for low in (each for each in inner if each.get_type_name() == "Maximum"):
                yield layers.clipped(_bound(low), _bound(node))


def _bound(node: Any) -> Optional[float]:
    """The constant that a Minimum or Maximum compares with."""
    constants = [constant for value in node.input_values() if (constant := _constant(value)) is not None]
    return float(constants[0].get_data().reshape(-1)[0]) if constants else None
