"""OpenVINO on the CPU: IR (.xml + .bin), and as a second opinion .onnx, .pb and .tflite files by its own readers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import numpy as np
import openvino as ov

from adapters.common import torch_pickles, torch_states
from adapters.common.canonical import as_value
from adapters.common.contract import Adapter, AdapterError, ModelInfo, Options, image_input, refuse_unknown, unlisted
from adapters.common.network import Network
from adapters.common.steps import Step
from adapters.openvino import arithmetic, facts
from adapters.openvino import network as graphs
from adapters.openvino.steps import found

SUFFIXES = {
    "openvino_ir": ".xml",
    "onnx": ".onnx",
    "frozen_graph": ".pb",
    "tflite": ".tflite",
}
# Layers that hold the arithmetic; their precision in the compiled graph is the precision in effect.
COMPUTING = ("Convolution", "FullyConnected", "MatMul")
RUNTIME_FACTS = ("layerType", "runtimePrecision")
PRECISIONS = {"f32": "fp32", "bf16": "bf16", "f16": "fp16", "u8": "int8", "i8": "int8"}


class OpenVinoAdapter(Adapter):
    """One stream, threads only within an operator; a free batch is compiled for each size that is asked for.

    Export `openvino_ir` is as the others' exports; `openvino_ir:open_model_zoo` as that zoo's converter writes it.
    """

    formats = tuple(SUFFIXES)
    exports = ("openvino_ir", "openvino_ir:open_model_zoo")

    def versions(self) -> Dict[str, str]:
        """OpenVINO reads and computes."""
        return {"openvino": ov.get_version(), "numpy": np.__version__}

    def _load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        self.core = ov.Core()
        self.model = _model(self.core, files, options)
        source = graphs.single_input(self.model)
        self.target = graphs.chosen_output(self.model, options.extra.get("output"))
        name, shape, dtype = graphs.spec(source).values()
        image_input(name, shape, dtype)
        chosen = arithmetic.chosen(self.core, facts.is_quantised(self.model), options.arithmetic)
        self.settings = {
            **chosen.settings,
            "INFERENCE_NUM_THREADS": options.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            # A pinned thread cannot make way for other programs, nor for a second worker on the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        self.requests: Dict[int, ov.InferRequest] = {}
        self.levels = graphs.output_levels(self.target)
        compiled = self._request(options.batch_size if shape[0] == -1 else shape[0]).get_compiled_model()
        return ModelInfo(
            input_name=name,
            input_shape=tuple(shape),
            input_dtype=dtype,
            output_name=graphs.spec(self.target)["name"],
            outputs=int(np.prod(graphs.shape(self.target)[1:])),
            threads=compiled.get_property("INFERENCE_NUM_THREADS"),
            precision=_effective_precision(compiled),
            quantisation=None if dtype == "float32" else graphs.input_levels(source),
            integer_sums=chosen.sums,
            shipped_sums=chosen.shipped_sums,
            kernels=chosen.kernels,
        )

    def _predict(self, batch: np.ndarray) -> np.ndarray:
        answer = self._request(len(batch)).infer([batch], share_inputs=True)
        scores: np.ndarray = answer[self.target.get_index()].reshape(len(batch), -1)
        if self.levels is not None:
            scale, zero = self.levels
            scores = (scores.astype(np.float32) - np.float32(zero)) * np.float32(scale)
        return scores

    def _request(self, rows: int) -> ov.InferRequest:
        """Request of the network compiled for `rows` images, made once for each number.

        A graph of known shape is a tenth faster than one of free batch at one image, and as fast at eight.
        """
        if rows not in self.requests:
            model = graphs.with_rows(self.model, rows)
            self.requests[rows] = self.core.compile_model(model, "CPU", self.settings).create_infer_request()
        return self.requests[rows]

    def _inspect(self, files: Sequence[Path], options: Options) -> Dict[str, Any]:
        model = _model(ov.Core(), files, options)
        return facts.measured(model, options.blank_side)

    def _steps(self, files: Sequence[Path], options: Options) -> List[Step]:
        model = facts.sized(_model(ov.Core(), files, options), options.blank_side)
        return found(model, graphs.chosen_output(model, options.extra.get("output"))).steps

    def _values(
        self, files: Sequence[Path], options: Options, steps: Sequence[Step], batch: np.ndarray
    ) -> Iterator[Tuple[int, np.ndarray]]:
        """From a copy of the loaded graph, compiled with the same settings, that gives them all.

        Steps are found by their numbers, as names are not the same each time that OpenVINO reads a file.
        """
        model = graphs.with_rows(self.model, len(batch))
        inner = found(model, graphs.chosen_output(model, options.extra.get("output")))
        model.add_outputs(inner.ports)  # those that are outputs already stay what they are
        compiled = self.core.compile_model(model, "CPU", self.settings)
        answers = compiled([batch])
        for number, (step, port, raw) in enumerate(zip(inner.steps, inner.ports, inner.raw)):
            yield number, as_value(step, answers[graphs.place_among_outputs(model, port)], raw or None)

    def _export(self, tensors: Dict[str, np.ndarray], network: Network, fmt: str, target: Path) -> List[Path]:
        if fmt == "openvino_ir":
            return _saved(graphs.build(tensors, network), target)
        model = graphs.build(tensors, network, 1, graphs.OPEN_MODEL_ZOO_NAMES)
        return _saved(graphs.converted(model, graphs.OPEN_MODEL_ZOO), target)


def _model(core: ov.Core, files: Sequence[Path], options: Options) -> ov.Model:
    """The graph of a checkpoint's files.

    An IR that is documented but not published is made from its original: the option source_format says what the
    files are, and graphs.converted reads the converter's documented arguments from the other options.
    """
    source = options.extra.get("source_format")
    if source is None:
        return _read(core, files, options.format)
    if options.format != "openvino_ir":
        raise AdapterError(f"source_format goes with format 'openvino_ir', got {options.format!r}")
    original = _from_torch(files[0], options) if source == "torch_state_dict" else _read(core, files, source)
    with tempfile.TemporaryDirectory() as folder:
        # By way of the files that the publisher's converter would have written.
        written = _saved(graphs.converted(original, options.extra), Path(folder))
        # cloned, as the weights of a graph that was read may stay mapped to the file
        return _read(core, written, "openvino_ir").clone()


def _read(core: ov.Core, files: Sequence[Path], fmt: str) -> ov.Model:
    """The graph of files in `fmt`, by OpenVINO's own reader."""
    refuse_unknown(fmt, SUFFIXES, "read")
    path, suffix = files[0], SUFFIXES[fmt]
    if path.suffix != suffix:
        raise AdapterError(f"{path}: format {fmt!r}: expected a {suffix} file first")
    weights = list(files[1:2]) if fmt == "openvino_ir" else []
    if fmt == "openvino_ir" and not weights:  # OpenVINO would take whatever it finds beside
        raise unlisted(path.with_suffix(".bin").name, path.name, "the weights")
    try:
        return core.read_model(path, *weights)
    except RuntimeError as error:
        raise AdapterError(
            f"{path} cannot be read as {fmt}: it is damaged, or OpenVINO lacks an operation of it. {_gist(error)}"
        ) from error


