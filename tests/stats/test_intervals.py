"""Intervals against brute force and published values, coverage, the rate of false alarms; tests of pairs."""

from __future__ import annotations

import bisect
import itertools
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, hypergeom, spearmanr

from zoo import stats
from zoo.stats import planning
from zoo.stats.totals import accepted_totals

SHARES, SIZES = (0.001, 0.5, 0.72, 0.9, 0.999), (50, 1000, 10_000, 49_999, 50_000)


def by_trying_all(correct: int, n: int, population: int) -> tuple[int, int]:
    """Every total that neither tail excludes at 2.5 %."""
    kept = [
        total
        for total in range(population + 1)
        if hypergeom.sf(correct - 1, population, total, n) > 0.025
        and hypergeom.cdf(correct, population, total, n) > 0.025
    ]
    return min(kept), max(kept)


@pytest.mark.parametrize(
    ("correct", "n", "population"),
    [(0, 5, 30), (5, 5, 30), (3, 5, 30), (7, 20, 60), (60, 60, 60), (0, 1, 1), (18, 20, 20 + 1)],
)
def test_interval_equals_brute_force(correct: int, n: int, population: int) -> None:
    low, high = stats.finite_totals(correct, n, population)
    assert (int(low), int(high)) == by_trying_all(correct, n, population)


def test_whole_population_leaves_no_doubt() -> None:
    low, high = stats.finite_totals(718, 1000, 1000)
    assert (int(low), int(high)) == (718, 718)


def test_interval_is_narrower_than_the_binomial_one() -> None:
    # Clopper-Pearson for 35,900 of 49,000 is 0.7287 to 0.7366; with 1,000 images left there is little to doubt.
    low, high = stats.finite_totals(35_900, 49_000, 50_000)
    assert high - low < 100


@given(st.data())
def test_interval_holds_the_measured_share_and_only_possible_totals(data: st.DataObject) -> None:
    population = data.draw(st.integers(1, 400))
    n = data.draw(st.integers(1, population))
    correct = data.draw(st.integers(0, n))
    low, high = stats.finite_totals(correct, n, population)
    assert correct <= low <= high <= population - (n - correct)


@pytest.mark.parametrize(("correct", "n", "population"), [(-1, 5, 10), (6, 5, 10), (1, 0, 10), (5, 11, 10)])
def test_impossible_counts_are_refused(correct: int, n: int, population: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= correct"):
        stats.finite_totals(correct, n, population)


# --- a sample of a fixed size --------------------------------------------------------------------


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("n", SIZES)
def test_coverage_is_at_least_nominal(share: float, n: int) -> None:
    # Not simulated: the probability of all counts whose interval holds the truth. Both ends grow with the count.
    truth = round(share * 50_000)
    counts = range(max(0, n - (50_000 - truth)), min(n, truth) + 1)
    first = bisect.bisect_left(counts, truth, key=lambda count: int(stats.finite_totals(count, n, 50_000)[1]))
    last = bisect.bisect_right(counts, truth, key=lambda count: int(stats.finite_totals(count, n, 50_000)[0])) - 1
    held = [hypergeom.cdf(counts[at], 50_000, truth, n) for at in (first, last)]
    assert held[1] - held[0] + hypergeom.pmf(counts[first], 50_000, truth, n) >= 0.95 - 1e-9


@pytest.mark.parametrize("total", [35_825, 35_900, 35_974])
@pytest.mark.parametrize("n", [50, 1000, 10_000])
def test_true_claim_is_seldom_refuted(total: int, n: int) -> None:
    goal = accepted_totals(Fraction("0.7175"), Fraction("0.7185"), 50_000, tolerance=0.001)
    drawn, times = np.unique(
        np.random.default_rng(n).hypergeometric(total, 50_000 - total, n, 4000), return_counts=True
    )
    low, high = stats.finite_totals(drawn, n, 50_000)
    assert times[planning.refuted(goal, low, high)].sum() / 4000 < 0.05


@settings(deadline=None)
@given(st.data())
def test_p_value_is_small_exactly_where_the_interval_misses(data: st.DataObject) -> None:
    population = data.draw(st.integers(1, 300))
    n = data.draw(st.integers(1, population))
    correct = data.draw(st.integers(0, n))
    lowest = data.draw(st.integers(0, population))
    highest = data.draw(st.integers(lowest, population))
    low, high = stats.finite_totals(correct, n, population)
    missed = high < lowest or low > highest
    assert (stats.finite_p(correct, n, population, lowest, highest) <= 0.05) == missed
    assert stats.finite_p(correct, n, population, 1, 0) == 0


@given(st.integers(1, 500), st.data())
def test_counting_errors_is_the_mirror_image(population: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, population))
    correct = data.draw(st.integers(0, n))
    for totals in (stats.finite_totals, stats.sequence_totals):
        low, high = totals(correct, n, population)
        wrong_low, wrong_high = totals(n - correct, n, population)
        assert (population - wrong_high, population - wrong_low) == (low, high)


