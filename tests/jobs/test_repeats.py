"""The first images of a run are answered again, by real networks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.by_hand import little_zoo, onnx_edits, variations
from tests.by_hand.built import built
from tests.by_hand.opened import named, opened
from tests.by_hand.variations import Variation
from zoo.documents.load import load_zoo
from zoo.frameworks.table import public_frameworks
from zoo.jobs import repeats
from zoo.jobs.case import Opened
from zoo.records.predictions import Predictions


@pytest.fixture
def little(tmp_path: Path, own_home: Path) -> Path:
    """Two hundred small images for the fake framework."""
    return little_zoo.make(tmp_path / "little", 200)


def the_case(folder: Path, checkpoint: str = "little/good", **request: object) -> Opened:
    (case,) = opened(folder, folder / "out", checkpoints=checkpoint, **request)
    return case


def test_a_steady_network_names_nothing(little: Path) -> None:
    found = repeats.look(the_case(little))
    assert not found.candidates
    assert not found.not_looked
    assert len(found.excluded) == 5


@pytest.mark.parametrize(
    ("unsteady", "cause"),
    [("random", "not_deterministic"), ("neighbours", "depends_on_neighbours"), ("threads", "threads")],
)
def test_an_unsteady_network_is_named(little: Path, unsteady: str, cause: str) -> None:
    little_zoo.add_checkpoint(little, "unsteady", unsteady=unsteady)
    (candidate,) = repeats.look(the_case(little, "little/unsteady")).candidates
    assert (candidate.cause, candidate.certainty, candidate.images) == (f"repeat.{cause}", "shown", 64)
    assert "--checkpoints little/unsteady" in candidate.command


def test_a_call_that_answers_otherwise_is_named(little: Path) -> None:
    little_zoo.add_checkpoint(little, "moody", misbehave="change_mind", misbehave_at=9)
    assert set(named(repeats.look(the_case(little, "little/moody")))) == {"repeat.not_deterministic"}


@pytest.mark.parametrize("batch_size", [1, 8, 48])
def test_each_image_has_the_neighbours_that_it_had_in_the_run(little: Path, batch_size: int) -> None:
    little_zoo.add_checkpoint(little, "unsteady", unsteady="neighbours")
    found = repeats.look(the_case(little, "little/unsteady", batch_size=batch_size))
    assert set(named(found)) == {"repeat.depends_on_neighbours"}


def test_defaults_that_lose_answers_are_named_where_the_run_has_them(tmp_path: Path, own_home: Path) -> None:
    folder = little_zoo.make(tmp_path / "little", 600)
    little_zoo.add_checkpoint(folder, "bytes", saturates=0.2)
    candidate = named(repeats.look(the_case(folder, "little/bytes", arithmetic="as-shipped")))["repeat.arithmetic"]
    assert (candidate.certainty, candidate.images) == ("shown", 512)
    assert candidate.explains is not None
    assert 0.1 < candidate.explains < 0.3


def test_defaults_that_lose_answers_are_no_fault_of_an_exact_run(tmp_path: Path, own_home: Path) -> None:
    folder = little_zoo.make(tmp_path / "little", 600)
    little_zoo.add_checkpoint(folder, "bytes", saturates=0.2)
    assert not repeats.look(the_case(folder, "little/bytes")).candidates


def test_answers_of_another_file_are_named(little: Path) -> None:
    case = the_case(little)
    model = json.loads((little / "good.json").read_text())
    (little / "good.json").write_text(json.dumps({**model, "misbehave": "change_mind"}))
    little_zoo.add_checkpoint(little, "other", unsteady="threads")
    (little / "good.json").write_text((little / "other.json").read_text())
    candidate = named(repeats.look(case))["repeat.kept_differ"]
    assert "the file is another one" in candidate.evidence


def test_kept_answers_that_were_changed_are_named(little: Path) -> None:
    case = the_case(little)
    assert isinstance(case.case.answers, Predictions)
    scores = case.case.answers.first_scores.copy()
    scores[[4, 9]] = scores[[9, 4]] + np.eye(10, dtype=np.float32)[:2]
    answers = replace(case.case.answers, first_scores=scores)
    found = repeats.look(replace(case, case=replace(case.case, answers=answers)))
    candidate = named(found)["repeat.kept_differ"]
    assert "2 of 64 images" in candidate.evidence
    assert "as far as it says" in candidate.evidence


def test_without_images_nothing_is_looked_at(little: Path) -> None:
    found = repeats.look(replace(the_case(little), source=None, absent="the folder is gone"))
    assert found.not_looked == ("answering the same images again: the folder is gone",)


@pytest.mark.slow
@pytest.mark.parametrize("framework", [entry.name for entry in public_frameworks()])
def test_the_embedded_networks_are_steady(framework: str, tmp_path: Path, own_home: Path) -> None:
    built(framework)
    own = [name for name, each in load_zoo("embedded").checkpoints.items() if each.framework == framework]
    (case,) = opened("embedded", tmp_path / "out", checkpoints=own[0], sample=64)
    found = repeats.look(case)
    assert not found.candidates
    assert not found.not_looked


def norms_of_the_batch(model: onnx.ModelProto) -> None:
    """Batch norms that take mean and variance from the images of the call, as in training."""
    for node in model.graph.node:
        if node.op_type == "BatchNormalization":
            node.attribute.append(onnx.helper.make_attribute("training_mode", 1))
            node.output.extend([f"{node.output[0]}.mean", f"{node.output[0]}.variance"])


@pytest.mark.parametrize("batch_size", [1, 8, 40])
def test_batch_norms_as_in_training_depend_on_neighbours(batch_size: int, tmp_path: Path, own_home: Path) -> None:
    built("onnxruntime")
    edit = onnx_edits.in_order(onnx_edits.with_opset(15), norms_of_the_batch)
    sick = Variation(name="training", what="batch norms as in training", graph=edit)
    folder = variations.write_zoo(tmp_path / "zoo", [sick])
    (case,) = opened(folder, tmp_path / "out", images=str(variations.IMAGES), batch_size=batch_size)
    assert set(named(repeats.look(case))) == {"repeat.depends_on_neighbours"}


@pytest.mark.parametrize("op", ["RandomNormalLike", "RandomUniformLike"])
def test_noise_in_the_graph_is_not_deterministic(op: str, tmp_path: Path, own_home: Path) -> None:
    built("onnxruntime")

    def noisy(model: onnx.ModelProto) -> None:
        wanted = model.graph.output[0].name
        for node in model.graph.node:
            node.output[:] = ["quiet" if name == wanted else name for name in node.output]
        model.graph.node.append(onnx.helper.make_node(op, ["quiet"], ["noise"]))
        model.graph.node.append(onnx.helper.make_node("Add", ["quiet", "noise"], [wanted]))

    folder = variations.write_zoo(tmp_path / "zoo", [Variation(name="noisy", what="noise added", graph=noisy)])
    (case,) = opened(folder, tmp_path / "out", images=str(variations.IMAGES))
    assert set(named(repeats.look(case))) == {"repeat.not_deterministic"}
