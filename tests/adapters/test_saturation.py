"""Products of bytes are added without loss on every processor, and what a framework does by default is known.

No expectation depends on the processor. Where the defaults cut sums off, the adapter has to say so; where they do not,
it has to say that.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from adapters.common import saturation
from tests.by_hand import quantised as small
from tests.by_hand.far_side import FarError, FarSide, run_inside
from tests.by_hand.real_networks import NCHW

Far = Callable[[str], FarSide]
ANSWERED = [
    *(("onnxruntime", kind) for kind in small.KINDS),
    # its reader takes operators on dequantised bytes alone
    ("openvino", "u8s8 dequantised"),
    ("openvino", "s8s8 dequantised"),
]


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    """The far side of a framework, started once."""
    with ExitStack() as stack:
        yield cache(lambda framework: stack.enter_context(FarSide(framework)))


@pytest.mark.parametrize(("framework", "kind"), ANSWERED)
def test_exact_answers_are_those_of_whole_numbers(far: Far, framework: str, kind: str, tmp_path: Path) -> None:
    small.write(kind, tmp_path / "small.onnx")
    rows = small.data(small.KINDS[kind][0])
    info = far(framework).load([tmp_path / "small.onnx"], "onnx")
    assert info["integer_sums"] == "exact"
    np.testing.assert_array_equal(far(framework).predict(rows, NCHW), small.true_scores(rows))


@pytest.mark.parametrize(("framework", "kind"), ANSWERED)
def test_what_the_defaults_do_is_what_is_read_back(far: Far, framework: str, kind: str, tmp_path: Path) -> None:
    small.write(kind, tmp_path / "small.onnx")
    rows = small.data(small.KINDS[kind][0])
    pinned = far(framework).load([tmp_path / "small.onnx"], "onnx")
    info = far(framework).load([tmp_path / "small.onnx"], "onnx", arithmetic="as-shipped")
    right = np.allclose(far(framework).predict(rows, NCHW), small.true_scores(rows), rtol=0.02)
    assert info["integer_sums"] == info["shipped_sums"] == pinned["shipped_sums"]
    assert info["integer_sums"] == ("exact" if right else "saturating")
    assert info["kernels"] == ""


def test_the_interpreter_of_tflite_adds_exactly_with_and_without_xnnpack(far: Far, tmp_path: Path) -> None:
    rows = small.data(np.uint8)
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "weights.npy", small.weights())
    run_inside(
        "tensorflow", "bytes_network", tmp_path / "rows.npy", tmp_path / "weights.npy", tmp_path / "small.tflite"
    )
    sums = np.einsum("nhwd,cd->nc", rows, small.weights()[:, :, 0, 0].astype(np.float32)) / small.SIDE**2
    info = far("tensorflow").load([tmp_path / "small.tflite"], "tflite")
    assert (info["integer_sums"], info["kernels"]) == ("exact", "XNNPACK")
    np.testing.assert_allclose(far("tensorflow").predict(rows), sums, rtol=0.02)
    run_inside(
        "tensorflow",
        "answers_without_delegates",
        tmp_path / "small.tflite",
        tmp_path / "rows.npy",
        tmp_path / "plain.npy",
    )
    np.testing.assert_allclose(np.load(tmp_path / "plain.npy"), sums, rtol=0.02)


def test_only_two_neighbours_of_one_sign_can_leave_16_bits() -> None:
    """Every pair of bytes, against the sum itself."""
    ends = list(itertools.product(range(-128, 128, 3), repeat=2))
    rows = np.array(ends, np.int8)
    (found,) = saturation.of_layer("pairs", rows)
    beyond = sum(not -32768 <= 255 * first + 255 * second <= 32767 for first, second in rows.astype(int).tolist())
    assert found == {"layer": "pairs", "pairs": len(ends), "beyond": beyond}
    assert 0 < beyond < len(ends)


@pytest.mark.parametrize("weights", [np.full((4, 6), 255, np.uint8), np.full((4, 1), 127, np.int8)])
def test_unsigned_weights_and_single_ones_are_not_added_in_pairs(weights: np.ndarray) -> None:
    assert saturation.of_layer("layer", weights) == []


def test_weights_of_seven_bits_cannot_leave_16() -> None:
    (found,) = saturation.of_layer("layer", np.full((3, 8), -64, np.int8))
    assert (found["pairs"], found["beyond"]) == (12, 0)


@pytest.mark.parametrize("framework", ["onnxruntime", "openvino"])
def test_pairs_are_counted_in_files(far: Far, framework: str, tmp_path: Path) -> None:
    small.write("u8s8 dequantised", tmp_path / "small.onnx")
    (layer,) = far(framework).inspect([tmp_path / "small.onnx"], "onnx")["byte_pairs"]
    pairs = small.CLASSES * small.DEPTH // 2
    assert (layer["pairs"], layer["beyond"]) == (pairs, pairs)


def test_operators_on_signed_data_add_in_32_bits_so_that_nothing_is_counted(far: Far, tmp_path: Path) -> None:
    small.write("s8s8 operators", tmp_path / "small.onnx")
    assert far("onnxruntime").inspect([tmp_path / "small.onnx"], "onnx")["byte_pairs"] == []


def test_an_unknown_arithmetic_is_refused(far: Far, tmp_path: Path) -> None:
    small.write("u8s8 operators", tmp_path / "small.onnx")
    with pytest.raises(FarError, match="arithmetic 'fast' is not offered; known: exact and as-shipped"):
        far("onnxruntime").load([tmp_path / "small.onnx"], "onnx", arithmetic="fast")
