"""The simplest way of reading labels, or another run's answers, that fits what was answered surely better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from zoo.diagnose.answers.moves import Move, around, by_offsets, known_moves, permuted
from zoo.diagnose.answers.pairs import Integers, Pairs
from zoo.diagnose.answers.weighing import Weight, bits_of_labels, weigh
from zoo.records import LabelMap

DEALS = 20  # times that labels are shuffled to see what an assignment finds in nothing
MOST = 0.5  # share of images that a permutation of rare labels has to make right
LEAST = 0.4  # share of the images of permuted labels that the permutation has to make right
FREQUENT = 2  # images that a label has on average, at least, where labels that are each rare are assigned


@dataclass(frozen=True)
class Tried:
    """A way of reading with what speaks for it."""

    move: Move
    weight: Weight

    @property
    def worth(self) -> float:
        """Images that it makes right, less its price."""
        return self.weight.right - self.move.bits


@dataclass(frozen=True)
class Fit:
    """The ways that were tried, the best first. besides: labels that are permuted on top of the best, by cycle."""

    tried: tuple[Tried, ...]
    besides: tuple[Integers, ...] = ()

    @property
    def best(self) -> Tried | None:
        """The simplest that fits surely better than the labels as they are; None if there is none."""
        return self.tried[0] if self.tried and self.tried[0].weight.sure else None


def fit(pairs: Pairs, label_map: LabelMap) -> Fit:
    """Try every way: known ones, offsets by parts, and permutations of some or all labels."""
    as_it_is = np.arange(pairs.size)
    moves = [*known_moves(pairs, label_map), *filter(None, [by_offsets(pairs), around(pairs, label_map)])]
    tried = [Tried(move, weigh(pairs, move.target, as_it_is, move.bits)) for move in moves]
    alone, _ = _permutation(pairs, as_it_is)
    tried += [alone] if alone else []
    ordered = _best_first(tried)
    if not ordered or not ordered[0].weight.sure:
        whole = _rare(pairs)
        simpler = max((each.weight.right for each in ordered), default=0)
        return Fit((whole, *ordered) if whole and simpler < whole.weight.right / 2 else tuple(ordered))
    if ordered[0].move.kind == "permutation":
        return Fit(tuple(ordered))
    more, groups = _permutation(pairs, ordered[0].move.target)
    return Fit((_with(ordered[0], more, pairs), *ordered[1:]), tuple(groups)) if more else Fit(tuple(ordered))


def _best_first(tried: Iterable[Tried]) -> list[Tried]:
    return sorted(tried, key=lambda each: (not each.weight.sure, -each.worth))


def _with(base: Tried, more: Tried, pairs: Pairs) -> Tried:
    """One move on top of another."""
    move = replace(base.move, target=more.move.target, bits=base.move.bits + more.move.bits)
    weight = weigh(pairs, move.target, np.arange(pairs.size), move.bits)
    return Tried(move, weight) if weight.sure else base


def _permutation(pairs: Pairs, base: Integers) -> tuple[Tried | None, list[Integers]]:
    """Labels that are permuted against `base`, by cycle, each of which has to be sure by itself."""
    target, groups = permuted(pairs, base)
    kept = [group for group in groups if len(group) and _pays(pairs, target, base, group)]
    if not kept:
        return None, []
    labels = np.concatenate(kept)
    final = base.copy()
    final[labels] = target[labels]
    bits = bits_of_labels(len(labels), pairs.outputs)
    weight = weigh(pairs, final, base, bits)
    return (Tried(Move("permutation", final, bits), weight), kept) if weight.sure else (None, [])


def _pays(pairs: Pairs, target: Integers, base: Integers, group: Integers) -> bool:
    """A poor network may take some class for another most of the time: a permutation has to make many right."""
    only = base.copy()
    only[group] = target[group]
    weight = weigh(pairs, only, base, bits_of_labels(len(group), pairs.outputs))
    return weight.pays and weight.gained >= LEAST * int(pairs.images[group].sum())


def _rare(pairs: Pairs) -> Tried | None:
    """Any permutation of labels that are each too rare to tell: sure if shuffled labels never come near.

    An assignment finds a partner for every label, so it is compared with what it finds where labels mean nothing.
    """
    occurring = int((pairs.images > 0).sum())
    if pairs.n < FREQUENT * occurring or occurring < 2:
        return None
    rows, target = linear_sum_assignment(pairs.counts, maximize=True)
    found = int(pairs.counts[rows, target].sum())
    if found < MOST * pairs.n or pairs.right > found / 10:
        return None
    random = np.random.default_rng(0)
    dealt = [_assigned(replace(pairs, wanted=random.permutation(pairs.wanted))) for _ in range(DEALS)]
    if found <= np.mean(dealt) + 10 * np.std(dealt) + 0.2 * pairs.n:
        return None
    target = np.where(pairs.hits(target) > 0, target, -1)
    moved = int(((target >= 0) & (target != np.arange(pairs.size))).sum())
    weight = Weight(found, pairs.right, found, moved, sure=True)
    return Tried(Move("permutation", target, bits_of_labels(moved, pairs.outputs)), weight)


def _assigned(pairs: Pairs) -> int:
    rows, target = linear_sum_assignment(pairs.counts, maximize=True)
    return int(pairs.counts[rows, target].sum())


def titles(tried: Sequence[Tried]) -> list[str]:
    """What was tried, in words."""
    return [each.move.what or each.move.kind for each in tried]
