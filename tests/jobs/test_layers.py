"""Real networks held against each other layer by layer, with faults planted in one of two files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from adapters.common import numeric as adapters_numeric
from tests.by_hand import onnx_edits, variations
from tests.by_hand.built import built
from tests.by_hand.opened import named, opened
from tests.by_hand.variations import Variation
from zoo.diagnose.layers.compared import compared
from zoo.frameworks.table import public_frameworks
from zoo.jobs import layers
from zoo.jobs.case import Opened
from zoo.jobs.layers import applied
from zoo.records import Channels, Divide, Layout, Normalise, Numeric, Subtract

GOOD = "control/as_exported"
Nodes = Callable[[onnx.ModelProto, onnx.NodeProto], None]


def at(number: int, op: str, change: Nodes) -> onnx_edits.Edit:
    """One operator of a type changed, by its number in the graph."""

    def edit(model: onnx.ModelProto) -> None:
        change(model, [node for node in model.graph.node if node.op_type == op][number])

    return edit


def as_tensorflow_pads(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    (pads,) = (each for each in node.attribute if each.name == "pads")
    pads.ints[:] = [0, 0, 1, 1]


def with_epsilon(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    (epsilon,) = (each for each in node.attribute if each.name == "epsilon")
    epsilon.f = 1e-3


def left_out(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    """Its first input takes its place."""
    target = node.output[0]
    onnx_edits.rewritten(
        model,
        lambda each: [helper.make_node("Identity", each.input[:1], each.output)]
        if each.output[0] == target else None,
    )  # fmt: skip


def scaled(factor: float) -> Nodes:
    def change(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
        weight = node.input[1]
        onnx_edits.store(model, weight, onnx_edits.stored(model)[weight] * np.float32(factor))

    return change


# name -> (edit, the layer's canonical name, what is said of it)
FAULTS: dict[str, tuple[onnx_edits.Edit, str, str]] = {
    "padding_first": (at(0, "Conv", as_tensorflow_pads), "features.0.0", "the padding is another"),
    "padding_late": (at(40, "Conv", as_tensorflow_pads), "features.14.conv.1.0", "the padding is another"),
    "epsilon": (at(20, "BatchNormalization", with_epsilon), "features.7.conv.2", "epsilon is another"),
    "no_activation": (at(7, "Clip", left_out), "features.4.conv.1.0", "the activation is another"),
    "no_addition": (at(3, "Add", left_out), "features.9.conv.0.0", "an addition is there on one side alone"),
    "scaled": (at(30, "Conv", scaled(1.1)), "features.11.conv.0.0", "the weights are others"),
    "scaled_a_little": (at(51, "Conv", scaled(0.97)), "features.18.0", "the weights are others"),
}


def kin_alone(case: Opened, checkpoint: str) -> Opened:
    """The case with one kin."""
    return replace(case, kin=[kin for kin in case.kin if kin.planned.checkpoint.id == checkpoint])


def test_a_planted_fault_is_named_at_its_layer(tmp_path: Path, own_home: Path) -> None:
    built("onnxruntime")
    sick = [Variation(name=name, what=name, graph=edit) for name, (edit, _, _) in FAULTS.items()]
    folder = variations.write_zoo(tmp_path / "zoo", [variations.HEALTHY[0], *sick])
    cases = opened(folder, tmp_path / "out", images=str(variations.IMAGES), sample=16)
    for case in cases[1:]:
        _, place, what = FAULTS[case.case.checkpoint.id.partition("/")[2]]
        candidate = named(layers.look(kin_alone(case, GOOD)))["layer.parts"]
        assert (candidate.certainty, candidate.images) == ("shown", 4)
        assert f", {place})" in candidate.title
        assert what in candidate.title
        assert candidate.command.endswith(f"--reference {GOOD}")
    # The good one is at fault in none of these pairs: it does what is documented, or another one agrees with it.
    assert not layers.look(kin_alone(cases[0], "control/padding_late")).candidates


@pytest.mark.slow
def test_healthy_variations_are_not_named(tmp_path: Path, own_home: Path) -> None:
    built("onnxruntime")
    chosen = [each for each in variations.HEALTHY if each.framework == "onnxruntime" and not each.request][::2]
    folder = variations.write_zoo(tmp_path / "zoo", chosen)
    for case in opened(folder, tmp_path / "out", images=str(variations.IMAGES), sample=16)[1:]:
        found = layers.look(kin_alone(case, GOOD))
        assert not found.candidates, (case.case.run.subject, found.candidates)
        assert not found.not_looked, case.case.run.subject


@pytest.mark.parametrize("recipe", ["red_and_blue", "mean_of_a_half"])
def test_another_input_is_named(recipe: str, tmp_path: Path, own_home: Path) -> None:
    built("onnxruntime")
    (sick,) = (each for each in variations.SICK if each.name == recipe)
    folder = variations.write_zoo(tmp_path / "zoo", [variations.HEALTHY[0], sick])
    _, case = opened(folder, tmp_path / "out", images=str(variations.IMAGES), sample=16)
    assert set(named(layers.look(case))) == {"layer.input"}


def test_without_kin_or_images_nothing_is_looked_at(tmp_path: Path, own_home: Path) -> None:
    built("onnxruntime")
    folder = variations.write_zoo(tmp_path / "zoo", variations.HEALTHY[:2])
    case = opened(folder, tmp_path / "out", images=str(variations.IMAGES), sample=16)[0]
    assert "--reference" in layers.look(replace(case, kin=[])).not_looked[0]
    assert "gone" in layers.look(replace(case, source=None, absent="the folder is gone")).not_looked[0]


@pytest.mark.slow
def test_the_embedded_files_agree_in_all_frameworks(tmp_path: Path, own_home: Path) -> None:
    """What one layer adds, and how far values part, on healthy pairs: the margins of zoo/diagnose/layers/parting.py."""
    for entry in public_frameworks():
        built(entry.name)
    cases = opened("embedded", tmp_path / "out", sample=16)
    images = layers._Images(cases[0])
    computations = [images.computation(case.planned) for case in cases]
    for own, other in zip(computations, computations[1:] + computations[:1], strict=True):  # each is both sides once
        comparison = compared(own, other)
        assert len(comparison.points) == len(own.network.layers) == 64
        assert max(point.parting for point in comparison.points) < 5e-6, (own.title, other.title)
        assert max(point.apart for point in comparison.points) < 2e-5, (own.title, other.title)
    found = layers.look(cases[0])
    assert not found.candidates
    assert not found.not_looked


QUANTISED = """
[[checkpoint]]
id = "r/float"
framework = "onnxruntime"
format = "onnx"
recipe = "onnx_zoo_inc_256_224"
label_map = "imagenet1000"
weights = "one"
network = { alpha = 1.0, resolution = 224, classes = 1000 }
files = [{ name = "mobilenetv2-12_fp32-backbone_int8-classifier.onnx" }]

