"""`zoo diagnose`: finds out why the numbers of a run folder's runs differ, and notes it in the folder."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from zoo.diagnose.base import Case
from zoo.diagnose.ranking import diagnosis
from zoo.diagnose.symptoms import symptoms
from zoo.documents.load import Zoo, load_zoo
from zoo.errors import RunFolderError, UsageError, ZooError, known_names
from zoo.frameworks.table import framework
from zoo.jobs import judging, looks
from zoo.jobs.case import Opened, kin_of
from zoo.jobs.image_source import ImageSource
from zoo.jobs.relatives import Relatives
from zoo.jobs.request import Request
from zoo.measure import selection
from zoo.measure.accuracy import Settings
from zoo.measure.preparation import Planned, Preparation
from zoo.progress import Talk
from zoo.records import ACCURACIES, Checkpoint, Diagnosis, Findings, Report, Run
from zoo.rules.drawn import looked
from zoo.runs.folder import RunFolder


@dataclass(frozen=True)
class Wanted:
    """What is to be explained, and by what.

    subject: a shell pattern of `checkpoint@framework`, or of checkpoints; None for the runs that have symptoms.
    reference: a run folder, or the id of a checkpoint of the zoo, that is known to be right.
    looks: names of those to take; None for all that are needed. images, labels: where the run's images are now.
    """

    subject: str | None = None
    reference: str | None = None
    looks: tuple[str, ...] | None = None
    images: str | None = None
    labels: str | None = None


class Diagnosing:
    """The runs of one folder that are to be explained."""

    def __init__(self, folder: RunFolder, wanted: Wanted, talk: Talk) -> None:
        """Raises UsageError, RunFolderError, ManifestError for what is asked for wrongly, before anything is run."""
        self.folder, self.wanted, self.talk = folder, wanted, talk
        unknown = [name for name in wanted.looks or () if name not in looks.NAMES]
        if unknown:
            raise UsageError(f"--looks: {unknown[0]!r} is not known; {known_names(unknown[0], looks.NAMES)}")
        self.report, self.documents = folder.report(), folder.documents()
        if self.report.parts:
            raise UsageError(
                f"{folder.path}: it was merged from several run folders; diagnose the one that the run came from"
            )
        self.felt = symptoms(self.report.runs, self.report.verdicts)
        request = folder.request(Request)
        self.request = request.changed(images=wanted.images or request.images, labels=wanted.labels or request.labels)
        self.zoo: Zoo = load_zoo(self.request.zoo)
        self.chosen = self._chosen()
        self.reference = self._reference()
        self.settings = Settings(request.threads, request.batch_size, arithmetic=request.arithmetic)
        self.preparation = Preparation(self.zoo, talk)

    def execute(self) -> Report:
        """The report with a diagnosis of each run that was chosen; the folder is written after each."""
        report = self.report
        for run in self.chosen:
            made = self._diagnosis(run)
            others = [each for each in report.diagnoses if each.subject != run.subject]
            report = report.changed(diagnoses=(*others, made))
            judging.write(self.folder, report, self.documents)
        return report

    def _chosen(self) -> list[Run]:
        runs, pattern = [run for run in self.report.runs if not run.recounts], self.wanted.subject
        if pattern is None:
            return [run for run in runs if run.subject in self.felt]
        chosen = [run for run in runs if fnmatchcase(run.subject, pattern) or fnmatchcase(run.checkpoint, pattern)]
        if not chosen:
            near = known_names(pattern, [run.subject for run in runs])
            raise UsageError(f"{self.folder.path}: it has no run {pattern!r}; {near}")
        return chosen

    def _reference(self) -> Checkpoint | RunFolder | None:
        """What was named as right. Raises UsageError for a name that is neither a run folder nor a checkpoint."""
        name = self.wanted.reference
        if name is None:
            return None
        if (Path(name) / "report.json").is_file():
            return RunFolder(Path(name))
        if (known := self.zoo.checkpoints.get(name)) is not None:
            return known
        raise UsageError(
            f"--reference: {name!r} is neither a run folder nor a checkpoint of zoo {self.zoo.name!r}; "
            f"{known_names(name, self.zoo.checkpoints)}"
        )

    def _diagnosis(self, run: Run) -> Diagnosis:
        try:
            found = looks.taken(self._opened(run), self.wanted.looks)
        except ZooError as error:
            found = Findings(not_looked=(f"anything: {error}",))
        return diagnosis(run.subject, run.key, self.felt.get(run.subject, ()), found)

    def _opened(self, run: Run) -> Opened:
        checkpoint = self.zoo.checkpoints.get(run.checkpoint)
        if checkpoint is None:
            raise RunFolderError(f"{run.checkpoint} is no longer in zoo {self.zoo.name!r}")
        recipe = selection.recipe_in_effect(self.zoo, checkpoint, self.request.recipe, self.request.numeric)
        named = self.reference if isinstance(self.reference, Checkpoint) else None
        kin, (source, absent) = kin_of(self.zoo, checkpoint, named), self._images
        case = Case(
            run=run,
            checkpoint=checkpoint,
            label_map=self.zoo.label_maps[checkpoint.label_map],
            recipe=recipe,
            claims=[
                claim
                for claim in self.documents.claims
                if claim.checkpoint == checkpoint.id and claim.metric in ACCURACIES and claim.by == "publisher"
            ],
            verdicts=[verdict for verdict in self.report.verdicts if verdict.subject == run.subject],
            answers=self.folder.predictions(run),
            relatives=self._relatives.of(run, kin, source),
            label_maps=self.zoo.label_maps,
            drawn=looked(run, "top1", judging.evidence(self.report, self.documents, self.folder)),
        )
        planned = Planned(checkpoint, framework(run.framework), recipe)
        shared = self.zoo, self.preparation, self.settings, self.talk
        return Opened(case, planned, *shared, source=source, absent=absent, kin=kin, request=self.request)

    @cached_property
    def _relatives(self) -> Relatives:
        named = self.reference if isinstance(self.reference, RunFolder) else None
        return Relatives(self.zoo, self.folder, named, frozenset(self.felt), self.preparation, self.settings, self.talk)

    @cached_property
    def _images(self) -> tuple[ImageSource | None, str]:
        """The run's images in its order; or None, and why."""
        try:
            source = ImageSource.of(self.zoo, self.request, self.talk)
            source = _first(source, self.report.conditions.images)
            if source.digest != self.report.conditions.images_digest:
                return None, f"the images at {source.set.root} are not those of the run; name them with --images"
        except ZooError as error:
            return None, str(error)
        return source, ""


def _first(source: ImageSource, count: int) -> ImageSource:
    """The blocks that a run took which stopped early."""
    if len(source.set.images) <= count:
        return source
    return source.first(next(number for number, block in enumerate(source.blocks, start=1) if block.stop >= count))
