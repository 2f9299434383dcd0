"""What the table of layers says of a network, counted in each of the ways that documents use.

The table itself is adapters/mobilenet_v2.py: standard library only, and the one copy there is. The core imports no
adapter; this file is data in the form of a program, so it is loaded by its path, as adapters/frameworks.toml is read.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from zoo import places
from zoo.records import Network

TABLE = "mobilenet_v2.py"


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
def _table() -> ModuleType:
    name = f"{__name__}.table"
    spec = importlib.util.spec_from_file_location(name, places.ADAPTERS / TABLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@cache
def parts(network: Network) -> Parts:
    """Weights, batch-norm channels and multiply-adds, in numbers of floats and operations."""
    table = _table()
    shape = table.Network(**network.model_dump())
    side = network.resolution
    weights = channels = normalised = activated = added = 0
    for block in table.blocks(shape):
        for conv in block.convs:
            side = -(-side // conv.stride)
            weights += conv.kernel**2 * conv.in_channels // conv.groups * conv.out_channels
            channels += conv.out_channels
            normalised += side * side * conv.out_channels
            activated += side * side * conv.out_channels * conv.activated
        added += side * side * block.convs[-1].out_channels * block.residual
    return Parts(
        convolutions=weights,
        norm_channels=channels,
        classifier=table.last_channels(shape) * network.classes,
        bias=network.classes * network.classifier_bias,
        multiply_adds=table.multiply_adds(shape),
        normalised=normalised,
        activated=activated,
        added=added,
        pooled=side * side * table.last_channels(shape),
    )


def parameters(network: Network) -> Iterator[Way]:
    """Numbers of floats, the usual meaning (what training adjusts) first."""
    own = parts(network)
    weights = own.convolutions + own.classifier
    yield Way("weights, batch norm and classifier", weights + own.bias + 2 * own.norm_channels)
    yield Way("the same with running statistics", weights + own.bias + 4 * own.norm_channels)
    yield Way("batch norm folded into the convolutions", weights + own.bias + own.norm_channels)
    yield Way("convolutions and classifier without batch norm", weights + own.bias)
    yield Way("weights alone, neither batch norm nor bias", weights)


def multiply_adds(network: Network) -> Iterator[Way]:
    """Multiply-adds of one image, the usual meaning first."""
    own = parts(network)
    yield Way("multiply-adds of convolutions and classifier", own.multiply_adds)
    yield Way("multiply-adds with the classifier's bias", own.multiply_adds + network.classes)
    yield Way("multiply-adds and one for every batch-norm channel", own.multiply_adds + own.norm_channels)


def operations(network: Network) -> Iterator[Way]:
    """Operations of one image where a multiply-add is two."""
    own = parts(network)
    yield Way("two per multiply-add", 2 * own.multiply_adds)
    values = own.normalised + own.activated + own.added + own.pooled
    yield Way(
        "two per multiply-add, one per value of folded batch norm, activation, addition and pooling",
        2 * own.multiply_adds + values,
    )
