"""Ways in which labels and outputs can be out of step: other numberings, offsets by parts, any permutation.

Every way has a price in bits, what it takes to write it down. A bit has to be paid by one image that it makes right:
an image is right by luck, where both ways are as good, with a chance of one half. So a way that is long to describe
needs many images, and of two that fit, the simpler one wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from zoo.diagnose.answers.pairs import Booleans, Integers, Pairs
from zoo.documents import renumbering
from zoo.records import LabelMap

Kind = Literal["numbering", "text order", "reverse", "offsets", "permutation"]

OFFSETS = 16  # differences between answer and label that are tried, the most frequent
SHORT = 3  # labels: a part with fewer that gives two labels one answer is a confusion


@dataclass(frozen=True)
class Part:
    """Labels from `start` to `end`, both included and both of images, whose answers lie `offset` further on."""

    start: int
    end: int
    offset: int


@dataclass(frozen=True)
class Move:
    """Which output is the answer to each label. target: int64 (size,), -1 for none; bits: its price.

    what: in words, "" where `parts` or the targets say it; likely: what is behind it, if that is known.
    """

    kind: Kind
    target: Integers
    bits: float
    what: str = ""
    likely: str = ""
    parts: tuple[Part, ...] = ()

    @property
    def main(self) -> Part | None:
        """The part with the most labels; None where there are no parts."""
        return max(self.parts, key=lambda part: part.end - part.start, default=None)


def known_moves(pairs: Pairs, label_map: LabelMap) -> Iterator[Move]:
    """Known ways to number the classes, with the classes where they are and one output to both sides."""
    sides = [side for side in (0, -1, 1) if 0 <= label_map.first + side <= label_map.outputs - label_map.classes]
    ways = [
        *renumbering.of_ilsvrc2012(label_map), *renumbering.sorted_as_text(label_map),
        *renumbering.sorted_by_name(label_map), *renumbering.backwards(label_map),
    ]  # fmt: skip
    bits = float(np.log2(max(1, len(ways) * len(sides))))
    for way in ways:
        for side in sides:
            target = np.full(pairs.size, -1, np.int64)
            answer = np.where(way.answer >= 0, way.answer + label_map.first + side, -1)
            target[label_map.first : label_map.first + label_map.classes] = answer
            what = way.what + (f" and moved by {side:+d}" if side else "")
            yield Move(way.kind, target, bits + 2 * abs(side), what, way.likely)


# --- offsets -------------------------------------------------------------------------------------


def by_offsets(pairs: Pairs) -> Move | None:
    """The best way to cut the labels into parts with one offset each; None where the labels fit best as they are.

    Found by dynamic programming over the labels in order: each change of the offset has its price.
    """
    offsets = _frequent_offsets(pairs)
    if len(offsets) < 2:
        return None
    numbers = np.arange(pairs.size)
    hits = np.stack([pairs.hits(_moved(numbers, offset, pairs)) for offset in offsets], axis=1).astype(np.float64)
    change = float(np.log2(pairs.size) + np.log2(len(offsets)))
    state = _without_confusions(_cheapest(hits, change), offsets, pairs)
    target = _moved(numbers, offsets[state], pairs)
    changes = int((np.diff(state) != 0).sum()) + int(state[0] != 0)
    parts = _parts(offsets[state], pairs.images > 0)
    if not parts:
        return None
    return Move("offsets", target, np.log2(2 * pairs.size) + change * max(0, changes - 1), parts=parts)


def around(pairs: Pairs, label_map: LabelMap) -> Move | None:
    """The commonest constant offset that takes the last classes for the first, or the other way round."""
    first, classes = label_map.first, label_map.classes
    inside = (pairs.given >= first) & (pairs.given < first + classes)
    counts = np.bincount((pairs.given - pairs.wanted)[inside] % classes, minlength=classes)
    counts[0] = 0
    offset = int(counts.argmax())
    if not counts[offset]:
        return None
    target, region = np.arange(pairs.size), slice(first, first + classes)
    target[region] = first + (np.arange(classes) + offset) % classes
    moved = np.where(pairs.images[region] > 0, target[region] - np.arange(first, first + classes), 0)
    parts = tuple(
        Part(first + int(labels[0]), first + int(labels[-1]), each)
        for each in (offset, offset - classes)
        if len(labels := np.flatnonzero(moved == each))
    )
    return Move("offsets", target, np.log2(2 * pairs.size) + 1, parts=parts)


def _frequent_offsets(pairs: Pairs) -> Integers:
    """0 and the most frequent other differences between answer and label."""
    found, counts = np.unique(pairs.given - pairs.wanted, return_counts=True)
    best = [offset for offset in found[np.argsort(-counts, kind="stable")] if offset != 0][: OFFSETS - 1]
    return np.array([0, *best], np.int64)


def _moved(numbers: Integers, offset: int | Integers, pairs: Pairs) -> Integers:
    target: Integers = numbers + offset
    return np.where((target >= 0) & (target < pairs.size), target, -1)


def _cheapest(hits: np.ndarray, change: float) -> Integers:
    """State of each label, int64 (labels,): the most hits less what the changes cost. hits: (labels, states)."""
    labels, states = hits.shape
    came_from = np.zeros((labels, states), np.int64)
    value = hits[0] - np.where(np.arange(states) > 0, change / 2, 0)
    for label in range(1, labels):
        other = int(value.argmax())
        stay = value >= value[other] - change
        came_from[label] = np.where(stay, np.arange(states), other)
        value = np.maximum(value, value[other] - change) + hits[label]
    state = np.zeros(labels, np.int64)
    state[-1] = value.argmax()
    for label in range(labels - 1, 0, -1):
        state[label - 1] = came_from[label, state[label]]
    return state


def _without_confusions(state: Integers, offsets: Integers, pairs: Pairs) -> Integers:
    """The states with short parts undone that give an answer which another label has too."""
    occurs, numbers = pairs.images > 0, np.arange(pairs.size)
    edges = [0, *(np.flatnonzero(np.diff(state)) + 1).tolist(), pairs.size]
    kept = state.copy()
    for start, end in pairwise(edges):
        own = numbers[start:end][occurs[start:end]]
        others = np.delete(numbers, slice(start, end))
        others = others[occurs[others]]
        taken = np.isin(own + offsets[state[own]], others + offsets[state[others]])
        if len(own) < SHORT and len(own) and taken.all():
            beside = [int(state[at]) for at in (start - 1, end) if 0 <= at < pairs.size] or [0]
            kept[start:end] = max(beside, key=lambda each: _hits(pairs, own, int(offsets[each])))
    return kept


def _hits(pairs: Pairs, labels: Integers, offset: int) -> int:
    """Images of these labels whose answer lies so many outputs further on."""
    return int(pairs.hits(_moved(np.arange(pairs.size), offset, pairs))[labels].sum())


def _parts(offset: Integers, occurs: Booleans) -> tuple[Part, ...]:
    """Runs of labels with one offset that is not 0; labels without images are passed over."""
    labels = np.flatnonzero(occurs)
    if not len(labels):
        return ()
    cuts = np.flatnonzero(np.diff(offset[labels])) + 1
    runs = np.split(labels, cuts)
    return tuple(Part(int(run[0]), int(run[-1]), int(offset[run[0]])) for run in runs if offset[run[0]])


# --- permutations --------------------------------------------------------------------------------


def permuted(pairs: Pairs, base: Integers) -> tuple[Integers, list[Integers]]:
    """The best assignment of outputs to labels, where each label that leaves `base` has to pay for itself.

    Returns the targets and the groups of labels that changed: those of one cycle each, so that every output that is
    left is taken again, and last all others, whose chains are open.
    """
    worth = pairs.counts.astype(np.float64)
    rows = np.arange(pairs.size)
    stays = (base >= 0) & (base < pairs.size)
    worth[rows[stays], base[stays]] += np.log2(pairs.size)
    _, target = linear_sum_assignment(worth, maximize=True)
    changed = (target != base) & (pairs.images > 0)
    return np.where(changed, target, base), _cycles(target, base, changed)


def _cycles(target: Integers, base: Integers, changed: Booleans) -> list[Integers]:
    """Changed labels by cycle, then those of open chains together."""
    home = {int(base[label]): int(label) for label in np.flatnonzero(changed) if base[label] >= 0}
    left, groups, loose = set(np.flatnonzero(changed).tolist()), list[Integers](), list[int]()
    while left:
        chain = [min(left)]
        while (following := home.get(int(target[chain[-1]]))) is not None and following in left - set(chain):
            chain.append(following)
        closed = home.get(int(target[chain[-1]])) == chain[0]
        left -= set(chain)
        if closed:
            groups.append(np.array(chain, np.int64))
        else:
            loose += chain
    return [*groups, np.array(loose, np.int64)]
