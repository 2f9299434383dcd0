"""A run whose numbers are to be explained, with what its looks may open: files, frameworks, images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zoo.diagnose.base import Case
from zoo.documents.load import Zoo
from zoo.frameworks.table import framework
from zoo.jobs.image_source import ImageSource
from zoo.jobs.kinship import related
from zoo.jobs.request import Request
from zoo.measure import selection
from zoo.measure.accuracy import Settings
from zoo.measure.preparation import Planned, Preparation
from zoo.progress import Talk
from zoo.records import Checkpoint, Kinship


@dataclass(frozen=True)
class Kin:
    """A checkpoint that should compute the same, or nearly; kinship: why."""

    planned: Planned
    kinship: Kinship


@dataclass(frozen=True)
class Opened:
    """A case with everything that a look may use.

    planned: the checkpoint in its framework, with the recipe in effect; source: the run's images in its order, None
    where they are not here, and `absent` then says why; kin: checkpoints to hold it against, the nearest first.
    request: what the run was made by.
    """

    case: Case
    planned: Planned
    zoo: Zoo
    preparation: Preparation
    settings: Settings
    talk: Talk
    source: ImageSource | None = None
    absent: str = ""
    kin: Sequence[Kin] = ()
    request: Request = field(default_factory=Request)


def kin_of(zoo: Zoo, checkpoint: Checkpoint, reference: Checkpoint | None = None) -> list[Kin]:
    """Checkpoints to hold this one against, each with its own recipe and framework, the nearest first."""
    found: dict[str, Kin] = {}
    named: list[tuple[Checkpoint, Kinship]] = [] if reference is None else [(reference, "reference")]
    for other, kinship in (*named, *related(zoo, checkpoint)):
        if other.id == checkpoint.id or other.unavailable:
            continue
        planned = Planned(other, framework(other.framework), selection.recipe_in_effect(zoo, other, None, None))
        found.setdefault(other.id, Kin(planned, kinship))
    return list(found.values())
