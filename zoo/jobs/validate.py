"""The main job: run what was asked for, judge it, leave a run folder."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from zoo import __version__, disk, machine
from zoo.checkpoints import inspections
from zoo.documents.load import Zoo, load_zoo
from zoo.errors import Cause, FileUnavailableError, ImageSetError, UsageError, WorkerError, ZooError, listing
from zoo.images import image_sets as images
from zoo.images import pixels, preprocess, recognition
from zoo.images.image_sets import ImageSet
from zoo.images.recognition import Recognised
from zoo.jobs import audit, early_stopping, thumbnails
from zoo.jobs.request import command_line
from zoo.measure import as_shipped, selection
from zoo.measure.accuracy import Evaluation, Material, Settings
from zoo.measure.tasks import Planned, Tasks
from zoo.progress import Talk
from zoo.records import (
    Arithmetic,
    Checkpoint,
    Conditions,
    Fraction,
    Geometry,
    Inspection,
    LatencyRun,
    Part,
    PopulationKind,
    Recipe,
    Recognition,
    Record,
    Report,
    Run,
    RunStatus,
    Stage,
    Verdict,
)
from zoo.records.predictions import Predictions
from zoo.report import text
from zoo.rules.judge import judge
from zoo.runs.folder import NO_PICTURES, Documents, RunFolder

T = TypeVar("T")
COPIES_SAID = 3  # report.json lists more
Count = Annotated[int, Field(ge=1)]


class Request(Record):
    """The arguments of `zoo validate`; see there. It is kept in the run folder for --resume."""

    zoo: str = "embedded"
    checkpoints: str | None = None
    frameworks: tuple[str, ...] | None = None
    images: str | None = None
    labels: str | None = None
    sample: Count | Literal["auto"] | None = None  # of so many images; "auto": of as many as it takes
    seed: int = 0
    recipe: str | None = None
    numeric: str | None = None
    threads: Count = Field(default_factory=pixels.default_jobs)
    batch_size: Count = 8
    arithmetic: Arithmetic = "exact"
    jobs: Count = Field(default_factory=pixels.default_jobs)
    tolerance: Fraction = 0.001
    thumbnails: bool = False

    def arguments(self) -> tuple[str, ...]:
        """The command line that makes this request; options at their default are left out."""
        return command_line("validate", self, tolerance=f"{self.tolerance * 100:g}")


class Whole:
    """An image set as it was opened. All of it is hashed: a sample does not show what it was drawn from."""

    def __init__(self, zoo: Zoo, image_set: ImageSet, talk: Talk, *, fresh: bool) -> None:
        self.set, self._populations, self._talk, self._fresh = image_set, zoo.populations, talk, fresh

    @cached_property
    def digests(self) -> dict[str, str]:
        """Id of every image to the sha256 of its file, in the set's order."""
        with self._talk.bar("hashing images", len(self.set.images)) as advance:
            found = images.digests(self.set, disk.home() / "digests", advance, fresh=self._fresh)
        return dict(zip((image.id for image in self.set.images), found, strict=True))

    @cached_property
    def recognised(self) -> Recognised:
        """What the set is. What is odd about it is said at once, for a run may take hours."""
        found = recognition.recognise(self.set, tuple(self.digests.values()), self._populations, self._archive_digest)
        if found.how.doubt:
            said = f"{self.set.root}: not the documented images: {found.how.doubt}"
            self._talk.warn(f"{said}. No documented accuracy is judged on them.")
        if found.how.copies:
            said = f"{self.set.root}: {text.copies(found.how)}, such as"
            self._talk.warn(listing(said, found.how.copies_listed[:COPIES_SAID]))
        return found

    def _archive_digest(self, path: Path) -> str:
        self._talk.say(f"{path.name}: comparing the whole archive with the published sha256")
        return images.archive_digest(path, disk.home() / "digests", fresh=self._fresh)


