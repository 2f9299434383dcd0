"""`zoo validate`, the main job: runs what was asked for, judges it, and leaves a run folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path

from zoo.checkpoints import inspections
from zoo.documents.formatting import counted
from zoo.errors import Cause, FileUnavailableError, ImageSetError, WorkerError, ZooError
from zoo.images.image_sets import check_labels_against_classes
from zoo.jobs import audit, early_stopping, judging, thumbnails
from zoo.jobs.image_source import ImageSource, has_images, with_more_labels
from zoo.jobs.job import Job
from zoo.jobs.judging import NO_PICTURES
from zoo.jobs.request import Request
from zoo.jobs.samples import SampleJob
from zoo.measure import as_shipped
from zoo.measure.accuracy import BlockAnswers, Evaluation, Material, Settings
from zoo.measure.preparation import Planned
from zoo.progress import Talk
from zoo.records import Conditions, Inspection, Report, Run, RunStatus, Verdict
from zoo.records.predictions import Predictions
from zoo.records.reports import Documents, MoreLabels
from zoo.runs.folder import RunFolder


class Validation(Job[Request]):
    """Everything that was asked for, run after run; the folder is written after each."""

    def __init__(self, request: Request, folder: RunFolder, talk: Talk, *, fresh: bool = False) -> None:
        """Raises UsageError, ManifestError or ImageSetError before anything is run."""
        super().__init__(request, folder, talk, numeric=request.numeric)
        self.settings = Settings(request.threads, request.batch_size, arithmetic=request.arithmetic, fresh=fresh)
        answered = {sample.checkpoint for sample in self.zoo.sample_answers.values()}
        with_samples = [planned for planned in self.plan if planned.checkpoint.id in answered]
        alone = bool(with_samples) and not request.asks_for_images() and not has_images(self.zoo)
        self.samples = SampleJob(self.zoo, self.preparation, self.settings, talk, alone=alone)
        if alone:
            left_out = counted(len({planned.checkpoint.id for planned in self.plan}), "checkpoint")
            talk.say(f"no --images: only sample answers are checked; no accuracy of {left_out} is validated")
            self.plan = with_samples
        self.source = (
            ImageSource.nothing(self.zoo, talk) if alone else ImageSource.of(self.zoo, request, talk, fresh=fresh)
        )
        self.more_labels = with_more_labels(self.zoo, request, self.source, talk) if request.more_labels else None
        self._inspections: dict[str, Inspection] = {}

    def execute(self) -> tuple[Report, Documents]:
        """Make every run and judge them. A run that fails is recorded and the others go on; Ctrl-C records the rest
        as not run, so that --resume completes the folder, and is raised again.
        """
        samples, runs, finished = self.samples.planned(self.plan), list[Run](), 0
        plan = [] if self.samples.alone else self.plan
        try:
            for sample in samples:
                self.samples.look(sample)
                self._write(runs)
            if self.request.sample == "auto" and plan:
                return self._write(self._until_decided())
            for planned in plan:
                runs += self.attempt(partial(self._runs, planned), partial(self._failed_alone, planned))
                finished += 1
                self._write(runs)
        except KeyboardInterrupt:
            rest = plan[finished:]
            why = f"interrupted; zoo validate --resume {self.folder.path} goes on"
            unseen = samples[len(self.samples.done) :]
            self.samples.done += [sample.missing("not_run", why, "interrupted") for sample in unseen]
            self._write([*runs, *(self._missing(planned, "not_run", why, "interrupted") for planned in rest)])
            raise
        return self._write(runs)

    def _until_decided(self) -> list[Run]:
        """All runs together, in random order of images, as long as a claim is open."""
        with ExitStack() as stack:
            entries = [
                self.attempt(partial(self._lane, planned, stack), partial(self._failed, planned))
                for planned in self.plan
            ]
            lanes = [entry for entry in entries if isinstance(entry, early_stopping.Lane)]
            if not lanes:
                return [entry for entry in entries if isinstance(entry, Run)]
            early_stopping.check_decidable(lanes)
            decoded = early_stopping.Decoded(self.source.blocks, self.request.jobs)
            with self.talk.bar("all runs", len(self.source.set.images)) as progress:
                taken = early_stopping.advance(lanes, decoded, self.talk.say, progress)
            self.source = self.source.first(taken)
            material = self.source.material()
            return [
                entry
                if isinstance(entry, Run)
                else self.attempt(partial(self._arrived, entry, material), partial(self._failed, planned))
                for planned, entry in zip(self.plan, entries, strict=True)
            ]

    def _lane(self, planned: Planned, stack: ExitStack) -> early_stopping.Lane:
        evaluation = stack.enter_context(Evaluation(self.preparation.task(planned), self.settings))
        evaluation.check()
        check_labels_against_classes(self.source.set, evaluation.task.label_map.classes)
        kind, name = self.source.population
        run = self._missing(planned, "not_run", "not started", "other")
        run = run.changed(population=kind, population_id=name)
        evidence = judging.evidence(self.unjudged(), self.documents(), self.folder)
        watches = early_stopping.watches(run, evidence)
        return early_stopping.Lane(run.subject, evaluation, watches)

    def _arrived(self, lane: early_stopping.Lane, material: Material) -> Run:
        if lane.failure is not None:
            raise lane.failure
        run, predictions = lane.evaluation.assembled(material, lane.answers, early_stopping.LOOK_EVERY)
        run = self._beside(run, lane.evaluation, material, predictions)
        self._note(self.inspected(lane.evaluation, fresh=self.settings.fresh))
        self.folder.write_predictions(run, predictions)
        return run

    def _failed(self, planned: Planned, error: ZooError) -> Run:
        """The run that could not be made."""
        if isinstance(error, ImageSetError):
            raise error  # wrong images make every run wrong
        if isinstance(error, FileUnavailableError):
            self.talk.say(f"{planned.title}: not run: {error}")
            self._note(inspections.of_wrong_bytes(planned.checkpoint, planned.framework.name, self.zoo))
            return self._missing(planned, "not_run", str(error), error.cause)
        details = getattr(error, "details", "")
        self.talk.say(f"{planned.title}: failed: {error}")
        return self._missing(planned, "failed", f"{error}\n{details}".strip(), error.cause)

    def _failed_alone(self, planned: Planned, error: ZooError) -> list[Run]:
        return [self._failed(planned, error)]

    def _runs(self, planned: Planned) -> list[Run]:
        """The run, and the same answers counted by the second labels where there are any."""
        with Evaluation(self.preparation.task(planned), self.settings) as evaluation:
            evaluation.check()
            for source in filter(None, (self.source, self.more_labels)):
                check_labels_against_classes(source.set, evaluation.task.label_map.classes)
            material = self.source.decoded(planned.recipe.geometry)
            with self.talk.bar(planned.title, len(self.source.set.images)) as advance:
                answers = evaluation.all_answers(material, advance)
            run, predictions = evaluation.assembled(material, answers)
            run = self._beside(run, evaluation, material, predictions)
            self._note(self.inspected(evaluation, fresh=self.settings.fresh))  # last: a worker may fail here
            again = [] if self.more_labels is None else [self._recounted(self.more_labels, run, evaluation, answers)]
        self.folder.write_predictions(run, predictions)
        return [run, *again]

    def _recounted(self, source: ImageSource, run: Run, evaluation: Evaluation, answers: Sequence[BlockAnswers]) -> Run:
        again, predictions = evaluation.assembled(source.material(), answers)
        again = again.changed(recounts=run.key)
        self.folder.write_predictions(again, predictions)
        return again

    def _beside(self, run: Run, evaluation: Evaluation, material: Material, predictions: Predictions) -> Run:
        """The run with what the framework's defaults answer, where they add integer products otherwise."""
        try:
            shipped = as_shipped.beside(evaluation, material, predictions)
        except WorkerError as error:
            self.talk.say(f"{run.subject}: the framework's defaults could not be tried beside it: {error}")
            return run
        return run.changed(as_shipped=shipped)

    def _note(self, inspection: Inspection | None) -> None:
        if inspection is not None:
            self._inspections[inspection.subject] = inspection
            if inspection.error:
                self.talk.say(f"{inspection.subject}: not looked into: {inspection.error}")

    def _missing(self, planned: Planned, status: RunStatus, error: str, cause: Cause) -> Run:
        return Run(
            key="",
            checkpoint=planned.checkpoint.id,
            framework=planned.framework.name,
            recipe=planned.recipe.id,
            geometry=planned.recipe.geometry.id,
            label_map=planned.checkpoint.label_map,
            image_set=self.source.set.name,
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

    def _write(self, runs: Sequence[Run]) -> tuple[Report, Documents]:
        pictures = thumbnails.Thumbnails(self.source.set) if self.request.thumbnails else NO_PICTURES
        samples = tuple(self.samples.done)
        return self.write(pictures, runs=tuple(runs), samples=samples, inspections=tuple(self._inspections.values()))

    def documents(self) -> Documents:
        """What the zoo says of the planned checkpoints, and what the audit finds in it."""
        documents = super().documents()
        ids = {checkpoint.id for checkpoint in documents.checkpoints}
        samples = tuple(sample for sample in self.zoo.sample_answers.values() if sample.checkpoint in ids)
        return documents.changed(findings=self._findings, sample_answers=samples)

    @cached_property
    def _findings(self) -> tuple[Verdict, ...]:
        return audit.about(self.zoo, {planned.checkpoint.id for planned in self.plan})

    def conditions(self) -> Conditions:
        """What holds for every run, with what the images are of a population."""
        kind, name = self.source.population
        limits = {each: getattr(self.request, each) for each in ("tolerance", "margin", "margin_quantised")}
        how = self.source.whole.recognised.how
        return super().conditions().changed(
            population=kind, population_id=name, recognition=how, more_labels=self._more_labels(), **limits
        )  # fmt: skip

    def _more_labels(self) -> MoreLabels | None:
        source = self.more_labels
        if source is None:
            return None
        kind, name = source.population
        return MoreLabels(
            label_file=Path(self.request.more_labels or "").name,
            image_set=source.set.name,
            images_digest=source.digest,
            population=kind,
            population_id=name,
            recognition=source.whole.recognised.how,
        )
