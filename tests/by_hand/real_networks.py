"""Networks, weights and images that the tests of several formats share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from adapters.common.mobilenet_v2 import MobileNetV2
from tests.by_hand.far_side import FarSide

NCHW = [{"op": "layout", "order": "nchw"}]  # numeric steps for a float store (N, H, W, 3) that is ready as it is
# padding -> (reconstructed file, its network, mean and std of its recipe for pixels in [0, 1])
REAL = {
    "same": (
        "mobilenet_v2_1.0_224_fp32-backbone_int8-classifier.onnx",
        MobileNetV2(classes=1001, padding="same", bn_epsilon=1e-3),
        ([0.5] * 3, [0.5] * 3),
    ),
    "symmetric": (
        "mobilenetv2-12_fp32-backbone_int8-classifier.onnx",
        MobileNetV2(),
        ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ),
}


def random_tensors(network: MobileNetV2) -> dict[str, np.ndarray]:
    """Canonical tensors whose every part matters, of a network whose scores stay within a softmax's range."""
    random = np.random.default_rng(1)
    tensors = {}
    for name, shape in network.layers().tensor_shapes().items():
        spread = np.sqrt(2 / max(1, int(np.prod(shape[1:])))) if len(shape) > 1 else 0.2
        values = random.normal(0, spread, shape)
        if len(shape) == 1 and name.endswith(("weight", "running_var")):
            values = random.uniform(0.3, 0.9, shape) if name.endswith("weight") else random.uniform(0.5, 1.5, shape)
        tensors[name] = values.astype(np.float32)
    return tensors


def real_batch(assets: Path, mean: list[float], std: list[float], count: int = 16) -> np.ndarray:
    """float32 (count, 224, 224, 3), NHWC, RGB: centre crops of the first images of imagenet_sample_1000."""
    paths = sorted((assets / "images" / "imagenet_sample_1000").rglob("*.JPEG"))[:count]
    pixels = np.stack([_cropped(path) for path in paths]).astype(np.float32) / 255
    return ((pixels - np.array(mean, np.float32)) / np.array(std, np.float32)).astype(np.float32)


def _cropped(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        coloured = image.convert("RGB")
    scale = 256 / min(coloured.size)
    resized = coloured.resize([round(length * scale) for length in coloured.size], Image.Resampling.BILINEAR)
    left, top = ((length - 224) // 2 for length in resized.size)
    return np.asarray(resized.crop((left, top, left + 224, top + 224)))


def reference_logits(onnx_path: Path, batch: np.ndarray) -> np.ndarray:
    """ONNX Runtime's float32 answers (N, classes) of a file that takes NCHW."""
    with FarSide("onnxruntime") as far:
        far.load([onnx_path], "onnx")
        return far.predict(batch, NCHW)


def exported_logits(network: MobileNetV2, batch: np.ndarray, folder: Path) -> np.ndarray:
    """ONNX Runtime's answers (N, classes) for a network's random tensors, through an .onnx in `folder`."""
    with FarSide("onnxruntime") as far:
        far.load(far.export(random_tensors(network), network, "onnx", folder), "onnx")
        return far.predict(batch, NCHW)


def as_logits(scores: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Softmax outputs, known by their sum, as logits with the reference's mean; logits as they are."""
    if not np.allclose(scores.sum(axis=1), 1, atol=1e-4):
        return scores
    logits = np.log(np.maximum(scores, 1e-30))
    return logits - logits.mean(axis=1, keepdims=True) + reference.mean(axis=1, keepdims=True)


def close(got: np.ndarray, expected: np.ndarray) -> bool:
    """Equal but for rounding; the random networks' scores are of any size."""
    return float(np.abs(got - expected).max()) < 1e-4 * float(np.abs(expected).max())
