"""Integers that one layer writes and the next reads: both must mean the same real numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.diagnose.network import SOURCE, FileNetwork, Layer, Level
from zoo.diagnose.tensors.graphs import held
from zoo.diagnose.tensors.words import Names, listed, name_of, number
from zoo.records.diagnoses import Candidate

SAME = 1e-4  # relative difference of two scales that is rounding


def look(own: FileNetwork, names: Names) -> Iterator[Candidate]:
    """Levels that producer and consumer disagree on, and ranges that hold one sign alone."""
    items, changes = [], []
    for layer in own.layers:
        for before, written, read in _at_odds(layer, own):
            items.append(f"{before} writes {_words(written)}, {name_of(layer, names)} reads {_words(read)}")
            changes.append(f"{layer.name!r} reads {_words(written)}")
    if items:
        yield Candidate(
            cause="file.zero_points",
            title="a layer reads integers otherwise than they were written",
            certainty="shown",
            evidence=f"{len(items)} times: {listed(items)}.",
            change="set scale and zero point to what is written: " + listed(changes),
        )
    yield from _one_sided(own, names)


def _at_odds(layer: Layer, own: FileNetwork) -> Iterator[tuple[str, Level, Level]]:
    """Who feeds the layer, how it was written, and how the layer reads it, where they differ."""
    for source, written, read in zip(layer.inputs, layer.written, layer.consumed, strict=False):
        if written is not None and not same(written, read):
            yield "the input" if source == SOURCE else own.layers[source].name, written, read


def same(written: Level, read: Level) -> bool:
    """Whether both mean the same real numbers; an int8 is a uint8 whose zero point is 128 lower."""
    zeros = [level.zero - int(np.iinfo(level.dtype).min) for level in (written, read)]
    return zeros[0] == zeros[1] and abs(written.scale - read.scale) <= SAME * abs(read.scale)


def _one_sided(own: FileNetwork, names: Names) -> Iterator[Candidate]:
    """Linear outputs have both signs, so a range without one of them cuts half of them off."""
    found = [
        (layer, held(layer.produced))
        for layer in own.layers
        if layer.produced is not None and layer.kind == "conv" and layer.activation == "" and _is_added(layer, own)
    ]
    wrong = [(layer, low, high) for layer, (low, high) in found if low >= 0 or high <= 0]
    if wrong:
        items = [f"{name_of(layer, names)}: {number(low)} to {number(high)}" for layer, low, high in wrong]
        yield Candidate(
            cause="file.saturated_scale",
            title="integers cannot hold what a layer gives",
            certainty="likely",
            evidence=f"Outputs without an activation have both signs; these ranges do not: {listed(items)}.",
            change="calibrate these outputs again",
        )


def _is_added(layer: Layer, own: FileNetwork) -> bool:
    """Whether the output is a summand, behind which stands no activation that integers could imitate."""
    return any(each.kind == "add" and layer.number in each.inputs for each in own.layers)


def _words(level: Level) -> str:
    return f"scale {level.scale:.6g}, zero point {level.zero} ({level.dtype})"
