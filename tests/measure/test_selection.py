"""What is to be run: patterns, frameworks, and the recipe in effect."""

from __future__ import annotations

import pytest

from zoo.documents.load import Zoo, load_zoo
from zoo.errors import UsageError
from zoo.measure import selection
from zoo.records import Divide


@pytest.fixture(scope="module")
def published() -> Zoo:
    return load_zoo("published")


def test_patterns_join_and_keep_order(published: Zoo) -> None:
    found = [each.id for each in selection.checkpoints(published, "tflite/*,onnx-zoo/mobilenetv2-1?")]
    assert found[0].startswith("tflite/")
    assert found[-2:] == ["onnx-zoo/mobilenetv2-10", "onnx-zoo/mobilenetv2-12"]


def test_default_framework_is_the_publishers(published: Zoo) -> None:
    chosen = selection.checkpoints(published, "onnx-zoo/mobilenetv2-12")
    assert [entry.name for _, entry in selection.pairs(chosen, None)] == ["onnxruntime"]


def test_named_frameworks_run_what_they_read(published: Zoo) -> None:
    chosen = selection.checkpoints(published, "onnx-zoo/mobilenetv2-12,tflite/*quant")
    found = [(each.id, entry.name) for each, entry in selection.pairs(chosen, ["tensorflow", "onnxruntime"])]
    assert found == [
        ("onnx-zoo/mobilenetv2-12", "onnxruntime"),
        ("tflite/mobilenet_v2_1.0_224_quant", "tensorflow"),
    ]


def test_own_recipe_without_an_override(published: Zoo) -> None:
    checkpoint = published.checkpoints["onnx-zoo/mobilenetv2-12-int8"]
    found = selection.recipe_in_effect(published, checkpoint, None, None)
    assert found == published.recipes[checkpoint.recipe]


def test_another_geometry_keeps_the_numeric_steps(published: Zoo) -> None:
    checkpoint = published.checkpoints["tflite/mobilenet_v2_1.0_224_quant"]
    found = selection.recipe_in_effect(published, checkpoint, "torch_256_224", None)
    assert found.geometry == published.geometries[published.recipes["torch_256_224"].geometry.id]
    assert found.numeric.steps == published.recipes[checkpoint.recipe].numeric.steps


def test_division_moves_with_the_geometry(published: Zoo) -> None:
    # The int8 file's own geometry divides by 255 before it resizes; without that the network would see 0..255.
    checkpoint = published.checkpoints["onnx-zoo/mobilenetv2-12-int8"]
    own = published.recipes[checkpoint.recipe]
    assert own.geometry.divided_by == 255
    found = selection.recipe_in_effect(published, checkpoint, "torch_256_224", None)
    assert found == published.recipes["torch_256_224"]
    assert found.numeric.steps[0] == Divide(op="divide", by=255)


def test_another_numeric_part(published: Zoo) -> None:
    checkpoint = published.checkpoints["onnx-zoo/mobilenetv2-10"]
    found = selection.recipe_in_effect(published, checkpoint, "torch_256_224", "minus1_1_nhwc")
    assert found.numeric == published.numerics["minus1_1_nhwc"]


def test_unknown_names(published: Zoo) -> None:
    checkpoint = published.checkpoints["onnx-zoo/mobilenetv2-10"]
    with pytest.raises(UsageError, match="nearest: torch_256_224"):
        selection.recipe_in_effect(published, checkpoint, "torch_256_22", None)
    with pytest.raises(UsageError, match="matches 'onnx-zoo/mobilnetv2-7'; nearest: onnx-zoo/mobilenetv2-7"):
        selection.checkpoints(published, "onnx-zoo/mobilnetv2-7")


def test_network_that_takes_bytes_refuses_floats(published: Zoo) -> None:
    checkpoint = published.checkpoints["tflite/mobilenet_v2_1.0_224_quant"]
    with pytest.raises(UsageError, match=r"'slim_224' gives floats, but tflite/.* takes the pixels' bytes"):
        selection.recipe_in_effect(published, checkpoint, "slim_224", None)
    found = selection.recipe_in_effect(published, checkpoint, "slim_224", "minus1_1_nhwc")
    assert found.geometry.dtype == "float32"
