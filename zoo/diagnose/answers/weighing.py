"""Whether answers fit one numbering of the labels surely better than another."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log, log2

import numpy as np
from scipy.stats import binom, poisson

from zoo.diagnose.answers.pairs import Integers, Pairs

SURE = 1e-6  # chance that a healthy run is said to be moved, for each way that is tried
PAYS = 0.01  # the same for each part of a move, which is sure as a whole
SEVERAL = 4  # labels, of which one with many images does not decide: it counts as much as two usual ones
CONFUSED = 0.1  # share of classes that a healthy network may give to one other class more often than to their own


@dataclass(frozen=True)
class Weight:
    """What speaks for moved labels.

    gained, lost: images that only the one or only the other way makes right; right: those that are right if moved;
    labels: moved ones that have images; sure: whether a healthy run would show this in one of a million cases at most.
    pays: the same for one of a hundred, which is enough for a part of something that is sure.
    more: images that would make it sure, if those to come are like these; None if it is sure or nothing speaks for it.
    """

    gained: int
    lost: int
    right: int
    labels: int
    sure: bool
    more: int | None = None
    pays: bool = False


def weigh(pairs: Pairs, target: Integers, base: Integers, bits: float) -> Weight:
    """Moved labels against `base`, int64 (size,) both.

    Three tests, each at one in a million, less the bits it takes to write the move down. An image that only one of two
    ways makes right falls to either with the same chance at most: a network that tells classes apart at all gives no
    set of classes to each other more often than to their own. Images of frequent labels are counted in part, so that
    no one label decides. Dealing the answers at random must not make as many right. And where some label's own answer
    is left to nobody, the move may be a confusion (one class goes to another): then the labels vote, and
    healthy networks lose a tenth of them at most.
    """
    occurs = pairs.images > 0
    moved = (target != base) & occurs
    unmoved = base[occurs & ~moved]
    judged = moved & ~np.isin(target, unmoved)
    new, old = pairs.hits(target), pairs.hits(base)
    gained, lost = int(new[moved].sum()), int(old[moved].sum())
    right = int(new[occurs].sum())
    if not judged.any():
        return Weight(gained, lost, right, int(moved.sum()), sure=False)
    logs = [
        _log_split(new[judged], old[judged], pairs.images[judged]),
        _log_dealt(pairs, judged, target),
    ]
    if set(target[judged].tolist()) != set(base[judged].tolist()):
        logs.append(_log_votes(new[judged], old[judged]))
    needed = log(SURE) - bits * log(2)
    sure = bool(max(logs) <= needed)
    more = ceil(pairs.n * (needed / max(logs) - 1)) if not sure and max(logs) < 0 and gained > lost else None
    pays = bool(max(logs) <= log(PAYS) - bits * log(2))
    return Weight(gained, lost, right, int(moved.sum()), sure, more, pays)


def _log_split(new: Integers, old: Integers, images: Integers) -> float:
    """Log of the chance of so many images on the one side, where each falls to either side alike."""
    usual = 2 * np.median(images) if len(images) >= SEVERAL else images.min()
    share = np.minimum(1, usual / images)
    gained, lost = floor((share * new).sum() + 1e-9), ceil((share * old).sum() - 1e-9)
    return float(binom.logsf(gained - 1, gained + lost, 0.5))


def _log_dealt(pairs: Pairs, judged: np.ndarray, target: Integers) -> float:
    """Log of the chance of as many right ones with the answers dealt to the images at random."""
    labels = np.flatnonzero(judged)
    places = target[labels]
    given = np.where((places >= 0) & (places < pairs.size), pairs.answers[np.clip(places, 0, pairs.size - 1)], 0)
    expected = float((pairs.images[labels] * given).sum()) / pairs.n
    hits = int(pairs.hits(target)[labels].sum())
    return float(poisson.logsf(hits - 1, max(expected, 1e-9)))


def _log_votes(new: Integers, old: Integers) -> float:
    """Log of the chance that so many labels are lost to one other class each."""
    won, kept = int((new > old).sum()), int((new < old).sum())
    return float(binom.logsf(won - 1, won + kept, CONFUSED))


def bits_of_labels(count: int, outputs: int) -> float:
    """Price of one output for each of so many labels."""
    return count * log2(max(2, outputs))
