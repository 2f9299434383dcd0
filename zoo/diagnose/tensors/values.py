"""Values that no trained layer has: NaN, infinite, one for all, one far beyond all others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.diagnose.network import Array, FileNetwork, Layer
from zoo.diagnose.tensors.rounding import grid_of
from zoo.diagnose.tensors.words import Names, listed, name_of, number
from zoo.records.diagnoses import Candidate

SHORTEST = 8  # values of a tensor that may be equal without anything being wrong
FEW_LEVELS = 32  # of a layer's weights, without sign; 128 are usual
BEYOND = 1000.0  # times the next largest value


def look(own: FileNetwork, names: Names) -> Iterator[Candidate]:
    """Everything that is wrong with single tensors."""
    tensors = [(layer, name, values) for layer in own.weighted for name, values in _tensors(layer)]
    yield from _not_finite(tensors, names)
    finite = [(layer, name, values) for layer, name, values in tensors if np.isfinite(values).all()]
    yield from _constant(own, names)
    yield from _outliers(finite, names)
    yield from _few_levels(own, names)


Named = list[tuple[Layer, str, Array]]


def _tensors(layer: Layer) -> Iterator[tuple[str, Array]]:
    for name, values in (("weight", layer.weight), ("bias", layer.bias)):
        if values is not None:
            yield name, values
    if layer.norm is not None:
        yield from ((name, getattr(layer.norm, name)) for name in ("gamma", "beta", "mean", "variance"))


def _not_finite(tensors: Named, names: Names) -> Iterator[Candidate]:
    items = [
        f"{name} of {name_of(layer, names)}: {int(np.isnan(values).sum())} NaN and {int(np.isinf(values).sum())} "
        f"infinite of {values.size}"
        for layer, name, values in tensors
        if not np.isfinite(values).all()
    ]
    if items:
        yield Candidate(
            cause="file.not_finite",
            title="the file holds NaN or infinite values",
            certainty="shown",
            evidence=f"{len(items)} tensors: {listed(items)}.",
            change="write these tensors again from where they come; values above 65504 are infinite in half precision",
        )


def _constant(own: FileNetwork, names: Names) -> Iterator[Candidate]:
    """A whole layer of zeros, or of one value: nothing of its input passes, or all alike."""
    found = []
    for layer in own.weighted:
        if layer.weight is None or layer.weight.size < SHORTEST:
            continue
        value = float(layer.weight.flat[0])
        if bool((layer.weight == value).all()):
            found.append(f"every weight of {name_of(layer, names)} is {number(value)}")
        elif layer.norm is not None and not layer.norm.gamma.any():
            found.append(f"every batch-norm scale of {name_of(layer, names)} is 0")
    if found:
        yield Candidate(
            cause="file.dead_layer",
            title="a layer passes nothing on",
            certainty="shown",
            evidence=f"{listed(found)}.",
            change="write these tensors again from where they come",
        )


def _outliers(tensors: Named, names: Names) -> Iterator[Candidate]:
    found = []
    for layer, name, values in tensors:
        if name == "variance" or values.size < SHORTEST:
            continue
        largest, second = np.sort(np.abs(values.astype(np.float64)).ravel())[[-1, -2]]
        if largest > BEYOND * second > 0:
            place = int(np.abs(values).argmax()) // (values.size // len(values))
            found.append(
                f"{name} of {name_of(layer, names)}: {number(largest)} in output {place}, the next {number(second)}"
            )
    if found:
        yield Candidate(
            cause="file.outlier",
            title="single values are far beyond all others",
            certainty="likely",
            evidence=f"As a flipped bit leaves them: {listed(found)}.",
            change="compare the file's hash with the published one, and fetch it again",
        )


def _few_levels(own: FileNetwork, names: Names) -> Iterator[Candidate]:
    """Weights that take only a few values, all whole multiples of one."""
    found = []
    for layer in own.weighted:
        if layer.weight is None or layer.weight.size < 20 * FEW_LEVELS or not np.isfinite(layer.weight).all():
            continue
        step = grid_of(layer.weight, FEW_LEVELS)
        if step:
            found.append(f"{name_of(layer, names)}: steps of {number(step)} up to {number(float(layer.weight.max()))}")
    if found:
        yield Candidate(
            cause="file.quantised",
            title=f"weights of {len(found)} of {len(own.weighted)} layers take only a few values",
            certainty="likely",
            evidence=f"No more than {FEW_LEVELS} steps up to the largest weight: {listed(found)}.",
            change="take these weights from the file before it was quantised, or quantise to 8 bits",
        )
