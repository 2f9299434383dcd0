"""Statistics: pure functions of counts. Accuracies over a finite set of images are totals, whole numbers of images.

docs/statistics.md explains the methods on one page; benchmarks/simulate_verdicts.py checks their error rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln
from scipy.stats import binomtest, hypergeom, permutation_test, rankdata

CONFIDENCE = 0.95
# Of the error of `difference_interval`: for how many images differ; the rest is for which way.
DISCORDANCE_SHARE = 0.2
SHUFFLES = 9999  # of `rank_correlation`; every order is looked at where these are fewer: of seven values and less
GRID = 32  # points over which `difference_interval` spreads costly evaluations

Integers = NDArray[np.int64]


class Totals(Protocol):
    """Interval for how many of `population` images are right: (lowest, highest), both included."""

    def __call__(
        self, correct: ArrayLike, n: ArrayLike, population: ArrayLike, confidence: float = CONFIDENCE
    ) -> tuple[Integers, Integers]: ...


# --- a sample whose size was fixed beforehand ----------------------------------------------------


def finite_totals(
    correct: ArrayLike, n: ArrayLike, population: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Integers, Integers]:
    """Exact confidence interval from a simple random sample: `correct` of `n` images drawn from `population`.

    Both tails of the hypergeometric distribution are inverted, each at (1 - confidence) / 2, so the coverage is at
    least `confidence` (Wright 1991, Exact Confidence Bounds when Sampling from Small Finite Universes,
    doi:10.1007/978-1-4612-3140-0). Arguments may be arrays. n = 0 leaves every total. Raises ValueError.
    """
    right, drawn, images = _counts(correct, n, population)
    tail = (1 - confidence) / 2
    # Of equal tails the first total with more than `tail` is kept; a drawn image cannot be undone, hence the ends.
    low = _first(right, images - (drawn - right), lambda t: hypergeom.sf(right - 1, images, t, drawn) > tail)
    past = _first(
        low, images - (drawn - right) + 1,
        lambda t: hypergeom.cdf(right, images, np.minimum(t, images), drawn) <= tail,
    )  # fmt: skip
    return low, np.maximum(low, past - 1)


def finite_p(correct: int, n: int, population: int, lowest: int, highest: int) -> float:
    """Two-sided p-value of "the total lies in lowest..highest"; at most 0.05 exactly where `finite_totals` misses it.

    It is twice the smaller tail at the total that fits best (1 where a total of the range is the measured share).
    """
    if lowest > highest:
        return 0.0
    if lowest * n <= correct * population <= highest * n:
        return 1.0
    if correct * population > highest * n:
        return min(1.0, 2 * float(hypergeom.sf(correct - 1, population, highest, n)))
    return min(1.0, 2 * float(hypergeom.cdf(correct, population, lowest, n)))


# --- a sample that is looked at while it grows ---------------------------------------------------


def log_ratio(total: ArrayLike, correct: ArrayLike, n: ArrayLike, population: int) -> NDArray[np.float64]:
    """Logarithm of prior over posterior of `total` after `correct` of `n` images; infinite for impossible totals.

    With a beta-binomial(1, 1) prior, under which every total is equally likely, the ratio at the true total is a
    martingale with mean 1, so it ever exceeds 1 / a with probability at most a (Waudby-Smith and Ramdas 2020,
    Confidence sequences for sampling without replacement, section 2, arXiv:2006.04347). Prior over posterior is
    the probability of the data under the prior over that under the total: the prior itself cancels.
    """
    k, s, t = (np.asarray(values, np.int64) for values in (total, correct, n))
    rest, left = k - s, population - t
    possible = (rest >= 0) & (rest <= left)
    rest = np.clip(rest, 0, left)
    k = np.clip(k, 0, population)
    logs = _log_factorials(population)
    under_prior = logs[s] + logs[t - s] - logs[t + 1]
    under_total = _log_binomial(population, left, rest) - _log_binomial(population, np.int64(population), k)
    return np.where(possible, under_prior - under_total, np.inf)


def sequence_totals(
    correct: ArrayLike, n: ArrayLike, population: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Integers, Integers]:
    """One look of a confidence sequence: it may be taken after every image, and still all of them hold together
    with probability `confidence` (`log_ratio`). Arguments but `population` may be arrays. n = 0 leaves every total.

    The likelihood has one peak, at correct / n, so the totals that are kept have no gap and ends can be bisected.
    """
    right, drawn, images = _counts(correct, n, population)
    if images.size and images.min() != images.max():
        each = np.vectorize(sequence_totals, otypes=[np.int64, np.int64])
        low, high = each(right, drawn, images, confidence)
        return low, high
    size = int(images.flat[0]) if images.size else 0
    limit = -math.log(1 - confidence)
    peak = np.clip(right * (size + 1) // np.maximum(drawn, 1), right, size - (drawn - right))
    low = _first(right, peak, lambda t: log_ratio(t, right, drawn, size) < limit)
    past = _first(peak, size - (drawn - right) + 1, lambda t: log_ratio(t, right, drawn, size) >= limit)
    return low, past - 1


def running(correct: ArrayLike, n: ArrayLike, population: int) -> tuple[Integers, Integers]:
    """`sequence_totals` of looks along the last axis, each with what earlier ones have excluded already."""
    low, high = sequence_totals(correct, n, population)
    return np.maximum.accumulate(low, axis=-1), np.minimum.accumulate(high, axis=-1)


def sequence_p(correct: ArrayLike, n: ArrayLike, population: int, lowest: int, highest: int) -> float:
    """p-value of "the total lies in lowest..highest" after these looks, valid whenever one stops.

    At most 0.05 exactly where the looks together have excluded the whole range: for each total its largest ratio
    over the looks, then the smallest of these.
    """
    if lowest > highest:
        return 0.0
    totals = np.arange(lowest, highest + 1)[:, None]
    strongest = log_ratio(totals, np.atleast_1d(correct), np.atleast_1d(n), population).max(axis=1)
    return float(np.exp(-max(0.0, float(strongest.min()))))


# --- images like these, without end --------------------------------------------------------------


def share_p(count: int, n: int, share: float, alternative: Literal["less", "greater"]) -> float:
    """Exact binomial p-value of "each of n images has a chance of `share`" against a smaller or a greater one.

    1 where there are no images.
    """
    return float(binomtest(count, n, min(max(share, 0.0), 1.0), alternative).pvalue) if n else 1.0


# --- two runs on the same images -----------------------------------------------------------------


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value of McNemar's test: images that only one of two runs got right.

    McNemar 1947, Note on the sampling error of the difference between correlated proportions, doi:10.1007/BF02295996.
    """
    discordant = only_first + only_second
    return 1.0 if discordant == 0 else float(binomtest(only_first, discordant, 0.5).pvalue)


