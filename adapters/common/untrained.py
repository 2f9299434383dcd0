"""Random weights, to time a network without its file: speed does not depend on the values of weights."""

from __future__ import annotations

from typing import Dict

import numpy as np

from adapters.common.network import Network

SEED = 20261120


def tensors(network: Network) -> Dict[str, np.ndarray]:
    """Canonical tensors, float32: weights so scaled that activations keep their size (He et al. 2015,
    Delving Deep into Rectifiers, doi:10.1109/ICCV.2015.123), batch norms that change nothing.

    Values that fade layer by layer would end as denormal numbers, on which processors are slow. Every filter sums to
    zero: what all images have in common would choose one class for all of them, and nothing could be seen of a
    network that answers wrongly.
    """
    random = np.random.default_rng(SEED)
    made: Dict[str, np.ndarray] = {}
    for name, shape in network.tensor_shapes().items():
        if len(shape) > 1:
            deviation = np.sqrt(2.0 / np.prod(shape[1:]))
            weights = random.standard_normal(shape)
            weights -= weights.mean(axis=tuple(range(1, len(shape))), keepdims=True)
            made[name] = (weights * deviation).astype(np.float32)
        else:
            neutral = 1.0 if name.endswith(("running_var", ".weight")) else 0.0
            made[name] = np.full(shape, neutral, np.float32)
    return made
