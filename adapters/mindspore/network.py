"""A table of layers as a MindSpore cell.

MindSpore compiles `construct` from its source text; that compiler wants plain statements and a `self`.
"""

from __future__ import annotations

from typing import Any, Dict, List

from mindspore import Parameter, nn

from adapters.common.network import Block, Conv, Network, Pool

ACTIVATIONS = {"relu6": nn.ReLU6, "relu": nn.ReLU}
ATTRIBUTES = ("gamma", "beta", "moving_mean", "moving_variance")  # of nn.BatchNorm2d, as in BATCH_NORM_PARTS


class Residual(nn.Cell):
    """Adds its input to what its layers make of it."""

    def __init__(self, layers: List[Any]) -> None:
        super().__init__()
        self.layers = nn.SequentialCell(layers)

    def construct(self, x: Any) -> Any:
        """x: float32 (N, C, H, W) -> the same shape."""
        return x + self.layers(x)


class Projected(Residual):
    """Adds what a shortcut makes of its input to what its layers make of it."""

    def __init__(self, layers: List[Any], shortcut: List[Any]) -> None:
        super().__init__(layers)
        self.shortcut = nn.SequentialCell(shortcut)

    def construct(self, x: Any) -> Any:
        """x: float32 (N, C, H, W) -> the shape that both give."""
        return self.shortcut(x) + self.layers(x)


class Layers(nn.Cell):
    """`canonical` holds its parameters by canonical name; dense: the classifier's weight is (classes, C).

    told: the cells whose outputs are the values behind the steps up to the mean, in the order of canonical.places.
    """

    def __init__(self, network: Network, dense: bool) -> None:
        super().__init__()
        self.network = network
        self.canonical: Dict[str, Parameter] = {}
        self.told: List[Any] = []
        self.features = nn.SequentialCell([self._block(block) for block in network.blocks])
        last = network.classifier
        if dense:
            self.classifier = nn.Dense(last.in_channels, last.classes, has_bias=last.biased)
        else:
            self.classifier = nn.Conv2d(last.in_channels, last.classes, 1, has_bias=last.biased)
        self.keep_axes = not dense
        self.flatten = nn.Flatten()
        self.canonical[last.weight] = self.classifier.weight
        if last.biased:
            self.canonical[last.bias] = self.classifier.bias

    def construct(self, x: Any) -> Any:
        """x: float32 (N, 3, side, side), NCHW -> logits float32 (N, classes)."""
        x = self.features(x).mean((2, 3), self.keep_axes)
        return self.flatten(self.classifier(x))

    def _block(self, block: Block) -> Any:
        layers = [layer for conv in block.convs for layer in self._layers(conv)]
        if block.residual:
            layers = [Projected(layers, self._layers(block.shortcut)) if block.shortcut else Residual(layers)]
            self.told.append(layers[0])
        if block.activated:
            layers.append(self._activation())
            self.told[-1] = layers[-1]
        if block.pool is not None:
            layers.extend(_pool(block.pool))
            self.told.append(layers[-1])
        return nn.SequentialCell(layers) if len(layers) > 1 else layers[0]

    def _layers(self, conv: Conv) -> List[Any]:
        """Convolution, batch norm and, if there is one, the activation."""
        before, after = conv.pads
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
        self.canonical[conv.weight] = convolution.weight
        self.canonical.update(zip(conv.norm, (getattr(norm, attribute) for attribute in ATTRIBUTES)))
        layers = [convolution, norm]
        if conv.activated:
            layers.append(self._activation())
        self.told.append(layers[-1])
        return layers

    def _activation(self) -> Any:
        return ACTIVATIONS[self.network.activation]()


def _pool(pool: Pool) -> List[Any]:
    """Padding and pooling."""
    before, after = pool.pads
    edges = nn.ConstantPad2d((before, after, before, after), float("-inf"))
    return [edges, nn.MaxPool2d(pool.kernel, pool.stride, pad_mode="valid")]
