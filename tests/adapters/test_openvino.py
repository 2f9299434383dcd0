"""Every file that the OpenVINO adapter reads and writes, driven through serve.py in OpenVINO's environment."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adapters.common.mobilenet_v2 import MobileNetV2
from tests.by_hand.far_side import FarSide
from tests.by_hand.real_networks import (
    NCHW,
    REAL,
    close,
    exported_logits,
    random_tensors,
    real_batch,
    reference_logits,
)

FRAMEWORK, FORMAT = "openvino", "openvino_ir"
EXPORTS = (FORMAT,)
SMALL = MobileNetV2(alpha=0.35, resolution=96, classes=11)
# how the data files describe Open Model Zoo's conversion of a network from PyTorch, and of one from TensorFlow
FROM_TORCH = {
    "source_format": "torch_state_dict",
    "mean": "123.675,116.28,103.53",
    "scale": "58.624,57.12,57.375",
    "reverse_input_channels": True,
}
FROM_TENSORFLOW = {
    "source_format": "frozen_graph",
    "mean": "127.5,127.5,127.5",
    "scale": "127.5",
    "reverse_input_channels": True,
}
BGR_255: list[dict[str, Any]] = [{"op": "channels", "order": "bgr"}, {"op": "divide", "by": 1}]


@pytest.fixture(scope="module")
def exported(exported: dict[str, list[Path]]) -> list[Path]:
    """The small random network as an IR."""
    return exported[FORMAT]


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """uint8 (3, 96, 96, 3), NHWC, RGB."""
    return np.random.default_rng(4).integers(0, 256, (3, 96, 96, 3), np.uint8)


def normalised(pixels: np.ndarray, mean: list[float], scale: list[float]) -> np.ndarray:
    return (pixels.astype(np.float32) - np.array(mean, np.float32)) / np.array(scale, np.float32)


# IR


def test_info_and_inspect(far: FarSide, exported: list[Path]) -> None:
    for threads in (1, 2):
        info = far.load(exported, FORMAT, threads=threads)
        assert info["threads"] == threads
    assert info["precision"] == "fp32"
    assert (info["input_name"], info["input_shape"]) == ("input", [-1, 3, 96, 96])
    assert (info["output_name"], info["outputs"]) == ("output", 11)
    facts = far.inspect(exported, FORMAT)
    assert facts["parameters"] == sum(array.size for array in random_tensors(SMALL).values())
    assert facts["ops"]["Convolution"] == 35
    assert facts["ops"]["GroupConvolution"] == 17
    assert facts["ops"]["Clamp"] == 35


# the networks that Open Model Zoo's converter makes


def converted_alike(far: FarSide, pixels: np.ndarray, plain: np.ndarray) -> None:
    """What is loaded takes BGR, 0 to 255, and answers as the original takes RGB, normalised."""
    assert close(far.predict(pixels, [*BGR_255, *NCHW]), plain)
    assert not close(far.predict(pixels, [BGR_255[1], *NCHW]), plain)


def test_conversion_from_a_state_dict(far: FarSide, exported: list[Path], pixels: np.ndarray, tmp_path: Path) -> None:
    far.load(exported, FORMAT)
    plain = far.predict(normalised(pixels, [123.675, 116.28, 103.53], [58.624, 57.12, 57.375]), NCHW)
    with FarSide("torch") as torch:
        files = torch.export(random_tensors(SMALL), SMALL, "torch_state_dict:tonylins_2018", tmp_path)
    options = {"network": SMALL, "extra": {**FROM_TORCH, "dialect": "tonylins_2018"}}
    info = far.load(files, FORMAT, **options)
    assert (info["input_name"], info["output_name"]) == ("data", "prob")
    assert info["input_shape"] == [1, 3, 96, 96]
    converted_alike(far, pixels, plain)
    facts = far.inspect(files, FORMAT, **options)
    assert facts["inputs"] == [{"name": "data", "shape": [1, 3, 96, 96], "dtype": "float32"}]
    written = far.export(random_tensors(SMALL), SMALL, "openvino_ir:open_model_zoo", tmp_path)
    far.load(written, FORMAT)
    converted_alike(far, pixels, plain)


def test_conversion_from_onnx(far: FarSide, exported: list[Path], pixels: np.ndarray, tmp_path: Path) -> None:
    far.load(exported, FORMAT)
    plain = far.predict(normalised(pixels, [123.675, 116.28, 103.53], [58.624, 57.12, 57.375]), NCHW)
    logits = exported_logits(SMALL, pixels.astype(np.float32), tmp_path)
    far.load([tmp_path / "model.onnx"], "onnx")
    assert close(far.predict(pixels.astype(np.float32), NCHW), logits)
    extra = {**FROM_TORCH, "source_format": "onnx"}
    far.load([tmp_path / "model.onnx"], FORMAT, extra=extra)
    converted_alike(far, pixels, plain)


def test_frozen_graphs_and_their_conversion(far: FarSide, pixels: np.ndarray, tmp_path: Path) -> None:
    network = MobileNetV2(alpha=0.35, resolution=96, classes=11, padding="same", bn_epsilon=1e-3)
    with FarSide("tensorflow") as tensorflow:
        files = tensorflow.export(random_tensors(network), network, "frozen_graph", tmp_path)
    info = far.load(files, "frozen_graph")
    assert (info["input_name"], info["input_shape"]) == ("input", [-1, 96, 96, 3])
    batch = normalised(pixels, [127.5] * 3, [127.5] * 3)
    plain = far.predict(batch)
    assert close(plain, exported_logits(network, batch, tmp_path))
    far.load(files, FORMAT, extra={**FROM_TENSORFLOW, "output": info["output_name"]})
    nhwc: list[dict[str, Any]] = [{"op": "layout", "order": "nhwc"}]
    assert close(far.predict(pixels, [*BGR_255, *nhwc]), plain)
    assert "expected output 'prob'; the graph's outputs: ['output']" in far.refusal(
        files, "frozen_graph", extra={"output": "prob"}
    )


# files that do not fit


def test_damaged_files(far: FarSide, exported: list[Path], tmp_path: Path) -> None:
    for suffix, fmt in ((".xml", FORMAT), (".onnx", "onnx"), (".pb", "frozen_graph"), (".tflite", "tflite")):
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(exported[0].read_bytes()[:1000])
        files = [path, exported[1]] if fmt == FORMAT else [path]
        assert f"{path} cannot be read as {fmt}: it is damaged, or OpenVINO lacks an operation" in far.refusal(
            files, fmt
        )
    weights = tmp_path / "short.bin"
    weights.write_bytes(exported[1].read_bytes()[:1000])
    assert "Incorrect weights in bin file" in far.refusal([exported[0], weights], FORMAT)


def test_wrong_files(far: FarSide, exported: list[Path], tmp_path: Path) -> None:
    alone = Path(shutil.copy(exported[0], tmp_path / "alone.xml"))
    (tmp_path / "alone.bin").write_bytes(exported[1].read_bytes())  # there, and still not in the record
    assert "alone.bin is not among the checkpoint's files; it holds the weights of alone.xml" in far.refusal(
        [alone], FORMAT
    )
    assert "format 'onnx': expected a .onnx file first" in far.refusal(exported, "onnx")
    assert "source_format goes with format 'openvino_ir', got 'onnx'" in far.refusal(exported, "onnx", extra=FROM_TORCH)
    assert "conversion argument 'scale': expected one number or three, got '1,2'" in far.refusal(
        exported, FORMAT, extra={"source_format": FORMAT, "scale": "1,2"}
    )


def test_a_state_dict_that_does_not_fit(far: FarSide, tmp_path: Path) -> None:
    path = tmp_path / "code.pth"
    path.write_bytes(pickle.dumps({"weight": Path}, protocol=2))
    options: dict[str, Any] = {"network": SMALL, "extra": FROM_TORCH}
    assert "refused: not a plain tensor file, it asks for pathlib.Path" in far.refusal([path], FORMAT, **options)
    assert "the option 'network' is missing" in far.refusal([path], FORMAT, extra=FROM_TORCH)


# real weights


@pytest.mark.parametrize("padding", REAL)
def test_onnx_files_answer_as_in_onnxruntime(far: FarSide, assets: Path, padding: str) -> None:
    name, _, (mean, std) = REAL[padding]
    batch = real_batch(assets, mean, std)
    expected = reference_logits(assets / "reconstructed" / name, batch)
    assert far.load([assets / "reconstructed" / name], "onnx")["precision"] == "fp32"
    scores = far.predict(batch, NCHW)
    assert np.abs(scores - expected).max() < 2e-3
    assert np.array_equal(scores.argmax(axis=1), expected.argmax(axis=1))


@pytest.mark.parametrize(("arithmetic", "precision"), [("exact", "fp32"), ("as-shipped", "int8")])
def test_published_quantised_tflite(far: FarSide, assets: Path, arithmetic: str, precision: str) -> None:
    """Exact, OpenVINO computes in float32 with the rounded weights and activations."""
    checkpoint = assets / "checkpoints" / "mobilenet_v2_1.0_224_quant.tflite"
    info = far.load([checkpoint], "tflite", arithmetic=arithmetic)
    assert (info["input_dtype"], info["input_shape"]) == ("uint8", [1, 224, 224, 3])
    assert info["quantisation"] == [0.0078125, 128]
    assert precision in info["precision"]
    photograph = Image.open(assets / "reference_io" / "grace_hopper.jpg").convert("RGB").resize((224, 224))
    pixels = np.asarray(photograph)[None]
    scores = far.predict(pixels)
    assert scores.argmax() == 653  # military uniform; 0 is the background
    # the output's scale and zero point, as the file states them
    levels = scores / 0.09889253973960876 + 58
    assert np.abs(levels - np.rint(levels)).max() < 1e-2
    assert np.array_equal(far.predict((pixels.astype(np.float32) - 128) / 128), scores)


def test_operations_that_openvino_lacks(far: FarSide, assets: Path) -> None:
    message = far.refusal([assets / "checkpoints" / "mobilenetv2-12-int8.onnx"], "onnx")
    assert "OpenVINO lacks an operation of it" in message
    assert "QLinearConv" in message
