"""Files that only MXNet can write, for tests: `python mxnet_files.py <command> ...` in its environment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import mxnet as mx
from mxnet.gluon.model_zoo import vision


def gluon(folder: str) -> None:
    """Gluon's own MobileNetV2 0.25 with random weights: as model.params, and exported as a symbol."""
    mx.random.seed(1)
    network = vision.mobilenet_v2_0_25(classes=11, prefix="mobilenetv27_")
    network.initialize(mx.init.Xavier())
    network.hybridize()
    network(mx.nd.zeros((1, 3, 96, 96)))
    random_statistics = {"running_mean": (-0.2, 0.2), "running_var": (0.5, 1.5), "gamma": (0.5, 1.5)}
    for name, parameter in network.collect_params().items():
        for end, (low, high) in random_statistics.items():
            if name.endswith(end):
                parameter.set_data(mx.nd.random.uniform(low, high, parameter.shape))
    network.save_parameters(str(Path(folder) / "gluon.params"))
    network.export(str(Path(folder) / "gluon"))


def dense(source: str, target: str) -> None:
    """The same tensors with the classifier as a dense layer."""
    tensors = mx.nd.load(source)
    tensors["output.0.weight"] = tensors["output.0.weight"].flatten()
    mx.nd.save(target, tensors)


def rename(source: str, target: str, old: str, new: str) -> None:
    """The same tensors with `old` in their names replaced; names that become one keep the last tensor."""
    mx.nd.save(target, {name.replace(old, new): tensor for name, tensor in mx.nd.load(source).items()})


def nameless(source: str, target: str) -> None:
    """The same tensors as a list."""
    mx.nd.save(target, list(mx.nd.load(source).values()))


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"gluon": gluon, "dense": dense, "rename": rename, "nameless": nameless}
    commands[sys.argv[1]](*sys.argv[2:])
