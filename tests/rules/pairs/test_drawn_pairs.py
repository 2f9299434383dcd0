"""Pairs of runs of which a reference drew the images of one or both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.by_hand import drawn as made
from tests.by_hand.drawn import World
from tests.by_hand.records import a_claim
from zoo import drawing
from zoo.records import Run, Verdict
from zoo.records.predictions import Predictions
from zoo.report.tables import discordant_csv
from zoo.rules import drawn as rules
from zoo.rules.pairs import drawn_pairs
from zoo.rules.pairs.answered import Answered
from zoo.rules.pairs.image_by_image import ClaimedLoss, Converted, Frameworks
from zoo.rules.pairs.pairing import Pair, pairs
from zoo.rules.pairs.same_answers import SameLabels, SameScores

WORLD = World.of(4000)
REFERENCE = WORLD.reference
TWIN, WORSE = WORLD.relative(0.02, seed=5), WORLD.relative(0.5, bias=-0.3)
ORIGINAL: dict[str, Any] = {"key": "1e" * 32}
INT8: dict[str, Any] = {"key": "2e" * 32, "checkpoint": "zoo/int8", "weights": "v"}
Made = tuple[Run, Predictions]


def of(*runs: Made, **changes: Any) -> Any:
    return made.evidence(WORLD, runs, [REFERENCE], **changes)


def top1(*runs: Made) -> list[Pair]:
    return [pair for pair in pairs(of(*runs)) if pair.metric == "top1"]


def test_two_runs_of_one_draw_share_the_images_both_saw() -> None:
    (pair,) = top1(WORLD.drawn(WORLD.right, 640, REFERENCE, **ORIGINAL), WORLD.drawn(WORSE, 1024, REFERENCE, **INT8))
    assert pair.n == 640
    rows = drawing.drawn_rows(REFERENCE, "margin", made.SEED)[:640]
    assert pair.counts == (int((WORLD.right & ~WORSE)[rows].sum()), int((WORSE & ~WORLD.right)[rows].sum()))
    truth = WORLD.right.mean() - WORSE.mean()
    low, high = pair.interval(of())
    assert low <= truth <= high
    assert low < pair.difference < high
    assert (pair.counts[0] - pair.counts[1]) / pair.n > high  # hard images come first, and most of what differs


@pytest.mark.parametrize("drawn_first", [True, False])
def test_a_run_on_all_images_is_held_against_a_drawn_one(drawn_first: bool) -> None:
    whole = WORLD.full(WORLD.right, **ORIGINAL)
    drawn = WORLD.drawn(WORSE, 1024, REFERENCE, **INT8)
    (pair,) = top1(*((drawn, whole) if drawn_first else (whole, drawn)))
    assert (pair.first.key, pair.second.key, pair.n, pair.is_exact) == ("1e" * 32, "2e" * 32, 1024, False)
    evidence = of(whole, drawn)
    looked = rules.looked(drawn[0], "top1", evidence)
    assert looked is not None
    low, high = rules.totals(looked)
    right = int(WORLD.right.sum())
    assert pair.interval(evidence) == ((right - high) / WORLD.images, (right - low) / WORLD.images)
    assert pair.difference == pytest.approx(WORLD.right.mean() - drawn[0].accuracy("top1"))


def test_order_of_the_two_turns_the_sign_alone() -> None:
    drawn, whole = WORLD.drawn(WORSE, 512, REFERENCE, **INT8), WORLD.full(WORLD.right, **ORIGINAL)
    one = drawn_pairs.compared(Answered(*whole), Answered(*drawn), "top1", of(whole, drawn))
    other = drawn_pairs.compared(Answered(*drawn), Answered(*whole), "top1", of(whole, drawn))
    assert one is not None
    assert other is not None
    assert one.interval == tuple(-end for end in reversed(other.interval))
    assert one.p_value(0.001) == pytest.approx(other.p_value(0.001))


@pytest.mark.parametrize("kinship", ["same weights", "converted from"])
@pytest.mark.parametrize("whole", [True, False])
def test_p_value_fits_the_interval(kinship: Any, whole: bool) -> None:
    seen = set()
    for n in (128, 384, 1024, 3900):
        second = WORLD.drawn(WORSE, n, REFERENCE, kinship, **INT8)
        own = WORLD.full(TWIN, **ORIGINAL) if whole else WORLD.drawn(TWIN, n + 64, REFERENCE, kinship, **ORIGINAL)
        pair = drawn_pairs.compared(Answered(*own), Answered(*second), "top1", of(own, second))
        assert pair is not None
        for margin in (0.0, 0.001, 0.01, 0.03, 0.05):
            low, high = pair.interval
            outside = low > margin or high < -margin
            assert (pair.p_value(margin) <= 0.05) == outside
            seen.add(outside)
    assert seen == {True, False}


def test_a_true_difference_is_lost_in_at_most_one_of_twenty() -> None:
    """Looked at after 128, 256 and 512 images: at which they stop does not matter."""
    world = World.of(1000, seed=8)
    reference = World.of(1000, seed=11).reference  # of another network that has nothing to do with either
    first, second = world.relative(1.0, seed=1), world.relative(1.0, seed=2, bias=-0.5)
    truth, lost = first.mean() - second.mean(), 0
    for seed in range(60):
        missed = False
        for n in (128, 256, 512):
            runs = [
                world.drawn(right, n, reference, seed=seed, key=f"{number}e" * 32)
                for number, right in enumerate((first, second))
            ]
            evidence = made.evidence(world, runs, [reference])
            pair = drawn_pairs.compared(Answered(*runs[0]), Answered(*runs[1]), "top1", evidence)
            assert pair is not None
            missed |= not pair.interval[0] <= truth <= pair.interval[1]
        lost += missed
    assert lost <= 7  # of 60; more have a chance of 1 in 100 if each is lost in one of twenty


@pytest.mark.parametrize(
    "other",
    [
        WORLD.uniform(WORLD.right, 512, **ORIGINAL),
        WORLD.drawn(WORLD.right, 512, REFERENCE, seed=4, **ORIGINAL),
        WORLD.drawn(WORLD.right, 512, REFERENCE, "same weights", **ORIGINAL),
        WORLD.full(WORLD.right, population_id="another", **ORIGINAL),
    ],
    ids=["equally likely images", "another seed", "another rule", "another population"],
)
def test_without_a_common_draw_nothing_is_compared(other: Made) -> None:
    assert not pairs(of(other, WORLD.drawn(WORSE, 512, REFERENCE, **INT8)))


def test_other_labels_are_not_compared() -> None:
    run, answers = WORLD.full(WORLD.right, **ORIGINAL)
    other = run, replace(answers, classes=(answers.classes + 1) % 20)
    assert not pairs(of(other, WORLD.drawn(WORSE, 512, REFERENCE, **INT8)))


def test_a_loss_is_told_with_its_images() -> None:
    evidence = of(WORLD.full(WORLD.right, **ORIGINAL), WORLD.drawn(WORSE, 1024, REFERENCE, **INT8))
    found, _ = Converted().judge(evidence)
    assert found.outcome == "fail"
    assert found.n == 1024
    assert (found.low or 1) <= (found.measured or 1) <= (found.high or 0)
    assert "top-1 of 1,024 images drawn by what zoo/original@torch answered: " in found.reason
    assert "; over all, a difference of " in found.reason
    assert "p (valid at any stop) = " in found.reason
    listed = discordant_csv(pairs(evidence)).splitlines()
    assert len(listed) == 1 + sum(sum(pair.counts) for pair in pairs(evidence))


def test_same_weights_elsewhere_pass() -> None:
    """Hard images come first, yet a margin of 1 point is shown with a quarter of the images."""
    runs = [WORLD.full(WORLD.right, **ORIGINAL)]
    runs += [WORLD.drawn(TWIN, n, REFERENCE, "same weights", key=f"{n:064d}", framework="torch") for n in (1024, 128)]
    near, open_ = (each for each in Frameworks().judge(of(*runs, margin=0.01)) if "top-1" in each.reason)
    assert near.outcome == "pass"
    assert near.against == "1e" * 32
    assert open_.outcome == "inconclusive"
    assert "; to decide it, look at more images, at most at all 4,000" in open_.reason
    assert "could have shown" not in open_.reason


def test_claimed_loss_is_judged_over_all_images() -> None:
    claims = [
        a_claim(id=name, checkpoint=f"zoo/{name}", value=value, decimals=1, population="made_up")
        for name, value in (("original", "70.0"), ("int8", "69.9"))
    ]
    evidence = of(WORLD.full(WORLD.right, **ORIGINAL), WORLD.drawn(WORSE, 1024, REFERENCE, **INT8), claims=claims)
    (found,) = ClaimedLoss().judge(evidence)
    assert found.outcome == "refuted"
    assert "more than the documented loss from 70.0 % to 69.9 %" in found.reason


def labels(second: Made) -> Verdict:
    (found,) = SameLabels().judge(of(WORLD.full(WORLD.right, **ORIGINAL), second))
    return found


def test_labels_of_hard_images() -> None:
    same = labels(WORLD.drawn(WORLD.right, 512, REFERENCE, "same weights", key="3e" * 32))
    assert same.outcome == "pass"
    assert "0 of 512 labels of images drawn by what zoo/original@torch answered differ" in same.reason
    few = WORLD.relative(0.004, seed=6)
    some = labels(WORLD.drawn(few, 512, REFERENCE, "same weights", key="3e" * 32))
    assert some.outcome == "inconclusive"
    broken = labels(WORLD.drawn(~WORLD.right, 512, REFERENCE, "same weights", key="3e" * 32))
    assert broken.outcome == "fail"
    assert (broken.low or 0) > 0.5


def test_scores_are_compared_on_the_same_images_alone() -> None:
    def scored(one: Made, rows: np.ndarray) -> Made:
        every = np.random.default_rng(0).normal(size=(WORLD.images, made.CLASSES)).astype(np.float32)
        return one[0], replace(one[1], first_scores=every[rows[:64]])

    rows = drawing.drawn_rows(REFERENCE, "even", made.SEED)
    whole = scored(WORLD.full(WORLD.right, **ORIGINAL), np.arange(64))
    short, long = (
        scored(WORLD.drawn(WORLD.right, n, REFERENCE, "same weights", key=f"{n:064d}"), rows) for n in (128, 512)
    )
    assert not list(SameScores().judge(of(whole, long)))
    (found,) = SameScores().judge(of(short, long))
    assert found.outcome == "pass"
    assert found.n == 64


def test_runs_that_saw_all_images_in_the_end_are_compared_as_others() -> None:
    rows = drawing.drawn_rows(REFERENCE, "margin", made.SEED)
    run, answers = WORLD.full(WORSE, **INT8)
    drawn_to_the_end = run, answers.of_rows(rows)
    for runs in (
        [WORLD.full(WORLD.right, **ORIGINAL), drawn_to_the_end],
        [drawn_to_the_end, WORLD.full(WORLD.right, **ORIGINAL), WORLD.full(TWIN, framework="torch", key="4e" * 32)],
    ):
        pair = next(each for each in top1(*runs) if each.kind == "converted")
        assert pair.is_exact
        assert pair.drawn is None
        assert pair.counts == (int((WORLD.right & ~WORSE).sum()), int((WORSE & ~WORLD.right).sum()))
    twin = WORLD.full(WORLD.right, key="5e" * 32, framework="torch")
    twin = twin[0], twin[1].of_rows(rows)
    (found,) = SameLabels().judge(of(WORLD.full(WORLD.right, **ORIGINAL), twin))
    assert found.outcome == "pass"
    assert "0 of 4,000 labels differ" in found.reason
