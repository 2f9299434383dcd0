"""Several run folders as one: every run once, judged together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import UsageError
from zoo.records import Conditions, Inspection, Part, Run
from zoo.runfolder import Documents, RunFolder


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What one report over several run folders is made of; its verdicts are judged anew."""

    conditions: Conditions
    runs: list[Run]
    inspections: list[Inspection]
    documents: Documents
    parts: list[Part]


def merged(folders: Sequence[RunFolder]) -> Merged:
    """One report over `folders`.

    A run that lies in several folders (by its key) counts once. One that could not be made is left out where another
    folder has it. Of two records with one id, the later folder's is taken. Raises RunFolderError, and UsageError for
    folders that were judged with different tolerances.
    """
    parts = [part for folder in folders for part in _parts(folder)]
    parts.sort(key=lambda pair: pair[0].created)
    tolerances = {conditions.tolerance for conditions, *_ in parts}
    if len(tolerances) > 1:
        shown = ", ".join(f"{tolerance:g}" for tolerance in sorted(tolerances))
        raise UsageError(f"these runs were judged with different tolerances ({shown}); merge those with the same one")
    runs = _runs([run for _, _, own in parts for run in own])
    conditions = parts[-1][0].model_copy(update={"zoo": _joined(part[0].zoo for part in parts)})
    kept = {id(run) for run in runs}
    origins = [
        Part(folder=name, conditions=own, runs=tuple(_identity(run) for run in found if id(run) in kept))
        for own, name, found in parts
    ]
    inspections = {
        (each.subject, each.sha256): each for folder in _timed(folders) for each in folder.report().inspections
    }
    return Merged(
        conditions=conditions,
        runs=runs,
        inspections=list(inspections.values()),
        documents=_documents(folders),
        parts=origins,
    )


def copy_answers(folders: Iterable[RunFolder], runs: Iterable[Run], target: RunFolder) -> None:
    """Per-image answers of `runs` into `target`, so that it is a run folder like any other."""
    for run in runs:
        if target.predictions(run) is None:
            found = (folder.predictions(run) for folder in folders)
            answers = next((each for each in found if each is not None), None)
            if answers is not None:
                target.write_predictions(run, answers)


def _parts(folder: RunFolder) -> Iterator[tuple[Conditions, str, list[Run]]]:
    """A folder that was merged itself comes apart again."""
    report = folder.report()
    if not report.parts:
        yield report.conditions, _name(folder.path), list(report.runs)
        return
    left = list(report.runs)
    for part in report.parts:
        own = [run for run in left if _identity(run) in part.runs]
        left = [run for run in left if _identity(run) not in part.runs]
        yield part.conditions, part.folder, own


def _identity(run: Run) -> str:
    return run.key or run.subject


def _name(path: Path) -> str:
    return path.resolve().name


def _joined(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _runs(runs: Sequence[Run]) -> list[Run]:
    done = {(run.subject, run.recipe, run.image_set) for run in runs if run.status == "done"}
    kept: dict[object, Run] = {}
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
        if name != "findings"
    }
    findings = {(each.rule, each.subject): each for documents in found for each in documents.findings}
    return Documents.model_validate({**fields, "findings": tuple(findings.values())})


def _by_id(records: Iterable[Any]) -> list[Any]:
    return list({record.id: record for record in records}.values())
