"""How wide are intervals for the difference between two runs on the same images, and do they hold what they promise?

    python benchmarks/paired_intervals.py [--out FILE]

Writes the tables of docs/statistics.md and docs/statistics-library.md on two runs. The intervals of `zoo.stats` are
compared with what is computed elsewhere, from scipy's intervals for one share:

- two ranges: Clopper and Pearson's exact range for the share of images that differ (99 %), and one for the share of
  these that only the first run gets right (96 %); the ends are those of all their products.
- direction alone: only the second of these ranges (95 %), as if the measured share of images that differ were the true
  one. It belongs to McNemar's exact test.
- Newcombe: the hybrid score interval with a correction for continuity, method 10 of Newcombe 1998, Improved confidence
  intervals for the difference between binomial proportions based on paired data,
  doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C.

Coverage is computed over all results, not simulated. Nothing is random.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, multinomial, multivariate_hypergeom

from zoo import stats
from zoo.report.markdown.marks import table
from zoo.stats.differences import DISCORDANCE_SHARE

COUNTS = ((0, 0), (3, 1), (20, 10), (80, 60))
N, POPULATION = 1000, 50_000
RIGHT = 0.72  # of the images on which both runs agree
SMALL, SMALL_POPULATION = 30, 60  # where all results are looked at
DIFFER = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)  # true shares of images that differ
TILTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)  # how many more of these are for the first run
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
REPEATS = 5  # calls that are timed
STOPPED = ((0, 0), (5, 2), (20, 10), (60, 40))

Interval = tuple[float, float]
Result = tuple[int, int, int]  # images that only the first, only the second, and both got right
Method = Callable[[Result, int], Interval]


# --- intervals without a population --------------------------------------------------------------


def exact(result: Result, n: int) -> Interval:
    """The suite's own."""
    return stats.difference_interval(*result[:2], n, None)


def two_ranges(result: Result, n: int) -> Interval:
    """Both ranges hold at the same time, so the error is that of both together."""
    seen = result[0] + result[1]
    low, high = clopper_pearson(result[0], seen, 0.96)
    ends = clopper_pearson(seen, n, 0.99)
    return min(share * (2 * low - 1) for share in ends), max(share * (2 * high - 1) for share in ends)


def two_finite_ranges(only_first: int, only_second: int, n: int, population: int) -> Interval:
    """`two_ranges` for a sample of a population, of exact ranges for a sample without replacement."""
    seen = only_first + only_second
    least, most = (int(end) for end in stats.finite_totals(seen, n, population, 0.99))
    number = np.arange(least, most + 1)
    low, high = stats.finite_totals(only_first, seen, number, 0.96)
    return float((2 * low - number).min()) / population, float((2 * high - number).max()) / population


def direction_alone(result: Result, n: int) -> Interval:
    """Given how many images differ."""
    seen = result[0] + result[1]
    low, high = clopper_pearson(result[0], seen, 0.95)
    return seen / n * (2 * low - 1), seen / n * (2 * high - 1)


def newcombe(result: Result, n: int) -> Interval:
    """Wilson's intervals of both accuracies, put together with the correlation of the two runs."""
    only_first, only_second, both = result
    neither = n - sum(result)
    right = both + only_first, both + only_second
    first, second = (each / n for each in right)
    (low, high), (other_low, other_high) = (wilson(each, n) for each in right)
    cross = both * neither - only_first * only_second
    excess = max(cross - n / 2, 0.0) if cross > 0 else cross
    scale = math.sqrt(math.prod((*right, n - right[0], n - right[1])))
    phi = excess / scale if scale else 0.0

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0))

    difference = first - second
    below, above = reach(first - low, other_high - second), reach(high - first, second - other_low)
    return difference - below, difference + above


@cache
def clopper_pearson(count: int, n: int, confidence: float) -> Interval:
    """Exact interval of a share; everything where there is nothing."""
    if n == 0:
        return 0.0, 1.0
    found = binomtest(count, n).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


