"""From repeated answers to causes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.by_hand.records import a_claim, a_run
from zoo.diagnose.base import Case
from zoo.diagnose.repeats.look import look
from zoo.diagnose.repeats.scores import ROUNDING, Repeated, Varied
from zoo.documents.load import load_zoo
from zoo.measure.ranking import rank
from zoo.records import AsShipped
from zoo.records.predictions import Predictions

N, OUTPUTS = 64, 24
ZOO = load_zoo("embedded")
CAUSES = ("not_deterministic", "depends_on_neighbours", "threads", "arithmetic", "kept_differ")


def some_scores(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (N, OUTPUTS)).astype(np.float32)


def moved(scores: np.ndarray, share: float) -> np.ndarray:
    """One score of every image moved by this share of the image's largest."""
    other = scores.copy()
    other[:, 3] += share * np.abs(scores).max(axis=1)
    return other


def a_case(first: np.ndarray, right: int = 640, n: int = 960, documented: str = "66.7", **run: Any) -> Case:
    """Its images are all of the class that `first` gives them."""
    checkpoint, ranked, right_answer = ZOO.checkpoints["embedded/onnx"], rank(first), np.ones(N, bool)
    classes = first.argmax(axis=1)
    ids = tuple(f"{number:02}.jpg" for number in range(N))
    return Case(
        run=a_run(n=n, top1_correct=right, top5_correct=n, **run),
        checkpoint=checkpoint,
        label_map=ZOO.label_maps[checkpoint.label_map],
        recipe=ZOO.recipes[checkpoint.recipe],
        claims=[a_claim(value=documented, decimals=1)],
        answers=Predictions(ids, classes, ranked.indices, ranked.scores, right_answer, right_answer, first),
    )


def repeated(**changes: Any) -> tuple[np.ndarray, Repeated]:
    first = some_scores()
    fields = {"first": first, "again": first, "afresh": first, "kept": first, "rows": np.arange(N), **changes}
    return first, Repeated(**fields)


def varied(scores: np.ndarray, before: str = "8", after: str = "1") -> Varied:
    return Varied(before, after, scores)


def test_answers_that_stay_name_nothing() -> None:
    first, seen = repeated()
    same = varied(first), varied(first), varied(first, "exact", "as-shipped")
    seen = Repeated(first, first, first, first, np.arange(N), *same)
    found = look(a_case(first), seen)
    assert not found.candidates
    assert [each.cause for each in found.excluded] == [f"repeat.{cause}" for cause in CAUSES]


def test_the_last_digits_are_no_cause() -> None:
    first, _ = repeated()
    near = moved(first, ROUNDING / 2)
    same = varied(near), varied(near), varied(near, "exact", "as-shipped")
    found = look(a_case(first), Repeated(first, near, near, near, np.arange(N), *same))
    assert not found.candidates


@pytest.mark.parametrize("share", [2 * ROUNDING, 0.01, 2.0])
@pytest.mark.parametrize(
    ("field", "cause"),
    [
        ("again", "not_deterministic"),
        ("afresh", "not_deterministic"),
        ("alone", "depends_on_neighbours"),
        ("threads", "threads"),
        ("kept", "kept_differ"),
    ],
)
def test_what_moves_is_named_alone(field: str, cause: str, share: float) -> None:
    first = some_scores()
    other = moved(first, share)
    whole = field in ("again", "afresh", "kept")
    _, seen = repeated(**{field: other if whole else varied(other)})
    (candidate,) = look(a_case(first), seen).candidates
    assert candidate.cause == f"repeat.{cause}"
    assert (candidate.certainty, candidate.images) == ("shown", N)
    assert "64 of 64 images" in candidate.evidence
    labels = int((other.argmax(axis=1) != first.argmax(axis=1)).sum())
    assert f"{labels} change the label" in candidate.evidence


def test_an_image_that_moves_is_enough() -> None:
    first = some_scores()
    other = first.copy()
    other[17] = moved(first, 0.5)[17]
    _, seen = repeated(alone=varied(other))
    (candidate,) = look(a_case(first), seen).candidates
    assert "1 of 64 images" in candidate.evidence
    assert candidate.command.endswith("--fresh --batch-size 1")


def test_answers_that_change_by_themselves_hide_the_rest() -> None:
    first = some_scores()
    _, seen = repeated(again=some_scores(2), alone=varied(some_scores(3)), kept=some_scores(4))
    found = look(a_case(first), seen)
    assert [each.cause for each in found.candidates] == ["repeat.not_deterministic"]
    assert "hides the rest" in found.not_looked[0]


def test_quantised_networks_round_more() -> None:
    first = some_scores()
    near = moved(first, 0.01)
    _, seen = repeated(alone=varied(near), quantised=True)
    assert not look(a_case(first), seen).candidates


def test_what_has_changed_since_the_run_is_said() -> None:
    first = some_scores()
    _, seen = repeated(kept=some_scores(5), changed=("torch 2.1 became 2.2",))
    (candidate,) = look(a_case(first), seen).candidates
    assert "torch 2.1 became 2.2" in candidate.evidence
    assert candidate.explains == 0  # all 64 were right, and still are


def shipped(lost: int, n: int = 512, right: int = 400) -> AsShipped:
    return AsShipped(n=n, different=2 * lost, top1_correct=right, shipped_correct=right - lost, gained=0, lost=lost)


def with_defaults(**changes: Any) -> Repeated:
    other = some_scores()
    other[:9] = some_scores(7)[:9]
    _, seen = repeated(arithmetic=varied(other, "exact", "as-shipped"), **changes)
    return seen


def test_a_documented_number_of_another_processor_is_possible() -> None:
    case = a_case(some_scores(), right=768, documented="72.0")  # 80 % measured, 72 % documented
    (candidate,) = look(case, with_defaults(beside=shipped(40))).candidates
    assert (candidate.cause, candidate.certainty, candidate.images) == ("repeat.arithmetic", "possible", 512)
    assert "360 instead of 400 of 512 images" in candidate.evidence
    assert candidate.explains == pytest.approx(-40 / 512)


@pytest.mark.parametrize("documented", ["80.0", "79.0", "88.0"])
def test_the_processor_does_not_explain_a_number_that_holds_or_lies_on_the_other_side(documented: str) -> None:
    case = a_case(some_scores(), right=768, documented=documented)
    assert not look(case, with_defaults(beside=shipped(40))).candidates


def test_a_run_as_shipped_that_loses_by_it_is_shown() -> None:
    case = a_case(some_scores(), right=692, documented="80.0", arithmetic="as-shipped")
    _, seen = repeated(arithmetic=varied(some_scores(8), "as-shipped", "exact"), beside=shipped(40))
    (candidate,) = look(case, seen).candidates
    assert candidate.certainty == "shown"
    assert candidate.explains == pytest.approx(40 / 512)
    assert candidate.command.endswith("--arithmetic exact")


def test_a_loss_by_chance_is_not_named() -> None:
    case = a_case(some_scores(), right=692, documented="80.0", arithmetic="as-shipped")
    _, seen = repeated(arithmetic=varied(some_scores(8), "as-shipped", "exact"), beside=shipped(3))
    assert not look(case, seen).candidates
