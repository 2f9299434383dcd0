"""The layer table of common/mobilenet_v2.py as an MXNet symbol, with the names of an exported Gluon network."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

import mxnet as mx

from adapters.common import layers
from adapters.common.dialects import Table
from adapters.common.mobilenet_v2 import BATCH_NORM_PARTS, Block, Conv, Network, blocks, stride_padding

INPUT = "data"


class _Builder:
    """Builds one symbol; `names` maps canonical tensor names to the symbol's variables."""

    def __init__(self, network: Network, names: Table) -> None:
        self.network, self.names = network, names

    def conv(self, conv: Conv, source: Any, side: int) -> Any:
        """Convolution, batch norm and, if there is one, the activation; side: of the input, in pixels."""
        before, after = stride_padding(side, conv, self.network.padding)
        if before != after:
            # Convolution pads both sides alike
            edges = (0, 0, 0, 0, before, after, before, after)
            source = mx.sym.Pad(source, mode="constant", pad_width=edges, constant_value=0)
            before = 0
        weight = self.names[f"{conv.name}.weight"]
        result = mx.sym.Convolution(
            source,
            weight=mx.sym.var(weight),
            kernel=(conv.kernel, conv.kernel),
            stride=(conv.stride, conv.stride),
            pad=(before, before),
            num_filter=conv.out_channels,
            num_group=conv.groups,
            no_bias=True,
            name=weight.replace("_weight", "_fwd"),
        )
        result = self.norm(conv, result)
        return self.activation(result) if conv.activated else result

    def norm(self, conv: Conv, source: Any) -> Any:
        """Batch norm with the stored statistics."""
        parts = (self.names[f"{conv.bn}.{part}"] for part in BATCH_NORM_PARTS)
        gamma, beta, mean, variance = map(mx.sym.var, parts)
        return mx.sym.BatchNorm(
            source,
            gamma,
            beta,
            mean,
            variance,
            eps=self.network.bn_epsilon,
            fix_gamma=False,  # MXNet's default would take every gamma as 1
            name=gamma.name.replace("_gamma", "_fwd"),
        )

    def activation(self, source: Any) -> Any:
        """ReLU, or ReLU6 in the form that Gluon exports it and MXNet fuses it."""
        if self.network.activation == "relu":
            return mx.sym.Activation(source, act_type="relu")
        return mx.sym.clip(source, 0, 6)

    def block(self, block: Block, source: Any, side: int) -> Any:
        """All convolutions of a block and its residual."""
        result = source
        for conv in block.convs:
            result = self.conv(conv, result, side)
            side = -(-side // conv.stride)
        return mx.sym.elemwise_add(result, source) if block.residual else result

    def classifier(self, source: Any, dense: bool) -> Any:
        """1x1 convolution or dense layer, to (N, classes)."""
        classes, biased = self.network.classes, self.network.classifier_bias
        given = {"weight": mx.sym.var(self.names["classifier.1.weight"]), "no_bias": not biased}
        if biased:
            given["bias"] = mx.sym.var(self.names["classifier.1.bias"])
        if dense:
            return mx.sym.FullyConnected(source, num_hidden=classes, name="output", **given)
        scores = mx.sym.Convolution(source, kernel=(1, 1), num_filter=classes, name="output_pred", **given)
        return mx.sym.flatten(scores, name="output")


def build(network: Network, names: Table, dense: bool = False) -> Any:
    """Symbol from `data`, float32 (N, 3, side, side) NCHW, to logits (N, classes).

    dense: the classifier's weight is (classes, C) instead of (classes, C, 1, 1).
    """
    builder = _Builder(network, names)
    shape = (0, 3, network.resolution, network.resolution)  # 0: any
    result, side = mx.sym.var(INPUT, shape=shape), network.resolution
    for block in blocks(network):
        result = builder.block(block, result, side)
        for conv in block.convs:
            side = -(-side // conv.stride)
    result = mx.sym.Pooling(result, kernel=(1, 1), global_pool=True, pool_type="avg", name="pool")
    return builder.classifier(result, dense)


def measured(symbol: Any, sizes: Mapping[str, int], sample: Mapping[str, Tuple[int, ...]]) -> Dict[str, Any]:
    """Layers and outputs of a symbol. sizes: stored values by variable; sample: the input's name and shape."""
    nodes: List[Dict[str, Any]] = json.loads(symbol.tojson())["nodes"]
    internals = symbol.get_internals()
    shapes = dict(zip(internals.list_outputs(), internals.infer_shape(**sample)[1]))
    found, norms = [], []
    for node in nodes:
        stored = [sizes.get(nodes[entry[0]]["name"], 0) for entry in node["inputs"]]
        if node["op"] in ("Convolution", "FullyConnected"):
            channels, positions = layers.shape_of_one(shapes[f"{node['name']}_output"], 1)
            found.append(layers.Layer(stored[1], sum(stored[2:]), channels, positions))
        elif node["op"] == "BatchNorm":
            norms.append(layers.Norm(sum(stored[1:3]), sum(stored[3:])))
    outputs = [(name, (-1, *shapes[name][1:])) for name in symbol.list_outputs()]
    return {
        **layers.facts(found, norms),
        "activations": dict(Counter(_activations(nodes))),
        "ops": dict(Counter(node["op"] for node in nodes if node["op"] != "null")),
        "outputs": [layers.spec(name, shape, "float32") for name, shape in outputs],
    }


def _activations(nodes: List[Dict[str, Any]]) -> Iterator[str]:
    for node in nodes:
        given = node.get("attrs", {})
        if node["op"] == "clip":
            yield layers.clipped(_number(given.get("a_min")), _number(given.get("a_max")))
        elif node["op"] == "Activation":
            yield str(given["act_type"])


def _number(text: Optional[str]) -> Optional[float]:
    return None if text is None else float(text)
