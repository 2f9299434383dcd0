"""ONNX Runtime: one session."""

from __future__ import annotations

import loop
import onnxruntime as ort


def build(files: list[str], batch: int, threads: int) -> loop.Predict:
    """All optimisations, which is the default."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(files[0], options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


if __name__ == "__main__":
    loop.main(build, (3, 224, 224))
