"""What changed answers say of the difference between two accuracies, against simulation and known values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from zoo.stats import flips


def test_a_percent_of_flips_is_a_twentieth_of_a_point_over_the_whole_set() -> None:
    """sqrt(0.011 * 50,000) / 50,000 = 0.047 points."""
    assert flips.deviation(550, 550, 100_000, 50_000) == pytest.approx(0.000469, rel=1e-3)


def test_the_deviation_is_that_of_simulated_sets() -> None:
    random = np.random.default_rng(3)
    gained, lost = (random.binomial(50_000, 0.01, 20_000) for _ in range(2))
    spread = float(np.std((gained - lost) / 50_000))
    assert flips.deviation(1_000, 1_000, 100_000, 50_000) == pytest.approx(spread, rel=0.03)


def test_no_flip_seen_is_no_proof_of_none() -> None:
    assert flips.chance_of_flip(0, 0, 0) == 0.5
    assert flips.tolerance(0, 0, 1_000, 50_000) == pytest.approx(2 * (1 / 1_002 / 50_000) ** 0.5)
    assert flips.tolerance(0, 0, 100, 50_000) > flips.tolerance(0, 0, 1_000, 50_000) > 0


@pytest.mark.parametrize(
    ("gained", "lost", "least"),
    [
        (0, 0, 0.0),
        (5, 7, 0.0),
        (7, 5, 0.0),
        (5, 0, 0.0),
        (8, 0, 0.0),
        (0, 40, 0.0262),
        (40, 0, 0.0262),
        (60, 20, 0.0106),
    ],
)
def test_a_shift_counts_where_chance_does_not_explain_it(gained: int, lost: int, least: float) -> None:
    """At 40 of 40 the exact interval of the share begins at 0.0005 ** (1 / 40) = 0.827: 40 * (2 * 0.827 - 1)."""
    assert flips.shown_shift(gained, lost, 1_000) == pytest.approx(least, abs=2e-4)
    value, low, high = flips.shift(gained, lost, 1_000)
    assert low <= value <= high
    assert value == (gained - lost) / 1_000


def test_a_shift_is_rarely_shown_where_there_is_none() -> None:
    """Of equally good libraries at most one pair in a thousand shows a shift: the chances of all its counts."""
    shown = [gained for gained in range(21) if flips.shown_shift(gained, 20 - gained, 1_000) > 0]
    assert 0 in shown
    assert 20 in shown
    assert np.sum(binom.pmf(shown, 20, 0.5)) <= 0.001


def test_a_tolerance_is_seldom_exceeded_by_libraries_that_are_equally_good() -> None:
    """One sample of 1,000 images sets it, another set of 50,000 is judged by it."""
    random = np.random.default_rng(5)
    beyond = []
    for _ in range(1_000):
        gained, lost = random.binomial(1_000, 0.005, 2)
        whole = random.binomial(50_000, 0.005, 2)
        beyond.append(
            abs(int(whole[0]) - int(whole[1])) / 50_000 > flips.tolerance(int(gained), int(lost), 1_000, 50_000)
        )
    assert 0.01 < np.mean(beyond) < 0.08


def test_of_the_whole_set_the_difference_is_counted_not_predicted() -> None:
    assert flips.tolerance(5, 7, 960, 960) == 2 / 960
    assert flips.tolerance(0, 0, 960, 960) == 0