def _from_torch(path: Path, options: Options) -> ov.Model:
    """The graph that Open Model Zoo exports from PyTorch, built from the file's tensors."""
    network = options.layers
    _, tensors = torch_states.canonical(torch_pickles.read(path), path, network, options.extra)
    return graphs.build(tensors, network, 1, graphs.OPEN_MODEL_ZOO_NAMES)


def _saved(model: ov.Model, target: Path) -> List[Path]:
    """Write model.xml and model.bin, with all bits of the weights."""
    path = target / "model.xml"
    ov.save_model(model, path, compress_to_fp16=False)
    return [path, path.with_suffix(".bin")]


def _gist(error: RuntimeError) -> str:
    """OpenVINO's message without the lines that say where in its own source it was raised."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith(("Exception from", "Check "))]
    return " ".join(lines[:6]) or "no reason given"


def _effective_precision(compiled: ov.CompiledModel) -> str:
    """What the compiled layers compute in, e.g. "fp32", or "fp32+int8" where they differ."""
    precisions = set()
    for node in compiled.get_runtime_model().get_ordered_ops():
        facts = {key: value.value for key, value in node.get_rt_info().items() if key in RUNTIME_FACTS}
        if facts["layerType"] in COMPUTING:
            precisions.add(PRECISIONS.get(facts["runtimePrecision"], facts["runtimePrecision"]))
    return "+".join(sorted(precisions))


ADAPTER = OpenVinoAdapter
