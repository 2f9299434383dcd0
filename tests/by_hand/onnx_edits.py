"""Edits of an ONNX graph as exported: what converters and publishers add, replace and leave out.

Each takes a model with one float32 input (batch, 3, side, side) and one float32 output (batch, classes), and changes it
in place, unless it says that it returns another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the embedded network's recipe, for pixels in [0, 1]

Edit = Callable[[onnx.ModelProto], onnx.ModelProto | None]


def store(model: onnx.ModelProto, name: str, value: Any) -> str:
    """Keep a tensor in the graph, instead of one of this name; its name."""
    kept = [each for each in model.graph.initializer if each.name != name]
    del model.graph.initializer[:]
    model.graph.initializer.extend([*kept, numpy_helper.from_array(np.asarray(value), name)])
    return name


def stored(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The graph's tensors by name."""
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def rewritten(model: onnx.ModelProto, replace: Callable[[onnx.NodeProto], Sequence[onnx.NodeProto] | None]) -> None:
    """Every node for which `replace` gives others (or none at all, by an empty list) is replaced by these."""
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        others = replace(node)
        nodes += [node] if others is None else others
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def after(*steps: tuple[str, Sequence[Any], dict[str, Any]]) -> Edit:
    """Operators on the scores, one after another: (type, further inputs as arrays, attributes)."""

    def edit(model: onnx.ModelProto) -> None:
        wanted = model.graph.output[0].name
        for node in model.graph.node:
            node.output[:] = ["scores.0" if name == wanted else name for name in node.output]
        for number, (op, values, attributes) in enumerate(steps):
            more = [store(model, f"after.{number}.{place}", value) for place, value in enumerate(values)]
            target = wanted if number == len(steps) - 1 else f"scores.{number + 1}"
            model.graph.node.append(helper.make_node(op, [f"scores.{number}", *more], [target], **attributes))

    return edit


def in_order(*edits: Edit) -> Edit:
    """Several edits, one after another."""

    def edit(model: onnx.ModelProto) -> onnx.ModelProto:
        for each in edits:
            model = each(model) or model
        return model

    return edit


def fixed_batch(size: int) -> Edit:
    """The graph takes exactly so many images."""

    def edit(model: onnx.ModelProto) -> None:
        for value in (model.graph.input[0], model.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_value = size

    return edit


def with_opset(version: int) -> Edit:
    """The same network in operators of another version of ONNX; returns another model."""

    def edit(model: onnx.ModelProto) -> onnx.ModelProto:
        return version_converter.convert_version(model, version)

    return edit


def free_scores(model: onnx.ModelProto) -> None:
    """The file does not say how many classes it gives."""
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "classes"


def folded_norms(model: onnx.ModelProto) -> None:
    """Each batch norm's factors are multiplied into the convolution before it."""
    tensors = stored(model)
    convs = {node.output[0]: node for node in model.graph.node if node.op_type == "Conv"}
    gone = set()
    for node in model.graph.node:
        if node.op_type != "BatchNormalization":
            continue
        conv, (scale, bias, mean, variance) = convs[node.input[0]], (tensors[name] for name in node.input[1:])
        epsilon = next(each.f for each in node.attribute if each.name == "epsilon")
        factor = scale / np.sqrt(variance + np.float32(epsilon))
        store(model, conv.input[1], tensors[conv.input[1]] * factor[:, None, None, None])
        conv.input.append(store(model, f"{conv.input[1]}.bias", bias - mean * factor))
        conv.output[0] = node.output[0]
        gone.update({node.output[0], *node.input[1:]})
    rewritten(model, lambda node: [] if node.op_type == "BatchNormalization" and node.output[0] in gone else None)
    kept = [each for each in model.graph.initializer if each.name not in gone]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def relu_and_min(model: onnx.ModelProto) -> None:
    """ReLU6 as a ReLU and a minimum, which is how some converters write it."""

    def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        if node.op_type != "Clip":
            return None
        source, target = node.input[0], node.output[0]
        first = helper.make_node("Relu", [source], [f"{target}.relu"])
        return [first, helper.make_node("Min", [f"{target}.relu", "six"], [target])]

    rewritten(model, replace)


def only_relu(model: onnx.ModelProto) -> None:
    """ReLU in place of every ReLU6."""
    rewritten(
        model,
        lambda node: [helper.make_node("Relu", node.input[:1], node.output)] if node.op_type == "Clip" else None,
    )


def product_and_sum(model: onnx.ModelProto) -> None:
    """The classifier as a matrix product and an addition."""
    tensors = stored(model)

    def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        if node.op_type != "Gemm":
            return None
        source, weight, bias = node.input
        turned = store(model, weight, tensors[weight].T.copy())
        product = helper.make_node("MatMul", [source, turned], ["product"])
        return [product, helper.make_node("Add", ["product", bias], node.output)]

    rewritten(model, replace)


def classifier_as_convolution(model: onnx.ModelProto) -> None:
    """The classifier as a 1x1 convolution before the scores are made flat."""
    tensors = stored(model)

    def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        if node.op_type == "Flatten":
            return []
        if node.op_type != "Gemm":
            return None
        weight, bias = node.input[1:]
        kernel = store(model, weight, tensors[weight][:, :, None, None].copy())
        conv = helper.make_node("Conv", ["pool", kernel, bias], ["scores.map"], kernel_shape=[1, 1])
        return [conv, helper.make_node("Flatten", ["scores.map"], node.output, axis=1)]

    rewritten(model, replace)


def mean_over_positions(model: onnx.ModelProto) -> None:
    """The pooling as a mean over two axes."""
    rewritten(
        model,
        lambda node: [helper.make_node("ReduceMean", node.input, node.output, axes=[2, 3], keepdims=1)]
        if node.op_type == "GlobalAveragePool" else None,
    )  # fmt: skip


def reshaped(model: onnx.ModelProto) -> None:
    """A reshape in place of the flattening."""
    shape = store(model, "flat", np.array([0, -1], np.int64))
    rewritten(
        model,
        lambda node: [helper.make_node("Reshape", [node.input[0], shape], node.output)]
        if node.op_type == "Flatten" else None,
    )  # fmt: skip


def with_dropout(model: onnx.ModelProto) -> None:
    """A dropout before the classifier, which does nothing outside of training."""

    def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        if node.op_type != "Flatten":
            return None
        target = node.output[0]
        return [
            helper.make_node("Flatten", node.input, [f"{target}.all"], axis=1),
            helper.make_node("Dropout", [f"{target}.all"], [target]),
        ]

    rewritten(model, replace)


def constants_as_nodes(model: onnx.ModelProto) -> None:
    """Every tensor is given by a node of its own, as some exporters write it."""
    nodes = [
        helper.make_node("Constant", [], [each.name], value=each)
        for each in model.graph.initializer
    ]  # fmt: skip
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in (*nodes, *model.graph.node)]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.node.extend(kept)


