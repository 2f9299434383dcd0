"""Makes the runs of a job: answers are counted and written, and what cannot be run is a run that says why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from zoo.checkpoints import inspections
from zoo.disk import CacheError
from zoo.errors import Cause, FileUnavailableError, ImageSetError, WorkerError, ZooError
from zoo.images.image_sets import check_labels_against_classes
from zoo.jobs import references
from zoo.jobs.image_source import ImageSource
from zoo.jobs.job import Job
from zoo.jobs.references import UnusableReferenceError
from zoo.measure import as_shipped
from zoo.measure.accuracy import BlockAnswers, Evaluation, Material, Settings
from zoo.measure.preparation import Planned
from zoo.records import Inspection, Run, RunStatus
from zoo.records.predictions import Predictions


class RunMaker:
    """The runs of one job, all with the same settings. inspections: of the files that were run, by subject."""

    def __init__(self, job: Job[Any], settings: Settings) -> None:
        self.job, self.settings = job, settings
        self.inspections: dict[str, Inspection] = {}

    def evaluation(self, planned: Planned) -> Evaluation:
        """The checkpoint in its framework, ready to answer. Raises FileUnavailableError, EnvironmentBuildError."""
        return Evaluation(self.job.preparation.task(planned), self.settings)

    def evaluated(self, planned: Planned, source: ImageSource, more_labels: ImageSource | None) -> list[Run]:
        """The run on all images of a source, and the same answers counted by second labels where there are any.

        Raises ImageSetError, as wrong images make every run wrong; what else went wrong stands in the run.
        """
        work = partial(self._evaluated, planned, source, more_labels)
        return self.job.attempt(work, lambda error: [self.failed(planned, error)])

    def finished(self, evaluation: Evaluation, run: Run, material: Material, predictions: Predictions) -> Run:
        """The run with what the framework's defaults answer beside it; its answers are in the folder."""
        run = self._beside(run, evaluation, material, predictions)
        self._note(self.job.inspected(evaluation, fresh=self.settings.fresh))  # last: a worker may fail here
        self.job.folder.write_predictions(run, predictions)
        return run

    def failed(self, planned: Planned, error: ZooError) -> Run:
        """The run that could not be made. Raises the error again if the images are wrong."""
        if isinstance(error, ImageSetError):
            raise error  # wrong images make every run wrong
        if isinstance(error, FileUnavailableError):
            self.job.talk.say(f"{planned.title}: not run: {error}")
            self._note(inspections.of_wrong_bytes(planned.checkpoint, planned.framework.name, self.job.zoo))
            return self.missing(planned, "not_run", str(error), error.cause)
        details = getattr(error, "details", "")
        self.job.talk.say(f"{planned.title}: failed: {error}")
        return self.missing(planned, "failed", f"{error}\n{details}".strip(), error.cause)

    def missing(self, planned: Planned, status: RunStatus, error: str, cause: Cause) -> Run:
        """A run that was not made."""
        return Run(
            key="",
            checkpoint=planned.checkpoint.id,
            framework=planned.framework.name,
            recipe=planned.recipe.id,
            geometry=planned.recipe.geometry.id,
            label_map=planned.checkpoint.label_map,
            image_set=self.job.source.set.name,
            population="other",
            n=0,
            top1_correct=0,
            top5_correct=0,
            seconds=0.0,
            images_per_second=0.0,
            threads=self.settings.threads,
            precision=self.settings.precision,
            arithmetic=self.settings.arithmetic,
            sha256="",
            status=status,
            error=error,
            cause=cause,
        )

    def _evaluated(self, planned: Planned, source: ImageSource, more_labels: ImageSource | None) -> list[Run]:
        with self.evaluation(planned) as evaluation:
            evaluation.check()
            for labelled in filter(None, (source, more_labels)):
                check_labels_against_classes(labelled.set, evaluation.task.label_map.classes)
            material = source.decoded(planned.recipe.geometry)
            with self.job.talk.bar(planned.title, len(source.set.images)) as advance:
                answers = evaluation.all_answers(material, advance)
            run, predictions = evaluation.assembled(material, answers)
            run = self.finished(evaluation, run, material, predictions)
            again = [] if more_labels is None else [self._recounted(more_labels, run, evaluation, answers)]
        self._remember(run, predictions)
        return [run, *again]

    def _remember(self, run: Run, predictions: Predictions) -> None:
        """Answers to all images, for later jobs whose images may be drawn by them."""
        if run.population == "full":
            try:
                references.remember(references.of_run(run, predictions, self.job.zoo.label_maps[run.label_map]))
            except (UnusableReferenceError, CacheError) as error:
                self.job.talk.say(f"{error}. The images of no other run are drawn by this one.")

    def _recounted(self, source: ImageSource, run: Run, evaluation: Evaluation, answers: Sequence[BlockAnswers]) -> Run:
        again, predictions = evaluation.assembled(source.material(), answers)
        again = again.changed(recounts=run.key)
        self.job.folder.write_predictions(again, predictions)
        return again

    def _beside(self, run: Run, evaluation: Evaluation, material: Material, predictions: Predictions) -> Run:
        """The run with what the framework's defaults answer, where they add integer products otherwise."""
        try:
            shipped = as_shipped.beside(evaluation, material, predictions)
        except WorkerError as error:
            self.job.talk.say(f"{run.subject}: the framework's defaults could not be tried beside it: {error}")
            return run
        return run.changed(as_shipped=shipped)

    def _note(self, inspection: Inspection | None) -> None:
        if inspection is not None:
            self.inspections[inspection.subject] = inspection
            if inspection.error:
                self.job.talk.say(f"{inspection.subject}: not looked into: {inspection.error}")
