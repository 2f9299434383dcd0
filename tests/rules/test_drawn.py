"""Runs whose images were drawn by a reference: every judgement is of all images, never a share of those looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.by_hand import drawn as made
from tests.by_hand.drawn import World
from tests.by_hand.records import a_claim
from zoo import drawing
from zoo.errors import RunFolderError
from zoo.records import Claim, Run, Verdict
from zoo.records.predictions import Predictions
from zoo.rules import drawn
from zoo.rules.accuracy import Top1
from zoo.rules.judge import judge
from zoo.rules.nonsense.makes_sense import MakesSense
from zoo.rules.populations import NamedPopulation

WORLD = World.of(4000)
REFERENCE = WORLD.reference
RELATIVE = WORLD.relative(0.5, bias=-0.3)


def claim(value: str, **changes: Any) -> Claim:
    return a_claim(checkpoint="zoo/int8", value=value, decimals=1, population="made_up", **changes)


def verdict(run: tuple[Run, Predictions | None], documented: str, **changes: Any) -> Verdict:
    evidence = made.evidence(WORLD, [run], [REFERENCE], **{"claims": [claim(documented)], **changes})
    (found,) = Top1().judge(evidence)
    return found


def test_estimate_and_never_share_is_shown() -> None:
    run, answers = WORLD.drawn(RELATIVE, 1024, REFERENCE, checkpoint="zoo/int8")
    share, truth = run.top1_correct / run.n, RELATIVE.mean()
    assert truth - share > 0.1  # hard images come first
    found = verdict((run, answers), "70.0")
    assert found.outcome == "refuted"
    assert found.measured == run.accuracy("top1") == pytest.approx(truth, abs=0.02)
    assert found.low <= truth <= found.high
    assert "estimated from 1,024 of 4,000 images drawn by what zoo/original@torch answered" in found.reason
    assert f"{run.top1_correct:,} of" not in found.reason
    assert found.decided_at is not None
    assert found.saved is not None
    others = f"{found.decided_at + found.saved:,}, the median if {100 * run.accuracy('top1'):.2f} % are right"
    how = f"decided after {found.decided_at:,} images, {found.saved:,} fewer than in random order ({others})"
    assert how in found.reason


def test_true_claim_is_confirmed_and_an_open_one_says_so() -> None:
    truth = f"{100 * RELATIVE.mean():.1f}"
    confirmed = verdict(WORLD.drawn(RELATIVE, 3968, REFERENCE, checkpoint="zoo/int8"), truth, tolerance=0.01)
    assert confirmed.outcome == "confirmed"
    assert "fewer than in random order" in confirmed.reason
    started = verdict(WORLD.drawn(RELATIVE, 128, REFERENCE, checkpoint="zoo/int8"), truth)
    assert started.outcome == "inconclusive"
    assert started.reason.endswith("; to decide it, look at more images, at most at all 4,000")


@pytest.mark.parametrize(
    ("kinship", "seed"), [("same weights", 0), ("same weights", 5), ("converted from", 1), ("reference", 2)]
)
def test_p_value_fits_the_outcome(kinship: Any, seed: int) -> None:
    for n in (128, 512, 2048):
        run = WORLD.drawn(RELATIVE, n, REFERENCE, kinship, seed, checkpoint="zoo/int8")
        for documented in ("64.0", "66.1", "67.0", "70.0"):
            found = verdict(run, documented)
            assert found.p_value is not None
            assert (found.p_value <= 0.05) == (found.outcome == "refuted")


def test_all_images_are_a_plain_full_run() -> None:
    run, answers = WORLD.drawn(RELATIVE, WORLD.images, REFERENCE, checkpoint="zoo/int8", population="full")
    assert run.drawn is not None
    assert not run.is_estimated
    found = verdict((run, answers), "70.0")
    plain = verdict(WORLD.full(RELATIVE, checkpoint="zoo/int8"), "70.0")
    assert (found.outcome, found.measured, found.low, found.high, found.p_value) == (
        plain.outcome, plain.measured, plain.low, plain.high, plain.p_value,
    )  # fmt: skip
    assert f"{run.top1_correct:,} of 4,000 images" in found.reason


@pytest.mark.parametrize("missing", ["answers", "references"])
def test_counts_alone_say_nothing(missing: str) -> None:
    run = WORLD.drawn(RELATIVE, 1024, REFERENCE, checkpoint="zoo/int8")
    found = verdict(run, "70.0", **{missing: lambda run: None})
    assert found.outcome == "not_comparable"
    assert "were not kept, and counts of images that were not equally likely say nothing" in found.reason
    evidence = made.evidence(WORLD, [run], [REFERENCE], **{missing: lambda run: None})
    assert not list(MakesSense().judge(evidence))


def test_reference_of_fewer_images_is_none_of_the_population() -> None:
    small = World.of(2000)
    run = small.drawn(small.relative(), 512, small.reference, checkpoint="zoo/int8")
    evidence = made.evidence(WORLD, [run], [small.reference], claims=[claim("70.0")])
    (found,) = Top1().judge(evidence)
    assert found.outcome == "not_comparable"
    assert "drawn from 2,000 that zoo/original@torch answered, not from the 4,000 images" in found.reason


def test_another_order_is_an_error() -> None:
    run, answers = WORLD.drawn(RELATIVE, 512, REFERENCE, checkpoint="zoo/int8")
    turned = answers.of_rows(np.arange(512)[::-1])
    evidence = made.evidence(WORLD, [(run, turned)], [REFERENCE])
    with pytest.raises(RunFolderError, match=r"zoo/int8@onnxruntime: its images do not come in the order of a draw"):
        drawn.looked(run, "top1", evidence)


def test_labels_of_fewer_images_are_not_comparable() -> None:
    run, answers = WORLD.drawn(RELATIVE, 512, REFERENCE, checkpoint="zoo/int8")
    some = answers.of_rows(np.arange(0, 512, 2))
    counts = {"n": 256, "top1_correct": int(some.top1.sum()), "top5_correct": 256, "recounts": "ee" * 32}
    found = verdict((run.changed(**counts), some), "70.0")
    assert found.outcome == "not_comparable"
    assert "not all of them have these labels" in found.reason


def test_hard_images_make_no_nonsense() -> None:
    """Most of the images that come first are wrong, many with the neighbour of their class, and many are ties."""
    weak = World.of(4000, accuracy=0.25, seed=4)
    run, answers = weak.drawn(weak.relative(0.2), 512, weak.reference)
    seen = drawing.drawn_rows(weak.reference, "margin", made.SEED)[:512]
    near = np.abs(weak.margins[seen]) < 2
    assert near.mean() > 0.6 > 0.5 > (np.abs(weak.margins) < 2).mean()
    indices = answers.indices.copy()
    indices[near & ~answers.top1, 0] = (answers.classes[near & ~answers.top1] + 1) % made.CLASSES
    scores = np.where(near[:, None], np.float32(1), answers.scores)
    tied = replace(answers, indices=indices, scores=scores)
    run = run.changed(top1_ties=int(near.sum()))
    as_if_equally_likely = made.evidence(weak, [(run.changed(drawn=None), tied)])
    assert [each.outcome for each in MakesSense().judge(as_if_equally_likely)] == ["fail"]
    (found,) = MakesSense().judge(made.evidence(weak, [(run, tied)], [weak.reference]))
    assert found.outcome == "pass", found.reason
    assert found.measured == run.accuracy("top1")
    assert "estimated from 512 images" in found.reason


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda labels, random: random.integers(0, made.CLASSES, len(labels)), "no better than guessing (any class"),
        (lambda labels, random: np.full(len(labels), 7), "one class (7 c7) is the answer to 512 of 512 images"),
        (lambda labels, random: (labels + 1) % made.CLASSES, "the answers fit other labels: with label + 1"),
    ],
)
def test_nonsense_is_still_found(answer: Any, word: str) -> None:
    run, answers = WORLD.drawn(RELATIVE, 512, REFERENCE)
    given = answer(answers.classes, np.random.default_rng(0))
    indices = (given[:, None] + 2 * np.arange(5)) % made.CLASSES
    top1, top5 = given == answers.classes, (indices == answers.classes[:, None]).any(axis=1)
    wrong = replace(answers, indices=indices.astype(np.int32), top1=top1, top5=top5)
    assert run.drawn is not None
    shares = {each: made.estimate(REFERENCE, run.drawn.rule, made.SEED, wrong, each) for each in ("top1", "top5")}
    counts = {"top1_correct": int(top1.sum()), "top5_correct": int(top5.sum())}
    run = run.changed(**counts, drawn=run.drawn.changed(**shares))
    (found,) = MakesSense().judge(made.evidence(WORLD, [(run, wrong)], [REFERENCE]))
    assert found.outcome == "fail"
    assert word in found.reason


def test_a_number_of_other_labels_is_found_by_the_estimate() -> None:
    run = WORLD.drawn(RELATIVE, 2048, REFERENCE, checkpoint="zoo/int8")
    other = WORLD.full(WORLD.right, checkpoint="zoo/int8", population_id="others", key="2f" * 32)
    populations = {each.id: each for each in (WORLD.population, WORLD.population.changed(id="others", title="others"))}
    evidence = made.evidence(WORLD, [run, other], [REFERENCE], claims=[claim("70.0")], populations=populations)
    (found,) = NamedPopulation().judge(evidence)
    assert found.outcome == "fail"
    assert found.measured == run[0].accuracy("top1")


def test_every_rule_judges_a_drawn_run() -> None:
    runs = [
        WORLD.full(WORLD.right, framework="torch", key="1e" * 32),
        WORLD.drawn(RELATIVE, 512, REFERENCE, checkpoint="zoo/int8", key="2e" * 32, weights="v"),
        WORLD.drawn(WORLD.relative(0.01), 640, REFERENCE, "same weights", key="3e" * 32),
        WORLD.uniform(RELATIVE, 512, checkpoint="zoo/int8", key="4e" * 32, weights="v"),
    ]
    found = judge(made.evidence(WORLD, runs, [REFERENCE], claims=[claim("70.0")]))
    assert {each.rule for each in found} >= {"A101", "A201", "X101", "X201", "X202"}
