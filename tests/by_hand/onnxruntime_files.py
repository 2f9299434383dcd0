"""Run inside ONNX Runtime's environment: what no adapter does, but a test needs.

quantise FILE ROWS FORM NEW_FILE    the same network in bytes; FORM: QDQ or QOperator; ROWS: .npy, NCHW float32
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class _Rows(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
    """One row a call."""

    def __init__(self, name: str, rows: np.ndarray) -> None:
        self.calls = iter([{name: row[None]} for row in rows])

    def get_next(self) -> Any:
        return next(self.calls, None)


def quantise(path: str, rows: str, form: str, new_path: str) -> None:
    logging.disable(logging.WARNING)
    source = onnx.load(path).graph.input[0].name
    with tempfile.TemporaryDirectory() as folder:
        folded = str(Path(folder) / "folded.onnx")
        quant_pre_process(path, folded, skip_symbolic_shape=True)
        quantize_static(
            folded,
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
