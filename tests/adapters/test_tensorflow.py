"""Every format that the TensorFlow adapter reads and writes, through serve.py in TensorFlow's environment."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adapters.common.contract import Adapter, AdapterError, ModelInfo
from adapters.common.dialects import checked
from adapters.common.mobilenet_v2 import MobileNetV2
from adapters.tensorflow.names import KERAS, SLIM, rows, to_canonical, to_dialect, unaliased
from tests.by_hand import far_side
from tests.by_hand.far_side import FarError, FarSide
from tests.by_hand.real_networks import random_tensors

FRAMEWORK = "tensorflow"
EXPORTS = ("frozen_graph", "saved_model", "tflite", "slim_ckpt", "keras_h5")
SOFTMAX = ("slim_ckpt", "keras_h5")
SMALL = MobileNetV2(alpha=0.35, resolution=96, classes=11, padding="same", bn_epsilon=1e-3)
STEM = "MobilenetV2/Conv/weights"
AVERAGE = "ExponentialMovingAverage"


run_inside = partial(far_side.run_inside, FRAMEWORK)


def centred(scores: np.ndarray) -> np.ndarray:
    """Logits and the logarithm of their softmax differ by a constant a row: this takes it off."""
    return scores - scores.mean(axis=1, keepdims=True)


def answers(far: FarSide, files: list[Path], fmt: str, batch: np.ndarray, **options: Any) -> np.ndarray:
    """Centred logits of a batch that is ready for the network."""
    far.load(files, fmt, **options)
    scores = far.predict(batch)
    return centred(np.log(scores) if fmt in SOFTMAX else scores)


# names, without TensorFlow


@pytest.mark.parametrize("dialect", [SLIM, KERAS], ids=["slim", "keras"])
@pytest.mark.parametrize("network", [SMALL, MobileNetV2(alpha=1.4, classes=1001), MobileNetV2(classifier_bias=False)])
def test_names_go_there_and_back(dialect: Any, network: MobileNetV2) -> None:
    tensors = random_tensors(network)
    native = to_dialect(dialect, tensors, network.layers())
    back = to_canonical(dialect, native, network.layers())
    assert len(native) == len(tensors)
    assert list(back) == list(network.layers().tensor_shapes())
    assert all(np.array_equal(back[name], tensors[name]) for name in tensors)


def test_names_are_the_published_ones() -> None:
    network = MobileNetV2(classes=1001).layers()
    slim = {row.name: row.shape for row in rows(SLIM, network)}
    assert slim["MobilenetV2/Conv/weights"] == (3, 3, 3, 32)
    assert slim["MobilenetV2/expanded_conv/depthwise/depthwise_weights"] == (3, 3, 32, 1)
    assert slim["MobilenetV2/expanded_conv_16/project/BatchNorm/moving_variance"] == (320,)
    assert slim["MobilenetV2/Conv_1/weights"] == (1, 1, 320, 1280)
    assert slim["MobilenetV2/Logits/Conv2d_1c_1x1/weights"] == (1, 1, 1280, 1001)
    assert "MobilenetV2/expanded_conv/expand/weights" not in slim
    keras = {row.name: row.shape for row in rows(KERAS, network)}
    assert keras["block_16_depthwise/kernel"] == (3, 3, 960, 1)
    assert keras["expanded_conv_project_BN/gamma"] == (16,)
    assert keras["predictions/kernel"] == (1280, 1001)
    assert unaliased("Logits/bias") == "predictions/bias"
    assert unaliased("block_1_depthwise/depthwise_kernel") == "block_1_depthwise/kernel"


def test_wrong_tensors_are_named_five_at_a_time() -> None:
    expected = {f"t{number}": (2,) for number in range(7)}
    with pytest.raises(AdapterError) as caught:
        checked({"t6": (3,), "x": (1,), "t0/slot": (2,)}, expected, "file", ["t0/slot"])
    assert str(caught.value) == (
        "file: tensors 6 missing (t0; t1; t2; t3; t4; ...), 1 not of this network (x), "
        "1 of another shape (t6: expected [2], got [3])"
    )


def test_pixels_are_levels_of_an_int8_input() -> None:
    info = ModelInfo("input", (-1, 1, 1, 3), "int8", "output", 2, 1, "int8", (1 / 255, -128))
    pixels = np.array([0, 128, 255], np.uint8).reshape(1, 1, 1, 3)
    levels = Adapter._fitted(pixels, info)
    assert levels.dtype == np.int8
    assert levels.ravel().tolist() == [-128, 0, 127]
    # the same pixels as the floats that this network's scale and zero point stand for
    assert np.array_equal(Adapter._fitted(pixels.astype(np.float32) / 255, info), levels)


# what is written is read, and every format gives one answer


@pytest.mark.parametrize("fmt", EXPORTS)
def test_info(far: FarSide, exported: dict[str, list[Path]], fmt: str) -> None:
    info = far.load(exported[fmt], fmt, network=SMALL)
    assert info["input_name"] == "input"
    assert info["input_shape"] == [8 if fmt == "tflite" else -1, 96, 96, 3]
    assert (info["input_dtype"], info["quantisation"]) == ("float32", None)
    assert (info["outputs"], info["threads"], info["precision"]) == (11, 2, "fp32")


@pytest.mark.parametrize("fmt", EXPORTS)
def test_inspect(far: FarSide, exported: dict[str, list[Path]], fmt: str) -> None:
    facts = far.inspect(exported[fmt], fmt, network=SMALL)
    shapes = SMALL.layers().tensor_shapes()
    folded = sum(np.prod(shape) for name, shape in shapes.items() if ".running" not in name) - sum(
        shape[0] for name, shape in shapes.items() if name.endswith("running_var")
    )
    everything = sum(np.prod(shape) for shape in shapes.values())
    assert facts["parameters"] == (folded if fmt == "tflite" else everything)
    convolutions = ("CONV_2D", "DEPTHWISE_CONV_2D") if fmt == "tflite" else ("Conv2D", "DepthwiseConv2dNative")
    assert [facts["ops"][name] for name in convolutions] == [35, 17]
    assert facts["inputs"] == [{"name": "input", "shape": [-1, 96, 96, 3], "dtype": "float32"}]
    assert facts["outputs"][0]["shape"] == [-1, 11]


@pytest.mark.parametrize(
    "changes",
    [
        {"padding": "symmetric", "bn_epsilon": 1e-5},
        {"activation": "relu", "expand_first": True, "classifier_bias": False, "rounding": "truncate"},
    ],
    ids=["symmetric", "mxnet"],
)
def test_networks_that_keras_cannot_express(far: FarSide, tmp_path: Path, changes: dict[str, Any]) -> None:
    network = replace(SMALL, **changes)
    with pytest.raises(FarError, match="Keras's own MobileNetV2 cannot express this network; ") as caught:
        far.export(random_tensors(network), network, "keras_h5", tmp_path)
    assert all(field in str(caught.value) for field in changes)


def test_moving_averages_are_another_network(
    far: FarSide, exported: dict[str, list[Path]], batch: np.ndarray, tmp_path: Path
) -> None:
    files = exported["slim_ckpt"]
    expected = answers(far, files, "slim_ckpt", batch, network=SMALL)
    # the raw classifier is made another one, and slots are left behind as training does; the averages stay
    changes = {
        "scale": {"Logits/Conv2d_1c_1x1/weights": 0.5},
        "add": {f"{STEM}/RMSProp": [3, 3, 3, 16], f"{STEM}/RMSProp_1": [3, 3, 3, 16]},
    }
    run_inside("rewrite_checkpoint", str(files[1])[: -len(".index")], tmp_path / "m.ckpt", json.dumps(changes))
    changed = [tmp_path / "m.ckpt.data-00000-of-00001", tmp_path / "m.ckpt.index"]
    got = {
        averaged: answers(far, changed, "slim_ckpt", batch, network=SMALL, extra={"moving_averages": averaged})
        for averaged in (True, False)
    }
    assert np.abs(got[True] - expected).max() == 0
    bias = random_tensors(SMALL)["classifier.1.bias"]
    assert np.abs(got[False] - (expected + centred(bias[None])) / 2).max() < 1e-4


def test_keras_reads_what_is_written(
    far: FarSide, exported: dict[str, list[Path]], batch: np.ndarray, tmp_path: Path
) -> None:
    np.save(tmp_path / "batch.npy", batch)
    network = {"alpha": 0.35, "input_shape": [96, 96, 3], "classes": 11}
    path = exported["keras_h5"][0]
    run_inside("keras_scores", path, tmp_path / "batch.npy", tmp_path / "out.npy", json.dumps(network))
    far.load([path], "keras_h5", network=SMALL)
    assert np.abs(np.load(tmp_path / "out.npy") - far.predict(batch)).max() < 1e-5


def test_older_keras_names(far: FarSide, exported: dict[str, list[Path]], batch: np.ndarray, tmp_path: Path) -> None:
    changes = json.dumps({"rename": {"predictions": "Logits"}})
    run_inside("rewrite_h5", exported["keras_h5"][0], tmp_path / "older.h5", changes)
    expected = answers(far, exported["keras_h5"], "keras_h5", batch, network=SMALL)
    got = answers(far, [tmp_path / "older.h5"], "keras_h5", batch, network=SMALL)
    assert np.array_equal(got, expected)


def test_int8_and_uint8_inputs_of_one_network(
    far: FarSide, exported: dict[str, list[Path]], batch: np.ndarray, tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", batch)
    pixels = np.rint((batch + 1) * 127.5).astype(np.uint8)
    scaled: list[dict[str, Any]] = [
        {"op": "divide", "by": 127.5},
        {"op": "subtract", "value": 1.0},
        {"op": "layout", "order": "nhwc"},
    ]
    scores = {}
    for dtype in ("int8", "uint8"):
        path = tmp_path / f"{dtype}.tflite"
        run_inside("quantise", exported["saved_model"][0].parent, tmp_path / "rows.npy", dtype, path)
        info = far.load([path], "tflite")
        assert (info["input_dtype"], info["precision"]) == (dtype, "int8")
        scale, zero = info["quantisation"]
        assert scale == pytest.approx(1 / 127.5, rel=0.01)
        assert zero + (128 if dtype == "int8" else 0) in (127, 128)
        scores[dtype] = far.predict(pixels), far.predict(pixels, scaled)
    # both ways of giving the pixels, and both types: one answer but for one level of rounding at the input
    assert np.array_equal(scores["int8"][0], scores["uint8"][0])
    assert np.array_equal(scores["int8"][1], scores["uint8"][1])
    reference = answers(far, exported["frozen_graph"], "frozen_graph", batch)
    for found in scores["int8"]:
        assert np.corrcoef(centred(found).ravel(), reference.ravel())[0, 1] > 0.9


# what does not fit is refused, and the message says what


def test_truncated_files(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    messages = {
        "frozen_graph": "not a readable GraphDef",
        "saved_model": "not a readable SavedModel",
        "tflite": "not a readable .tflite file",
        "keras_h5": "not a readable Keras weights file (.h5)",
    }
    for fmt, share in product(messages, (0.02, 0.5, 0.99)):
        whole, message = exported[fmt][0], messages[fmt]
        cut = tmp_path / fmt / str(share) / whole.name
        cut.parent.mkdir(parents=True)
        cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
        refusal = far.refusal([cut], fmt, network=SMALL)
        assert message in refusal
        assert str(cut if fmt != "saved_model" else cut.parent) in refusal


def test_truncated_checkpoint(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    for cut_at in (0, 1):
        files = [tmp_path / f"{cut_at}{path.name}" for path in exported["slim_ckpt"]]
        for number, (path, copy) in enumerate(zip(exported["slim_ckpt"], files, strict=True)):
            content = path.read_bytes()
            copy.write_bytes(content[: len(content) // 2] if number == cut_at else content)
        assert "not a readable checkpoint" in far.refusal(files, "slim_ckpt", network=SMALL)
    message = far.refusal(exported["slim_ckpt"][:1], "slim_ckpt", network=SMALL)
    assert re.search(r"expected one .index file among .* got \['mobilenet_v2.ckpt.data", message)


def test_garbage_tflite(far: FarSide, tmp_path: Path) -> None:
    path = tmp_path / "garbage.tflite"
    for content in (b"", b"<html>not found</html>" * 99):
        path.write_bytes(content)
        assert "garbage.tflite: not a readable .tflite file" in far.refusal([path], "tflite")


@pytest.mark.parametrize(
    ("changes", "averaged", "message"),
    [
        ({"drop": [STEM]}, False, f"1 missing ({STEM})"),
        ({"drop": [f"{STEM}/{AVERAGE}"]}, True, f"1 missing ({STEM}/{AVERAGE})"),
        ({"add": {"MobilenetV2/Extra": [2]}}, True, "1 not of this network (MobilenetV2/Extra)"),
        ({"add": {"Other/weights/RMSProp": [2]}}, True, "1 not of this network (Other/weights/RMSProp)"),
    ],
    ids=["missing", "missing average", "extra", "slot of a stranger"],
)
def test_wrong_tensors_of_a_checkpoint(
    far: FarSide,
    exported: dict[str, list[Path]],
    tmp_path: Path,
    changes: dict[str, Any],
    averaged: bool,
    message: str,
) -> None:
    prefix = str(exported["slim_ckpt"][1])[: -len(".index")]
    run_inside("rewrite_checkpoint", prefix, tmp_path / "m.ckpt", json.dumps(changes))
    files = [tmp_path / "m.ckpt.data-00000-of-00001", tmp_path / "m.ckpt.index"]
    refusal = far.refusal(files, "slim_ckpt", network=SMALL, extra={"moving_averages": averaged})
    assert refusal.endswith(f"m.ckpt: tensors {message}")


def test_wrong_class_count(far: FarSide, exported: dict[str, list[Path]]) -> None:
    network = replace(SMALL, classes=12)
    shape = "expected [1, 1, 1280, 12], got [1, 1, 1280, 11]"
    message = far.refusal(exported["slim_ckpt"], "slim_ckpt", network=network)
    assert f"MobilenetV2/Logits/Conv2d_1c_1x1/weights: {shape}" in message
    message = far.refusal(exported["keras_h5"], "keras_h5", network=network)
    assert "2 of another shape (predictions/kernel: expected [1280, 12], got [1280, 11]" in message


def test_wrong_tensors_of_a_keras_file(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    changes = json.dumps({"rename": {"Conv1": "conv1"}, "drop": ["bn_Conv1"]})
    run_inside("rewrite_h5", exported["keras_h5"][0], tmp_path / "other.h5", changes)
    message = far.refusal([tmp_path / "other.h5"], "keras_h5", network=SMALL)
    assert "5 missing (Conv1/kernel; bn_Conv1/gamma; bn_Conv1/beta;" in message
    assert "1 not of this network (conv1/kernel)" in message


@pytest.mark.parametrize(
    ("kind", "extra", "message"),
    [
        (
            "two_inputs",
            {},
            "Placeholder nodes: expected one, got pixels, training; name it in the checkpoint's option",
        ),
        ("two_outputs", {}, "nodes that no other node reads: expected one, got scores, features; name it"),
        (
            "two_outputs",
            {"output": "logits"},
            "the output 'logits' is not in the file; found scores, features",
        ),
        (
            "no_scores",
            {"output": "features"},
            "output 'features': expected shape (N, classes), got (1, 4, 4, 3)",
        ),
        ("reads_files", {"output": "scores"}, "refused, a network has no use for the operations ReadFile"),
        ("fills_a_table", {"output": "scores"}, "no use for the operations InitializeTableFromTextFileV2"),
        ("maps_memory", {"output": "scores"}, "no use for the operations ImmutableConst"),
    ],
)
def test_unfit_graphs(far: FarSide, tmp_path: Path, kind: str, extra: dict[str, str], message: str) -> None:
    path = tmp_path / "graph.pb"
    run_inside("graph", path, kind)
    assert message in far.refusal([path], "frozen_graph", extra=extra)


@pytest.mark.parametrize("kind", ["link", "raw", "virtual"])
def test_weights_in_another_file_are_refused(
    far: FarSide, exported: dict[str, list[Path]], tmp_path: Path, kind: str
) -> None:
    """HDF5 would read them without a word, and the record would know nothing of them."""
    path = tmp_path / "m.h5"
    run_inside("link_h5", exported["keras_h5"][0], path, tmp_path / "other.h5", kind)
    message = far.refusal([path], "keras_h5", network=SMALL)
    assert "refused, values of predictions/predictions/bias:0 lie in another file" in message


def test_a_saved_model_that_reads_another_file_is_refused_before_it_runs(far: FarSide, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("word\n")
    run_inside("reading_saved_model", tmp_path / "model", tmp_path / "words.txt")
    message = far.refusal([tmp_path / "model" / "saved_model.pb"], "saved_model")
    assert "refused, a network has no use for the operations InitializeTableFromTextFileV2" in message


@pytest.mark.parametrize("fmt", ["saved_model", "slim_ckpt"])
def test_files_that_are_not_listed_are_missed_by_name(
    far: FarSide, exported: dict[str, list[Path]], tmp_path: Path, fmt: str
) -> None:
    """A worker gets a checkpoint's listed files alone."""
    main = exported[fmt][0] if fmt == "saved_model" else next(p for p in exported[fmt] if p.suffix == ".index")
    shutil.copy(main, tmp_path)
    message = far.refusal([tmp_path / main.name], fmt, network=SMALL)
    assert ("variables" if fmt == "saved_model" else ".data-00000-of-00001") in message


