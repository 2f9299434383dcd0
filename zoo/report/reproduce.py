"""The command that makes a verdict again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise

from zoo.records import Conditions, Report, Run, Verdict

_NARROWED = ("--checkpoints", "--frameworks")


def command(verdict: Verdict, report: Report) -> str:
    """`zoo validate` for the verdict's checkpoint and framework alone, `zoo audit` for rules over documents.

    A rule X compares with another run: the first of the same weights, so the command makes both.
    """
    conditions = _conditions(verdict, report)
    if verdict.rule.startswith("C"):
        return f"{audit_command(conditions)} --rules {verdict.rule}"
    runs = _runs(verdict, report)
    checkpoints = list(dict.fromkeys(run.checkpoint for run in runs)) or [verdict.subject.rpartition("@")[0]]
    words = [*_without(conditions.command, _NARROWED), "--checkpoints", ",".join(checkpoints)]
    asked = option(conditions.command, "--frameworks")
    frameworks = list(dict.fromkeys(run.framework for run in runs))
    return shlex.join([*words, "--frameworks", ",".join(frameworks)] if asked and frameworks else words)


def audit_command(conditions: Conditions) -> str:
    """The audit of the zoo that was run."""
    return shlex.join(["zoo", "audit", "--zoo", option(conditions.command, "--zoo") or "embedded"])


def option(words: Sequence[str], name: str) -> str | None:
    """The value that a command line gives an option."""
    return next((after for word, after in pairwise(words) if word == name), None)


def _without(words: Sequence[str], names: Sequence[str]) -> list[str]:
    kept, skip = [], False
    for word in words:
        if not skip and word not in names:
            kept.append(word)
        skip = not skip and word in names
    return kept


def _runs(verdict: Verdict, report: Report) -> list[Run]:
    own = [run for run in report.runs if (run.key and run.key == verdict.run) or run.subject == verdict.subject][:1]
    if verdict.rule.startswith("X") and own:
        alike = (run for run in report.runs if run.weights == own[0].weights and run.image_set == own[0].image_set)
        return [next(alike), *own]
    return own


def _conditions(verdict: Verdict, report: Report) -> Conditions:
    """Of the run folder that the verdict's run came from."""
    for part in report.parts:
        if {verdict.run, verdict.subject} & {*part.runs}:
            return part.conditions
    return report.conditions
