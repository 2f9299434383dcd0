"""All rules over all evidence; what the outcomes mean for the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zoo.records import Run, Verdict
from zoo.rules.accuracy import Top1, Top5
from zoo.rules.agreement import SameLabels, SameScores
from zoo.rules.base import Evidence, Rule

RULES: tuple[Rule, ...] = (Top1(), Top5(), SameLabels(), SameScores())

OK, DEVIATES, WRONG_USE, NOT_RUN = 0, 1, 2, 3  # exit codes


def judge(evidence: Evidence, rules: Sequence[Rule] = RULES) -> list[Verdict]:
    """Verdicts of every rule, in the order of the rules, then of the runs."""
    return [verdict for rule in rules for verdict in rule.judge(evidence)]


def exit_code(runs: Iterable[Run], verdicts: Iterable[Verdict]) -> int:
    """3 if something asked for could not be run, else 1 if something is refuted or failed, else 0."""
    if any(run.status != "done" for run in runs):
        return NOT_RUN
    if any(verdict.outcome in ("refuted", "fail") for verdict in verdicts):
        return DEVIATES
    return OK
