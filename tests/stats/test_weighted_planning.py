"""Images that decide with a reference: simulated answers come to the total asked for, and else are as expected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.stats import Accepted, planning
from zoo.stats.weighted import Draw
from zoo.stats.weighted_planning import answers, stopping

IMAGES = 2000


def population(flips: float) -> Draw:
    """70 % are right by a reference, from which a relative differs with this chance on each image."""
    known = np.arange(IMAGES) < 0.7 * IMAGES
    values = np.where(known, 1 - flips, flips)
    return Draw(np.ones(IMAGES), values, np.full(IMAGES, flips * (1 - flips)))


def accepting(total: int, half: int = 20) -> Accepted:
    """A claim that says so many are right, or a few more or fewer."""
    return Accepted(IMAGES, (total - half, total + half), (total - half, total + half))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.data())
def test_so_many_are_right_as_asked_for(chances: list[float], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, len(chances)))
    right = answers(np.array(chances), total, np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))))
    assert (right.shape, right.dtype, int(right.sum())) == ((len(chances),), np.dtype(bool), total)


def test_images_are_right_as_often_as_their_chances_say_if_the_total_is_what_they_say() -> None:
    chances = np.repeat([0.02, 0.3, 0.5, 0.9, 0.999], 200)
    total = round(chances.sum())
    share = np.mean([answers(chances, total, np.random.default_rng(seed)) for seed in range(50)], axis=0)
    np.testing.assert_allclose(share.reshape(5, 200).mean(axis=1), [0.02, 0.3, 0.5, 0.9, 0.999], atol=0.02)


def test_another_total_changes_images_that_were_open() -> None:
    chances = np.repeat([0.01, 0.5, 0.99], 1000)
    right = answers(chances, 1200, np.random.default_rng(0)).reshape(3, 1000).sum(axis=1)
    assert right[1] < 300
    assert right[2] > 850


@pytest.mark.parametrize("total", [-1, 4])
def test_more_than_all_cannot_be_right(total: int) -> None:
    with pytest.raises(ValueError, match="expected 0 to 3 right images"):
        answers(np.full(3, 0.5), total, np.random.default_rng(0))


def test_the_nearer_the_relative_the_fewer_images() -> None:
    goal, truth = accepting(round(0.7 * IMAGES)), round(0.66 * IMAGES)
    half = [stopping(goal, truth, population(flips), 0, 16)[0] for flips in (0.01, 0.1, 0.3)]
    assert half == sorted(half)
    assert half[0] < half[2] / 2


def test_the_further_off_the_fewer_images_and_always_the_same() -> None:
    goal = accepting(round(0.7 * IMAGES))
    stops = [stopping(goal, round(share * IMAGES), population(0.1), 0, 16) for share in (0.67, 0.6, 0.2)]
    assert stops == sorted(stops, reverse=True)
    assert all(half <= most for half, most in stops)
    assert stops[1] == stopping(goal, round(0.6 * IMAGES), population(0.1), 0, 16)


def test_a_reference_that_says_nothing_is_worth_about_nothing() -> None:
    goal, truth = accepting(round(0.7 * IMAGES)), round(0.6 * IMAGES)
    nothing = Draw(np.ones(IMAGES), np.full(IMAGES, 0.7), np.full(IMAGES, 0.21))
    alone, with_it = planning.stopping(goal, truth, 16)[0], stopping(goal, truth, nothing, 0, 16)[0]
    assert 0.5 < with_it / alone < 2


def test_what_stays_open_takes_all_images() -> None:
    goal = Accepted(IMAGES, (900, 899), (800, 1000))  # nothing proves it
    assert stopping(goal, 900, population(0.1), 0, 128, (0.0,)) == [IMAGES]
