"""Every form of .ckpt that the MindSpore adapter reads and writes, driven through serve.py in its Python."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from adapters.common.mobilenet_v2 import MobileNetV2
from adapters.mindspore.names import TRAINING_SCALARS, extras, mindcv, mindvision
from tests.by_hand import far_side
from tests.by_hand.far_side import FarSide, environment
from tests.by_hand.real_networks import NCHW, random_tensors

FRAMEWORK, FORMAT = "mindspore", "mindspore_ckpt"
EXPORTS = (FORMAT, f"{FORMAT}:moments", f"{FORMAT}:mindcv")
SMALL = MobileNetV2(alpha=0.35, resolution=96, classes=11)


run_inside = partial(far_side.run_inside, FRAMEWORK)


# names, without MindSpore


def test_names_are_the_published_ones() -> None:
    network = MobileNetV2(classes=1001)
    vision, cv = mindvision(network.layers()), mindcv(network.layers())
    assert len(vision) == len(cv) == 262
    for canonical, of_vision, of_cv in (
        ("features.0.0.weight", "backbone.features.0.features.0.weight", "features.0.weight"),
        ("features.0.1.bias", "backbone.features.0.features.1.beta", "features.1.beta"),
        (
            "features.1.conv.0.0.weight",
            "backbone.features.1.conv.0.features.0.weight",
            "features.3.layers.0.weight",
        ),
        ("features.1.conv.1.weight", "backbone.features.1.conv.1.weight", "features.3.layers.3.weight"),
        ("features.1.conv.2.weight", "backbone.features.1.conv.2.gamma", "features.3.layers.4.gamma"),
        (
            "features.2.conv.1.1.running_mean",
            "backbone.features.2.conv.1.features.1.moving_mean",
            "features.4.layers.4.moving_mean",
        ),
        (
            "features.17.conv.3.running_var",
            "backbone.features.17.conv.3.moving_variance",
            "features.19.layers.7.moving_variance",
        ),
        ("features.18.0.weight", "backbone.features.18.features.0.weight", "features.20.weight"),
        ("classifier.1.bias", "head.classifier.bias", "classifier.1.bias"),
    ):
        assert (vision[canonical], cv[canonical]) == (of_vision, of_cv)


def test_optimizer_state_belongs_to_what_is_trained() -> None:
    state = [name for name in extras(mindvision(MobileNetV2().layers()).values()) if name.startswith("moments.")]
    assert len(state) == 158
    assert "moments.head.classifier.weight" in state
    assert not any("moving" in name for name in state)


def test_info(far: FarSide, exported: dict[str, list[Path]]) -> None:
    info = far.load(exported[FORMAT], FORMAT, network=SMALL)
    assert info["input_shape"] == [8, 3, 96, 96]  # compiled for the batch size
    assert (info["input_dtype"], info["outputs"]) == ("float32", 11)
    assert (info["threads"], info["precision"]) == (2, "fp32")
    assert far.load(exported[FORMAT], FORMAT, network=SMALL, batch_size=3)["input_shape"][0] == 3


def test_inspect(far: FarSide, exported: dict[str, list[Path]]) -> None:
    for fmt, dialect, state in zip(EXPORTS, ("mindvision", "mindvision", "mindcv"), (0, 158, 0), strict=True):
        facts = far.inspect(exported[fmt], FORMAT, network=SMALL)
        assert facts["parameters"] == sum(np.prod(shape) for shape in SMALL.layers().tensor_shapes().values())
        assert (facts["tensors"], facts["dialect"], len(facts["extras"])) == (262, dialect, state)
        assert [facts["ops"][op] for op in ("BatchNorm2d", "ReLU6", "Add")] == [52, 35, 10]
        assert facts["ops"]["Conv2d"] == (52 if dialect == "mindcv" else 53)
        assert facts["inputs"] == [{"name": "x", "shape": [-1, 3, 96, 96], "dtype": "float32"}]
        assert facts["outputs"][0]["shape"] == [-1, 11]


def test_instruction_set_and_answers(
    exported: dict[str, list[Path]], batch: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit that frameworks.toml sets for speed is in the versions, and changes no answer."""
    answers = {}
    for limit in (environment("mindspore")["ONEDNN_MAX_CPU_ISA"], "DEFAULT"):
        variables = {**environment("mindspore"), "ONEDNN_MAX_CPU_ISA": limit}
        monkeypatch.setattr("tests.by_hand.far_side.environment", lambda _, variables=variables: variables)
        with FarSide("mindspore") as side:
            assert limit != "AVX2" or side.versions["onednn"].endswith(("avx2", "avx", "sse41", "none"))
            side.load(exported[FORMAT], FORMAT, network=SMALL)
            answers[limit] = side.predict(batch, NCHW)
    assert np.abs(answers["AVX2"] - answers["DEFAULT"]).max() < 1e-4


