"""Edits of the embedded network's tensors, canonical name -> float32 array: harmless ones and harmful ones.

Each takes the tensors and returns those that are different.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Tensors = dict[str, np.ndarray]
Edit = Callable[[Tensors], Tensors]

CLASSIFIER, BIAS = "classifier.1.weight", "classifier.1.bias"
BLOCK = "features.9.conv"  # an inverted residual in the middle, with a shortcut around it
EXPAND, DEPTHWISE, PROJECT = f"{BLOCK}.0", f"{BLOCK}.1", f"{BLOCK}.2"


def through(*dtypes: type) -> Edit:
    """All values rounded to other types and back."""

    def edit(tensors: Tensors) -> Tensors:
        for dtype in dtypes:
            tensors = {name: value.astype(dtype).astype(np.float32) for name, value in tensors.items()}
        return tensors

    return edit


def channels_in_another_order(tensors: Tensors) -> Tensors:
    """The channels inside one block, in all its layers: the block computes the same."""
    order = np.random.default_rng(3).permutation(len(tensors[f"{EXPAND}.0.weight"]))
    rows = {
        name: tensors[name][order]
        for name in tensors
        if name.startswith((f"{EXPAND}.", f"{DEPTHWISE}."))
    }  # fmt: skip
    return {**rows, f"{PROJECT}.weight": tensors[f"{PROJECT}.weight"][:, order].copy()}


def scaled_before_a_norm(tensors: Tensors) -> Tensors:
    """A convolution four times as large; the batch norm after it, whose statistics are too, takes that back."""
    weight, norm = f"{EXPAND}.0.weight", f"{EXPAND}.1"
    return {
        weight: tensors[weight] * 4,
        f"{norm}.running_mean": tensors[f"{norm}.running_mean"] * 4,
        f"{norm}.running_var": tensors[f"{norm}.running_var"] * 16,
    }


def rows_of_classes(chosen: Callable[[int], np.ndarray]) -> Edit:
    """The classifier's rows in the order that `chosen` gives for their number."""

    def edit(tensors: Tensors) -> Tensors:
        order = chosen(len(tensors[BIAS]))
        return {name: tensors[name][order].copy() for name in (CLASSIFIER, BIAS)}

    return edit


def with_other_outputs(before: int, behind: int) -> Edit:
    """So many outputs before and behind the classes, which never win."""

    def edit(tensors: Tensors) -> Tensors:
        rows = np.pad(tensors[CLASSIFIER], ((before, behind), (0, 0)))
        return {CLASSIFIER: rows, BIAS: np.pad(tensors[BIAS], (before, behind), constant_values=-30)}

    return edit


def zeroed(*names: str) -> Edit:
    """Nothing but zeros in these tensors."""
    return lambda tensors: {name: np.zeros_like(tensors[name]) for name in names}


def channels_zeroed(tensors: Tensors) -> Tensors:
    """The four largest channels of one depthwise convolution."""
    name = f"{DEPTHWISE}.0.weight"
    changed = tensors[name].copy()
    changed[np.argsort(np.abs(changed).sum(axis=(1, 2, 3)))[-4:]] = 0
    return {name: changed}


def statistics_not_loaded(tensors: Tensors) -> Tensors:
    """Batch norms as they are before training: mean 0, variance 1."""
    fresh = {".running_mean": 0.0, ".running_var": 1.0}
    return {
        name: np.full_like(value, number)
        for name, value in tensors.items()
        for ending, number in fresh.items()
        if name.endswith(ending)
    }  # fmt: skip


def kernels_turned(tensors: Tensors) -> Tensors:
    """Height and width of every kernel exchanged, as by a wrong permutation of axes."""
    return {
        name: value.transpose(0, 1, 3, 2).copy()
        for name, value in tensors.items()
        if value.ndim == 4 and value.shape[3] > 1
    }  # fmt: skip


def coarse(tensors: Tensors) -> Tensors:
    """Weights of four bits for a whole layer: steps of a seventh of its largest weight."""
    found = {}
    for name, value in tensors.items():
        if value.ndim > 1:
            step = np.abs(value).max() / 7
            found[name] = (np.rint(value / step) * step).astype(np.float32)
    return found


def with_values(name: str, *values: float) -> Edit:
    """Other values at the beginning of a tensor."""

    def edit(tensors: Tensors) -> Tensors:
        changed = tensors[name].copy()
        changed.reshape(-1)[: len(values)] = values
        return {name: changed}

    return edit


def scaled(factor: float, *names: str) -> Edit:
    """These tensors times a factor."""
    return lambda tensors: {name: tensors[name] * np.float32(factor) for name in names}


def added(value: float, *names: str) -> Edit:
    """A constant added to these tensors."""
    return lambda tensors: {name: tensors[name] + np.float32(value) for name in names}


def lifted(value: float, *classes: int) -> Edit:
    """A constant added to the bias of these classes."""

    def edit(tensors: Tensors) -> Tensors:
        lift = value * np.isin(np.arange(len(tensors[BIAS])), classes)
        return {BIAS: (tensors[BIAS] + lift).astype(np.float32)}

    return edit


def exchanged(first: str, second: str) -> Edit:
    """Two tensors of one shape in each other's place."""
    return lambda tensors: {first: tensors[second].copy(), second: tensors[first].copy()}


def copied(source: str, *targets: str) -> Edit:
    """One layer's tensors in place of another's: every tensor whose name begins with `source`."""

    def edit(tensors: Tensors) -> Tensors:
        return {
            target + name.removeprefix(source): value.copy()
            for target in targets
            for name, value in tensors.items()
            if name.startswith(source)
        }

    return edit


def reordered(name: str, axis: int, seed: int = 5) -> Edit:
    """The channels of one tensor along an axis in a random order, and nothing else in that order."""

    def edit(tensors: Tensors) -> Tensors:
        order = np.random.default_rng(seed).permutation(tensors[name].shape[axis])
        return {name: np.take(tensors[name], order, axis)}

    return edit


def turned_round(name: str, *axes: int) -> Edit:
    """One tensor backwards along these axes."""
    return lambda tensors: {name: np.flip(tensors[name], axes).copy()}


def turned(name: str) -> Edit:
    """Height and width of one layer's kernels exchanged."""
    return lambda tensors: {name: tensors[name].transpose(0, 1, 3, 2).copy()}


def trained_otherwise(share: float, seed: int = 11, only: str = "") -> Edit:
    """Every weight (of layers whose names begin with `only`) moved by noise of this share of its tensor's spread."""

    def edit(tensors: Tensors) -> Tensors:
        random = np.random.default_rng(seed)
        return {
            name: (value + random.normal(0, share * value.std(), value.shape)).astype(np.float32)
            for name, value in tensors.items()
            if value.ndim > 1 and name.startswith(only)
        }

    return edit


def rounded_to_steps(levels: int, *names: str) -> Edit:
    """These tensors in so many steps up to their largest weight."""

    def edit(tensors: Tensors) -> Tensors:
        steps = {name: np.abs(tensors[name]).max() / levels for name in names}
        return {name: (np.rint(tensors[name] / step) * step).astype(np.float32) for name, step in steps.items()}

    return edit


def all_of(*edits: Edit) -> Edit:
    """Several edits, one after another."""

    def edit(tensors: Tensors) -> Tensors:
        changed: Tensors = {}
        for each in edits:
            changed |= each({**tensors, **changed})
        return changed

    return edit
