"""PyTorch: the network in torchvision's own words, traced, frozen and optimised for inference."""

from __future__ import annotations

import warnings

import loop
import numpy as np
import torch
from torch import nn

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def conv(source: int, target: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU6."""
    padding = (kernel - 1) // 2
    layer = nn.Conv2d(source, target, kernel, stride, padding, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(target), nn.ReLU6(inplace=True))


class Bottleneck(nn.Module):
    """Expand, filter each channel, project."""

    def __init__(self, source: int, target: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = source * expansion
        layers = [conv(source, hidden, 1)] if expansion != 1 else []
        layers.append(conv(hidden, hidden, 3, stride, hidden))
        self.conv = nn.Sequential(*layers, nn.Conv2d(hidden, target, 1, bias=False), nn.BatchNorm2d(target))
        self.residual = stride == 1 and source == target

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """Alpha 1.0."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(3, 32, 3, 2)]
        width = 32
        for expansion, target, repeats, first in STAGES:
            for repeat in range(repeats):
                layers.append(Bottleneck(width, target, first if repeat == 0 else 1, expansion))
                width = target
        self.features = nn.Sequential(*layers, conv(width, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(1280, 1000))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).mean([2, 3]))


def build(files: list[str], batch: int, threads: int) -> loop.Predict:
    """The state dict in a frozen graph."""
    warnings.simplefilter("ignore", DeprecationWarning)
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    network = MobileNetV2()
    network.load_state_dict(torch.load(files[0], weights_only=True))
    with torch.inference_mode():
        traced = torch.jit.trace(network.eval(), torch.zeros(batch, 3, 224, 224))
        graph = torch.jit.optimize_for_inference(torch.jit.freeze(traced))

    def predict(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return graph(torch.from_numpy(images)).numpy()

    return predict


if __name__ == "__main__":
    loop.main(build, (3, 224, 224))
