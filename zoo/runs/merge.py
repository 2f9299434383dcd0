"""Several run folders as one: every run once, all judged together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from zoo.errors import UsageError
from zoo.records import Conditions, Inspection, LatencyRun, Part, Run, Stage
from zoo.records.reports import Documents
from zoo.runs.folder import RunFolder

R = TypeVar("R", Run, LatencyRun)


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What one report over several run folders is made of; its verdicts are judged anew."""

    conditions: Conditions
    runs: list[Run]
    inspections: list[Inspection]
    documents: Documents
    parts: list[Part]
    latencies: list[LatencyRun]
    stages: list[Stage]


class _Origin(NamedTuple):
    """A run folder that was not merged itself, or the part that one has in a merged folder."""

    conditions: Conditions
    name: str
    runs: list[Run]
    latencies: list[LatencyRun]


def merged(folders: Sequence[RunFolder]) -> Merged:
    """One report over `folders`.

    A run that lies in several folders (by its key) counts once, and so does a latency. One that could not be made is
    left out where another folder has it. Of two records with one id, the later folder's is taken. Raises
    RunFolderError, and UsageError for folders that were judged with different tolerances.
    """
    parts = [part for folder in folders for part in _parts(folder)]
    parts.sort(key=lambda part: part.conditions.created)
    tolerances = {part.conditions.tolerance for part in parts}
    if len(tolerances) > 1:
        shown = ", ".join(f"{tolerance:g}" for tolerance in sorted(tolerances))
        raise UsageError(f"these runs were judged with different tolerances ({shown}); merge those with the same one")
    runs = _once([run for part in parts for run in part.runs])
    latencies = _once([run for part in parts for run in part.latencies])
    conditions = parts[-1].conditions.changed(zoo=_joined(part.conditions.zoo for part in parts))
    kept = {id(run) for run in (*runs, *latencies)}
    origins = [
        Part(
            folder=part.name,
            conditions=part.conditions,
            runs=tuple(_identity(run) for run in part.runs if id(run) in kept),
            latencies=tuple(_identity(run) for run in part.latencies if id(run) in kept),
        )
        for part in parts
    ]
    inspections = {
        (each.subject, each.sha256): each for folder in _timed(folders) for each in folder.report().inspections
    }
    stages = {
        (each.stage, each.recipe, each.image_set): each
        for folder in _timed(folders)
        for each in folder.report().stages
    }  # fmt: skip
    return Merged(
        conditions=conditions,
        runs=runs,
        inspections=list(inspections.values()),
        documents=_documents(folders),
        parts=origins,
        latencies=latencies,
        stages=list(stages.values()),
    )


def copy_answers(folders: Iterable[RunFolder], runs: Iterable[Run], target: RunFolder) -> None:
    """Per-image answers of `runs` into `target`, so that it is a run folder like any other."""
    for run in runs:
        found = (folder.predictions(run) for folder in folders if run in folder.report().runs)
        answers = next((each for each in found if each is not None), None)
        if answers is not None:
            target.write_predictions(run, answers)


def _parts(folder: RunFolder) -> Iterator[_Origin]:
    """A folder that was merged itself comes apart again."""
    report = folder.report()
    if not report.parts:
        yield _Origin(report.conditions, _name(folder.path), list(report.runs), list(report.latencies))
        return
    runs, latencies = list(report.runs), list(report.latencies)
    for part in report.parts:
        yield _Origin(part.conditions, part.folder, _taken(runs, part.runs), _taken(latencies, part.latencies))


def _taken(left: list[R], identities: Sequence[str]) -> list[R]:
    """Those of `left` with these identities, which leave it."""
    own = [run for run in left if _identity(run) in identities]
    left[:] = [run for run in left if _identity(run) not in identities]
    return own


def _identity(run: Run | LatencyRun) -> str:
    return run.key or run.subject


def _name(path: Path) -> str:
    return path.resolve().name


def _joined(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _once(runs: Sequence[R]) -> list[R]:
    done = {(run.subject, run.recipe, run.image_set) for run in runs if run.status == "done"}
    kept: dict[object, R] = {}
    for run in runs:
        place = run.subject, run.recipe, run.image_set
        if run.status == "done" or place not in done:
            kept[run.key or place] = run
    return list(kept.values())


def _timed(folders: Sequence[RunFolder]) -> list[RunFolder]:
    return sorted(folders, key=lambda folder: folder.report().conditions.created)


def _documents(folders: Sequence[RunFolder]) -> Documents:
    """The union; by the time of the folders, so that the latest word holds."""
    found = [folder.documents() for folder in _timed(folders)]
    fields = {
        name: tuple(_by_id(record for documents in found for record in getattr(documents, name)))
        for name in Documents.model_fields
        if name not in ("findings", "baseline")
    }
    findings = {(each.rule, each.subject): each for documents in found for each in documents.findings}
    baseline = {run.key or run.subject: run for documents in found for run in documents.baseline}
    return Documents.model_validate(
        {**fields, "findings": tuple(findings.values()), "baseline": tuple(baseline.values())}
    )


def _by_id(records: Iterable[Any]) -> list[Any]:
    return list({record.id: record for record in records}.values())
