"""The look at a file alone on files that frameworks wrote, and that converters and slips of the pen change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.by_hand import onnx_edits
from tests.by_hand.far_side import FarSide
from tests.by_hand.file_networks import a_case, embedded_checkpoint, embedded_tensors, made
from tests.by_hand.real_networks import REAL
from zoo.diagnose.network import FileNetwork, parsed
from zoo.diagnose.tensors import Reference, look
from zoo.documents import counting
from zoo.documents.load import load_zoo
from zoo.frameworks.table import framework
from zoo.jobs import tensors
from zoo.jobs.case import Opened, kin_of
from zoo.measure import selection
from zoo.measure.accuracy import Settings
from zoo.measure.preparation import Planned, Preparation
from zoo.progress import Talk
from zoo.records.diagnoses import Findings


def network_in(name: str, path: Path, fmt: str) -> FileNetwork:
    """The network of a file, as an adapter tells it."""
    with FarSide(name) as far:
        out = Path(far.folder.name) / "steps.npz"
        reply = far.ask("steps", files=[path], options={"threads": 2, "format": fmt}, out=out)
        with np.load(out, allow_pickle=False) as archive:
            return parsed(reply["steps"], {key: archive[key] for key in archive.files})


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded network as an .onnx."""
    network = embedded_checkpoint().network
    assert network is not None
    with FarSide("onnxruntime") as far:
        given = counting.layers(network).given
        return far.export(embedded_tensors(), given, "onnx", tmp_path_factory.mktemp("onnx"))[0]


def edited(path: Path, edit: Callable[[onnx.ModelProto], onnx.ModelProto | None], folder: Path) -> Findings:
    """What is found in the .onnx after an edit, beside the network as it was."""
    model = onnx.load(str(path))
    onnx.save(edit(model) or model, str(folder / "edited.onnx"))
    own, checkpoint = network_in("onnxruntime", folder / "edited.onnx", "onnx"), embedded_checkpoint()
    assert checkpoint.network is not None
    good = Reference("zoo/good", "converted from", made(embedded_tensors(), checkpoint.network))
    return look(a_case(checkpoint), own, [good])


HARMLESS = (
    onnx_edits.folded_norms, onnx_edits.relu_and_min, onnx_edits.product_and_sum, onnx_edits.classifier_as_convolution,
    onnx_edits.mean_over_positions, onnx_edits.with_dropout, onnx_edits.constants_as_nodes, onnx_edits.stored_in_halves,
    onnx_edits.renamed,
)  # fmt: skip


@pytest.mark.parametrize("edit", HARMLESS)
def test_nothing_is_named_however_the_graph_is_written(
    edit: Callable[[onnx.ModelProto], None], exported: Path, tmp_path: Path
) -> None:
    findings = edited(exported, edit, tmp_path)
    assert findings.candidates == ()
    assert any("53 of 53 layers equal" in each.by for each in findings.excluded)


def other_epsilon(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "epsilon":
                attribute.f = 1e-3


def other_padding(model: onnx.ModelProto) -> None:
    strided = [
        node for node in model.graph.node
        if any(each.name == "strides" and list(each.ints) == [2, 2] for each in node.attribute)
    ]  # fmt: skip
    assert len(strided) == 5
    for node in strided:
        for attribute in node.attribute:
            if attribute.name == "pads":
                attribute.ints[:] = [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("edit", "cause"),
    [
        (onnx_edits.only_relu, "file.activation"),
        (other_epsilon, "file.epsilon"),
        (other_padding, "file.padding"),
        (onnx_edits.in_order(other_epsilon, onnx_edits.folded_norms), "file.epsilon"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    edit: Callable[[onnx.ModelProto], None], cause: str, exported: Path, tmp_path: Path
) -> None:
    findings = edited(exported, edit, tmp_path)
    assert [each.cause for each in findings.candidates] == [cause]


def test_a_checkpoint_and_its_relatives_are_opened() -> None:
    zoo = load_zoo("embedded")
    checkpoint = zoo.checkpoints["embedded/onnx"]
    kin = [each for each in kin_of(zoo, checkpoint) if each.planned.checkpoint.format == "openvino_ir"]
    recipe = selection.recipe_in_effect(zoo, checkpoint, None, None)
    own = Planned(checkpoint, framework("openvino"), recipe)  # read by the framework of the format all the same
    talk = Talk(quiet=True)
    opened = Opened(a_case(checkpoint), own, zoo, Preparation(zoo, talk), Settings(2), talk, kin=kin)
    findings = tensors.look(opened)
    assert (findings.candidates, findings.not_looked) == ((), ())
    assert "53 of 53 layers equal those of embedded/openvino_ir (same weights)" in findings.excluded[-1].by
    alone = tensors.look(Opened(a_case(checkpoint), own, zoo, Preparation(zoo, talk), Settings(2), talk))
    assert alone.not_looked == ("tensors against a relative: the file of none is on this machine",)


def test_a_file_that_is_not_here_is_not_looked_at() -> None:
    zoo = load_zoo("published")
    checkpoint = zoo.checkpoints["onnx-zoo/mobilenetv2-12-int8"]
    recipe = selection.recipe_in_effect(zoo, checkpoint, None, None)
    own, talk = Planned(checkpoint, framework("onnxruntime"), recipe), Talk(quiet=True)
    findings = tensors.look(Opened(a_case(checkpoint), own, zoo, Preparation(zoo, talk), Settings(2), talk))
    assert findings.candidates == ()
    assert checkpoint.id in findings.not_looked[0]


def test_published_bytes_are_those_of_their_float_network(assets: Path) -> None:
    """Every convolution of the published file is the published float one, rounded to bytes."""
    checkpoint = load_zoo("published").checkpoints["onnx-zoo/mobilenetv2-12-int8"]
    own = network_in("onnxruntime", assets / "checkpoints" / "mobilenetv2-12-int8.onnx", "onnx")
    other = network_in("onnxruntime", assets / "reconstructed" / REAL["symmetric"][0], "onnx")
    for first, second in ((own, other), (other, own)):
        findings = look(a_case(checkpoint), first, [Reference("zoo/float", "converted from", second)])
        assert findings.candidates == ()
        assert "(53 of them to 8 bits)" in findings.excluded[-1].by
