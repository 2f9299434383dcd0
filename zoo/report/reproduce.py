"""The command that reproduces a verdict."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise

from zoo.records import Conditions, LatencyRun, Report, Run, Verdict

_NARROWED = ("--checkpoints", "--frameworks")
_OF_CELL = (*_NARROWED, "--batch", "--threads")
_FOLDERS = ("first", "second")  # of two commands whose runs are compared


def command(verdict: Verdict, report: Report) -> str:
    """`zoo validate` for the verdict's checkpoint and framework alone, `zoo bench` for latencies, `zoo audit` for
    rules over documents.

    A rule X compares with another run, so the command makes both; where one command line cannot, because they were
    made by two, the two run folders are merged.
    """
    if verdict.is_latency:
        return _bench(verdict, report, _conditions(verdict.run, verdict.subject, report))
    if verdict.topic == "documents":
        return f"{audit_command(_conditions(verdict.run, verdict.subject, report))} --rules {verdict.rule}"
    runs = _runs(verdict, report)
    if not runs:
        words = _conditions(None, verdict.subject, report).command
        looked_into = (each.checkpoint for each in report.inspections if each.subject == verdict.subject)
        names = verdict.checkpoints or tuple(dict.fromkeys(looked_into))
        return shlex.join([*_without(words, _NARROWED), "--checkpoints", ",".join(names)])
    made: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        made.setdefault(_conditions(run.key or None, run.subject, report).command, []).append(run)
    commands = [_validate(words, own) for words, own in made.items()]
    if len(commands) == 1:
        return shlex.join(commands[0])
    folders = _FOLDERS[: len(commands)]
    alone = [shlex.join([*words, "--out", folder]) for words, folder in zip(commands, folders, strict=True)]
    return " && ".join([*alone, shlex.join(["zoo", "report", *folders, "--out", "both"])])


def _validate(words: Sequence[str], runs: Sequence[Run]) -> list[str]:
    checkpoints = dict.fromkeys(run.checkpoint for run in runs)
    narrowed = [*_without(words, _NARROWED), "--checkpoints", ",".join(checkpoints)]
    if option(words, "--frameworks"):
        narrowed += ["--frameworks", ",".join(dict.fromkeys(run.framework for run in runs))]
    # Elsewhere, or later, another reference may be the nearest one, or none is known.
    references = dict.fromkeys(run.drawn.reference.rpartition("@")[0] for run in runs if run.drawn is not None)
    if len(references) == 1 and option(words, "--reference") is None:
        narrowed += ["--reference", *references]
    return narrowed


def _bench(verdict: Verdict, report: Report, conditions: Conditions) -> str:
    """The cell alone, or both that are compared; the whole bench where a verdict is of no single cell."""
    known = [part.conditions for part in report.parts]
    words = next((each.command for each in (conditions, *known) if each.command[1:2] == ("bench",)), ("zoo", "bench"))
    runs = [run for run in report.latencies if _is_cell(run, verdict)]
    if not runs:
        return shlex.join(words)
    narrowed = [
        ("--checkpoints", [run.checkpoint for run in runs]), ("--frameworks", [run.framework for run in runs]),
        ("--batch", [str(run.batch_size) for run in runs]), ("--threads", [str(run.threads) for run in runs]),
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
    """What the verdict was made from: the run it is compared with, where there is one, and its own."""
    by_key = {run.key: run for run in report.runs if run.key}
    runs = [by_key[key] for key in (verdict.against, verdict.run) if key in by_key]
    return runs or [run for run in report.runs if run.subject == verdict.subject][:1]


def _conditions(key: str | None, subject: str, report: Report) -> Conditions:
    """The conditions of the run folder that a run or its verdict came from."""
    for part in report.parts:
        if {key, subject} & {*part.runs, *part.latencies}:
            return part.conditions
    return report.conditions
