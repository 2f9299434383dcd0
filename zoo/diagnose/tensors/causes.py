"""Differences of layers as causes: which cause each kind of difference is, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.diagnose.tensors.compared import Comparison, Difference
from zoo.diagnose.tensors.differences import fits
from zoo.diagnose.tensors.parts import Part
from zoo.diagnose.tensors.rounding import noises
from zoo.diagnose.tensors.words import Names, listed, name_of, number
from zoo.records.diagnoses import Candidate, Certainty

# The part that says most about a layer comes first.
IMPORTANCE = ("weight", "epsilon", "statistics", "gamma", "mean", "variance", "bias", "beta")
SMALL = 1e-3  # relative difference of a tensor that changes no answers to speak of
FEW_LEVELS = 50  # steps up to a layer's largest weight; 127 are usual
LARGE = 0.05  # relative difference of a layer that likely changes answers

# cause -> what is wrong, and how to mend it
TITLES = {
    "file.epsilon": ("batch norms have another epsilon", "fold again, or set epsilon, as the other file has it"),
    "file.swapped_statistics": ("tensors of batch norms stand in each other's place", "exchange these tensors"),
    "file.statistics_differ": ("batch norms have other scales or statistics", "take the batch norms from"),
    "file.negative_variance": ("running variances are negative", "take the running variances from"),
    "file.not_finite": ("the file holds NaN or infinite values", "take these tensors from"),
    "file.dead_layer": ("weights are zero that should not be", "take these tensors from"),
    "file.shifted_bias": ("biases are others", "take the biases of these layers from"),
    "file.sign": ("tensors have the other sign", "multiply these tensors by -1"),
    "file.scaled_layer": ("layers are scaled", "divide these tensors by the factors named"),
    "file.classifier_rows": ("the classifier's rows are in another order", "bring its rows and biases in order, as in"),
    "file.permuted_channels": ("channels of a layer are in another order", "bring the channels in order, as in"),
    "file.input_channels": (
        "the first layer takes its colours in another order",
        "turn the input channels of the first layer round, or the channel order of the recipe; compare with",
    ),
    "file.transposed_kernel": ("kernels are turned", "turn the kernels back, as in"),
    "file.reordered_values": ("a tensor was written with its axes in another order", "write these tensors again from"),
    "file.exchanged_layers": ("layers stand in each other's place", "exchange these layers, as in"),
    "file.layers_differ": ("layers hold other values", "take these tensors from"),
}

_STRUCTURED = {
    "not_finite": "file.not_finite",
    "zeroed": "file.dead_layer",
    "sign": "file.sign",
    "scaled": "file.scaled_layer",
    "input_channels": "file.permuted_channels",
    "kernel": "file.transposed_kernel",
    "reordered": "file.reordered_values",
    "rolled": "file.permuted_channels",
    "reversed": "file.permuted_channels",
    "swapped": "file.permuted_channels",
    "permuted": "file.permuted_channels",
    "few": "file.layers_differ",
    "other": "file.layers_differ",
    "offset": "file.layers_differ",
}
_NAMED = {"epsilon": "file.epsilon", "statistics": "file.swapped_statistics"}
_ORDERS = ("rolled", "reversed", "swapped", "permuted")


@dataclass(frozen=True)
class Found:
    """A difference with its cause. words: what was done to which tensors; size: the largest of its parts."""

    cause: str
    difference: Difference
    words: str
    size: float


def causes(comparison: Comparison, relative: str, names: Names, doubtful: bool) -> Iterator[Candidate]:
    """One candidate for each kind of difference, with every layer that has it.

    relative: whom the file is compared with; doubtful: whether the two need not be alike at all.
    """
    yield from _coarse(comparison, relative, names)
    found = [each for each in _found(comparison) if each.size > SMALL]
    equal = comparison.compared - len(comparison.differences)
    for cause in dict.fromkeys(each.cause for each in found):
        group = [each for each in found if each.cause == cause]
        title, change = TITLES[cause]
        layers = [each.difference.own.name for each in group]
        items = [f"{name_of(each.difference.own, names)}: {each.words}" for each in group]
        rest = f"{equal} of {comparison.compared} layers equal those of {relative} to {number(comparison.largest)}"
        yield Candidate(
            cause=cause,
            title=f"{title} ({len(group)} of {comparison.compared} layers)",
            certainty=_certainty(cause, group, equal, comparison.compared, doubtful),
            evidence=f"{listed(items)}. {rest}.",
            change=f"{change} {relative}: {listed([repr(layer) for layer in layers])}",
        )


def _coarse(comparison: Comparison, relative: str, names: Names) -> Iterator[Candidate]:
    """Layers that rounding has left little of."""
    if not comparison.coarse:
        return
    items = [
        f"{name_of(each.own, names)}: {number(each.size)}, its largest weight is {number(each.levels)} steps"
        for each in sorted(comparison.coarse, key=lambda each: -each.size)
    ]
    few = min(each.levels for each in comparison.coarse) < FEW_LEVELS
    yield Candidate(
        cause="file.quantised",
        title=f"rounding of weights to few levels moved {len(comparison.coarse)} of {comparison.compared} layers",
        certainty="likely" if few else "possible",
        evidence=f"Relative distance of weights to those of {relative}, the largest first: {listed(items)}.",
        change=f"round these layers in smaller steps (one step for each channel), or take them from {relative}",
    )


def _certainty(cause: str, group: Sequence[Found], equal: int, compared: int, doubtful: bool) -> Certainty:
    if doubtful:
        return "possible"
    if cause == "file.layers_differ":
        return "likely" if max(each.size for each in group) >= LARGE else "possible"
    return "shown" if 2 * equal >= compared or len(group) > 1 else "likely"


def _found(comparison: Comparison) -> list[Found]:
    found = [_of(difference, comparison) for difference in comparison.differences]
    generic = [each for each in found if each.cause == "file.layers_differ"]
    return [_exchanged(each, generic) or each for each in found]


def _of(difference: Difference, comparison: Comparison) -> Found:
    """The cause of one layer's difference, by the part of it that says most."""
    kept = sorted(difference.parts, key=lambda part: IMPORTANCE.index(part.name))
    words = "; ".join(f"{part.name} {part.change.words}" for part in kept)
    size = max((part.change.size for part in kept), default=0.0)
    cause = _cause(kept[0], difference, comparison) if kept else "file.layers_differ"
    return Found(cause, difference, words, size)


