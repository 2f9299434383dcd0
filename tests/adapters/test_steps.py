"""The same network in every format gives the same steps, and the same values behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from adapters.common.canonical import places, steps_of_tensors
from tests.by_hand.far_side import PASS_THROUGH, FarSide
from tests.by_hand.real_networks import NCHW, as_logits
from tests.by_hand.stepwise import FAR, NETWORKS, batch_of, same_graph, same_tensors, tensors_of

# format -> framework that writes and reads it, and whether it holds a graph
FORMATS = {
    "onnx": ("onnxruntime", True), "torch_state_dict": ("torch", False), "openvino_ir": ("openvino", True),
    "frozen_graph": ("tensorflow", True), "saved_model": ("tensorflow", True), "tflite": ("tensorflow", True),
    "slim_ckpt": ("tensorflow", False), "keras_h5": ("tensorflow", False),
    "mxnet_symbol": ("mxnet", True), "gluon_params": ("mxnet", False), "mindspore_ckpt": ("mindspore", False),
}  # fmt: skip
FOLDED = ("tflite",)  # what is written has its batch norms in the weights
SOFTMAX = ("slim_ckpt", "keras_h5")  # networks built around their tensors answer with one
# Not every format has names or a graph for every network; and one large network in one graph of a kind is enough
NOT_RESIDUAL = ("slim_ckpt", "saved_model", "gluon_params")
CASES = [
    (fmt, name)
    for fmt in FORMATS
    for name in NETWORKS
    if (name == "keras") == (fmt == "keras_h5") and (name != "residual" or fmt not in NOT_RESIDUAL)
]


@pytest.fixture(scope="module")
def sides() -> Iterator[Callable[[str], FarSide]]:
    """A framework's worker, the one before it being ended; tests come in the order of frameworks."""
    running: list[FarSide] = []

    def side(framework: str) -> FarSide:
        if not running or running[0].framework != framework:
            for other in running:
                other.__exit__(None, None, None)
            running[:] = [FarSide(framework).__enter__()]
        return running[0]

    yield side
    for other in running:
        other.__exit__(None, None, None)


@pytest.fixture
def far(fmt: str, sides: Callable[[str], FarSide]) -> FarSide:
    return sides(FORMATS[fmt][0])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], list[Path]]:
    """Files of a format and a network, written by a worker of their own: TensorFlow fixes its threads at first use."""
    folder = tmp_path_factory.mktemp("steps")

    @cache
    def of_framework(framework: str) -> dict[tuple[str, str], list[Path]]:
        with FarSide(framework) as side:
            return {
                (fmt, name): side.export(tensors_of(name), NETWORKS[name], fmt, folder / fmt / name)
                for fmt, name in CASES
                if FORMATS[fmt][0] == framework
            }

    return lambda fmt, name: of_framework(FORMATS[fmt][0])[fmt, name]


@pytest.mark.parametrize(("fmt", "name"), CASES)
def test_steps_are_those_of_the_table(
    fmt: str, name: str, far: FarSide, exported: Callable[[str, str], list[Path]]
) -> None:
    given, (_, graph) = NETWORKS[name], FORMATS[fmt]
    tensors, network = tensors_of(name), given.layers()
    steps = far.steps(exported(fmt, name), fmt, network=given)
    expected = steps_of_tensors(tensors, network)
    assert [(step.kind, step.inputs) for step in steps] == [(step.kind, step.inputs) for step in expected]
    for step, want in zip(steps, expected, strict=True):
        same_tensors(step, want)
        assert (step.bits, step.before, step.behind, step.consumed, step.produced) == (32, (), (), (), None)
        assert (step.norm is None) == (step.kind != "conv" or fmt in FOLDED)
        assert step.norm is None or step.norm.epsilon == pytest.approx(given.bn_epsilon)
    if graph:
        same_graph(steps, network)
    else:
        assert {(step.activation, step.stride, step.pads, step.output) for step in steps} == {("?", None, None, "")}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, np.ndarray]]:
    """ONNX Runtime's values behind every step of each network."""
    found = {}
    with FarSide("onnxruntime") as far:
        for name, given in NETWORKS.items():
            files = far.export(tensors_of(name), given, "onnx", tmp_path_factory.mktemp(name))
            far.load(files, "onnx")
            found[name] = far.values(files, batch_of(given), NCHW)
    return found


@pytest.mark.parametrize(("fmt", "name"), CASES)
def test_values_agree_behind_every_step(
    fmt: str,
    name: str,
    far: FarSide,
    exported: Callable[[str, str], list[Path]],
    reference: dict[str, dict[int, np.ndarray]],
) -> None:
    given = NETWORKS[name]
    files, batch = exported(fmt, name), batch_of(given)
    info = far.load(files, fmt, network=given, batch_size=len(batch))
    numeric = PASS_THROUGH if info["input_shape"][-1] == 3 else NCHW
    scores = far.predict(batch, numeric)
    values = far.values(files, batch, numeric)
    assert list(values) == list(range(len(places(given.layers()))))
    last = values[len(values) - 1]
    assert (fmt in SOFTMAX) == np.allclose(scores.sum(axis=1), 1, atol=1e-4)
    assert np.abs(last - as_logits(scores, last)).max() <= FAR * np.abs(last).max()
    for number, want in reference[name].items():
        assert values[number].shape == want.shape, number
        assert values[number].dtype == np.float32
        assert np.abs(values[number] - want).max() <= FAR * np.abs(want).max(), number
