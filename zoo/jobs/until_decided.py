"""`--sample auto`: all runs look at images in random order until every documented accuracy is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from zoo.errors import ZooError
from zoo.frameworks.table import framework
from zoo.images.image_sets import check_labels_against_classes
from zoo.jobs import early_stopping, judging
from zoo.jobs.draws import Chosen, Draws
from zoo.jobs.early_stopping import DrawFor, Lane, Watch
from zoo.jobs.growth import Growth
from zoo.jobs.image_source import ImageSource
from zoo.jobs.job import Job
from zoo.jobs.request import Request
from zoo.jobs.run_maker import RunMaker
from zoo.measure import selection
from zoo.measure.accuracy import Material
from zoo.measure.preparation import Planned
from zoo.records import Run

Done = Callable[[dict[int, list[Run]]], None]


class UntilDecided:
    """Runs by whose answers the images of others are drawn look at all images first. Runs with one draw go together.

    done: told the runs that are finished, by their number in the job's plan.
    """

    def __init__(self, job: Job[Request], maker: RunMaker, done: Done) -> None:
        """Raises UsageError for a reference that cannot be had."""
        self.job, self.maker, self.done = job, maker, done
        self.images = job.source  # all that count, in the order of the seed
        self.draws = Draws(job.zoo, job.request.reference, job.source, job.folder, job.talk)
        self._looked_at: set[str] = set()  # ids of images

    def execute(self) -> None:
        """Make every run of the job's plan. The job's source is then the images that any run looked at."""
        self._plan_reference()
        if self.draws.is_foreign and self.job.request.seed == Request().seed:
            self.job.talk.say(
                f"--reference {self.draws.asked}: whoever made it could know the order of images, as --seed is not "
                "given; if you do not trust them, give a number of your own"
            )
        plan = self.job.plan
        first = self._complete()
        rest = [number for number in range(len(plan)) if number not in first]
        groups = list(self.draws.groups(plan, rest))
        for chosen, numbers in groups:
            if chosen is not None:  # all of them before the first image: what goes on goes on as it began
                self.job.folder.write_reference(chosen.reference)
                self.job.talk.say(f"{', '.join(plan[each].title for each in numbers)}: {chosen.sentence}")
        for chosen, numbers in groups:
            runs = self._together(numbers, chosen)
            if self._looked_at:
                self.job.source = self.images.only(self._looked_at)
            self.done(runs)

    def _plan_reference(self) -> None:
        """A checkpoint that is named as reference, and of which no run is known, is run too."""
        wanted, job = self.draws.wanted, self.job
        if wanted is not None and all(planned.checkpoint.id != wanted for planned in job.plan):
            record = job.zoo.checkpoints[wanted]
            recipe = selection.recipe_in_effect(job.zoo, record, None, None)
            job.plan = [Planned(record, framework(record.framework), recipe), *job.plan]

    def _complete(self) -> list[int]:
        """Numbers of the runs that looked at all images first."""
        whole, plan = self.images.everything(), self.job.plan
        gaps = [early_stopping.gap(self._watches(planned, self.images)) for planned in plan]
        self._decidable = any(gaps)
        numbers = self.draws.first(plan, gaps, partial(self._is_kept, whole))
        for number in numbers:
            runs = self.maker.evaluated(plan[number], whole, None)
            self.done({number: runs})
            for run in runs:
                self.draws.add(run, self.job.folder)
                self._looked_at |= {image.id for image in whole.set.images if run.status == "done"}
        return numbers

    def _together(self, numbers: Sequence[int], chosen: Chosen | None) -> dict[int, list[Run]]:
        """Runs that look at the same images in the same order, until the last of their claims is decided."""
        growth, plan = Growth(self.images, chosen, self.job.request.seed), self.job.plan
        with ExitStack() as stack:
            entries = {number: self._entry(plan[number], growth, stack) for number in numbers}
            lanes = [entry for entry in entries.values() if isinstance(entry, Lane)]
            if not lanes:
                return {number: [entry] for number, entry in entries.items() if isinstance(entry, Run)}
            early_stopping.check_decidable(decidable=self._decidable)
            decoded = early_stopping.Decoded(growth.source.blocks, self.job.request.jobs)
            with self.job.talk.bar("all runs", len(growth.source.set.images)) as progress:
                taken = early_stopping.advance(lanes, decoded, self.job.talk.say, progress)
            seen = growth.source.first(taken)
            self._looked_at |= {image.id for image in seen.set.images}
            material = seen.material()
            return {
                number: [entry if isinstance(entry, Run) else self._arrived(plan[number], entry, growth, material)]
                for number, entry in entries.items()
            }

    def _entry(self, planned: Planned, growth: Growth, stack: ExitStack) -> Lane | Run:
        return self.job.attempt(partial(self._lane, planned, growth, stack), partial(self.maker.failed, planned))

    def _lane(self, planned: Planned, growth: Growth, stack: ExitStack) -> Lane:
        evaluation = stack.enter_context(self.maker.evaluation(planned))
        evaluation.check()
        check_labels_against_classes(growth.source.set, evaluation.task.label_map.classes)
        subject = f"{planned.checkpoint.id}@{planned.framework.name}"
        return Lane(subject, evaluation, self._watches(planned, growth.source, growth.draw))

    def _watches(self, planned: Planned, source: ImageSource, draw: DrawFor = lambda metric: None) -> list[Watch]:
        """The claims that a run on these images can decide."""
        kind, name = source.population
        run = self.maker.missing(planned, "not_run", "not started", "other")
        run = run.changed(population=kind, population_id=name)
        evidence = judging.evidence(self.job.unjudged(), self.job.documents(), self.job.folder)
        return early_stopping.watches(run, evidence, draw)

    def _is_kept(self, whole: ImageSource, planned: Planned) -> bool:
        """Whether all answers of a run on all images are kept, so that it costs nothing."""
        try:
            with self.maker.evaluation(planned) as evaluation:
                return all(evaluation.known(block) for block in whole.blocks)
        except ZooError:
            return False  # whoever makes the run says why

    def _arrived(self, planned: Planned, lane: Lane, growth: Growth, material: Material) -> Run:
        return self.job.attempt(partial(self._made, lane, growth, material), partial(self.maker.failed, planned))

    def _made(self, lane: Lane, growth: Growth, material: Material) -> Run:
        if lane.failure is not None:
            raise lane.failure
        by = growth.chosen.key if growth.chosen else ()
        run, predictions = lane.evaluation.assembled(material, lane.answers, early_stopping.LOOK_EVERY, by)
        return self.maker.finished(lane.evaluation, growth.record(run, predictions), material, predictions)
