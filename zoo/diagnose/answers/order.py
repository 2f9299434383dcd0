"""Labels that belong to other images of the same list: a list that slipped, or that is in another order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np
from scipy.stats import binom, poisson

from zoo.diagnose.answers.pairs import Integers, Pairs
from zoo.diagnose.answers.weighing import SURE

MOST_PAIRS = 20_000_000  # of images with one class, that slips are counted from


@dataclass(frozen=True)
class Slip:
    """Labels read in another order. what: in words; order: int64 (N,), whose label each image gets, -1 for none.

    right, before: images that are right so, and as labelled; sure: one in a million.
    start, end: images that are concerned, by their place in the list, the end not included.
    """

    what: str
    order: Integers
    right: int
    before: int
    start: int
    end: int
    sure: bool


def slip(pairs: Pairs, ids: tuple[str, ...]) -> Slip | None:
    """The best other order of the labels; None where there is none to try."""
    tried = [_weighed(what, order, pairs) for what, order in _orders(pairs, ids)]
    return max(tried, key=lambda each: (each.sure, each.right - each.before), default=None)


def _orders(pairs: Pairs, ids: tuple[str, ...]) -> Iterator[tuple[str, Integers]]:
    n = pairs.n
    yield "the labels in reverse", np.arange(n)[::-1].copy()
    text = np.array(sorted(range(n), key=lambda row: ids[row]), np.int64)
    numeric = np.array(sorted(range(n), key=lambda row: _natural(ids[row])), np.int64)
    if (text != numeric).any():
        for what, place, own in (
            (
                "the labels given to files in the order of their numbers, the files in the order of their names",
                text,
                numeric,
            ),
            (
                "the labels given to files in the order of their names, the files in the order of their numbers",
                numeric,
                text,
            ),
        ):
            order = np.empty(n, np.int64)
            order[own] = place
            yield what, order
    for step in _slips(pairs):
        rows = np.arange(n) + step
        inside = (rows >= 0) & (rows < n)
        what = f"the label of the image {abs(step)} place{'s' * (abs(step) > 1)} {'later' if step > 0 else 'earlier'}"
        yield what, np.where(inside, rows, -1)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts numbers in names by their value."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _slips(pairs: Pairs) -> list[int]:
    """The three commonest differences in place between an image and the images whose label its answer is."""
    n = pairs.n
    if int((pairs.images * pairs.answers).sum()) > MOST_PAIRS:
        return []
    counts = np.zeros(2 * n + 1, np.int64)
    places = np.argsort(pairs.wanted, kind="stable")
    edges = np.searchsorted(pairs.wanted[places], np.arange(pairs.size + 1))
    for output in np.flatnonzero((pairs.images > 0) & (pairs.answers > 0)):
        labelled = places[edges[output] : edges[output + 1]]
        answered = np.flatnonzero(pairs.given == output)
        counts += np.bincount((labelled[None, :] - answered[:, None]).ravel() + n, minlength=2 * n + 1)
    counts[n] = 0
    best = np.argsort(-counts, kind="stable")[:3]
    return [int(each) - n for each in best if counts[each] > 1]


def _weighed(what: str, order: Integers, pairs: Pairs) -> Slip:
    """From which image to which one the other order fits better, and whether surely.

    The list in order of class has neighbours of one class, so what counts is which order is right where the labels
    differ. Price: which order, and where it begins and ends.
    """
    other = np.where(order >= 0, pairs.wanted[order], -1)
    gain = (pairs.given == other).astype(np.int64) - (pairs.given == pairs.wanted)
    start, end = _best_stretch(gain)
    part = slice(start, end)
    gained, lost = int((gain[part] > 0).sum()), int((gain[part] < 0).sum())
    differing = int((other[part] != pairs.wanted[part]).sum())
    price = log(SURE) - log(2 * pairs.n) - 2 * log(max(2, pairs.n))
    answers = pairs.answers[np.clip(other[part], 0, pairs.size - 1)]
    chance = float(answers.sum()) / pairs.n
    logs = binom.logsf(gained - 1, gained + lost, 0.5), poisson.logsf(gained - 1, max(chance, 1e-9))
    sure = bool(max(logs) <= price) and gained >= 0.2 * max(1, differing)
    right = int((pairs.given == pairs.wanted).sum()) + gained - lost
    return Slip(what, order, right, pairs.right, start, end, sure)


def _best_stretch(gain: Integers) -> tuple[int, int]:
    """Start and end of the run of images that gains most (Kadane's algorithm, by running sums)."""
    sums = np.concatenate([[0], np.cumsum(gain)])
    lowest = np.minimum.accumulate(sums)
    end = int((sums - lowest).argmax())
    start = int(sums[: end + 1].argmin())
    return start, end
