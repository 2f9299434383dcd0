"""What asks for an explanation: verdicts that a run's numbers are not the documented ones, or make no sense."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zoo.records import Run, Topic, Verdict

_BAD = ("refuted", "fail")
_OF_ONE: tuple[Topic, ...] = ("accuracy", "nonsense", "sample_answers", "files", "population")
_OF_TWO: tuple[Topic, ...] = ("same_answers", "image_by_image")


def symptoms(runs: Sequence[Run], verdicts: Iterable[Verdict]) -> dict[str, tuple[str, ...]]:
    """Sentences about each run that has something to explain, by its subject, in the order of the runs.

    Two runs that should answer alike and do not are no symptom of the one that is otherwise well: only where neither
    has a symptom of its own, both have this one.
    """
    found: dict[str, list[str]] = {run.subject: [] for run in runs}
    bad = [verdict for verdict in verdicts if verdict.outcome in _BAD]
    for run in runs:
        if run.status == "failed":
            found[run.subject].append(f"the run failed: {_first_line(run.error or '')}")
    for verdict in bad:
        if verdict.topic in _OF_ONE and verdict.subject in found:
            found[verdict.subject].append(f"{verdict.rule}: {verdict.reason}")
    subjects = {run.key: run.subject for run in runs if run.key}
    alone = {subject for subject, sentences in found.items() if sentences}
    for verdict in bad:
        pair = [subjects[key] for key in (verdict.run, verdict.against) if key in subjects]
        if verdict.topic in _OF_TWO and pair and not alone.intersection(pair):
            for subject in pair:
                found[subject].append(f"{verdict.rule}: {verdict.reason}")
    return {subject: tuple(dict.fromkeys(sentences)) for subject, sentences in found.items() if sentences}


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason was kept")
