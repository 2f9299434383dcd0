"""Rules X101 and X102: same weights, same images, two frameworks."""

from __future__ import annotations

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


def judged(rule: Rule, second: Predictions, **changes: Any) -> list[Verdict]:
    """Verdicts on onnxruntime against a second run that answered `second`."""
    fields = {"weights": "w", "n": N, "top1_correct": 5, "top5_correct": 6}
    runs = [a_run(**fields), a_run(**{**fields, "framework": "torch", "key": "2e" * 32, **changes})]
    kept = {runs[0].key: answers(logits()), runs[1].key: second}
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


@pytest.mark.parametrize(("shift", "outcome"), [(0.0, "pass"), (1e-3, "pass"), (5e-3, "fail")])
def test_largest_logit_difference(shift: float, outcome: str) -> None:
    scores = logits()
    scores[3, 2] += shift
    (verdict,) = judged(SameScores(), answers(scores))
    assert (verdict.outcome, verdict.n) == (outcome, 64)


def test_a_constant_per_row_is_no_difference() -> None:
    (verdict,) = judged(SameScores(), answers(logits() + 3))
    assert verdict.outcome == "pass"


def test_softmax_outputs_are_compared_as_logits() -> None:
    exponents = np.exp(logits().astype(np.float64))
    softmax = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
    (verdict,) = judged(SameScores(), answers(softmax))
    assert verdict.outcome == "pass"


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


def test_without_kept_answers_there_is_nothing_to_say() -> None:
    run: Run = a_run(weights="w")
    assert list(SameLabels().judge(Evidence(runs=[run, run]))) == []
