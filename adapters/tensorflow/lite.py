""".tflite files, float or quantised, run by the interpreter that TensorFlow ships.

ai-edge-litert is the same runtime under its later name. It is not used, because TensorFlow is needed anyway for the
other formats, and one more package would have to be pinned.
"""

from __future__ import annotations

import struct
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from adapters.common import layers
from adapters.common.contract import AdapterError, single
from adapters.common.network import Network
from adapters.tensorflow.graphs import built

DELEGATED = "DELEGATE"  # stands for the operators that XNNPACK, the only delegate by default, has taken over
IDENTIFIER = b"TFL3"
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


class LiteNetwork:
    """One interpreter. `shape`: (batch, H, W, 3), the batch being fixed once the memory is laid out."""

    def __init__(self, path: Path, threads: int, batch_size: int) -> None:
        parsed(path)
        self.interpreter = _resized(path, threads, batch_size) or _interpreter(path, threads)
        self.input = _single(self.interpreter.get_input_details(), "input")
        self.output = _single(self.interpreter.get_output_details(), "output")
        self.source, self.target = self.input["name"], self.output["name"]
        self.shape = tuple(int(size) for size in self.input["shape"])
        self.dtype = np.dtype(self.input["dtype"]).name
        self.quantisation = _quantisation(self.input)

    def count_outputs(self) -> int:
        """Scores per image, as the file states them."""
        return int(self.output["shape"][-1])

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """batch: of `shape` and `dtype`, NHWC -> float32 (N, outputs), dequantised."""
        self.interpreter.set_tensor(self.input["index"], batch)
        self.interpreter.invoke()
        scores = self.interpreter.get_tensor(self.output["index"]).reshape(len(batch), -1)
        quantisation = _quantisation(self.output)
        if quantisation is None:
            return scores.astype(np.float32)
        scale, zero = quantisation
        return (scores.astype(np.float32) - np.float32(zero)) * np.float32(scale)

    def precision(self) -> str:
        """Kernels compute in the types that the file states: "int8" if any tensor is of quantised bytes."""
        details = self.interpreter.get_tensor_details()
        return "int8" if any(_quantisation(tensor) is not None for tensor in details) else "fp32"

    def integer_sums(self) -> str:
        """Kernels of both kinds widen bytes to 16 bits before they multiply (tests/adapters/test_saturation.py)."""
        return "exact" if self.precision() == "int8" else "none"

    def kernels(self) -> str:
        """XNNPACK's, or the interpreter's own. They round differently, so that quantised answers may differ."""
        delegated = any(operation["op_name"] == DELEGATED for operation in self.interpreter._get_ops_details())
        return "XNNPACK" if delegated else "built-in"


def parsed(path: Path) -> Any:
    """The file as its schema's objects: every offset is followed.

    The interpreter does not follow them, and a truncated file makes it crash.
    """
    content = path.read_bytes()
    try:
        if content[4:8] != IDENTIFIER:
            raise ValueError(f"bytes 4 to 8 are {content[4:8]!r}, expected {IDENTIFIER!r}")
        return schema.ModelT.InitFromPackedBuf(content)
    except (ValueError, TypeError, IndexError, struct.error) as error:
        raise AdapterError(f"{path}: not a readable .tflite file: {error}; truncated, or of another format?") from error


