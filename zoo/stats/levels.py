"""Times of processes: what is typical of them, and how two sets compare.

A process is faster or slower for its whole life, and its calls know nothing of other processes. So what independent
processes gave is what counts, never the number of calls (Kalibera and Jones 2013, Rigorous benchmarking in reasonable
time, doi:10.1145/2464157.2464160). All functions take one time per process, above 0 and in any unit; others raise
ValueError. Times are compared as ratios, so everything is computed on their logarithms. Of
each eight processes the fastest and the slowest are left out: one that was disturbed then spoils nothing.
benchmarks/simulate_latency.py checks coverage and false rankings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import scipy

from zoo.stats.intervals import CONFIDENCE, holm

TRIM = 1 / 8  # of the processes on each side, rounded down
FEWEST = 2  # processes for an interval


class Ratio(NamedTuple):
    """A ratio of times, its interval, and the p-value of "both are equal", two-sided."""

    value: float
    low: float
    high: float
    p_value: float


def typical(times: Sequence[float]) -> float:
    """Trimmed geometric mean, in the unit of the times.

    >>> round(typical([1.0, 1.0, 1.1, 1.1, 1.1, 1.1, 1.2, 9.0]), 3)  # the first and the last do not count
    1.098
    """
    return math.exp(_summary(times).mean)


def interval(times: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """(low, high) of what is `typical`, in the unit of the times; None of fewer than `FEWEST` processes.

    Student's interval with the winsorized variance (Tukey and McLaughlin 1963, Less vulnerable confidence and
    significance procedures for location, https://www.jstor.org/stable/25049278).
    """
    logs = _summary(times)
    if logs.kept < FEWEST:
        return None
    reach = float(scipy.special.stdtrit(logs.kept - 1, (1 + confidence) / 2)) * math.sqrt(logs.variance)
    return math.exp(logs.mean - reach), math.exp(logs.mean + reach)


def ratio(first: Sequence[float], second: Sequence[float], confidence: float = CONFIDENCE) -> Ratio | None:
    """First by second; None where one side has fewer than `FEWEST` processes.

    Variances may differ (Yuen 1974, The two-sample trimmed t for unequal population variances,
    doi:10.1093/biomet/61.1.165; of fewer than eight processes it is Welch's test).

    >>> print("{:.2f} ({:.2f} to {:.2f}), p = {:.3f}".format(*ratio([1.1, 1.2, 1.15], [1.0, 1.05, 0.95])))
    1.15 (1.03 to 1.28), p = 0.022
    """
    return _compared(_summary(first), _summary(second), confidence)


def ranked(times: Sequence[Sequence[float]]) -> dict[tuple[int, int], float]:
    """Of each pair of competitors the adjusted p-value of "both are equal", by their places (smaller one first).

    times: of each competitor, one per process. Every pair counts, as only the times say who is fastest: the chance of
    any false ranking among all of them is at most 5 % where those with p <= 0.05 are ranked (`holm`). Pairs that
    cannot be compared are missing.
    """
    logs = [_summary(each) for each in times]
    found = {(a, b): _compared(logs[a], logs[b], CONFIDENCE) for a, b in combinations(range(len(logs)), 2)}
    known = {pair: each.p_value for pair, each in found.items() if each is not None}
    return dict(zip(known, holm(list(known.values())), strict=True))


class _Summary(NamedTuple):
    """Of logarithms: their trimmed mean, its variance (0 of a single one), and how many values it has."""

    mean: float
    variance: float
    kept: int


def _summary(times: Sequence[float]) -> _Summary:
    values = np.asarray(times, dtype=np.float64)
    if not values.size or not (values > 0).all():
        raise ValueError(f"expected times above 0, one per process, got {list(times)}")
    logs = np.sort(np.log(values))
    cut = int(TRIM * len(logs))
    inner = logs[cut : len(logs) - cut]
    winsorized = np.clip(logs, inner[0], inner[-1])
    kept = len(inner)
    squares = float(((winsorized - winsorized.mean()) ** 2).sum())
    return _Summary(float(inner.mean()), squares / (kept * max(kept - 1, 1)), kept)


def _compared(first: _Summary, second: _Summary, confidence: float) -> Ratio | None:
    """Yuen's test, with Welch's degrees of freedom."""
    if min(first.kept, second.kept) < FEWEST:
        return None
    apart, variance = first.mean - second.mean, first.variance + second.variance
    if variance == 0:  # times that are all equal
        return Ratio(math.exp(apart), math.exp(apart), math.exp(apart), float(apart == 0))
    freedom = variance**2 / sum(each.variance**2 / (each.kept - 1) for each in (first, second))
    error = math.sqrt(variance)
    reach = float(scipy.special.stdtrit(freedom, (1 + confidence) / 2)) * error
    p_value = 2 * float(scipy.special.stdtr(freedom, -abs(apart) / error))
    return Ratio(math.exp(apart), math.exp(apart - reach), math.exp(apart + reach), p_value)
