"""Class and size of what a measurement refutes: they follow from the numbers of a verdict, whatever its rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.by_hand.records import a_claim, a_run
from zoo.records import FindingClass, Outcome, Topic, Verdict
from zoo.rules import findings
from zoo.rules.base import Evidence, Rule


class _Plain(Rule):
    """A rule that names no class and no size itself."""

    id = "A999"
    topic = "accuracy"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        return iter(())


def of_rule(outcome: Outcome, topic: Topic = "accuracy", unit: str = "fraction", **fields: Any) -> Verdict:
    return _Plain().verdict(a_run(), outcome, "It is so.", **{"topic": topic, "unit": unit, **fields})


Summary = tuple[FindingClass | None, float | None, str | None]


def summary(verdict: Verdict) -> Summary:
    return verdict.finding_class, verdict.size, verdict.size_unit


def test_a_refuted_accuracy_is_wrong_by_the_points_between() -> None:
    found = of_rule("refuted", claim=a_claim(value="71.80"), measured=0.683)
    assert summary(found) == ("contradiction", 3.5, "points")
    error = a_claim(value="28.20", unit="percent_error")
    assert summary(of_rule("refuted", claim=error, measured=0.683)) == ("contradiction", 3.5, "points")


@pytest.mark.parametrize("outcome", ["confirmed", "inconclusive", "not_comparable", "not_run", "pass"])
def test_what_is_not_refuted_is_no_finding(outcome: Outcome) -> None:
    assert summary(of_rule(outcome, claim=a_claim(value="71.80"), measured=0.683)) == (None, None, None)


def test_two_runs_that_should_agree() -> None:
    apart: dict[str, Any] = {"topic": "image_by_image", "unit": "points", "measured": -0.0125}
    other = a_run(framework="torch", key="2b" * 32)
    assert summary(of_rule("fail", **apart, against=other)) == ("contradiction", 1.25, "points")
    tight = a_run(recipe="tight", key="2b" * 32)
    assert summary(of_rule("fail", **apart, against=tight)) == (
        "differs_between_documents", 1.25, "points",
    )  # fmt: skip
    lost = of_rule("refuted", **apart, documented=-0.0025, against=other)
    assert summary(lost) == ("contradiction", 1.0, "points")
    labels = of_rule("fail", "same_answers", "", measured=0.02, against=other)
    assert summary(labels) == ("contradiction", None, None)


@pytest.mark.parametrize("topic", ["nonsense", "quotable_latency", "baseline"])
def test_a_failed_run_is_no_finding_about_a_document(topic: Topic) -> None:
    assert summary(of_rule("fail", topic, "ratio", measured=1.2)) == (None, None, None)


def test_a_rule_that_knows_better_says_so() -> None:
    own = findings.plain("incomplete")
    assert summary(of_rule("refuted", claim=a_claim(), measured=0.5, finding=own)) == ("incomplete", None, None)


def test_the_gravest_class_comes_first() -> None:
    assert findings.gravest(["incomplete", "cannot_be", "unit_or_rounding"]) == "cannot_be"
