"""A table of layers as plain TensorFlow operations, NHWC."""

from __future__ import annotations

from typing import Any, Dict, Literal, Mapping, Tuple, Union

import numpy as np
import tensorflow as tf

from adapters.common.network import Block, Conv, Network, Pool
from adapters.tensorflow.names import AXES, kinds

Padding = Literal["SAME", "VALID"]
Weights = Mapping[str, Any]
ACTIVATIONS = {"relu6": tf.nn.relu6, "relu": tf.nn.relu}


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
    result, classifier = batch, network.classifier
    for block in network.blocks:
        result = _block(result, block, given, network)
    pooled = tf.reduce_mean(result, [1, 2], name="pool")
    pooled = tf.ensure_shape(pooled, [None, classifier.in_channels])
    scores = tf.matmul(pooled, given[classifier.weight])
    return tf.nn.bias_add(scores, given[classifier.bias]) if classifier.biased else scores


def _block(source: tf.Tensor, block: Block, given: Weights, network: Network) -> tf.Tensor:
    result = source
    for conv in block.convs:
        result = _conv(result, conv, given, network)
    if block.residual:
        result = (source if block.shortcut is None else _conv(source, block.shortcut, given, network)) + result
    if block.activated:
        result = ACTIVATIONS[network.activation](result)
    return result if block.pool is None else _pooled(result, block.pool)


def _conv(source: tf.Tensor, conv: Conv, given: Weights, network: Network) -> tf.Tensor:
    """Convolution, batch norm and, if the layer has one, the activation."""
    source, padding = _padded(source, conv, 0.0)
    convolve = tf.nn.depthwise_conv2d if conv.groups > 1 else tf.nn.conv2d
    result = convolve(source, given[conv.weight], [1, conv.stride, conv.stride, 1], padding)
    # Not tf.compat.v1.nn.fused_batch_norm: that raises an epsilon of 1e-5 (torchvision's) to 1.001e-5.
    scale, offset, mean, variance = (given[name] for name in conv.norm)
    result = tf.raw_ops.FusedBatchNormV3(
        x=result,
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=network.bn_epsilon,
        is_training=False,
    ).y
    return ACTIVATIONS[network.activation](result) if conv.activated else result


def _pooled(source: tf.Tensor, pool: Pool) -> tf.Tensor:
    source, padding = _padded(source, pool, source.dtype.min)
    return tf.nn.max_pool2d(source, pool.kernel, pool.stride, padding)


def _padded(source: tf.Tensor, layer: Union[Conv, Pool], value: float) -> Tuple[tf.Tensor, Padding]:
    """The input of a layer with what "SAME" would not pad alike around it, and the padding that is left to do."""
    if layer.pads == layer.same_pads:
        return source, "SAME"
    edges = [(0, 0), layer.pads, layer.pads, (0, 0)]
    return tf.pad(source, edges, constant_values=value), "VALID"