def stored_in_halves(model: onnx.ModelProto) -> None:
    """Weights of convolutions and classifier lie in the file as float16 and are cast to float32 as it is loaded."""
    casts = []
    for name, value in stored(model).items():
        if value.ndim > 1:
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
            store(model, f"{name}.half", value.astype(np.float16))
    gone = {name for node in casts for name in node.output}
    kept = [each for each in model.graph.initializer if each.name not in gone]
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in (*casts, *model.graph.node)]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)


def _from_another_input(model: onnx.ModelProto, shape: Sequence[Any], nodes: Sequence[onnx.NodeProto]) -> None:
    """The graph takes `given` of this shape, from which the nodes make what it took before, `input`."""
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info("given", TensorProto.FLOAT, shape))
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in (*nodes, *model.graph.node)]
    del model.graph.node[:]
    model.graph.node.extend(kept)


def channels_last(model: onnx.ModelProto) -> None:
    """The graph takes (batch, side, side, 3)."""
    batch, channels, *sides = model.graph.input[0].type.tensor_type.shape.dim
    shape = [batch.dim_param, *(side.dim_value for side in sides), channels.dim_value]
    _from_another_input(model, shape, [helper.make_node("Transpose", ["given"], ["input"], perm=[0, 3, 1, 2])])


def normalising(model: onnx.ModelProto) -> None:
    """The graph takes pixels in [0, 1] and does the rest of the recipe itself."""
    batch, *sides = model.graph.input[0].type.tensor_type.shape.dim
    constants = [
        store(model, name, np.array(values, np.float32)[:, None, None])
        for name, values in (("recipe.mean", MEAN), ("recipe.std", STD))
    ]
    nodes = [
        helper.make_node("Sub", ["given", constants[0]], ["centred"]),
        helper.make_node("Div", ["centred", constants[1]], ["input"]),
    ]
    _from_another_input(model, [batch.dim_param, *(side.dim_value for side in sides)], nodes)


def renamed(model: onnx.ModelProto) -> None:
    """Other names for every tensor and node."""
    fixed = {model.graph.output[0].name: "probabilities"}

    def name_of(name: str) -> str:
        return fixed.setdefault(name, f"t{len(fixed)}") if name else name

    for node in model.graph.node:
        node.name = name_of(f"node {node.name}")
        node.input[:] = [name_of(name) for name in node.input]
        node.output[:] = [name_of(name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = name_of(value.name)
    for tensor in model.graph.initializer:
        tensor.name = name_of(tensor.name)


def second_output(model: onnx.ModelProto) -> None:
    """The graph also gives the features before the classifier."""
    model.graph.output.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", None]))
