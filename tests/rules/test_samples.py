"""Rule X301: printed answers beside ours, as what they are printed, within what their digits leave open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import softmax

from tests.by_hand.documents import checkpoint
from tests.by_hand.records import a_run
from tests.by_hand.samples import a_sample_run
from zoo.ending.exit_codes import DEVIATES, NOT_RUN, OK
from zoo.records import Deviation, LabelMap, PrintedScore, SampleAnswer, SampleRun, Verdict
from zoo.records.documents import File
from zoo.rules.base import Evidence
from zoo.rules.judge import exit_code, judge

THREE = LabelMap(id="three", outputs=3, classes=2, first=1, names=("ant", "bear"))
PROBABILITIES = tuple(softmax([1.0, 3.0, -0.5]).tolist())  # 0.1164, 0.8602, 0.0260 before rounding


def a_sample(*printed: str, **changes: Any) -> SampleAnswer:
    scores = tuple(PrintedScore(output=place, value=value) for place, value in enumerate(printed))
    fields: dict[str, Any] = {
        "id": "one", "checkpoint": "a/net", "source": "page", "input": File(name="cat.jpg"), "recipe": "r",
        "scores": scores,
    }  # fmt: skip
    return SampleAnswer(**(fields | changes))


def verdict(sample: SampleAnswer, run: SampleRun | None = None, **changes: Any) -> Verdict:
    (found,) = judge(evidence(sample, run or a_sample_run(**changes)))
    assert (found.rule, found.topic, found.claim_id) == ("X301", "sample_answers", "one")
    return found


def evidence(sample: SampleAnswer, *runs: SampleRun, **more: Any) -> Evidence:
    known = {"a/net": checkpoint(label_map="three")}
    return Evidence(samples=runs, sample_answers=[sample], checkpoints=known, label_maps={"three": THREE}, **more)


def test_scores_that_round_to_the_printed_text_are_confirmed() -> None:
    found = verdict(a_sample("1.0", "3.00", "-0.5"), outputs=(1.049, 2.996, -0.451))
    assert found.outcome == "confirmed"
    assert found.documented == -0.5
    assert found.measured == -0.451
    assert "3 scores agree; largest difference 0.049 at output 2 (1 bear): printed -0.5, here -0.451" in found.reason
    assert "allowed 0.05 (half a unit of the last printed digit)" in found.reason


@pytest.mark.parametrize("third", ["-0.6", "-0.51", "0.5"])
def test_one_that_does_not_is_refuted_and_named(third: str) -> None:
    found = verdict(a_sample("1.0", "3.00", third))
    assert found.outcome == "refuted"
    assert found.documented == float(third)
    assert found.measured == -0.5
    assert "1 of 3 scores beyond what is allowed; largest difference" in found.reason
    assert "output 2 (1 bear)" in found.reason


@pytest.mark.parametrize(("outputs", "outcome"), [((1.1, 3.0, -0.5), "confirmed"), ((1.1, 3.31, -0.5), "refuted")])
def test_a_stated_tolerance_stands_for_the_digits(outputs: tuple[float, ...], outcome: str) -> None:
    sample = a_sample("1.00", "3.00", "-0.50", tolerance=0.1, relative_tolerance=0.05)
    found = verdict(sample, outputs=outputs)
    assert found.outcome == outcome
    assert "printed digit" not in found.reason


@pytest.mark.parametrize(("second", "outcome"), [(0.0, "confirmed"), (0.001, "refuted")])
def test_a_relative_tolerance_allows_nothing_for_zero(second: float, outcome: str) -> None:
    found = verdict(a_sample("1.0", "0.0", "-0.5", relative_tolerance=0.01), outputs=(1.0, second, -0.501))
    assert found.outcome == outcome
    assert ("at output 1" in found.reason) == bool(second)


@pytest.mark.parametrize("outputs", [(1.0, 3.0, -0.5), PROBABILITIES])
def test_probabilities_beside_logits_and_beside_probabilities(outputs: tuple[float, ...]) -> None:
    right = [f"{100 * share:.2f}" for share in PROBABILITIES]
    sample = a_sample(*right, of="probabilities", unit="percent")
    assert verdict(sample, outputs=outputs).outcome == "confirmed"
    wrong = [right[0], right[1], f"{100 * PROBABILITIES[2] + 0.01:.2f}"]
    assert verdict(a_sample(*wrong, of="probabilities", unit="percent"), outputs=outputs).outcome == "refuted"
    assert verdict(a_sample(*right, of="probabilities"), outputs=outputs).outcome == "refuted"  # 11.64 is no fraction


def test_logits_behind_a_softmax_are_known_but_for_one_constant() -> None:
    moved = a_sample("6.00", "8.00", "4.50", of="logits")
    found = verdict(moved, outputs=PROBABILITIES)
    assert found.outcome == "confirmed"
    assert "but for one constant" in found.reason
    assert verdict(moved).outcome == "refuted"  # where the network gives its logits there is no constant to choose
    assert verdict(a_sample("6.00", "8.02", "4.50", of="logits"), outputs=PROBABILITIES).outcome == "refuted"


def test_the_best_outputs_in_their_order() -> None:
    assert verdict(a_sample(best=(1, 0))).outcome == "confirmed"
    found = verdict(a_sample(best=(0, 1)))
    assert found.outcome == "refuted"
    assert (
        "highest scores: output 1 (0 ant), output 0 (no class); printed: output 0 (no class), output 1" in found.reason
    )
    both = verdict(a_sample("1.0", best=(2,)))
    assert both.outcome == "refuted"
    assert "1 score agrees;" in both.reason


def test_a_tensor_of_another_length_is_refuted() -> None:
    sample = a_sample(output=File(name="out.npy"), scores=(), relative_tolerance=1e-3)
    assert verdict(sample, published=(1.0, 3.0, -0.5)).outcome == "confirmed"
    assert verdict(sample, published=(1.0, 3.01, -0.5)).outcome == "refuted"
    found = verdict(sample, published=(1.0, 3.0))
    assert found.outcome == "refuted"
    assert "the publisher's tensor has 2 scores, the network 3" in found.reason


@pytest.mark.parametrize("value", ["1.0", "2.0"])
def test_another_kind_of_kernel_is_not_comparable(value: str) -> None:
    sample = a_sample(value, integer_sums="exact", processor="a Xeon with VNNI")
    found = verdict(sample, integer_sums="saturating")
    assert found.outcome == "not_comparable"
    assert "made with byte products added whole (a Xeon with VNNI), byte products are cut off at 16 bits here" in (
        found.reason
    )
    assert "`--arithmetic exact`" in found.reason
    assert verdict(sample, integer_sums="exact").outcome == ("confirmed" if value == "1.0" else "refuted")
    assert verdict(sample, integer_sums="none").outcome == ("confirmed" if value == "1.0" else "refuted")


def test_integers_on_a_processor_of_which_nobody_says_anything() -> None:
    assert verdict(a_sample("2.0"), integer_sums="exact").outcome == "not_comparable"
    assert verdict(a_sample("1.0"), integer_sums="exact").outcome == "confirmed"


def test_a_picture_that_may_be_another_one_refutes_nothing() -> None:
    found = verdict(a_sample("2.0"), input_verified=False)
    assert found.outcome == "not_comparable"
    assert "no hash shows that cat.jpg is the publisher's file (sha256 here: cccccccccccc)" in found.reason
    assert verdict(a_sample("1.0"), input_verified=False).outcome == "confirmed"


def test_one_that_nobody_can_look_at_is_not_comparable() -> None:
    lost = a_sample("1.0", input=None, recipe="", unavailable="nobody names the picture")
    (found,) = judge(evidence(lost))
    assert (found.outcome, found.subject) == ("not_comparable", "a/net")
    assert "nobody names the picture" in found.reason
    assert judge(evidence(a_sample("1.0"))) == []


def test_exit_codes() -> None:
    failed = a_sample_run(status="failed", error="the worker died\nTraceback")
    assert verdict(a_sample("1.0"), failed).reason == "sample answer one: not run: the worker died"
    good, bad = verdict(a_sample("1.0")), verdict(a_sample("2.0"))
    assert exit_code([], [good], samples=[a_sample_run()]) == OK
    assert exit_code([a_run()], [good, bad], samples=[a_sample_run()]) == DEVIATES
    assert exit_code([a_run()], [good], samples=[failed]) == NOT_RUN


def test_a_known_deviation_explains_one_and_is_missed_where_it_passes() -> None:
    known = Deviation(
        id="k", rule="X301", subject="a/net@torch", reason="understood", link="https://example.org", date="2026-01-01"
    )
    (found,) = judge(evidence(a_sample("2.0"), a_sample_run(), deviations=[known]))
    assert found.outcome == "known"
    _, outlived = judge(evidence(a_sample("1.0"), a_sample_run(), deviations=[known]))
    assert (outlived.rule, outlived.outcome) == ("D101", "fail")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"scores": ()}, "one of scores, best, output is needed"),
        ({"output": File(name="out.npy")}, "scores and output"),
        ({"scores": (), "output": File(name="out.npy")}, "a tensor has no printed digits"),
        ({"input": None}, "input is needed"),
        ({"recipe": ""}, "expected a recipe for a picture"),
        ({"input": File(name="in.pb")}, "none for a tensor"),
        ({"best": (1, 1)}, "best: expected each output once"),
        ({"tolerance": 0.0}, "greater than 0"),
        ({"scores": (PrintedScore(output=1, value="1"), PrintedScore(output=1, value="2"))}, "scores: expected each"),
    ],
)
def test_what_a_sample_answer_cannot_be(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        a_sample("1.0", **changes)


def test_a_run_is_done_with_scores_or_not_done_with_an_error() -> None:
    with pytest.raises(ValidationError):
        a_sample_run(outputs=())
    with pytest.raises(ValidationError):
        a_sample_run(status="failed", error=None)


@pytest.mark.parametrize(
    ("value", "unit", "half"), [("24.90", "percent", 0.00005), ("-1.19", "", 0.005), ("3", "", 0.5)]
)
def test_half_a_unit_of_the_last_digit(value: str, unit: str, half: float) -> None:
    assert PrintedScore(output=0, value=value).half_unit(unit) == half
    assert np.isclose(PrintedScore(output=0, value="24.90").number("percent"), 0.249)
