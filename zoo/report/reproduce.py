"""The command that makes a verdict again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise

from zoo.records import Conditions, LatencyRun, Report, Run, Verdict

_NARROWED = ("--checkpoints", "--frameworks")
_OF_CELL = (*_NARROWED, "--batch", "--threads")


def command(verdict: Verdict, report: Report) -> str:
    """`zoo validate` for the verdict's checkpoint and framework alone, `zoo bench` for latencies, `zoo audit` for
    rules over documents.

    A rule X compares with another run: the first of the same weights, so the command makes both.
    """
    conditions = _conditions(verdict, report)
    if verdict.rule.startswith("L"):
        return _bench(verdict, report, conditions)
    if verdict.rule.startswith("C"):
        return f"{audit_command(conditions)} --rules {verdict.rule}"
    runs = _runs(verdict, report)
    checkpoints = list(dict.fromkeys(run.checkpoint for run in runs)) or [verdict.subject.rpartition("@")[0]]
    words = [*_without(conditions.command, _NARROWED), "--checkpoints", ",".join(checkpoints)]
    asked = option(conditions.command, "--frameworks")
    frameworks = list(dict.fromkeys(run.framework for run in runs))
    return shlex.join([*words, "--frameworks", ",".join(frameworks)] if asked and frameworks else words)


def _bench(verdict: Verdict, report: Report, conditions: Conditions) -> str:
    """The cell alone, or both that are compared; the whole bench where a verdict is of no single cell."""
    known = [part.conditions for part in report.parts]
    words = next((each.command for each in (conditions, *known) if each.command[1:2] == ("bench",)), ("zoo", "bench"))
    found = [run for run in report.latencies if _is_cell(run, verdict)]
    if not found:
        return shlex.join(words)
    narrowed = [
        ("--checkpoints", [run.checkpoint for run in found]), ("--frameworks", [run.framework for run in found]),
        ("--batch", [str(run.batch_size) for run in found]), ("--threads", [str(run.threads) for run in found]),
    ]  # fmt: skip
    options = [word for name, values in narrowed for word in (name, ",".join(dict.fromkeys(values)))]
    return shlex.join([*_without(words, _OF_CELL), *options])


def _is_cell(run: LatencyRun, verdict: Verdict) -> bool:
    return run.key in (verdict.run, verdict.against) or (verdict.run is None and run.subject == verdict.subject)


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
        if {verdict.run, verdict.subject} & {*part.runs, *part.latencies}:
            return part.conditions
    return report.conditions
