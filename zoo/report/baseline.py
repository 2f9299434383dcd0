"""How latencies compare with an earlier bench, in words."""

from __future__ import annotations

from typing import NamedTuple

from zoo.records import Report, Verdict
from zoo.report import text
from zoo.rules.latency.contest import ALLOWED_ERROR

TITLE = "Against the baseline, each time relative to its probe"


class BaselineRow(NamedTuple):
    """One latency run: the ratio with its interval, what rule L401 says, and that in words."""

    subject: str
    ratio: str
    interval: str
    outcome: str
    words: str


def baseline_rows(report: Report) -> list[BaselineRow]:
    """One row per verdict L401, the slower ones first; none without a baseline."""
    return [
        BaselineRow(
            text.one_line(verdict.subject), text.quantity(verdict.measured, verdict, None),
            text.interval(verdict, None), verdict.outcome, _words(verdict),
        )
        for verdict in text.worst_first(report.verdicts)
        if verdict.topic == "baseline"
    ]  # fmt: skip


def _words(verdict: Verdict) -> str:
    if verdict.outcome == "pass":
        return "faster" if _is_faster(verdict) else "no slower"
    return {"fail": "slower", "inconclusive": "not compared"}.get(verdict.outcome, text.outcome_name(verdict.outcome))


def _is_faster(verdict: Verdict) -> bool:
    """By the adjusted p-value; verdicts that were stored without one are read by their interval."""
    if verdict.p_adjusted is None:
        return verdict.high is not None and verdict.high < 1
    return verdict.p_adjusted <= ALLOWED_ERROR and verdict.measured is not None and verdict.measured < 1
