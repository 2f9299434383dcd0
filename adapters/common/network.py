"""A network as data: the table of layers that every framework's builder, every name table and every count reads.

A family of architectures is one module that fills the table in (architectures.py lists them).
Only the standard library, so that it runs under the oldest Python any framework needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

BATCH_NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
ACTIVATIONS = ("relu6", "relu")
PADDINGS = ("symmetric", "same")


class _Window:
    """What a square window does to the size of a square input of `side` pixels."""

    kernel: int
    stride: int
    side: int
    padding: str

    @property
    def out_side(self) -> int:
        """Pixels of a side of the output."""
        return -(-self.side // self.stride)

    @property
    def same_pads(self) -> Tuple[int, int]:
        """(before, after) padding of one spatial axis as TensorFlow's "SAME" has it: the odd pixel comes after."""
        total = max((self.out_side - 1) * self.stride + self.kernel - self.side, 0)
        return total // 2, total - total // 2

    @property
    def pads(self) -> Tuple[int, int]:
        """(before, after) padding of one spatial axis."""
        return self.same_pads if self.padding == "same" else (self.kernel // 2, self.kernel // 2)


@dataclass(frozen=True)
class Conv(_Window):
    """A convolution without bias and the batch norm behind it.

    `name` + ".weight" has shape (out_channels, in_channels / groups, kernel, kernel), OIHW;
    `bn` + "." + each of BATCH_NORM_PARTS has shape (out_channels,).
    activated: whether the network's activation follows. side: of its input, in pixels; padding: one of PADDINGS.
    `assembled` fills in side and padding.
    """

    name: str
    bn: str
    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    groups: int
    activated: bool
    side: int = 0
    padding: str = "symmetric"

    @property
    def weight(self) -> str:
        """Canonical name of its kernel."""
        return f"{self.name}.weight"

    @property
    def weight_shape(self) -> Tuple[int, ...]:
        """OIHW."""
        return (self.out_channels, self.in_channels // self.groups, self.kernel, self.kernel)

    @property
    def norm(self) -> List[str]:
        """Canonical names of its batch norm's tensors, in the order of BATCH_NORM_PARTS."""
        return [f"{self.bn}.{part}" for part in BATCH_NORM_PARTS]


@dataclass(frozen=True)
class Pool(_Window):
    """The largest value of each window; what is padded never is the largest. `assembled` fills in side and padding."""

    kernel: int
    stride: int
    side: int = 0
    padding: str = "symmetric"


@dataclass(frozen=True)
class Block:
    """Convolutions in a row, and what is done with their output.

    residual: the block's input is added to it. shortcut: the convolution through which that input goes first, where
    its shape is another. activated: whether the activation follows the addition. pool: what follows at the end.
    """

    convs: Tuple[Conv, ...]
    residual: bool = False
    shortcut: Optional[Conv] = None
    activated: bool = False
    pool: Optional[Pool] = None

    @property
    def every_conv(self) -> Tuple[Conv, ...]:
        """The convolutions, that of the shortcut at the end."""
        return self.convs if self.shortcut is None else (*self.convs, self.shortcut)

    @property
    def out_side(self) -> int:
        """Pixels of a side of the output."""
        return (self.pool or self.convs[-1]).out_side


@dataclass(frozen=True)
class Classifier:
    """The matrix product behind the global average pooling: `name` + ".weight" has shape (classes, in_channels)."""

    name: str
    in_channels: int
    classes: int
    biased: bool = True

    @property
    def weight(self) -> str:
        """Canonical name of its matrix."""
        return f"{self.name}.weight"

    @property
    def bias(self) -> str:
        """Canonical name of its bias."""
        return f"{self.name}.bias"


@dataclass(frozen=True)
class Network:
    """Blocks in a row, global average pooling, classifier.

    Input: float32 (N, 3, resolution, resolution). given: the family's own parameters, from which the table was made.
    """

    family: str
    resolution: int
    blocks: Tuple[Block, ...]
    classifier: Classifier
    activation: str
    bn_epsilon: float
    given: Any

    @property
    def classes(self) -> int:
        """Scores for one image."""
        return self.classifier.classes

    @property
    def convs(self) -> List[Conv]:
        """Every convolution, in network order."""
        return [conv for block in self.blocks for conv in block.every_conv]

    def tensor_shapes(self) -> Dict[str, Tuple[int, ...]]:
        """Every tensor by canonical name, in network order; weights are OIHW."""
        shapes: Dict[str, Tuple[int, ...]] = {}
        for conv in self.convs:
            shapes[conv.weight] = conv.weight_shape
            shapes.update((name, (conv.out_channels,)) for name in conv.norm)
        shapes[self.classifier.weight] = (self.classes, self.classifier.in_channels)
        if self.classifier.biased:
            shapes[self.classifier.bias] = (self.classes,)
        return shapes

    def multiply_adds(self) -> int:
        """Of the convolutions and the classifier for one image; batch norm is not counted."""
        convolved = sum(math.prod(conv.weight_shape) * conv.out_side**2 for conv in self.convs)
        return convolved + self.classifier.in_channels * self.classes


def assembled(
    given: Any, blocks: Sequence[Block], classifier: Classifier, activation: str, padding: str = "symmetric"
) -> Network:
    """The network of a family's parameters (family, resolution, bn_epsilon and its own) and its table of blocks.

    padding: "symmetric" (kernel // 2 on every side) or "same" (TensorFlow: a stride-2 3x3 on an even input pads 0
    before and 1 after).
    """
    for what, value, known in (("activation", activation, ACTIVATIONS), ("padding", padding, PADDINGS)):
        if value not in known:
            raise ValueError(f"{what} {value!r} is not known; known: {', '.join(known)}")
    placed: List[Block] = []
    side = given.resolution
    for block in blocks:
        placed.append(_placed(block, side, padding))
        side = placed[-1].out_side
    return Network(given.family, given.resolution, tuple(placed), classifier, activation, given.bn_epsilon, given)


def _placed(block: Block, side: int, padding: str) -> Block:
    """The block with the side and padding of each of its layers. side: of its input."""
    shortcut = None if block.shortcut is None else replace(block.shortcut, side=side, padding=padding)
    convs: List[Conv] = []
    for conv in block.convs:
        convs.append(replace(conv, side=side, padding=padding))
        side = convs[-1].out_side
    pool = None if block.pool is None else replace(block.pool, side=side, padding=padding)
    return replace(block, convs=tuple(convs), shortcut=shortcut, pool=pool)
