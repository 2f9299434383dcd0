"""A little zoo of one network in a framework's own format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.by_hand import little_zoo

SIDE, CLASSES = little_zoo.SIDE, little_zoo.CLASSES
WEIGHTS = np.linspace(-1, 1, 3 * CLASSES, dtype=np.float32).reshape(3, CLASSES) ** 3


def a_zoo_of(folder: Path, framework: str, fmt: str, *files: str) -> Path:
    """The little zoo with one checkpoint of these files, which takes the images as floats, NCHW."""
    little_zoo.make(folder)
    recipes = (folder / "recipes.toml").read_text().replace('order = "nhwc"', 'order = "nchw"')
    steps = recipes.replace('{ op = "layout"', '{ op = "divide", by = 255 }, { op = "layout"')
    (folder / "recipes.toml").write_text(steps)
    listed = ", ".join(f'{{ name = "{name}" }}' for name in files)
    (folder / "checkpoints.toml").write_text(
        f'[[checkpoint]]\nid = "little/net"\nframework = "{framework}"\nformat = "{fmt}"\nrecipe = "whole"\n'
        f'label_map = "ten"\nfiles = [{listed}]\n'
    )
    return folder


def an_onnx(folder: Path, location: str) -> None:
    """net.onnx with its weights at `location`."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"]),
        helper.make_node("MatMul", ["mean", "weights"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", CLASSES])],
        [numpy_helper.from_array(WEIGHTS, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save_model(model, str(folder / "net.onnx"), save_as_external_data=True, location=location, size_threshold=0)
