"""Quantiles of times and their intervals, for any distribution of times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike

from zoo.records import Quantile

CONFIDENCE = 0.95
FEWEST_FOR_P99 = 1000  # calls; ten of them lie above the 99th percentile
FEWEST_ROUNDS = 6  # the fewest whose smallest and largest value enclose the median with 95 % confidence


def quantile(times: ArrayLike, level: float, confidence: float = CONFIDENCE) -> Quantile:
    """The `level` quantile of `times`, seconds, and the interval between two order statistics that holds it.

    The number of values below the true quantile is binomial(n, level) whatever their distribution, so the r-th and
    s-th smallest enclose it with the chance of r <= count < s (David and Nagaraja, Order Statistics, 3rd edition,
    section 7.1). Each side misses with at most half of 1 - confidence; no interval where n is too small for that.
    It holds for independent values. Successive calls are not quite independent: what has to be compared is compared
    by rounds.
    """
    values = np.asarray(times, dtype=np.float64)
    if not values.size:
        raise ValueError("a quantile of no values")
    interval: Any = scipy.stats.quantile_test(values, p=level).confidence_interval(confidence)
    possible = np.isfinite(interval.low) and np.isfinite(interval.high)
    return Quantile(
        level=level,
        value=float(np.quantile(values, level)),
        low=float(interval.low) if possible else None,
        high=float(interval.high) if possible else None,
    )


def of_calls(times: Sequence[float]) -> tuple[Quantile, ...]:
    """p50, p90 and, of 1,000 calls and more, p99."""
    levels = (0.5, 0.9, 0.99) if len(times) >= FEWEST_FOR_P99 else (0.5, 0.9)
    return tuple(quantile(times, level) for level in levels)


def ratio_of_rounds(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float] | None:
    """(ratio of the medians, smallest, largest ratio that the two intervals allow); None where one has no interval."""
    above, below = median_of_rounds(first), median_of_rounds(second)
    if above is None or below is None or below[1] <= 0:
        return None
    return above[0] / below[0], above[1] / below[2], above[2] / below[1]


def median_of_rounds(values: Sequence[float]) -> tuple[float, float, float] | None:
    """(median, low, high) of what each round gave; None of fewer than `FEWEST_ROUNDS`."""
    if len(values) < FEWEST_ROUNDS:
        return None
    median = quantile(values, 0.5)
    assert median.low is not None
    assert median.high is not None
    return median.value, median.low, median.high
