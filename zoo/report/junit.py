"""Verdicts and failed runs as JUnit XML, for a CI system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from zoo.records import LatencyRun, Report, Run, SampleRun, Verdict
from zoo.report import drawn_rows, text, why

_FAILURES = {"refuted", "fail"}
_CLASSES = {Run: "run", LatencyRun: "latency", SampleRun: "sample answer"}


def render(report: Report) -> str:
    """One test case per verdict (class name: rule, name: subject) and one per run that could not be done.

    Under what failed stands why, where that was looked for.
    """
    causes = {each.subject: f"why: {why.headline(each)}" for each in report.diagnoses}
    cases = {"verdicts": _verdicts(report.verdicts, causes), "runs": _failures(report.runs)}
    if report.samples:
        cases["sample answers"] = _failures(report.samples)
    if report.latencies:
        cases["latency runs"] = _failures(report.latencies)
    conditions = report.conditions
    properties = {
        "suite_version": conditions.suite_version,
        "zoo": conditions.zoo,
        "images": text.images_of(report),
        "platform": conditions.platform,
    }
    if drawn := drawn_rows.sentence(report):
        properties["drawn"] = drawn
    created = text.one_line(conditions.created)[:19]  # the schema knows no zone; it is UTC
    return _document(cases, properties, created)


def suites(verdicts: Mapping[str, Sequence[Verdict]], properties: Mapping[str, str]) -> str:
    """Verdicts alone, as suites by name; no time, as they are of documents and not of a run."""
    return _document({name: _verdicts(each) for name, each in verdicts.items()}, properties)


def _document(suites: Mapping[str, Sequence[TestCase]], properties: Mapping[str, str], created: str = "") -> str:
    document = JUnitXml("zoo")
    for name, cases in suites.items():
        suite = TestSuite(name)
        if created:
            suite.timestamp = created
        for key, value in properties.items():
            suite.add_property(key, text.one_line(value))
        suite.add_testcases(list(cases))
        document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    root = ElementTree.fromstring(document.tostring())  # type: ignore[no-untyped-call]
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _verdicts(verdicts: Sequence[Verdict], causes: Mapping[str, str] | None = None) -> list[TestCase]:
    names, known = _unique_names(verdicts), causes or {}
    return [_case(name, verdict, known.get(verdict.subject, "")) for name, verdict in zip(names, verdicts, strict=True)]


def _unique_names(verdicts: Sequence[Verdict]) -> list[str]:
    """The subject; claim, then a number, where a rule sees one subject twice (CI merges equal names)."""
    subjects = Counter((verdict.rule, verdict.subject) for verdict in verdicts)
    seen: Counter[tuple[str, str]] = Counter()
    names = []
    for verdict in verdicts:
        name = text.one_line(verdict.subject)
        if subjects[verdict.rule, verdict.subject] > 1 and verdict.claim_id:
            name += f" ({text.one_line(verdict.claim_id)})"
        seen[verdict.rule, name] += 1
        number = seen[verdict.rule, name]
        names.append(name if number == 1 else f"{name} #{number}")
    return names


def _case(name: str, verdict: Verdict, cause: str) -> TestCase:
    case = TestCase(name, classname=verdict.rule, time=0)
    message = text.one_line(verdict.reason)
    if verdict.outcome in _FAILURES:
        failure = Failure(message, verdict.outcome)
        if cause:
            failure.text = cause
        case.result = [failure]
    elif verdict.outcome not in text.GOOD:
        outcome = text.outcome_name(verdict.outcome)
        case.result = [Skipped(message if message.startswith(outcome) else f"{outcome}: {message}", verdict.outcome)]
    return case


def _failures(runs: Sequence[Run | LatencyRun | SampleRun]) -> list[TestCase]:
    return [_failed(run) for run in runs if run.status != "done"]


def _failed(run: Run | LatencyRun | SampleRun) -> TestCase:
    case = TestCase(
        text.one_line(f"{run.subject} ({run.sample})" if isinstance(run, SampleRun) else run.subject),
        classname=_CLASSES[type(run)],
        time=run.seconds if isinstance(run, Run) else 0,
    )
    error = Error(text.first_line(run.error or ""), run.status)
    error.text = text.clean(run.error or "")
    case.result = [error]
    return case
