"""A run with all that a look may open, made in this process as `zoo diagnose` makes it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from zoo.diagnose.base import Case
from zoo.documents.load import load_zoo
from zoo.frameworks.table import framework
from zoo.jobs.case import Opened, kin_of
from zoo.jobs.image_source import ImageSource
from zoo.jobs.request import Request
from zoo.jobs.validate import Validation
from zoo.measure import selection
from zoo.measure.accuracy import Settings
from zoo.measure.preparation import Planned, Preparation
from zoo.progress import Talk
from zoo.runs.folder import RunFolder


def opened(out: Path, **request: Any) -> Opened:
    """Validates one checkpoint, with one thread, and opens its run. request: fields of Request."""
    asked = Request(**{"threads": 1, "jobs": 1, **request})
    job = Validation(asked, RunFolder(out), Talk(quiet=True))
    report, documents = job.execute()
    (run,) = report.runs
    zoo, talk = load_zoo(asked.zoo), Talk(quiet=True)
    checkpoint = zoo.checkpoints[run.checkpoint]
    recipe = selection.recipe_in_effect(zoo, checkpoint, asked.recipe, asked.numeric)
    case = Case(
        run=run,
        checkpoint=checkpoint,
        label_map=zoo.label_maps[checkpoint.label_map],
        recipe=recipe,
        claims=[claim for claim in documents.claims if claim.checkpoint == checkpoint.id and claim.is_accuracy],
        verdicts=[verdict for verdict in report.verdicts if verdict.run == run.key],
    )
    return Opened(
        case=case,
        planned=Planned(checkpoint, framework(run.framework), recipe),
        zoo=zoo,
        preparation=Preparation(zoo, talk),
        settings=Settings(asked.threads, asked.batch_size, arithmetic=asked.arithmetic),
        talk=talk,
        source=ImageSource.of(zoo, asked, talk),
        kin=kin_of(zoo, checkpoint),
    )


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