def _interpreter(path: Path, threads: int, batch_size: Optional[int] = None, **settings: Any) -> tf.lite.Interpreter:
    """An interpreter with its memory laid out. settings: with `model_content` in place of the file."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated", UserWarning)
        try:
            named = None if "model_content" in settings else str(path)
            interpreter = tf.lite.Interpreter(named, num_threads=threads, **settings)
        except ValueError as error:
            raise AdapterError(f"{path}: not a readable .tflite file: {error}") from error
    if batch_size is not None:
        source = _single(interpreter.get_input_details(), "input")
        interpreter.resize_tensor_input(source["index"], [batch_size, *source["shape"][1:]])
    interpreter.allocate_tensors()
    return interpreter


def _resized(path: Path, threads: int, batch_size: int) -> Optional[tf.lite.Interpreter]:
    """An interpreter for batches of `batch_size`; None if the network allows no other batch than its own.

    Older files hold the batch in the constant of a Reshape: the layout fails, or the answer keeps one row.
    """
    try:
        interpreter = _interpreter(path, threads, batch_size)
    except RuntimeError:
        return None
    shape = _single(interpreter.get_output_details(), "output")["shape"]
    return interpreter if len(shape) > 1 and shape[0] == batch_size else None


def _single(details: List[Dict[str, Any]], what: str) -> Dict[str, Any]:
    tensor: Dict[str, Any] = single(details, [entry["name"] for entry in details], what)
    return tensor


def _quantisation(tensor: Mapping[str, Any]) -> Optional[Tuple[float, int]]:
    """(scale, zero point) of a tensor of quantised bytes, else None; per-channel weights give their first."""
    scales = tensor["quantization_parameters"]["scales"]
    if tensor["dtype"] not in (np.uint8, np.int8) or not len(scales):
        return None
    return float(scales[0]), int(tensor["quantization_parameters"]["zero_points"][0])


def inspect(path: Path) -> Dict[str, Any]:
    """Static facts, with the shapes that the interpreter lays out for one image."""
    model = parsed(path)
    interpreter = _plain(path)
    details = interpreter.get_tensor_details()
    known = _shapes(details)
    operations = interpreter._get_ops_details()  # there is no public way to list them
    return {
        **layers.facts([_layer(op, known) for op in operations if op["op_name"] in WEIGHTED]),
        "graph": True,
        "tensors": len(details),
        "activations": dict(Counter(_activations(model))),
        "quantised": any(_quantisation(tensor) is not None for tensor in details),
        "ops": dict(Counter(op["op_name"] for op in operations)),
        "inputs": [_spec(tensor) for tensor in interpreter.get_input_details()],
        "outputs": [_spec(tensor) for tensor in interpreter.get_output_details()],
    }


def shapes(path: Path) -> Dict[int, List[int]]:
    """Shapes of tensors by index, as the interpreter lays them out for one image."""
    return _shapes(_plain(path).get_tensor_details())


def exposed(path: Path, threads: int, batch_size: int, tensors: Sequence[int]) -> tf.lite.Interpreter:
    """An interpreter of a copy of the file whose outputs are these tensors, for batches of `batch_size`."""
    model = parsed(path)
    graph = model.subgraphs[0]
    graph.outputs = np.array(list(dict.fromkeys([*map(int, graph.outputs), *tensors])), np.int32)
    model.signatureDefs = []  # they name the outputs
    builder = flatbuffers.Builder(path.stat().st_size)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return _interpreter(path, threads, batch_size, model_content=bytes(builder.Output()))


def _plain(path: Path) -> tf.lite.Interpreter:
    """Without a delegate: its nodes would stand for the file's own."""
    plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return _interpreter(path, 1, experimental_op_resolver_type=plain)


def _shapes(details: Sequence[Mapping[str, Any]]) -> Dict[int, List[int]]:
    return {tensor["index"]: [int(size) for size in tensor["shape"]] for tensor in details}


def _layer(operation: Mapping[str, Any], shapes: Mapping[int, List[int]]) -> layers.Layer:
    """Inputs are data, weights and, unless its index is -1, the bias."""
    weights, bias = ([*operation["inputs"], -1, -1])[1:3]
    channels, positions = layers.shape_of_one(shapes[operation["outputs"][0]], -1)
    biases = int(np.prod(shapes[bias])) if bias >= 0 else 0
    return layers.Layer(int(np.prod(shapes[weights])), biases, channels, positions)


def _activations(model: Any) -> Iterator[str]:
    """Those fused into convolutions, and those of their own."""
    functions = schema.ActivationFunctionType
    fused = {functions.RELU: "relu", functions.RELU6: "relu6"}
    alone = {schema.BuiltinOperator.RELU: "relu", schema.BuiltinOperator.RELU6: "relu6"}
    for operation in model.subgraphs[0].operators:
        code = model.operatorCodes[operation.opcodeIndex]
        # files from before 2020 have the operator in a byte of its own
        kind = alone.get(max(code.builtinCode, code.deprecatedBuiltinCode))
        kind = kind or fused.get(getattr(operation.builtinOptions, "fusedActivationFunction", 0))
        if kind:
            yield kind


def _spec(tensor: Mapping[str, Any]) -> Dict[str, Any]:
    spec = layers.spec(tensor["name"], tensor["shape_signature"].tolist(), np.dtype(tensor["dtype"]).name)
    quantisation = _quantisation(tensor)
    return spec if quantisation is None else {**spec, "scale": quantisation[0], "zero_point": quantisation[1]}


def write(tensors: Mapping[str, np.ndarray], network: Network, target: Path) -> List[Path]:
    """FAMILY.tflite in float32: `input` (N, side, side, 3), free batch, to (N, classes) logits."""
    graph = built(tensors, network, softmax=False)
    function = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph.definition, name=""), [])
    pruned = function.prune("input:0", "output:0")
    path = target / f"{network.family}.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([pruned]).convert())
    return [path]
