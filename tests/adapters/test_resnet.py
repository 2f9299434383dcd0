"""A second family in the real frameworks: ResNet-50 with random weights, written, loaded, looked into and answering."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.common.contract import AdapterError
from adapters.common.resnet import ResNet
from adapters.common.untrained import tensors
from adapters.tensorflow.names import KERAS, SLIM, rows
from tests.by_hand.far_side import PASS_THROUGH, FarSide
from tests.by_hand.real_networks import NCHW
from zoo.documents import counting
from zoo.records import Checkpoint
from zoo.records import ResNet as Record

RESNET_50 = ResNet()
PARAMETERS, MULTIPLY_ADDS = 25_557_032, 4_089_184_256  # torchvision's page of ResNet50_Weights: 25557032, 4.09 GFLOPS
SMALL = ResNet(resolution=64, classes=10)
GRAPHS = [("tensorflow", fmt) for fmt in ("frozen_graph", "saved_model", "tflite")]
FORMATS = [
    *GRAPHS, ("openvino", "openvino_ir"), ("mindspore", "mindspore_ckpt"), ("mxnet", "gluon_params"),
    ("mxnet", "mxnet_symbol"),
]  # fmt: skip


def answers(framework: str, fmt: str, network: ResNet, batch: np.ndarray, folder: Path) -> tuple[np.ndarray, Any]:
    """Scores (N, classes) of the untrained network in one format, and what is found in its files."""
    with FarSide(framework) as far:
        files = far.export(tensors(network.layers()), asdict(network), fmt, folder / fmt)
    with FarSide(framework) as far:  # TensorFlow's threads can be set only before it computes anything
        info = far.load(files, fmt, network=asdict(network))
        scores = far.predict(batch, NCHW if info["input_shape"][1] == 3 else PASS_THROUGH)
        return scores, far.inspect(files, fmt, network=asdict(network))


def images(side: int, count: int = 3) -> np.ndarray:
    """float32 (count, side, side, 3), NHWC."""
    return np.random.default_rng(5).uniform(-1, 1, (count, side, side, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """ONNX Runtime's answers for the small one."""
    return answers("onnxruntime", "onnx", SMALL, images(64), tmp_path_factory.mktemp("onnx"))[0]


def test_the_table_is_torchvisions() -> None:
    shapes = RESNET_50.layers().tensor_shapes()
    trained = {name: shape for name, shape in shapes.items() if "running" not in name}
    assert sum(map(math.prod, trained.values())) == PARAMETERS
    assert RESNET_50.layers().multiply_adds() == MULTIPLY_ADDS
    assert len(shapes) == 53 * 5 + 2
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert shapes["layer2.0.downsample.1.running_mean"] == (512,)
    assert shapes["layer4.2.conv3.weight"] == (2048, 512, 1, 1)
    assert shapes["fc.weight"] == (1000, 2048)
    assert "layer1.1.downsample.0.weight" not in shapes


@pytest.mark.parametrize(("depth", "parameters"), [(101, 44_549_160), (152, 60_192_808)])
def test_deeper_ones(depth: int, parameters: int) -> None:
    """torchvision's counts."""
    record = Record(family="resnet", depth=depth, resolution=224, classes=1000)
    assert next(counting.parameters(counting.parts(record))).value == parameters


def test_unknown_depth() -> None:
    with pytest.raises(ValueError, match="depth 18 is not known; known: 50, 101, 152"):
        ResNet(depth=18).layers()


def test_a_record_says_the_family() -> None:
    network = {"family": "resnet", "resolution": 224, "classes": 1000}
    fields = {"id": "a/b", "framework": "torch", "format": "f", "recipe": "r", "label_map": "l", "export_from": "w"}
    record = Checkpoint.from_json({**fields, "network": network})
    assert Checkpoint.from_json(record.to_json()) == record
    assert record.network is not None
    assert counting.parts(record.network).multiply_adds == MULTIPLY_ADDS
    unnamed = Checkpoint.from_json({**fields, "network": {"alpha": 1.0, "resolution": 224, "classes": 1000}})
    assert unnamed.network is not None
    assert unnamed.network.family == "mobilenet_v2"


@pytest.mark.parametrize("dialect", [SLIM, KERAS], ids=["slim", "keras"])
def test_names_of_another_family_are_refused(dialect: Any) -> None:
    with pytest.raises(AdapterError, match=r"family 'mobilenet_v2', whose tensor names .* got one of 'resnet'; use a"):
        rows(dialect, RESNET_50.layers())


def test_torch_and_onnxruntime_agree(tmp_path: Path) -> None:
    batch = images(224)
    (torch, in_torch), (onnx, in_onnx) = (
        answers(framework, fmt, RESNET_50, batch, tmp_path)
        for framework, fmt in (("torch", "torch_state_dict"), ("onnxruntime", "onnx"))
    )
    for found in (in_torch, in_onnx):
        trained = found["parameters"] - found["parameters_by"]["statistics"]
        assert (trained, found["multiply_adds"]) == (PARAMETERS, MULTIPLY_ADDS)
        assert (found["convolutions"], found["classes"]) == (53, 1000)
    assert in_torch["dialect"] == "torchvision"
    assert in_onnx["activations"] == {"relu": 49}
    assert np.array_equal(torch.argmax(axis=1), onnx.argmax(axis=1))
    assert np.abs(torch - onnx).max() < 1e-4 * np.abs(onnx).max()
    assert len({*onnx.argmax(axis=1)}) > 1  # not one answer to everything


@pytest.mark.parametrize(("framework", "fmt"), FORMATS)
def test_the_other_frameworks_agree(framework: str, fmt: str, expected: np.ndarray, tmp_path: Path) -> None:
    scores, found = answers(framework, fmt, SMALL, images(64), tmp_path)
    assert np.abs(scores - expected).max() < 1e-4 * np.abs(expected).max()
    assert found["multiply_adds"] == SMALL.layers().multiply_adds()
    assert (found["convolutions"], found["classes"]) == (53, 10)
