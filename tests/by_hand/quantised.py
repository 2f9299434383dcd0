"""Small quantised networks whose answers are known: products of bytes whose sums do not fit 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DEPTH, CLASSES, SIDE = 32, 16, 5
STEP = np.float32(2**13)  # of the answers: a power of two, so that no rounding depends on how a float is multiplied

# name -> (dtype of the data, integer operators or float ones between dequantised bytes)
KINDS = {
    "u8s8 operators": (np.uint8, True),
    "u8s8 dequantised": (np.uint8, False),
    "s8s8 operators": (np.int8, True),
    "s8s8 dequantised": (np.int8, False),
}


def weights() -> np.ndarray:
    """int8 (CLASSES, DEPTH, 1, 1), near the ends of the range."""
    random = np.random.default_rng(7)
    signs = random.choice([-1, 1], (CLASSES, 1, 1, 1))  # one sign a class, or neighbours would cancel
    return (signs * random.integers(90, 128, (CLASSES, DEPTH, 1, 1))).astype(np.int8)


def data(dtype: type, rows: int = 6) -> np.ndarray:
    """float32 (rows, SIDE, SIDE, DEPTH), NHWC: whole numbers near the upper end of `dtype`."""
    top = int(np.iinfo(dtype).max)
    return np.random.default_rng(8).integers(top - 55, top + 1, (rows, SIDE, SIDE, DEPTH)).astype(np.float32)


def true_scores(rows: np.ndarray) -> np.ndarray:
    """The network's answers in exact integers, float32 (rows, CLASSES): sums in whole steps, then their mean."""
    sums = np.einsum("nhwd,cd->nhwc", rows.astype(np.int64), weights()[:, :, 0, 0].astype(np.int64))
    levels = np.rint(sums / np.float64(STEP))
    assert np.abs(levels).max() < 127
    return (levels * np.float64(STEP)).mean(axis=(1, 2)).astype(np.float32)


def write(kind: str, path: Path) -> None:
    """An .onnx of one convolution of `data` by `weights`: float32 (N, DEPTH, SIDE, SIDE) to (N, CLASSES)."""
    dtype, integer = KINDS[kind]
    zero = dtype(128 if dtype is np.uint8 else 0)  # of the answers, which have both signs
    stored = {
        "one": np.float32(1), "step": STEP, "data_zero": dtype(0), "weight_zero": np.int8(0), "zero": zero,
        "weights": weights(),
    }  # fmt: skip
    middle = [
        helper.make_node(
            "QLinearConv", ["bytes", "one", "data_zero", "weights", "one", "weight_zero", "step", "zero"], ["levels"]
        )
    ]
    if not integer:
        middle = [
            helper.make_node("DequantizeLinear", ["bytes", "one", "data_zero"], ["again"]),
            helper.make_node("DequantizeLinear", ["weights", "one", "weight_zero"], ["weights_again"]),
            helper.make_node("Conv", ["again", "weights_again"], ["sums"]),
            helper.make_node("QuantizeLinear", ["sums", "step", "zero"], ["levels"]),
        ]
    nodes = [
        helper.make_node("QuantizeLinear", ["data", "one", "data_zero"], ["bytes"]),
        *middle,
        helper.make_node("DequantizeLinear", ["levels", "step", "zero"], ["values"]),
        helper.make_node("ReduceMean", ["values"], ["scores"], axes=[2, 3], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "bytes",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", DEPTH, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", CLASSES])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
