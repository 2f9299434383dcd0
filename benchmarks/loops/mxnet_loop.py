"""MXNet: one executor of the oneDNN subgraph. The threads are OMP_NUM_THREADS."""

from __future__ import annotations

import loop
import mxnet as mx
import numpy as np


def build(files: list[str], batch: int, threads: int) -> loop.Predict:
    """Symbol and parameters, fused."""
    symbol = mx.sym.load(next(name for name in files if name.endswith(".json")))
    stored = mx.nd.load(next(name for name in files if name.endswith(".params")))
    arguments = {name[4:]: array for name, array in stored.items() if name.startswith("arg:")}
    auxiliary = {name[4:]: array for name, array in stored.items() if name.startswith("aux:")}
    (source,) = set(symbol.list_arguments()) - set(arguments)
    fused = symbol.optimize_for("MKLDNN", arguments, auxiliary)
    given = {**arguments, source: mx.nd.zeros((batch, 3, 224, 224))}
    executor = fused.bind(mx.cpu(), given, aux_states=auxiliary, grad_req="null")

    def predict(images: np.ndarray) -> np.ndarray:
        executor.arg_dict[source][:] = images
        return executor.forward(is_train=False)[0].asnumpy().reshape(batch, -1)

    return predict


if __name__ == "__main__":
    loop.main(build, (3, 224, 224))