def _cause(part: Part, difference: Difference, comparison: Comparison) -> str:
    own, kind = difference.own, part.change.kind
    if part.name in _NAMED:
        return _NAMED[part.name]
    if kind == "not_finite":
        return "file.not_finite"
    if part.name == "variance" and own.norm is not None and bool((own.norm.variance < 0).any()):
        return "file.negative_variance"
    if part.name in ("mean", "variance"):
        return "file.statistics_differ"
    if part.name in ("bias", "beta"):
        return "file.shifted_bias"
    if kind == "scaled" and (own.norm or difference.other.norm) is not None and _by_channel(difference):
        return "file.statistics_differ"
    if own.kind == "classifier" and kind in _ORDERS:
        return "file.classifier_rows"
    if kind == "input_channels" and own is comparison.own.weighted[0]:
        return "file.input_channels"
    return _STRUCTURED[kind]


def _by_channel(difference: Difference) -> bool:
    """Whether every channel is scaled by a factor of its own, as other variances do it."""
    rows, others = (each.folded[0].reshape(len(each.folded[0]), -1) for each in (difference.own, difference.other))
    energy = (others**2).sum(axis=1)
    factors = np.divide((rows * others).sum(axis=1), energy, out=np.ones(len(energy)), where=energy > 0)
    return len(np.unique(np.round(factors, 3))) > len(factors) // 2


def _exchanged(found: Found, others: Sequence[Found]) -> Found | None:
    """A layer that holds what belongs to another one of the same shape."""
    if found.cause != "file.layers_differ":
        return None
    own = found.difference.own
    for other in others:
        belongs = other.difference.other
        if other is found or belongs.shape != own.shape:
            continue
        room = list(noises(own, belongs))[-1].weight
        stored = own.weight is not None and belongs.weight is not None and np.array_equal(own.weight, belongs.weight)
        if stored or fits(own.folded[0], belongs.folded[0], room):
            return Found(
                "file.exchanged_layers", found.difference, f"holds what belongs to {belongs.name!r}", found.size
            )
    return None
