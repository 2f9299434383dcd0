"""Run inside ONNX Runtime's environment: what no adapter does, but a test needs.

quantise FILE ROWS FORM NEW_FILE    the same network in bytes; FORM: QDQ or QOperator; ROWS: .npy, NCHW float32
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


class _Rows(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
    """One row a call."""

    def __init__(self, name: str, rows: np.ndarray) -> None:
        self.calls = iter([{name: row[None]} for row in rows])

    def get_next(self) -> Any:
        return next(self.calls, None)


def quantise(path: str, rows: str, form: str, new_path: str) -> None:
    source = onnx.load(path).graph.input[0].name
    quantize_static(
        path,
        new_path,
        _Rows(source, np.load(rows)),
        quant_format=QuantFormat[form],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"quantise": quantise}
    commands[sys.argv[1]](*sys.argv[2:])
