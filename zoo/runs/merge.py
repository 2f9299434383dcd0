"""Several run folders as one: every run once, all judged together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from zoo.errors import UsageError
from zoo.records import Conditions, Documents, LatencyRun, Part, Report, Run, SampleRun, Verdict
from zoo.runs.folder import RunFolder

R = TypeVar("R", Run, LatencyRun)
Made = TypeVar("Made", Run, LatencyRun, SampleRun)


class _Origin(NamedTuple):
    """A run folder that was not merged itself, or the part that one has in a merged folder."""

    conditions: Conditions
    name: str
    runs: list[Run]
    latencies: list[LatencyRun]


_LIMITS = {"tolerance": "tolerances", "margin": "margins", "margin_quantised": "margins of quantised networks"}


def merged(folders: Sequence[RunFolder]) -> tuple[Report, Documents]:
    """One report over `folders`, without verdicts: they are judged anew; and the documents of all.

    A run that lies in several folders (by its key) counts once, and so do a latency and a sample answer. One that could
    not be made is left out where another folder has it. Of two records with one id, the later folder's is taken. Raises
    RunFolderError, and UsageError for folders that were judged with different tolerances or margins.
    """
    origins = [origin for folder in folders for origin in _origins(folder)]
    origins.sort(key=lambda origin: origin.conditions.created)
    limits = _limits([origin.conditions for origin in origins if origin.runs])
    runs = _once([run for origin in origins for run in origin.runs])
    latencies = _once([run for origin in origins for run in origin.latencies])
    kept = {id(run) for run in (*runs, *latencies)}
    parts = [
        Part(
            folder=origin.name,
            conditions=origin.conditions,
            runs=tuple(_identity(run) for run in origin.runs if id(run) in kept),
            latencies=tuple(_identity(run) for run in origin.latencies if id(run) in kept),
        )
        for origin in origins
    ]
    by_time = sorted(folders, key=lambda folder: folder.report().conditions.created)
    reports = [folder.report() for folder in by_time]
    inspections = {(each.subject, each.sha256): each for report in reports for each in report.inspections}
    stages = {(each.stage, each.recipe, each.image_set): each for report in reports for each in report.stages}
    zoos = ", ".join(dict.fromkeys(origin.conditions.zoo for origin in origins))
    report = Report(
        conditions=origins[-1].conditions.changed(zoo=zoos, **limits),
        parts=tuple(parts),
        runs=tuple(runs),
        samples=tuple(_once([run for report in reports for run in report.samples])),
        verdicts=(),
        inspections=tuple(inspections.values()),
        latencies=tuple(latencies),
        stages=tuple(stages.values()),
        diagnoses=tuple({(each.subject, each.run): each for report in reports for each in report.diagnoses}.values()),
    )
    return report, _documents([folder.documents() for folder in by_time])


def copy_answers(folders: Iterable[RunFolder], runs: Iterable[Run], target: RunFolder) -> None:
    """Per-image answers of `runs`, and what they were drawn by, into `target`: a run folder like any other."""
    for run in runs:
        stored = (folder.predictions(run) for folder in folders if run in folder.report().runs)
        answers = next((answers for answers in stored if answers is not None), None)
        if answers is not None:
            target.write_predictions(run, answers)
        reference = next((folder.reference(run) for folder in folders if run in folder.report().runs), None)
        if reference is not None:
            target.write_reference(reference)


def _origins(folder: RunFolder) -> Iterator[_Origin]:
    """A folder that was merged itself comes apart again."""
    report = folder.report()
    if not report.parts:
        yield _Origin(report.conditions, folder.path.resolve().name, list(report.runs), list(report.latencies))
        return
    runs, latencies = list(report.runs), list(report.latencies)
    for part in report.parts:
        yield _Origin(part.conditions, part.folder, _taken(runs, part.runs), _taken(latencies, part.latencies))


def _taken(left: list[R], identities: Sequence[str]) -> list[R]:
    """Those of `left` with these identities, which leave it."""
    own = [run for run in left if _identity(run) in identities]
    left[:] = [run for run in left if _identity(run) not in identities]
    return own


def _limits(conditions: Sequence[Conditions]) -> dict[str, float | None]:
    """Tolerance and margins of the folders that have runs; those of a bench judge nothing. Raises UsageError."""
    limits: dict[str, float | None] = {}
    for name, several in _LIMITS.items():
        values = list({getattr(each, name) for each in conditions})
        if len(values) > 1:
            numbers = sorted(f"{value:g}" for value in values if value is not None)
            shown = ", ".join([*numbers, *["as measured"] * (None in values)])
            raise UsageError(
                f"these runs were judged with different {several} ({shown}); merge those with the same one"
            )
        if values:
            limits[name] = values[0]
    return limits


def _identity(run: Run | LatencyRun) -> str:
    return run.key or run.subject


def _once(runs: Sequence[Made]) -> list[Made]:
    done = {_asked_for(run) for run in runs if run.status == "done"}
    kept: dict[object, Made] = {}
    for run in runs:
        if run.status == "done" or _asked_for(run) not in done:
            kept[run.key or _asked_for(run)] = run
    return list(kept.values())


def _asked_for(run: Run | LatencyRun | SampleRun) -> tuple[str, ...]:
    """What is known of a run that could not be made."""
    return run.subject, run.recipe, run.sample if isinstance(run, SampleRun) else run.image_set


def _documents(stored: Sequence[Documents]) -> Documents:
    """The union; of records with one id the last one, so that the latest word holds."""
    return Documents(
        **{
            name: tuple({_name(record): record for documents in stored for record in getattr(documents, name)}.values())
            for name in Documents.model_fields
        }
    )


def _name(record: Any) -> object:
    if isinstance(record, Verdict):
        return record.rule, record.subject
    return _identity(record) if isinstance(record, LatencyRun) else record.id
