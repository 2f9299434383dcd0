"""Paired differences: every result is enumerated, or many are drawn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom, multinomial, multivariate_hypergeom

from benchmarks.paired_intervals import METHODS, coverage, two_finite_ranges
from zoo import stats
from zoo.stats import differences, paired_planning
from zoo.stats.differences import _Problem


def test_mcnemar() -> None:
    assert stats.mcnemar(0, 0) == 1.0
    assert stats.mcnemar(5, 5) == 1.0
    assert stats.mcnemar(1, 9) == pytest.approx(2 * (1 + 10) / 2**10)
    assert stats.mcnemar(9, 1) == stats.mcnemar(1, 9)


# --- a sample of a fixed size --------------------------------------------------------------------


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (3, 1), (2, 9), (0, 12), (10, 10), (20, 0)])
@pytest.mark.parametrize("population", [None, 45])
def test_tails_are_sums_over_all_results(only_first: int, only_second: int, population: int | None) -> None:
    n = 20
    problem = _Problem.of(only_first, only_second, n, population)
    least, most = problem.discordant()
    number = np.linspace(max(least, 1), most, 5).astype(np.int64)
    for share in (0.0, 0.3, 0.5, 1.0):
        first = (number * share).astype(np.int64)
        for found, for_first, discordant in zip(problem.tails(first, number), first, number, strict=True):
            seen = np.arange(n + 1)
            least_needed = problem._least(seen)
            if population is None:
                amount = binom.pmf(seen, n, discordant / problem.images)
                beyond = binom.sf(least_needed - 1, seen, for_first / discordant)
            else:
                amount = hypergeom.pmf(seen, population, discordant, n)
                drawn = np.minimum(seen, discordant)
                beyond = hypergeom.sf(least_needed - 1, discordant, for_first, drawn)
            assert found == pytest.approx(np.nansum(amount * beyond), abs=1e-9)


def of_all_results(n: int, population: int | None) -> dict[tuple[int, int], tuple[float, float]]:
    results = [(first, second) for first in range(n + 1) for second in range(n + 1 - first)]
    return {each: stats.difference_interval(*each, n, population) for each in results}


def test_coverage_without_a_population_by_enumeration() -> None:
    n = 14
    intervals = of_all_results(n, None)
    for share, tilt in product((0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0), (0.0, 0.2, 0.5, 0.8, 1.0)):
        first, second = share * (1 + tilt) / 2, share * (1 - tilt) / 2
        law = multinomial(n, [first, second, 1 - share])
        held = sum(
            law.pmf([*counts, n - sum(counts)])
            for counts, (low, high) in intervals.items()
            if low - 1e-12 <= first - second <= high + 1e-12
        )
        assert held >= 0.95, (share, tilt)


def test_coverage_of_a_finite_population_by_enumeration() -> None:
    population, n = 40, 12
    intervals = of_all_results(n, population)
    for first, second in product(range(0, population + 1, 3), repeat=2):
        if first + second <= population:
            law = multivariate_hypergeom([first, second, population - first - second], n)
            held = sum(
                law.pmf([*counts, n - sum(counts)])
                for counts, (low, high) in intervals.items()
                if low - 1e-12 <= (first - second) / population <= high + 1e-12
            )
            assert held >= 0.95, (first, second)


@pytest.mark.parametrize("tilt", [0.0, 0.6])
def test_coverage_of_a_thousand_of_fifty_thousand(tilt: float) -> None:
    """All results but the rarest, whose chance counts as missed."""
    n, population, discordant = 1000, 50_000, 200
    first = round(discordant * (1 + tilt) / 2)
    law = multivariate_hypergeom([first, discordant - first, population - discordant], n)
    chances = {each: law.pmf([*each, n - sum(each)]) for each in product(range(13), repeat=2)}
    held = 0.0
    for counts, chance in chances.items():
        if chance > 1e-4:
            low, high = stats.difference_interval(*counts, n, population)
            held += float(chance) * (low <= (2 * first - discordant) / population <= high)
    assert 0.95 <= held < 0.985


@pytest.mark.parametrize("counts", [(0, 0), (3, 1), (20, 10), (40, 30), (80, 60)])
def test_it_is_narrower_than_two_ranges(counts: tuple[int, int]) -> None:
    low, high = stats.difference_interval(*counts, 1000, 50_000)
    other_low, other_high = two_finite_ranges(*counts, 1000, 50_000)
    assert high - low < 0.8 * (other_high - other_low)


def test_other_methods_hold_less_than_they_promise_or_are_wider() -> None:
    """What the page about the library says; each number is a coverage over all results."""
    lowest = {name: float(coverage(method, 12).min()) for name, method in METHODS.items()}
    assert lowest["zoo.stats"] >= 0.95
    assert lowest["two ranges"] >= 0.95
    assert lowest["direction alone"] < 0.5
    assert lowest["Newcombe"] < 0.95


@settings(deadline=None, max_examples=10)
@given(st.data())
def test_nothing_is_lost_between_grid_points(data: st.DataObject) -> None:
    n, population = 40, 200
    first = data.draw(st.integers(0, n))
    second = data.draw(st.integers(0, n - first))
    low, high = stats.difference_interval(first, second, n, population)
    problem = _Problem.of(first, second, n, population)
    least, most = problem.discordant()
    for number in range(least, most + 1):
        for_first = np.arange(first, number - second + 1)
        tails = problem.tails(for_first, np.full(for_first.shape, number))
        possible = 2 * for_first[tails > (0.05 - differences.BEYOND) / 2] - number
        assert (possible >= low * population - 1e-9).all()
    assert -1 <= low <= (first - second) / n <= high <= 1
    assert stats.difference_interval(second, first, n, population) == pytest.approx((-high, -low))


@pytest.mark.parametrize("population", [None, 5000])
@pytest.mark.parametrize("counts", [(0, 0), (12, 2), (2, 12), (30, 25), (100, 0)])
def test_p_is_small_where_the_interval_is_outside_the_margin(counts: tuple[int, int], population: int | None) -> None:
    low, high = stats.difference_interval(*counts, 500, population)
    for margin in (0.0, 0.001, 0.005, 0.01, 0.02, 0.1, 0.18):
        assert (stats.difference_p(*counts, 500, population, margin) <= 0.05) == (low > margin or high < -margin), (
            margin
        )


def test_p_without_a_margin_is_close_to_mcnemars() -> None:
    for counts in ((9, 1), (30, 12), (60, 40)):
        assert stats.difference_p(*counts, 1000, None) == pytest.approx(stats.mcnemar(*counts), rel=0.35)


def test_difference_of_all_images_is_exact() -> None:
    assert stats.difference_interval(30, 20, 960, 960) == (10 / 960, 10 / 960)
    assert stats.difference_sequence(30, 20, 960, 960) == (10 / 960, 10 / 960)


@pytest.mark.parametrize("population", [None, 50])
def test_nothing_seen_leaves_everything(population: int | None) -> None:
    assert stats.difference_interval(0, 0, 0, population) == pytest.approx((-1, 1), abs=0.001)


@pytest.mark.parametrize("counts", [(-1, 0, 5, 10), (3, 3, 5, 10), (1, 1, 11, 10)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    for interval in (stats.difference_interval, stats.difference_sequence):
        with pytest.raises(ValueError, match="expected only_first and only_second of at least 0"):
            interval(*counts)


# --- images that are looked at until something is decided ----------------------------------------


def test_a_sequence_holds_the_truth_at_every_look() -> None:
    random, population = np.random.default_rng(5), 400
    images = np.repeat([1, -1, 0], [40, 20, 340])
    lost = rejected = 0
    for _ in range(60):
        order = random.permutation(images)
        looks = [(int((order[:n] > 0).sum()), int((order[:n] < 0).sum()), n) for n in range(10, 400, 30)]
        intervals = [stats.difference_sequence(*look, population) for look in looks]
        lost += not all(low <= 20 / population <= high for low, high in intervals)
        rejected += min(stats.difference_sequence_p(*look, population, 0.05) for look in looks) <= 0.05
    assert lost <= 3
    assert rejected <= 3


@pytest.mark.parametrize("counts", [(0, 0), (12, 2), (30, 25), (80, 5)])
def test_p_of_a_sequence_is_small_where_the_interval_is_outside_the_margin(counts: tuple[int, int]) -> None:
    low, high = stats.difference_sequence(*counts, 500, 5000)
    assert low < 0.002 * (counts[0] - counts[1]) < high or counts == (80, 5)
    for margin in (0.0, 0.001, 0.01, 0.05, 0.1, 0.2):
        small = stats.difference_sequence_p(*counts, 500, 5000, margin) <= 0.05
        assert small == (low > margin or high < -margin), margin


# --- how many images -----------------------------------------------------------------------------


def drawn(shares: tuple[float, float], n: int, population: int | None, times: int) -> list[tuple[int, int]]:
    images = population or 10**7
    groups = [round(share * images) for share in shares]
    found = np.random.default_rng(n).multivariate_hypergeometric([*groups, images - sum(groups)], n, size=times)
    return [(int(first), int(second)) for first, second, _ in found]


@pytest.mark.parametrize(("discordant", "n", "population"), [(0, 1000, 50_000), (30, 1000, 50_000), (100, 1000, None)])
def test_a_difference_that_could_have_been_shown_is_shown_in_four_of_five_samples(
    discordant: int, n: int, population: int | None
) -> None:
    difference = paired_planning.detectable(discordant, n, population)
    share = max(discordant / n, difference)
    samples = drawn(((share + difference) / 2, (share - difference) / 2), n, population, 25)
    shown = np.mean([stats.difference_interval(*counts, n, population)[0] > 0 for counts in samples])
    assert 0.6 <= shown <= 0.97


def test_what_is_stopped_early_shows_less() -> None:
    for discordant in (4, 50):
        early, fixed = (paired_planning.detectable(discordant, 1000, 50_000, anytime=each) for each in (True, False))
        assert fixed < early < 2 * fixed
    assert paired_planning.detectable(4, 1000, 1000) == 0


@pytest.mark.parametrize(
    ("only_first", "only_second", "population", "margin"),
    [(1, 1, 50_000, 0.001), (20, 10, 50_000, 0.001), (20, 10, 50_000, 0.02), (15, 15, None, 0.005)],
)
def test_so_many_images_decide_in_four_of_five_samples(
    only_first: int, only_second: int, population: int | None, margin: float
) -> None:
    n = paired_planning.images_to_decide(only_first, only_second, 1000, population, margin)
    assert n is not None
    intervals = [
        stats.difference_interval(*counts, n, population)
        for counts in drawn((only_first / 1000, only_second / 1000), n, population, 20)
    ]
    decided = [(-margin <= low and high <= margin) or low > margin or high < -margin for low, high in intervals]
    assert 0.6 <= np.mean(decided) <= 1


@pytest.mark.parametrize(("population", "enough"), [(50_000, 3550), (None, 3689)])
def test_without_discordant_images_it_takes_a_few_thousand(population: int | None, enough: int) -> None:
    n = paired_planning.images_to_decide(0, 0, 1000, population, 0.001)
    assert n is not None
    assert n == pytest.approx(enough, rel=0.01)
    assert max(map(abs, stats.difference_interval(0, 0, n + 60, population))) <= 0.001
    assert max(map(abs, stats.difference_interval(0, 0, n - 100, population))) > 0.001


def test_a_difference_of_just_the_margin_needs_all_images() -> None:
    assert paired_planning.images_to_decide(1, 0, 1000, 50_000, 0.001) == 50_000
    assert paired_planning.images_to_decide(1, 0, 1000, None, 0.001) is None
