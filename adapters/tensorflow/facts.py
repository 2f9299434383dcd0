"""Which layers a GraphDef holds, and at how many positions each is computed."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Iterator, Sequence

import tensorflow as tf

from adapters.common import layers

WEIGHTED = ("Conv2D", "DepthwiseConv2dNative", "MatMul")
ADDING = ("BiasAdd", "Add", "AddV2")
# What stands between a stored tensor and its use
PASSING = (
    "Identity", "ReadVariableOp", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel", "Reshape",
)  # fmt: skip
BLANK = "one_blank_image"
ACTIVATIONS = {"Relu": "relu", "Relu6": "relu6"}


def measured(definition: Any, source: str, shape: Sequence[int], dtype: str, side: int) -> Dict[str, Any]:
    """Sums and activations of a graph without variables, from the shapes that one image gives its tensors.

    source: its input, of this shape (-1 where free: `side` pixels, three channels) and dtype.
    """
    graph = placed(definition, source, shape, dtype, side)
    operations = graph.get_operations()
    found = [_layer(each) for each in operations if each.type in WEIGHTED and _stored(each.inputs[1])]
    norms = [_norm(each) for each in operations if each.type.startswith("FusedBatchNorm")]
    return {**layers.facts(found, norms), "activations": dict(Counter(_activations(operations)))}


def placed(definition: Any, source: str, shape: Sequence[int], dtype: str, side: int) -> tf.Graph:
    """The graph with one image as its input, under the name BLANK, so that its tensors have shapes. See `measured`."""
    sizes = [size if size > 0 else 3 if axis == 3 else side for axis, size in enumerate(shape)]
    with tf.Graph().as_default() as graph:
        blank = tf.compat.v1.placeholder(dtype, [1, *sizes[1:]], BLANK)
        tf.graph_util.import_graph_def(definition, input_map={f"{source}:0": blank}, name="")
    return graph


def _layer(operation: Any) -> layers.Layer:
    output = operation.outputs[0]
    axes = [-1 if size is None else size for size in output.shape.as_list()]
    if operation.type != "MatMul" and operation.get_attr("data_format") == b"NCHW":
        channels, positions = layers.shape_of_one(axes, 1)
    else:
        channels, positions = layers.shape_of_one(axes, -1)
    users = output.consumers()
    added = [_stored(each) for each in users[0].inputs] if len(users) == 1 and users[0].type in ADDING else []
    return layers.Layer(_stored(operation.inputs[1]), channels if channels in added else 0, channels, positions)


def _stored(tensor: Any) -> int:
    """Stored values behind a tensor; 0 where they are computed."""
    operation = tensor.op
    while operation.type in PASSING:
        operation = operation.inputs[0].op
    return int(operation.outputs[0].shape.num_elements()) if operation.type == "Const" else 0


def _norm(operation: Any) -> layers.Norm:
    sizes = [_stored(each) for each in operation.inputs]
    return layers.Norm(sum(sizes[1:3]), sum(sizes[3:5]))


def _activations(operations: Sequence[Any]) -> Iterator[str]:
    for operation in operations:
        if operation.type in ACTIVATIONS:
            yield ACTIVATIONS[operation.type]
