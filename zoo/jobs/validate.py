"""`zoo validate`, the main job: runs what was asked for, judges it, and leaves a run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from typing import TypeVar

from zoo.checkpoints import inspections
from zoo.documents.load import load_zoo
from zoo.errors import Cause, FileUnavailableError, ImageSetError, WorkerError, ZooError
from zoo.images import image_sets as images
from zoo.jobs import audit, early_stopping, judging, thumbnails
from zoo.jobs.image_source import Source
from zoo.jobs.judging import NO_PICTURES, conditions, judged
from zoo.jobs.request import Request
from zoo.measure import as_shipped, selection
from zoo.measure.accuracy import Evaluation, Material, Settings
from zoo.measure.tasks import Planned, Tasks
from zoo.progress import Talk
from zoo.records import (
    Checkpoint,
    Conditions,
    Inspection,
    Recipe,
    Report,
    Run,
    RunStatus,
    Verdict,
)
from zoo.records.predictions import Predictions
from zoo.records.reports import Documents
from zoo.runs.folder import RunFolder

T = TypeVar("T")


class Job:
    """Everything that was asked for, run after run; the folder is written after each."""

    def __init__(self, request: Request, folder: RunFolder, talk: Talk, *, fresh: bool = False) -> None:
        """Raises UsageError, ManifestError or ImageSetError before anything is run."""
        self.request, self.folder, self.talk = request, folder, talk
        self.zoo = load_zoo(request.zoo)
        pairs = selection.pairs(selection.checkpoints(self.zoo, request.checkpoints), request.frameworks)
        self.plan = [Planned(each, framework, self._recipe(each)) for each, framework in pairs]
        self.source = Source.of(self.zoo, request, talk, fresh=fresh)
        self.tasks = Tasks(self.zoo, talk)
        self.settings = Settings(request.threads, request.batch_size, arithmetic=request.arithmetic, fresh=fresh)
        self._inspections: dict[str, Inspection] = {}

    def execute(self) -> tuple[Report, Documents]:
        """Make every run and judge them. A run that fails is recorded and the others go on; Ctrl-C records the rest
        as not run, so that --resume completes the folder, and is raised again.
        """
        runs: list[Run] = []
        try:
            if self.request.sample == "auto":
                return self._write(self._until_decided())
            for planned in self.plan:
                runs.append(self._run(planned))
                self._write(runs)
        except KeyboardInterrupt:
            rest = self.plan[len(runs) :]
            why = f"interrupted; zoo validate --resume {self.folder.path} goes on"
            self._write([*runs, *(self._missing(planned, "not_run", why, "interrupted") for planned in rest)])
            raise
        return self._write(runs)

    def _recipe(self, checkpoint: Checkpoint) -> Recipe:
        return selection.recipe_in_effect(self.zoo, checkpoint, self.request.recipe, self.request.numeric)

    def _until_decided(self) -> list[Run]:
        """All runs together, in random order of images, as long as a claim is open."""
        with ExitStack() as stack:
            entries = [self._tried(planned, partial(self._lane, planned, stack)) for planned in self.plan]
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
                entry if isinstance(entry, Run) else self._tried(planned, partial(self._arrived, entry, material))
                for planned, entry in zip(self.plan, entries, strict=True)
            ]

    def _lane(self, planned: Planned, stack: ExitStack) -> early_stopping.Lane:
        evaluation = stack.enter_context(Evaluation(self.tasks.task(planned), self.settings))
        evaluation.check()
        images.check_labels_against_classes(self.source.set, evaluation.task.label_map.classes)
        kind, name = self.source.population
        run = self._missing(planned, "not_run", "not started", "other")
        run = run.changed(population=kind, population_id=name)
        watches = early_stopping.watches(
            run, judging.evidence(self.folder, (), self._documents(), self.request.tolerance)
        )
        return early_stopping.Lane(run.subject, evaluation, watches)

    def _arrived(self, lane: early_stopping.Lane, material: Material) -> Run:
        if lane.failure is not None:
            raise lane.failure
        run, predictions = lane.evaluation.assembled(material, lane.parts, early_stopping.LOOK_EVERY)
        run = self._beside(run, lane.evaluation, material, predictions)
        self._look_into(lane.evaluation)
        self.folder.write_predictions(run, predictions)
        return run

    def _run(self, planned: Planned) -> Run:
        return self._tried(planned, partial(self._finished, planned))

    def _tried(self, planned: Planned, work: Callable[[], T]) -> T | Run:
        """What `work` gives, or the run that it could not make."""
        name = planned.title
        try:
            return self.tasks.steadily(work)
        except ImageSetError:
            raise  # wrong images make every run wrong
        except FileUnavailableError as error:
            self.talk.say(f"{name}: not run: {error}")
            self._note(inspections.of_wrong_bytes(planned.checkpoint, planned.framework.name, self.zoo))
            return self._missing(planned, "not_run", str(error), error.cause)
        except ZooError as error:
            details = getattr(error, "details", "")
            self.talk.say(f"{name}: failed: {error}")
            return self._missing(planned, "failed", f"{error}\n{details}".strip(), error.cause)

    def _finished(self, planned: Planned) -> Run:
        with Evaluation(self.tasks.task(planned), self.settings) as evaluation:
            evaluation.check()
            images.check_labels_against_classes(self.source.set, evaluation.task.label_map.classes)
            material = self.source.decoded(planned.recipe.geometry)
            with self.talk.bar(planned.title, len(self.source.set.images)) as advance:
                run, predictions = evaluation.run(material, advance)
            run = self._beside(run, evaluation, material, predictions)
            self._look_into(evaluation)
        self.folder.write_predictions(run, predictions)
        return run

    def _beside(self, run: Run, evaluation: Evaluation, material: Material, predictions: Predictions) -> Run:
        """The run with what the framework's defaults answer, where they add integer products otherwise."""
        try:
            found = as_shipped.beside(evaluation, material, predictions)
        except WorkerError as error:
            self.talk.say(f"{run.subject}: the framework's defaults could not be tried beside it: {error}")
            return run
        return run.changed(as_shipped=found)

    def _look_into(self, evaluation: Evaluation) -> None:
        """Last, as a worker that fails here has answered everything else."""
        task, fresh = evaluation.task, self.settings.fresh
        found = inspections.of_bytes(task.checkpoint, task.environment.framework.name, task.located)
        # A second opinion sees a file through its own conversion: only the format's own framework says what is in it.
        if found.framework == task.checkpoint.framework:
            found = inspections.measured(found, task.checkpoint, task.environment, evaluation.inspect, fresh=fresh)
        self._note(found)

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
        documents = self._documents()
        report = judged(self._conditions(), runs, tuple(self._inspections.values()), documents, self.folder)
        pictures = thumbnails.Thumbnails(self.source.set) if self.request.thumbnails else NO_PICTURES
        judging.write(self.folder, report, documents, pictures)
        return report, documents

    def _documents(self) -> Documents:
        """What concerns the planned runs."""
        checkpoints = {planned.checkpoint.id: planned.checkpoint for planned in self.plan}
        return Documents(
            checkpoints=tuple(checkpoints.values()),
            claims=tuple(claim for claim in self.zoo.claims.values() if claim.checkpoint in checkpoints),
            populations=tuple(self.zoo.populations.values()),
            label_maps=tuple(self.zoo.label_maps.values()),
            deviations=tuple(self.zoo.deviations.values()),
            findings=self._findings,
        )

    @cached_property
    def _findings(self) -> tuple[Verdict, ...]:
        return audit.about(self.zoo, {planned.checkpoint.id for planned in self.plan})

    def _conditions(self) -> Conditions:
        source, how = self.source, self.source.whole.recognised.how
        found = conditions(self.request.arguments(), self.zoo, source.set, source.digest, source.population, how)
        return found.changed(tolerance=self.request.tolerance)
