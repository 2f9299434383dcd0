"""How TensorFlow's publishers name and lay out the tensors of MobileNetV2.

    slim   MobilenetV2/expanded_conv_3/expand/weights, .../expand/BatchNorm/gamma, ...
           (tensorflow/models, research/slim/nets/mobilenet)
    keras  block_3_expand/kernel, block_3_expand_BN/gamma, ...
           (Keras applications; "layer/variable")

Only numpy and the layer table here, no TensorFlow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Collection, Dict, List, Mapping, Tuple

import numpy as np

from adapters.common.dialects import Table, table
from adapters.common.mobilenet_v2 import FAMILY
from adapters.common.network import Network

PARTS = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
ROLES = ("expand", "depthwise", "project")  # of a bottleneck's convolutions; the first is left out if t=1

# What training leaves in a slim checkpoint beside the variables: averages of them, and the optimizers' slots.
AVERAGED = "{name}/ExponentialMovingAverage"
SLIM_EXTRAS = ("global_step", AVERAGED, "{name}/RMSProp", "{name}/RMSProp_1", "{name}/Momentum")

# (pattern, replacement): older Keras names of the same tensors. The keras-applications package called the
# last layer "Logits", and depthwise kernels had a name of their own before Keras 3.
KERAS_ALIASES = ((r"^Logits/", "predictions/"), (r"/depthwise_kernel$", "/kernel"))

# kind of tensor -> order of the canonical axes in TensorFlow
AXES = {
    "conv": (2, 3, 1, 0),  # OIHW -> HWIO
    "depthwise": (2, 3, 0, 1),  # (C, 1, 3, 3) -> (3, 3, C, 1)
    "dense": (1, 0),  # (classes, C) -> (C, classes)
    "vector": (0,),
}


def slim(network: Network) -> Table:
    """Canonical name -> slim's variable."""

    def layer(block: int, position: int) -> Tuple[str, str]:
        role = _role(network, block, position)
        if role in ("stem", "last"):
            scope = "MobilenetV2/Conv" if role == "stem" else "MobilenetV2/Conv_1"
            return f"{scope}/weights", f"{scope}/BatchNorm/"
        number = "" if block == 1 else f"_{block - 1}"
        scope = f"MobilenetV2/expanded_conv{number}/{role}"
        weights = "depthwise_weights" if role == "depthwise" else "weights"
        return f"{scope}/{weights}", f"{scope}/BatchNorm/"

    scope = "MobilenetV2/Logits/Conv2d_1c_1x1"
    return table(network, FAMILY, layer, PARTS, (f"{scope}/weights", f"{scope}/biases"))


def keras(network: Network) -> Table:
    """Canonical name -> Keras's layer/variable, as Keras 3 calls them."""

    def layer(block: int, position: int) -> Tuple[str, str]:
        role = _role(network, block, position)
        if role == "stem":
            return "Conv1/kernel", "bn_Conv1/"
        if role == "last":
            return "Conv_1/kernel", "Conv_1_bn/"
        scope = f"expanded_conv_{role}" if block == 1 else f"block_{block - 1}_{role}"
        return f"{scope}/kernel", f"{scope}_BN/"

    return table(network, FAMILY, layer, PARTS, ("predictions/kernel", "predictions/bias"))


def _role(network: Network, block: int, position: int) -> str:
    """What a convolution is for: "stem", "last" or one of ROLES."""
    if block in (0, len(network.blocks) - 1):
        return "last" if block else "stem"
    return ROLES[-len(network.blocks[block].convs) :][position]


@dataclass(frozen=True)
class Dialect:
    """Names of one network's tensors, and whether the classifier is a 1x1 convolution (1, 1, C, classes)."""

    table: Callable[[Network], Table]
    classifier_is_conv: bool


SLIM = Dialect(slim, classifier_is_conv=True)
KERAS = Dialect(keras, classifier_is_conv=False)


@dataclass(frozen=True)
class Row:
    """One tensor: its name and shape in a dialect, its canonical name, and its kind (a key of AXES)."""

    name: str
    shape: Tuple[int, ...]
    canonical: str
    kind: str

    def to_dialect(self, array: np.ndarray) -> np.ndarray:
        """Canonical array in the dialect's axes and shape."""
        return np.ascontiguousarray(array.transpose(AXES[self.kind])).reshape(self.shape)

    def to_canonical(self, array: np.ndarray) -> np.ndarray:
        """The dialect's array in canonical axes."""
        axes = AXES[self.kind]
        turned = array.reshape(array.shape[-len(axes) :])
        return np.ascontiguousarray(turned.transpose(np.argsort(axes)), dtype=np.float32)


def kinds(network: Network) -> Dict[str, str]:
    """Canonical name -> key of AXES, for every tensor in network order."""
    depthwise = {conv.weight for conv in network.convs if conv.groups > 1}
    by_rank = {1: "vector", 2: "dense", 4: "conv"}
    return {
        name: "depthwise" if name in depthwise else by_rank[len(shape)]
        for name, shape in network.tensor_shapes().items()
    }


def rows(dialect: Dialect, network: Network) -> List[Row]:
    """Every tensor of the network, in network order."""
    names, shapes = dialect.table(network), network.tensor_shapes()
    lines = []
    for canonical, kind in kinds(network).items():
        shape = tuple(shapes[canonical][axis] for axis in AXES[kind])
        if kind == "dense" and dialect.classifier_is_conv:
            shape = (1, 1, *shape)
        lines.append(Row(names[canonical], shape, canonical, kind))
    return lines


def slim_extras(names: Collection[str]) -> List[str]:
    """Names of all that training may leave in a slim checkpoint beside the variables `names`."""
    return [pattern.format(name=name) for pattern in SLIM_EXTRAS for name in names]


def unaliased(name: str) -> str:
    """Today's Keras name of a tensor."""
    for pattern, replacement in KERAS_ALIASES:
        name = re.sub(pattern, replacement, name)
    return name


def to_dialect(dialect: Dialect, tensors: Mapping[str, np.ndarray], network: Network) -> Dict[str, np.ndarray]:
    """Canonical tensors under the dialect's names, in its layout, in network order."""
    return {row.name: row.to_dialect(tensors[row.canonical]) for row in rows(dialect, network)}


def to_canonical(dialect: Dialect, tensors: Mapping[str, np.ndarray], network: Network) -> Dict[str, np.ndarray]:
    """The dialect's tensors, already `checked`, under canonical names, in OIHW."""
    return {row.canonical: row.to_canonical(tensors[row.name]) for row in rows(dialect, network)}