class Source:
    """The image set of a job: opened at once, hashed and decoded only when the first network is ready for it.

    whole: the set that it was chosen from.
    """

    def __init__(self, whole: Whole, chosen: ImageSet, jobs: int, talk: Talk) -> None:
        self.whole, self.set, self._jobs, self._talk = whole, chosen, jobs, talk
        self._filled: set[str] = set()

    @classmethod
    def of(cls, zoo: Zoo, request: Request, talk: Talk, *, fresh: bool = False) -> Source:
        """What a request asks for. Raises UsageError, ImageSetError."""
        whole = Whole(zoo, opened(zoo, request.images, request.labels), talk, fresh=fresh)
        return cls(whole, _chosen(whole.set, request), request.jobs, talk)

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """sha256 of every image file."""
        return tuple(self.whole.digests[image.id] for image in self.set.images)

    @property
    def population(self) -> tuple[PopulationKind, str]:
        """What the set is of a population; a sample of a full set is a random one."""
        found = self.whole.recognised
        sampled = found.population == "full" and len(self.set.images) < len(self.whole.set.images)
        return "random_sample" if sampled else found.population, found.population_id

    @cached_property
    def digest(self) -> str:
        """One hash for images and labels."""
        return images.listing_digest(self.set, self.digests)

    @cached_property
    def blocks(self) -> list[pixels.Block]:
        """The set, cut for the store."""
        return pixels.blocks(self.set, self.digests)

    def first(self, blocks: int) -> Source:
        """Its first blocks; the rest was not needed."""
        return Source(self.whole, self.set.first(self.blocks[blocks - 1].stop), self._jobs, self._talk)

    def material(self) -> Material:
        """The set as networks are given it."""
        return Material(self.set, self.blocks, self.digest, *self.population)

    def decoded(self, geometry: Geometry) -> Material:
        """The same, decoded in one geometry."""
        material = self.material()  # first: it says what is odd about the images
        if geometry.id not in self._filled:
            with self._talk.bar(f"decoding ({geometry.id})", len(self.set.images)) as advance:
                pixels.fill(geometry, self.blocks, self._jobs, advance)
            self._filled.add(geometry.id)
        return material


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
        watches = early_stopping.watches(run, self.folder.evidence((), self._documents(), self.request.tolerance))
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
        self.folder.write(report, documents, pictures)
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


def conditions(
    command: Sequence[str],
    zoo: Zoo,
    image_set: ImageSet,
    digest: str,
    population: tuple[PopulationKind, str],
    how: Recognition,
) -> Conditions:
    """What holds for everything that is measured now, on these images."""
    kind, name = population
    return Conditions(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=tuple(command),
        suite_version=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        processor=machine.processor(),
        instruction_sets=machine.instruction_sets(),
        variables=machine.variables(),
        cores=pixels.default_jobs(),
        zoo=zoo.name,
        image_set=image_set.name,
        images=len(image_set.images),
        images_digest=digest,
        population=kind,
        population_id=name,
        recognition=how,
        decoders=preprocess.versions(),
    )


def judged(
    conditions: Conditions,
    runs: Sequence[Run],
    found: Sequence[Inspection],
    documents: Documents,
    folder: RunFolder,
    parts: Sequence[Part] = (),
    latencies: Sequence[LatencyRun] = (),
    stages: Sequence[Stage] = (),
) -> Report:
    """A report with the verdicts of today's rules on stored runs, answers, inspections, latencies and documents."""
    evidence = folder.evidence(runs, documents, conditions.tolerance, found, latencies)
    return Report(
        conditions=conditions,
        parts=tuple(parts),
        runs=tuple(runs),
        verdicts=tuple(judge(evidence)),
        inspections=tuple(found),
        latencies=tuple(latencies),
        stages=tuple(stages),
    )


def _chosen(whole: ImageSet, request: Request) -> ImageSet:
    """All images, a sample, or all in the order in which they are looked at until everything is decided."""
    if request.sample is None:
        return whole
    if isinstance(request.sample, int):
        return images.sample(whole, request.sample, request.seed)
    return images.ordered(whole, request.seed)


def opened(zoo: Zoo, given: str | None, labels: str | None) -> ImageSet:
    """The images of --images with --labels, else the zoo's own; raises UsageError, ImageSetError."""
    label_file = Path(labels) if labels else None
    if given is not None:
        return images.open_image_set(Path(given), label_file)
    own = zoo.root / "images"
    if not own.is_dir():
        raise UsageError(
            f"--images is needed: zoo {zoo.name!r} has no images of its own; give a folder of labelled images, "
            "for instance the ILSVRC2012 validation set"
        )
    whole = images.open_image_set(own, label_file)
    return replace(whole, name=f"{zoo.name}/{whole.name}")
