"""Real weights through every door: both reconstructed networks, written in every format, evaluated by the suite.

The reconstructed networks hold published tensors (but for a re-scaled classifier), so a naming table, a padding or an
epsilon that is wrong shows here and not with random weights.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from adapters.common.mobilenet_v2 import MobileNetV2
from tests.by_hand.built import built
from tests.by_hand.commands import zoo
from tests.by_hand.reconstructed import canonical_tensors, with_statistics
from zoo.records import Report, Run
from zoo.records.predictions import Predictions

SYMMETRIC = "mobilenetv2-12_fp32-backbone_int8-classifier.onnx"
SAME = "mobilenet_v2_1.0_224_fp32-backbone_int8-classifier.onnx"

# format -> (framework, input layout)
FORMATS = {
    "onnx": ("onnxruntime", "nchw"),
    "torch_state_dict": ("torch", "nchw"),
    "mindspore_ckpt": ("mindspore", "nchw"),
    "saved_model": ("tensorflow", "nhwc"),
    "frozen_graph": ("tensorflow", "nhwc"),
    "tflite": ("tensorflow", "nhwc"),
    "slim_ckpt": ("tensorflow", "nhwc"),
    "keras_h5": ("tensorflow", "nhwc"),
    "openvino_ir": ("openvino", "nchw"),
    "mxnet_symbol": ("mxnet", "nchw"),
    "gluon_params": ("mxnet", "nchw"),
}
NETWORKS: dict[str, dict[str, Any]] = {  # top1: percent of the sample
    "symmetric": {"file": SYMMETRIC, "classes": 1000, "map": "imagenet1000", "eps": 1e-5, "top1": 85.0},
    "same": {"file": SAME, "classes": 1001, "map": "background_first", "eps": 1e-3, "top1": 90.25},
}
SAMPLE = 400  # images: enough for a door that is wrong to show

NUMERIC = {
    "symmetric": "{ op = 'divide', by = 255 }, "
    "{ op = 'normalise', mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }",
    "same": "{ op = 'divide', by = 127.5 }, { op = 'subtract', value = 1 }",
}


def formats(name: str) -> list[str]:
    """Keras's own network pads as SAME does and can hold nothing else."""
    return [fmt for fmt in FORMATS if name == "same" or fmt != "keras_h5"]


def write_zoo(folder: Path, name: str, assets: Path) -> None:
    """A zoo whose checkpoints are all written from one network; `published` is the asset itself."""
    facts = NETWORKS[name]
    source = assets / "reconstructed" / facts["file"]
    folder.mkdir()
    shutil.copy(source, folder)
    # Keras leaves no epsilon to choose; slim's is the same.
    network = MobileNetV2(classes=facts["classes"], padding=name, bn_epsilon=facts["eps"])
    tensors = with_statistics(canonical_tensors(source, network), network)
    save_file(tensors, folder / "weights.safetensors")
    recipes = [
        f"[[numeric]]\nid = 'own_{layout}'\nsteps = [{NUMERIC[name]}, {{ op = 'layout', order = '{layout}' }}]\n"
        f"[[recipe]]\nid = 'own_{layout}'\ngeometry = 'torch_256_224'\nnumeric = 'own_{layout}'\n"
        for layout in ("nchw", "nhwc")
    ]
    (folder / "recipes.toml").write_text("\n".join(recipes))
    same = f"label_map = '{facts['map']}'\nweights = 'real/{name}'\n"
    written = (
        "export_from = 'weights.safetensors'\nnetwork = { alpha = 1.0, resolution = 224, "
        f"classes = {facts['classes']}, padding = '{name}', bn_epsilon = {facts['eps']} }}\n"
    )
    checkpoints = [
        f"[[checkpoint]]\nid = 'real/reconstructed'\nframework = 'onnxruntime'\nformat = 'onnx'\n"
        f"recipe = 'own_nchw'\n{same}files = [{{ name = '{facts['file']}' }}]\n"
    ]
    for fmt in formats(name):
        framework, layout = FORMATS[fmt]
        checkpoints.append(
            f"[[checkpoint]]\nid = 'real/{fmt}'\nframework = '{framework}'\nformat = '{fmt}'\n"
            f"recipe = 'own_{layout}'\n{same}{written}"
        )
    (folder / "checkpoints.toml").write_text("\n".join(checkpoints))


def evaluate(folder: Path, name: str, assets: Path, images: Path) -> tuple[Report, dict[str, Predictions]]:
    for framework in {framework for framework, _ in FORMATS.values()}:
        built(framework)
    write_zoo(folder / "zoo", name, assets)
    done = zoo(
        "validate",
        "--zoo",
        folder / "zoo",
        "--images",
        images,
        "--sample",
        SAMPLE,
        "--out",
        folder / "run",
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = Report.from_json(json.loads((folder / "run" / "report.json").read_text()))
    kept = {run.checkpoint: Predictions.read(folder / "run" / "predictions" / f"{run.key}.npz") for run in report.runs}
    return report, kept


def check_agreement(report: Report, kept: dict[str, Predictions]) -> None:
    """Every door against ONNX Runtime on the reconstructed file itself."""
    reference = kept["real/reconstructed"]
    for run in report.runs:
        answers = kept[run.checkpoint]
        assert int((answers.indices[:, 0] != reference.indices[:, 0]).sum()) <= 1, run.checkpoint
        assert (run.precision, run.threads) == ("fp32", report.runs[0].threads), run.checkpoint
    judged = {(verdict.rule, verdict.subject): verdict for verdict in report.verdicts}
    others = [run for run in report.runs if run.checkpoint != "real/reconstructed"]
    for run in others:
        for rule in ("X101", "X102"):
            assert judged[rule, run.subject].outcome == "pass", judged[rule, run.subject].reason
        difference = judged["X102", run.subject].measured
        assert difference is not None
        assert difference < 2e-3


def top1(run: Run) -> float:
    return 100 * run.top1_correct / run.n


@pytest.mark.slow
@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_door(name: str, assets: Path, tmp_path: Path) -> None:
    report, kept = evaluate(tmp_path, name, assets, assets / "images" / "imagenet_sample_1000")
    assert len(report.runs) == len(formats(name)) + 1
    check_agreement(report, kept)
    for run in report.runs:
        assert top1(run) == pytest.approx(NETWORKS[name]["top1"], abs=0.5), run.checkpoint
    assert np.mean(kept["real/reconstructed"].top5) > 0.95
