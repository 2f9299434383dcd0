"""Weighted draws: no bet gains on average against the truth, over all draws; verdicts are what bets leave possible."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from zoo.stats import Accepted, accepted_totals
from zoo.stats.weighted import Bets, Direction, Draw, Floats, Watched, interval

LIMIT = math.log(40)


@dataclass(frozen=True)
class Population:
    """Images in no order: what each is worth, and what a reference makes of it."""

    truth: Floats
    draw: Draw

    def ordered(self, order: ArrayLike) -> tuple[Draw, Floats]:
        """As they come in a draw."""
        rows = np.asarray(order)
        return self.draw.ordered(rows), self.truth[rows]

    def draws(self) -> Iterator[tuple[float, Draw, Floats]]:
        """Every order with its probability."""
        for order in itertools.permutations(range(len(self.truth))):
            weights = self.draw.weights[list(order)]
            yield float(np.prod(weights / np.cumsum(weights[::-1])[::-1])), *self.ordered(order)

    def drawn(self, random: np.random.Generator) -> tuple[Draw, Floats]:
        """One of them by chance."""
        return self.ordered(np.argsort(random.exponential(size=len(self.truth)) / self.draw.weights))


def population(
    truth: ArrayLike, weights: ArrayLike, values: ArrayLike, variances: ArrayLike,
    low: ArrayLike = 0.0, high: ArrayLike = 1.0, belief: tuple[float, ...] = (1.0,),
) -> Population:  # fmt: skip
    right, weight, expected, off = (np.asarray(each, np.float64) for each in (truth, weights, values, variances))
    return Population(right, Draw(weight, expected, off, low, high, belief))


SMALL = {
    "one image": population([1], [3.0], [0.2], [0.1]),
    "one image that was thought certain": population([0], [1.0], [1.0], [0.0]),
    "alike, nothing expected": population([1, 1, 0, 1, 0], [1] * 5, [0.5] * 5, [0.25] * 5),
    "rare where it is wrong": population([0, 1, 1, 1, 1], [0.01, 1, 1, 1, 1], [1] * 5, [0.0] * 5),
    "often where it is wrong": population([0, 1, 1, 1, 1], [100, 1, 1, 1, 1], [1] * 5, [0.0] * 5),
    "the contrary is expected": population([1, 0, 1, 0, 1], [5, 1, 2, 1, 0.1], [0, 1, 0, 1, 0], [1e-6] * 5),
    "all is foreseen": population([1, 0, 1, 1, 0], [1, 2, 3, 4, 5], [1, 0, 1, 1, 0], [0.0] * 5),
    "expected beyond what is possible": population([1, 0, 0, 1], [1, 2, 1, 2], [7, -3, 0, 1], [1, 2, 3, 4]),
    "variances far off": population([1, 0, 1, 1], [1, 9, 1, 3], [0.9, 0.2, 0.1, 0.5], [1e9, 0, 1e-9, 5]),
    "three ways, of which two are wrong": population(
        [1, 0, 1, 1, 0], [1, 2, 0.5, 4, 1],
        [[1.0, 0, 1, 1, 0], [0.0, 1, 0, 0, 1], [0.5] * 5], [[0.0] * 5, [0.0] * 5, [0.25] * 5], belief=(0.2, 0.5, 0.3),
    ),
    "differences of two runs": population(
        [-1, 0, 1, -1, 0], [3, 1, 1, 0.2, 1], [[0.0] * 5, [1.0, 1, -1, 0, 0]], [[0.1] * 5, [0.5] * 5],
        low=-1.0, high=1.0, belief=(0.5, 0.5),
    ),
    "differences whose ends are known": population(
        [-1, 0, 1, 0, 0], [3, 1, 1, 0.2, 1], [-0.1, -0.2, 0.3, 0, 0.1], [0.1] * 5,
        low=[-1, -1, 0, 0, 0], high=[0, 0, 1, 0, 1],
    ),
    "six images": population(
        [1, 1, 1, 0, 0, 1], [1, 8, 2, 0.1, 1, 3], [1, 0.9, 0.2, 1, 0, 0.5], [0.01, 0.2, 0.1, 0, 0, 0.3]
    ),
}  # fmt: skip


def mean_capital(images: Population, total: float) -> NDArray[np.float64]:
    """Of both bets against a total, after each image, over all draws: (2, N)."""
    mean = np.zeros((2, len(images.truth)))
    for chance, draw, values in images.draws():
        bets = Bets(draw, [(total, "more"), (total, "fewer")])
        for n, value in enumerate(values):
            bets.add([value])
            mean[:, n] += chance * np.exp(bets.capital)
    return mean


@pytest.mark.parametrize("name", SMALL)
def test_bets_against_the_truth_gain_nothing_on_average(name: str) -> None:
    """All draws with their probabilities: the mean capital stays 1 after every image, which proves a martingale."""
    images = SMALL[name]
    assert sum(chance for chance, _, _ in images.draws()) == pytest.approx(1)
    np.testing.assert_allclose(mean_capital(images, float(images.truth.sum())), 1, rtol=1e-9)


@pytest.mark.parametrize("name", SMALL)
def test_bets_that_are_wrong_lose_and_those_that_are_right_gain(name: str) -> None:
    images = SMALL[name]
    more, fewer = mean_capital(images, float(images.truth.sum()) + 1)  # "more than one more than there are" is wrong
    assert (more < 1).all()
    assert (fewer > 1).all()


@st.composite
def populations(draw: st.DrawFn, most: int = 4) -> Population:
    """Any numbers at all, of values between -1 and 1."""
    n, ways = draw(st.integers(1, most)), draw(st.integers(1, 3))
    row = st.lists(st.floats(-2, 2), min_size=n, max_size=n)
    low = np.array(draw(st.lists(st.sampled_from([-1.0, 0.0]), min_size=n, max_size=n)))
    high = np.array(draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n)))
    at = np.array(draw(st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=n, max_size=n)))
    weights = draw(st.lists(st.floats(0.001, 1000), min_size=n, max_size=n))
    values = draw(st.lists(row, min_size=ways, max_size=ways))
    variances = np.abs(draw(st.lists(row, min_size=ways, max_size=ways)))
    return population(low + at * (high - low), weights, values, variances, low, high, (1 / ways,) * ways)


@settings(deadline=None, max_examples=60)
@given(populations(), st.integers(1, 10))
def test_no_numbers_make_a_bet_against_the_truth_gain(images: Population, odds: int) -> None:
    """Nor does it reach a times its capital with a greater probability than 1 / a."""
    total = float(images.truth.sum())
    mean, reached = np.zeros(2), np.zeros(2)
    for chance, draw, values in images.draws():
        bets = Bets(draw, [(total, "more"), (total, "fewer")])
        bets.add(values)
        assert np.isfinite(bets.capital).all()
        mean += chance * np.exp(bets.capital)
        reached += chance * (bets.strongest >= math.log(odds) + 1e-9)
    np.testing.assert_allclose(mean, 1, rtol=1e-7)
    assert (reached <= 1 / odds).all()


@settings(deadline=None, max_examples=60)
@given(populations(most=40), st.integers(0, 2**32 - 1))
def test_what_a_bet_excludes_excludes_all_that_lies_beyond(images: Population, seed: int) -> None:
    """Whatever came: a bet is never better off than the same against a total that is further off."""
    draw, values = images.drawn(np.random.default_rng(seed))
    more, fewer = (Bets(draw, against(range(-50, 51), "more")), Bets(draw, against(range(-50, 51), "fewer")))
    more.add(values)
    fewer.add(values)
    for falling, rising in ((more.capital, fewer.capital), (more.strongest, fewer.strongest)):
        assert (np.diff(falling) <= 1e-9).all()
        assert (np.diff(rising) >= -1e-9).all()


def images_by(kind: str, n: int, random: np.random.Generator) -> Population:
    """Right or wrong images, and what a reference of this kind makes of them."""
    hard = random.random(n)
    truth = (random.random(n) < 1 - 0.5 * hard).astype(np.float64)
    flips = 0.25 * hard**3 + 0.001
    known = {
        "good": np.where(random.random(n) < flips, 1 - truth, truth),
        "anti-correlated": 1 - truth,
        "all right": np.ones(n),
        "all wrong": np.zeros(n),
        "random": (random.random(n) < 0.7).astype(np.float64),
        "stale": random.permutation(truth),
        "sure where it is wrong": np.where(random.random(n) < 0.1, 1 - truth, truth),
    }[kind]
    if kind == "sure where it is wrong":
        flips = np.where(known == truth, 0.2, 0.001)
    values = [np.where(known == 1, 1 - flip, flip) for flip in (flips, flips / 10)]
    variances = [flip * (1 - flip) for flip in (flips, flips / 10)]
    return population(truth, np.maximum(np.sqrt(flips), 0.1), values, variances, belief=(0.5, 0.5))


KINDS = ("good", "anti-correlated", "all right", "all wrong", "random", "stale", "sure where it is wrong")


@pytest.mark.parametrize("kind", KINDS)
def test_a_true_claim_is_refuted_once_in_twenty_at_most(kind: str) -> None:
    """The truth lies at an edge of what is accepted; one stops at the first look that decides."""
    refuted, evaluations = 0, 200
    for seed in range(evaluations):
        random = np.random.default_rng(seed)
        draw, values = images_by(kind, 300, random).drawn(random)
        total = int(values.sum())
        ends = (total, total + 40) if seed % 2 else (total - 40, total)
        watched = Watched(draw, Accepted(300, ends, ends))
        for start in range(0, 300, 10):
            if watched.add(values[start : start + 10]):
                break
        refuted += watched.outcome == "refuted"
    assert refuted <= 0.05 * evaluations


def test_a_good_reference_makes_it_narrow_and_a_bad_one_only_wide() -> None:
    widths = {}
    for kind in KINDS:
        random = np.random.default_rng(1)
        draw, values = images_by(kind, 3000, random).drawn(random)
        low, high = interval(draw, values[:500])
        assert low <= values.sum() <= high
        widths[kind] = high - low
    assert widths["good"] == min(widths.values())
    assert widths["good"] < 0.6 * widths["stale"]


# --- claims --------------------------------------------------------------------------------------


def goals(images: int) -> st.SearchStrategy[Accepted]:
    """Claims as documents make them, also about a part of the images, and some that nothing can fulfil."""
    return st.builds(
        lambda middle, half, counted: accepted_totals(
            max(middle - half, Fraction(0)), middle + half, images, counted=max(1, images - counted)
        ),
        st.fractions(0, 1, max_denominator=100),
        st.sampled_from([Fraction(1, 1000), Fraction(1, 50), Fraction(1, 5)]),
        st.sampled_from([0, 0, 1, 5]),
    )


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_a_verdict_says_what_the_interval_says(data: st.DataObject) -> None:
    """At every look of the draw, and p is 0.05 or less exactly where the claim is refuted."""
    kind, n = data.draw(st.sampled_from(KINDS)), data.draw(st.integers(1, 100))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    draw, values = images_by(kind, n, random).drawn(random)
    goal = data.draw(goals(n))
    watched, block = Watched(draw, goal), data.draw(st.integers(1 + n // 8, n))
    for start in range(0, n, block):
        before = watched.outcome
        decided = watched.add(values[start : start + block])
        low, high = interval(draw, values[: start + block])
        if not remaining(draw, values[: start + block]):
            return
        assert watched.outcome == goal.outcome(low, high)
        assert decided == (before == "inconclusive" != watched.outcome)
        assert (watched.p_value <= 0.05) == (watched.outcome == "refuted")
    assert watched.n == n
    assert watched.outcome == goal.outcome(int(values.sum()), int(values.sum()))


def against(totals: Iterable[int], direction: Direction) -> list[tuple[float, Direction]]:
    """A bet against each."""
    return [(float(total), direction) for total in totals]


def remaining(draw: Draw, values: Floats) -> list[int]:
    """Totals that no bet has excluded, each tried. Once in twenty evaluations at most the truth is none of them."""
    low, high = (round(float(values.sum()) + end) for end in draw.rest(len(values)))
    totals = list(range(low, high + 1))
    bets = Bets(draw, [*against(totals, "more"), *against(totals, "fewer")])
    bets.add(values)
    out = np.any((bets.strongest >= LIMIT).reshape(2, -1), axis=0)
    return np.array(totals)[~out].tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 150), st.sampled_from(KINDS))
def test_ends_are_those_of_all_totals_tried(seed: int, n: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    draw, values = images_by(kind, 150, random).drawn(random)
    if left := remaining(draw, values[:n]):
        assert interval(draw, values[:n]) == (left[0], left[-1])
        assert len(left) == left[-1] - left[0] + 1


@settings(deadline=None, max_examples=40)
@given(populations(most=30), st.integers(0, 2**32 - 1), st.lists(st.integers(1, 9), min_size=1))
def test_it_does_not_matter_in_how_many_parts_images_come(images: Population, seed: int, parts: list[int]) -> None:
    draw, values = images.drawn(np.random.default_rng(seed))
    totals: list[tuple[float, Direction]] = [(float(values.sum()), "more"), (0.0, "fewer"), (-3.0, "more")]
    whole, some = Bets(draw, totals), Bets(draw, totals)
    whole.add(values)
    for part in itertools.cycle(parts):
        some.add(values[some.n : some.n + part])
        if not some.left:
            break
    np.testing.assert_allclose(some.strongest, whole.strongest, rtol=1e-9, atol=1e-12)
    assert (some.n, some.total, some.estimate) == (whole.n, whole.total, whole.estimate)


@pytest.mark.parametrize("block", [1, 128, 700, 2000])
def test_nor_does_it_for_a_claim_but_for_the_look_that_decides(block: int) -> None:
    random = np.random.default_rng(5)
    draw, values = images_by("good", 2000, random).drawn(random)
    total = int(values.sum())
    at: dict[int, int] = {}
    for size in (1, block):
        watched = Watched(draw, Accepted(2000, (total + 60, total + 90), (total + 60, total + 90)))
        while not watched.add(values[watched.n : watched.n + size]):
            pass
        at[size] = watched.decided_at or 0
        assert watched.outcome == "refuted"
    assert 1 < at[1] < 1000
    assert at[block] == min(-(-at[1] // block) * block, 2000)


def test_the_estimate_comes_near_the_total_and_becomes_it() -> None:
    random = np.random.default_rng(2)
    for kind in KINDS:
        draw, values = images_by(kind, 4000, random).drawn(random)
        bets = Bets(draw, [(0.0, "more")])
        assert bets.estimate == pytest.approx(float(np.mean([row.sum() for row in draw.values])))
        bets.add(values[:1000])
        assert abs(bets.estimate - values.sum()) < 150
        bets.add(values[1000:])
        assert bets.estimate == values.sum()


def test_what_was_seen_overrules_bets() -> None:
    """A draw that is most unlikely: bets refute the claim, and the images that were left prove it."""
    images, right = 2000, 1000
    draw = Draw(np.ones(images), np.full(images, 0.5), np.full(images, 0.25))
    values = np.repeat([0.0, 1.0], [right, images - right])
    watched = Watched(draw, Accepted(images, (right, right), (right, right)))
    assert watched.add(values[:200])
    assert (watched.outcome, watched.decided_at, watched.p_value < 1e-6) == ("refuted", 200, True)
    assert not watched.add(values[200:1999])
    assert watched.add(values[1999:])
    assert (watched.outcome, watched.decided_at, watched.p_value) == ("confirmed", images, 1.0)


def test_a_claim_that_no_total_fulfils_is_refuted_and_one_that_all_fulfil_confirmed_by_the_first_image() -> None:
    draw = Draw(np.ones(10), np.full(10, 0.5), np.full(10, 0.25))
    nothing, anything = Watched(draw, Accepted(10, (5, 4), (5, 4))), Watched(draw, Accepted(10, (0, 10), (0, 10)))
    assert nothing.add([1])
    assert anything.add([1])
    assert (nothing.outcome, nothing.p_value, nothing.decided_at) == ("refuted", 0.0, 1)
    assert (anything.outcome, anything.p_value, anything.decided_at) == ("confirmed", 1.0, 1)


def test_images_that_were_not_counted_leave_a_claim_open() -> None:
    """The claim speaks of nine of ten images: with so many right ones, it depends on which was dropped."""
    goal = accepted_totals(Fraction(5, 9), Fraction(6, 9), 10, counted=9)
    watched = Watched(Draw(np.ones(10), np.full(10, 0.5), np.full(10, 0.25)), goal)
    assert not watched.add([1, 0] * 5)
    assert (watched.outcome, watched.decided_at, watched.p_value) == ("inconclusive", None, 1.0)


@pytest.mark.parametrize("broken", [
    {"weights": np.array([1.0, 0.0, 1.0])},
    {"weights": np.array([1.0, -1.0, 1.0])},
    {"weights": np.array([1.0, np.nan, 1.0])},
    {"weights": np.ones(4)},
    {"weights": np.ones((3, 1))},
    {"weights": np.ones(0), "values": np.ones((1, 0)), "variances": np.ones((1, 0))},
    {"values": np.array([[0.5, np.inf, 0.5]])},
    {"values": np.ones((2, 3))},
    {"variances": np.array([[0.1, -0.1, 0.1]])},
    {"low": 2.0},
    {"high": np.array([1.0, -1.0, 1.0])},
    {"belief": (0.5,)},
    {"belief": (1.5, -0.5), "values": np.ones((2, 3)), "variances": np.ones((2, 3))},
])  # fmt: skip
def test_what_is_no_draw_is_refused(broken: dict[str, Any]) -> None:
    fine: dict[str, Any] = {"weights": np.ones(3), "values": np.ones((1, 3)), "variances": np.ones((1, 3))}
    Draw(**fine)
    with pytest.raises(ValueError, match="a draw: expected"):
        Draw(**(fine | broken))


@pytest.mark.parametrize("values", [[0.5, 1.5], [-0.1], [np.nan], [0, 0, 0, 0]])
def test_values_that_cannot_be_are_refused(values: list[float]) -> None:
    """They could cost a bet more than it has, and then nothing follows from it."""
    bets = Bets(Draw(np.ones(3), np.full(3, 0.5), np.full(3, 0.25)), [(1.0, "more")])
    with pytest.raises(ValueError, match="expected at most 3 values between low and high"):
        bets.add(values)
    assert bets.n == 0


def test_a_claim_about_other_images_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a claim about the 3 images of the draw, got 4"):
        Watched(Draw(np.ones(3), np.full(3, 0.5), np.full(3, 0.25)), Accepted(4, (1, 2), (1, 2)))
