"""OpenVINO graphs: built from canonical tensors, converted as a publisher documents it, and read."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np
import openvino as ov
import openvino.opset8 as ops
from openvino.preprocess import PrePostProcessor

from adapters.common import layers
from adapters.common.contract import AdapterError, single
from adapters.common.network import Block, Conv, Network, Pool

Levels = Tuple[float, int]  # scale and zero point of integers that stand for real numbers

# Open Model Zoo, models/public/mobilenet-v2-pytorch/model.yml at 7ef5b91: how its converter is called, in RGB order.
# 58.624 is as published; 0.229 x 255 would be 58.395.
OPEN_MODEL_ZOO: Dict[str, Any] = {
    "mean": [123.675, 116.28, 103.53],
    "scale": [58.624, 57.12, 57.375],
    "reverse_input_channels": True,
}
# and what it calls the input and output of a network from PyTorch, whose batch it fixes to 1
OPEN_MODEL_ZOO_NAMES = ("data", "prob")


def converted(model: ov.Model, arguments: Mapping[str, Any]) -> ov.Model:
    """`model`, changed in place as the model optimizer of old did with these arguments.

    arguments: any of mean and scale (a list by channel in the order of the original network, one number, or either
    as text with commas) and reverse_input_channels (the result takes BGR where the original took RGB).
    """
    source = single_input(model)
    layout = ov.Layout("NHWC" if shape(source)[-1] == 3 else "NCHW")
    preparing = PrePostProcessor(model)
    preparing.input().tensor().set_layout(layout)
    preparing.input().model().set_layout(layout)
    steps = preparing.input().preprocess()
    # In this order: the channels are back in the network's own order before its mean and scale are applied.
    if arguments.get("reverse_input_channels"):
        steps.reverse_channels()
    if "mean" in arguments:
        steps.mean(_numbers("mean", arguments["mean"]))
    if "scale" in arguments:
        steps.scale(_numbers("scale", arguments["scale"]))
    return preparing.build()


def _numbers(name: str, value: Any) -> List[float]:
    """One number for each of three channels."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) not in (1, 3):
        raise AdapterError(f"conversion argument {name!r}: expected one number or three, got {value!r}")
    return numbers * (3 // len(numbers))


def build(
    tensors: Mapping[str, np.ndarray],
    network: Network,
    batch: int = -1,
    names: Tuple[str, str] = ("input", "output"),
) -> ov.Model:
    """Graph of canonical tensors: float32 (batch, 3, side, side), NCHW, to logits (batch, classes)."""
    side = network.resolution
    source = ops.parameter([batch, 3, side, side], np.float32, name=names[0])
    result: Any = source
    for block in network.blocks:
        result = _block(block, result, tensors, network)
    result = ops.reduce_mean(result, np.array([2, 3]), keep_dims=False)
    result = ops.matmul(result, _constant(tensors, network.classifier.weight), False, True)
    if network.classifier.biased:
        result = ops.add(result, _constant(tensors, network.classifier.bias))
    model = ov.Model([ops.result(result, name=names[1])], [source], network.family)
    model.input(0).get_tensor().set_names({names[0]})
    model.output(0).get_tensor().set_names({names[1]})
    return model


def _block(block: Block, source: Any, tensors: Mapping[str, np.ndarray], network: Network) -> Any:
    """All convolutions of a block, its residual, and what follows."""
    result = source
    for conv in block.convs:
        result = _conv(conv, result, tensors, network)
    if block.residual:
        shortcut = source if block.shortcut is None else _conv(block.shortcut, source, tensors, network)
        result = ops.add(shortcut, result)
    if block.activated:
        result = _activated(result, network)
    return result if block.pool is None else _pooled(block.pool, result)


def _conv(conv: Conv, source: Any, tensors: Mapping[str, np.ndarray], network: Network) -> Any:
    """Convolution, batch norm and, if the layer has one, the activation."""
    before, after = conv.pads
    geometry = ([conv.stride] * 2, [before] * 2, [after] * 2, [1, 1])
    if conv.groups == 1:
        result = ops.convolution(source, _constant(tensors, conv.weight), *geometry)
    else:
        # OpenVINO's weights of a depthwise convolution are (groups, out / groups, in / groups, kernel, kernel)
        weights = ops.constant(tensors[conv.weight][:, None], name=conv.weight)
        result = ops.group_convolution(source, weights, *geometry)
    parts = [_constant(tensors, name) for name in conv.norm]
    result = ops.batch_norm_inference(result, *parts, network.bn_epsilon)
    return _activated(result, network) if conv.activated else result


def _activated(source: Any, network: Network) -> Any:
    return ops.relu(source) if network.activation == "relu" else ops.clamp(source, 0.0, 6.0)


def _pooled(pool: Pool, source: Any) -> Any:
    before, after = pool.pads
    window = ([pool.stride] * 2, [1, 1], [before] * 2, [after] * 2, [pool.kernel] * 2)
    return ops.max_pool(source, *window).output(0)  # the second output says where the largest value was


def _constant(tensors: Mapping[str, np.ndarray], name: str) -> Any:
    return ops.constant(tensors[name], name=name)


def single_input(model: ov.Model) -> Any:
    """The only input; AdapterError if there are more."""
    return single(model.inputs, [_name(port) for port in model.inputs], "input")


def with_rows(model: ov.Model, rows: int) -> ov.Model:
    """A copy for `rows` images, where the graph leaves their number open."""
    copy = model.clone()
    axes = single_input(copy).get_partial_shape()
    if axes[0].is_dynamic:
        copy.reshape([rows, *list(axes)[1:]])
    return copy


def chosen_output(model: ov.Model, wanted: Optional[str]) -> Any:
    """The output called `wanted` (TensorFlow's readers add ":0"), or the only one."""
    aliases = {wanted, f"{wanted}:0"}
    ports = [port for port in model.outputs if wanted is None or aliases & port.get_names()]
    if len(ports) != 1:
        names = [_name(port) for port in model.outputs]
        asked = "the option 'output' names none" if wanted is None else f"expected output {wanted!r}"
        raise AdapterError(f"{asked}; the graph's outputs: {names}")
    return ports[0]


def place_among_outputs(model: ov.Model, port: Any) -> int:
    """Which of a model's outputs is what a port gives."""
    users = (target.get_node() for target in port.get_target_inputs())
    place: int = next(model.get_result_index(node) for node in users if node.get_type_name() == "Result")
    return place


def spec(port: Any) -> Dict[str, Any]:
    """Name, shape (-1 where free) and dtype of an input or output."""
    return layers.spec(_name(port), shape(port), port.get_element_type().to_string())


def shape(port: Any) -> Tuple[int, ...]:
    """Shape of an input or output, -1 where free; AdapterError if even the rank is free."""
    partial = port.get_partial_shape()
    if partial.rank.is_dynamic:
        raise AdapterError(f"{_name(port)!r}: the graph does not say how many axes it has")
    return tuple(-1 if size.is_dynamic else size.get_length() for size in partial)


def _name(port: Any) -> str:
    """The shortest of a port's names, as the file has it: TensorFlow's readers add ":0"."""
    given = [name[:-2] if name.endswith(":0") else name for name in port.get_names()]
    name: str = min(given, key=lambda each: (len(each), each), default=port.get_node().get_friendly_name())
    return name


def input_levels(port: Any) -> Optional[Levels]:
    """What the integers of an input stand for: the output range of the FakeQuantize behind it."""
    node = _nearest(port.get_node(), forward=True)
    return None if node is None else _levels(node, 3)


def output_levels(port: Any) -> Optional[Levels]:
    """What the integers of an output stand for: the input range of the FakeQuantize before it."""
    node = None if port.get_element_type().is_real() else _nearest(port.get_node(), forward=False)
    return None if node is None else _levels(node, 1)


def _nearest(node: Any, forward: bool) -> Any:
    """The first FakeQuantize after (before) a node with only layout and type changes between; None without one."""
    while node.get_type_name() != "FakeQuantize":
        if node.get_type_name() not in ("Parameter", "Result", "Convert", "Transpose", "Reshape"):
            return None
        ports = node.output(0).get_target_inputs() if forward else node.input_values()[:1]
        if len(ports) != 1:
            return None
        node = next(iter(ports)).get_node()
    return node


def _levels(quantise: Any, first: int) -> Optional[Levels]:
    """Scale and zero point of the range that inputs `first` and `first + 1` of a FakeQuantize state."""
    bounds = [quantise.input_value(place).get_node() for place in (first, first + 1)]
    if any(node.get_type_name() != "Constant" for node in bounds):
        return None
    low, high = (float(node.get_data().reshape(-1)[0]) for node in bounds)
    scale = (high - low) / (quantise.get_attributes()["levels"] - 1)
    return scale, round(-low / scale)
