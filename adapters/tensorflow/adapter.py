"""TensorFlow on the CPU: frozen graphs, SavedModels, slim checkpoints, Keras weights and .tflite files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Union

import h5py
import numpy as np
import tensorflow as tf

from adapters.common import layers
from adapters.common.canonical import steps_of_tensors
from adapters.common.contract import Adapter, ModelInfo, Options, already_started, image_input
from adapters.common.network import Network
from adapters.common.steps import Step
from adapters.tensorflow import graphs, lite, lite_steps
from adapters.tensorflow import steps as graph_steps
from adapters.tensorflow import tensors as tensor_files

# format -> how it is read into a graph. All files are NHWC, RGB. ".tflite" is read by its own interpreter.
READERS = {
    "frozen_graph": lambda files, options: graphs.read_frozen(files[0], options.extra),
    "saved_model": lambda files, options: graphs.read_saved_model(files[0], options.extra),
    "slim_ckpt": lambda files, options: tensor_files.read_slim(files, options.layers, options.extra),
    "keras_h5": lambda files, options: tensor_files.read_keras(files[0], options.layers),
}
# Formats that hold tensors without a graph -> how many values they store by canonical name.
SIZES = {
    "slim_ckpt": lambda files, network, options: tensor_files.slim_sizes(files, network, options.extra),
    "keras_h5": lambda files, network, options: tensor_files.keras_sizes(files[0], network),
}
# Formats that hold tensors without a graph -> those tensors, and their names in the file, by canonical name.
TENSORS = {
    "slim_ckpt": lambda files, options: tensor_files.slim_tensors(files, options.layers, options.extra),
    "keras_h5": lambda files, options: tensor_files.keras_tensors(files[0], options.layers),
}
# Exported graphs answer with logits; files of tensors, once loaded, with a softmax as their publishers' do.
WRITERS = {
    "frozen_graph": graphs.write_frozen,
    "saved_model": graphs.write_saved_model,
    "tflite": lite.write,
    "slim_ckpt": tensor_files.write_slim,
    "keras_h5": tensor_files.write_keras,
}
# What lets TensorFlow compute float32 graphs in fewer bits: grappler's options, and oneDNN's variables.
NARROWING_OPTIONS = (
    "auto_mixed_precision",
    "auto_mixed_precision_onednn_bfloat16",
    "auto_mixed_precision_mkl",
)
NARROWING_VARIABLES = ("TF_SET_ONEDNN_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE")


class TensorFlowAdapter(Adapter):
    """One frozen function, or one interpreter; threads only within an operator."""

    formats = (*READERS, "tflite")
    exports = tuple(WRITERS)

    def versions(self) -> Dict[str, str]:
        """TensorFlow computes; Keras builds the network of its own weights files, h5py reads them."""
        versions = {"tensorflow": tf.__version__, "keras": tf.keras.__version__}
        return {**versions, "h5py": h5py.__version__, "numpy": np.__version__}

    def _load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        _configure(options)
        self.network: Union[graphs.GraphNetwork, lite.LiteNetwork]
        if options.format == "tflite":
            self.network = lite.LiteNetwork(files[0], options.threads, options.batch_size)
            # the interpreter has no way to ask it; it takes the number it was given
            threads = options.threads
        else:
            self.network = graphs.GraphNetwork(READERS[options.format](files, options))
            threads = tf.config.threading.get_intra_op_parallelism_threads()
        network = self.network
        image_input(network.source, network.shape, network.dtype)
        return ModelInfo(
            input_name=network.source,
            input_shape=network.shape,
            input_dtype=network.dtype,
            output_name=network.target,
            outputs=network.count_outputs(),
            threads=threads,
            precision=_effective(network.precision()),
            quantisation=network.quantisation,
            integer_sums=network.integer_sums(),
            shipped_sums=network.integer_sums(),
            kernels=network.kernels(),
        )

    def _predict(self, batch: np.ndarray) -> np.ndarray:
        return self.network.predict(batch)

    def _inspect(self, files: Sequence[Path], options: Options) -> Dict[str, Any]:
        if options.format == "tflite":
            return lite.inspect(files[0])
        if self.info is None:  # threads can be set only before TensorFlow computes anything
            _configure(options)
        facts = graphs.inspect(READERS[options.format](files, options), options.blank_side)
        if options.format not in SIZES:
            return facts
        # a graph that is built here around tensors says nothing of the file
        network = options.layers
        return {**facts, **layers.of_tensors(SIZES[options.format](files, network, options), network)}

    def _steps(self, files: Sequence[Path], options: Options) -> List[Step]:
        if options.format == "tflite":
            return lite_steps.read(files[0])
        if self.info is None:
            _configure(options)
        if options.format in TENSORS:
            tensors, names = TENSORS[options.format](files, options)
            return steps_of_tensors(tensors, options.layers, names)
        return graph_steps.read(READERS[options.format](files, options), options.blank_side)

    def _values(
        self, files: Sequence[Path], options: Options, steps: Sequence[Step], batch: np.ndarray
    ) -> Iterator[Tuple[int, np.ndarray]]:
        """Of tensors without a graph from the one that `predict` runs, without its softmax; see lite_steps.values."""
        if options.format == "tflite":
            return lite_steps.values(files[0], options.threads, batch)
        graph = READERS[options.format](files, options)
        if options.format in TENSORS:
            steps = graph_steps.read(graph, options.blank_side)
        return graph_steps.values(graph, steps, batch)

    def _export(self, tensors: Dict[str, np.ndarray], network: Network, fmt: str, target: Path) -> List[Path]:
        return WRITERS[fmt](tensors, network, target)


def _configure(options: Options) -> None:
    """Threads and float32 arithmetic, for the whole process."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        now = tf.config.threading.get_intra_op_parallelism_threads()
        raise already_started("TensorFlow", options.threads, now or "a number of its own") from error
    if options.exact:
        tf.config.optimizer.set_experimental_options({"auto_mixed_precision": False})
        tf.config.experimental.enable_tensor_float_32_execution(False)


def _effective(stated: str) -> str:
    """Precision in effect of a network of `stated` precision: reads back the options that could narrow it."""
    options = tf.config.optimizer.get_experimental_options()
    modes = [os.environ.get(name, "STRICT").upper() for name in NARROWING_VARIABLES]
    narrowed = any(options.get(name) for name in NARROWING_OPTIONS) or any(mode != "STRICT" for mode in modes)
    return "narrowed fp32" if stated == "fp32" and narrowed else stated


ADAPTER = TensorFlowAdapter
