"""Every form of .ckpt that the MindSpore adapter reads and writes, driven through serve.py in its Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from adapters.common.mobilenet_v2 import MobileNetV2
from adapters.mindspore.names import TRAINING_SCALARS, extras, mindcv, mindvision
from tests.by_hand import far_side
from tests.by_hand.far_side import FarError, FarSide, environment
from tests.by_hand.real_networks import NCHW, REAL, exported_logits, random_tensors, real_batch, reference_logits
from tests.by_hand.reconstructed import canonical_tensors, with_statistics

FORMAT = "mindspore_ckpt"
EXPORTS = (FORMAT, f"{FORMAT}:moments", f"{FORMAT}:mindcv")
SMALL = MobileNetV2(alpha=0.35, resolution=96, classes=11)


run_inside = partial(far_side.run_inside, "mindspore")


@pytest.fixture(scope="module")
def far() -> Iterator[FarSide]:
    with FarSide("mindspore") as side:
        yield side


@pytest.fixture(scope="module")
def exported(far: FarSide, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The small random network in every form."""
    folder = tmp_path_factory.mktemp("small")
    return {
        fmt: far.export(random_tensors(SMALL), asdict(SMALL), fmt, folder / fmt.replace(":", "-")) for fmt in EXPORTS
    }


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    """float32 (11, 96, 96, 3), NHWC: more than one batch of eight."""
    return np.random.default_rng(2).normal(0, 1, (11, 96, 96, 3)).astype(np.float32)


def refusal(far: FarSide, files: list[Path], network: MobileNetV2 | None, **options: object) -> str:
    """The message of the AdapterError that a load ends with."""
    with pytest.raises(FarError) as caught:
        far.load(files, FORMAT, network=asdict(network) if network else None, **options)
    assert caught.value.kind == "AdapterError"
    return str(caught.value).removeprefix("mindspore: ")


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


# what is written is read, and every form gives one answer


@pytest.mark.parametrize("name", REAL)
def test_real_weights_give_onnx_runtimes_answers(far: FarSide, assets: Path, tmp_path: Path, name: str) -> None:
    file, network, (mean, std) = REAL[name]
    path = assets / "reconstructed" / file
    batch = real_batch(assets, mean, std)
    expected = reference_logits(path, batch)
    tensors = with_statistics(canonical_tensors(path, network), network)
    for fmt in EXPORTS:
        info = far.load(far.export(tensors, asdict(network), fmt, tmp_path), FORMAT, network=asdict(network))
        got = far.predict(batch, NCHW)
        assert info["outputs"] == network.classes
        assert np.abs(got - expected).max() < 2e-3
        assert np.array_equal(got.argmax(1), expected.argmax(1))


@pytest.mark.parametrize(
    "network",
    [
        SMALL,
        replace(SMALL, padding="same", activation="relu", bn_epsilon=1e-3),
        replace(SMALL, classifier_bias=False, expand_first=True, rounding="truncate"),
    ],
    ids=["small", "same relu", "gluon"],
)
def test_any_network_gives_onnx_runtimes_answers(
    far: FarSide, batch: np.ndarray, tmp_path: Path, network: MobileNetV2
) -> None:
    expected = exported_logits(network, batch, tmp_path)
    answers = []
    for fmt in EXPORTS:
        far.load(
            far.export(random_tensors(network), asdict(network), fmt, tmp_path),
            FORMAT,
            network=asdict(network),
        )
        answers.append(far.predict(batch, NCHW))
    assert all(np.abs(answer - expected).max() < 1e-4 * np.abs(expected).max() for answer in answers)
    assert np.array_equal(answers[1], answers[0])  # of mindcv's the classifier adds in another order


def test_info(far: FarSide, exported: dict[str, list[Path]]) -> None:
    info = far.load(exported[FORMAT], FORMAT, network=asdict(SMALL))
    assert info["input_shape"] == [8, 3, 96, 96]  # compiled for the batch size
    assert (info["input_dtype"], info["outputs"]) == ("float32", 11)
    assert (info["threads"], info["precision"]) == (2, "fp32")
    assert far.load(exported[FORMAT], FORMAT, network=asdict(SMALL), batch_size=3)["input_shape"][0] == 3


def test_inspect(far: FarSide, exported: dict[str, list[Path]]) -> None:
    for fmt, dialect, state in zip(EXPORTS, ("mindvision", "mindvision", "mindcv"), (0, 158, 0), strict=True):
        facts = far.inspect(exported[fmt], FORMAT, network=asdict(SMALL))
        assert facts["parameters"] == sum(np.prod(shape) for shape in SMALL.layers().tensor_shapes().values())
        assert (facts["tensors"], facts["dialect"], len(facts["extras"])) == (262, dialect, state)
        assert [facts["ops"][op] for op in ("BatchNorm2d", "ReLU6", "Add")] == [52, 35, 10]
        assert facts["ops"]["Conv2d"] == (52 if dialect == "mindcv" else 53)
        assert facts["inputs"] == [{"name": "x", "shape": [-1, 3, 96, 96], "dtype": "float32"}]
        assert facts["outputs"][0]["shape"] == [-1, 11]


