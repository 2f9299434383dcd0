"""Answers the first images of a run again: in another process, alone, with other threads, with other arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from zoo import machine
from zoo.diagnose.repeats.look import look as found_in
from zoo.diagnose.repeats.scores import Repeated, Scores, Varied
from zoo.errors import WorkerError, ZooError
from zoo.images import pixels
from zoo.jobs import command_lines
from zoo.jobs.case import Opened
from zoo.jobs.image_source import ImageSource
from zoo.measure import as_shipped
from zoo.measure.accuracy import FIRST, Evaluation, Settings, Task
from zoo.records import Arithmetic, AsShipped
from zoo.records.diagnoses import Findings

IMAGES = FIRST  # whose whole vectors of scores a run keeps
BATCH = 8  # against which a run of single images is held
WHAT = "answering the same images again"


def look(opened: Opened) -> Findings:
    """Every cause that shows when the first images are answered again; nothing that is kept is read or written."""
    if opened.source is None:
        return Findings(not_looked=(f"{WHAT}: {opened.absent or 'the images are not here'}",))
    try:
        task = opened.preparation.task(opened.planned)
        seen = _Again(opened, task, opened.source.first(1)).seen()
    except ZooError as error:
        return Findings(not_looked=(f"{WHAT}: {error}",))
    return found_in(opened.case, seen)


def as_made(opened: Opened) -> Settings:
    """The run's own settings, as far as it says them; those of the diagnosis for the rest."""
    run, settings = opened.case.run, opened.settings
    return Settings(
        threads=run.threads or settings.threads,
        batch_size=run.batch_size or settings.batch_size,
        arithmetic=run.arithmetic,
        fresh=True,
    )


@dataclass
class _Again:
    """One task whose first images are answered under one condition after another."""

    opened: Opened
    task: Task
    source: ImageSource

    def seen(self) -> Repeated:
        """Raises WorkerError where the run's own conditions give no answer."""
        settings = as_made(self.opened)
        images, missing = self._pixels(settings.batch_size), list[str]()
        with Evaluation(self.task, settings) as evaluation:
            first, again = (evaluation.scores_of(images)[:IMAGES] for _ in range(2))
            facts = evaluation.check()
        rows, kept = self._kept()
        varied = {
            "alone": self._varied(images, settings, "batch_size", BATCH if settings.batch_size == 1 else 1, missing),
            "threads": self._varied(images, settings, "threads", 2 if settings.threads == 1 else 1, missing),
            "arithmetic": self._varied(images, settings, "arithmetic", _other(settings.arithmetic), missing),
        }
        other = varied["arithmetic"]
        differs = other is not None and bool((other.scores.argmax(axis=1) != first.argmax(axis=1)).any())
        return Repeated(
            first=first,
            again=again,
            afresh=self._scores(images, settings),
            kept=kept,
            rows=rows,
            quantised=self.task.checkpoint.quantised or facts["integer_sums"] != "none",
            beside=self._beside(missing) if differs else None,
            changed=self._changed(),
            command=command_lines.again(self.opened),
            missing=tuple(missing),
            **varied,
        )

    def _pixels(self, batch_size: int) -> NDArray[np.generic]:
        """The first images and those that fill up their last call, so that each has its neighbours of the run."""
        geometry, block = self.task.recipe.geometry, self.source.blocks[0]
        self.source.decoded(geometry)
        count = -(-IMAGES // batch_size) * batch_size
        return cast(NDArray[np.generic], np.load(pixels.ready(geometry, block), mmap_mode="r")[:count])

    def _scores(self, images: NDArray[np.generic], settings: Settings) -> Scores:
        """In a worker of its own."""
        with Evaluation(self.task, settings) as evaluation:
            return evaluation.scores_of(images)[:IMAGES]

    def _varied(
        self, images: NDArray[np.generic], settings: Settings, name: str, value: Any, missing: list[str]
    ) -> Varied | None:
        """With one field of the settings changed; None, and a line in `missing`, where that gives no answer."""
        before = getattr(settings, name)
        try:
            scores = self._scores(images, replace(settings, **{name: value}))
        except WorkerError as error:
            missing.append(f"{WHAT} with {name.replace('_', ' ')} {value} instead of {before}: {error}")
            return None
        return Varied(str(before), str(value), scores)

    def _kept(self) -> tuple[NDArray[np.int64], Scores | None]:
        """Which of the first images have kept answers, and these: int64 (m,), float32 (m, outputs)."""
        answers, images = self.opened.case.answers, self.source.set.images[:IMAGES]
        if answers is None or not self._same_question():
            return np.empty(0, np.int64), None
        known = {image.id: row for row, image in enumerate(images)}
        ids = answers.ids[: len(answers.first_scores)]
        rows = [known.get(name, -1) for name in ids]
        last = next((number for number, row in enumerate(rows) if row < 0), len(rows))
        return np.array(rows[:last], np.int64), answers.first_scores[:last]

    def _same_question(self) -> bool:
        """Whether the run asked what is asked now: the recipe is the same, and the file as long a vector of scores."""
        answers, run = self.opened.case.answers, self.opened.case.run
        outputs = self.task.label_map.outputs
        same = run.recipe == self.task.recipe.id and run.label_map == self.task.label_map.id
        return same and answers is not None and answers.first_scores.shape[1:] == (outputs,)

    def _changed(self) -> tuple[str, ...]:
        """What is other than when the run was made, as it recorded it."""
        run, task = self.opened.case.run, self.task
        found = []
        if run.sha256 != task.located.sha256:
            found.append(f"the file is another one (sha256 {run.sha256[:12]} then, {task.located.sha256[:12]} now)")
        now = task.environment.versions
        for name in sorted({*run.versions, *now}):
            if run.versions.get(name) != now.get(name):
                found.append(f"{name} {run.versions.get(name, 'absent')} became {now.get(name, 'absent')}")
        if run.instruction_sets and run.instruction_sets != machine.instruction_sets():
            apart = sorted({*run.instruction_sets} ^ {*machine.instruction_sets()})
            found.append(f"the processor is another one ({', '.join(apart)})")
        return tuple(found)

    def _beside(self, missing: list[str]) -> AsShipped | None:
        """The defaults' answers beside exact ones on more images than are answered again."""
        run, source = self.opened.case.run, self.opened.source
        if run.as_shipped is not None or source is None or run.arithmetic == "exact":
            return run.as_shipped
        more = source.first(min(len(source.blocks), as_shipped.IMAGES // pixels.BLOCK))
        try:
            with Evaluation(self.task, replace(self.opened.settings, arithmetic="exact")) as evaluation:
                material = more.decoded(self.task.recipe.geometry)
                _, predictions = evaluation.run(material, lambda images: None)
                return as_shipped.beside(evaluation, material, predictions)
        except WorkerError as error:
            missing.append(f"{WHAT} on more images with exact arithmetic: {error}")
            return None


def _other(arithmetic: Arithmetic) -> Arithmetic:
    known: tuple[Arithmetic, ...] = get_args(Arithmetic)
    return next(each for each in known if each != arithmetic)
