"""Intervals against brute force and published values; McNemar against the binomial it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from zoo import stats


def by_trying_all(correct: int, n: int, population: int) -> tuple[float, float]:
    """Every total that neither tail excludes at 2.5 %."""
    kept = [
        total
        for total in range(population + 1)
        if hypergeom.sf(correct - 1, population, total, n) > 0.025
        and hypergeom.cdf(correct, population, total, n) > 0.025
    ]
    return min(kept) / population, max(kept) / population


@pytest.mark.parametrize(
    ("correct", "n", "population"),
    [(0, 5, 30), (5, 5, 30), (3, 5, 30), (7, 20, 60), (60, 60, 60), (0, 1, 1), (18, 20, 20 + 1)],
)
def test_interval_equals_brute_force(correct: int, n: int, population: int) -> None:
    assert stats.finite_interval(correct, n, population) == pytest.approx(by_trying_all(correct, n, population))


def test_whole_population_leaves_no_doubt() -> None:
    assert stats.finite_interval(718, 1000, 1000) == (0.718, 0.718)


def test_interval_is_narrower_than_the_binomial_one() -> None:
    # Clopper-Pearson for 35,900 of 49,000 is 0.7287 to 0.7366; with 1,000 images left there is little to doubt.
    low, high = stats.finite_interval(35_900, 49_000, 50_000)
    assert high - low < 0.002


@given(st.data())
def test_interval_holds_the_measured_share_and_only_possible_totals(data: st.DataObject) -> None:
    population = data.draw(st.integers(1, 400))
    n = data.draw(st.integers(1, population))
    correct = data.draw(st.integers(0, n))
    low, high = stats.finite_interval(correct, n, population)
    assert correct <= low * population + 1e-6 <= high * population + 2e-6
    assert high * population <= population - (n - correct) + 1e-6


@pytest.mark.parametrize(("correct", "n", "population"), [(-1, 5, 10), (6, 5, 10), (1, 0, 10), (5, 11, 10)])
def test_impossible_counts_are_refused(correct: int, n: int, population: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= correct"):
        stats.finite_interval(correct, n, population)


def test_mcnemar() -> None:
    assert stats.mcnemar(0, 0) == 1.0
    assert stats.mcnemar(5, 5) == 1.0
    assert stats.mcnemar(1, 9) == pytest.approx(2 * (1 + 10) / 2**10)
    assert stats.mcnemar(9, 1) == stats.mcnemar(1, 9)
