"""Statistics: pure functions of counts."""

from __future__ import annotations

from collections.abc import Callable

from scipy.stats import binomtest, hypergeom

CONFIDENCE = 0.95


def finite_interval(correct: int, n: int, population: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact confidence interval for the accuracy over a finite population, from a simple random sample of it.

    correct of n sampled images were right; population: images in all. Both tails of the hypergeometric distribution
    are inverted, each at (1 - confidence) / 2, so the coverage is at least `confidence` (Konijn 1973; Wright 1991,
    "Exact confidence bounds when sampling from small finite universes"). Returns (low, high) as fractions.
    """
    if not 0 <= correct <= n <= population or n == 0:
        raise ValueError(f"expected 0 <= correct <= n <= population and n > 0, got {correct}, {n}, {population}")
    tail = (1 - confidence) / 2
    least, most = correct, population - (n - correct)
    low = _first(least, most, lambda total: hypergeom.sf(correct - 1, population, total, n) > tail)
    high = _first(low, most + 1, lambda total: hypergeom.cdf(correct, population, total, n) <= tail) - 1
    return low / population, max(low, high) / population


def _first(start: int, stop: int, holds: Callable[[int], bool]) -> int:
    """Smallest k in [start, stop) at which the monotone `holds` is true, else `stop`."""
    while start < stop:
        middle = (start + stop) // 2
        if holds(middle):
            stop = middle
        else:
            start = middle + 1
    return start


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value of McNemar's test: images that only one of two runs got right (McNemar 1947)."""
    discordant = only_first + only_second
    return 1.0 if discordant == 0 else float(binomtest(only_first, discordant, 0.5).pvalue)
