"""Rules X101 and X102: same weights, same images, two frameworks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.by_hand.records import a_run
from zoo.records import LabelMap, Run, Verdict
from zoo.records.predictions import Predictions
from zoo.rules.base import Evidence, Rule
from zoo.rules.pairs.same_answers import SameLabels, SameScores

PLAIN = LabelMap(id="embedded", outputs=6, classes=6, first=0)
BACKGROUND = LabelMap(id="with_background", outputs=7, classes=6, first=1)
N = 2000


def answers(scores: np.ndarray, first: int = 0) -> Predictions:
    """Predictions whose true class is the best-scored one of an undisturbed network."""
    order = np.argsort(-scores, axis=1, kind="stable").astype(np.int32)[:, :5]
    right = np.arange(N) % 6
    return Predictions(
        ids=tuple(f"{number:04d}.jpg" for number in range(N)),
        classes=right,
        indices=order,
        scores=np.take_along_axis(scores, order, axis=1),
        top1=order[:, 0] - first == right,
        top5=(order - first == right[:, None]).any(axis=1),
        first_scores=scores[:64],
    )


def logits() -> np.ndarray:
    scores = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)
    scores[np.arange(N), np.arange(N) % 6] += 8
    return scores


def judged(rule: Rule, second: Predictions, first: Predictions | None = None, **changes: Any) -> list[Verdict]:
    """Verdicts on onnxruntime, undisturbed or with answers `first`, against a second run that answered `second`."""
    fields = {"weights": "w", "n": N, "top1_correct": 5, "top5_correct": 6}
    runs = [a_run(**fields), a_run(**{**fields, "framework": "torch", "key": "2e" * 32, **changes})]
    kept = {runs[0].key: first or answers(logits()), runs[1].key: second}
    maps = {each.id: each for each in (PLAIN, BACKGROUND)}
    return list(rule.judge(Evidence(runs=runs, label_maps=maps, answers=lambda run: kept[run.key])))


def flipped(count: int) -> Predictions:
    """`count` images get another class."""
    scores = logits()
    scores[:count] = np.roll(scores[:count], 1, axis=1)
    return answers(scores)


@pytest.mark.parametrize(("count", "outcome"), [(0, "pass"), (2, "pass"), (3, "fail"), (500, "fail")])
def test_one_label_in_a_thousand_may_differ(count: int, outcome: str) -> None:
    (verdict,) = judged(SameLabels(), flipped(count))
    assert (verdict.outcome, verdict.subject) == (outcome, "embedded/onnx@torch")
    assert verdict.measured == count / N
    assert f"{count} of 2,000 labels differ (allowed: 2)" in verdict.reason


def test_differing_images_are_named() -> None:
    (verdict,) = judged(SameLabels(), flipped(12))
    assert "0000.jpg, 0001.jpg" in verdict.reason
    assert "0009.jpg and 2 more" in verdict.reason


def near_tie(gap: float, image: int = 100) -> tuple[Predictions, Predictions]:
    """Two runs that differ in one image's best class; each has the two best scores `gap` apart."""
    pair = logits(), logits()
    for scores, (best, other) in zip(pair, ((0, 1), (1, 0)), strict=True):
        scores[image, [best, other]] = 20, 20 - gap
    return answers(pair[0]), answers(pair[1])


