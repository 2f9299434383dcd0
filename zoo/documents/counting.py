"""Parameters and operations of a network, from its table of layers, counted in each way that documents use.

The only copy of the table is adapters/common/mobilenet_v2.py, which needs only the standard library. The core imports
no adapter. That file is data in the form of a program, so it is loaded by its path, as frameworks.toml is read.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType

from zoo import disk
from zoo.records import Measured, Network

TABLE = Path("common", "mobilenet_v2.py")


@dataclass(frozen=True)
class Way:
    """One way of counting, in words, and its result."""

    words: str
    value: int


@dataclass(frozen=True)
class Parts:
    """What the counts are made of.

    normalised, activated, added, pooled: values that batch norms, activations, residual additions and the global
    average pooling work on for one image.
    """

    classes: int
    convolutions: int
    norm_channels: int
    classifier: int
    bias: int
    multiply_adds: int
    normalised: int
    activated: int
    added: int
    pooled: int


@cache
def table() -> ModuleType:
    """adapters/common/mobilenet_v2.py."""
    name = f"{__name__}.table"
    spec = importlib.util.spec_from_file_location(name, disk.ADAPTERS / TABLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@cache
def parts(network: Network) -> Parts:
    """Weights, batch-norm channels and multiply-adds, in numbers of floats and operations."""
    rules = table()
    shape = rules.Network(**network.model_dump())
    side = network.resolution
    weights = channels = normalised = activated = added = 0
    for block in rules.blocks(shape):
        for conv in block.convs:
            side = -(-side // conv.stride)
            weights += conv.kernel**2 * conv.in_channels // conv.groups * conv.out_channels
            channels += conv.out_channels
            normalised += side * side * conv.out_channels
            activated += side * side * conv.out_channels * conv.activated
        added += side * side * block.convs[-1].out_channels * block.residual
    return Parts(
        classes=network.classes,
        convolutions=weights,
        norm_channels=channels,
        classifier=rules.last_channels(shape) * network.classes,
        bias=network.classes * network.classifier_bias,
        multiply_adds=rules.multiply_adds(shape),
        normalised=normalised,
        activated=activated,
        added=added,
        pooled=side * side * rules.last_channels(shape),
    )


@cache
def blocks(network: Network) -> tuple[object, ...]:
    """Every convolution of every block, with its widths and stride, to be compared with another network's."""
    return tuple(table().blocks(table().Network(**network.model_dump())))


@cache
def convolutions(network: Network) -> int:
    """How many convolutions there are before the classifier."""
    return sum(len(block.convs) for block in table().blocks(table().Network(**network.model_dump())))


def measured_parts(measured: Measured, network: Network | None) -> Parts:
    """The same of a file. A folded batch norm has left one bias a channel, another one a scale and a shift.

    What lies between the layers is not measured; it is `network`'s where that has as many multiply-adds, else nothing.
    """
    stored = measured.parameters_by
    known = parts(network) if network is not None and parts(network).multiply_adds == measured.multiply_adds else None
    return Parts(
        classes=measured.classes or 0,
        convolutions=stored["convolutions"],
        norm_channels=stored["convolution_biases"] + stored["norms"] // 2,
        classifier=stored["classifier"],
        bias=stored["classifier_biases"],
        multiply_adds=measured.multiply_adds or 0,
        normalised=known.normalised if known else 0,
        activated=known.activated if known else 0,
        added=known.added if known else 0,
        pooled=known.pooled if known else 0,
    )


def with_classes(own: Parts, classes: int) -> Parts:
    """The same network with another number of classes."""
    width = own.classifier // own.classes
    return replace(
        own,
        classes=classes,
        classifier=width * classes,
        bias=classes * bool(own.bias),
        multiply_adds=own.multiply_adds + width * (classes - own.classes),
    )


def parameters(own: Parts) -> Iterator[Way]:
    """Numbers of floats, the usual meaning (what training adjusts) first."""
    weights = own.convolutions + own.classifier
    yield Way("weights, batch norm and classifier", weights + own.bias + 2 * own.norm_channels)
    yield Way("weights, batch norm with running statistics and classifier", weights + own.bias + 4 * own.norm_channels)
    yield Way("batch norm folded into the convolutions", weights + own.bias + own.norm_channels)
    yield Way("convolutions and classifier without batch norm", weights + own.bias)
    yield Way("weights alone, neither batch norm nor bias", weights)


def multiply_adds(own: Parts) -> Iterator[Way]:
    """Multiply-adds of one image, the usual meaning first."""
    yield Way("multiply-adds of convolutions and classifier", own.multiply_adds)
    yield Way("multiply-adds with the classifier's bias", own.multiply_adds + own.classes)
    yield Way("multiply-adds and one for every batch-norm channel", own.multiply_adds + own.norm_channels)
    if own.normalised:
        # As counters do that hook into each layer of the part of a network that extracts features (ptflops, mmcv).
        yield Way(
            "multiply-adds without the classifier, two for every value of batch norm and one for every value of ReLU6",
            own.multiply_adds - own.classifier + 2 * own.normalised + own.activated,
        )


def operations(own: Parts) -> Iterator[Way]:
    """Operations of one image where a multiply-add is two."""
    yield Way("two per multiply-add", 2 * own.multiply_adds)
    values = own.normalised + own.activated + own.added + own.pooled
    yield Way(
        "two per multiply-add, one per value of folded batch norm, activation, addition and pooling",
        2 * own.multiply_adds + values,
    )
