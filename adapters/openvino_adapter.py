"""OpenVINO on the CPU: IR (.xml + .bin), and as a second opinion .onnx, .pb and .tflite files by its own readers."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import openvino as ov
import openvino_graphs as graphs
from contract import Adapter, AdapterError, ModelInfo, Options
from mobilenet_v2 import Network

DTYPES = {"f32": "float32", "u8": "uint8", "i8": "int8"}
SUFFIXES = {
    "openvino_ir": ".xml",
    "openvino_conversion": ".onnx",
    "onnx": ".onnx",
    "frozen_graph": ".pb",
    "tflite": ".tflite",
}
# Layers that hold the arithmetic; their precision in the compiled graph is the precision in effect.
COMPUTING = ("Convolution", "FullyConnected", "MatMul")
PRECISIONS = {"f32": "fp32", "bf16": "bf16", "f16": "fp16", "u8": "int8", "i8": "int8"}


class OpenVinoAdapter(Adapter):
    """One stream, threads only within an operator; a free batch is compiled for each size that is asked for."""

    def versions(self) -> Dict[str, str]:
        """OpenVINO reads and computes."""
        return {"openvino": ov.get_version(), "numpy": np.__version__}

    def _load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        if options.precision != "fp32":
            raise AdapterError(f"precision {options.precision!r} is not offered; known: fp32")
        self.core = ov.Core()
        self.model = _read(self.core, files, options)
        source = graphs.single_input(self.model)
        self.target = graphs.chosen_output(self.model, options.extra.get("output"))
        dtype = source.element_type.get_type_name()
        shape = graphs.shape(source)
        if dtype not in DTYPES or len(shape) != 4:
            expected = f"expected rows of rank 3 of one of {sorted(DTYPES.values())}"
            raise AdapterError(f"input {source.any_name!r}: {expected}, got {shape} of {dtype}")
        self.settings = {
            "INFERENCE_NUM_THREADS": options.threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            # Pinned threads of several workers would all sit on the first cores.
            "ENABLE_CPU_PINNING": False,
        }
        self.requests: Dict[int, ov.InferRequest] = {}
        self.levels = graphs.output_levels(self.target)
        compiled = self._request(options.batch_size if shape[0] == -1 else shape[0]).get_compiled_model()
        return ModelInfo(
            input_name=source.any_name,
            input_shape=shape,
            input_dtype=DTYPES[dtype],
            output_name=self.target.any_name,
            outputs=int(np.prod(graphs.shape(self.target)[1:])),
            threads=compiled.get_property("INFERENCE_NUM_THREADS"),
            precision=_effective_precision(compiled),
            quantisation=graphs.input_levels(source) if dtype != "f32" else None,
        )

    def _predict(self, batch: np.ndarray) -> np.ndarray:
        answer = self._request(len(batch)).infer([batch], share_inputs=True)
        scores = answer[self.target.get_index()].reshape(len(batch), -1)
        if self.levels is None:
            return scores
        scale, zero = self.levels
        return (scores.astype(np.float32) - np.float32(zero)) * np.float32(scale)

    def _request(self, rows: int) -> ov.InferRequest:
        """Request of the network compiled for `rows` images, made once for each number.

        A graph of known shape is a tenth faster than one of free batch at one image, and as fast at eight.
        """
        if rows not in self.requests:
            model = self.model.clone()
            shape = graphs.single_input(model).get_partial_shape()
            if shape[0].is_dynamic:
                model.reshape([rows, *list(shape)[1:]])
            self.requests[rows] = self.core.compile_model(model, "CPU", self.settings).create_infer_request()
        return self.requests[rows]
