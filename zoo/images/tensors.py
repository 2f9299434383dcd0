"""Tensors that publishers ship beside a network: numpy's .npy, and .pb, a TensorProto as in the ONNX model zoo.

A TensorProto is read here because the core needs four of its fields: the package onnx would bring more than all other
requirements together. The fields are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), the
bytes those of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.errors import Cause, ZooError
from zoo.records import Layout

DIMS, DATA_TYPE, FLOAT_DATA, RAW_DATA = 1, 2, 4, 9  # field numbers of a TensorProto
DTYPES: dict[int, type[np.generic]] = {1: np.float32, 2: np.uint8}  # its DataType
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types


class TensorError(ZooError):
    """A tensor cannot be read, or is not what the network takes (exit code 3)."""

    cause: Cause = "record"


def read(path: Path) -> NDArray[np.generic]:
    """The tensor in a file, float32 or uint8, finite; raises TensorError."""
    try:
        tensor = _parsed(path.read_bytes()) if path.suffix == ".pb" else np.load(path, allow_pickle=False)
        if not isinstance(tensor, np.ndarray):
            raise ValueError("it holds several arrays")
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise TensorError(f"{path}: expected a tensor as .npy or as ONNX's TensorProto: {error}") from error
    if tensor.dtype not in DTYPES.values():
        raise TensorError(f"{path}: expected a tensor of float32 or uint8, got {tensor.dtype}")
    if not np.isfinite(tensor).all():
        raise TensorError(f"{path}: it holds NaN or infinity")
    return tensor


def as_input(tensor: NDArray[np.generic], layout: Layout, side: int, path: Path) -> NDArray[np.generic]:
    """One input in the order in which images are stored, (1, side, side, 3); raises TensorError that names `path`.

    tensor: (1, 3, side, side) for the layout "nchw", (1, side, side, 3) for "nhwc".
    """
    planar = layout.order == "nchw"
    expected = (1, 3, side, side) if planar else (1, side, side, 3)
    if tensor.shape != expected:
        raise TensorError(f"{path}: expected a tensor {expected} ({layout.order}), got {tensor.shape}")
    return np.ascontiguousarray(tensor.transpose(0, 2, 3, 1)) if planar else tensor


def _parsed(data: bytes) -> NDArray[np.generic]:
    dims: list[int] = []
    kind, floats, raw = 0, b"", b""
    for number, value in _fields(data):
        if number == DIMS:
            dims += [value] if isinstance(value, int) else _varints(value)
        elif number == DATA_TYPE and isinstance(value, int):
            kind = value
        elif number == FLOAT_DATA and isinstance(value, bytes):
            floats += value
        elif number == RAW_DATA and isinstance(value, bytes):
            raw = value
    if kind not in DTYPES:
        raise ValueError(f"data type {kind} of a TensorProto is not read; known: 1 (float32) and 2 (uint8)")
    values = np.frombuffer(raw or floats, np.dtype(DTYPES[kind]).newbyteorder("<"))
    if len(values) != math.prod(dims):
        raise ValueError(f"{len(values)} values do not fill the dimensions {dims}")
    return values.reshape(dims).astype(DTYPES[kind])


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of a message: whole numbers of varints, else the bytes as they are."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == BYTES:
            length, at = _varint(data, at)
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if at + length > len(data):
            raise ValueError(f"{at + length - len(data):,} bytes are missing at its end")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, the lowest first, and where it ends; IndexError where the bytes end."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError(f"a number of more than 64 bits at byte {at}")


def _varints(data: bytes) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        found.append(value)
    return found
