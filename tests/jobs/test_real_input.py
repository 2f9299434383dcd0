"""Published checkpoints and real labelled images, where they are present (ZOO_ASSETS)."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.by_hand.built import built
from tests.by_hand.commands import zoo
from zoo import machine
from zoo.documents.classes import imagenet_classes
from zoo.frameworks.workers import Worker
from zoo.records import Report

INT8, QUANT = "onnx-zoo/mobilenetv2-12-int8", "tflite/mobilenet_v2_1.0_224_quant"
# Byte products are added exactly, so these counts hold on every x86 processor.


def cuts_sums_off() -> bool:
    """Whether byte products of two neighbours are added in 16 bits here: on x86 without VNNI."""
    return "avx2" in (sets := set(machine.instruction_sets())) and not sets & {"avx512_vnni", "avx_vnni"}


@pytest.fixture
def out(tmp_path: Path, assets: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_MIRROR", str(assets / "checkpoints"))
    return tmp_path / "run"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("checkpoint", "framework", "images", "recipe", "top1", "top5"),
    [
        (INT8, "onnxruntime", "imagenet_sample_1000", "torch_256_224", 827, 956),
        (INT8, "onnxruntime", "imagenet_sample_1000", "onnx_zoo_256_224", 827, 956),
        # 88.6 belongs to a rounded long side and a crop from the floor; torchvision truncates the one and rounds the
        # other, and the pixel between them moves six images of this quantised network.
        (QUANT, "tensorflow", "imagenet_sample_1000", "onnx_zoo_256_224", 886, 979),
        (QUANT, "tensorflow", "imagenet_sample_1000", "torch_256_224", 892, 980),
        (INT8, "onnxruntime", "ilsvrc2012_val_1300", "centre_224", 1018, 1216),
        (QUANT, "tensorflow", "ilsvrc2012_val_1300", "centre_224", 1026, 1226),
    ],
)
def test_published_checkpoint_on_real_images(
    assets: Path, out: Path, checkpoint: str, framework: str, images: str, recipe: str, top1: int, top5: int
) -> None:
    built(framework)
    done = zoo(
        "validate", "--zoo", "published", "--checkpoints", checkpoint, "--images", assets / "images" / images,
        "--recipe", recipe, "--out", out, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = Report.from_json(json.loads((out / "report.json").read_text()))
    (run,) = report.runs
    assert run.hash_verified
    assert run.precision == "int8"
    assert run.integer_sums == "exact"
    assert (run.top1_correct, run.top5_correct) == (top1, top5)
    accuracy = [verdict for verdict in report.verdicts if verdict.rule in ("A101", "A102")]
    assert {verdict.rule for verdict in accuracy} == {"A101", "A102"}
    assert {verdict.outcome for verdict in accuracy} == {"not_comparable"}
    assert all("is neither the 50,000 images of" in verdict.reason for verdict in accuracy)
    # What can be said of the file itself needs no image: hash, size, inputs and outputs, the network in it.
    of_the_file = {verdict.rule: verdict.outcome for verdict in report.verdicts if verdict.rule[0] in "PS"}
    assert {"P101", "P102", "P103", "S103", "S104"} <= of_the_file.keys()
    by_processor = of_the_file.pop("S105", None)
    assert set(of_the_file.values()) == {"pass"}
    # Only a processor whose defaults cut sums off can show it; the loss of this file is known.
    expected = "known" if run.as_shipped else "inconclusive"
    assert by_processor == (expected if checkpoint == INT8 else None)
    assert (run.as_shipped is not None) == (checkpoint == INT8 and cuts_sums_off())
    assert "not comparable" in done.stdout


TO_ID = {index: number for number, index in imagenet_classes().by_ilsvrc2012_id.items()}


def relabelled(source: Path, target: Path, move: Callable[[int], int]) -> Path:
    """A label file with every class number moved."""
    with source.open(newline="", encoding="utf-8") as file:
        rows = [(row["file"], move(int(row["class_index"]))) for row in csv.DictReader(file)]
    with target.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "class_index"), *rows])
    return target


@pytest.mark.slow
@pytest.mark.parametrize(
    ("move", "said"),
    [
        (lambda index: TO_ID[index] - 1, "with the labels read as ILSVRC2012_ID less one, "),
        (lambda index: (index + 1) % 1000, "with label - 1, "),
        (lambda index: 7 * index % 1000, "are no better than guessing"),
    ],
)
def test_wrong_labels_of_real_images_are_nonsense(
    assets: Path, out: Path, tmp_path: Path, move: Callable[[int], int], said: str
) -> None:
    built("onnxruntime")
    images = assets / "images" / "imagenet_sample_1000"
    labels = relabelled(images / "labels.csv", tmp_path / "wrong.csv", move)
    done = zoo(
        "validate", "--zoo", "published", "--checkpoints", INT8, "--images", images, "--labels", labels,
        "--recipe", "torch_256_224", "--out", out, timeout=600,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    outcomes = {each.rule: each for each in Report.from_json(json.loads((out / "report.json").read_text())).verdicts}
    assert (outcomes["A101"].outcome, outcomes["A201"].outcome) == ("not_comparable", "fail")
    assert said in outcomes["A201"].reason
    assert "nonsense" in outcomes["A101"].reason


@pytest.mark.slow
@pytest.mark.parametrize(("label_map", "code"), [("background_first", 0), ("trailing_unused", 1)])
def test_label_map_of_a_real_network_is_off_by_one(assets: Path, tmp_path: Path, label_map: str, code: int) -> None:
    """The network has 1001 outputs, and either label map lets it run."""
    built("onnxruntime")
    network = assets / "reconstructed" / "mobilenet_v2_1.0_224_fp32-backbone_int8-classifier.onnx"
    shutil.copyfile(network, tmp_path / network.name)
    (tmp_path / "checkpoints.toml").write_text(
        f'[[checkpoint]]\nid = "own/tf"\nframework = "onnxruntime"\nformat = "onnx"\nrecipe = "hf_slim_256_224"\n'
        f'label_map = "{label_map}"\nfiles = [{{ name = "{network.name}" }}]\n'
    )
    done = zoo(
        "validate", "--zoo", tmp_path, "--images", assets / "images" / "imagenet_sample_1000", "--sample", 300,
        "--out", tmp_path / "run", timeout=600,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    fits = "label map 'background_first' fits (class 0 is output 1), not 'trailing_unused' (output 0)"
    assert (fits in done.stdout) == (code == 1)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_published_input_gives_the_published_output(assets: Path, tmp_path: Path, number: int) -> None:
    """The ONNX zoo's sample tensors through the reconstructed network: only its classifier was ever quantised."""
    environment = built("onnxruntime")
    sample = assets / "reference_io" / "mobilenetv2_nchw" / str(number)
    given = np.load(sample / "input_0.npy")
    # The sample is a network input already, so it travels as a float store, NHWC, and only the layout is applied.
    np.save(tmp_path / "store.npy", np.ascontiguousarray(given.transpose(0, 2, 3, 1)))
    network = assets / "reconstructed" / "mobilenetv2-12_fp32-backbone_int8-classifier.onnx"
    with Worker(environment.framework, environment.python) as worker:
        worker.request("load", files=[str(network)], options={"threads": 2, "format": "onnx"})
        worker.request(
            "predict", store=str(tmp_path / "store.npy"), rows=[0, len(given)],
            numeric=[{"op": "layout", "order": "nchw"}], out=str(tmp_path / "out.npy"),
        )  # fmt: skip
    scores, published = np.load(tmp_path / "out.npy"), np.load(sample / "output_0.npy")
    assert np.abs(scores - published).max() < 0.1
    assert np.array_equal(np.argsort(-scores)[:, :5], np.argsort(-published)[:, :5])