@cache
def wilson(count: int, n: int) -> Interval:
    """Wilson's 95 % interval of a share."""
    found = binomtest(count, n).proportion_ci(stats.CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


METHODS: dict[str, Method] = {
    "zoo.stats": exact, "two ranges": two_ranges, "Newcombe": newcombe, "direction alone": direction_alone,
}  # fmt: skip


# --- coverage, over all results ------------------------------------------------------------------


def coverage(method: Method, n: int) -> NDArray[np.float64]:
    """How often intervals hold the truth, for each of DIFFER (rows) and TILTS (columns)."""
    results = [
        (first, second, both)
        for first in range(n + 1)
        for second in range(n + 1 - first)
        for both in range(n + 1 - first - second)
    ]
    cells = np.array([(*each, n - sum(each)) for each in results])
    low, high = np.array([method(each, n) for each in results]).T
    found = np.empty((len(DIFFER), len(TILTS)))
    for at, (share, tilt) in zip(np.ndindex(found.shape), product(DIFFER, TILTS), strict=True):
        first, second = share * (1 + tilt) / 2, share * (1 - tilt) / 2
        law = multinomial(n, [first, second, (1 - share) * RIGHT, (1 - share) * (1 - RIGHT)])
        chances = np.asarray(law.pmf(cells))
        truth = first - second
        found[at] = chances[(low - 1e-12 <= truth) & (truth <= high + 1e-12)].sum()
    return found


def finite_coverage(n: int, population: int) -> NDArray[np.float64]:
    """The same of the suite's interval for a sample of a population, for totals of each run in steps of three."""
    results = [(first, second) for first in range(n + 1) for second in range(n + 1 - first)]
    cells = np.array([(*each, n - sum(each)) for each in results])
    low, high = np.array([stats.difference_interval(*each, n, population) for each in results]).T
    found = []
    for first, second in product(range(0, population + 1, 3), repeat=2):
        if first + second <= population:
            law = multivariate_hypergeom([first, second, population - first - second], n)
            chances = np.asarray(law.pmf(cells))
            truth = (first - second) / population
            found.append(float(chances[(low - 1e-12 <= truth) & (truth <= high + 1e-12)].sum()))
    return np.array(found)


# --- tables --------------------------------------------------------------------------------------


def points(interval: Interval) -> str:
    """Both ends in percentage points."""
    low, high = (round(100 * end, 2) + 0.0 for end in interval)  # no -0.00
    return f"{low:.2f} to {high:.2f}"


def percent(share: float) -> str:
    """A fraction as percent."""
    return f"{100 * share:.1f} %"


def rows_of(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A Markdown table; all but the first column are numbers."""
    return table(heads, rows, right=heads[1:])


def finite_widths() -> str:
    """Of 1,000 images of 50,000, in points: the suite's own, and that of two ranges."""

    def rows() -> Iterator[Sequence[str]]:
        for first, second in COUNTS:
            own, other = (make(first, second, N, POPULATION) for make in (stats.difference_interval, two_finite_ranges))
            narrower = 1 - (own[1] - own[0]) / (other[1] - other[0])
            difference = f"{100 * (first - second) / N:g}"
            yield [f"{first}, {second}", difference, points(own), points(other), f"{100 * narrower:.0f} %"]

    return rows_of(["only first, only second", "difference", "interval", "two ranges", "narrower by"], rows())


def widths() -> str:
    """Of 1,000 images without a population, in points."""

    def rows() -> Iterator[Sequence[str]]:
        for first, second in COUNTS:
            both = round((N - first - second) * RIGHT)
            yield [f"{first}, {second}", *(points(make((first, second, both), N)) for make in METHODS.values())]

    return rows_of(["only first, only second", *METHODS], rows())


def coverages() -> str:
    """Over all truths that are looked at: the lowest, and how many are below 95 %."""

    def rows() -> Iterator[Sequence[str]]:
        found = {name: coverage(method, SMALL) for name, method in METHODS.items()}
        found[f"zoo.stats, of {SMALL_POPULATION}"] = finite_coverage(SMALL, SMALL_POPULATION)
        for name, each in found.items():
            below = float((each < stats.CONFIDENCE - 1e-9).mean())
            yield [name, percent(float(each.min())), percent(float(each.mean())), percent(below)]

    return rows_of(["method", "lowest coverage", "mean", "truths below 95 %"], rows())


def shares() -> str:
    """Width of a sequence's interval, by the share of the error that goes to how many images differ."""

    def rows() -> Iterator[Sequence[str]]:
        for first, second in STOPPED:
            found = [stats.difference_sequence(first, second, N, POPULATION, discordance_share=each) for each in SHARES]
            yield [f"{first}, {second}", *(f"{100 * (high - low):.2f}" for low, high in found)]

    heads = [f"{each:g}" + (" (taken)" if each == DISCORDANCE_SHARE else "") for each in SHARES]
    return rows_of(["only first, only second", *heads], rows())


def times() -> str:
    """Milliseconds of one call; none has been asked before, as results are remembered."""

    functions: Sequence[Callable[[int, int, int, int], object]] = (
        stats.difference_interval, stats.difference_p, stats.difference_sequence,
    )  # fmt: skip

    def spent(compute: Callable[[int, int, int, int], object], first: int, second: int) -> str:
        compute(first, second, N, POPULATION)  # scipy is loaded, tables are made
        begin = time.perf_counter()
        for more in range(1, REPEATS + 1):
            compute(first + more, second, N, POPULATION)
        return f"{1000 * (time.perf_counter() - begin) / REPEATS:.0f}"

    def rows() -> Iterator[Sequence[str]]:
        for first, second in COUNTS:
            yield [f"{first}, {second}", *(spent(each, first, second) for each in functions)]

    return rows_of(["only first, only second", *(each.__name__ for each in functions)], rows())


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="Markdown; default: stdout")
    options = parser.parse_args()
    tables = {
        f"95 % intervals of {N:,} of {POPULATION:,} images, in points": finite_widths,
        f"95 % intervals of {N:,} images, in points": widths,
        f"Coverage with {SMALL} images": coverages,
        "Width of a sequence's interval by the share of the error for how many images differ, in points": shares,
        "Milliseconds": times,
    }
    text = "\n\n".join(f"### {title}\n\n{make()}" for title, make in tables.items()) + "\n"
    if options.out is None:
        print(text, end="")
    else:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
