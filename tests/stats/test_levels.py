"""What processes say of a time: scipy's tests agree, and no promise is broken in simulated benches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, trim_mean, ttest_1samp, ttest_ind

from benchmarks.simulate_latency import EFFECTS, drawn, false_ranking
from zoo.stats import holm, levels


def some_times(n: int, seed: int, spread: float = 0.02) -> list[float]:
    found: list[float] = (0.004 * np.exp(np.random.default_rng(seed).normal(0, spread, n))).tolist()
    return found


@pytest.mark.parametrize("n", [2, 3, 7, 8, 12, 16])
def test_typical_is_a_trimmed_mean_of_logarithms(n: int) -> None:
    times = some_times(n, n)
    assert levels.typical(times) == pytest.approx(math.exp(trim_mean(np.log(times), levels.TRIM)), rel=1e-12)
    low, high = levels.interval(times) or (0.0, 0.0)
    assert low < levels.typical(times) < high


def test_of_few_processes_it_is_students_interval() -> None:
    times = some_times(3, 1)
    expected = ttest_1samp(np.log(times), 0).confidence_interval(0.95)
    assert levels.interval(times) == pytest.approx((math.exp(expected.low), math.exp(expected.high)), rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 8), (8, 8), (17, 9)])
def test_ratio_is_yuens_test(n: int, m: int) -> None:
    first, second = some_times(n, 1), some_times(m, 2, 0.05)
    scipys = ttest_ind(np.log(first), np.log(second), equal_var=False, trim=levels.TRIM)
    ends = scipys.confidence_interval(0.95)
    found = levels.ratio(first, second)
    assert found is not None
    assert found.p_value == pytest.approx(scipys.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((math.exp(ends.low), math.exp(ends.high)), rel=1e-9)
    assert found.value == pytest.approx(levels.typical(first) / levels.typical(second), rel=1e-12)


def test_one_disturbed_process_of_eight_changes_little() -> None:
    quiet = some_times(8, 3)
    disturbed = [*sorted(quiet)[:-1], 10 * max(quiet)]
    assert (levels.typical(disturbed), levels.interval(disturbed)) == (levels.typical(quiet), levels.interval(quiet))
    two = [*sorted(quiet)[:-2], 10 * max(quiet), 10 * max(quiet)]
    assert levels.typical(two) > 1.3 * levels.typical(quiet)


def test_equal_times() -> None:
    assert levels.ratio([2.0] * 8, [2.0] * 8) == pytest.approx((1, 1, 1, 1))
    assert levels.ratio([2.0] * 8, [1.0] * 8) == pytest.approx((2, 2, 2, 0))


def test_one_process_says_nothing() -> None:
    assert levels.typical([3.0]) == pytest.approx(3)
    assert levels.interval([3.0]) is None
    assert levels.ratio([3.0], [1.0, 1.1]) is None
    assert levels.ranked([[3.0], [1.0, 1.1], [1.0, 1.2]]).keys() == {(1, 2)}


@pytest.mark.parametrize("wrong", [[], [1.0, 0.0], [-1.0], [math.nan]])
def test_times_are_above_0(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="times above 0, one per process"):
        levels.typical(wrong)


def test_every_pair_is_adjusted_for_all() -> None:
    times = [some_times(8, seed) for seed in range(4)]
    found = levels.ranked(times)
    plain = [levels.ratio(times[a], times[b]) for a, b in found]
    assert list(found) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert list(found.values()) == holm([each.p_value for each in plain if each is not None])


@pytest.mark.parametrize("effect", EFFECTS)
def test_simulated_benches(effect: float) -> None:
    """Coverage and false rankings; the bounds are crossed once in a thousand times where 94 % and 5 % are true."""
    random, benches = np.random.default_rng(11), 300
    held = wrong = 0
    for _ in range(benches):
        still = drawn(random, effect, drift=0.0)
        ends = [levels.interval(one) or (2.0, 0.0) for one in still.tolist()]
        held += sum(low <= 1 <= high for low, high in ends)
        wrong += false_ranking(drawn(random, effect))
    assert held >= binom.ppf(0.001, benches * 6, 0.94)
    assert wrong <= binom.ppf(0.999, benches, 0.05)
