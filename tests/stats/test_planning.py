"""Numbers of images that decide: against direct enumeration and simulation; they fit what verdicts then say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from zoo import stats
from zoo.stats import planning
from zoo.stats.totals import Accepted, accepted_totals

IMAGENET = accepted_totals(Fraction("0.7175"), Fraction("0.7185"), 50_000, tolerance=0.001)


def enumerated(goal: Accepted, truth: int, n: int) -> float:
    """Probability of a conclusive interval, count by count."""
    counts = np.arange(max(0, n - (goal.images - truth)), min(n, truth) + 1)
    low, high = stats.finite_totals(counts, n, goal.images)
    conclusive = [goal.outcome(*ends) != "inconclusive" for ends in zip(low.tolist(), high.tolist(), strict=True)]
    return float(hypergeom.pmf(counts[conclusive], goal.images, truth, n).sum())


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_probability_is_that_of_all_counts(data: st.DataObject) -> None:
    images = data.draw(st.integers(1, 300))
    n, truth = data.draw(st.integers(1, images)), data.draw(st.integers(0, images))
    middle, counted = Fraction(data.draw(st.integers(0, 100)), 100), data.draw(st.integers(1, images))
    half, tolerance = Fraction(1, 200), data.draw(st.sampled_from([0.0, 0.001, 0.05]))
    goal = accepted_totals(middle - half, middle + half, images, tolerance=tolerance, counted=counted)
    assert planning.chance_decided(goal, truth, n) == pytest.approx(enumerated(goal, truth, n), abs=1e-9)


@pytest.mark.parametrize("truth", [35_900, 35_650, 34_900, 50, 0, 50_000])
@pytest.mark.parametrize("chance", planning.CHANCES)
def test_so_many_images_decide_and_fewer_do_not(truth: int, chance: float) -> None:
    n = planning.images_needed(IMAGENET, truth, chance)
    assert n is not None
    assert planning.chance_decided(IMAGENET, truth, n) >= chance
    assert planning.chance_decided(IMAGENET, truth, max(1, n - max(n // 50, 2))) < chance


def test_all_images_always_decide() -> None:
    assert planning.chance_decided(IMAGENET, 35_900, 50_000) == 1
    assert planning.images_needed(IMAGENET, 35_824, 0.95) == 50_000  # one image below what is accepted


def test_dropped_images_may_never_be_decided() -> None:
    low, high = Fraction("0.6922875"), Fraction("0.6922885")
    goal = accepted_totals(low, high, 50_000, tolerance=0.001, counted=49_920)
    assert planning.images_needed(goal, 34_650, 0.8) is None


def test_the_further_off_the_fewer() -> None:
    needed = [planning.images_needed(IMAGENET, 35_900 - off, 0.8) or 0 for off in (250, 500, 1000, 5000, 35_000)]
    assert needed == sorted(needed, reverse=True)
    assert needed[-1] < 50


def test_stopping_early_costs_some_images_where_it_is_close_and_saves_them_where_it_is_not() -> None:
    half, most = planning.stopping(IMAGENET, 34_900, 128)
    assert 4_000 < half < most < 20_000
    assert planning.stopping(IMAGENET, 50, 128) == [128, 128]
    assert planning.stopping(IMAGENET, 35_900, 128)[0] > 48_000


def test_evaluations_that_grow_end_with_the_truth() -> None:
    right, looks = planning.grown(1000, 300, 128, 5, seed=1)
    assert looks[-1] == 1000
    assert (right[:, -1] == 300).all()
    assert (np.diff(right, axis=1) >= 0).all()
