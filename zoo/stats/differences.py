"""Two runs on the same images: is one right more often than the other, and by how much?

Only discordant images tell two runs apart: those that one run got right and the other wrong. All functions take their
counts, whole numbers: `only_first` images that only the first run got right, `only_second` that only the second did, of
`n` images. `population` is how many images the n were drawn from without replacement; None stands for images like
these, without end. Differences and margins are fractions: 0.001 is a tenth of a percentage point. Counts that cannot be
(negative, or more than n or the population) raise ValueError.

docs/statistics.md explains the methods; benchmarks/paired_intervals.py measures widths, coverage and times.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from zoo.stats.intervals import CONFIDENCE, finite_totals, first_where, log_factorials, log_ratio, sequence_totals

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

# Chance that the true number of discordant images is not among those that a fixed sample's interval reckons with.
BEYOND = 1e-4
# Of the error of an interval that may be looked at again and again: for how many images differ; the rest is for which
# way. With 0.5 the interval of 1,000 images is 8 % narrower if none differs, and 2 % wider if 100 do
# (benchmarks/paired_intervals.py).
DISCORDANCE_SHARE = 0.2
GRID = 12  # steps between numbers of discordant images that are tried first, then around the decisive one
FINE_GRID = 2048  # the same for `difference_sequence`, which is bounded between them
LATTICE = 64  # parts of an image to which an interval without a population is computed
_Z = NormalDist().inv_cdf(0.975)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value of "each discordant image is as likely for the first as for the second run"; 1 of none.

    McNemar 1947, Note on the sampling error of the difference between correlated proportions or percentages,
    doi:10.1007/BF02295996; by the binomial distribution, without his approximation.

    >>> round(mcnemar(30, 10), 5)
    0.00222
    """
    _check(only_first, only_second, only_first + only_second, None)
    discordant = only_first + only_second
    return 1.0 if discordant == 0 else float(scipy.stats.binomtest(only_first, discordant, 0.5).pvalue)


