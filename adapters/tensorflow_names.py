"""How TensorFlow's publishers name and lay out the tensors of MobileNetV2, as tables.

A dialect is a table of name templates; `rows` spells it out for one network. Only numpy and the layer table here,
no TensorFlow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Collection, Dict, List, Mapping, Tuple

import numpy as np
from contract import AdapterError
from mobilenet_v2 import Block, Network, blocks, tensor_shapes

# canonical part of a batch norm -> its name in every dialect of TensorFlow
PARTS = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}

# kind of tensor -> order of the canonical axes in TensorFlow
AXES = {
    "conv": (2, 3, 1, 0),  # OIHW -> HWIO
    "depthwise": (2, 3, 0, 1),  # (C, 1, 3, 3) -> (3, 3, C, 1)
    "dense": (1, 0),  # (classes, C) -> (C, classes)
    "vector": (0,),
}


@dataclass(frozen=True)
class Dialect:
    """Name templates. `layers`: role -> (weight, batch norm part); {block} is the block's own name, {part} of PARTS.

    The stem and the last 1x1 are roles of their own; a bottleneck has an expansion (unless t=1), a depthwise 3x3 and
    a projection. `classifier`: (weight, bias). `extras`: patterns of the tensors that a file may hold beside the
    network's, {name} being the name of a tensor of the network.
    """

    title: str
    layers: Mapping[str, Tuple[str, str]]
    first_block: str
    later_block: str
    classifier: Tuple[str, str]
    classifier_is_conv: bool
    extras: Tuple[str, ...] = ()


# TensorFlow slim: tensorflow/models, research/slim/nets/mobilenet. What training leaves beside the variables: moving
# averages, and the optimizers' slots.
SLIM = Dialect(
    title="slim",
    layers={
        "stem": ("MobilenetV2/Conv/weights", "MobilenetV2/Conv/BatchNorm/{part}"),
        "expand": ("MobilenetV2/{block}/expand/weights", "MobilenetV2/{block}/expand/BatchNorm/{part}"),
        "depthwise": (
            "MobilenetV2/{block}/depthwise/depthwise_weights",
            "MobilenetV2/{block}/depthwise/BatchNorm/{part}",
        ),
        "project": ("MobilenetV2/{block}/project/weights", "MobilenetV2/{block}/project/BatchNorm/{part}"),
        "last": ("MobilenetV2/Conv_1/weights", "MobilenetV2/Conv_1/BatchNorm/{part}"),
    },
    first_block="expanded_conv",
    later_block="expanded_conv_{index}",
    classifier=("MobilenetV2/Logits/Conv2d_1c_1x1/weights", "MobilenetV2/Logits/Conv2d_1c_1x1/biases"),
    classifier_is_conv=True,
    extras=(
        "global_step",
        "{name}/ExponentialMovingAverage",
        "{name}/RMSProp",
        "{name}/RMSProp_1",
        "{name}/Momentum",
    ),
)
AVERAGED = "{name}/ExponentialMovingAverage"

# Keras applications: "layer/variable". Keras 3 calls the last layer "predictions", the keras-applications package
# called it "Logits" (see KERAS_ALIASES).
KERAS = Dialect(
    title="Keras applications",
    layers={
        "stem": ("Conv1/kernel", "bn_Conv1/{part}"),
        "expand": ("{block}_expand/kernel", "{block}_expand_BN/{part}"),
        "depthwise": ("{block}_depthwise/kernel", "{block}_depthwise_BN/{part}"),
        "project": ("{block}_project/kernel", "{block}_project_BN/{part}"),
        "last": ("Conv_1/kernel", "Conv_1_bn/{part}"),
    },
    first_block="expanded_conv",
    later_block="block_{index}",
    classifier=("predictions/kernel", "predictions/bias"),
    classifier_is_conv=False,
)
# (pattern, replacement): older names of the same tensors
KERAS_ALIASES = ((r"^Logits/", "predictions/"), (r"/depthwise_kernel$", "/kernel"))


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


def rows(dialect: Dialect, network: Network) -> List[Row]:
    """Every tensor of the network, in network order."""
    found = []
    for index, block in enumerate(blocks(network)):
        # blocks() begins with the stem: the first bottleneck has index 1 there and no number in the dialects
        name = dialect.first_block if index == 1 else dialect.later_block.format(index=index - 1)
        for role, conv in zip(_roles(index, block), block.convs):
            weight, norm = dialect.layers[role]
            kind = "depthwise" if conv.groups > 1 else "conv"
            found.append((weight.format(block=name), f"{conv.name}.weight", kind))
            for part, native in PARTS.items():
                found.append((norm.format(block=name, part=native), f"{conv.bn}.{part}", "vector"))
    found.append((dialect.classifier[0], "classifier.1.weight", "dense"))
    if network.classifier_bias:
        found.append((dialect.classifier[1], "classifier.1.bias", "vector"))
    shapes = tensor_shapes(network)
    return [Row(name, _shape(dialect, kind, shapes[key]), key, kind) for name, key, kind in found]


def _roles(index: int, block: Block) -> Tuple[str, ...]:
    if len(block.convs) == 1:
        return ("stem",) if index == 0 else ("last",)
    return ("expand", "depthwise", "project")[-len(block.convs) :]


def _shape(dialect: Dialect, kind: str, canonical: Tuple[int, ...]) -> Tuple[int, ...]:
    shape = tuple(canonical[axis] for axis in AXES[kind])
    return (1, 1, *shape) if kind == "dense" and dialect.classifier_is_conv else shape


def checked(
    found: Mapping[str, Tuple[int, ...]], expected: Mapping[str, Tuple[int, ...]], extras: Collection[str], where: str
) -> None:
    """Refuse a file whose tensors (name -> shape) are not exactly `expected`, `extras` aside; names the first five."""
    missing = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected and name not in extras]
    misshaped = [
        f"{name}: expected {list(shape)}, got {list(found[name])}"
        for name, shape in expected.items()
        if name in found and tuple(found[name]) != tuple(shape)
    ]
    problems = [
        f"{len(names)} {what} ({'; '.join(names[:5])}{'; ...' if len(names) > 5 else ''})"
        for what, names in (("missing", missing), ("not of this network", unknown), ("of another shape", misshaped))
        if names
    ]
    if problems:
        raise AdapterError(f"{where}: tensors " + ", ".join(problems))


def known_extras(dialect: Dialect, names: Collection[str]) -> List[str]:
    """Names of the documented extras that tensors called `names` may have beside them."""
    return [pattern.format(name=name) for pattern in dialect.extras for name in names]


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
