"""A table of layers as a PyTorch module whose state dict has the table's canonical names."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from adapters.common.network import Block, Conv, Network, Pool

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu6": nn.ReLU6, "relu": nn.ReLU}


class UnevenConv2d(nn.Conv2d):
    """A convolution that pads one pixel more after than before, as TensorFlow's "SAME" may."""

    def __init__(self, conv: Conv) -> None:
        super().__init__(conv.in_channels, conv.out_channels, conv.kernel, conv.stride, groups=conv.groups, bias=False)
        self.weight: nn.Parameter
        self.edges = conv.pads * 2

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(functional.pad(input, self.edges))

    def settle(self) -> None:
        """Become a convolution that pads alike on both sides, with the same answers.

        The pixel that this adds before meets a row, or column, of zeros put before the kernel.
        """
        before, after = self.edges[:2]
        more = after - before
        self.weight = nn.Parameter(functional.pad(self.weight.detach(), (more, 0, more, 0)))
        self.padding, self.edges = (after, after), (0, 0, 0, 0)


class Layers(nn.Module):
    """batch: float32 (N, 3, H, W), NCHW, RGB, normalised by the recipe -> logits: float32 (N, classes)."""

    def __init__(self, network: Network, dropout: float) -> None:
        super().__init__()
        self.network = network
        for conv in network.convs:
            _put(self, conv.name, _convolution(conv))
            _put(self, conv.bn, nn.BatchNorm2d(conv.out_channels, eps=network.bn_epsilon))
        last = network.classifier
        self.dropout = nn.Dropout(dropout)
        _put(self, last.name, nn.Linear(last.in_channels, last.classes, bias=last.biased))
        self.activation = ACTIVATIONS[network.activation]()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        for result in self.each(batch):
            scores = result
        return scores

    def each(self, batch: torch.Tensor) -> Iterator[torch.Tensor]:
        """What stands behind each step, in the order of canonical.places: the last one are the scores."""
        result = batch
        for block in self.network.blocks:
            source = result
            for result in self._block(block, source):
                yield result
        features = result.mean((2, 3))
        yield features
        yield self.get_submodule(self.network.classifier.name)(self.dropout(features))

    def _block(self, block: Block, source: torch.Tensor) -> Iterator[torch.Tensor]:
        result = source
        for conv in block.convs:
            result = self._conv(conv, result)
            yield result
        if block.residual:
            around = source
            if block.shortcut is not None:
                around = self._conv(block.shortcut, source)
                yield around
            result = result + around
            result = self.activation(result) if block.activated else result
            yield result
        if block.pool is not None:
            yield _pooled(block.pool, result)

    def _conv(self, conv: Conv, source: torch.Tensor) -> torch.Tensor:
        """Convolution, batch norm and, where the table asks for it, the activation."""
        result = self.get_submodule(conv.bn)(self.get_submodule(conv.name)(source))
        return self.activation(result) if conv.activated else result


def build(network: Network, dropout: float = 0.2) -> Layers:
    """The network with PyTorch's default initial weights, in training mode."""
    return Layers(network, dropout)


def settle_padding(module: nn.Module) -> None:
    """Let no convolution pad its input by an operator of its own.

    Such an operator has to leave oneDNN's layouts and return to them: it made the network four times slower.
    """
    for child in module.modules():
        if isinstance(child, UnevenConv2d):
            child.settle()


def _convolution(conv: Conv) -> nn.Conv2d:
    before, after = conv.pads
    if before != after:
        return UnevenConv2d(conv)
    return nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel, conv.stride, before, groups=conv.groups, bias=False
    )


def _pooled(pool: Pool, source: torch.Tensor) -> torch.Tensor:
    padded = functional.pad(source, pool.pads * 2, value=float("-inf"))
    return functional.max_pool2d(padded, pool.kernel, pool.stride)


def _put(parent: nn.Module, path: str, child: nn.Module) -> None:
    """Make `child` the submodule at a path with points, with plain modules on the way to it."""
    *folders, name = path.split(".")
    for folder in folders:
        if folder not in parent._modules:
            parent.add_module(folder, nn.Module())
        parent = parent.get_submodule(folder)
    parent.add_module(name, child)


class Observed(nn.Module):
    """The same network, with what stands behind every step as its answers."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.layers.each(batch))
