"""Quantised .onnx files for tests, written in ONNX Runtime's environment.

`onnxruntime_files.py quantised FILE KIND TARGET`: FILE takes `input` float32 (N, 3, 96, 96); KIND is one of KINDS.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

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


class Images(CalibrationDataReader):
    """Three images of noise in [-1, 1]."""

    def __init__(self) -> None:
        self.left: Iterator[int] = iter(range(3))

    def get_next(self) -> Any:
        """The next one, None at the end."""
        seed = next(self.left, None)
        if seed is None:
            return None
        return {"input": np.random.default_rng(seed).uniform(-1, 1, (1, 3, 96, 96)).astype(np.float32)}


def quantised(source: str, kind: str, target: str) -> None:
    """Write a quantised file."""
    if kind == "dynamic":
        quantize_dynamic(source, target, weight_type=QuantType.QUInt8)
    else:
        given = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8, **KINDS[kind]}
        quantize_static(source, target, Images(), **given)


if __name__ == "__main__":
    quantised(*sys.argv[2:])
