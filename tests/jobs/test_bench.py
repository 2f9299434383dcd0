"""`zoo bench` on real networks: every framework is timed, and answers while being timed as it always does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.by_hand.built import built
from tests.by_hand.commands import zoo
from zoo import disk
from zoo.documents.load import load_zoo
from zoo.frameworks.table import framework, public_frameworks
from zoo.images import image_sets, pixels
from zoo.images.digests import file_digests
from zoo.measure.accuracy import Evaluation, Settings
from zoo.measure.preparation import Planned, Preparation
from zoo.measure.speed import PROCESSES
from zoo.progress import Talk
from zoo.records import Report

BUDGET = 4  # seconds: enough for every rule to have its numbers, too little to quote them


def report_of(out: Path, *arguments: object) -> Report:
    """Of a bench in which every cell was timed."""
    done = zoo("bench", "--out", out, "--budget", BUDGET, *arguments, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    table = [line for line in done.stdout.splitlines() if " b8t2 " in line]
    assert len(table) == 2 * 6  # speed, and what it takes until the first answer
    assert max(map(len, table)) <= 100
    return Report.from_json(json.loads((out / "report.json").read_text()))


@pytest.mark.slow
def test_all_frameworks_are_timed_with_the_answers_of_their_accuracy_run(tmp_path: Path, own_home: Path) -> None:
    for entry in public_frameworks():
        built(entry.name)
    out, one_each = tmp_path / "run", "onnx,frozen_graph,torch_state_dict,mindspore_ckpt,openvino_ir,mxnet_symbol"
    names = ",".join(f"embedded/{name}" for name in one_each.split(","))
    report = report_of(out, "--checkpoints", names, "--batch", 8, "--threads", 2)
    cells = {run.subject: run for run in report.latencies}
    assert {run.framework for run in report.latencies} == {entry.name for entry in public_frameworks()}
    assert len(cells) == 6
    for run in cells.values():
        assert (run.images_checked, run.different) == (64, 0), run.subject
        assert (run.threads_read, run.precision, run.processes) == (2, "fp32", PROCESSES), run.subject
        assert run.live_threads >= 1
        assert run.multiply_adds == 10_684_848
        assert min(run.load_seconds, run.first_call_seconds, run.images_per_second) > 0
        assert run.memory_peak > run.memory_before > 0
        assert run.file_bytes > 1_000_000
    outcomes = {rule: {each.outcome for each in report.verdicts if each.rule == rule} for rule in ("L102", "L103")}
    assert outcomes == {"L102": {"pass"}, "L103": {"pass"}}
    assert {each.outcome for each in report.verdicts if each.rule == "L101"} <= {"pass", "inconclusive"}
    assert {stage.stage for stage in report.stages} == {"geometry", "numeric"}
    assert len(list((out / "benchmarks").glob("*.json"))) == PROCESSES * len(cells)


# One published checkpoint of every format and dialect that holds weights of a known architecture.
UNTRAINED = (
    "tf-slim/mobilenet_v2_0.35_96", "keras/mobilenet_v2_0.35_96", "tflite/mobilenet_v2_1.0_224",
    "onnx-zoo/mobilenetv2-7", "torchvision/mobilenet_v2-v1", "timm/mobilenetv2_050.lamb_in1k",
    "d-li14/mobilenetv2_0.25-b61d2159", "gluoncv/mobilenetv2_0.25", "omz/mobilenet-v2-pytorch-ir",
    "mindspore/mobilenet_v2_0.75_192",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", UNTRAINED)
def test_random_weights_stand_in_for_a_file_that_is_not_here(name: str, own_home: Path) -> None:
    published = load_zoo("published")
    checkpoint = published.checkpoints[name]
    built(checkpoint.framework)
    planned = Planned(checkpoint, framework(checkpoint.framework), published.recipes[checkpoint.recipe])
    task = Preparation(published, Talk(quiet=True)).untrained(planned)
    chosen = image_sets.sample(image_sets.open_image_set(disk.EMBEDDED / "images"), 8, seed=0)
    blocks = pixels.blocks(chosen, file_digests(chosen, own_home / "digests"))
    pixels.fill(planned.recipe.geometry, blocks, jobs=1)
    with Evaluation(task, Settings(threads=2)) as evaluation:
        evaluation.check()
        scores = evaluation.answers(blocks[0]).first_scores
    assert scores.shape == (8, published.label_maps[checkpoint.label_map].outputs)
    # neither faded to one constant nor grown beyond what a softmax can tell apart
    assert len({row.argmax() for row in scores}) > 1
    assert task.located.sha256 not in {file.sha256 for file in checkpoint.files}


@pytest.mark.slow
def test_an_untrained_network_is_timed_and_says_so(tmp_path: Path, own_home: Path) -> None:
    built("onnxruntime")
    arguments = ("--zoo", "published", "--images", disk.EMBEDDED / "images", "--untrained", "--budget", 5 * BUDGET)
    done = zoo("bench", *arguments, "--checkpoints", "onnx-zoo/mobilenetv2-7", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    (run,) = Report.from_json(json.loads((tmp_path / "run" / "report.json").read_text())).latencies
    assert (run.status, run.untrained, run.weights, run.different) == ("done", True, "", 0)


@pytest.mark.slow
def test_what_has_no_file_and_no_float_architecture_is_not_timed(tmp_path: Path, own_home: Path) -> None:
    arguments = ("--zoo", "published", "--images", disk.EMBEDDED / "images", "--untrained")
    done = zoo("bench", *arguments, "--checkpoints", "tflite/*_quant", "--out", tmp_path / "run")
    assert done.returncode == 3, done.stderr
    assert "random weights are offered for float networks" in done.stdout
