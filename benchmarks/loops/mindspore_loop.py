"""MindSpore: graph mode. The weights are random: its speed does not depend on them."""

from __future__ import annotations

import loop
import mindspore as ms
from mindspore import nn, ops

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def conv(source: int, target: int, kernel: int = 3, stride: int = 1, group: int = 1) -> nn.SequentialCell:
    """Convolution, batch norm, ReLU6."""
    padding = (kernel - 1) // 2
    layer = nn.Conv2d(
        source, target, kernel, stride, "pad", padding, group=group, has_bias=False, weight_init="HeNormal"
    )
    return nn.SequentialCell([layer, nn.BatchNorm2d(target), nn.ReLU6()])


class Bottleneck(nn.Cell):
    """Expand, filter each channel, project."""

    def __init__(self, source: int, target: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = source * expansion
        layers: list[nn.Cell] = [conv(source, hidden, 1)] if expansion != 1 else []
        project = nn.Conv2d(hidden, target, 1, has_bias=False, weight_init="HeNormal")
        layers += [conv(hidden, hidden, 3, stride, hidden), project, nn.BatchNorm2d(target)]
        self.layers = nn.SequentialCell(layers)
        self.residual = stride == 1 and source == target

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)


class MobileNetV2(nn.Cell):
    """Alpha 1.0."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Cell] = [conv(3, 32, 3, 2)]
        width = 32
        for expansion, target, repeats, first in STAGES:
            for repeat in range(repeats):
                layers.append(Bottleneck(width, target, first if repeat == 0 else 1, expansion))
                width = target
        self.features = nn.SequentialCell([*layers, conv(width, 1280, 1)])
        self.mean = ops.ReduceMean()
        self.classifier = nn.Dense(1280, 1000)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return self.classifier(self.mean(self.features(x), (2, 3)))


def build(files: list[str], batch: int, threads: int) -> loop.Predict:
    """One actor and the rest of the threads for its kernels."""
    ms.set_device("CPU")
    ms.set_context(mode=ms.GRAPH_MODE)
    ms.runtime.dispatch_threads_num(1)
    ms.device_context.cpu.op_tuning.threads_num(max(1, threads - 1))
    network = MobileNetV2().set_train(False)
    return lambda images: network(ms.Tensor(images)).asnumpy()


if __name__ == "__main__":
    loop.main(build, (3, 224, 224))
