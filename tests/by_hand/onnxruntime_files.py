"""Quantised .onnx files for tests, written in ONNX Runtime's environment.

quantise FILE ROWS FORM NEW_FILE    with folded batch norms, as quantisers ask for; FORM: QDQ or QOperator; ROWS: .npy,
                                    NCHW float32
quantised FILE KIND NEW_FILE        FILE takes `input` float32 (N, 3, 96, 96); KIND is one of KINDS
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
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

# name -> how float operators become those on integers; none: the scales of values are found anew for each image
KINDS: dict[str, dict[str, Any]] = {
    "u8s8 dequantised": {"quant_format": QuantFormat.QDQ, "per_channel": True},
    "s8s8 dequantised": {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QInt8},
    "u8u8 operators": {"quant_format": QuantFormat.QOperator, "weight_type": QuantType.QUInt8},
    "s8s8 operators": {
        "quant_format": QuantFormat.QOperator, "activation_type": QuantType.QInt8, "per_channel": True,
    },
    "dynamic": {},
}  # fmt: skip


class _Rows(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
    """One row a call."""

    def __init__(self, name: str, rows: np.ndarray) -> None:
        self.calls = iter([{name: row[None]} for row in rows])

    def get_next(self) -> Any:
        """The next one, None at the end."""
        return next(self.calls, None)


def quantise(path: str, rows: str, form: str, new_path: str) -> None:
    """Write a file whose scales are those of the rows, and whose batch norms are folded."""
    logging.disable(logging.WARNING)
    source = onnx.load(path).graph.input[0].name
    with tempfile.TemporaryDirectory() as folder:
        folded = str(Path(folder) / "folded.onnx")
        quant_pre_process(path, folded, skip_symbolic_shape=True)
        _quantise(folded, new_path, _Rows(source, np.load(rows)), quant_format=QuantFormat[form], per_channel=True)


def quantised(path: str, kind: str, new_path: str) -> None:
    """Write a file whose scales are those of three images of noise in [-1, 1]."""
    if kind == "dynamic":
        quantize_dynamic(path, new_path, weight_type=QuantType.QUInt8)
    else:
        noise = np.stack([np.random.default_rng(seed).uniform(-1, 1, (3, 96, 96)) for seed in range(3)])
        _quantise(path, new_path, _Rows("input", noise.astype(np.float32)), **KINDS[kind])


def _quantise(path: str, new_path: str, rows: _Rows, **given: Any) -> None:
    types = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    quantize_static(path, new_path, rows, **(types | given))


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"quantise": quantise, "quantised": quantised}
    commands[sys.argv[1]](*sys.argv[2:])