def test_a_tail_that_is_just_the_limit_is_excluded_on_both_sides() -> None:
    """Of 320 images 8 are right: that the one drawn is right, or wrong of 312, has a probability of just 2.5 %."""
    assert [int(end) for end in stats.finite_totals(0, 1, 320)] == [0, 311]
    assert [int(end) for end in stats.finite_totals(1, 1, 320)] == [9, 320]
    assert stats.finite_p(0, 1, 320, 312, 312) == stats.finite_p(1, 1, 320, 8, 8) == 0.05
    # The posterior of 312 is a twentieth of its prior: 160 / 8 = 20.
    assert [int(end) for end in stats.sequence_totals(0, 1, 320)] == [0, 311]
    assert [int(end) for end in stats.sequence_totals(1, 1, 320)] == [9, 320]
    assert stats.sequence_p(0, 1, 320, 312, 312) == stats.sequence_p(1, 1, 320, 8, 8) == 0.05


def test_arrays_give_what_numbers_give() -> None:
    n = np.array([10, 20, 50])
    for totals in (stats.finite_totals, stats.sequence_totals):
        low, high = totals(n // 2, n, 60)
        assert [tuple(map(int, totals(int(each) // 2, int(each), 60))) for each in n] == list(
            zip(low, high, strict=True)
        )


def test_nothing_seen_leaves_everything() -> None:
    assert [int(end) for end in stats.finite_totals(0, 0, 7)] == [0, 7]
    assert [int(end) for end in stats.sequence_totals(0, 0, 7)] == [0, 7]


# --- a sample that grows -------------------------------------------------------------------------


@given(st.integers(1, 60), st.data())
def test_ratio_is_prior_over_posterior(population: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, population))
    correct = data.draw(st.integers(0, n))
    total = data.draw(st.integers(correct, population - (n - correct)))
    prior = betabinom.pmf(total, population, 1, 1)
    posterior = betabinom.pmf(total - correct, population - n, 1 + correct, 1 + n - correct)
    found = math.exp(stats.log_ratio(total, correct, n, population))
    assert found == pytest.approx(prior / posterior, rel=1e-6)


@given(st.integers(1, 200), st.data())
def test_sequence_has_no_gap_and_equals_trying_all(population: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, population))
    correct = data.draw(st.integers(0, n))
    kept = np.flatnonzero(stats.log_ratio(np.arange(population + 1), correct, n, population) < math.log(20) - 1e-9)
    assert (np.diff(kept) == 1).all()
    assert stats.sequence_totals(correct, n, population) == (kept[0], kept[-1])


def test_truth_is_lost_at_most_once_in_twenty_over_all_looks_exactly() -> None:
    # Every order of a small population, a look after every image: no simulation, no chance.
    for population, truth in itertools.product((8, 10), (1, 3, 4)):
        lost = 0
        for places in itertools.combinations(range(population), truth):
            right = np.cumsum(np.isin(np.arange(population), places))
            low, high = stats.running(right, np.arange(1, population + 1), population)
            lost += bool(((low > truth) | (high < truth)).any())
        assert Fraction(lost, math.comb(population, truth)) <= Fraction(1, 20)


@pytest.mark.parametrize("total", [35_825, 35_900, 35_974])
def test_true_claim_is_seldom_refuted_with_a_look_at_every_block(total: int) -> None:
    goal = accepted_totals(Fraction("0.7175"), Fraction("0.7185"), 50_000, tolerance=0.001)
    right, looks = planning.grown(50_000, total, 128, 400, seed=total)
    low, high = stats.running(right, np.broadcast_to(looks, right.shape), 50_000, goal.prior)
    assert planning.refuted(goal, low, high).any(axis=1).mean() < 0.05


def test_looks_at_every_image_of_many_small_audits() -> None:
    right, looks = planning.grown(300, 150, 1, 2000, seed=5)
    low, high = stats.running(right, np.broadcast_to(looks, right.shape), 300)
    assert 0.0 < ((low > 150) | (high < 150)).any(axis=1).mean() < 0.05


def test_all_images_leave_one_total() -> None:
    assert [int(end) for end in stats.sequence_totals(718, 1000, 1000)] == [718, 718]
    assert [int(end[-1]) for end in stats.running([350, 718], [500, 1000], 1000)] == [718, 718]


@settings(deadline=None)
@given(st.integers(2, 120), st.data())
def test_sequential_p_value_is_small_exactly_where_the_looks_exclude_all(population: int, data: st.DataObject) -> None:
    flags = data.draw(st.lists(st.booleans(), min_size=1, max_size=population))
    right, looks = np.cumsum(flags), np.arange(1, len(flags) + 1)
    lowest = data.draw(st.integers(0, population))
    highest = data.draw(st.integers(lowest, population))
    low, high = stats.running(right, looks, population)
    excluded = high[-1] < lowest or low[-1] > highest or low[-1] > high[-1]
    found = stats.sequence_p(right, looks, population, lowest, highest)
    assert (found <= 0.05) == excluded or found == pytest.approx(0.05)


def test_all_blocks_of_fifty_thousand_images_take_milliseconds() -> None:
    looks = np.append(np.arange(128, 50_000, 128), 50_000)
    right = looks * 718 // 1000
    stats.running(right, looks, 50_000)  # tables of logarithms are made once
    begin = time.perf_counter()
    low, high = stats.running(right, looks, 50_000)
    assert time.perf_counter() - begin < 0.25
    assert (low <= 35_900).all()
    assert (high >= 35_900).all()


# --- many tests, and orders ----------------------------------------------------------------------


def test_holm() -> None:
    # The example of the textbooks; statsmodels 0.15 gives the same.
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([]) == []
    assert stats.holm([0.7]) == [0.7]


@given(st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.02, 0.04, 0.3, 1.0]), min_size=1, max_size=6))
def test_holm_is_the_closed_test_of_bonferroni(p_values: list[float]) -> None:
    for at, adjusted in enumerate(stats.holm(p_values)):
        families = (
            [p_values[member] for member in members]
            for size in range(1, len(p_values) + 1)
            for members in itertools.combinations(range(len(p_values)), size)
            if at in members
        )
        assert adjusted == pytest.approx(min(1, max(len(family) * min(family) for family in families)))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [3, 5, 12, 22])
