"""The limits of rule X102 on real networks: weights through float16 stay below them, through bfloat16 do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from tests.by_hand.far_side import FarSide
from tests.by_hand.real_networks import NCHW, REAL, real_batch
from zoo.records import LabelMap
from zoo.rules.pairs import scores
from zoo.rules.pairs.same_answers import AVERAGE, LARGEST
from zoo.rules.pairs.scores import Difference

IMAGES = 64


def half(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16).astype(np.float32)


def brain(values: np.ndarray) -> np.ndarray:
    """Rounded to bfloat16: the upper half of a float32."""
    upper = (np.ascontiguousarray(values).view(np.uint32) + 0x8000) & 0xFFFF0000
    return upper.astype(np.uint32).view(np.float32)


def difference(assets: Path, padding: str, rounded: Callable[[np.ndarray], np.ndarray], folder: Path) -> Difference:
    """Between a reconstructed network's scores and those with its float weights rounded."""
    name, network, (mean, std) = REAL[padding]
    path, batch = assets / "reconstructed" / name, real_batch(assets, mean, std, IMAGES)
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(rounded(numpy_helper.to_array(tensor)), tensor.name))
    onnx.save(model, str(folder / "rounded.onnx"))
    label_map = LabelMap(id="all", outputs=network.classes, classes=network.classes, first=0)
    found = []
    with FarSide("onnxruntime") as far:
        for each in (path, folder / "rounded.onnx"):
            far.load([each], "onnx")
            found.append(scores.read(far.predict(batch, NCHW), label_map))
    measured = scores.difference(found[0], found[1])
    assert measured is not None
    return measured


@pytest.mark.parametrize("padding", list(REAL))
def test_float16_is_below_the_limits(padding: str, assets: Path, tmp_path: Path) -> None:
    found = difference(assets, padding, half, tmp_path)
    assert 0 < found.average < AVERAGE
    assert found.largest < LARGEST


@pytest.mark.parametrize("padding", list(REAL))
def test_bfloat16_is_above_them(padding: str, assets: Path, tmp_path: Path) -> None:
    assert difference(assets, padding, brain, tmp_path).average > AVERAGE
