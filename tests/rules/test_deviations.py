"""Known deviations explain exactly one finding each, and cannot outlive it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.by_hand.records import a_run, a_verdict, deviation
from zoo.records import Deviation, Verdict
from zoo.rules import deviations
from zoo.rules.base import Evidence
from zoo.rules.judge import judge


def applied(verdict: Verdict, entry: Deviation, subjects: list[str] | None = None) -> list[Verdict]:
    return deviations.apply([verdict], [entry], ["A101"], subjects)


@pytest.mark.parametrize("outcome", ["refuted", "fail"])
def test_explained(outcome: Any) -> None:
    (verdict,) = applied(a_verdict(outcome=outcome), deviation())
    assert verdict.outcome == "known"
    assert "another library" in verdict.reason
    assert "https://example.org/1" in verdict.reason


@pytest.mark.parametrize("outcome", ["pass", "confirmed"])
def test_now_passes(outcome: Any) -> None:
    first, stale = applied(a_verdict(outcome=outcome), deviation())
    assert first.outcome == outcome
    assert (stale.rule, stale.subject, stale.outcome) == ("D101", "understood", "fail")
    assert "now passes" in stale.reason


def test_a_claim_is_explained_and_another_of_the_same_checkpoint_is_not() -> None:
    own, other = (a_verdict(outcome="refuted", claim_id=claim) for claim in ("mine", "yours"))
    found = deviations.apply([own, other], [deviation(claim="mine")], ["A101"], None)
    assert [verdict.outcome for verdict in found] == ["known", "refuted"]
    _, _, stale = deviations.apply([own, other], [deviation(claim="elsewhere")], ["A101"], None)
    assert (stale.rule, stale.outcome) == ("D101", "fail")
    assert stale.reason.startswith("A101 on embedded/onnx@onnxruntime (elsewhere) matches no verdict: rule, subject")


def test_matches_nothing() -> None:
    _, stale = applied(a_verdict(outcome="refuted"), deviation(subject="embedded/*"))
    assert stale.outcome == "fail"
    assert "matches no verdict" in stale.reason


@pytest.mark.parametrize("outcome", ["inconclusive", "not_comparable", "not_run"])
def test_undecided_is_left_alone(outcome: Any) -> None:
    assert [verdict.outcome for verdict in applied(a_verdict(outcome=outcome), deviation())] == [outcome]


def test_out_of_scope_is_silent() -> None:
    verdict = a_verdict(outcome="confirmed")
    assert applied(verdict, deviation(rule="X101")) == [verdict]
    assert applied(verdict, deviation(subject="other@torch"), [verdict.subject]) == [verdict]


def test_judging_a_run_applies_them() -> None:
    silent = Evidence(runs=[a_run()], deviations=[deviation(subject="other@torch"), deviation(rule="C201")])
    assert judge(silent, []) == []
    assert [verdict.rule for verdict in judge(Evidence(runs=[a_run()], deviations=[deviation()]))] == ["D101"]
