"""What TensorFlow's and MXNet's files say is read as it is: however it is written, whatever is wrong, in any type."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.common.canonical import steps_of_tensors
from adapters.common.steps import SOURCE, Step
from tests.by_hand.far_side import FarSide, run_inside
from tests.by_hand.real_networks import NCHW, random_tensors
from tests.by_hand.stepwise import FAR, KERAS, SMALL, batch_of, folded, same_graph, same_tensors

QUANTISED = "mobilenet_v2_1.0_224_quant.tflite"
PROJECTION, DEPTHWISE, ADDITION = 2, 4, 9  # numbers of steps that the edits below change


@pytest.fixture(scope="module")
def far() -> Any:
    with FarSide("tensorflow") as side:
        yield side


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Format -> files of the small network, and of the one that pads as Keras does as "keras"."""
    folder = tmp_path_factory.mktemp("files")
    with FarSide("tensorflow") as side:
        return {
            name: side.export(random_tensors(network), network, fmt, folder / name)
            for name, network, fmt in (
                ("frozen_graph", SMALL, "frozen_graph"),
                ("saved_model", KERAS, "saved_model"),
            )
        }


@pytest.fixture(scope="module")
def good(far: FarSide, written: dict[str, list[Path]]) -> list[Step]:
    return far.steps(written["frozen_graph"], "frozen_graph")


def edited(far: FarSide, written: dict[str, list[Path]], kind: str, folder: Path) -> list[Step]:
    run_inside("tensorflow", "edit_graph", written["frozen_graph"][0], folder / "edited.pb", kind)
    return far.steps([folder / "edited.pb"], "frozen_graph")


def differences(one: list[Step], two: list[Step]) -> dict[int, set[str]]:
    """Number of a step -> its plain fields that differ, the name of its output aside."""
    fields = ("kind", "inputs", "bits", "activation", "stride", "pads", "groups", "kernel", "before", "behind")
    found = {}
    for number, (first, second) in enumerate(zip(one, two, strict=True)):
        other = {name for name in fields if getattr(first, name) != getattr(second, name)}
        if (first.norm and first.norm.epsilon) != (second.norm and second.norm.epsilon):
            other.add("epsilon")
        if first.weight is not None and not np.array_equal(folded(first)[0], folded(second)[0], equal_nan=False):
            other.add("weight")
        if other:
            found[number] = other
    return found


@pytest.mark.parametrize(
    ("kind", "number", "expected"),
    [
        ("no_activation", DEPTHWISE, {"activation": ""}),
        ("more_activation", PROJECTION, {"activation": "relu6"}),
        ("other_bounds", DEPTHWISE, {"activation": "clip(0, 3)"}),
        ("training", PROJECTION, {"norm": None}),
        ("pads", 0, {"pads": (0, 0, 2, 2)}),
    ],
)
def test_a_change_of_a_graph_is_read(
    far: FarSide, written: dict[str, list[Path]], good: list[Step], tmp_path: Path, kind: str, number: int,
    expected: dict[str, Any],
) -> None:  # fmt: skip
    steps = edited(far, written, kind, tmp_path)
    assert {name: getattr(steps[number], name) for name in expected} == expected
    changed = {number: set(expected) - {"norm"}}
    if kind == "training":  # what has no field of a step is told by the next one
        assert steps[number + 1].before == ("batch_norm(of the batch)",)
        changed = {number: {"epsilon", "weight"}, number + 1: {"before"}}
    assert differences(good, steps) == changed


def test_another_epsilon_is_read(
    far: FarSide, written: dict[str, list[Path]], good: list[Step], tmp_path: Path
) -> None:
    steps = edited(far, written, "epsilon", tmp_path)
    assert {step.norm.epsilon for step in steps if step.norm} == {1e-5, 1e-3}
    assert differences(good, steps) == {PROJECTION: {"epsilon", "weight"}}


def test_weights_that_are_no_numbers_are_read(
    far: FarSide, written: dict[str, list[Path]], good: list[Step], tmp_path: Path
) -> None:
    weight = edited(far, written, "not_a_number", tmp_path)[PROJECTION].weight
    assert weight is not None
    assert np.isnan(weight[0]).all()
    assert np.array_equal(weight[1:], np.asarray(good[PROJECTION].weight)[1:])


def test_a_missing_residual_is_read(
    far: FarSide, written: dict[str, list[Path]], good: list[Step], tmp_path: Path
) -> None:
    steps = edited(far, written, "no_residual", tmp_path)
    kinds = [step.kind for step in good]
    assert kinds[ADDITION] == "add"
    assert [step.kind for step in steps] == kinds[:ADDITION] + kinds[ADDITION + 1 :]
    assert steps[ADDITION].inputs == (ADDITION - 1,)


def test_a_batch_norm_of_single_operators_is_folded(
    far: FarSide, written: dict[str, list[Path]], good: list[Step], tmp_path: Path
) -> None:
    steps = edited(far, written, "separate_norm", tmp_path)
    assert steps[PROJECTION].norm is None
    for have, want in zip(steps, good, strict=True):
        same_tensors(have, want)
    assert set(differences(good, steps)) == {PROJECTION}


def test_what_stands_around_the_network_is_told(
    far: FarSide, written: dict[str, list[Path]], good: list[Step], tmp_path: Path
) -> None:
    steps = edited(far, written, "scaled_input", tmp_path)
    assert steps[0].before == ("div(2)",)
    assert steps[-1].behind == ("softmax",)
    assert differences(good, steps) == {0: {"before"}, len(steps) - 1: {"behind"}}


