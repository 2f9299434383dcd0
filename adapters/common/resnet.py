"""ResNet's table of layers, with bottleneck blocks.

Names are torchvision's state-dict names (`conv1.weight`, `bn1.running_mean`, `layer1.0.downsample.0.weight`,
`fc.weight`, ...). Architecture: He et al. 2015, arXiv:1512.03385, table 1, in torchvision's form (V1.5): the stride of
a block is in its 3x3 convolution, not in the 1x1 before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .network import Block, Classifier, Conv, Network, Pool, assembled

FAMILY = "resnet"
REPEATS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # depth -> blocks of each of the four stages
STEM, STAGE, EXPANSION = 64, 64, 4  # channels of the stem and inside the first stage; of a block, in to out


@dataclass(frozen=True)
class ResNet:
    """What a publisher may vary. The defaults are torchvision's ResNet-50. depth: one of REPEATS."""

    depth: int = 50
    resolution: int = 224
    classes: int = 1000
    bn_epsilon: float = 1e-5
    family: str = field(default=FAMILY, init=False)

    def layers(self) -> Network:
        """Stem with max pooling, four stages of bottlenecks, classifier."""
        if self.depth not in REPEATS:
            raise ValueError(f"depth {self.depth} is not known; known: {', '.join(map(str, REPEATS))}")
        table = [Block((Conv("conv1", "bn1", 3, STEM, 7, 2, 1, True),), pool=Pool(3, 2))]
        width = STEM
        for stage, repeats in enumerate(REPEATS[self.depth]):
            for repeat in range(repeats):
                stride = 2 if stage > 0 and repeat == 0 else 1
                table.append(_bottleneck(f"layer{stage + 1}.{repeat}", width, STAGE * 2**stage, stride))
                width = EXPANSION * STAGE * 2**stage
        return assembled(self, table, Classifier("fc", width, self.classes), "relu")


def _bottleneck(name: str, width: int, hidden: int, stride: int) -> Block:
    """width: channels of the input; hidden: channels inside."""
    out = EXPANSION * hidden
    convs = (
        Conv(f"{name}.conv1", f"{name}.bn1", width, hidden, 1, 1, 1, True),
        Conv(f"{name}.conv2", f"{name}.bn2", hidden, hidden, 3, stride, 1, True),
        Conv(f"{name}.conv3", f"{name}.bn3", hidden, out, 1, 1, 1, False),
    )
    projection = Conv(f"{name}.downsample.0", f"{name}.downsample.1", width, out, 1, stride, 1, False)
    return Block(convs, residual=True, shortcut=None if width == out and stride == 1 else projection, activated=True)
