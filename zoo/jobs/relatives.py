"""Runs that should answer as the one that is diagnosed: of its own folder, of one that was named, or made for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from zoo.diagnose.base import Relative
from zoo.documents.load import Zoo
from zoo.errors import ZooError
from zoo.images.image_sets import check_labels_against_classes
from zoo.jobs.case import Kin
from zoo.jobs.image_source import ImageSource
from zoo.measure.accuracy import Evaluation, Settings
from zoo.measure.preparation import Preparation
from zoo.progress import Talk
from zoo.records import Checkpoint, Kinship, Run
from zoo.runs.folder import RunFolder

NEAR: tuple[Kinship, ...] = ("reference", "same weights", "converted from")  # so near that a run of it is worth making


@dataclass(frozen=True)
class Relatives:
    """Finds them. named: a run folder that is known to be right; ill: subjects that need an explanation themselves."""

    zoo: Zoo
    folder: RunFolder
    named: RunFolder | None
    ill: Collection[str]
    preparation: Preparation
    settings: Settings
    talk: Talk

    def of(self, run: Run, kin: Sequence[Kin], source: ImageSource | None) -> list[Relative]:
        """The nearest first. kin: checkpoints to hold the run against; source: its images, if they are here."""
        found = [*self._of_named(), *self._of_folder(run, kin)]
        if not any(relative.kinship in NEAR for relative in found) and source is not None:
            found += self._made(kin, source)
        return sorted(found, key=lambda relative: get_args(Kinship).index(relative.kinship))

    def _of_named(self) -> Iterator[Relative]:
        if self.named is not None:
            records = {record.id: record for record in self.named.documents().checkpoints}
            for run in self.named.report().runs:
                if run.status == "done" and run.checkpoint in records:
                    yield self._relative(run, records[run.checkpoint], "reference", self.named)

    def _of_folder(self, run: Run, kin: Sequence[Kin]) -> Iterator[Relative]:
        known = {each.planned.checkpoint.id: each for each in kin}
        for other in self.folder.report().runs:
            if other.status != "done" or other.subject in self.ill or other.subject == run.subject:
                continue
            if other.checkpoint == run.checkpoint:
                yield self._relative(other, self.zoo.checkpoints[other.checkpoint], "same weights", self.folder)
            elif (near := known.get(other.checkpoint)) is not None:
                yield self._relative(other, near.planned.checkpoint, near.kinship, self.folder)

    def _relative(self, run: Run, checkpoint: Checkpoint, kinship: Kinship, folder: RunFolder) -> Relative:
        label_maps = {record.id: record for record in folder.documents().label_maps} | dict(self.zoo.label_maps)
        return Relative(run, checkpoint, label_maps[run.label_map], kinship, folder.predictions(run))

    def _made(self, kin: Sequence[Kin], source: ImageSource) -> list[Relative]:
        """A run of the nearest checkpoint that can be run here, on the same images, with its own recipe."""
        for each in kin:
            subject = f"{each.planned.checkpoint.id}@{each.planned.framework.name}"
            if each.kinship not in NEAR or subject in self.ill:
                continue
            try:
                return [self._evaluated(each, source)]
            except ZooError as error:
                self.talk.say(f"{each.planned.title}: no reference: {error}")
        return []

    def _evaluated(self, kin: Kin, source: ImageSource) -> Relative:
        planned = kin.planned
        with Evaluation(self.preparation.task(planned), self.settings) as evaluation:
            evaluation.check()
            label_map = evaluation.task.label_map
            check_labels_against_classes(source.set, label_map.classes)
            material = source.decoded(planned.recipe.geometry)
            with self.talk.bar(f"{planned.title}, a reference", len(source.set.images)) as advance:
                run, answers = evaluation.run(material, advance)
        return Relative(run, planned.checkpoint, label_map, kin.kinship, answers)
