"""Quantiles of times and their intervals, for any distribution of times."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import quantile_test

from zoo.records import Quantile

CONFIDENCE = 0.95


def quantile(times: ArrayLike, level: float, confidence: float = CONFIDENCE) -> Quantile:
    """The `level` quantile of `times`, seconds, and the interval between two order statistics that holds it.

    The number of values below the true quantile is binomial(n, level) whatever their distribution, so the r-th and
    s-th smallest enclose it with the chance of r <= count < s (David and Nagaraja, Order Statistics, 3rd edition,
    section 7.1). Each side misses with at most half of 1 - confidence; no interval where n is too small for that.
    It holds for independent values. Successive calls of a network are not: `zoo.stats.levels` is for these.
    """
    values = np.asarray(times, dtype=np.float64)
    if not values.size:
        raise ValueError("a quantile of no values")
    interval: Any = quantile_test(values, p=level).confidence_interval(confidence)
    possible = np.isfinite(interval.low) and np.isfinite(interval.high)
    return Quantile(
        level=level,
        value=float(np.quantile(values, level)),
        low=float(interval.low) if possible else None,
        high=float(interval.high) if possible else None,
    )
