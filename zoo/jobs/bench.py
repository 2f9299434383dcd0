"""`zoo bench`: how fast checkpoints are in their frameworks, and whether the times may be quoted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import disk
from zoo.checkpoints import inspections
from zoo.documents import counting
from zoo.documents.load import load_zoo
from zoo.errors import FileUnavailableError, UsageError, ZooError
from zoo.images import image_sets as images
from zoo.images import pixels
from zoo.images.digests import file_digests, listing_digest
from zoo.images.image_sets import ImageSet
from zoo.jobs import judging
from zoo.jobs.image_source import opened
from zoo.jobs.judging import conditions, judged
from zoo.jobs.request import BenchRequest
from zoo.measure import selection, speed, stages
from zoo.measure.accuracy import Evaluation, Settings, Task
from zoo.measure.speed import Asked, Session, Setting
from zoo.measure.tasks import Planned, Tasks, made_once
from zoo.progress import Talk
from zoo.records import Conditions, Geometry, LatencyRun, Recognition, Report, Stage
from zoo.records.reports import Documents
from zoo.rules.latency.quotable import FEWEST_IMAGES
from zoo.runs.folder import RunFolder

TOGETHER = 12  # cells of one session: all their networks are in memory at once


@dataclass(frozen=True)
class Ready:
    """What all cells of a checkpoint in a framework share; see latency.Setting."""

    task: Task
    labels: NDArray[np.int64]
    multiply_adds: int | None
    untrained: bool


class Bench:
    """Everything that was asked for, session after session; the folder is written after each."""

    def __init__(self, request: BenchRequest, folder: RunFolder, talk: Talk) -> None:
        """Raises UsageError, ManifestError, ImageSetError or RunFolderError before anything is timed."""
        self.request, self.folder, self.talk = request, folder, talk
        self.zoo = load_zoo(request.zoo)
        pairs = selection.pairs(selection.checkpoints(self.zoo, request.checkpoints), request.frameworks)
        self.plan = [
            Planned(each, entry, selection.recipe_in_effect(self.zoo, each, request.recipe, None))
            for each, entry in pairs
        ]
        self.tasks = Tasks(self.zoo, talk)
        self.baseline = _baseline(request)
        self.images = self._images()
        self.created = datetime.now(UTC).isoformat(timespec="seconds")
        self.stages: dict[tuple[str, str], Stage] = {}
        self._ready: dict[tuple[str, str], Ready | ZooError] = {}

    def execute(self) -> tuple[Report, Documents]:
        """Time every cell and judge them. A cell that fails is recorded and the others go on. Ctrl-C is raised again
        once what was measured is written.
        """
        done: list[LatencyRun] = []
        for threads, batch_size, chosen in self._sessions():
            name = f"{self.created}/{len({each.session for each in done}) + 1}"
            asked = [self._asked(planned, batch_size, threads, name) for planned in chosen]
            settings = [self._setting(each, planned) for each, planned in zip(asked, chosen, strict=True)]
            session = Session([each for each in settings if isinstance(each, Setting)], self.request.budget)
            try:
                networks = "1 network" if len(session.cells) == 1 else f"{len(session.cells)} networks"
                tell = partial(self._tell, f"batch {batch_size}, threads {threads}, {networks}")
                session.run(self.folder.path / "benchmarks", tell)
            finally:
                timed = iter(session.finished())
                done += [next(timed) if isinstance(each, Setting) else each for each in settings]
                for cell in session.cells:
                    self._note_numeric(cell)
                written = self._write(done)
        return written

    def _tell(self, title: str, number: int) -> None:
        self.talk.say(f"{title}: round {number} of {speed.ROUNDS}")

    def _sessions(self) -> Iterator[tuple[int, int, list[Planned]]]:
        """Cells that are timed in alternation: of equal threads and batch size, networks of one kind side by side."""
        plan = sorted(self.plan, key=_cost, reverse=True)
        for threads, batch_size in product(self.request.threads, self.request.batch):
            for start in range(0, len(plan), TOGETHER):
                yield threads, batch_size, plan[start : start + TOGETHER]

    def _asked(self, planned: Planned, batch_size: int, threads: int, session: str) -> Asked:
        return Asked(
            checkpoint=planned.checkpoint.id,
            framework=planned.framework.name,
            recipe=planned.recipe.id,
            image_set=self.images.name,
            batch_size=batch_size,
            threads=threads,
            session=session,
            arithmetic=self.request.arithmetic,
        )

    def _setting(self, asked: Asked, planned: Planned) -> Setting | LatencyRun:
        """What is needed to time a cell, or its record that says why it cannot be."""
        try:
            key = planned.checkpoint.id, planned.framework.name
            ready = made_once(self._ready, key, partial(self.tasks.steadily, partial(self._prepare, planned)))
            count = math.ceil(FEWEST_IMAGES / asked.batch_size) * asked.batch_size
            return Setting(
                asked=asked,
                task=ready.task,
                stores=self._stores(planned.recipe.geometry),
                labels=ready.labels[:count],
                multiply_adds=ready.multiply_adds,
                untrained=ready.untrained,
            )
        except ZooError as error:
            self.talk.say(f"{planned.title}: not timed: {error}")
            return asked.missing(error)

    def _prepare(self, planned: Planned) -> Ready:
        """Files, and the labels of the accuracy run on the images that will be timed."""
        untrained = False
        self.talk.say(f"{planned.title}: preparing")
        try:
            task = self.tasks.task(planned)
        except FileUnavailableError:
            if not self.request.untrained:
                raise
            task, untrained = self.tasks.untrained(planned), True
        self._stores(planned.recipe.geometry)
        settings = Settings(pixels.default_jobs(), arithmetic=self.request.arithmetic)
        with Evaluation(task, settings) as evaluation:
            evaluation.check()
            parts = [evaluation.part(block) for block in self._blocks]
            labels = np.concatenate([part.indices[:, 0] for part in parts]).astype(np.int64)
            return Ready(task, labels, _multiply_adds(evaluation), untrained)

    def _images(self) -> ImageSet:
        """A sample that fills whole batches of every size; of all classes, not of the first ones."""
        whole = opened(self.zoo, self.request.images, self.request.labels)
        count = max(math.ceil(FEWEST_IMAGES / size) * size for size in self.request.batch)
        if count > len(whole.images):
            raise UsageError(
                f"--batch {max(self.request.batch)}: {count} images are needed, {whole.name} has {len(whole.images)}; "
                "give a smaller batch or more images (--images)"
            )
        return images.sample(whole, count, seed=0)

    @cached_property
    def _digests(self) -> tuple[str, ...]:
        return file_digests(self.images, disk.home() / "digests")

    @cached_property
    def _blocks(self) -> list[pixels.Block]:
        return pixels.blocks(self.images, self._digests)

    def _stores(self, geometry: Geometry) -> list[Path]:
        """Decoded images; how long that takes is measured once for each geometry."""
        pixels.fill(geometry, self._blocks, jobs=1)
        key = "geometry", geometry.id
        if key not in self.stages:
            self.stages[key] = stages.geometry_stage(geometry, self.images.images[:FEWEST_IMAGES], self.images.name)
        return [pixels.ready(geometry, block) for block in self._blocks]

    def _note_numeric(self, cell: speed.Cell) -> None:
        recipe = cell.setting.task.recipe.numeric.id
        if cell.prepared and ("numeric", recipe) not in self.stages:
            spent = cell.prepared[0]["seconds"]
            self.stages["numeric", recipe] = stages.numeric_stage(recipe, self.images.name, spent)

    def _write(self, done: Sequence[LatencyRun]) -> tuple[Report, Documents]:
        checkpoints = {planned.checkpoint.id: planned.checkpoint for planned in self.plan}
        documents = Documents(
            checkpoints=tuple(checkpoints.values()),
            claims=tuple(claim for claim in self.zoo.claims.values() if claim.metric == "latency"),
            populations=(),
            deviations=tuple(self.zoo.deviations.values()),
            baseline=tuple(self.baseline),
        )
        report = judged(
            self._conditions(), (), (), documents, self.folder, latencies=done, stages=tuple(self.stages.values())
        )
        judging.write(self.folder, report, documents)
        return report, documents

    def _conditions(self) -> Conditions:
        digest = listing_digest(self.images, self._digests)
        found = conditions(self.request.arguments(), self.zoo, self.images, digest, ("other", ""), Recognition())
        return found.changed(created=self.created)


def _baseline(request: BenchRequest) -> tuple[LatencyRun, ...]:
    if request.baseline is None:
        return ()
    found = RunFolder(disk.given(request.baseline, "--baseline")).report().latencies
    if not found:
        raise UsageError(f"--baseline: {request.baseline} holds no bench; give the folder that `zoo bench` wrote")
    return found


def _cost(planned: Planned) -> tuple[float, str]:
    """Networks of one shape are neighbours, so that what is ranked is timed in one session."""
    network = planned.checkpoint.network
    return (counting.parts(network).multiply_adds if network else 0.0), planned.checkpoint.weights or ""


def _multiply_adds(evaluation: Evaluation) -> int | None:
    """Of one image, as counted in the file; of the documented architecture where the file is not counted."""
    task = evaluation.task
    checkpoint, environment = task.checkpoint, task.environment
    if environment.framework.name == checkpoint.framework:
        found = inspections.of_bytes(checkpoint, environment.framework.name, task.located)
        measured = inspections.measured(found, checkpoint, environment, evaluation.inspect).measured
        if measured is not None and measured.multiply_adds is not None:
            return measured.multiply_adds
    return counting.parts(checkpoint.network).multiply_adds if checkpoint.network else None
