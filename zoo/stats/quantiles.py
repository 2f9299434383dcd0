"""Quantiles of times and their intervals, for any distribution of times."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from zoo.stats.intervals import CONFIDENCE


class Quantile(NamedTuple):
    """A quantile and its interval, in the unit of the values. low, high: None where there are too few of them."""

    value: float
    low: float | None
    high: float | None


def quantile(values: ArrayLike, level: float, confidence: float = CONFIDENCE) -> Quantile:
    """The `level` quantile (0 to 1) of independent values (n,), and the two of them between which the true one lies.

    The number of values below the true quantile is binomial(n, level) whatever their distribution, so the r-th and
    s-th smallest enclose it with the chance of r <= count < s (David and Nagaraja 2003, Order Statistics, 3rd edition,
    section 7.1, doi:10.1002/0471722162). Each side misses with at most half of 1 - confidence; no interval where n is
    too small for that. Successive calls of a network are not independent: `zoo.stats.levels` is for these.
    Raises ValueError of no values.

    >>> quantile(range(1, 101), 0.5)
    Quantile(value=50.5, low=40.0, high=61.0)
    >>> quantile([0.25], 0.5)
    Quantile(value=0.25, low=None, high=None)
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not numbers.size:
        raise ValueError("a quantile of no values")
    interval: Any = scipy.stats.quantile_test(numbers, p=level).confidence_interval(confidence)
    value = float(np.quantile(numbers, level))
    if not (np.isfinite(interval.low) and np.isfinite(interval.high)):
        return Quantile(value, None, None)
    return Quantile(value, float(interval.low), float(interval.high))
