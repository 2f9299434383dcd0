"""ONNX Runtime: .onnx files of any opset, fixed or free batch, float or quantised. CPU execution provider."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import onnx
import onnxruntime as ort
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import ExternalDataInfo, _get_all_tensors, uses_external_data

from adapters.common.canonical import as_value
from adapters.common.contract import Adapter, ModelInfo, Options, image_input, single, unlisted
from adapters.common.network import Block, Conv, Network, Pool
from adapters.common.steps import Step
from adapters.onnxruntime import arithmetic, facts
from adapters.onnxruntime.steps import steps

DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int8)": "int8"}
OPSET = 13  # of exported files: the first with per-axis quantisation, read by every runtime since 2020


class OnnxRuntimeAdapter(Adapter):
    """Sequential execution, all graph optimisations, threads only within an operator (the runtime's CPU advice)."""

    formats = exports = ("onnx",)
    inner: Optional[ort.InferenceSession] = None  # of a copy that gives the values of all steps

    def versions(self) -> Dict[str, str]:
        """ONNX Runtime computes; onnx only reads and writes files."""
        return {"onnxruntime": ort.__version__, "onnx": onnx.__version__, "numpy": np.__version__}

    def _load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        _refuse_unlisted(files)
        model = onnx.load(str(files[0]))
        chosen = arithmetic.chosen(model, options.arithmetic)
        self.settings, self.inner = _settings(options.threads, chosen.entries), None
        self.session = ort.InferenceSession(str(files[0]), self.settings, providers=["CPUExecutionProvider"])
        inputs, target = self.session.get_inputs(), self.session.get_outputs()[0]
        source = single(inputs, [value.name for value in inputs], "input")
        dtype = DTYPES.get(source.type, source.type)
        shape = tuple(size if isinstance(size, int) and size > 0 else -1 for size in source.shape)
        image_input(source.name, shape, dtype)
        self.names = (source.name, target.name)
        effective = self.session.get_session_options()
        return ModelInfo(
            input_name=source.name,
            input_shape=shape,
            input_dtype=dtype,
            output_name=target.name,
            outputs=self._count_outputs(shape, dtype),
            threads=effective.intra_op_num_threads,
            precision=_precision(model.graph),
            integer_sums=chosen.sums,
            shipped_sums=chosen.shipped_sums,
            kernels=", ".join(f"{name}={effective.get_session_config_entry(name)}" for name in chosen.entries),
        )

    def _count_outputs(self, shape: Tuple[int, ...], dtype: str) -> int:
        """Scores per image, by running one blank image: old files document no output shape, or a wrong one."""
        blank = np.zeros([max(size, 1) for size in shape], dtype)
        return int(self._predict(blank).shape[1])

    def _predict(self, batch: np.ndarray) -> np.ndarray:
        source, target = self.names
        scores = self.session.run([target], {source: batch})[0]
        return scores.reshape(len(batch), -1)

    def _inspect(self, files: Sequence[Path], options: Options) -> Dict[str, Any]:
        _refuse_unlisted(files)
        model = onnx.load(str(files[0]))
        opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
        return {
            **facts.measured(model, options.blank_side),
            "quantised": _precision(model.graph) == "int8",
            "ops": dict(Counter(node.op_type for node in model.graph.node)),
            "opset": opsets.get("ai.onnx"),
            "opsets": opsets,
            "ir_version": model.ir_version,
            "producer": f"{model.producer_name} {model.producer_version}".strip(),
        }

    def _steps(self, files: Sequence[Path], options: Options) -> List[Step]:
        _refuse_unlisted(files)
        return steps(onnx.load(str(files[0])), options.blank_side)

    def _values(
        self, files: Sequence[Path], options: Options, steps: Sequence[Step], batch: np.ndarray
    ) -> Iterator[Tuple[int, np.ndarray]]:
        """From the same settings, with all optimisations.

        The runtime fuses no operators across a value that is asked for, so that the last one may differ from the
        answer of `_predict` in its last bits.
        """
        names = list(dict.fromkeys(step.output for step in steps if step.output))
        if self.inner is None:
            copy = facts.exposed(onnx.load(str(files[0])), names).SerializeToString()
            self.inner = ort.InferenceSession(copy, self.settings, providers=["CPUExecutionProvider"])
        found = dict(zip(names, self.inner.run(names, {self.names[0]: batch})))
        for number, step in enumerate(steps):
            if step.output:
                yield number, as_value(step, found[step.output])

    def _export(self, tensors: Dict[str, np.ndarray], network: Network, fmt: str, target: Path) -> List[Path]:
        model = build(tensors, network)
        onnx.checker.check_model(model, full_check=True)
        path = target / "model.onnx"
        onnx.save(model, str(path))
        return [path]


def _settings(threads: int, entries: Dict[str, str]) -> ort.SessionOptions:
    """entries: of the session's configuration."""
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    settings.log_severity_level = 3
    for name, value in entries.items():
        settings.add_session_config_entry(name, value)
    return settings


def _refuse_unlisted(files: Sequence[Path]) -> None:
    """Tensors may lie in other files than the graph; these have to be among the checkpoint's."""
    graph = files[0]
    try:
        model = onnx.load(str(graph), load_external_data=False)
    except DecodeError:
        return  # the runtime says what is wrong with it
    listed = {path.relative_to(graph.parent).as_posix() for path in files if graph.parent in path.parents}
    for tensor in _get_all_tensors(model):
        if uses_external_data(tensor) and ExternalDataInfo(tensor).location not in listed:
            raise unlisted(ExternalDataInfo(tensor).location, graph.name, f"tensor {tensor.name!r}")


def _precision(graph: onnx.GraphProto) -> str:
    """ONNX Runtime's CPU kernels compute in the types the graph states; this reads them from its operators."""
    quantised = any("Quantize" in node.op_type or node.op_type.startswith("QLinear") for node in graph.node)
    halves = any(tensor.data_type in (TensorProto.FLOAT16, TensorProto.BFLOAT16) for tensor in graph.initializer)
    return "int8" if quantised else "fp16" if halves else "fp32"


class _Graph:
    """Nodes and initialisers of an export, in order."""

    def __init__(self, tensors: Dict[str, np.ndarray], network: Network) -> None:
        self.tensors, self.network = tensors, network
        self.nodes: List[onnx.NodeProto] = []
        self.initialisers: Dict[str, np.ndarray] = {}

    def stored(self, name: str) -> str:
        """Keep a canonical tensor as an initialiser; its name."""
        self.initialisers[name] = self.tensors[name]
        return name

    def node(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node; the name of its output."""
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def conv(self, conv: Conv, source: str) -> str:
        """Convolution, batch norm and, if the layer has one, the activation."""
        weights = [source, self.stored(conv.weight)]
        result = self.node("Conv", weights, f"{conv.name}.out", group=conv.groups, **_window(conv))
        parts = [self.stored(name) for name in conv.norm]
        epsilon = self.network.bn_epsilon
        result = self.node("BatchNormalization", [result, *parts], f"{conv.bn}.out", epsilon=epsilon)
        return self.activation(result, conv.bn) if conv.activated else result

    def activation(self, source: str, name: str) -> str:
        """The network's own, called after `name`."""
        if self.network.activation == "relu":
            return self.node("Relu", [source], f"{name}.relu")
        self.initialisers.update(zero=np.array(0, np.float32), six=np.array(6, np.float32))
        return self.node("Clip", [source, "zero", "six"], f"{name}.relu6")

    def block(self, block: Block, source: str) -> str:
        """All convolutions of a block, its residual, and what follows; the name of the output."""
        result, name = source, block.convs[-1].bn
        for conv in block.convs:
            result = self.conv(conv, result)
        if block.residual:
            shortcut = source if block.shortcut is None else self.conv(block.shortcut, source)
            result = self.node("Add", [shortcut, result], f"{name}.sum")
        if block.activated:
            result = self.activation(result, f"{name}.sum")
        return result if block.pool is None else self.node("MaxPool", [result], f"{name}.pool", **_window(block.pool))


def _window(layer: Union[Conv, Pool]) -> Dict[str, List[int]]:
    before, after = layer.pads
    return {
        "kernel_shape": [layer.kernel] * 2,
        "strides": [layer.stride] * 2,
        "pads": [before, before, after, after],
    }


def build(tensors: Dict[str, np.ndarray], network: Network) -> onnx.ModelProto:
    """ONNX model of canonical tensors.

    `input` float32 (batch, 3, side, side) NCHW, normalised; `output` float32 (batch, classes) logits.
    """
    graph = _Graph(tensors, network)
    result = "input"
    for block in network.blocks:
        result = graph.block(block, result)
    result = graph.node("GlobalAveragePool", [result], "pool")
    result = graph.node("Flatten", [result], "features", axis=1)
    classifier = [result, graph.stored(network.classifier.weight)]
    if network.classifier.biased:
        classifier.append(graph.stored(network.classifier.bias))
    graph.node("Gemm", classifier, "output", transB=1)
    shape: List[Union[str, int, None]] = ["batch", 3, network.resolution, network.resolution]
    body = helper.make_graph(
        graph.nodes,
        network.family,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", network.classes])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in graph.initialisers.items()],
    )
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


ADAPTER = OnnxRuntimeAdapter
