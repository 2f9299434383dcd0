"""Intervals and tests of how many images of a finite set are right; such an accuracy is a total, a whole number.

`correct` of `n` images are right, which were drawn from `population` images without replacement: whole numbers, or
arrays of any shapes that broadcast, with 0 <= correct <= n <= population. Totals are int64 of the broadcast shape;
p-values and `confidence` are fractions. Counts that cannot be raise ValueError.

docs/statistics.md explains the methods on one page; benchmarks/simulate_verdicts.py checks their error rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from zoo.stats.priors import FLAT, Prior

CONFIDENCE = 0.95
DIGITS = 9  # of a probability that are sure: two ways to compute one number differ in the last of a float's 16
SHUFFLES = 9999  # of `rank_correlation`; every order is looked at where these are fewer: of seven values and less

Integers = NDArray[np.int64]


class Totals(Protocol):
    """An interval for how many of `population` images are right: (lowest, highest), both included, int64 each."""

    def __call__(
        self, correct: ArrayLike, n: ArrayLike, population: ArrayLike, confidence: float = CONFIDENCE
    ) -> tuple[Integers, Integers]: ...


# --- a sample whose size was fixed beforehand ----------------------------------------------------


def finite_totals(
    correct: ArrayLike, n: ArrayLike, population: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Integers, Integers]:
    """Exact confidence interval for the total, from a random sample whose size was fixed beforehand: (lowest, highest).

    Both tails of the hypergeometric distribution are inverted, each at (1 - confidence) / 2, so the coverage is at
    least `confidence` (Wright 1991, Exact Confidence Bounds when Sampling from Small Finite Universes,
    doi:10.1007/978-1-4612-3140-0). n = 0 leaves every total; n = population leaves one.

    >>> [int(total) for total in finite_totals(718, 1000, 50_000)]
    [34465, 37272]
    """
    right, drawn, images = _counts(correct, n, population)
    tail = (1 - confidence) / 2 * (1 + 10.0**-DIGITS)
    # Of equal tails the first total with more than `tail` is kept; a drawn image cannot be undone, hence the ends.
    low = first_where(
        right, images - (drawn - right), lambda t: scipy.stats.hypergeom.sf(right - 1, images, t, drawn) > tail
    )
    past = first_where(
        low, images - (drawn - right) + 1,
        lambda t: scipy.stats.hypergeom.cdf(right, images, np.minimum(t, images), drawn) <= tail,
    )  # fmt: skip
    return low, np.maximum(low, past - 1)


def finite_p(correct: int, n: int, population: int, lowest: int, highest: int) -> float:
    """Two-sided p-value of "the total lies in lowest..highest"; at most 0.05 exactly where `finite_totals` misses it.

    It is twice the smaller tail of the hypergeometric distribution at the total that fits best: 1 where a total of the
    range is the measured share, 0 where the range is empty (lowest > highest).
    """
    _counts(correct, n, population)
    if lowest > highest:
        return 0.0
    if lowest * n <= correct * population <= highest * n:
        return 1.0
    if correct * population > highest * n:
        tail = float(scipy.stats.hypergeom.sf(correct - 1, population, highest, n))
    else:
        tail = float(scipy.stats.hypergeom.cdf(correct, population, lowest, n))
    return min(1.0, float(f"{2 * tail:.{DIGITS}g}"))


# --- a sample that is looked at while it grows ---------------------------------------------------


def log_ratio(
    total: ArrayLike, correct: ArrayLike, n: ArrayLike, population: ArrayLike, prior: Prior = FLAT
) -> NDArray[np.float64]:
    """Logarithm of prior over posterior of `total` after `correct` of `n` images: float64; infinite where impossible.

    With any prior that is fixed before the first image, the ratio at the true total is a martingale with mean 1, so it
    ever exceeds 1 / a with probability at most a (Waudby-Smith and Ramdas 2020, Confidence sequences for sampling
    without replacement, section 2, arXiv:2006.04347). Prior over posterior is the probability of the data under the
    prior over that under the total.
    """
    k, s, t, images = (np.asarray(values, np.int64) for values in (total, correct, n, population))
    rest, left = k - s, images - t
    possible = (rest >= 0) & (rest <= left)
    rest = np.clip(rest, 0, left)
    k = np.clip(k, 0, images)
    logs = log_factorials(int(images.max(initial=0)))
    under_prior = prior.log_marginal(s, t)
    under_total = (logs[left] - logs[rest] - logs[left - rest]) - (logs[images] - logs[k] - logs[images - k])
    return np.where(possible, under_prior - under_total, np.inf)


def sequence_totals(
    correct: ArrayLike, n: ArrayLike, population: ArrayLike, confidence: float = CONFIDENCE, prior: Prior = FLAT
) -> tuple[Integers, Integers]:
    """One look of a confidence sequence for the total, from images in random order: (lowest, highest).

    It may be taken after every image, and still all of them hold together with a probability of `confidence` at least
    (`log_ratio`, by Ville's inequality), whatever the prior is; a prior that expects the truth makes it narrower, and
    it has to be chosen before the first image. n = 0 leaves every total. The likelihood has one peak, at correct / n,
    so the totals that are kept have no gap and ends can be bisected.

    >>> [int(total) for total in sequence_totals(718, 1000, 50_000)]
    [33309, 38310]
    """
    right, drawn, images = _counts(correct, n, population)
    limit = -math.log(1 - confidence) - 10.0**-DIGITS  # a ratio that is just the limit is excluded
    peak = np.clip(right * (images + 1) // np.maximum(drawn, 1), right, images - (drawn - right))
    low = first_where(right, peak, lambda t: log_ratio(t, right, drawn, images, prior) < limit)
    past = first_where(peak, images - (drawn - right) + 1, lambda t: log_ratio(t, right, drawn, images, prior) >= limit)
    return low, past - 1


def running(correct: ArrayLike, n: ArrayLike, population: int, prior: Prior = FLAT) -> tuple[Integers, Integers]:
    """`sequence_totals` of looks along the last axis, each with what earlier ones have excluded already.

    correct, n: (..., looks), each look of at least as many images as the one before. Where low > high, looks contradict
    each other: images did not come in random order, or it is one of the few sequences that miss.
    """
    low, high = sequence_totals(correct, n, population, prior=prior)
    return np.maximum.accumulate(low, axis=-1), np.minimum.accumulate(high, axis=-1)


def sequence_p(
    correct: ArrayLike, n: ArrayLike, population: int, lowest: int, highest: int, prior: Prior = FLAT
) -> float:
    """p-value of "the total lies in lowest..highest" after these looks, valid whenever one stops.

    correct, n: of each look, (looks,). p is at most 0.05 exactly where the looks together have excluded the whole
    range: for each total its largest ratio over the looks (`log_ratio`), then the smallest of these. 0 where the range
    is empty.
    """
    if lowest > highest:
        return 0.0
    totals = np.arange(lowest, highest + 1)[:, None]
    strongest = log_ratio(totals, np.atleast_1d(correct), np.atleast_1d(n), population, prior).max(axis=1)
    return float(f"{math.exp(-max(0.0, float(strongest.min()))):.{DIGITS}g}")


# --- images like these, without end --------------------------------------------------------------


def share_p(count: int, n: int, share: float, alternative: Literal["less", "greater"]) -> float:
    """Exact binomial p-value of "each of n images has a chance of `share`" against a smaller or a greater one.

    `count` of them came out so. share: fraction; what lies beyond 0 or 1 is taken as these. p is 1 of no images.
    """
    return float(scipy.stats.binomtest(count, n, min(max(share, 0.0), 1.0), alternative).pvalue) if n else 1.0


# --- many tests ----------------------------------------------------------------------------------


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given: reject those at most a, and any false rejection has a chance of at most a.

    Holm 1979, A simple sequentially rejective multiple test procedure, https://www.jstor.org/stable/4615733.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1)
    return [float(value) for value in adjusted]


# --- two orders of the same things ---------------------------------------------------------------


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> tuple[float, float] | None:
    """(Spearman's rho, p): p is the chance of a rho as high if the second order were shuffled; None without an order.

    first, second: values of the same things, equally many. Without an order means that one side has equal values only.
    Of up to seven values every order is looked at, so p is exact and of three values never below 1/6; of more
    values `SHUFFLES` of them, always the same (Phipson and Smyth 2010, Permutation p-values should never be zero,
    doi:10.2202/1544-6115.1585). Equal values share their mean rank.
    """
    ranks, others = (scipy.stats.rankdata(values) - (len(values) + 1) / 2 for values in (first, second))
    scale = math.sqrt(float(ranks @ ranks) * float(others @ others))
    if scale == 0:
        return None
    found = scipy.stats.permutation_test(
        (others,),
        lambda order, axis: np.sum(order * ranks, axis=axis) / scale,
        permutation_type="pairings", alternative="greater", n_resamples=SHUFFLES, vectorized=True, axis=-1,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    return float(found.statistic), float(found.pvalue)


# --- parts ---------------------------------------------------------------------------------------


def _counts(*values: ArrayLike) -> tuple[Integers, Integers, Integers]:
    right, drawn, images = np.broadcast_arrays(*(np.asarray(each, np.int64) for each in values))
    if not ((right >= 0) & (right <= drawn) & (drawn <= images)).all():
        raise ValueError(f"expected 0 <= correct <= n <= population, got {', '.join(str(each) for each in values)}")
    return right, drawn, images


def first_where(start: Integers, stop: Integers, holds: Callable[[Integers], Any]) -> Integers:
    """Smallest k in [start, stop) at which the monotone `holds` is true, else `stop`; element by element."""
    start, stop = np.array(start), np.array(stop)
    while (unsure := start < stop).any():
        middle = (start + stop) // 2
        passed = holds(middle)
        stop = np.where(unsure & passed, middle, stop)
        start = np.where(unsure & ~passed, middle + 1, start)
    return start


def log_factorials(most: int) -> NDArray[np.float64]:
    """log k! for k = 0 to `most` + 1 and more: table[k], float64."""
    return _log_factorials((most + 1).bit_length())


@lru_cache(maxsize=32)
def _log_factorials(bits: int) -> NDArray[np.float64]:
    table: NDArray[np.float64] = scipy.special.gammaln(np.arange(2**bits) + 1.0)
    table.setflags(write=False)
    return table
