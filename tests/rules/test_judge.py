"""All rules over all evidence: none is forgotten, samples are adjusted together, deviations apply where they show."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from operator import attrgetter

import pytest

from tests.by_hand.documents import SHA
from tests.by_hand.inspections import inspection, measured
from tests.by_hand.records import a_latency_run, a_run, a_verdict, deviation
from zoo import rules, stats
from zoo.records import Inspection, Verdict
from zoo.rules import findings
from zoo.rules import judge as judging
from zoo.rules.accuracy import Top1
from zoo.rules.base import Evidence, Rule
from zoo.rules.deviations import Outlived
from zoo.rules.judge import judge


def every_rule() -> Iterator[type[Rule]]:
    """Classes in zoo/rules/ that have an id of their own."""
    for module in pkgutil.walk_packages(rules.__path__, "zoo.rules."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(kind, Rule) and "id" in vars(kind):
                yield kind


def test_every_rule_judges_once() -> None:
    written = sorted({kind.id for kind in every_rule()})
    after_all_others = [Outlived.id]  # it looks at the verdicts of the others
    assert sorted([*(rule.id for rule in (*judging.RULES, *judging.CLAIM_RULES)), *after_all_others]) == written
    assert {rule.id[0] for rule in judging.CLAIM_RULES} == {"C"}
    assert "C" not in {rule.id[0] for rule in judging.RULES}
    assert {rule.id[0] for rule in judging.FILE_RULES} == {"P", "S"}
    assert {rule.id for rule in judging.BYTES} == {"P101", "P102"}
    assert [rule.id for rule in judging.PAIR_RULES] == ["X201", "X202", "X203", "X204"]
    assert {rule.id[0] for rule in judging.LATENCY_RULES} == {"L"}


@pytest.mark.parametrize("kind", sorted(set(every_rule()), key=attrgetter("id")), ids=attrgetter("id"))
def test_a_verdict_of_an_earlier_version_gets_the_topic_and_unit_of_its_rule(kind: type[Rule]) -> None:
    stored = {"rule": kind.id, "subject": "a/b@torch", "outcome": "pass", "reason": "so it is"}
    verdict = Verdict.from_json(stored)
    assert (verdict.topic, verdict.unit, verdict.checkpoints) == (kind.topic, kind.unit, ())


def test_a_verdict_says_what_it_is_about() -> None:
    run = a_run()
    verdict = Top1().verdict(run, "pass", "so it is", against=a_latency_run(), n=3)
    assert (verdict.subject, verdict.run, verdict.checkpoints) == (run.subject, run.key, (run.checkpoint,))
    assert (verdict.topic, verdict.unit, verdict.n) == ("accuracy", "fraction", 3)
    assert verdict.against == a_latency_run().key
    named = judging.CLAIM_RULES[0].verdict("a table", "fail", "it is not", finding=findings.plain("incomplete"))
    assert (named.subject, named.run, named.checkpoints) == ("a table", None, ())
    assert (named.topic, named.finding_class) == ("documents", "incomplete")


class Given(Rule):
    """Gives the verdicts that it was made with, so that what is done with them can be seen apart from their rules."""

    def __init__(self, *verdicts: Verdict, rule: str = "A101") -> None:
        self.verdicts, self.id = verdicts, rule  # type: ignore[misc]

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        yield from self.verdicts


def test_samples_are_adjusted_together_and_pairs_keep_theirs() -> None:
    given = [
        a_verdict(p_value=0.01), a_verdict(p_value=0.0), a_verdict(p_value=0.03),
        a_verdict(),
        a_verdict(rule="X201", p_value=0.02, p_adjusted=0.5),
    ]  # fmt: skip
    found = judge(Evidence(), [Given(*given[:2]), Given(*given[2:], rule="X201")])
    expected = [*stats.holm([0.01, 0.0, 0.03]), None, 0.5]
    assert [each.p_adjusted for each in found] == expected
    assert [each.p_value for each in found] == [each.p_value for each in given]


def stale(rule: str, evidence: Evidence, subject: str = "a/net@torch") -> bool:
    """Whether a deviation is called stale where its rule gives nothing."""
    entry = deviation(rule=rule, subject=subject)
    found = judge(Evidence(**{**vars(evidence), "deviations": [entry]}), [Given(rule=rule)])
    assert [each.rule for each in found] in ([], ["D101"])
    return bool(found)


BYTES_ALONE = inspection()
LOOKED_INTO = inspection(measured())


@pytest.mark.parametrize(
    ("rule", "inspections", "expected"),
    [
        ("P101", [], False),
        ("P102", [BYTES_ALONE], True),
        ("P101", [BYTES_ALONE], True),
        ("P103", [BYTES_ALONE], False),
        ("S101", [BYTES_ALONE], False),
        ("S101", [LOOKED_INTO], True),
        ("P103", [inspection(measured(), sha256=SHA["b"])], True),
        ("S101", [inspection(measured(), checkpoint="b/net")], False),
        ("P101", [inspection(checkpoint="b/net")], False),
        ("S101", [BYTES_ALONE, LOOKED_INTO], True),
        ("A101", [], True),
    ],
)
def test_a_deviation_of_a_file_is_stale_only_where_it_could_show(
    rule: str, inspections: list[Inspection], expected: bool
) -> None:
    assert stale(rule, Evidence(inspections=inspections)) == expected


def test_a_deviation_of_what_was_not_measured_is_out_of_scope() -> None:
    run, latency = a_run(), a_latency_run()
    assert stale("A101", Evidence())  # documents alone: the whole zoo is judged
    assert not stale("A101", Evidence(runs=[run]))
    assert not stale("L101", Evidence(latencies=[latency]))
    assert stale("A101", Evidence(runs=[run]), run.subject)
    assert stale("L101", Evidence(latencies=[latency]), latency.subject)
    assert stale("L101", Evidence(runs=[a_run(checkpoint="b/net")], latencies=[latency]), latency.subject)
