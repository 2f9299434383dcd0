"""The same network in every format gives the same steps, and the same values behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from adapters.common.canonical import places, steps_of_tensors
from tests.by_hand.far_side import FarSide
from tests.by_hand.real_networks import NCHW
from tests.by_hand.stepwise import FAR, NETWORKS, batch_of, same_graph, same_tensors, tensors_of

# framework -> format that it writes and reads, and whether that holds a graph
FORMATS = {"onnxruntime": ("onnx", True), "torch": ("torch_state_dict", False), "openvino": ("openvino_ir", True)}


@pytest.fixture(scope="module", params=FORMATS)
def framework(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def far(framework: str) -> Iterator[FarSide]:
    with FarSide(framework) as side:
        yield side


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
