"""Batch norms that cannot be as they are: negative variances, exchanged or fresh statistics, another epsilon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from zoo.diagnose.network import FileNetwork, Layer, Norm
from zoo.diagnose.tensors.words import Names, listed, name_of, number
from zoo.records.diagnoses import Candidate, Certainty

EFFECT = 1e-3  # relative change of a channel's factor below which another epsilon changes no answers
NEGLIGIBLE = 0.01  # of epsilon: a variance so little below zero is a rounding error
LIKE_MEANS = 0.2  # share of negative variances from which they look like means
SHORTEST = 4  # channels of a layer about which anything is said


def look(own: FileNetwork, names: Names, epsilon: float | None, certainty: Certainty) -> Iterator[Candidate]:
    """Everything that is wrong with the batch norms that the file keeps apart.

    epsilon: the documented one, None if none is; certainty: of what differs from the documents.
    """
    normed = [(layer, layer.norm) for layer in own.weighted if layer.norm is not None]
    swapped = [(layer, norm) for layer, norm in normed if _means_and_variances_exchanged(norm)]
    yield from _swapped(swapped, names)
    exchanged = {layer.number for layer, _ in swapped}
    yield from _negative([(layer, norm) for layer, norm in normed if layer.number not in exchanged], names)
    yield from _scale_and_shift(normed, names)
    yield from _fresh(normed, names)
    yield from _epsilon(normed, names, epsilon, certainty)


Normed = list[tuple[Layer, Norm]]


def _means_and_variances_exchanged(norm: Norm) -> bool:
    negative = float((norm.variance < 0).mean())
    return len(norm.mean) >= SHORTEST and negative >= LIKE_MEANS and bool((norm.mean >= 0).all())


def _swapped(found: Normed, names: Names) -> Iterator[Candidate]:
    if not found:
        return
    items = [
        f"{name_of(layer, names)}: {int((norm.variance < 0).sum())} of {len(norm.variance)} variances are negative, "
        "and no mean is"
        for layer, norm in found
    ]
    yield Candidate(
        cause="file.swapped_statistics",
        title="running means and variances stand in each other's place",
        certainty="shown",
        evidence=f"In {len(found)} batch norms: {listed(items)}.",
        change="exchange running mean and variance of " + listed([repr(layer.name) for layer, _ in found]),
    )


def _negative(normed: Normed, names: Names) -> Iterator[Candidate]:
    items = [
        f"{name_of(layer, names)}: {int(below.sum())} of {len(below)}, the lowest {number(float(norm.variance.min()))}"
        for layer, norm in normed
        if (below := norm.variance < -NEGLIGIBLE * norm.epsilon).any()
    ]
    if items:
        yield Candidate(
            cause="file.negative_variance",
            title="running variances are negative",
            certainty="shown",
            evidence=f"A variance is a mean of squares, so none can be negative. Negative ones: {listed(items)}.",
            change="write these running variances again from where they come",
        )


def _scale_and_shift(normed: Normed, names: Names) -> Iterator[Candidate]:
    """A scale is positive in nearly every channel that was trained, and a shift has both signs."""
    usual = np.median([float((norm.gamma < 0).mean()) for _, norm in normed]) if normed else 0.0
    found = [
        (layer, norm)
        for layer, norm in normed
        if len(norm.gamma) >= 2 * SHORTEST
        and float((norm.gamma < 0).mean()) >= LIKE_MEANS > 2 * float(usual)
        and bool((norm.beta > 0).all())
    ]
    if found and len(found) < len(normed):
        items = [
            f"{name_of(layer, names)}: {int((norm.gamma < 0).sum())} of {len(norm.gamma)}" for layer, norm in found
        ]
        yield Candidate(
            cause="file.swapped_statistics",
            title="scale and shift of batch norms stand in each other's place",
            certainty="likely",
            evidence=f"Negative scales where no shift is negative: {listed(items)}; "
            f"in the middle of all layers {number(100 * float(usual))} % of the scales are negative.",
            change="exchange scale and shift of " + listed([repr(layer.name) for layer, _ in found]),
        )


def _fresh(normed: Normed, names: Names) -> Iterator[Candidate]:
    """Statistics as they are before training. Where the scale is one as well, nothing may have been trained there."""
    found = [
        layer
        for layer, norm in normed
        if len(norm.mean) >= SHORTEST
        and not norm.mean.any()
        and bool((norm.variance == 1).all())
        and float(np.ptp(norm.gamma)) > 0
    ]
    if found:
        items = [name_of(layer, names) for layer in found]
        yield Candidate(
            cause="file.fresh_statistics",
            title="running statistics are those of a network that was never trained",
            certainty="likely",
            evidence=f"Mean 0 and variance 1 in every channel of {len(found)} of {len(normed)} batch norms, whose "
            f"scales are trained: {listed(items)}.",
            change="load the running statistics too: some loaders skip tensors that training does not adjust",
        )


def _epsilon(normed: Normed, names: Names, epsilon: float | None, certainty: Certainty) -> Iterator[Candidate]:
    if not normed:
        return
    known = Counter(norm.epsilon for _, norm in normed)
    expected = known.most_common(1)[0][0] if epsilon is None else epsilon
    found = [
        (layer, norm, effect)
        for layer, norm in normed
        if abs(norm.epsilon - expected) > 1e-2 * expected and (effect := _effect(norm, expected)) > EFFECT
    ]
    if not found:
        return
    items = [
        f"{name_of(layer, names)}: {number(norm.epsilon)} (a channel's factor changes by {number(100 * effect)} %)"
        for layer, norm, effect in sorted(found, key=lambda each: -each[2])
    ]
    source = "in the file's other layers" if epsilon is None else "in the record"
    yield Candidate(
        cause="file.epsilon",
        title="batch norms have another epsilon",
        certainty=certainty,
        evidence=f"Epsilon is {number(expected)} {source}, and another one in {len(found)} of {len(normed)} batch "
        f"norms, the largest effect first: {listed(items)}.",
        change=f"set epsilon to {number(expected)}, or mend `bn_epsilon` in `network` of the record",
    )


def _effect(norm: Norm, expected: float) -> float:
    """The largest relative change of a channel's factor that another epsilon makes."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.nan_to_num(norm.factor() / norm.factor(expected), nan=1.0, posinf=1e9)
    return float(np.abs(ratio - 1).max())
