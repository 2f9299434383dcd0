"""The layer table of common/mobilenet_v2.py as plain TensorFlow operations, NHWC."""

from __future__ import annotations

from typing import Any, Dict, Literal, Mapping, cast

import numpy as np
import tensorflow as tf

from adapters.common.contract import AdapterError
from adapters.common.mobilenet_v2 import Block, Conv, Network, blocks, last_channels, stride_padding
from adapters.tensorflow.names import AXES, kinds

Weights = Mapping[str, Any]
ACTIVATIONS = {"relu6": tf.nn.relu6, "relu": tf.nn.relu}
PADDINGS = ("symmetric", "same")


def weights(tensors: Mapping[str, np.ndarray], network: Network) -> Dict[str, np.ndarray]:
    """Canonical names, TensorFlow's layouts: conv HWIO, depthwise (3, 3, C, 1), classifier (C, classes)."""
    return {
        name: np.ascontiguousarray(np.asarray(tensors[name], np.float32).transpose(AXES[kind]))
        for name, kind in kinds(network).items()
    }


def logits(batch: tf.Tensor, given: Weights, network: Network) -> tf.Tensor:
    """batch: float32 (N, H, W, 3), NHWC, RGB, normalised by the recipe -> float32 (N, classes).

    given: what `weights` returns, as constants or as variables.
    """
    if network.activation not in ACTIVATIONS:
        raise AdapterError(f"activation {network.activation!r} is not known; known: {', '.join(ACTIVATIONS)}")
    if network.padding not in PADDINGS:
        raise AdapterError(f"padding {network.padding!r} is not known; known: {', '.join(PADDINGS)}")
    result = batch
    for block in blocks(network):
        result = _block(result, block, given, network)
    pooled = tf.reduce_mean(result, [1, 2], name="pool")
    pooled = tf.ensure_shape(pooled, [None, last_channels(network)])
    scores = tf.matmul(pooled, given["classifier.1.weight"])
    return tf.nn.bias_add(scores, given["classifier.1.bias"]) if network.classifier_bias else scores


def _block(source: tf.Tensor, block: Block, given: Weights, network: Network) -> tf.Tensor:
    result = source
    for conv in block.convs:
        result = _conv(result, conv, given, network)
    return source + result if block.residual else result


def _conv(source: tf.Tensor, conv: Conv, given: Weights, network: Network) -> tf.Tensor:
    """Convolution, batch norm and, if the layer has one, the activation."""
    padding: Literal["SAME", "VALID"] = "SAME"
    # at stride 1 the two ways of padding are one
    if network.padding == "symmetric" and conv.kernel > 1 and conv.stride > 1:
        pair = stride_padding(cast(int, source.shape[1]), conv, "symmetric")
        source, padding = tf.pad(source, [(0, 0), pair, pair, (0, 0)]), "VALID"
    convolve = tf.nn.depthwise_conv2d if conv.groups > 1 else tf.nn.conv2d
    result = convolve(source, given[f"{conv.name}.weight"], [1, conv.stride, conv.stride, 1], padding)
    # Not tf.compat.v1.nn.fused_batch_norm: that raises an epsilon of 1e-5 (torchvision's) to 1.001e-5.
    result = tf.raw_ops.FusedBatchNormV3(
        x=result,
        scale=given[f"{conv.bn}.weight"],
        offset=given[f"{conv.bn}.bias"],
        mean=given[f"{conv.bn}.running_mean"],
        variance=given[f"{conv.bn}.running_var"],
        epsilon=network.bn_epsilon,
        is_training=False,
    ).y
    return ACTIVATIONS[network.activation](result) if conv.activated else result
