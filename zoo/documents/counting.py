"""Parameters and operations of a network, from its table of layers, counted in each way that documents use.

The only copy of the tables is in adapters/common/ (architectures.py lists them), which needs only the standard library.
The core imports no adapter. These files are data in the form of programs, so they are loaded by their path, as
frameworks.toml is read.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any

from zoo import disk
from zoo.records import Measured, Network


@dataclass(frozen=True)
class Way:
    """One way of counting, in words, and its result."""

    words: str
    value: int


@dataclass(frozen=True)
class Parts:
    """What the counts are made of.

    normalised, activated, added, pooled: values that batch norms, activations, residual additions and poolings work on
    for one image.
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
def _tables() -> ModuleType:
    """adapters/common/architectures.py, with a package of its own around it: nobody's `adapters` is in the way."""
    folder, name = disk.ADAPTERS / "common", f"{__name__}.tables"
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return importlib.import_module(f"{name}.architectures")


@cache
def layers(network: Network) -> Any:
    """The table of layers: a Network of adapters/common/network.py."""
    return _tables().network(network.model_dump())


@cache
def parts(network: Network) -> Parts:
    """Weights, batch-norm channels and multiply-adds, in numbers of floats and operations."""
    table = layers(network)
    normalised = activated = added = pooled = 0
    for block in table.blocks:
        values = {conv: conv.out_channels * conv.out_side**2 for conv in block.every_conv}
        out = values[block.convs[-1]]
        normalised += sum(values.values())
        activated += sum(count for conv, count in values.items() if conv.activated) + out * block.activated
        added += out * block.residual
        if block.pool is not None:
            pooled += block.convs[-1].out_channels * block.pool.out_side**2
    last = table.classifier
    return Parts(
        classes=last.classes,
        convolutions=sum(math.prod(conv.weight_shape) for conv in table.convs),
        norm_channels=sum(conv.out_channels for conv in table.convs),
        classifier=last.in_channels * last.classes,
        bias=last.classes * last.biased,
        multiply_adds=table.multiply_adds(),
        normalised=normalised,
        activated=activated,
        added=added,
        pooled=pooled + last.in_channels * table.blocks[-1].out_side ** 2,
    )


def measured_parts(measured: Measured, network: Network | None) -> Parts:
    """The same of a file. A folded batch norm has left one bias a channel, another one a scale and a shift.

    What lies between the layers is not measured; it is `network`'s where that has as many multiply-adds, else nothing.
    """
    stored = measured.parameters_by
    known = parts(network) if network is not None else None
    between = ("normalised", "activated", "added", "pooled")
    same = known is not None and known.multiply_adds == measured.multiply_adds
    return Parts(
        classes=measured.classes or 0,
        convolutions=stored["convolutions"],
        norm_channels=stored["convolution_biases"] + stored["norms"] // 2,
        classifier=stored["classifier"],
        bias=stored["classifier_biases"],
        multiply_adds=measured.multiply_adds or 0,
        **{name: getattr(known, name) if same else 0 for name in between},
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
            "multiply-adds without the classifier, two for every value of batch norm and one for every value of "
            "the activation",
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