def test_training_scalars_are_passed_over(
    far: FarSide, exported: dict[str, list[Path]], batch: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "trained.ckpt"
    run_inside("add", exported[FORMAT][0], path, *TRAINING_SCALARS)
    far.load(exported[FORMAT], FORMAT, network=SMALL)
    expected = far.predict(batch, NCHW)
    far.load([path], FORMAT, network=SMALL)
    assert np.array_equal(far.predict(batch, NCHW), expected)
    assert far.inspect([path], FORMAT, network=SMALL)["extras"] == list(TRAINING_SCALARS)


# what does not fit is refused, and the message says what


def test_missing_and_misshapen_tensors(far: FarSide, tmp_path: Path) -> None:
    tensors = random_tensors(SMALL)
    for part in ("weight", "bias", "running_mean"):
        del tensors[f"features.0.1.{part}"]
    tensors["features.18.1.bias"] = np.zeros(3, np.float32)
    message = far.refusal(far.export(tensors, SMALL, FORMAT, tmp_path), FORMAT, network=SMALL)
    stem, last = "backbone.features.0.features.1", "backbone.features.18.features.1"
    assert message == (
        f"model.ckpt: tensors 3 missing ({stem}.gamma; {stem}.beta; {stem}.moving_mean), "
        f"1 of another shape ({last}.beta: expected [1280], got [3])"
    )


def test_extra_tensors(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    message = far.refusal(exported[FORMAT], FORMAT, network=replace(SMALL, classifier_bias=False))
    assert message == "model.ckpt: tensors 1 not of this network (head.classifier.bias)"
    path = tmp_path / "extra.ckpt"
    run_inside("add", exported[FORMAT][0], path, "epoch_num", "ema.decay", "moments.stranger")
    message = far.refusal([path], FORMAT, network=SMALL)
    assert message == "extra.ckpt: tensors 2 not of this network (ema.decay; moments.stranger)"


def test_wrong_class_count(far: FarSide, exported: dict[str, list[Path]]) -> None:
    message = far.refusal(exported[FORMAT], FORMAT, network=replace(SMALL, classes=12))
    assert "2 of another shape (head.classifier.weight: expected [12, 1280], got [11, 1280, 1, 1]; " in message


def test_unknown_dialect(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    path = tmp_path / "other.ckpt"
    path.write_bytes(exported[f"{FORMAT}:mindcv"][0].read_bytes().replace(b"features.", b"sequence."))
    message = far.refusal([path], FORMAT, network=SMALL)
    assert message == (
        "other.ckpt: the names of its 262 tensors fit no known dialect (mindvision, mindcv); nearest is "
        "'mindcv' with 2 of 262 names in common; first differences: "
        "expected features.0.weight, got sequence.0.weight; expected features.1.gamma, got sequence.1.gamma; "
        "expected features.1.beta, got sequence.1.beta; "
        "expected features.1.moving_mean, got sequence.1.moving_mean; "
        "expected features.1.moving_variance, got sequence.1.moving_variance"
    )


def test_unreadable_files(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    whole = exported[FORMAT][0].read_bytes()
    path = tmp_path / "bad.ckpt"
    for content in (whole[: len(whole) // 2], whole[:-7], b"<html>not found</html>" * 99, b""):
        path.write_bytes(content)
        message = far.refusal([path], FORMAT, network=SMALL)
        assert message.startswith("bad.ckpt: not a readable MindSpore checkpoint: ")


def test_other_types(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    path = tmp_path / "half.ckpt"
    run_inside("halve", exported[FORMAT][0], path, "head.classifier.bias")
    message = far.refusal([path], FORMAT, network=SMALL)
    assert message == "half.ckpt: expected float32 tensors only, got 1 others: head.classifier.bias (float16)"


def test_threads_are_set_once_in_a_process(far: FarSide, exported: dict[str, list[Path]]) -> None:
    far.load(exported[FORMAT], FORMAT, network=SMALL)
    assert far.refusal(exported[FORMAT], FORMAT, network=SMALL, threads=3) == (
        "threads: wanted 3, but MindSpore has already started in this process with 2; use a fresh worker"
    )
