"""Canonical tensors of the reconstructed networks, the source of real weights for tests of every format.

The reconstructed files (see their README) hold convolutions with the batch norm folded in; here it is put
back, so that they can be written in any framework's format. They are not the published files: never compare
them with a claim.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from adapters.common.mobilenet_v2 import MobileNetV2
from adapters.common.network import Conv

Tensors = dict[str, np.ndarray]


def canonical_tensors(onnx_path: Path, network: MobileNetV2) -> Tensors:
    """Canonical name -> float32 array (weights OIHW), in network order, of a file with folded batch norms.

    The batch norms change nothing: weight 1, bias = the convolution's bias, mean 0, variance = 1 - epsilon.
    `network` says what the file is: classes, padding and epsilon are the caller's to get right.
    """
    graph = onnx.load(str(onnx_path)).graph
    stored = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    folded = [node for node in graph.node if node.op_type == "Conv"]
    tensors: Tensors = {}
    for conv, node in zip(_convs(network), folded, strict=True):
        weight, bias = (stored[name] for name in node.input[1:])
        tensors[f"{conv.name}.weight"] = weight
        tensors.update(_batch_norm(conv, bias, network.bn_epsilon))
    (classifier,) = (node for node in graph.node if node.op_type == "Gemm")
    tensors["classifier.1.weight"], tensors["classifier.1.bias"] = (stored[name] for name in classifier.input[1:])
    got = {name: array.shape for name, array in tensors.items()}
    if got != network.layers().tensor_shapes():
        wrong = [name for name, shape in network.layers().tensor_shapes().items() if got.get(name) != shape]
        raise ValueError(f"{onnx_path.name} does not hold {network}: first differences {wrong[:5]}")
    return {name: np.array(array, np.float32, order="C") for name, array in tensors.items()}


def with_statistics(tensors: Tensors, network: MobileNetV2, seed: int = 0) -> Tensors:
    """The same function with batch norms that do something: every part random, the convolution undoing it.

    Under `canonical_tensors` alone an adapter that mixes up two parts of a batch norm may go unnoticed.
    """
    random = np.random.default_rng(seed)
    result = dict(tensors)
    for conv in _convs(network):
        scale = random.uniform(0.5, 2.0, conv.out_channels)
        variance = random.uniform(0.5, 2.0, conv.out_channels)
        mean = random.normal(0.0, 0.5, conv.out_channels)
        factor = scale / np.sqrt(variance + network.bn_epsilon)
        parts = {"weight": scale, "running_mean": mean, "running_var": variance}
        parts["bias"] = tensors[f"{conv.bn}.bias"] + mean * factor
        result[f"{conv.name}.weight"] = (tensors[f"{conv.name}.weight"] / factor[:, None, None, None]).astype(
            np.float32
        )
        result.update({f"{conv.bn}.{part}": values.astype(np.float32) for part, values in parts.items()})
    return result


def _convs(network: MobileNetV2) -> list[Conv]:
    return network.layers().convs


def _batch_norm(conv: Conv, bias: np.ndarray, epsilon: float) -> Tensors:
    one = np.ones_like(bias)
    parts = {"weight": one, "bias": bias, "running_mean": 0 * one, "running_var": one - np.float32(epsilon)}
    return {f"{conv.bn}.{part}": values for part, values in parts.items()}
