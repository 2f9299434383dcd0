"""The embedded network in many forms: HEALTHY ones answer as it does, SICK ones do not.

Rules must find each sick one, and raise no alarm for a healthy one. `write_zoo` makes a folder for
`zoo validate --zoo` of them: real files, for each framework's own worker.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from safetensors.numpy import load_file

from tests.by_hand import onnx_edits, weight_edits
from tests.by_hand.far_side import FarSide
from zoo import disk

IMAGES = disk.EMBEDDED / "images"
PREFIX = "control"
RECIPE = "embedded_110_96"
CLASSES = 24
DOCUMENTED = "embedded/onnx"  # whose documented numbers every variation has
TABLES = ("recipes.toml", "label_maps.toml", "populations.toml", "sources.csv")


@dataclass(frozen=True, kw_only=True)
class Variation:
    """One form of the embedded network, or one way to run it.

    what: in words; weights, graph: edits of the tensors before, and of the ONNX graph after, it is written;
    framework, fmt: who writes and reads the file; network: fields of its record that differ; label_map, recipe: of its
    record; external: tensors in a file of their own; runner: the framework that runs it, where that is another one;
    request: arguments of `zoo validate` that differ. A variation with a request has no file of its own: it runs the
    first one's.
    found_by: rules that must fail or refute; none of a healthy one.
    """

    name: str
    what: str
    weights: weight_edits.Edit | None = None
    graph: onnx_edits.Edit | None = None
    framework: str = "onnxruntime"
    fmt: str = "onnx"
    network: dict[str, Any] = field(default_factory=dict)
    label_map: str = "embedded"
    recipe: str = RECIPE
    external: bool = False
    request: dict[str, Any] = field(default_factory=dict)
    found_by: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Of its checkpoint."""
        return f"{PREFIX}/{self.name}"

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that `write_zoo` makes; none where the worker writes them from the weights."""
        if self.framework != "onnxruntime":
            return ()
        return (f"{self.name}.onnx", *([f"{self.name}.data"] if self.external else []))


def _softmax(axis: int = 1) -> tuple[str, Sequence[Any], dict[str, Any]]:
    return "Softmax", (), {"axis": axis}


def _halves() -> tuple[tuple[str, Sequence[Any], dict[str, Any]], ...]:
    return ("Cast", (), {"to": onnx.TensorProto.FLOAT16}), ("Cast", (), {"to": onnx.TensorProto.FLOAT})


NUMBER = np.float32

HEALTHY = (
    Variation(name="as_exported", what="as the suite writes it"),
    # scores of another kind
    Variation(name="softmax", what="a softmax at the end", graph=onnx_edits.after(_softmax())),
    Variation(name="two_softmaxes", what="a softmax of a softmax", graph=onnx_edits.after(_softmax(), _softmax())),
    Variation(name="log_softmax", what="logarithms of a softmax",
              graph=onnx_edits.after(("LogSoftmax", (), {"axis": 1}))),
    Variation(name="sigmoid", what="a sigmoid of each score", graph=onnx_edits.after(("Sigmoid", (), {}))),
    Variation(name="constant_added", what="7 added to all logits",
              graph=onnx_edits.after(("Add", [NUMBER(7)], {}))),
    Variation(name="cold", what="logits times 2.5", graph=onnx_edits.after(("Mul", [NUMBER(2.5)], {}))),
    Variation(name="hot", what="logits divided by 20", graph=onnx_edits.after(("Div", [NUMBER(20)], {}))),
    Variation(name="hot_softmax", what="a softmax of logits divided by 4",
              graph=onnx_edits.after(("Div", [NUMBER(4)], {}), _softmax())),
    Variation(name="scores_in_halves", what="logits rounded to float16", graph=onnx_edits.after(*_halves())),
    # the same layers, written otherwise
    Variation(name="folded_norms", what="batch norms folded into the convolutions", graph=onnx_edits.folded_norms),
    Variation(name="folded_norms_softmax", what="batch norms folded, a softmax at the end",
              graph=onnx_edits.in_order(onnx_edits.folded_norms, onnx_edits.after(_softmax()))),
    Variation(name="relu_and_min", what="ReLU6 as ReLU and a minimum", graph=onnx_edits.relu_and_min),
    Variation(name="product_and_sum", what="the classifier as a product and a sum", graph=onnx_edits.product_and_sum),
    Variation(name="classifier_as_convolution", what="the classifier as a 1x1 convolution",
              graph=onnx_edits.classifier_as_convolution),
    Variation(name="mean_over_positions", what="the pooling as a mean", graph=onnx_edits.mean_over_positions),
    Variation(name="reshaped", what="a reshape instead of a flattening", graph=onnx_edits.reshaped),
    Variation(name="with_dropout", what="a dropout before the classifier", graph=onnx_edits.with_dropout),
    Variation(name="constants_as_nodes", what="tensors as constant nodes", graph=onnx_edits.constants_as_nodes),
    Variation(name="renamed", what="other names for all tensors", graph=onnx_edits.renamed),
    Variation(name="second_output", what="the features as a second output", graph=onnx_edits.second_output),
    Variation(name="free_scores", what="a file that leaves the number of scores open", graph=onnx_edits.free_scores),
    Variation(name="external_tensors", what="tensors in a file of their own", external=True),
    Variation(name="opset_17", what="operators of ONNX's version 17", graph=onnx_edits.with_opset(17)),
    Variation(name="batch_of_1", what="a graph for one image at a time", graph=onnx_edits.fixed_batch(1)),
    Variation(name="batch_of_6", what="a graph for six images at a time", graph=onnx_edits.fixed_batch(6)),
    Variation(name="channels_last", what="images with the channels last", graph=onnx_edits.channels_last,
              recipe=f"{RECIPE}_nhwc"),
    Variation(name="normalising", what="mean and deviation inside the graph", graph=onnx_edits.normalising,
              recipe="without_mean"),
    # the same weights, stored otherwise
    Variation(name="weights_through_halves", what="all weights rounded to float16 and back",
              weights=weight_edits.through(np.float16)),
    Variation(name="stored_in_halves", what="weights stored as float16, cast when loaded",
              graph=onnx_edits.stored_in_halves),
    Variation(name="channels_in_another_order", what="the channels inside a block in another order",
              weights=weight_edits.channels_in_another_order),
    Variation(name="scaled_before_a_norm", what="a convolution times 4, which its batch norm takes back",
              weights=weight_edits.scaled_before_a_norm),
    Variation(name="background_first", what="an output for the background before the classes",
              weights=weight_edits.with_other_outputs(1, 0), network={"classes": CLASSES + 1},
              label_map="a_background_first"),
    Variation(name="unused_behind", what="three unused outputs behind the classes, and a softmax",
              weights=weight_edits.with_other_outputs(0, 3), graph=onnx_edits.after(_softmax()),
              network={"classes": CLASSES + 3}, label_map="unused_behind"),
    # other formats and frameworks
    Variation(name="frozen_graph", what="TensorFlow's frozen graph", framework="tensorflow", fmt="frozen_graph",
              recipe=f"{RECIPE}_nhwc"),
    Variation(name="tflite", what="a .tflite file", framework="tensorflow", fmt="tflite", recipe=f"{RECIPE}_nhwc"),
    Variation(name="openvino_ir", what="OpenVINO's own format", framework="openvino", fmt="openvino_ir"),
    Variation(name="torch_state_dict", what="PyTorch's state dict", framework="torch", fmt="torch_state_dict"),
    # the same file, run otherwise
    Variation(name="two_threads", what="two threads instead of one", request={"threads": 2}),
    Variation(name="calls_of_one", what="one image a call", request={"batch_size": 1}),
    Variation(name="calls_of_50", what="fifty images a call", request={"batch_size": 50}),
    Variation(name="other_order", what="the images in the opposite order", request={"images": "backwards"}),
)  # fmt: skip

SICK = (
    Variation(name="classes_backwards", what="the classes in the opposite order",
              weights=weight_edits.rows_of_classes(lambda n: np.arange(n)[::-1]),
              found_by=("A101", "A102", "A201", "X101", "X102")),
    Variation(name="two_classes_exchanged", what="two of the classes exchanged",
              weights=weight_edits.rows_of_classes(lambda n: np.array([1, 0, *range(2, n)])),
              found_by=("A101", "X101", "X102")),
    Variation(name="block_zeroed", what="one block that adds nothing",
              weights=weight_edits.zeroed(f"{weight_edits.PROJECT}.weight"), found_by=("X101", "X102")),
    Variation(name="channels_zeroed", what="four channels of 144 of one convolution lost",
              weights=weight_edits.channels_zeroed, found_by=("X101", "X102")),
    Variation(name="no_bias", what="the classifier's bias not loaded",
              weights=weight_edits.zeroed(weight_edits.BIAS), found_by=("X102",)),
    Variation(name="statistics_not_loaded", what="batch norms as before training",
              weights=weight_edits.statistics_not_loaded, found_by=("A101", "A102", "A201", "X101", "X102")),
    Variation(name="kernels_turned", what="height and width of the kernels exchanged",
              weights=weight_edits.kernels_turned, found_by=("X101", "X102")),
    Variation(name="four_bits", what="weights of four bits", weights=weight_edits.coarse, found_by=("X101", "X102")),
    Variation(name="only_relu", what="ReLU in place of ReLU6", graph=onnx_edits.only_relu, found_by=("S104", "X102")),
    Variation(name="block_zeroed_softmax", what="one block that adds nothing, and a softmax at the end",
              weights=weight_edits.zeroed(f"{weight_edits.PROJECT}.weight"), graph=onnx_edits.after(_softmax()),
              found_by=("X101", "X102")),
    Variation(name="no_bias_two_softmaxes", what="the bias not loaded, and a softmax of a softmax",
              weights=weight_edits.zeroed(weight_edits.BIAS), graph=onnx_edits.after(_softmax(), _softmax()),
              found_by=("X102",)),
    Variation(name="other_epsilon", what="the batch norms' epsilon of another framework",
              network={"bn_epsilon": 1e-3}, found_by=("X102",)),
    Variation(name="other_padding", what="the padding of another framework",
              network={"padding": "same"}, found_by=("X101", "X102")),
    Variation(name="map_off_by_one", what="the label map of another network",
              weights=weight_edits.with_other_outputs(0, 1), network={"classes": CLASSES + 1},
              label_map="a_background_first", found_by=("A101", "X101", "X102")),
    Variation(name="red_and_blue", what="red and blue exchanged", recipe="red_and_blue",
              found_by=("A101", "X101", "X102")),
    Variation(name="mean_of_a_half", what="mean and deviation of another network", recipe="mean_of_a_half",
              found_by=("A101", "X101", "X102")),
)  # fmt: skip

# Numeric steps that no embedded recipe has, by the recipe that has them.
NUMERIC = {
    "without_mean": '{ op = "divide", by = 255 }',
    "red_and_blue": '{ op = "channels", order = "bgr" }, { op = "divide", by = 255 }, '
    '{ op = "normalise", mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }',
    "mean_of_a_half": '{ op = "divide", by = 255 }, '
    '{ op = "normalise", mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5] }',
}


def write_zoo(folder: Path, variations: Iterable[Variation]) -> Path:
    """A zoo of these variations, all with the embedded network's documented numbers."""
    folder.mkdir(parents=True)
    for name in TABLES:
        shutil.copy(disk.EMBEDDED / name, folder / name)
    with (folder / "recipes.toml").open("a") as out:
        for name, steps in NUMERIC.items():
            out.write(f'\n[[numeric]]\nid = "{name}"\nsteps = [{steps}, {{ op = "layout", order = "nchw" }}]\n')
            out.write(f'[[recipe]]\nid = "{name}"\ngeometry = "torch_110_96"\nnumeric = "{name}"\n')
    with (folder / "label_maps.toml").open("a") as out:
        for name, outputs, first in (("a_background_first", CLASSES + 1, 1), ("unused_behind", CLASSES + 3, 0)):
            out.write(f'\n[[label_map]]\nid = "{name}"\noutputs = {outputs}\nclasses = {CLASSES}\nfirst = {first}\n')
    chosen = [each for each in variations if not each.request]
    _write_files(folder, [each for each in chosen if each.files])
    (folder / "checkpoints.toml").write_text("\n".join(_record(each) for each in chosen))
    _write_claims(folder, chosen)
    return folder


