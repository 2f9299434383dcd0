"""How MindSpore's publishers name the tensors of MobileNetV2, and what else their checkpoints hold.

mindvision  backbone.features.0.features.0.weight, backbone.features.2.conv.1.features.1.gamma, ...,
            head.classifier.weight (MindSpore Vision; the classifier is a 1x1 convolution)
mindcv      features.0.weight, features.3.layers.0.weight, ..., classifier.1.weight
            (MindCV: the stem and the last 1x1 lie flat in the sequence; the classifier is a dense layer)
"""

from __future__ import annotations

from typing import Collection, Dict, List, Tuple

from adapters.common.dialects import Table, canonical, in_sequence, table
from adapters.common.mobilenet_v2 import FAMILY
from adapters.common.network import Network

PARTS = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
STATISTICS = ("moving_mean", "moving_variance")

# What training leaves beside the network, by name: the state of Momentum (one tensor for each trainable one),
# and scalars of the optimizer, of the loss scaling and of the checkpoint callbacks.
OPTIMIZER_STATE = "moments.{name}"
TRAINING_SCALARS = (
    "epoch_num",
    "step_num",
    "global_step",
    "learning_rate",
    "momentum",
    "weight_decay",
    "loss_scale",
    "scale_sense",
    "current_iterator_step",
    "last_overflow_iterator_step",
)


def mindvision(network: Network) -> Table:
    """Convolution and batch norm share a cell `features` if an activation follows; else they lie flat."""
    last = len(network.blocks) - 1

    def layer(block: int, position: int) -> Tuple[str, str]:
        stem = f"backbone.features.{block}"
        if block not in (0, last):
            stem += f".conv.{position}"
            if position == len(network.blocks[block].convs) - 1:
                return f"{stem}.weight", f"backbone.features.{block}.conv.{position + 1}."
        return f"{stem}.features.0.weight", f"{stem}.features.1."

    return table(network, FAMILY, layer, PARTS, ("head.classifier.weight", "head.classifier.bias"))


def mindcv(network: Network) -> Table:
    """A convolution is three entries of a sequence (itself, batch norm, activation)."""
    return in_sequence(network, FAMILY, "layers", PARTS, ("classifier.1.weight", "classifier.1.bias"))


def tables(network: Network) -> Dict[str, Table]:
    """Every dialect of the network's family by its title, the usual one first."""
    if network.family != FAMILY:
        return {"canonical": canonical(network)}
    return {"mindvision": mindvision(network), "mindcv": mindcv(network)}


def trainable(names: Collection[str]) -> List[str]:
    """Those that training changes by gradient, hence with optimizer state."""
    return [name for name in names if not name.endswith(STATISTICS)]


def extras(names: Collection[str]) -> List[str]:
    """Documented extras of a checkpoint whose network tensors are called `names`."""
    return [*(OPTIMIZER_STATE.format(name=name) for name in trainable(names)), *TRAINING_SCALARS]
