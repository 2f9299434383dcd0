"""The same network in every format gives the same steps, and the same values behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.common.canonical import places, steps_of_tensors
from adapters.common.mobilenet_v2 import MobileNetV2
from adapters.common.network import Conv, Network, Pool
from adapters.common.resnet import ResNet
from adapters.common.steps import Step
from adapters.common.untrained import tensors as untrained
from tests.by_hand.far_side import FarSide
from tests.by_hand.real_networks import NCHW, random_tensors

SMALL = MobileNetV2(alpha=0.35, resolution=96, classes=11)
UNEVEN = MobileNetV2(alpha=0.35, resolution=96, classes=11, padding="same", activation="relu", bn_epsilon=1e-3)
RESIDUAL = ResNet(classes=11, resolution=64)
NETWORKS: dict[str, Any] = {"small": SMALL, "uneven": UNEVEN, "residual": RESIDUAL}
# framework -> format that it writes and reads, and whether that holds a graph
FORMATS = {"onnxruntime": ("onnx", True), "torch": ("torch_state_dict", False), "openvino": ("openvino_ir", True)}
FAR = 1e-4  # of the largest value behind a step: what float32 leaves over fifty layers


def tensors_of(name: str) -> dict[str, np.ndarray]:
    return random_tensors(NETWORKS[name]) if name != "residual" else untrained(RESIDUAL.layers())


def batch_of(network: Any, rows: int = 3) -> np.ndarray:
    """float32 (rows, side, side, 3), NHWC, in [-1, 1]."""
    side = network.resolution
    return np.random.default_rng(5).uniform(-1, 1, (rows, side, side, 3)).astype(np.float32)


@pytest.fixture(scope="module", params=FORMATS)
def framework(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def far(framework: str) -> Iterator[FarSide]:
    with FarSide(framework) as side:
        yield side


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


@pytest.mark.parametrize("name", NETWORKS)
def test_steps_are_those_of_the_table(framework: str, far: FarSide, name: str, tmp_path: Path) -> None:
    given, (fmt, graph) = NETWORKS[name], FORMATS[framework]
    tensors, network = tensors_of(name), given.layers()
    files = far.export(tensors, given, fmt, tmp_path)
    steps = far.steps(files, fmt, network=given)
    expected = steps_of_tensors(tensors, network)
    assert [(step.kind, step.inputs) for step in steps] == [(step.kind, step.inputs) for step in expected]
    for step, want in zip(steps, expected, strict=True):
        same_tensors(step, want)
        assert (step.bits, step.before, step.behind, step.consumed, step.produced) == (32, (), (), (), None)
        assert (step.norm is None) == (step.kind != "conv")
        assert step.norm is None or step.norm.epsilon == pytest.approx(given.bn_epsilon)
    if graph:
        same_graph(steps, network)
    else:
        assert {(step.activation, step.stride, step.pads, step.output) for step in steps} == {("?", None, None, "")}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, np.ndarray]]:
    """ONNX Runtime's values behind every step of each network."""
    found = {}
    for name, given in NETWORKS.items():
        with FarSide("onnxruntime") as far:
            files = far.export(tensors_of(name), given, "onnx", tmp_path_factory.mktemp(name))
            far.load(files, "onnx")
            found[name] = far.values(files, batch_of(given), NCHW)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_values_agree_behind_every_step(
    framework: str, far: FarSide, name: str, tmp_path: Path, reference: dict[str, dict[int, np.ndarray]]
) -> None:
    given, fmt = NETWORKS[name], FORMATS[framework][0]
    files = far.export(tensors_of(name), given, fmt, tmp_path)
    far.load(files, fmt, network=given)
    scores = far.predict(batch_of(given), NCHW)
    values = far.values(files, batch_of(given), NCHW)
    assert list(values) == list(range(len(places(given.layers()))))
    assert np.abs(values[len(values) - 1] - scores).max() <= FAR * np.abs(scores).max()
    for number, want in reference[name].items():
        assert values[number].shape == want.shape, number
        assert values[number].dtype == np.float32
        assert np.abs(values[number] - want).max() <= FAR * np.abs(want).max(), number
