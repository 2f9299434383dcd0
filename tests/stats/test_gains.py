"""Gains over the recipe in effect, looked at while images come: valid whenever one stops, for any number of ways."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from zoo import stats
from zoo.stats import gains

LOOKS = [64, 128, 200, 264, 392, *range(520, 3001, 128)]


def walks(win: float, loss: float, repeats: int, seed: int) -> np.ndarray:
    """Images won and lost at each look: int64 (repeats, looks, 2)."""
    random = np.random.default_rng(seed)
    sizes = np.diff([0, *LOOKS])
    steps = np.stack([random.multinomial(size, [win, loss, 1 - win - loss], repeats)[:, :2] for size in sizes], axis=1)
    return np.cumsum(steps, axis=1)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (5, 0), (0, 5), (30, 10), (10, 30), (300, 280)])
def test_evidence_is_the_capital_of_an_even_spread_of_bets(won: int, lost: int) -> None:
    def capital(chance: float) -> float:
        return float(np.exp(won * np.log(2 * chance) + lost * np.log(2 * (1 - chance))))

    expected = 2 * quad(capital, 0.5, 1, limit=500)[0]
    assert stats.log_gain(won, lost) == pytest.approx(math.log(expected), abs=1e-6)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_no_gain_is_rarely_taken_for_one_whenever_one_looks(share: float) -> None:
    limit = math.log(1 / 0.05)
    paths = walks(share / 2, share / 2, 400, seed=1)
    found = sum(any(stats.log_gain(int(won), int(lost)) >= limit for won, lost in path) for path in paths)
    assert found <= 33  # 5 % of 400, and three standard deviations


def test_one_of_many_ways_is_rarely_taken_for_better() -> None:
    ways, limit = 50, math.log(50 / 0.05)
    paths = walks(0.05, 0.05, 40 * ways, seed=2).reshape(40, ways, len(LOOKS), 2)
    races = sum(
        any(stats.log_gain(int(won), int(lost)) >= limit for path in race for won, lost in path) for race in paths
    )
    assert races <= 6  # of 40: 5 %, and three standard deviations


def test_large_gains_show_within_200_images_and_a_point_within_3000() -> None:
    limit = math.log(100 / 0.05)
    large = walks(0.28, 0.04, 200, seed=3)
    assert np.mean([stats.log_gain(*map(int, path[LOOKS.index(200)])) >= limit for path in large]) > 0.95
    point = walks(0.0125, 0.0015, 200, seed=4)
    assert np.mean([stats.log_gain(*map(int, path[-1])) >= limit for path in point]) > 0.9


@pytest.mark.parametrize(("win", "loss"), [(0.02, 0.02), (0.3, 0.05), (0.001, 0.03), (0.0, 0.4)])
def test_the_true_gain_is_rarely_missed_whenever_one_looks(win: float, loss: float) -> None:
    missed = 0
    for path in walks(win, loss, 100, seed=5):
        intervals = [stats.gain_sequence(int(a), int(b), n) for (a, b), n in zip(path, LOOKS, strict=True)]
        missed += any(not low <= win - loss <= high for low, high in intervals)
    assert missed <= 12  # 5 % of 100, and three standard deviations


def test_the_likeliest_chances_are_those_a_search_finds() -> None:
    random = np.random.default_rng(6)
    for _ in range(100):
        n = int(random.integers(1, 300))
        won = int(random.integers(0, n + 1))
        lost = int(random.integers(0, n - won + 1))
        gain = float(random.uniform(-0.95, 0.95))

        def unlikely(least: float, won: int = won, lost: int = lost, n: int = n, gain: float = gain) -> float:
            chances = np.array([max(gain, 0) + least, max(-gain, 0) + least, 1 - abs(gain) - 2 * least])
            counts = np.array([won, lost, n - won - lost])
            return -float((counts * np.log(np.maximum(chances, 1e-300)))[counts > 0].sum())

        most = (1 - abs(gain)) / 2
        found = minimize_scalar(unlikely, bounds=(0, most), method="bounded", options={"xatol": 1e-13})
        best = min(found.fun, unlikely(0.0), unlikely(most))
        got = gains._log_likelihood(gain, won, lost, n)
        assert got == pytest.approx(-best, abs=1e-6) or (best > 600 and got < -600)


def test_intervals_shrink_with_images_and_hold_what_was_seen() -> None:
    assert stats.gain_sequence(0, 0, 0) == (-1, 1)
    widths = []
    for n in (100, 1000, 10_000):
        low, high = stats.gain_sequence(n // 10, n // 20, n)
        assert low < 0.05 < high
        assert stats.gain_sequence(n // 20, n // 10, n) == pytest.approx((-high, -low))
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_as_many_images_as_are_said_show_the_gain() -> None:
    needed = stats.images_for_gain(15, 5, 500, ways=50)
    assert needed is not None
    for factor, shown in ((1.05, True), (0.9, False)):
        counts = (round(count * factor * needed / 500) for count in (15, 5))
        assert (stats.log_gain(*counts) >= math.log(50 / 0.05)) is shown
    assert stats.images_for_gain(5, 5, 500, ways=50) is None
    assert stats.images_for_gain(90, 2, 500, ways=50) == 500


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="of n at most, got 3, 3 and 5"):
        stats.gain_sequence(3, 3, 5)
    with pytest.raises(ValueError, match="at least 0"):
        stats.log_gain(-1, 3)