def mcnemar_anytime(only_first: int, only_second: int) -> float:
    """McNemar's test for images that were looked at until something was decided: valid whenever one stops.

    The chance of these discordant images with a fair coin, over that with a coin of unknown bias (uniform prior);
    Robbins 1970, Statistical methods related to the law of the iterated logarithm, doi:10.1214/aoms/1177696786.
    """
    m = only_first + only_second
    log = float(gammaln(m + 2) - gammaln(only_first + 1) - gammaln(only_second + 1)) - m * math.log(2)
    return min(1.0, math.exp(log))


def difference_interval(
    only_first: int, only_second: int, n: int, population: int | None, totals: Totals = finite_totals
) -> tuple[float, float]:
    """Confidence interval for accuracy of the first minus that of the second run, both on the same n images.

    Fractions. Of the 5 % error one part goes to the number of discordant images among `population`, the rest to how
    many of those only the first gets right, which for every such number is a draw without replacement of its own; the
    two hold together. `population` None: images like these, without end (Clopper and Pearson for both parts).
    """
    discordant, error = only_first + only_second, 1 - CONFIDENCE
    number, direction = 1 - error * DISCORDANCE_SHARE, 1 - error * (1 - DISCORDANCE_SHARE)
    if population is None:
        rates = _binomial(discordant, n, number)
        tilts = [2 * share - 1 for share in _binomial(only_first, discordant, direction)]
        ends = [rate * tilt for rate in rates for tilt in tilts]
        return min(ends), max(ends)
    least, most = (int(end) for end in totals(discordant, n, population, number))
    # One discordant image more moves an end by one image at most, so between grid points half a step is added.
    step = max(1, (most - least) // GRID)
    grid = np.unique(np.append(np.arange(least, most + 1, step), most))
    low, high = totals(only_first, discordant, grid, direction)
    slack = step // 2
    lowest, highest = int((2 * low - grid).min()) - slack, int((2 * high - grid).max()) + slack
    return max(lowest, -most) / population, min(highest, most) / population


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: reject those at most a, and the chance of any false rejection is at most a.

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

    Of up to seven values every order is looked at, so p is exact and of three values never below 1/6; of more
    values `SHUFFLES` of them, always the same (Phipson and Smyth 2010, Permutation p-values should never be zero,
    doi:10.2202/1544-6115.1585). Equal values share their mean rank.
    """
    ranks, others = (rankdata(values) - (len(values) + 1) / 2 for values in (first, second))
    scale = math.sqrt(float(ranks @ ranks) * float(others @ others))
    if scale == 0:
        return None
    found = permutation_test(
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


def _first(start: Integers, stop: Integers, holds: Callable[[Integers], Any]) -> Integers:
    """Smallest k in [start, stop) at which the monotone `holds` is true, else `stop`; element by element."""
    start, stop = np.array(start), np.array(stop)
    while (unsure := start < stop).any():
        middle = (start + stop) // 2
        passed = holds(middle)
        stop = np.where(unsure & passed, middle, stop)
        start = np.where(unsure & ~passed, middle + 1, start)
    return start


@lru_cache(maxsize=8)
def _log_factorials(population: int) -> NDArray[np.float64]:
    """log k! for k = 0 to population + 1."""
    table: NDArray[np.float64] = gammaln(np.arange(population + 2) + 1.0)
    table.setflags(write=False)
    return table


def _log_binomial(population: int, n: Any, k: Any) -> Any:
    table = _log_factorials(population)
    return table[n] - table[k] - table[n - k]


def _binomial(successes: int, n: int, confidence: float) -> tuple[float, float]:
    if n == 0:
        return 0.0, 1.0
    interval = binomtest(successes, n).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)
