"""Files that hold tensors without a graph: slim's checkpoints and the weights files of Keras applications."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import h5py
import numpy as np
import tensorflow as tf

from adapters.common.contract import AdapterError, file_of
from adapters.common.dialects import checked, of_family
from adapters.common.mobilenet_v2 import FAMILY
from adapters.common.network import Network
from adapters.tensorflow.graphs import Graph, built, frozen
from adapters.tensorflow.names import (
    AVERAGED,
    KERAS,
    SLIM,
    Row,
    rows,
    slim_extras,
    to_canonical,
    to_dialect,
    unaliased,
)

# What Keras's own MobileNetV2 is, and has no arguments to change.
KERAS_FIXED = {
    "rounding": "divisible",
    "padding": "same",
    "activation": "relu6",
    "bn_epsilon": 1e-3,
    "expand_first": False,
    "classifier_bias": True,
}


def read_slim(files: Sequence[Path], network: Network, extra: Mapping[str, Any]) -> Graph:
    """A checkpoint of TensorFlow slim, with a softmax behind it as slim's graph has.

    extra: {"moving_averages"}, true unless given: take the averaged value of what was trained, as the
    publisher's notebook does. Batch-norm statistics are averages already, taken as they are either way.
    """
    tensors = _slim_tensors(files, network, bool(extra.get("moving_averages", True)))
    return built(to_canonical(SLIM, tensors, network), network, softmax=True)


def slim_tensors(
    files: Sequence[Path], network: Network, extra: Mapping[str, Any]
) -> Tuple[Dict[str, np.ndarray], Dict[str, str]]:
    """Canonical name -> a checkpoint's array in canonical axes, and its name there."""
    averaged = bool(extra.get("moving_averages", True))
    names = {row.canonical: _stored_name(row, averaged) for row in rows(SLIM, network)}
    return to_canonical(SLIM, _slim_tensors(files, network, averaged), network), names


def keras_tensors(path: Path, network: Network) -> Tuple[Dict[str, np.ndarray], Dict[str, str]]:
    """Canonical name -> a weights file's array in canonical axes, and its name there."""
    return to_canonical(KERAS, _fitting_keras(path, network), network), KERAS.table(network)


def slim_sizes(files: Sequence[Path], network: Network, extra: Mapping[str, Any]) -> Dict[str, int]:
    """Canonical name -> values that a checkpoint stores for it."""
    tensors = _slim_tensors(files, network, bool(extra.get("moving_averages", True)))
    return {row.canonical: int(tensors[row.name].size) for row in rows(SLIM, network)}


def keras_sizes(path: Path, network: Network) -> Dict[str, int]:
    """Canonical name -> values that a weights file stores for it."""
    tensors = _keras_tensors(path)
    return {row.canonical: int(tensors[row.name].size) for row in rows(KERAS, network)}


def _slim_tensors(files: Sequence[Path], network: Network, averaged: bool) -> Dict[str, np.ndarray]:
    """Slim's names -> arrays in slim's layout."""
    prefix = str(file_of(files, ".index"))[: -len(".index")]
    expected = {row.name: row.shape for row in rows(SLIM, network)}
    stored = {row.name: _stored_name(row, averaged) for row in rows(SLIM, network)}
    extras = slim_extras(expected)
    needed = {**expected, **{stored[name]: shape for name, shape in expected.items()}}
    try:
        reader = tf.train.load_checkpoint(prefix)
        checked(reader.get_variable_to_shape_map(), needed, prefix, extras)
        return {name: reader.get_tensor(place) for name, place in stored.items()}
    except (tf.errors.OpError, RuntimeError, ValueError, IndexError) as error:
        raise AdapterError(f"{prefix}: not a readable checkpoint: {error}") from error


def _stored_name(row: Row, averaged: bool) -> str:
    trained = not row.canonical.endswith(("running_mean", "running_var"))
    return AVERAGED.format(name=row.name) if averaged and trained else row.name