def test_names_settle_what_is_ambiguous(far: FarSide, tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    run_inside("graph", path, "two_outputs")
    info = far.load([path], "frozen_graph", extra={"input": "pixels:0", "output": "scores:0"})
    assert (info["input_name"], info["output_name"], info["outputs"]) == ("pixels", "scores", 3)


def test_threads_are_set_once_in_a_process(far: FarSide, exported: dict[str, list[Path]]) -> None:
    far.load(exported["frozen_graph"], "frozen_graph")
    message = far.refusal(exported["frozen_graph"], "frozen_graph", threads=1)
    assert "threads: wanted 1, but TensorFlow has already started" in message


# real weights


@pytest.fixture(scope="module")
def pixels(assets: Path) -> np.ndarray:
    """Sixteen photographs, uint8 (16, 224, 224, 3), RGB, squashed: any geometry will do for a comparison."""
    files = sorted((assets / "images" / "imagenet_sample_1000").rglob("*.JPEG"))[::63][:16]
    images = [Image.open(file).convert("RGB").resize((224, 224)) for file in files]
    return np.stack([np.asarray(image) for image in images])


def test_published_quantised_file(far: FarSide, assets: Path, pixels: np.ndarray) -> None:
    path = assets / "checkpoints" / "mobilenet_v2_1.0_224_quant.tflite"
    info = far.load([path], "tflite")
    assert info["input_shape"] == [1, 224, 224, 3]  # a Reshape in it allows no other batch
    assert (info["input_dtype"], info["quantisation"]) == ("uint8", [0.0078125, 128])
    assert (info["outputs"], info["precision"]) == (1001, "int8")
    scores = far.predict(pixels)
    scale = 0.09889253973960876
    assert np.abs(scores / scale - np.rint(scores / scale)).max() < 1e-3
    facts = far.inspect([path], "tflite")
    assert facts["parameters"] == 3_489_097
    assert facts["ops"] == {
        "CONV_2D": 36,
        "DEPTHWISE_CONV_2D": 17,
        "ADD": 10,
        "AVERAGE_POOL_2D": 1,
        "RESHAPE": 1,
    }
    assert facts["inputs"] == [
        {"name": "input", "shape": [1, 224, 224, 3], "dtype": "uint8", "scale": 0.0078125, "zero_point": 128}
    ]
    # float rows of the documented recipe, x / 128 - 1, are the same levels as the pixels
    steps: list[dict[str, Any]] = [
        {"op": "divide", "by": 128},
        {"op": "subtract", "value": 1.0},
        {"op": "layout", "order": "nhwc"},
    ]
    assert np.array_equal(far.predict(pixels, steps), scores)
    # the sample picture is of class 652; one further on behind the background
    photograph = Image.open(assets / "reference_io" / "grace_hopper.jpg").convert("RGB").resize((224, 224))
    assert far.predict(np.asarray(photograph)[None]).argmax() == 653