def test_rank_correlation_is_spearmans(n: int, ties: bool) -> None:
    random = np.random.default_rng(n)
    first, second = random.integers(0, 4 if ties else 10**6, (2, n)) + np.arange(n) * (0 if ties else 1)
    found = stats.rank_correlation(first, second)
    assert found is not None
    assert found[0] == pytest.approx(float(spearmanr(first, second).statistic))


def test_rank_correlation_counts_all_orders_of_few_values() -> None:
    for n in range(2, 7):
        assert stats.rank_correlation(range(n), range(n)) == pytest.approx((1, 1 / math.factorial(n)))
        assert stats.rank_correlation(range(n), range(n)[::-1]) == pytest.approx((-1, 1))
    assert stats.rank_correlation([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx((0.8, 4 / 24))
    assert stats.rank_correlation([1, 1, 1], [1, 2, 3]) is None


def test_rank_correlation_of_many_is_never_impossible_and_always_the_same() -> None:
    found = stats.rank_correlation(range(22), range(22))
    assert found == pytest.approx((1, 1e-4))
    assert found == stats.rank_correlation(range(22), range(22))


@pytest.mark.parametrize("n", [5, 9])
def test_rank_correlation_finds_an_order_in_chance_as_rarely_as_it_says(n: int) -> None:
    random, trials = np.random.default_rng(3), 200
    found = [stats.rank_correlation(range(n), list(random.permutation(n))) for _ in range(trials)]
    small = sum(each is not None and each[1] <= 0.05 for each in found)
    assert small / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
