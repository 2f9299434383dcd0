"""Every framework, in every form that it writes, answers as ONNX Runtime does: random networks and real weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from adapters.common.mobilenet_v2 import MobileNetV2
from adapters.common.torch_names import DIALECTS
from tests.by_hand.far_side import PASS_THROUGH, FarSide
from tests.by_hand.real_networks import (
    NCHW,
    REAL,
    as_logits,
    close,
    exported_logits,
    random_tensors,
    real_batch,
    reference_logits,
)
from tests.by_hand.reconstructed import canonical_tensors, with_statistics

FORMS = {
    "mindspore": ("mindspore_ckpt", "mindspore_ckpt:moments", "mindspore_ckpt:mindcv"),
    "mxnet": ("mxnet_symbol", "gluon_params", "gluon_params:prefixed"),
    "openvino": ("openvino_ir",),
    "tensorflow": ("frozen_graph", "saved_model", "tflite", "slim_ckpt", "keras_h5"),
    "torch": tuple(f"torch_state_dict:{layout}" for layout in (*DIALECTS, "lornatang")),
}
SMALL = MobileNetV2(alpha=0.35, resolution=96, classes=11)
NETWORKS = {
    "small": SMALL,
    "same": replace(SMALL, padding="same", bn_epsilon=1e-3),
    "same odd": replace(SMALL, alpha=0.5, padding="same", resolution=97),
    "gluon": replace(
        SMALL, alpha=0.25, rounding="truncate", expand_first=True, activation="relu", classifier_bias=False
    ),
    "tonylins": replace(SMALL, alpha=0.5, rounding="ceil_keep_stem", classifier_bias=False),
}
Expected = Callable[[str], tuple[np.ndarray, np.ndarray]]  # a batch and ONNX Runtime's answers, by the network's name


@pytest.fixture(scope="module", params=FORMS)
def sides(request: pytest.FixtureRequest) -> Iterator[tuple[FarSide, FarSide]]:
    """A worker that writes and one that reads: TensorFlow fixes its threads at the first thing it computes."""
    with FarSide(request.param) as writer, FarSide(request.param) as reader:
        yield writer, reader


def answers(
    sides: tuple[FarSide, FarSide],
    network: MobileNetV2,
    tensors: dict[str, np.ndarray],
    batch: np.ndarray,
    folder: Path,
) -> Iterator[tuple[str, np.ndarray]]:
    """Every form and its scores (N, classes)."""
    writer, reader = sides
    for form in FORMS[writer.framework]:
        if form == "keras_h5" and (network.padding, network.bn_epsilon) != ("same", 1e-3):
            continue  # Keras's own network knows no other
        files = writer.export(tensors, network, form, folder / form.replace(":", "-"))
        extra = {"state_dict_key": "state_dict"} if form.endswith("lornatang") else {}
        info = reader.load(files, form.split(":")[0], network=network, extra=extra)
        assert info["outputs"] == network.classes
        yield form, reader.predict(batch, PASS_THROUGH if info["input_shape"][-1] == 3 else NCHW)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    @cache
    def of(name: str) -> tuple[np.ndarray, np.ndarray]:
        side = NETWORKS[name].resolution
        batch = np.random.default_rng(3).uniform(-1, 1, (9, side, side, 3)).astype(np.float32)
        return batch, exported_logits(NETWORKS[name], batch, tmp_path_factory.mktemp("onnx"))

    return of


@pytest.mark.parametrize("name", NETWORKS)
def test_random_networks(sides: tuple[FarSide, FarSide], expected: Expected, tmp_path: Path, name: str) -> None:
    batch, logits = expected(name)
    assert logits.std() > 0.1
    for form, scores in answers(sides, NETWORKS[name], random_tensors(NETWORKS[name]), batch, tmp_path):
        assert close(as_logits(scores, logits), logits), form


@pytest.fixture(scope="module")
def real_expected(assets: Path) -> Expected:
    @cache
    def of(padding: str) -> tuple[np.ndarray, np.ndarray]:
        name, _, (mean, std) = REAL[padding]
        batch = real_batch(assets, mean, std)
        return batch, reference_logits(assets / "reconstructed" / name, batch)

    return of


@pytest.mark.parametrize("padding", REAL)
def test_real_weights(
    sides: tuple[FarSide, FarSide], real_expected: Expected, assets: Path, tmp_path: Path, padding: str
) -> None:
    name, network, _ = REAL[padding]
    batch, logits = real_expected(padding)
    tensors = with_statistics(canonical_tensors(assets / "reconstructed" / name, network), network)
    for form, scores in answers(sides, network, tensors, batch, tmp_path):
        assert np.abs(as_logits(scores, logits) - logits).max() < 2e-3, form
        assert np.array_equal(scores.argmax(axis=1), logits.argmax(axis=1)), form
