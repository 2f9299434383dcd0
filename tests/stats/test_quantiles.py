"""Intervals between order statistics hold what they promise, whatever the distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from zoo.stats.quantiles import quantile


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [6, 20, 59, 1000, 1001])
def test_both_sides_miss_rarely_and_no_closer_pair_would_do(n: int, level: float) -> None:
    found = quantile(np.arange(1, n + 1), level)
    if found.low is None or found.high is None:
        assert level**n > 0.025 or (1 - level) ** n > 0.025  # even the ends would miss too often
        return
    first, last = int(found.low), int(found.high)
    assert binom.cdf(first - 1, n, level) <= 0.025 < binom.cdf(first, n, level)
    assert binom.sf(last - 1, n, level) <= 0.025 < binom.sf(last - 2, n, level)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_coverage_of_a_skewed_distribution(level: float) -> None:
    random, n, trials = np.random.default_rng(1), 1000, 2000
    true = -np.log(1 - level)
    held = 0
    for times in random.exponential(size=(trials, n)):
        found = quantile(times, level)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
    assert held / trials > 0.95 - 3 * np.sqrt(0.05 * 0.95 / trials)


def test_no_values() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