def test_an_answer_does_not_depend_on_its_batch(
    far: FarSide, exported: dict[str, list[Path]], batch: np.ndarray
) -> None:
    far.load(exported[FORMAT], FORMAT, network=asdict(SMALL))
    expected = far.predict(batch, NCHW)
    far.load(exported[FORMAT], FORMAT, network=asdict(SMALL), batch_size=1)
    assert np.abs(far.predict(batch[:4], NCHW) - expected[:4]).max() < 1e-5


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
            side.load(exported[FORMAT], FORMAT, network=asdict(SMALL))
            answers[limit] = side.predict(batch, NCHW)
    assert np.abs(answers["AVX2"] - answers["DEFAULT"]).max() < 1e-4


def test_training_scalars_are_passed_over(
    far: FarSide, exported: dict[str, list[Path]], batch: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "trained.ckpt"
    run_inside("add", exported[FORMAT][0], path, *TRAINING_SCALARS)
    far.load(exported[FORMAT], FORMAT, network=asdict(SMALL))
    expected = far.predict(batch, NCHW)
    far.load([path], FORMAT, network=asdict(SMALL))
    assert np.array_equal(far.predict(batch, NCHW), expected)
    assert far.inspect([path], FORMAT, network=asdict(SMALL))["extras"] == list(TRAINING_SCALARS)


# what does not fit is refused, and the message says what


def test_missing_and_misshapen_tensors(far: FarSide, tmp_path: Path) -> None:
    tensors = random_tensors(SMALL)
    for part in ("weight", "bias", "running_mean"):
        del tensors[f"features.0.1.{part}"]
    tensors["features.18.1.bias"] = np.zeros(3, np.float32)
    message = refusal(far, far.export(tensors, asdict(SMALL), FORMAT, tmp_path), SMALL)
    stem, last = "backbone.features.0.features.1", "backbone.features.18.features.1"
    assert message == (
        f"model.ckpt: tensors 3 missing ({stem}.gamma; {stem}.beta; {stem}.moving_mean), "
        f"1 of another shape ({last}.beta: expected [1280], got [3])"
    )


def test_extra_tensors(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    message = refusal(far, exported[FORMAT], replace(SMALL, classifier_bias=False))
    assert message == "model.ckpt: tensors 1 not of this network (head.classifier.bias)"
    path = tmp_path / "extra.ckpt"
    run_inside("add", exported[FORMAT][0], path, "epoch_num", "ema.decay", "moments.stranger")
    message = refusal(far, [path], SMALL)
    assert message == "extra.ckpt: tensors 2 not of this network (ema.decay; moments.stranger)"


def test_wrong_class_count(far: FarSide, exported: dict[str, list[Path]]) -> None:
    message = refusal(far, exported[FORMAT], replace(SMALL, classes=12))
    assert "2 of another shape (head.classifier.weight: expected [12, 1280], got [11, 1280, 1, 1]; " in message


def test_unknown_dialect(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    path = tmp_path / "other.ckpt"
    path.write_bytes(exported[f"{FORMAT}:mindcv"][0].read_bytes().replace(b"features.", b"sequence."))
    message = refusal(far, [path], SMALL)
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
        message = refusal(far, [path], SMALL)
        assert message.startswith("bad.ckpt: not a readable MindSpore checkpoint: ")


def test_other_types(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    path = tmp_path / "half.ckpt"
    run_inside("halve", exported[FORMAT][0], path, "head.classifier.bias")
    message = refusal(far, [path], SMALL)
    assert message == "half.ckpt: expected float32 tensors only, got 1 others: head.classifier.bias (float16)"


def test_requests_that_cannot_be_met(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    files = exported[FORMAT]
    assert refusal(far, files, None) == (
        "format 'mindspore_ckpt' holds tensors without a graph; the option 'network' is missing"
    )
    far.load(files, FORMAT, network=asdict(SMALL))
    assert refusal(far, files, SMALL, threads=3) == (
        "threads: wanted 3, but MindSpore has already started in this process with 2; use a fresh worker"
    )
    assert "precision 'bf16' is not offered; known: fp32" in refusal(far, files, SMALL, precision="bf16")
    with pytest.raises(FarError, match="format 'onnx' is not read here; known: mindspore_ckpt"):
        far.load(files, "onnx", network=asdict(SMALL))
    with pytest.raises(FarError, match="format 'onnx' is not written here; known: mindspore_ckpt, "):
        far.export(random_tensors(SMALL), asdict(SMALL), "onnx", tmp_path)
