"""The layer table of common/mobilenet_v2.py as a MindSpore cell.

MindSpore compiles `construct` from its source text; that compiler wants plain statements and a `self`.
"""

from __future__ import annotations

from typing import Any, Dict, List

from mindspore import Parameter, nn

from adapters.common.mobilenet_v2 import BATCH_NORM_PARTS, Block, Conv, Network, blocks, last_channels, stride_padding

ACTIVATIONS = {"relu6": nn.ReLU6, "relu": nn.ReLU}
# canonical batch-norm part -> attribute of nn.BatchNorm2d
ATTRIBUTES = dict(zip(BATCH_NORM_PARTS, ("gamma", "beta", "moving_mean", "moving_variance")))


class Residual(nn.Cell):
    """Adds its input to what its layers make of it."""

    def __init__(self, layers: List[Any]) -> None:
        super().__init__()
        self.layers = nn.SequentialCell(layers)

    def construct(self, x: Any) -> Any:
        """x: float32 (N, C, H, W) -> the same shape."""
        return x + self.layers(x)


class MobileNetV2(nn.Cell):
    """`canonical` holds its parameters by canonical name; dense: the classifier's weight is (classes, C)."""

    def __init__(self, network: Network, dense: bool) -> None:
        super().__init__()
        self.network = network
        self.canonical: Dict[str, Parameter] = {}
        cells, side = [], network.resolution
        for block in blocks(network):
            cells.append(self._block(block, side))
            for conv in block.convs:
                side = -(-side // conv.stride)
        self.features = nn.SequentialCell(cells)
        width, classes, biased = last_channels(network), network.classes, network.classifier_bias
        if dense:
            self.classifier = nn.Dense(width, classes, has_bias=biased)
        else:
            self.classifier = nn.Conv2d(width, classes, 1, has_bias=biased)
        self.keep_axes = not dense
        self.flatten = nn.Flatten()
        self.canonical["classifier.1.weight"] = self.classifier.weight
        if biased:
            self.canonical["classifier.1.bias"] = self.classifier.bias

    def construct(self, x: Any) -> Any:
        """x: float32 (N, 3, side, side), NCHW -> logits float32 (N, classes)."""
        x = self.features(x).mean((2, 3), self.keep_axes)
        return self.flatten(self.classifier(x))

    def _block(self, block: Block, side: int) -> Any:
        layers = []
        for conv in block.convs:
            layers.extend(self._layers(conv, side))
            side = -(-side // conv.stride)
        return Residual(layers) if block.residual else nn.SequentialCell(layers)

    def _layers(self, conv: Conv, side: int) -> List[Any]:
        """Convolution, batch norm and, if there is one, the activation; side: of the input, in pixels."""
        before, after = stride_padding(side, conv, self.network.padding)
        convolution = nn.Conv2d(
            conv.in_channels,
            conv.out_channels,
            conv.kernel,
            conv.stride,
            pad_mode="pad",
            padding=(before, after, before, after),
            group=conv.groups,
            has_bias=False,
        )
        norm = nn.BatchNorm2d(conv.out_channels, eps=self.network.bn_epsilon)
        self.canonical[f"{conv.name}.weight"] = convolution.weight
        for part, attribute in ATTRIBUTES.items():
            self.canonical[f"{conv.bn}.{part}"] = getattr(norm, attribute)
        layers = [convolution, norm]
        return [*layers, ACTIVATIONS[self.network.activation]()] if conv.activated else layers