def write_slim(tensors: Mapping[str, np.ndarray], network: Network, target: Path) -> List[Path]:
    """FAMILY.ckpt.*: the variables, equal moving averages of what was trained, and a global step."""
    plain = to_dialect(SLIM, tensors, network)
    values: Dict[str, Any] = {"global_step": np.int64(0), **plain}
    values.update({_stored_name(row, averaged=True): plain[row.name] for row in rows(SLIM, network)})
    names = sorted(values)
    prefix = target / f"{network.family}.ckpt"
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(values[name]) for name in names],
    )
    return [Path(f"{prefix}.data-00000-of-00001"), Path(f"{prefix}.index")]


def read_keras(path: Path, network: Network) -> Graph:
    """A weights file (.h5) of Keras applications in Keras's own network, softmax included."""
    _refuse_inexpressible(network)
    stored = _fitting_keras(path, network)
    side = network.resolution
    model = tf.keras.applications.MobileNetV2(
        input_shape=(side, side, 3), alpha=network.given.alpha, weights=None, classes=network.classes
    )
    for layer in model.layers:
        layer.set_weights([stored[f"{layer.name}/{variable.name}"] for variable in layer.weights])

    @tf.function(input_signature=[tf.TensorSpec([None, side, side, 3], tf.float32, name="input")])
    def answer(batch: tf.Tensor) -> tf.Tensor:
        return model(batch, training=False)

    return frozen(answer.get_concrete_function())


def _fitting_keras(path: Path, network: Network) -> Dict[str, np.ndarray]:
    stored = _keras_tensors(path)
    checked(
        {name: array.shape for name, array in stored.items()},
        {row.name: row.shape for row in rows(KERAS, network)},
        str(path),
    )
    return stored


def _refuse_inexpressible(network: Network) -> None:
    of_family(network, FAMILY)
    other = [
        f"{name}: expected {value!r}, got {getattr(network.given, name)!r}"
        for name, value in KERAS_FIXED.items()
        if getattr(network.given, name) != value
    ]
    if other:
        raise AdapterError(f"Keras's own MobileNetV2 cannot express this network; {'; '.join(other)}")


def _keras_tensors(path: Path) -> Dict[str, np.ndarray]:
    """Layer/variable -> array in Keras's layout, from the file layout of Keras 1 and 2.

    The root lists `layer_names`, a layer's group its `weight_names`, in some files with other scopes before.
    """
    tensors: Dict[str, np.ndarray] = {}
    try:
        with h5py.File(path, "r") as file:
            for layer in _texts(file.attrs["layer_names"]):
                for weight in _texts(file[layer].attrs["weight_names"]):
                    variable = weight.split("/")[-1].split(":")[0]
                    tensors[unaliased(f"{layer}/{variable}")] = np.asarray(
                        _own(file[layer][weight], f"{layer}/{weight}", path)
                    )
    except (OSError, KeyError) as error:
        raise AdapterError(f"{path}: not a readable Keras weights file (.h5): {error}") from error
    return tensors


def _own(stored: Any, name: str, path: Path) -> Any:
    """A dataset; AdapterError where its values lie in another file, which HDF5 would read without a word."""
    if Path(stored.file.filename) != path or stored.external or stored.is_virtual:
        raise AdapterError(f"{path}: refused, values of {name} lie in another file, which the record has not")
    return stored


def _texts(names: Sequence[Any]) -> List[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def write_keras(tensors: Mapping[str, np.ndarray], network: Network, target: Path) -> List[Path]:
    """FAMILY.h5, weights alone, as Keras applications publishes them."""
    _refuse_inexpressible(network)
    layers: Dict[str, Dict[str, np.ndarray]] = {}
    for name, array in to_dialect(KERAS, tensors, network).items():
        layer, variable = name.split("/")
        variable = "depthwise_kernel" if layer.endswith("_depthwise") else variable
        layers.setdefault(layer, {})[f"{layer}/{variable}:0"] = array
    path = target / f"{network.family}.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array(list(layers), "S")
        file.attrs["backend"] = b"tensorflow"
        for layer, variables in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array(list(variables), "S")
            for name, array in variables.items():
                group.create_dataset(name, data=array)
    return [path]
