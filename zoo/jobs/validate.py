"""`zoo validate`, the main job: runs what was asked for, judges it, and leaves a run folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path

from zoo.checkpoints import inspections
from zoo.documents.formatting import counted
from zoo.errors import Cause, FileUnavailableError, ImageSetError, WorkerError, ZooError
from zoo.frameworks.table import framework
from zoo.images.image_sets import check_labels_against_classes
from zoo.jobs import audit, early_stopping, judging, references, thumbnails
from zoo.jobs.draws import Draws
from zoo.jobs.early_stopping import DrawFor, Watch
from zoo.jobs.growth import Growth
from zoo.jobs.image_source import ImageSource, has_images, with_more_labels
from zoo.jobs.job import Job
from zoo.jobs.judging import NO_PICTURES
from zoo.jobs.references import UnusableReferenceError
from zoo.jobs.request import Request
from zoo.jobs.samples import SampleJob
from zoo.measure import as_shipped, selection
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
        self._done: dict[int, list[Run]] = {}  # by the number in the plan
        self._looked_at: set[str] = set()  # ids of images of growing samples

    def execute(self) -> tuple[Report, Documents]:
        """Make every run and judge them. A run that fails is recorded and the others go on; Ctrl-C records the rest
        as not run, so that --resume completes the folder, and is raised again.
        """
        samples = self.samples.planned(self.plan)
        try:
            for sample in samples:
                self.samples.look(sample)
                self._write()
            if self.samples.alone:
                return self._write()
            if self.request.sample == "auto":
                self._until_decided()
            else:
                for number in range(len(self.plan)):
                    self._evaluate(number, self.source)
        except KeyboardInterrupt:
            why = f"interrupted; zoo validate --resume {self.folder.path} goes on"
            unseen = samples[len(self.samples.done) :]
            self.samples.done += [sample.missing("not_run", why, "interrupted") for sample in unseen]
            for number, planned in enumerate([] if self.samples.alone else self.plan):
                self._done.setdefault(number, [self._missing(planned, "not_run", why, "interrupted")])
            self._write()
            raise
        return self._write()

    def _evaluate(self, number: int, source: ImageSource) -> None:
        """One run of the plan on all images of a source."""
        planned = self.plan[number]
        work = partial(self._evaluated, planned, source)
        self._done[number] = self.attempt(work, partial(self._failed_alone, planned))
        self._write()

    # --- until everything is decided -------------------------------------------------------------

    def _until_decided(self) -> None:
        """All runs in random order of images, as long as a claim is open.

        Those by which the images of others are drawn look at all of them first. Runs with one draw advance together.
        """
        draws = Draws(self.zoo, self.request.reference, self.source, self.folder, self.talk)
        if draws.wanted is not None and all(each.checkpoint.id != draws.wanted for each in self.plan):
            record = self.zoo.checkpoints[draws.wanted]
            recipe = selection.recipe_in_effect(self.zoo, record, None, None)
            self.plan = [Planned(record, framework(record.framework), recipe), *self.plan]
        everything, whole = self.source, self.source.everything()
        gaps = [early_stopping.gap(self._watches(planned, self.source)) for planned in self.plan]
        decidable = any(gaps)
        for number in draws.first(self.plan, gaps, partial(self._is_kept, whole)):
            self._evaluate(number, whole)
            for run in self._done[number]:
                draws.add(run, self.folder)
                self._looked_at |= {image.id for image in whole.set.images if run.status == "done"}
        rest = [number for number in range(len(self.plan)) if number not in self._done]
        groups = list(draws.groups(self.plan, rest))
        for chosen, numbers in groups:
            if chosen is not None:
                self.folder.write_reference(chosen.reference)
                self.talk.say(f"{', '.join(self.plan[each].title for each in numbers)}: {chosen.sentence}")
        for chosen, numbers in groups:
            growth = Growth(everything, chosen, self.request.seed)
            self._done |= self._together(numbers, growth, decidable=decidable)
            self.source = everything.only(self._looked_at) if self._looked_at else everything
            self._write()

    def _together(self, numbers: Sequence[int], growth: Growth, *, decidable: bool) -> dict[int, list[Run]]:
        """Runs that advance together; the folder's images are then the ones that were looked at, by any run."""
        with ExitStack() as stack:
            entries = {
                number: self.attempt(
                    partial(self._lane, self.plan[number], growth, stack), partial(self._failed, self.plan[number])
                )
                for number in numbers
            }
            lanes = [entry for entry in entries.values() if isinstance(entry, early_stopping.Lane)]
            if not lanes:
                return {number: [entry] for number, entry in entries.items() if isinstance(entry, Run)}
            early_stopping.check_decidable(decidable=decidable)
            decoded = early_stopping.Decoded(growth.source.blocks, self.request.jobs)
            with self.talk.bar("all runs", len(growth.source.set.images)) as progress:
                taken = early_stopping.advance(lanes, decoded, self.talk.say, progress)
            seen = growth.source.first(taken)
            self._looked_at |= {image.id for image in seen.set.images}
            return {
                number: [
                    entry
                    if isinstance(entry, Run)
                    else self.attempt(
                        partial(self._arrived, entry, growth, seen.material()),
                        partial(self._failed, self.plan[number]),
                    )
                ]
                for number, entry in entries.items()
            }

    def _lane(self, planned: Planned, growth: Growth, stack: ExitStack) -> early_stopping.Lane:
        evaluation = stack.enter_context(Evaluation(self.preparation.task(planned), self.settings))
        evaluation.check()
        check_labels_against_classes(growth.source.set, evaluation.task.label_map.classes)
        subject = f"{planned.checkpoint.id}@{planned.framework.name}"
        return early_stopping.Lane(subject, evaluation, self._watches(planned, growth.source, growth.draw))

    def _watches(self, planned: Planned, source: ImageSource, draw: DrawFor = lambda metric: None) -> list[Watch]:
        """The claims that a run on these images can decide."""
        kind, name = source.population
        run = self._missing(planned, "not_run", "not started", "other").changed(population=kind, population_id=name)
        return early_stopping.watches(run, judging.evidence(self.unjudged(), self.documents(), self.folder), draw)

    def _is_kept(self, whole: ImageSource, planned: Planned) -> bool:
        """Whether all answers of a run on all images are kept, so that it costs nothing."""
        try:
            with Evaluation(self.preparation.task(planned), self.settings) as evaluation:
                return all(evaluation.known(block) for block in whole.blocks)
        except ZooError:
            return False  # whoever makes the run says why

    def _arrived(self, lane: early_stopping.Lane, growth: Growth, material: Material) -> Run:
        if lane.failure is not None:
            raise lane.failure
        by = growth.chosen.key if growth.chosen else ()
        run, predictions = lane.evaluation.assembled(material, lane.answers, early_stopping.LOOK_EVERY, by)
        run = self._beside(growth.record(run, predictions), lane.evaluation, material, predictions)
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

    def _evaluated(self, planned: Planned, source: ImageSource) -> list[Run]:
        """The run, and the same answers counted by the second labels where there are any."""
        with Evaluation(self.preparation.task(planned), self.settings) as evaluation:
            evaluation.check()
            for labelled in filter(None, (source, self.more_labels)):
                check_labels_against_classes(labelled.set, evaluation.task.label_map.classes)
            material = source.decoded(planned.recipe.geometry)
            with self.talk.bar(planned.title, len(source.set.images)) as advance:
                answers = evaluation.all_answers(material, advance)
            run, predictions = evaluation.assembled(material, answers)
            run = self._beside(run, evaluation, material, predictions)
            self._note(self.inspected(evaluation, fresh=self.settings.fresh))  # last: a worker may fail here
            again = [] if self.more_labels is None else [self._recounted(self.more_labels, run, evaluation, answers)]
        self.folder.write_predictions(run, predictions)
        self._remember(run, predictions)
        return [run, *again]

    def _remember(self, run: Run, predictions: Predictions) -> None:
        """Answers to all images, for later jobs whose images may be drawn by them."""
        if run.population == "full":
            try:
                references.remember(references.of_run(run, predictions, self.zoo.label_maps[run.label_map]))
            except UnusableReferenceError as error:
                self.talk.say(f"{error}. No run is drawn by it.")

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

    def _write(self) -> tuple[Report, Documents]:
        pictures = thumbnails.Thumbnails(self.source.set) if self.request.thumbnails else NO_PICTURES
        samples = tuple(self.samples.done)
        runs = tuple(run for number in sorted(self._done) for run in self._done[number])
        return self.write(pictures, runs=runs, samples=samples, inspections=tuple(self._inspections.values()))

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
