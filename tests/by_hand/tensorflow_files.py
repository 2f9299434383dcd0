"""Run inside TensorFlow's environment by test_tensorflow_formats.py: what no adapter does, but a test needs.

    rewrite_checkpoint PREFIX NEW_PREFIX CHANGES   drop, add and scale tensors of a slim checkpoint
    rewrite_h5 FILE NEW_FILE CHANGES               rename and drop layers of a Keras weights file
    link_h5 FILE NEW_FILE OTHER KIND               move a layer of a weights file to another file, and refer to it there
    keras_scores FILE BATCH OUT NETWORK            Keras's own reading of a weights file
    quantise SAVED_MODEL ROWS DTYPE OUT            a .tflite with DTYPE input and output
    bytes_network ROWS WEIGHTS OUT                 a .tflite of one quantised convolution and a mean
    answers_without_delegates TFLITE ROWS OUT      its answers by the interpreter's own kernels
    graph OUT KIND                                 a small GraphDef that is wrong in one way
    edit_graph FILE OUT KIND                       a network's GraphDef with one change, see EDITS
    halve SAVED_MODEL OUT                          a .tflite with its weights in float16

CHANGES and NETWORK are JSON.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tensorflow as tf


def rewrite_checkpoint(prefix: str, new_prefix: str, changes: str) -> None:
    wanted = json.loads(changes)
    reader = tf.train.load_checkpoint(prefix)
    values = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    for name in wanted.get("drop", []):
        del values[name]
    for name, shape in wanted.get("add", {}).items():
        values[name] = np.ones(shape, np.float32)
    for suffix, factor in wanted.get("scale", {}).items():
        values = {name: array * factor if name.endswith(suffix) else array for name, array in values.items()}
    names = sorted(values)
    tensors = [tf.constant(values[name]) for name in names]
    tf.raw_ops.SaveV2(prefix=new_prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors)


def rewrite_h5(path: str, new_path: str, changes: str) -> None:
    wanted = json.loads(changes)
    shutil.copy(path, new_path)
    with h5py.File(new_path, "a") as file:
        layers = [name.decode() for name in file.attrs["layer_names"]]
        for old, new in wanted.get("rename", {}).items():
            weights = [name.decode() for name in file[old].attrs["weight_names"]]
            arrays = [np.asarray(file[old][name]) for name in weights]
            del file[old]
            renamed = [name.replace(old, new) for name in weights]
            group = file.create_group(new)
            group.attrs["weight_names"] = np.array(renamed, "S")
            for name, array in zip(renamed, arrays, strict=True):
                group.create_dataset(name, data=array)
            layers[layers.index(old)] = new
        layers = [name for name in layers if name not in wanted.get("drop", [])]
        file.attrs["layer_names"] = np.array(layers, "S")


def link_h5(path: str, new_path: str, other_path: str, kind: str) -> None:
    shutil.copy(path, new_path)
    with h5py.File(new_path, "a") as file, h5py.File(other_path, "w") as other:
        name = "predictions/predictions/bias:0"
        bias = np.asarray(file[name])
        del file[name]
        if kind == "link":
            other["bias"] = bias
            file[name] = h5py.ExternalLink(other_path, "bias")
        elif kind == "raw":
            other["bias"] = bias
            raw = Path(other_path).with_suffix(".raw")
            raw.write_bytes(bias.tobytes())
            file.create_dataset(name, bias.shape, bias.dtype, external=[(str(raw), 0, bias.nbytes)])
        elif kind == "virtual":
            other["bias"] = bias
            layout = h5py.VirtualLayout(bias.shape, bias.dtype)
            layout[:] = h5py.VirtualSource(other_path, "bias", bias.shape)
            file.create_virtual_dataset(name, layout)


def reading_saved_model(out: str, words: str) -> None:
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            words, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        ),
        1,
    )
    module: Any = tf.Module()
    module.table = table

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 3], tf.float32, name="input")])
    def answer(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        known = tf.cast(table.lookup(tf.constant(["word"])), tf.float32)
        return {"output": tf.reduce_mean(batch, [1, 2]) + known}

    tf.saved_model.save(module, out, signatures={"serving_default": answer})


def keras_scores(path: str, batch: str, out: str, network: str) -> None:
    model = tf.keras.applications.MobileNetV2(weights=None, **json.loads(network))
    model.load_weights(path)
    np.save(out, model.predict(np.load(batch), verbose=0))


def quantise(folder: str, calibration: str, dtype: str, out: str) -> None:
    rows = np.load(calibration)
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in rows)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.as_dtype(dtype)
    Path(out).write_bytes(converter.convert())


def bytes_network(rows: str, weights: str, out: str) -> None:
    data, kernel = np.load(rows), np.load(weights).transpose(2, 3, 1, 0).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, *data.shape[1:]], tf.float32)])
    def network(source: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.nn.conv2d(source, kernel, 1, "VALID"), [1, 2])

    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in data)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    Path(out).write_bytes(converter.convert())


def answers_without_delegates(path: str, rows: str, out: str) -> None:
    plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tf.lite.Interpreter(path, experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    answers = []
    for row in np.load(rows):
        interpreter.set_tensor(source["index"], row[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(target["index"])[0])
    np.save(out, np.array(answers))


def edit_graph(path: str, out: str, kind: str) -> None:
    definition = tf.compat.v1.GraphDef.FromString(Path(path).read_bytes())
    EDITS[kind](definition, {node.name: node for node in definition.node})
    Path(out).write_bytes(definition.SerializeToString())


def _instead(definition: Any, name: str, other: str) -> None:
    """Everyone who reads one node reads the other."""
    for node in definition.node:
        if node.name != other:
            node.input[:] = [other if source == name else source for source in node.input]


def _constant(definition: Any, name: str, values: Any) -> str:
    node = definition.node.add(name=name, op="Const")
    node.attr["dtype"].type = tf.float32.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.asarray(values, np.float32)))
    return name


def _operator(definition: Any, kind: str, name: str, *inputs: str) -> str:
    node = definition.node.add(name=name, op=kind)
    node.input[:] = inputs
    node.attr["T"].type = tf.float32.as_datatype_enum
    return name


def _array(node: Any) -> np.ndarray:
    return tf.make_ndarray(node.attr["value"].tensor)


def _no_activation(definition: Any, nodes: dict[str, Any]) -> None:
    _instead(definition, "Relu6_3", nodes["Relu6_3"].input[0])


def _more_activation(definition: Any, nodes: dict[str, Any]) -> None:
    _operator(definition, "Relu6", "added", "FusedBatchNormV3_2")
    _instead(definition, "FusedBatchNormV3_2", "added")


def _other_bounds(definition: Any, nodes: dict[str, Any]) -> None:
    """ReLU up to 3, as two operators."""
    low, high = _constant(definition, "low", 0), _constant(definition, "high", 3)
    above = _operator(definition, "Maximum", "above", nodes["Relu6_3"].input[0], low)
    _instead(definition, "Relu6_3", _operator(definition, "Minimum", "between", high, above))


def _no_residual(definition: Any, nodes: dict[str, Any]) -> None:
    _instead(definition, "add", nodes["add"].input[1])


def _epsilon(definition: Any, nodes: dict[str, Any]) -> None:
    nodes["FusedBatchNormV3_2"].attr["epsilon"].f = 1e-3


def _training(definition: Any, nodes: dict[str, Any]) -> None:
    nodes["FusedBatchNormV3_2"].attr["is_training"].b = True


def _pads(definition: Any, nodes: dict[str, Any]) -> None:
    around = nodes["Pad/paddings"].attr["value"].tensor
    around.CopyFrom(tf.make_tensor_proto(np.array([[0, 0], [0, 2], [0, 2], [0, 0]], np.int32)))


def _not_a_number(definition: Any, nodes: dict[str, Any]) -> None:
    weight = nodes[nodes["Conv2D_1"].input[1]]
    values = _array(weight).copy()
    values[..., 0] = np.nan
    weight.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))


def _separate_norm(definition: Any, nodes: dict[str, Any]) -> None:
    """A batch norm as a product and a sum with numbers that the graph computes, as old training code left it."""
    norm = nodes["FusedBatchNormV3_2"]
    source, gamma, beta, mean, variance = norm.input
    epsilon = _constant(definition, "epsilon", norm.attr["epsilon"].f)
    inverse = _operator(definition, "Rsqrt", "inverse", _operator(definition, "AddV2", "sum", variance, epsilon))
    factor = _operator(definition, "Mul", "factor", inverse, gamma)
    shift = _operator(definition, "Sub", "shift", beta, _operator(definition, "Mul", "moved", mean, factor))
    product = _operator(definition, "Mul", "product", source, factor)
    _instead(definition, norm.name, _operator(definition, "AddV2", "normalised", product, shift))


def _scaled_input(definition: Any, nodes: dict[str, Any]) -> None:
    """Pixels divided by 2 inside the network, and a softmax behind it."""
    half = _operator(definition, "RealDiv", "halved", "input", _constant(definition, "two", 2))
    _instead(definition, "input", half)
    nodes["output"].op = "Softmax"


EDITS = {
    function.__name__[1:]: function
    for function in (
        _no_activation, _more_activation, _other_bounds, _no_residual, _epsilon, _training, _pads, _not_a_number,
        _separate_norm, _scaled_input,
    )
}  # fmt: skip


def halve(folder: str, out: str) -> None:
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    Path(out).write_bytes(converter.convert())


def graph(out: str, kind: str) -> None:
    with tf.Graph().as_default() as made:
        source = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 3], "pixels")
        scores = tf.reduce_mean(source, [1, 2], name="scores")
        if kind == "two_inputs":
            tf.add(scores, tf.compat.v1.placeholder(tf.float32, [None, 3], "training"), name="sum")
        elif kind == "two_outputs":
            tf.identity(source, name="features")
        elif kind == "no_scores":
            tf.nn.relu(source, name="features")
        elif kind == "reads_files":
            tf.io.read_file("/etc/hostname", name="secret")
        elif kind == "fills_a_table":
            keys = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
            tf.raw_ops.InitializeTableFromTextFileV2(
                table_handle=keys, filename="/etc/hostname", key_index=-2, value_index=-1
            )
        elif kind == "maps_memory":
            tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[1], memory_region_name="/etc/hostname")
    Path(out).write_bytes(made.as_graph_def().SerializeToString())


if __name__ == "__main__":
    COMMANDS = {
        command.__name__: command
        for command in (
            rewrite_checkpoint, rewrite_h5, link_h5, reading_saved_model, keras_scores, quantise, bytes_network,
            answers_without_delegates, graph, edit_graph, halve,
        )
    }  # fmt: skip
    COMMANDS[sys.argv[1]](*sys.argv[2:])