@pytest.mark.parametrize(("gap", "outcome"), [(0.01, "pass"), (0.5, "fail")])
def test_a_near_tie_may_fall_either_way(gap: float, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spread of these logits is about 3, so that 0.09 is near."""
    first, second = near_tie(gap)
    monkeypatch.setattr("zoo.rules.pairs.same_answers.LABELS_PER_THOUSAND", 0)
    (verdict,) = judged(SameLabels(), second, first=first)
    assert verdict.outcome == outcome
    assert ("1 of them in near ties" in verdict.reason) == (outcome == "pass")
    assert "0100.jpg" in verdict.reason


def with_difference(shift: float, rows: slice = slice(3, 4)) -> Predictions:
    scores = logits()
    scores[rows, 2] += shift
    return answers(scores)


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        (with_difference(0.0), "pass"),
        (with_difference(0.3), "pass"),
        (with_difference(0.9), "fail"),  # one score of one image, by more than 20 % of the spread
        (with_difference(0.05, slice(None)), "pass"),
        (with_difference(0.2, slice(None)), "fail"),  # one class of all images, by less
    ],
)
def test_how_far_logits_may_differ(second: Predictions, outcome: str) -> None:
    (verdict,) = judged(SameScores(), second)
    assert (verdict.outcome, verdict.n) == (outcome, 64), verdict.reason
    assert "logits of 64 images differ by at most" in verdict.reason


def test_more_than_rounding_is_said_where_it_passes() -> None:
    said = "more than float32 rounds"
    assert said in judged(SameScores(), with_difference(0.05, slice(None)))[0].reason
    assert said not in judged(SameScores(), with_difference(0.0))[0].reason


def softmax(scores: np.ndarray) -> np.ndarray:
    exponents = np.exp(scores.astype(np.float64))
    return (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)


KINDS = {
    "logits of 64 images": lambda scores: scores + 3,
    "softmax outputs against logits": softmax,
    "outputs of two softmaxes against logits": lambda scores: softmax(softmax(scores)),
    "sigmoid outputs against logits": lambda scores: (1 / (1 + np.exp(-scores))).astype(np.float32),
    "but for a factor of 0.1": lambda scores: scores / 10,
    "put all classes into the same order": lambda scores: scores**3,
}


@pytest.mark.parametrize("said", list(KINDS))
def test_scores_of_another_kind_are_compared_as_one(said: str) -> None:
    kind: Any = KINDS[said]
    (verdict,) = judged(SameScores(), answers(kind(logits())))
    assert verdict.outcome == "pass", verdict.reason
    assert said in verdict.reason


@pytest.mark.parametrize("said", list(KINDS))
def test_a_defect_shows_in_any_kind(said: str) -> None:
    """The scores of one class are 0.5 too high: a sixth of the spread."""
    kind: Any = KINDS[said]
    scores = logits()
    scores[:, 2] += 0.5
    (verdict,) = judged(SameScores(), answers(kind(scores)))
    assert verdict.outcome == "fail", verdict.reason


def test_scores_too_coarse_to_compare() -> None:
    steps = np.rint(softmax(logits()) * 256).astype(np.float32) / 256
    (verdict,) = judged(SameScores(), answers(steps / steps.sum(axis=1, keepdims=True)))
    assert verdict.outcome == "not_comparable"
    assert "too coarse" in verdict.reason


def test_background_output_is_left_out() -> None:
    scores = np.concatenate([np.full((N, 1), -9, np.float32), logits()], axis=1)
    second = answers(scores, first=1)
    for rule in (SameLabels(), SameScores()):
        (verdict,) = judged(rule, second, label_map="with_background")
        assert verdict.outcome == "pass"


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": "others"},
        {"image_set": "others"},
        {"geometry": "others"},
        {"precision": "int8"},
        {"status": "failed", "error": "x"},
    ],
)
def test_runs_that_are_not_alike_are_not_compared(changes: dict[str, Any]) -> None:
    if changes.get("status") == "failed":
        changes = {**changes, "n": 0, "top1_correct": 0, "top5_correct": 0}
    assert judged(SameLabels(), flipped(500), **changes) == []
    assert judged(SameScores(), flipped(500), **changes) == []


def test_other_images_of_the_same_names_are_not_compared() -> None:
    second = flipped(500)
    assert judged(SameLabels(), second)
    others = replace(second, classes=second.classes[::-1].copy())
    assert judged(SameLabels(), others) == judged(SameScores(), others) == []
    wider = replace(second, other_classes=np.full((N, 1), 5))  # the lowest right classes are the same
    assert judged(SameLabels(), wider) == judged(SameScores(), wider) == []
    assert judged(SameLabels(), wider, first=replace(answers(logits()), other_classes=wider.other_classes))


def test_without_kept_answers_there_is_nothing_to_say() -> None:
    run: Run = a_run(weights="w")
    assert list(SameLabels().judge(Evidence(runs=[run, run]))) == []
