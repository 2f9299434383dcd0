"""Published tensors: those that the onnx package writes are read as it reads them; everything else is refused."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from zoo.images.tensors import TensorError, as_input, read
from zoo.records import Layout

NCHW, NHWC = Layout(op="layout", order="nchw"), Layout(op="layout", order="nhwc")


def of_dtype(dtype: type[np.generic], *shape: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(0, 255, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("shape", [(1, 3, 224, 224), (1, 1000), (7,), ()])
def test_a_tensor_proto(tmp_path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    tensor = of_dtype(dtype, *shape)
    path = tmp_path / "input_0.pb"
    path.write_bytes(numpy_helper.from_array(tensor, name="data").SerializeToString())
    found = read(path)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, tensor)


def test_floats_that_are_not_raw(tmp_path: Path) -> None:
    """As exporters of before write them."""
    proto = onnx.TensorProto(data_type=onnx.TensorProto.FLOAT, dims=[2, 2], float_data=[1, -2.5, 3, 4], name="x")
    path = tmp_path / "a.pb"
    path.write_bytes(proto.SerializeToString())
    np.testing.assert_array_equal(read(path), np.array([[1, -2.5], [3, 4]], np.float32))


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", of_dtype(np.float32, 1, 5))
    np.testing.assert_array_equal(read(tmp_path / "a.npy"), of_dtype(np.float32, 1, 5))


@pytest.mark.parametrize("name", ["a.pb", "a.npy"])
@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_tensor_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(data)
    with contextlib.suppress(TensorError):
        assert read(path).dtype in (np.float32, np.uint8)


@pytest.mark.parametrize("cut", [1, 10, 400])
def test_a_cut_off_file(tmp_path: Path, cut: int) -> None:
    whole = numpy_helper.from_array(of_dtype(np.float32, 1, 100)).SerializeToString()
    path = tmp_path / "cut.pb"
    path.write_bytes(whole[:-cut])
    with pytest.raises(TensorError, match="expected a tensor"):
        read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_numbers(tmp_path: Path, value: float) -> None:
    np.save(tmp_path / "a.npy", np.array([1, value], np.float32))
    with pytest.raises(TensorError, match="NaN or infinity"):
        read(tmp_path / "a.npy")


def test_another_type_and_pickles(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(2, np.float64))
    with pytest.raises(TensorError, match="float32 or uint8, got float64"):
        read(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(TensorError):
        read(tmp_path / "b.npy")
    (tmp_path / "c.pb").write_bytes(numpy_helper.from_array(np.zeros(2, np.int64)).SerializeToString())
    with pytest.raises(TensorError, match="data type 7"):
        read(tmp_path / "c.pb")


def test_an_input_is_stored_as_images_are(tmp_path: Path) -> None:
    tensor = of_dtype(np.float32, 1, 3, 4, 4)
    np.testing.assert_array_equal(as_input(tensor, NCHW, 4, tmp_path)[0, :, :, 2], tensor[0, 2])
    assert as_input(of_dtype(np.uint8, 1, 4, 4, 3), NHWC, 4, tmp_path).shape == (1, 4, 4, 3)
    with pytest.raises(TensorError, match=r"expected a tensor \(1, 4, 4, 3\) \(nhwc\), got \(1, 3, 4, 4\)"):
        as_input(tensor, NHWC, 4, tmp_path)
