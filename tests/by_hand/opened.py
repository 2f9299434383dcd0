"""Runs that were made here, opened for the looks of a diagnosis."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from zoo.diagnose.base import Case
from zoo.documents.load import load_zoo
from zoo.jobs.case import Opened, kin_of
from zoo.jobs.request import Request
from zoo.jobs.validate import Validation
from zoo.progress import Talk
from zoo.records import Candidate, Findings
from zoo.runs.folder import RunFolder


def opened(zoo: Path | str, out: Path, **request: Any) -> list[Opened]:
    """Each run of the main job, which is made first in this process, with one thread and one worker."""
    talk = Talk(quiet=True)
    asked = Request(zoo=str(zoo), **{"threads": 1, "jobs": 1, **request})
    job = Validation(asked, RunFolder(out), talk)
    report, documents = job.execute()
    cases = []
    for planned, run in zip(job.plan, report.runs, strict=True):
        checkpoint = planned.checkpoint
        case = Case(
            run=run,
            checkpoint=checkpoint,
            label_map=job.zoo.label_maps[checkpoint.label_map],
            recipe=planned.recipe,
            claims=[claim for claim in documents.claims if claim.checkpoint == checkpoint.id],
            verdicts=[verdict for verdict in report.verdicts if verdict.subject == run.subject],
            answers=job.folder.predictions(run),
        )
        kin = kin_of(job.zoo, checkpoint)
        cases.append(Opened(case, planned, job.zoo, job.preparation, job.settings, talk, job.source, kin=kin))
    return cases


def opened_alone(out: Path, **request: Any) -> Opened:
    """The run of the only checkpoint that is asked for; of the embedded zoo unless another is named."""
    (case,) = opened(request.pop("zoo", "embedded"), out, **request)
    return case


def altered_zoo(folder: Path, recipes: str) -> Path:
    """A copy of the embedded zoo with other recipes.toml; its images are linked."""
    source = load_zoo("embedded").root
    folder.mkdir()
    for path in source.iterdir():
        if path.name == "images":
            (folder / "images").symlink_to(path)
        elif path.is_file():
            shutil.copy(path, folder / path.name)
    (folder / "recipes.toml").write_text(recipes, encoding="utf-8")
    return folder


def named(findings: Findings) -> dict[str, Candidate]:
    """The candidates by their cause."""
    return {candidate.cause: candidate for candidate in findings.candidates}
