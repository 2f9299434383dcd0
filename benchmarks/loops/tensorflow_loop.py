"""TensorFlow: one frozen function."""

from __future__ import annotations

from pathlib import Path

import loop
import tensorflow as tf


def build(files: list[str], batch: int, threads: int) -> loop.Predict:
    """A GraphDef, pruned to its input and output."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    graph = tf.compat.v1.GraphDef.FromString(Path(files[0]).read_bytes())
    wrapped = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    function = wrapped.prune("input:0", "output:0")
    return lambda images: function(tf.constant(images)).numpy()


if __name__ == "__main__":
    loop.main(build, (224, 224, 3))
