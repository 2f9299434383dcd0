"""The XML says to a CI system what the verdicts say."""

from __future__ import annotations

import re

import pytest
import xmlschema
from junitparser import Error, Failure, JUnitXml, Skipped

from tests.by_hand.built import REPOSITORY
from tests.by_hand.latencies import BUSY, a_bench
from tests.by_hand.records import a_mixed_report, a_report, a_run, a_verdict
from zoo.documents.load import load_zoo
from zoo.jobs.audit import audit
from zoo.records import Report
from zoo.report import junit
from zoo.report.audit import to_junit


def _parsed(report: Report) -> JUnitXml:
    return JUnitXml.fromstring(junit.render(report).encode())


def test_counts() -> None:
    report, _ = a_mixed_report()
    document = _parsed(report)
    assert (document.tests, document.failures, document.errors, document.skipped) == (9, 1, 1, 4)


def test_each_outcome_has_its_result() -> None:
    expected = {
        "confirmed": None, "pass": None, "refuted": Failure, "fail": Failure, "inconclusive": Skipped,
        "not_comparable": Skipped, "not_run": Skipped, "known": Skipped,
    }  # fmt: skip
    for outcome, kind in expected.items():
        report = a_report([], [a_verdict(outcome=outcome, reason="because")])
        (case,) = next(iter(_parsed(report)))
        assert (case.classname, case.name) == ("A101", "embedded/onnx@onnxruntime")
        assert [type(result) for result in case.result] == ([kind] if kind else []), outcome
        assert all("because" in result.message for result in case.result)


def test_the_outcome_is_said_once() -> None:
    (case,) = next(iter(_parsed(a_report([], [a_verdict(outcome="not_run", reason="not run: it died")]))))
    assert case.result[0].message == "not run: it died"


def test_a_failed_run_is_an_error_with_all_that_it_said() -> None:
    run = a_run(status="failed", error="it died\nTraceback <here> & \x1b[31mthere\x00")
    suites = list(_parsed(a_report([run], [])))
    (case,) = suites[1]
    (result,) = case.result
    assert isinstance(result, Error)
    assert (result.message, result.text) == ("it died", "it died\nTraceback <here> & there")


def test_names_are_unique_within_a_rule() -> None:
    same = [a_verdict(), a_verdict(claim_id="other"), a_verdict(claim_id="other")]
    names = [case.name for case in next(iter(_parsed(a_report([], same))))]
    assert names == [
        "embedded/onnx@onnxruntime (embedded-onnx-top1)",
        "embedded/onnx@onnxruntime (other)",
        "embedded/onnx@onnxruntime (other) #2",
    ]


def test_a_bench_says_what_is_not_measurable_and_what_failed() -> None:
    verdicts, _, runs = _parsed(a_bench()[0])
    doubted = [case for case in verdicts if any(BUSY in result.message for result in case.result)]
    assert {type(result) for case in doubted for result in case.result} == {Skipped}
    assert [case.name for case in doubted] == ["embedded/onnx@mindspore/b1t1", "embedded/onnx@onnxruntime/b8t2"]
    (case,) = runs
    assert (case.classname, case.name, type(case.result[0])) == ("latency", "embedded/onnx@mxnet/b1t1", Error)


SCHEMA = xmlschema.XMLSchema(str(REPOSITORY / "tests" / "data" / "junit.xsd"))


@pytest.mark.parametrize(
    "report",
    [
        a_mixed_report()[0],
        a_bench()[0],
        a_report(),
        a_report([], []),
        a_report([a_run(status="failed", error="died\x00\x1b[31m <here> & ]]>")], [a_verdict(reason="a\nb\x07 <c>")]),
        a_report(verdicts=[a_verdict(), a_verdict(), a_verdict(claim_id="other")]),
    ],
)
def test_schema_of_ci_systems_holds(report: Report) -> None:
    SCHEMA.validate(junit.render(report))


def test_schema_of_ci_systems_holds_for_the_audit() -> None:
    SCHEMA.validate(to_junit(audit(load_zoo("published"))))


def test_the_schema_refuses_what_is_wrong() -> None:
    good = junit.render(a_mixed_report()[0])
    for old, new in (
        ("<skipped", "<ignored"),
        (' classname="A101"', ""),
        (' type="refuted"', ""),
        ('time="0', 'time="x'),
    ):
        assert old in good
        with pytest.raises(xmlschema.XMLSchemaException):
            SCHEMA.validate(re.sub(f"{re.escape(old)}(?=[^>]*/?>)", new, good, count=1))
