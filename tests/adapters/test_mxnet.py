"""Every format that the MXNet adapter reads and writes, driven through serve.py in MXNet's environment."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from adapters.common.mobilenet_v2 import MobileNetV2
from adapters.mxnet.names import bare, prefixed, structural, tables
from tests.by_hand import far_side
from tests.by_hand.far_side import FarSide, environment
from tests.by_hand.real_networks import NCHW, random_tensors

FRAMEWORK = "mxnet"
EXPORTS = ("mxnet_symbol", "gluon_params", "gluon_params:prefixed")
SMALL = MobileNetV2(alpha=0.35, resolution=96, classes=11)
GLUON = MobileNetV2(
    alpha=0.25, resolution=96, classes=11, rounding="truncate", expand_first=True, classifier_bias=False
)


run_inside = partial(far_side.run_inside, FRAMEWORK)


@pytest.fixture(scope="module")
def gluon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with gluon.params, gluon-symbol.json and gluon-0000.params, written by Gluon."""
    folder = tmp_path_factory.mktemp("gluon")
    run_inside("gluon", folder)
    return folder


# names, without MXNet


def test_names_are_the_published_ones() -> None:
    network = MobileNetV2(rounding="truncate", expand_first=True, classifier_bias=False)
    by_scope, by_structure = prefixed(network.layers()), structural(network.layers())
    assert len(by_scope) == len(by_structure) == 266
    for canonical, scope, structure in (
        ("features.0.0.weight", "features_conv0_weight", "features.0.weight"),
        ("features.0.1.bias", "features_batchnorm0_beta", "features.1.beta"),
        ("features.1.conv.0.0.weight", "features_linearbottleneck0_conv0_weight", "features.3.out.0.weight"),
        (
            "features.17.conv.3.running_var",
            "features_linearbottleneck16_batchnorm2_running_var",
            "features.19.out.7.running_var",
        ),
        ("features.18.0.weight", "features_conv1_weight", "features.20.weight"),
        ("features.18.1.weight", "features_batchnorm1_gamma", "features.21.gamma"),
        ("classifier.1.weight", "output_pred_weight", "output.0.weight"),
    ):
        assert by_scope[canonical] == f"mobilenetv20_{scope}"
        assert by_structure[canonical] == structure


def test_first_bottleneck_without_expansion() -> None:
    names = structural(MobileNetV2(classifier_bias=False).layers())
    assert len(names) == 261
    assert names["features.1.conv.0.0.weight"] == "features.3.out.0.weight"  # depthwise
    assert names["features.1.conv.1.weight"] == "features.3.out.3.weight"
    assert names["features.2.conv.2.weight"] == "features.4.out.6.weight"


@pytest.mark.parametrize("prefix", ["mobilenetv20_", "mobilenetv213_", ""])
def test_any_prefix_is_found(prefix: str) -> None:
    stored = list(prefixed(GLUON.layers(), prefix).values())
    assert list(tables(GLUON.layers(), stored)["prefixed"].values()) == stored
    assert bare("aux:" + stored[3]) == stored[3]


def test_gluons_own_network(far: FarSide, gluon: Path, batch: np.ndarray, tmp_path: Path) -> None:
    far.load([gluon / "gluon-symbol.json", gluon / "gluon-0000.params"], "mxnet_symbol")
    expected = far.predict(batch, NCHW)
    assert expected.std() > 0.01
    run_inside("dense", gluon / "gluon.params", tmp_path / "dense.params")
    run_inside("rename", gluon / "gluon-0000.params", tmp_path / "old.params", "mobilenetv27_", "")
    for path, dialect in (
        (gluon / "gluon.params", "structural"),
        (tmp_path / "dense.params", "structural"),
        (gluon / "gluon-0000.params", "prefixed"),
        (tmp_path / "old.params", "prefixed"),
    ):
        far.load([path], "gluon_params", network=GLUON)
        assert np.abs(far.predict(batch, NCHW) - expected).max() < 1e-4 * np.abs(expected).max()
        assert far.inspect([path], "gluon_params", network=GLUON)["dialect"] == dialect


def test_info(far: FarSide, exported: dict[str, list[Path]]) -> None:
    for files, fmt, network, side in (
        (exported["gluon_params"], "gluon_params", SMALL, 96),
        (exported["mxnet_symbol"], "mxnet_symbol", SMALL, 96),
        (exported["mxnet_symbol"][::-1], "mxnet_symbol", None, -1),
    ):
        info = far.load(files, fmt, network=network)
        assert info["input_name"] == "data"
        assert info["input_shape"] == [-1, 3, side, side]
        assert (info["input_dtype"], info["outputs"]) == ("float32", 11)
        assert (info["threads"], info["precision"]) == (2, "fp32")


def test_inspect(far: FarSide, exported: dict[str, list[Path]]) -> None:
    for fmt in EXPORTS:
        facts = far.inspect(exported[fmt], fmt.split(":")[0], network=SMALL)
        assert facts["parameters"] == sum(np.prod(shape) for shape in SMALL.layers().tensor_shapes().values())
        assert facts["tensors"] == len(SMALL.layers().tensor_shapes())
        assert [facts["ops"][op] for op in ("Convolution", "BatchNorm", "clip", "elemwise_add")] == [
            53,
            52,
            35,
            10,
        ]
        assert facts["inputs"] == [{"name": "data", "shape": [-1, 3, 96, 96], "dtype": "float32"}]


