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


def _node(model: onnx.ModelProto, output: str) -> onnx.NodeProto:
    """The node that gives a value of this name."""
    return next(node for node in model.graph.node if output in node.output)


def _attribute(node: onnx.NodeProto, name: str) -> onnx.AttributeProto:
    return next(each for each in node.attribute if each.name == name)


def _instead(model: onnx.ModelProto, value: str, other: str) -> None:
    """Whatever reads one value reads another; what nobody reads any more goes."""
    for node in model.graph.node:
        node.input[:] = [other if name == value else name for name in node.input]
    wanted = {each.name for each in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        if wanted & {*node.output}:
            wanted |= {*node.input}
            kept.append(onnx.NodeProto.FromString(node.SerializeToString()))
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
    stay = [each for each in model.graph.initializer if each.name in wanted]
    del model.graph.initializer[:]
    model.graph.initializer.extend(stay)


def without(value: str, source: int = 0) -> Edit:
    """The graph without the operator that gives `value`: its input of this number goes on in its place."""

    def edit(model: onnx.ModelProto) -> None:
        _instead(model, value, _node(model, value).input[source])

    return edit


def behind(value: str, op: str, *constants: Any, **attributes: Any) -> Edit:
    """One more operator behind a value."""

    def edit(model: onnx.ModelProto) -> None:
        more = [store(model, f"{value}.{op}.{place}", constant) for place, constant in enumerate(constants)]
        inside = f"{value}.before"

        def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
            if value not in node.output:
                return None
            node.output[:] = [inside if name == value else name for name in node.output]
            return [node, helper.make_node(op, [inside, *more], [value], **attributes)]

        rewritten(model, replace)

    return edit


def with_attribute(value: str, name: str, wanted: Any) -> Edit:
    """Another attribute of the operator that gives `value`."""

    def edit(model: onnx.ModelProto) -> None:
        _attribute(_node(model, value), name).CopyFrom(helper.make_attribute(name, wanted))

    return edit


def with_operator(value: str, op: str) -> Edit:
    """Another operator in place of the one that gives `value`."""

    def edit(model: onnx.ModelProto) -> None:
        _node(model, value).op_type = op

    return edit


def reading(value: str, place: int, other: str) -> Edit:
    """The operator that gives `value` reads another value in this place."""

    def edit(model: onnx.ModelProto) -> None:
        _node(model, value).input[place] = other

    return edit


def with_constant(value: str, place: int, wanted: Any) -> Edit:
    """The operator that gives `value` reads a constant of its own in this place."""

    def edit(model: onnx.ModelProto) -> None:
        _node(model, value).input[place] = store(model, f"{value}.own.{place}", wanted)

    return edit


def norms_of_the_batch(*values: str) -> Edit:
    """Batch norms by the mean and variance of the batch that is computed, as in training; all without names."""

    def edit(model: onnx.ModelProto) -> None:
        def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
            if node.op_type != "BatchNormalization" or (values and node.output[0] not in values):
                return None
            return _norm_of_the_batch(model, node)

        rewritten(model, replace)

    return edit


def _norm_of_the_batch(model: onnx.ModelProto, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    source, gamma, beta = node.input[:3]
    target, tensors = node.output[0], stored(model)
    epsilon = store(model, f"{target}.epsilon", np.float32(_attribute(node, "epsilon").f))
    factors = [store(model, f"{name}.wide", tensors[name][:, None, None]) for name in (gamma, beta)]
    steps = [
        ("ReduceMean", [source], "mean"), ("Sub", [source, ".mean"], "centred"),
        ("Mul", [".centred", ".centred"], "squares"), ("ReduceMean", [".squares"], "variance"),
        ("Add", [".variance", epsilon], "safe"), ("Sqrt", [".safe"], "deviation"),
        ("Div", [".centred", ".deviation"], "normed"), ("Mul", [".normed", factors[0]], "scaled"),
        ("Add", [".scaled", factors[1]], ""),
    ]  # fmt: skip
    nodes = []
    for op, inputs, name in steps:
        own = [f"{target}{each}" if each.startswith(".") else each for each in inputs]
        axes: dict[str, Any] = {"axes": [0, 2, 3], "keepdims": 1} if op == "ReduceMean" else {}
        nodes.append(helper.make_node(op, own, [f"{target}.{name}" if name else target], **axes))
    return nodes


def less_the_mean_of_the_batch(value: str) -> Edit:
    """The mean over the images of one call is taken off a value."""

    def edit(model: onnx.ModelProto) -> None:
        behind(value, "Identity")(model)
        inside, mean = f"{value}.before", f"{value}.mean"
        mean_node = helper.make_node("ReduceMean", [inside], [mean], axes=[0], keepdims=1)
        rewritten(
            model,
            lambda node: [mean_node, helper.make_node("Sub", [inside, mean], [value])]
            if value in node.output else None,
        )  # fmt: skip

    return edit


def noisy(value: str, spread: float) -> Edit:
    """Noise that is drawn anew in every call is added to a value."""

    def edit(model: onnx.ModelProto) -> None:
        behind(value, "Identity")(model)
        inside, noise = f"{value}.before", f"{value}.noise"
        drawn = helper.make_node("RandomNormalLike", [inside], [noise], scale=spread)
        rewritten(
            model,
            lambda node: [drawn, helper.make_node("Add", [inside, noise], [value])] if value in node.output else None,
        )

    return edit


def dropping(value: str, share: float) -> Edit:
    """A dropout as in training: this share of a value's elements is dropped, others in every call."""

    def edit(model: onnx.ModelProto) -> None:
        behind(value, "Identity")(model)
        limit, factor = store(model, f"{value}.share", np.float32(share)), np.float32(1 / (1 - share))
        steps = [
            ("RandomUniformLike", ["before"], "drawn"), ("Greater", ["drawn", limit], "kept"),
            ("Cast", ["kept"], "mask"), ("Mul", ["before", "mask"], "some"),
            ("Mul", ["some", store(model, f"{value}.factor", factor)], ""),
        ]  # fmt: skip
        nodes = []
        for op, inputs, name in steps:
            own = [each if each.startswith(value) else f"{value}.{each}" for each in inputs]
            more: dict[str, Any] = {"to": TensorProto.FLOAT} if op == "Cast" else {}
            nodes.append(helper.make_node(op, own, [f"{value}.{name}" if name else value], **more))
        rewritten(model, lambda node: nodes if value in node.output and node.op_type == "Identity" else None)

    return edit
