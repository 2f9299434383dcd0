"""The layer table of common/mobilenet_v2.py as a PyTorch module with torchvision's state-dict names."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from adapters.common.mobilenet_v2 import Block, Conv, Network, blocks, last_channels, stride_padding

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu6": nn.ReLU6, "relu": nn.ReLU}
PADDINGS = ("symmetric", "same")


class SamePaddedConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's "SAME" does: by the input's size, the odd pixel after."""

    def __init__(self, conv: Conv) -> None:
        super().__init__(conv.in_channels, conv.out_channels, conv.kernel, conv.stride, groups=conv.groups, bias=False)
        self.conv = conv

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        top, bottom = stride_padding(input.shape[2], self.conv, "same")
        left, right = stride_padding(input.shape[3], self.conv, "same")
        return super().forward(functional.pad(input, (left, right, top, bottom)))


class InvertedResidual(nn.Module):
    """One bottleneck; `conv` is torchvision's name for the row of layers inside it."""

    def __init__(self, block: Block, network: Network) -> None:
        super().__init__()
        rows: list[nn.Module] = []
        for conv in block.convs:
            layers = _layers(conv, network)
            # torchvision groups convolution, norm and activation, but leaves the linear projection flat
            rows.extend([nn.Sequential(*layers)] if conv.activated else layers)
        self.conv = nn.Sequential(*rows)
        self.residual = block.residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """batch: float32 (N, 3, H, W), NCHW, RGB, normalised by the recipe -> logits: float32 (N, classes)."""

    def __init__(self, network: Network, dropout: float) -> None:
        super().__init__()
        first, *bottlenecks, last = blocks(network)
        self.features = nn.Sequential(
            nn.Sequential(*_layers(first.convs[0], network)),
            *(InvertedResidual(block, network) for block in bottlenecks),
            nn.Sequential(*_layers(last.convs[0], network)),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(last_channels(network), network.classes, bias=network.classifier_bias),
        )

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(batch).mean((2, 3)))


def build(network: Network, dropout: float = 0.2) -> MobileNetV2:
    """The network with PyTorch's default initial weights, in training mode."""
    if network.activation not in ACTIVATIONS:
        raise ValueError(f"activation {network.activation!r} is not known; known: {', '.join(ACTIVATIONS)}")
    if network.padding not in PADDINGS:
        raise ValueError(f"padding {network.padding!r} is not known; known: {', '.join(PADDINGS)}")
    return MobileNetV2(network, dropout)


def _layers(conv: Conv, network: Network) -> list[nn.Module]:
    """Convolution, batch norm and, where the table asks for it, the activation."""
    if network.padding == "same":
        convolution: nn.Conv2d = SamePaddedConv2d(conv)
    else:
        convolution = nn.Conv2d(
            conv.in_channels,
            conv.out_channels,
            conv.kernel,
            conv.stride,
            padding=conv.kernel // 2,
            groups=conv.groups,
            bias=False,
        )
    layers: list[nn.Module] = [convolution, nn.BatchNorm2d(conv.out_channels, eps=network.bn_epsilon)]
    return [*layers, ACTIVATIONS[network.activation]()] if conv.activated else layers