@lru_cache(maxsize=4096)
def difference_interval(
    only_first: int, only_second: int, n: int, population: int | None, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Confidence interval for the accuracy of the first minus that of the second run: (lowest, highest), fractions.

    For a number of images that was fixed beforehand. It is exact: it misses the true difference with a probability of
    at most 1 - confidence, whatever the accuracies. A difference is possible if, for some number of discordant images
    that can be true, results at least as far on its other side as ours have a probability above half of that. Results
    are ordered by their lower (or upper) approximate limit (Agresti and Min 2005, Simple improved confidence intervals
    for comparing matched proportions, doi:10.1002/sim.1781). Numbers that can be true are those of an interval that
    misses with the chance `BEYOND`, which is taken off the error (Berger and Boos 1994, P values maximized over a
    confidence set for the nuisance parameter, doi:10.1080/01621459.1994.10476836).

    confidence: between 0 and 1 - `BEYOND`. Of the whole population both ends are the difference itself.

    >>> [round(100 * end, 2) for end in difference_interval(30, 10, 1000, 50_000)]
    [0.78, 3.35]
    """
    _check(only_first, only_second, n, population)
    error = (1 - confidence - BEYOND) / 2
    low = _lowest(_Problem.of(only_first, only_second, n, population), error)
    high = -_lowest(_Problem.of(only_second, only_first, n, population), error)
    return low, high + 0.0  # no -0.0


@lru_cache(maxsize=4096)
def difference_p(only_first: int, only_second: int, n: int, population: int | None, margin: float = 0.0) -> float:
    """p-value of "the two accuracies differ by `margin` at most", for a number of images that was fixed beforehand.

    margin: fraction, 0 or more. p is at most 0.05 exactly where `difference_interval` lies outside of -margin to
    margin: it is twice the largest tail under any total that this leaves possible (Berger and Boos 1994, see there). It
    is never below `BEYOND`.

    >>> round(difference_p(30, 10, 1000, 50_000), 4), difference_p(30, 10, 1000, 50_000, margin=0.01) > 0.05
    (0.0037, True)
    """
    _check(only_first, only_second, n, population)
    if only_first == only_second:
        return 1.0
    problem = _Problem.of(max(only_first, only_second), min(only_first, only_second), n, population)
    allowed = math.floor(margin * problem.images + 1e-9)
    least, most = problem.discordant()

    def tails(number: Integers, *_: float) -> Floats:
        return -problem.tails(np.clip((number + allowed) // 2, 0, number), number)

    return min(1.0, BEYOND - 2 * _least(least, most, tails))


def difference_sequence(
    only_first: int, only_second: int, n: int, population: int, confidence: float = CONFIDENCE,
    discordance_share: float = DISCORDANCE_SHARE,
) -> tuple[float, float]:  # fmt: skip
    """`difference_interval` for images that are looked at in random order until something is decided.

    It may be computed after every image: all of these intervals together miss with a probability of at most
    1 - confidence, so one may stop whenever one likes. One part of the error (`discordance_share`, between 0 and 1 and
    chosen beforehand) goes to the number of discordant images among `population`; the rest goes to how many of those
    only the first gets right, which for every such number is a draw without replacement of its own. Both are
    confidence sequences (`sequence_totals`), and the two hold together.

    >>> [round(100 * end, 2) for end in difference_sequence(30, 10, 1000, 50_000)]
    [0.04, 5.92]
    """
    _check(only_first, only_second, n, population)
    discordant, error = only_first + only_second, 1 - confidence
    least, most = (int(end) for end in sequence_totals(discordant, n, population, 1 - error * discordance_share))
    # One discordant image more moves an end by one image at most, so between grid points half a step is added.
    step = max(1, (most - least) // FINE_GRID)
    grid = np.unique(np.append(np.arange(least, most + 1, step), most))
    low, high = sequence_totals(only_first, discordant, grid, 1 - error * (1 - discordance_share))
    slack = step // 2
    lowest, highest = int((2 * low - grid).min()) - slack, int((2 * high - grid).max()) + slack
    return max(lowest, -most) / population, min(highest, most) / population


def difference_sequence_p(only_first: int, only_second: int, n: int, population: int, margin: float = 0.0) -> float:
    """p-value of "the two accuracies differ by `margin` at most", valid whenever one stops.

    margin: fraction, 0 or more. p is at most 0.05 exactly where `difference_sequence` lies outside of -margin to
    margin.
    """
    _check(only_first, only_second, n, population)
    more, discordant = max(only_first, only_second), only_first + only_second
    allowed = math.floor(margin * population + 1e-9)
    number = np.arange(discordant, population - (n - discordant) + 1)
    # Of the totals with at most that difference, the one nearest to what was seen.
    for_more = np.clip((number + allowed) // 2, more, number - (discordant - more))
    nearer = np.abs(2 * for_more - number) <= allowed
    direction = np.where(nearer, log_ratio(for_more, more, discordant, number), np.inf)
    peak = number * more <= for_more * discordant  # the share that was seen is itself allowed
    direction = np.where(nearer & peak, -np.inf, direction)
    amount = log_ratio(number, discordant, n, population)
    logs = np.minimum(-math.log(DISCORDANCE_SHARE) - amount, -math.log(1 - DISCORDANCE_SHARE) - direction)
    return float(np.exp(min(0.0, float(logs.max()))))


# --- parts ---------------------------------------------------------------------------------------


class _Draw(Protocol):
    """How n images come from `images` of which `number` are discordant, `first` of them for the first run."""

    @property
    def images(self) -> int: ...

    def amount(self, discordant: Integers, n: int, number: Integers) -> Floats:
        """Probability of that many discordant images in the sample."""
        ...

    def direction(self, right: Integers, discordant: Integers, first: Integers, number: Integers) -> Floats:
        """Probability that `right` of the discordant images in the sample are for the first run."""
        ...

    def next(self, right: Integers, discordant: Integers, first: Integers, number: Integers) -> Floats:
        """Probability that one discordant image more is for the first run."""
        ...


@dataclass(frozen=True)
class _WithoutReplacement:
    """Hypergeometric: from a population of so many images."""

    images: int

    def amount(self, discordant: Integers, n: int, number: Integers) -> Floats:
        logs = log_factorials(self.images)
        return np.exp(
            _log_choose(logs, number, discordant) + _log_choose(logs, self.images - number, n - discordant)
            - _log_choose(logs, np.int64(self.images), np.int64(n))
        )  # fmt: skip

    def direction(self, right: Integers, discordant: Integers, first: Integers, number: Integers) -> Floats:
        logs = log_factorials(self.images)
        return np.exp(
            _log_choose(logs, first, right) + _log_choose(logs, number - first, discordant - right)
            - _log_choose(logs, number, np.minimum(discordant, number))
        )  # fmt: skip

    def next(self, right: Integers, discordant: Integers, first: Integers, number: Integers) -> Floats:
        share: Floats = np.clip((first - right) / np.maximum(number - discordant, 1), 0, 1)
        return share


@dataclass(frozen=True)
class _WithoutEnd:
    """Binomial: shares are so many of `images`, which is a fine lattice and no number of real images."""

    images: int

    def amount(self, discordant: Integers, n: int, number: Integers) -> Floats:
        return _binomial(discordant, np.int64(n), number / self.images)

    def direction(self, right: Integers, discordant: Integers, first: Integers, number: Integers) -> Floats:
        return _binomial(right, discordant, first / np.maximum(number, 1))

    def next(self, right: Integers, discordant: Integers, first: Integers, number: Integers) -> Floats:
        return np.broadcast_to(first / np.maximum(number, 1), np.broadcast_shapes(right.shape, number.shape))


@dataclass(frozen=True)
class _Problem:
    """How likely results are that speak for the first run at least as strongly as those that were seen."""

    only_first: int
    only_second: int
    n: int
    draw: _Draw

    @classmethod
    def of(cls, only_first: int, only_second: int, n: int, population: int | None) -> _Problem:
        draw: _Draw = _WithoutEnd(LATTICE * max(n, 64)) if population is None else _WithoutReplacement(population)
        return cls(only_first, only_second, n, draw)

    @property
    def images(self) -> int:
        """The unit in which differences are counted."""
        return self.draw.images

    def discordant(self) -> tuple[int, int]:
        """Fewest and most discordant images that can be true."""
        seen = self.only_first + self.only_second
        if isinstance(self.draw, _WithoutReplacement):
            low, high = finite_totals(seen, self.n, self.images, 1 - BEYOND)
            return int(low), int(high)
        if self.n == 0:
            return 0, self.images
        share = scipy.stats.binomtest(seen, self.n).proportion_ci(1 - BEYOND, method="exact")
        return math.floor(share.low * self.images), math.ceil(share.high * self.images)

    def tails(self, first: Integers, number: Integers) -> Floats:
        """Probability of such results for each pair of totals."""
        first, number = first[:, None], number[:, None]
        seen = self._likely(int(number.min()), int(number.max()))
        least = self._least(seen)
        right = np.arange(int(least[0]), int(seen[0]) + 1)
        start = self.draw.direction(right, seen[:1], first, number).sum(axis=1, keepdims=True)
        # From one number of discordant images in the sample to the next, the tail changes by one summand.
        now, jumps = seen[:-1], np.diff(least) > 0
        edge = np.where(jumps, least[:-1], least[:-1] - 1)
        towards = self.draw.next(edge, now, first, number)
        changes = self.draw.direction(edge, now, first, number) * np.where(jumps, towards - 1, towards)
        tails = np.concatenate([start, start + np.cumsum(changes, axis=1)], axis=1)
        found: Floats = (self.draw.amount(seen, self.n, number) * np.clip(tails, 0, 1)).sum(axis=1)
        return found

    def _likely(self, least: int, most: int) -> Integers:
        """Numbers of discordant images in the sample, but for those that are rarer than 1e-12."""
        ends = [self.n * number / self.images for number in (least, most)]
        low, high = (mean + sign * (8 * math.sqrt(mean) + 12) for mean, sign in zip(ends, (-1, 1), strict=True))
        return np.arange(max(0, math.floor(low)), min(self.n, math.ceil(high)) + 1)

    def _least(self, seen: Integers) -> Integers:
        """For each number of discordant images in the sample, how many must be for the first run; one more if none do.

        The approximate limit x - z sqrt(d + 1 - x^2 / (n + 2)), with x the difference and d its discordant images,
        must be at least that of the sample; solved for x, this is a quadratic equation.
        """
        finite = isinstance(self.draw, _WithoutReplacement)
        left = (self.images - self.n) / max(self.images - 1, 1) if finite else 1.0
        squared, size = _Z**2 * left, self.n + 2
        x, d = self.only_first - self.only_second, self.only_first + self.only_second
        # Where nearly all images are discordant and for the second run, the limit rises again: the least counts.
        least = max(float(x), -size * math.sqrt((d + 1) / (size + squared)))
        limit = least - math.sqrt(squared * (d + 1 - least**2 / size))
        curve = 1 + squared / size
        root = squared * (curve * (seen + 1) - limit**2 / size)
        difference = (limit + np.sqrt(np.maximum(root, 0))) / curve
        difference = np.where(root <= 1e-9, -math.inf if limit < 0 else math.inf, difference)
        needed = np.ceil((np.clip(difference, -seen, seen + 2) + seen) / 2 - 1e-9).astype(np.int64)
        # More results than need be are no harm. `tails` needs steps of 0 and 1.
        return np.minimum.accumulate(np.clip(needed, 0, seen + 1) - seen) + seen


def _lowest(problem: _Problem, error: float) -> float:
    """The least difference that is possible."""
    finite = isinstance(problem.draw, _WithoutReplacement)
    first, second = (problem.only_first, problem.only_second) if finite else (0, 0)  # images that are known to be there

    def least(number: Integers, best: float, step: int) -> Integers:
        stop = number - second
        start = np.full(number.shape, first)
        if best < math.inf:  # only what is less still matters, and one discordant image more changes it by one at most
            stop = np.maximum(np.minimum(stop, -((-int(best) - number) // 2)), start)
            start = np.maximum(start, stop - step)
        return 2 * first_where(start, stop, lambda each: problem.tails(each, number) > error) - number

    fewest, most = problem.discordant()
    lowest = int(_least(fewest, most, least))
    if not finite or most - fewest > GRID:  # what lies between the points of a lattice or grid
        lowest = max(lowest - 1, -problem.images)
    return lowest / problem.images


def _least(start: int, stop: int, values: Callable[[Integers, float, int], NDArray[np.generic]]) -> float:
    """The smallest value from start to stop: of a grid, then of finer ones around the smallest of the one before.

    values: of a grid, its smallest one so far, its step. They are those of a smooth function whose bends are wider than
    a step of the first grid.
    """
    best = math.inf
    while True:
        step = -(-(stop - start) // GRID) or 1
        grid = np.append(np.arange(start, stop, step), stop)
        found = values(grid, best, step)
        at = int(found.argmin())
        best = min(best, float(found[at]))
        if step == 1:
            return best
        start, stop = int(grid[max(at - 1, 0)]), int(grid[min(at + 1, len(grid) - 1)])


def _log_choose(logs: Floats, n: Integers | np.int64, k: Integers | np.int64) -> Floats:
    """Minus infinity where k of n cannot be chosen."""
    possible = (k >= 0) & (k <= n)
    n, k = np.maximum(n, 0), np.where(possible, k, 0)
    found: Floats = np.where(possible, logs[n] - logs[k] - logs[n - k], -np.inf)
    return found


def _binomial(k: Integers, n: Integers | np.int64, share: Floats) -> Floats:
    possible = (k >= 0) & (k <= n)
    k = np.where(possible, k, 0)
    logs = log_factorials(int(np.max(n, initial=0)))
    found: Floats = np.where(possible, np.exp(
        logs[n] - logs[k] - logs[n - k] + scipy.special.xlogy(k, share) + scipy.special.xlog1py(n - k, -share)
    ), 0.0)  # fmt: skip
    return found


def _check(only_first: int, only_second: int, n: int, population: int | None) -> None:
    if min(only_first, only_second) < 0 or only_first + only_second > n or (population is not None and n > population):
        raise ValueError(
            "expected only_first and only_second of at least 0, together at most n, and n at most population, got "
            f"{only_first}, {only_second}, {n} and {population}"
        )
