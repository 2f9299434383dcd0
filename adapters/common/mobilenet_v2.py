"""MobileNetV2's table of layers.

Names are torchvision's state-dict names; they are this project's canonical tensor names
(`features.0.0.weight`, `features.0.1.running_mean`, `classifier.1.weight`, ...).
Architecture: Sandler et al. 2018, arXiv:1801.04381, table 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List

from .network import Block, Classifier, Conv, Network, assembled

FAMILY = "mobilenet_v2"
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


@dataclass(frozen=True)
class MobileNetV2:
    """What a publisher may vary. The defaults are torchvision's MobileNetV2 1.0/224.

    rounding: how `channels * alpha` becomes a whole number of channels:
        "divisible" (nearest multiple of 8, never below 90 %), "truncate" (`int()`),
        "ceil_keep_stem" (next multiple of 8; the stem and the 16-channel stage are not scaled).
    padding: "symmetric" or "same", see network.assembled.
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
    family: str = field(default=FAMILY, init=False)

    def layers(self) -> Network:
        """Stem, 17 inverted residuals, last 1x1, classifier."""
        width = scaled(STEM, self)
        table = [Block((Conv("features.0.0", "features.0.1", 3, width, 3, 2, 1, True),))]
        for expansion, channels, repeats, first_stride in STAGES:
            for repeat in range(repeats):
                out, stride = scaled(channels, self), first_stride if repeat == 0 else 1
                table.append(_bottleneck(len(table), width, out, expansion, stride, self.expand_first))
                width = out
        name, last = f"features.{len(table)}", last_channels(self)
        table.append(Block((Conv(f"{name}.0", f"{name}.1", width, last, 1, 1, 1, True),)))
        classifier = Classifier("classifier.1", last, self.classes, self.classifier_bias)
        return assembled(self, table, classifier, self.activation, self.padding)


def scaled(channels: int, given: MobileNetV2) -> int:
    """Channels after the width multiplier, by the network's rounding rule."""
    wanted = channels * given.alpha
    if given.rounding == "truncate":
        return int(wanted)
    if given.rounding == "ceil_keep_stem":
        return channels if channels in (16, STEM) else int(-(-wanted // 8) * 8)
    if given.rounding == "divisible":
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * wanted else rounded
    raise ValueError(f"rounding {given.rounding!r} is not known; known: divisible, truncate, ceil_keep_stem")


def last_channels(given: MobileNetV2) -> int:
    """Width of the last 1x1 convolution: never below 1280, scaled above alpha 1."""
    return scaled(LAST, given) if given.alpha > 1.0 else LAST


def _bottleneck(index: int, width: int, out: int, expansion: int, stride: int, expand_first: bool) -> Block:
    hidden = width * expansion
    stem = f"features.{index}.conv"
    convs: List[Conv] = []
    if expansion != 1 or expand_first:
        convs.append(Conv(f"{stem}.0.0", f"{stem}.0.1", width, hidden, 1, 1, 1, True))
    at = len(convs)
    convs.append(Conv(f"{stem}.{at}.0", f"{stem}.{at}.1", hidden, hidden, 3, stride, hidden, True))
    convs.append(Conv(f"{stem}.{at + 1}", f"{stem}.{at + 2}", hidden, out, 1, 1, 1, False))
    return Block(tuple(convs), residual=stride == 1 and width == out)