def test_documented_parameters_of_gluon(far: FarSide, gluon: Path) -> None:
    facts = far.inspect([gluon / "gluon.params"], "gluon_params", network=GLUON)
    assert facts["parameters"] == 1_526_856 - (1000 - 11) * 1280
    assert facts["parameters_by"]["norms"] == facts["parameters_by"]["statistics"] > 0


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_those_asked_for(exported: dict[str, list[Path]], batch: np.ndarray, threads: int) -> None:
    with FarSide("mxnet") as side:
        info = side.load(exported["gluon_params"], "gluon_params", network=SMALL, threads=threads)
        side.predict(batch, NCHW)
        assert info["threads"] == threads
        assert side.ask("hello")["live_threads"] in (threads, 0)  # 0: a system without /proc


# what does not fit is refused, and the message says what


def test_the_threaded_engine(exported: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {**environment("mxnet"), "MXNET_ENGINE_TYPE": "ThreadedEngine"}
    monkeypatch.setattr(far_side, "environment", lambda _: variables)
    with FarSide("mxnet") as side:
        message = side.refusal(exported["gluon_params"], "gluon_params", network=SMALL)
    assert "expected a worker with MXNET_ENGINE_TYPE=NaiveEngine, got 'ThreadedEngine'" in message


def test_missing_tensors(far: FarSide, tmp_path: Path) -> None:
    tensors = random_tensors(SMALL)
    for part in ("weight", "bias", "running_mean"):
        del tensors[f"features.0.1.{part}"]
    files = far.export(tensors, SMALL, "gluon_params", tmp_path)
    message = far.refusal(files, "gluon_params", network=SMALL)
    names = "features.1.gamma; features.1.beta; features.1.running_mean"
    assert message == f"model.params: tensors 3 missing ({names})"
    files = far.export(tensors, SMALL, "mxnet_symbol", tmp_path)
    message = far.refusal(files, "mxnet_symbol")
    assert message.startswith("3 tensors of the symbol are missing among the .params: ")
    assert "missing among the .params: mobilenetv20_features_batchnorm0_gamma; " in message


def test_extra_and_misshapen_tensors(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    network = replace(SMALL, classifier_bias=False)
    message = far.refusal(exported["gluon_params"], "gluon_params", network=network)
    assert message == "model.params: tensors 1 not of this network (output.0.bias)"
    message = far.refusal(exported["gluon_params"], "gluon_params", network=replace(SMALL, classes=12))
    assert "2 of another shape (output.0.weight: expected [12, 1280], got [11, 1280, 1, 1]; " in message
    tensors = random_tensors(SMALL)
    tensors["features.0.1.bias"] = np.zeros(3, np.float32)
    files = far.export(tensors, SMALL, "mxnet_symbol", tmp_path)
    message = far.refusal(files, "mxnet_symbol")
    assert message == (
        "1 tensors of another shape than in the symbol (mobilenetv20_features_batchnorm0_beta: expected [16], got [3])"
    )


def test_tensors_of_another_symbol(far: FarSide, exported: dict[str, list[Path]], gluon: Path) -> None:
    files = [exported["mxnet_symbol"][0], gluon / "gluon-0000.params"]
    message = far.refusal(files, "mxnet_symbol")
    assert message.startswith("gluon-0000.params: 266 tensors are not in the symbol: mobilenetv27_features_")
    message = far.refusal(files[:1], "mxnet_symbol")
    assert message == "expected one .params file among the checkpoint's files, got ['model-symbol.json']"


def test_unknown_dialect(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    path = tmp_path / "other.params"
    run_inside("rename", exported["gluon_params"][0], path, "features.", "layers.")
    message = far.refusal([path], "gluon_params", network=SMALL)
    assert message == (
        "other.params: the names of its 262 tensors fit no known dialect (structural, prefixed); nearest is "
        "'structural' with 2 of 262 names in common; first differences: "
        "expected features.0.weight, got layers.0.weight; expected features.1.gamma, got layers.1.gamma; "
        "expected features.1.beta, got layers.1.beta; "
        "expected features.1.running_mean, got layers.1.running_mean; "
        "expected features.1.running_var, got layers.1.running_var"
    )


def test_unreadable_files(far: FarSide, exported: dict[str, list[Path]], tmp_path: Path) -> None:
    whole = exported["gluon_params"][0].read_bytes()
    path = tmp_path / "bad.params"
    for content in (whole[: len(whole) // 2], whole[:-7], b"<html>not found</html>" * 99, b""):
        path.write_bytes(content)
        message = far.refusal([path], "gluon_params", network=SMALL)
        assert message.startswith("bad.params: not a readable MXNet .params file: ")
    run_inside("nameless", exported["gluon_params"][0], path)
    message = far.refusal([path], "gluon_params", network=SMALL)
    assert message == "bad.params: expected tensors with names, got 262 without"
    graph = tmp_path / "bad-symbol.json"
    for content in (exported["mxnet_symbol"][0].read_bytes()[:999], b"[]"):
        graph.write_bytes(content)
        message = far.refusal([graph, exported["mxnet_symbol"][1]], "mxnet_symbol")
        assert message.startswith("bad-symbol.json: not a readable MXNet symbol: ")