[[checkpoint]]
id = "r/bytes"
framework = "onnxruntime"
format = "onnx"
recipe = "onnx_zoo_inc_256_224"
label_map = "imagenet1000"
weights = "one"
quantised = true
network = { alpha = 1.0, resolution = 224, classes = 1000 }
files = [{ name = "mobilenetv2-12-int8.onnx" }]
"""


@pytest.mark.slow
def test_rounding_to_bytes_is_no_parting(assets: Path, tmp_path: Path, own_home: Path) -> None:
    """A published quantised file and floats of its weights, in both directions."""
    built("onnxruntime")
    folder = tmp_path / "zoo"
    folder.mkdir()
    (folder / "checkpoints.toml").write_text(QUANTISED)
    floats = "reconstructed/mobilenetv2-12_fp32-backbone_int8-classifier.onnx"
    for name in (floats, "checkpoints/mobilenetv2-12-int8.onnx"):
        (folder / Path(name).name).symlink_to(assets / name)
    images = assets / "images" / "imagenet_sample_1000"
    for case in opened(folder, tmp_path / "out", images=str(images), sample=8):
        assert case.kin
        found = layers.look(case)
        assert not found.candidates, found.candidates
        assert not found.not_looked


def test_numeric_steps_are_those_of_the_workers() -> None:
    stored = np.random.default_rng(3).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    steps = (
        Channels(op="channels", order="bgr"),
        Divide(op="divide", by=255),
        Subtract(op="subtract", value=0.25),
        Normalise(op="normalise", mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)),
        Layout(op="layout", order="nhwc"),
    )
    numeric = Numeric(id="own", steps=steps)
    expected = adapters_numeric.apply([step.to_json() for step in steps], stored)
    assert np.allclose(applied(numeric, stored), expected.transpose(0, 3, 1, 2), rtol=1e-6)
