"""How many images decide a claim: exact for samples of a fixed size, simulated for images one after the other.

`goal` is what the claim accepts (`zoo.stats.accepted_totals`), `truth` how many of all its images are right.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from zoo.stats.intervals import CONFIDENCE, DIGITS, running
from zoo.stats.paired_planning import rounded_up
from zoo.stats.totals import Accepted

CHANCES = (0.8, 0.95)  # that so many images decide
_REACH = 9  # standard deviations on both sides of the mean that are summed: what lies beyond is below 1e-17
_REPEATS = 200  # simulated evaluations behind `stopping`


def chance_decided(goal: Accepted, truth: int, n: int) -> float:
    """Probability that a random sample of n images, 0 to all, is conclusive when `truth` of all images are right.

    Exact: the counts at which `finite_totals` lies inside, above or below the accepted totals form three
    ranges, whose ends are critical values of the hypergeometric tests of the totals at the edges.
    """
    if goal.outer[0] > goal.outer[1]:
        return 1.0  # no total fulfils the claim, whatever is seen
    tail = (1 - CONFIDENCE) / 2 * (1 + 10.0**-DIGITS)
    # A count above `over[k]` excludes all totals up to k, a count below `under[k]` all from k on.
    sure_low, sure_high = goal.inner[0] - 1, goal.inner[1] + 1
    inside = (_critical(goal, sure_low, n, tail, above=True), _critical(goal, sure_high, n, tail, above=False))
    above = _critical(goal, goal.outer[1], n, tail, above=True)
    below = _critical(goal, goal.outer[0], n, tail, above=False)
    first, chances = _chances(goal.images, truth, n)
    counts = np.arange(first, first + len(chances))
    confirmed = (counts >= inside[0]) & (counts <= inside[1])
    return float(chances[confirmed | (counts >= above) | (counts <= below)].sum())


@lru_cache(maxsize=4096)
def images_needed(goal: Accepted, truth: int, chance: float) -> int | None:
    """How many random images decide with probability `chance` (0 to 1) if `truth` of all are right, to three digits.

    None where even all of them leave it open (a claim about part of the population). The probability climbs in saw
    teeth; the number found is one from which rounding up does not fall below `chance` again.

    >>> goal = Accepted(50_000, inner=(35_825, 35_974), outer=(35_825, 35_974))  # 71.8 % +- 0.1 points
    >>> images_needed(goal, 35_900, 0.8), images_needed(goal, 35_400, 0.8)
    (47500, 15600)
    """
    if not goal.decidable(truth):
        return None
    fewer = bisect_left(range(1, goal.images), chance, key=lambda n: chance_decided(goal, truth, n))
    n = rounded_up(fewer + 1, goal.images)
    while n < goal.images and chance_decided(goal, truth, n) < chance:
        n = rounded_up(n + 1, goal.images)
    return n


@lru_cache(maxsize=256)
def stopping(goal: Accepted, truth: int, look_every: int, shares: tuple[float, ...] = (0.5, 0.95)) -> list[int]:
    """Images after which these shares (0 to 1) of early-stopping evaluations are decided, if `truth` of all are right.

    Simulated (200 evaluations, always the same), with a look after every `look_every` images at `running`'s interval.
    """
    decided = decided_at(goal, *grown(goal.images, truth, look_every, _REPEATS, seed=0))
    return [int(each) for each in np.quantile(decided, shares, method="inverted_cdf")]


def grown(
    images: int, truth: int, look_every: int, repeats: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Simulated evaluations in random order: right images (repeats, looks) and images seen (looks,), int64.

    images: of which `truth` are right; look_every: images between two looks, 1 or more. The same seed gives the same.

    >>> right, looks = grown(images=1000, truth=300, look_every=400, repeats=2, seed=0)
    >>> looks.tolist(), right[:, -1].tolist()
    ([400, 800, 1000], [300, 300])
    """
    random = np.random.default_rng(seed)
    looks = np.append(np.arange(look_every, images, look_every), images)
    right = np.zeros((repeats, len(looks)), np.int64)
    left = np.full(repeats, truth, np.int64)
    seen = 0
    for number, look in enumerate(looks):
        left -= random.hypergeometric(left, images - seen - left, look - seen)
        right[:, number] = truth - left
        seen = int(look)
    return right, looks


def decided_at(goal: Accepted, right: NDArray[np.int64], looks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Images at the first look that decides: int64 (repeats,); all images where none does.

    right (repeats, looks), looks (looks,): as `grown` gives them.
    """
    low, high = running(right, np.broadcast_to(looks, right.shape), goal.images, goal.prior)
    settled = refuted(goal, low, high) | ((low >= goal.inner[0]) & (high <= goal.inner[1]))
    return np.where(settled.any(axis=-1), looks[settled.argmax(axis=-1)], goal.images)


def refuted(goal: Accepted, low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which intervals of totals, low to high, hold none that the claim leaves possible: bool, of their shape."""
    return (high < goal.outer[0]) | (low > goal.outer[1]) | (goal.outer[0] > goal.outer[1])


def _chances(images: int, total: int, n: int) -> tuple[int, NDArray[np.float64]]:
    """Hypergeometric probabilities of counts from the returned one on, as far as they matter.

    Not `scipy.stats.hypergeom.pmf`: it gives the same to 1e-9, but a plan would take minutes in place of seconds.
    """
    mean = n * total / images
    spread = math.sqrt(max(mean * (1 - total / images) * (images - n) / max(images - 1, 1), 0))
    reach = _REACH * spread + 2 * _REACH
    first = max(0, n - (images - total), math.floor(mean - reach))
    last = min(n, total, math.ceil(mean + reach))
    k = np.arange(first, last + 1)
    logs = _log_choose(total, k) + _log_choose(images - total, n - k) - _log_choose(images, np.array(n))
    return first, np.exp(logs)


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (
        scipy.special.gammaln(n + 1.0) - scipy.special.gammaln(k + 1.0) - scipy.special.gammaln(n - k + 1.0)
    )
    return result


def _critical(goal: Accepted, total: int, n: int, tail: float, *, above: bool) -> float:
    """above: the smallest count that excludes `total` and fewer; else the largest that excludes `total` and more.

    A total outside of 0..images is excluded by every count.
    """
    if not 0 <= total <= goal.images:
        excluded = total < 0 if above else total > goal.images
        return (-math.inf if above else math.inf) if excluded else (math.inf if above else -math.inf)
    first, chances = _chances(goal.images, total, n)
    if above:
        tails = np.cumsum(chances[::-1])[::-1]  # P(count >= k)
        return float(first + (tails > tail).sum())
    return float(first - 1 + (np.cumsum(chances) <= tail).sum())
