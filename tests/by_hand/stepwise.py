"""Networks whose steps are known, and what makes two lists of steps the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from adapters.common.canonical import places
from adapters.common.mobilenet_v2 import MobileNetV2
from adapters.common.network import Conv, Network, Pool
from adapters.common.resnet import ResNet
from adapters.common.steps import Step
from adapters.common.untrained import tensors as untrained
from tests.by_hand.real_networks import random_tensors

SMALL = MobileNetV2(alpha=0.35, resolution=96, classes=11)
UNEVEN = MobileNetV2(alpha=0.35, resolution=96, classes=11, padding="same", activation="relu", bn_epsilon=1e-3)
RESIDUAL = ResNet(classes=11, resolution=64)
KERAS = MobileNetV2(alpha=0.35, resolution=96, classes=11, padding="same", bn_epsilon=1e-3)  # all that Keras's own has
NETWORKS: dict[str, Any] = {"small": SMALL, "uneven": UNEVEN, "residual": RESIDUAL, "keras": KERAS}
FAR = 1e-4  # of the largest value behind a step: what float32 leaves over fifty layers


def tensors_of(name: str) -> dict[str, np.ndarray]:
    return random_tensors(NETWORKS[name]) if name != "residual" else untrained(RESIDUAL.layers())


def batch_of(network: Any, rows: int = 3) -> np.ndarray:
    """float32 (rows, side, side, 3), NHWC, in [-1, 1]."""
    side = network.resolution
    return np.random.default_rng(5).uniform(-1, 1, (rows, side, side, 3)).astype(np.float32)


def folded(step: Step) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias with the batch norm in them, float64."""
    assert step.weight is not None
    weight = step.weight.astype(np.float64)
    bias = np.zeros(len(weight)) if step.bias is None else step.bias.astype(np.float64)
    if step.norm is None:
        return weight, bias
    norm = step.norm
    factor = norm.gamma / np.sqrt(norm.variance.astype(np.float64) + norm.epsilon)
    return weight * factor.reshape([-1] + [1] * (weight.ndim - 1)), (bias - norm.mean) * factor + norm.beta


def same_tensors(got: Step, expected: Step, tolerance: float = 1e-5) -> None:
    assert (got.weight is None) == (expected.weight is None), got.name
    if got.weight is not None:
        for have, want in zip(folded(got), folded(expected), strict=True):
            assert have.shape == want.shape, got.name
            assert np.abs(have - want).max() <= tolerance * max(np.abs(want).max(), 1e-6), got.name


def same_graph(steps: list[Step], network: Network) -> None:
    """What only a graph says: activations, windows."""
    for step, place in zip(steps, places(network), strict=True):
        assert step.activation == (network.activation if place.activated else ""), step.name
        if isinstance(place.layer, Conv | Pool):
            before, after = place.layer.pads
            assert step.pads == (before, before, after, after), step.name
            assert step.stride == (place.layer.stride,) * 2, step.name
            assert step.kernel == (place.layer.kernel,) * 2, step.name
        if isinstance(place.layer, Conv):
            assert step.groups == place.layer.groups, step.name
