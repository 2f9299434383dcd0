"""Which runs ask for an explanation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.by_hand.records import a_run, a_verdict
from zoo.diagnose.symptoms import symptoms
from zoo.records import Verdict

GOOD, BAD, THIRD = "1f" * 32, "2e" * 32, "3d" * 32
RUNS = [
    a_run(key=GOOD),
    a_run(key=BAD, checkpoint="embedded/bad"),
    a_run(key=THIRD, checkpoint="embedded/third"),
]


def of_bad(**changes: Any) -> Verdict:
    return a_verdict(**({"subject": "embedded/bad@onnxruntime", "run": BAD, "outcome": "refuted"} | changes))


def test_a_refuted_claim_and_nonsense_are_symptoms() -> None:
    found = symptoms(RUNS, [of_bad(), of_bad(rule="A201", outcome="fail", reason="nonsense"), a_verdict()])
    assert list(found) == ["embedded/bad@onnxruntime"]
    assert [sentence.split(":")[0] for sentence in found["embedded/bad@onnxruntime"]] == ["A101", "A201"]


@pytest.mark.parametrize("outcome", ["confirmed", "pass", "known", "inconclusive", "not_comparable", "not_run"])
def test_no_other_outcome_is_one(outcome: Any) -> None:
    assert symptoms(RUNS, [of_bad(outcome=outcome)]) == {}


def test_a_latency_is_none() -> None:
    assert symptoms(RUNS, [of_bad(rule="L101", outcome="fail")]) == {}


def test_a_failed_run_is_one_and_says_its_first_line() -> None:
    run = a_run(status="failed", error="\n scores hold NaN\ntraceback", key="")
    assert symptoms([run], []) == {run.subject: ("the run failed: scores hold NaN",)}


def test_of_a_pair_the_one_that_is_ill_by_itself_answers_for_it() -> None:
    pair = of_bad(rule="X101", outcome="fail", against=GOOD, reason="other answers")
    assert list(symptoms(RUNS, [pair, of_bad()])) == ["embedded/bad@onnxruntime"]


def test_a_pair_of_which_neither_is_ill_is_a_symptom_of_both() -> None:
    pair = of_bad(rule="X101", outcome="fail", against=GOOD, reason="other answers")
    assert set(symptoms(RUNS, [pair])) == {"embedded/onnx@onnxruntime", "embedded/bad@onnxruntime"}