def test_half_precision_weights(far: FarSide, written: dict[str, list[Path]], tmp_path: Path) -> None:
    run_inside("tensorflow", "halve", written["saved_model"][0].parent, tmp_path / "half.tflite")
    steps = far.steps([tmp_path / "half.tflite"], "tflite")
    expected = steps_of_tensors(random_tensors(KERAS), KERAS.layers())
    assert {step.bits for step in steps if step.weight is not None} == {16}
    for step, want in zip(steps, expected, strict=True):
        same_tensors(step, want, tolerance=1e-3)
    same_graph(steps, KERAS.layers())


def test_bytes(far: FarSide, written: dict[str, list[Path]], tmp_path: Path) -> None:
    batch = batch_of(KERAS, 8)
    np.save(tmp_path / "rows.npy", batch)
    path = tmp_path / "bytes.tflite"
    run_inside("tensorflow", "quantise", written["saved_model"][0].parent, tmp_path / "rows.npy", "int8", path)
    steps = far.steps([path], "tflite")
    expected = steps_of_tensors(random_tensors(KERAS), KERAS.layers())
    for step, want in zip(steps, expected, strict=True):
        assert (step.kind, step.inputs) == (want.kind, want.inputs)
        assert step.produced is not None
        assert step.produced.dtype == "int8"
        assert len(step.consumed) == len(step.inputs)
        for source, level in zip(step.inputs, step.consumed, strict=True):
            assert source == SOURCE or level == steps[source].produced
        same_tensors(step, want, tolerance=0.02)
        if step.weight is not None:
            assert step.bits == 8
            assert step.weight_scale is not None
            levels = folded(step)[0] / step.weight_scale.reshape([-1] + [1] * (step.weight.ndim - 1))
            assert np.abs(levels - np.rint(levels)).max() < 1e-2
    far.load([path], "tflite", batch_size=8)
    scores, values = far.predict(batch), far.values([path], batch)
    assert np.array_equal(values[len(steps) - 1], scores)
    assert len(values) == len(steps)


def test_the_published_quantised_file(far: FarSide, assets: Path) -> None:
    path = assets / "checkpoints" / QUANTISED
    steps = far.steps([path], "tflite")
    assert Counter(step.kind for step in steps) == {"conv": 52, "add": 10, "mean": 1, "classifier": 1}
    assert [step.kind for step in steps[-2:]] == ["mean", "classifier"]
    assert {step.bits for step in steps if step.weight is not None} == {8}
    assert (steps[0].pads, steps[-1].weight is not None and steps[-1].weight.shape) == ((0, 0, 1, 1), (1001, 1280))
    assert not any(step.before or step.behind for step in steps)
    rows = np.random.default_rng(7).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)
    far.load([path], "tflite", batch_size=1)
    scores, values = far.predict(rows), far.values([path], rows)
    assert list(values) == list(range(len(steps)))
    assert np.array_equal(values[len(steps) - 1], scores)
    assert values[0].shape == (1, 32, 112, 112)


# MXNet, whose symbols are JSON


@pytest.fixture(scope="module")
def symbol(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A worker, and the small network's symbol and parameters."""
    with FarSide("mxnet") as side:
        files = side.export(random_tensors(SMALL), SMALL, "mxnet_symbol", tmp_path_factory.mktemp("symbol"))
        yield side, files


def changed(symbol: Any, folder: Path, place: int, kind: str, **attributes: str) -> list[Step]:
    """Steps of the symbol with attributes of one of its nodes of a kind changed; None takes one away."""
    far, (graph, parameters) = symbol
    content = json.loads(graph.read_text())
    node = [node for node in content["nodes"] if node["op"] == kind][place]
    node["attrs"] = {**node["attrs"], **attributes}
    path = folder / "other-symbol.json"
    path.write_text(json.dumps(content))
    steps: list[Step] = far.steps([path, parameters], "mxnet_symbol")
    return steps


def test_a_change_of_a_symbol_is_read(symbol: Any, tmp_path: Path) -> None:
    far, files = symbol
    good = far.steps(files, "mxnet_symbol")
    steps = changed(symbol, tmp_path, 0, "clip", a_max="3.5")
    assert steps[0].activation == "clip(0, 3.5)"
    assert differences(good, steps) == {0: {"activation"}}
    steps = changed(symbol, tmp_path, 2, "BatchNorm", eps="0.001")
    assert differences(good, steps) == {PROJECTION: {"epsilon", "weight"}}
    steps = changed(symbol, tmp_path, 0, "Convolution", pad="(0, 0)")
    assert differences(good, steps) == {0: {"pads"}}
    # MXNet's default, under which it takes every gamma as 1, whatever is stored
    steps = changed(symbol, tmp_path, 1, "BatchNorm", fix_gamma="True")
    assert steps[1].norm is not None
    assert np.all(steps[1].norm.gamma == 1)
    assert differences(good, steps) == {1: {"weight"}}


def test_values_are_those_of_the_changed_symbol(symbol: Any, tmp_path: Path) -> None:
    far, files = symbol
    batch = batch_of(SMALL)
    far.load(files, "mxnet_symbol", network=SMALL)
    good = far.values(files, batch, NCHW)
    changed(symbol, tmp_path, 2, "BatchNorm", eps="0.5")
    other = [tmp_path / "other-symbol.json", files[1]]
    far.load(other, "mxnet_symbol", network=SMALL)
    values = far.values(other, batch, NCHW)
    apart = [
        number for number in good if np.abs(values[number] - good[number]).max() > FAR * np.abs(good[number]).max()
    ]
    assert apart == list(range(PROJECTION, len(good)))
