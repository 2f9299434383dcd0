"""Answers of a network in ONNX Runtime, in its environment."""

from __future__ import annotations

import apply
import numpy as np
import onnxruntime

BATCH = 20  # images


def answers(pixels: np.ndarray, network: str, mean: list[float], std: list[float], scale: float) -> np.ndarray:
    """The five best classes, int64 (n, 5), of `pixels` (n, side, side, 3); equal scores: the lower index first.

    network: an .onnx file that takes NCHW float32; scale: makes the pixels 0 to 1; mean, std: of those.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    best = []
    for start in range(0, len(pixels), BATCH):
        unit = pixels[start : start + BATCH].astype(np.float32) * np.float32(scale)
        batch = ((unit - np.array(mean, np.float32)) / np.array(std, np.float32)).transpose(0, 3, 1, 2)
        (scores,) = session.run(None, {given.name: np.ascontiguousarray(batch)})
        best.append(np.argsort(-scores, axis=1, kind="stable")[:, :5])
    return np.concatenate(best)


if __name__ == "__main__":
    apply.main(globals())
