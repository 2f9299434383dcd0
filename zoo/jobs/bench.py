"""`zoo bench`: how fast checkpoints are in their frameworks, and whether the times may be quoted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from zoo import disk, machine
from zoo.documents import counting
from zoo.errors import FileUnavailableError, UsageError, ZooError
from zoo.images import image_sets, pixels
from zoo.images.image_sets import ImageSet
from zoo.jobs.image_source import ImageSource, WholeSet, opened
from zoo.jobs.job import Job
from zoo.jobs.request import BenchRequest
from zoo.measure import preprocessing_time, speed
from zoo.measure.accuracy import Evaluation, Settings
from zoo.measure.preparation import Planned, made_once
from zoo.measure.speed import CellInput, CellRequest, Session
from zoo.progress import Talk
from zoo.records import Conditions, Geometry, LatencyRun, Report, Stage
from zoo.records.reports import Documents
from zoo.rules.latency.quotable import FEWEST_IMAGES
from zoo.runs.folder import RunFolder

TOGETHER = 12  # cells of one session: all their networks are in memory at once


class Bench(Job[BenchRequest]):
    """Everything that was asked for, session after session; the folder is written after each."""

    def __init__(self, request: BenchRequest, folder: RunFolder, talk: Talk) -> None:
        """Raises UsageError, ManifestError, ImageSetError or RunFolderError before anything is timed."""
        super().__init__(request, folder, talk)
        self.baseline = _baseline(request)
        self._warn_of_threads()
        images = self._images()  # only these are hashed, not the set that they were drawn from
        self.source = ImageSource(WholeSet(self.zoo, images, talk, fresh=False), images, 1, talk)
        self.created = datetime.now(UTC).isoformat(timespec="seconds")
        self.stages: dict[tuple[str, str], Stage] = {}
        self._ready: dict[tuple[str, str], CellInput | ZooError] = {}

    def execute(self) -> tuple[Report, Documents]:
        """Time every cell and judge them. A cell that fails is recorded and the others go on. Ctrl-C is raised again
        once what was measured is written.
        """
        done: list[LatencyRun] = []
        for threads, batch_size, chosen in self._sessions():
            name = f"{self.created}/{len({run.session for run in done}) + 1}"
            inputs = [self._input(planned, batch_size, threads, name) for planned in chosen]
            session = Session([entry for entry in inputs if isinstance(entry, CellInput)], self.request.budget)
            try:
                networks = "1 network" if len(session.cells) == 1 else f"{len(session.cells)} networks"
                tell = partial(self._tell, f"batch {batch_size}, threads {threads}, {networks}")
                session.run(self.folder.path / "benchmarks", tell)
            finally:
                timed = iter(session.finished())
                done += [next(timed) if isinstance(entry, CellInput) else entry for entry in inputs]
                for cell in session.cells:
                    self._note_numeric(cell)
                written = self.write(latencies=tuple(done), stages=tuple(self.stages.values()))
        return written

    def _warn_of_threads(self) -> None:
        """Say before anything is timed that some threads will have no core of their own."""
        cores = machine.cores()
        if crowded := [threads for threads in self.request.threads if threads > cores]:
            self.talk.warn(
                f"--threads {', '.join(map(str, crowded))}: there are only {cores} cores, so threads wait for each "
                "other; the report calls these times not comparable"
            )

    def _tell(self, title: str, number: int) -> None:
        self.talk.say(f"{title}: round {number} of {speed.PROCESSES}")

    def _sessions(self) -> Iterator[tuple[int, int, list[Planned]]]:
        """Cells that are timed in alternation: of equal threads and batch size, networks of one kind side by side."""
        plan = sorted(self.plan, key=_cost, reverse=True)
        for threads, batch_size in product(self.request.threads, self.request.batch):
            for start in range(0, len(plan), TOGETHER):
                yield threads, batch_size, plan[start : start + TOGETHER]

    def _input(self, planned: Planned, batch_size: int, threads: int, session: str) -> CellInput | LatencyRun:
        """What is needed to time a cell, or its record that says why it cannot be."""
        request = CellRequest(
            checkpoint=planned.checkpoint.id,
            framework=planned.framework.name,
            recipe=planned.recipe.id,
            image_set=self.source.set.name,
            batch_size=batch_size,
            threads=threads,
            session=session,
            arithmetic=self.request.arithmetic,
        )
        return self.attempt(partial(self._ready_input, planned, request), partial(self._not_timed, planned, request))

    def _ready_input(self, planned: Planned, request: CellRequest) -> CellInput:
        key = planned.checkpoint.id, planned.framework.name
        ready = made_once(self._ready, key, partial(self._prepare, planned, request))
        count = math.ceil(FEWEST_IMAGES / request.batch_size) * request.batch_size
        stores = self._stores(planned.recipe.geometry)
        return replace(ready, request=request, stores=stores, labels=ready.labels[:count])

    def _not_timed(self, planned: Planned, request: CellRequest, error: ZooError) -> LatencyRun:
        self.talk.say(f"{planned.title}: not timed: {error}")
        return request.missing(error)

    def _prepare(self, planned: Planned, request: CellRequest) -> CellInput:
        """What all cells of a checkpoint in a framework share, with the labels of all images that may be timed."""
        untrained = False
        self.talk.say(f"{planned.title}: preparing")
        try:
            task = self.preparation.task(planned)
        except FileUnavailableError:
            if not self.request.untrained:
                raise
            task, untrained = self.preparation.untrained(planned), True
        stores = self._stores(planned.recipe.geometry)
        settings = Settings(machine.cores(), arithmetic=self.request.arithmetic)
        with Evaluation(task, settings) as evaluation:
            evaluation.check()
            answers = [evaluation.answers(block) for block in self.source.blocks]
            labels = np.concatenate([block.indices[:, 0] for block in answers]).astype(np.int64)
            return CellInput(request, task, stores, labels, self._multiply_adds(evaluation), untrained)

    def _images(self) -> ImageSet:
        """A sample that fills whole batches of every size; of all classes, not of the first ones."""
        whole = opened(self.zoo, self.request.images, self.request.labels)
        count = max(math.ceil(FEWEST_IMAGES / size) * size for size in self.request.batch)
        if count > len(whole.images):
            raise UsageError(
                f"--batch {max(self.request.batch)}: {count} images are needed, {whole.name} has {len(whole.images)}; "
                "give a smaller batch or more images (--images)"
            )
        return image_sets.sample(whole, count, seed=0)

    def _stores(self, geometry: Geometry) -> list[Path]:
        """Decoded images; how long that takes is measured once for each geometry."""
        pixels.fill(geometry, self.source.blocks, jobs=1)
        key = "geometry", geometry.id
        if key not in self.stages:
            images = self.source.set.first(FEWEST_IMAGES)
            self.stages[key] = preprocessing_time.geometry_stage(geometry, images)
        return [pixels.ready(geometry, block) for block in self.source.blocks]

    def _note_numeric(self, cell: speed.TimedCell) -> None:
        recipe = cell.input.task.recipe.numeric.id
        if cell.prepared and ("numeric", recipe) not in self.stages:
            spent = cell.prepared[0]["seconds"]
            self.stages["numeric", recipe] = preprocessing_time.stage("numeric", recipe, self.source.set.name, spent)

    def documents(self) -> Documents:
        """What the zoo says of the planned checkpoints, all its latencies, and the earlier bench."""
        latencies = tuple(claim for claim in self.zoo.claims.values() if claim.metric == "latency")
        known = super().documents()
        return known.changed(claims=latencies, populations=(), label_maps=(), baseline=self.baseline)

    def conditions(self) -> Conditions:
        """What holds for every cell; all are of one time."""
        return super().conditions().changed(created=self.created)

    def _multiply_adds(self, evaluation: Evaluation) -> int | None:
        """Of one image, as counted in the file; of the documented architecture where the file is not counted."""
        inside, network = self.inspected(evaluation).measured, evaluation.task.checkpoint.network
        if inside is not None and inside.multiply_adds is not None:
            return inside.multiply_adds
        return counting.parts(network).multiply_adds if network else None


def _baseline(request: BenchRequest) -> tuple[LatencyRun, ...]:
    if request.baseline is None:
        return ()
    latencies = RunFolder(disk.given(request.baseline, "--baseline")).report().latencies
    if not latencies:
        raise UsageError(f"--baseline: {request.baseline} holds no bench; give the folder that `zoo bench` wrote")
    return latencies


def _cost(planned: Planned) -> tuple[float, str]:
    """Networks of one shape are neighbours, so that what is ranked is timed in one session."""
    network = planned.checkpoint.network
    return (counting.parts(network).multiply_adds if network else 0.0), planned.checkpoint.weights or ""
