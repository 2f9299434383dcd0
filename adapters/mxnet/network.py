"""A table of layers as an MXNet symbol, with the names of an exported Gluon network."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

import mxnet as mx

from adapters.common import layers
from adapters.common.dialects import Table
from adapters.common.network import Block, Conv, Network, Pool

INPUT = "data"
LOWEST = -3.4e38  # what pads an input whose largest values are taken


class _Builder:
    """Builds one symbol; `names` maps canonical tensor names to the symbol's variables."""

    def __init__(self, network: Network, names: Table) -> None:
        self.network, self.names = network, names

    def conv(self, conv: Conv, source: Any) -> Any:
        """Convolution, batch norm and, if there is one, the activation."""
        before, after = conv.pads
        if before != after:
            # Convolution pads both sides alike
            source, before = _padded(source, conv.pads, 0), 0
        weight = self.names[conv.weight]
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
        gamma, beta, mean, variance = (mx.sym.var(self.names[name]) for name in conv.norm)
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

    def block(self, block: Block, source: Any) -> Any:
        """All convolutions of a block, its residual, and what follows."""
        result = source
        for conv in block.convs:
            result = self.conv(conv, result)
        if block.residual:
            shortcut = source if block.shortcut is None else self.conv(block.shortcut, source)
            result = mx.sym.elemwise_add(result, shortcut)
        if block.activated:
            result = self.activation(result)
        return result if block.pool is None else self.pool(block.pool, result)

    def pool(self, pool: Pool, source: Any) -> Any:
        """The largest value of each window."""
        window = {"kernel": [pool.kernel] * 2, "stride": [pool.stride] * 2, "pool_type": "max"}
        return mx.sym.Pooling(_padded(source, pool.pads, LOWEST), **window)

    def classifier(self, source: Any, dense: bool) -> Any:
        """1x1 convolution or dense layer, to (N, classes)."""
        last = self.network.classifier
        given = {"weight": mx.sym.var(self.names[last.weight]), "no_bias": not last.biased}
        if last.biased:
            given["bias"] = mx.sym.var(self.names[last.bias])
        if dense:
            return mx.sym.FullyConnected(source, num_hidden=last.classes, name="output", **given)
        scores = mx.sym.Convolution(source, kernel=(1, 1), num_filter=last.classes, name="output_pred", **given)
        return mx.sym.flatten(scores, name="output")


def _padded(source: Any, pads: Tuple[int, int], value: float) -> Any:
    edges = (0, 0, 0, 0, *pads, *pads)
    return mx.sym.Pad(source, mode="constant", pad_width=edges, constant_value=value)


def build(network: Network, names: Table, dense: bool = False) -> Any:
    """Symbol from `data`, float32 (N, 3, side, side) NCHW, to logits (N, classes).

    dense: the classifier's weight is (classes, C) instead of (classes, C, 1, 1).
    """
    builder = _Builder(network, names)
    shape = (0, 3, network.resolution, network.resolution)  # 0: any
    result = mx.sym.var(INPUT, shape=shape)
    for block in network.blocks:
        result = builder.block(block, result)
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