def backwards(images: Path, target: Path) -> Path:
    """The same images under other names, which put them into the opposite order."""
    target.mkdir()
    with (images.parent / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (target / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for number, row in enumerate(reversed(rows)):
            name = f"{number:04d}.jpg"
            (target / name).symlink_to(images / row["file"])
            writer.writerow({**row, "file": name})
    return target


def _network(variation: Variation) -> dict[str, Any]:
    record = json.loads((disk.EMBEDDED / "training.json").read_text(encoding="utf-8"))["network"]
    return {**record, **variation.network}


def _write_files(folder: Path, variations: Sequence[Variation]) -> None:
    """Each ONNX file: the adapter's own export of the changed tensors, then the edit of its graph."""
    tensors = load_file(disk.EMBEDDED / "weights.safetensors")
    with FarSide("onnxruntime") as far:
        for each in variations:
            changed = each.weights(tensors) if each.weights else {}
            exported = folder / f".{each.name}"
            exported.mkdir()
            (path,) = far.export({**tensors, **changed}, _network(each), "onnx", exported)
            model = onnx.load(str(path))
            model = (each.graph(model) if each.graph else None) or model
            onnx.checker.check_model(model, full_check=True)
            name, *external = each.files
            if external:
                onnx.save_model(model, str(folder / name), save_as_external_data=True, location=external[0])
            else:
                onnx.save_model(model, str(folder / name))
            shutil.rmtree(exported)


def _record(variation: Variation) -> str:
    fields = {
        "id": variation.id,
        "framework": variation.framework,
        "format": variation.fmt,
        "recipe": variation.recipe,
        "label_map": variation.label_map,
        "weights": "embedded/mobilenet_v2_0.35_96",
    }
    if not variation.files:
        fields["export_from"] = str(disk.EMBEDDED / "weights.safetensors")
    lines = [f'{name} = "{value}"' for name, value in fields.items()]
    # The record describes the healthy network, but for its number of outputs: that is what a sick one departs from.
    network = {**_network(HEALTHY[0]), "classes": _network(variation)["classes"]}
    parts = (f"{name} = {json.dumps(value)}" for name, value in network.items())
    lines.append(f"network = {{ {', '.join(parts)} }}")
    if variation.files:
        names = (f'{{ name = "{name}" }}' for name in variation.files)
        lines.append(f"files = [{', '.join(names)}]")
    return "\n".join(["[[checkpoint]]", *lines, ""])


def _write_claims(folder: Path, variations: Sequence[Variation]) -> None:
    with (disk.EMBEDDED / "claims.csv").open(newline="", encoding="utf-8") as file:
        documented = [row for row in csv.DictReader(file) if row["checkpoint"] == DOCUMENTED]
    with (folder / "claims.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, documented[0])
        writer.writeheader()
        for each in variations:
            for row in documented:
                writer.writerow({**row, "id": f"{each.id.replace('/', '-')}-{row['metric']}", "checkpoint": each.id})
