"""Graphs: frozen GraphDefs and SavedModels read and written, and run as one frozen function.

Every format but .tflite ends here as a GraphDef without variables, so that TensorFlow's own graph optimiser
may fold batch norms and oneDNN may lay out the weights once.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from adapters.common import layers
from adapters.common.contract import BLANK_SIDE, AdapterError
from adapters.common.network import Network
from adapters.tensorflow import facts
from adapters.tensorflow.network import logits, weights

UNFED = ("Const", "NoOp", "Assert", "Placeholder")  # nodes that nothing reads and that are no answer
# Names of operations that a network has no use for: they read or write files that nobody listed, or call back into
# Python.
FORBIDDEN = re.compile(
    "File|Reader|Record|Save|Restore|Dataset|LMDB|PyFunc|MergeV2Checkpoints|Remap|Dump|ImmutableConst|Skipgram|FixedUni"
)
# The functions with which a SavedModel reads its own variables.
OWN = ("SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename")


@dataclass(frozen=True)
class Graph:
    """A GraphDef without variables, and the names of the nodes for its input (N, H, W, 3) and its scores."""

    definition: Any
    source: str
    target: str


class GraphNetwork:
    """A graph as a function of one tensor. `shape`: (batch, H, W, 3), -1 where free."""

    quantisation = None

    def __init__(self, graph: Graph) -> None:
        def imported() -> None:
            tf.graph_util.import_graph_def(graph.definition, name="")

        wrapped = tf.compat.v1.wrap_function(imported, [])
        source, target = (wrapped.graph.get_tensor_by_name(f"{name}:0") for name in (graph.source, graph.target))
        self.function = wrapped.prune(source, target)
        self.source, self.target = graph.source, graph.target
        axes = source.shape.as_list() if source.shape.rank is not None else [None, None, None, 3]
        self.shape = tuple(-1 if size is None else size for size in axes)
        self.dtype = source.dtype.name
        # "in" first: to ask for a missing attribute would write an empty one into the graph
        self.types = {node.attr["T"].type for node in graph.definition.node if "T" in node.attr}
        self.integers = any(node.op.startswith(("Quantized", "_MklQuantized")) for node in graph.definition.node)

    def count_outputs(self) -> int:
        """Scores per image, by running one blank image; the score axis must be the only one of any length."""
        batch, *sides = self.shape
        blank = np.zeros([max(batch, 1), *(BLANK_SIDE if size == -1 else size for size in sides)], self.dtype)
        shape = self.function(tf.constant(blank)).shape.as_list()
        if len(shape) < 2 or any(size != 1 for size in shape[1:-1]):
            raise AdapterError(f"output {self.target!r}: expected shape (N, classes), got {tuple(shape)}")
        return int(shape[-1])

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """batch: of `shape` and `dtype`, NHWC -> float32 (N, outputs)."""
        return self.function(tf.constant(batch)).numpy().reshape(len(batch), -1)

    def precision(self) -> str:
        """CPU kernels compute in the types that the graph states."""
        narrow = {tf.float16.as_datatype_enum, tf.bfloat16.as_datatype_enum}
        return "fp16" if self.types & narrow else "fp32"

    def integer_sums(self) -> str:
        """Nobody can ask its kernels for products of bytes how they add them; other graphs compute in floats."""
        return "unknown" if self.integers else "none"

    def kernels(self) -> str:
        """There is no choice of them."""
        return ""


def read_frozen(path: Path, extra: Mapping[str, Any]) -> Graph:
    """A frozen GraphDef (.pb).

    extra: {"input", "output"} name its nodes; without them it must have one Placeholder and one node unread.
    """
    definition = tf.compat.v1.GraphDef()
    try:
        definition.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise AdapterError(f"{path}: not a readable GraphDef ({error}); truncated, or of another format?") from error
    _refuse_forbidden(definition, path)
    names = [node.name for node in definition.node]
    read = {name.lstrip("^").split(":")[0] for node in definition.node for name in node.input}
    placeholders = [node.name for node in definition.node if node.op == "Placeholder"]
    sinks = [node.name for node in definition.node if node.name not in read and node.op not in UNFED]
    source = _chosen("input", extra, placeholders, names, f"{path}: Placeholder nodes")
    target = _chosen("output", extra, sinks, names, f"{path}: nodes that no other node reads")
    return Graph(definition, source, target)


def _chosen(key: str, extra: Mapping[str, Any], candidates: Sequence[str], known: Sequence[str], what: str) -> str:
    """The name given as `key` if it is known, else the only one found."""
    if key in extra:
        name = str(extra[key]).split(":")[0]
        if name not in known:
            raise AdapterError(f"{what}: the {key} {name!r} is not in the file; found {_first(candidates)}")
        return name
    if len(candidates) != 1:
        raise AdapterError(
            f"{what}: expected one, got {_first(candidates)}; name it in the checkpoint's option {key!r}"
        )
    return candidates[0]


def _first(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) if names else "none"
    return f"{len(names)}: {shown}, ..." if len(names) > 5 else shown


def _refuse_forbidden(definition: Any, path: Path, allowed: Sequence[str] = ()) -> None:
    nodes = [
        *definition.node,
        *(node for function in definition.library.function for node in function.node_def),
    ]
    forbidden = sorted({node.op for node in nodes if FORBIDDEN.search(node.op) and node.op not in allowed})
    if forbidden:
        raise AdapterError(f"{path}: refused, a network has no use for the operations {', '.join(forbidden)}")


def read_saved_model(path: Path, extra: Mapping[str, Any]) -> Graph:
    """The signature `serving_default` of a SavedModel; path: its saved_model.pb, in its folder.

    extra: {"output"} names one of several outputs.
    """
    try:
        stored = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        for graph in stored.meta_graphs:
            _refuse_forbidden(graph.graph_def, path, OWN)  # before any of it is run
        loaded = tf.saved_model.load(str(path.parent))
    except (OSError, ValueError, DecodeError, tf.errors.OpError) as error:
        raise AdapterError(f"{path.parent}: not a readable SavedModel: {error}") from error
    if "serving_default" not in loaded.signatures:
        raise AdapterError(f"{path}: no signature serving_default; found {_first(list(loaded.signatures))}")
    signature = loaded.signatures["serving_default"]
    _refuse_forbidden(signature.graph.as_graph_def(), path)
    inputs, outputs = sorted(signature.structured_input_signature[1]), sorted(signature.structured_outputs)
    _chosen("input", {}, inputs, inputs, f"{path}: inputs of serving_default")
    output = _chosen("output", extra, outputs, outputs, f"{path}: outputs of serving_default")
    return frozen(signature, outputs.index(output))


def frozen(function: Any, output: int = 0) -> Graph:
    """A concrete function of one tensor with its variables made constants."""
    constant = convert_variables_to_constants_v2(function)
    source, target = constant.inputs[0].op.name, constant.outputs[output].op.name
    return Graph(constant.graph.as_graph_def(), source, target)


def built(tensors: Mapping[str, np.ndarray], network: Network, softmax: bool) -> Graph:
    """Graph of canonical tensors: `input` float32 (N, side, side, 3) to `output`, logits or their softmax."""
    given = weights(tensors, network)
    with tf.Graph().as_default() as graph:
        side = network.resolution
        batch = tf.compat.v1.placeholder(tf.float32, [None, side, side, 3], "input")
        constants = {name: tf.constant(array, name=name) for name, array in given.items()}
        scores = logits(batch, constants, network)
        tf.identity(tf.nn.softmax(scores) if softmax else scores, "output")
    return Graph(graph.as_graph_def(), "input", "output")


def write_frozen(tensors: Mapping[str, np.ndarray], network: Network, target: Path) -> List[Path]:
    """frozen_graph.pb: `input` float32 (N, side, side, 3) to `output` (N, classes) logits."""
    path = target / "frozen_graph.pb"
    path.write_bytes(built(tensors, network, softmax=False).definition.SerializeToString(deterministic=True))
    return [path]


def write_saved_model(tensors: Mapping[str, np.ndarray], network: Network, target: Path) -> List[Path]:
    """A SavedModel with variables; serving_default: `input` float32 (N, side, side, 3) to `output` logits."""
    module: Any = tf.Module(name=network.family)
    given = weights(tensors, network)
    module.given = {
        name: tf.Variable(array, name=name, trainable=False)  # type: ignore[arg-type]  # its stub knows no arrays
        for name, array in given.items()
    }
    side = network.resolution

    @tf.function(input_signature=[tf.TensorSpec([None, side, side, 3], tf.float32, name="input")])
    def answer(batch: tf.Tensor) -> Dict[str, tf.Tensor]:
        return {"output": logits(batch, module.given, network)}

    tf.saved_model.save(module, str(target), signatures={"serving_default": answer})
    main = target / "saved_model.pb"
    return [main, *sorted(path for path in target.rglob("*") if path.is_file() and path != main)]


def inspect(graph: Graph, side: int) -> Dict[str, Any]:
    """Static facts. side: pixels, where the graph leaves the size of its input open."""
    network = GraphNetwork(graph)
    output = network.function.structured_outputs
    types = Counter(node.op for node in graph.definition.node)
    return {
        **facts.measured(graph.definition, graph.source, network.shape, network.dtype, side),
        "graph": True,
        "quantised": any("Quant" in name for name in types),
        "tensors": types["Const"],
        "ops": dict(types),
        "inputs": [layers.spec(graph.source, network.shape, network.dtype)],
        "outputs": [_spec(graph.target, output)],
    }


def _spec(name: str, tensor: Any) -> Dict[str, Any]:
    shape = tensor.shape.as_list() if tensor.shape.rank is not None else None
    return layers.spec(name, shape, tensor.dtype.name)
