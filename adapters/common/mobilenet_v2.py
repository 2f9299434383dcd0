"""MobileNetV2 as data: one table of layers that every framework's builder reads.

Only the standard library, so that it runs under the oldest Python any framework needs.

Names are torchvision's state-dict names; they are this project's canonical tensor names
(`features.0.0.weight`, `features.0.1.running_mean`, `classifier.1.weight`, ...).
Architecture: Sandler et al. 2018, arXiv:1801.04381, table 2.
"""

from __future__ import annotations

from dataclasses import dataclass

# (t expansion, c channels, n repeats, s stride of the first): arXiv:1801.04381, table 2
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM, LAST = 32, 1280
BATCH_NORM_PARTS = ("weight", "bias", "running_mean", "running_var")


@dataclass(frozen=True)
class Network:
    """What a publisher may vary. The defaults are torchvision's MobileNetV2 1.0/224.

    rounding: how `channels * alpha` becomes a whole number of channels:
        "divisible" (nearest multiple of 8, never below 90 %), "truncate" (`int()`),
        "ceil_keep_stem" (next multiple of 8; the stem and the 16-channel stage are not scaled).
    padding: "symmetric" (1 on every side of a 3x3) or "same" (TensorFlow: a stride-2 3x3 on an even
        input pads 0 before and 1 after).
    activation: "relu6" or "relu".
    expand_first: whether the t=1 bottleneck has an expansion convolution all the same (MXNet's form).
    """

    alpha: float = 1.0
    resolution: int = 224
    classes: int = 1000
    rounding: str = "divisible"
    padding: str = "symmetric"
    activation: str = "relu6"
    bn_epsilon: float = 1e-5
    expand_first: bool = False
    classifier_bias: bool = True


@dataclass(frozen=True)
class Conv:
    """A convolution without bias and the batch norm behind it.

    `name` + ".weight" has shape (out_channels, in_channels / groups, kernel, kernel), OIHW;
    `bn` + "." + each of BATCH_NORM_PARTS has shape (out_channels,).
    """

    name: str
    bn: str
    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    groups: int
    activated: bool


@dataclass(frozen=True)
class Block:
    """Convolutions in a row; `residual` adds the block's input to its output."""

    convs: tuple[Conv, ...]
    residual: bool


def scaled(channels: int, network: Network) -> int:
    """Channels after the width multiplier, by the network's rounding rule."""
    wanted = channels * network.alpha
    if network.rounding == "truncate":
        return int(wanted)
    if network.rounding == "ceil_keep_stem":
        return channels if channels in (16, STEM) else int(-(-wanted // 8) * 8)
    if network.rounding == "divisible":
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * wanted else rounded
    raise ValueError(f"rounding {network.rounding!r} is not known; known: divisible, truncate, ceil_keep_stem")


def last_channels(network: Network) -> int:
    """Width of the last 1x1 convolution: never below 1280, scaled above alpha 1."""
    return scaled(LAST, network) if network.alpha > 1.0 else LAST


def blocks(network: Network) -> list[Block]:
    """Stem, 17 inverted residuals, last 1x1: everything before global average pooling."""
    width = scaled(STEM, network)
    table = [Block((Conv("features.0.0", "features.0.1", 3, width, 3, 2, 1, True),), False)]
    index = 0
    for expansion, channels, repeats, first_stride in STAGES:
        for repeat in range(repeats):
            index += 1
            out = scaled(channels, network)
            stride = first_stride if repeat == 0 else 1
            table.append(_bottleneck(index, width, out, expansion, stride, network.expand_first))
            width = out
    index += 1
    name = f"features.{index}"
    last = Conv(f"{name}.0", f"{name}.1", width, last_channels(network), 1, 1, 1, True)
    return [*table, Block((last,), False)]


def _bottleneck(index: int, width: int, out: int, expansion: int, stride: int, expand_first: bool) -> Block:
    hidden = width * expansion
    stem = f"features.{index}.conv"
    convs = []
    if expansion != 1 or expand_first:
        convs.append(Conv(f"{stem}.0.0", f"{stem}.0.1", width, hidden, 1, 1, 1, True))
    at = len(convs)
    convs.append(Conv(f"{stem}.{at}.0", f"{stem}.{at}.1", hidden, hidden, 3, stride, hidden, True))
    convs.append(Conv(f"{stem}.{at + 1}", f"{stem}.{at + 2}", hidden, out, 1, 1, 1, False))
    return Block(tuple(convs), residual=stride == 1 and width == out)


def tensor_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Every tensor of the network by canonical name, in network order; weights are OIHW."""
    shapes: dict[str, tuple[int, ...]] = {}
    for block in blocks(network):
        for conv in block.convs:
            shapes[f"{conv.name}.weight"] = (
                conv.out_channels,
                conv.in_channels // conv.groups,
                conv.kernel,
                conv.kernel,
            )
            for part in BATCH_NORM_PARTS:
                shapes[f"{conv.bn}.{part}"] = (conv.out_channels,)
    shapes["classifier.1.weight"] = (network.classes, last_channels(network))
    if network.classifier_bias:
        shapes["classifier.1.bias"] = (network.classes,)
    return shapes


def parameter_count(network: Network) -> int:
    """Trainable parameters: weights, batch-norm scale and shift, classifier."""
    total = 0
    for name, shape in tensor_shapes(network).items():
        if not name.endswith(("running_mean", "running_var")):
            size = 1
            for length in shape:
                size *= length
            total += size
    return total


def multiply_adds(network: Network) -> int:
    """Multiply-adds of the convolutions and the classifier for one image; batch norm not counted."""
    side, total = network.resolution, 0
    for block in blocks(network):
        for conv in block.convs:
            side = -(-side // conv.stride)
            per_pixel = conv.kernel**2 * conv.in_channels // conv.groups * conv.out_channels
            total += side * side * per_pixel
    return total + last_channels(network) * network.classes


def stride_padding(side: int, conv: Conv, padding: str) -> tuple[int, int]:
    """(before, after) zero padding of one spatial axis whose input is `side` pixels long."""
    if conv.kernel == 1:
        return 0, 0
    if padding == "symmetric":
        return 1, 1
    out = -(-side // conv.stride)
    total = max((out - 1) * conv.stride + conv.kernel - side, 0)
    return total // 2, total - total // 2
