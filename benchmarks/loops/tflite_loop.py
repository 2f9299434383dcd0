"""TensorFlow Lite: one interpreter, with XNNPACK as it comes."""

from __future__ import annotations

import loop
import numpy as np
import tensorflow as tf


def build(files: list[str], batch: int, threads: int) -> loop.Predict:
    """The memory is laid out for the batch."""
    interpreter = tf.lite.Interpreter(files[0], num_threads=threads)
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(source, [batch, 224, 224, 3])
    interpreter.allocate_tensors()

    def predict(images: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(source, images)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return predict


if __name__ == "__main__":
    loop.main(build, (224, 224, 3))
