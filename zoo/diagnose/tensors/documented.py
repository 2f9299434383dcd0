"""The network that a checkpoint's record documents, in the same words as that of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zoo.diagnose.network import SOURCE, FileNetwork, Layer
from zoo.documents import counting
from zoo.records.documents import Network


def documented(network: Network) -> FileNetwork:
    """Every step of the record's table of layers, with canonical names and without tensors.

    In the order of adapters/common/canonical.py: the convolution of a shortcut comes before its addition.
    """
    table = counting.layers(network)
    found: list[Layer] = []
    for block in table.blocks:
        found.extend(_block(block, len(found), table.activation))
    last, classifier = len(found), table.classifier
    found.append(Layer(last, "mean", "mean", (last - 1,)))
    shape = (classifier.classes, classifier.in_channels)
    found.append(Layer(last + 1, classifier.name, "classifier", (last,), activation="", shape=shape))
    return FileNetwork(tuple(found))


def _block(block: Any, first: int, activation: str) -> Iterator[Layer]:
    """The steps of one block of the table, the first of which is number `first`."""
    number = first
    source = last = first - 1 if first else SOURCE
    for conv in block.convs:
        yield _conv(conv, number, last, activation)
        last, number = number, number + 1
    name, around = block.convs[-1].name, source
    if block.shortcut is not None:
        yield _conv(block.shortcut, number, source, activation)
        around, number = number, number + 1
    if block.residual:
        after = activation if block.activated else ""
        yield Layer(number, f"{name}.add", "add", (last, around), activation=after)
        last, number = number, number + 1
    if block.pool is not None:
        window = _window(block.pool)
        yield Layer(number, f"{name}.pool", "max_pool", (last,), activation="", **window)


def _conv(conv: Any, number: int, source: int, activation: str) -> Layer:
    return Layer(
        number,
        conv.name,
        "conv",
        (source,),
        activation=activation if conv.activated else "",
        groups=conv.groups,
        shape=tuple(conv.weight_shape),
        **_window(conv),
    )


def _window(layer: Any) -> dict[str, Any]:
    before, after = layer.pads
    sides = {"kernel": (layer.kernel,) * 2, "stride": (layer.stride,) * 2}
    return {**sides, "pads": (before, before, after, after)}
