"""A race of recipes: one network, the same images in one random order, and every recipe that may be the right one.

Each image is decoded once for all geometries, and the network is loaded once for all recipes. A recipe that cannot be
the answer any more runs no more.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo import machine
from zoo.diagnose.recipes.conclusions import Outcome
from zoo.diagnose.recipes.goals import Goal, Goals
from zoo.diagnose.recipes.standing import Race, Right, Runner
from zoo.diagnose.recipes.variant import Variant
from zoo.diagnose.recipes.variants import variants
from zoo.documents import library_differences
from zoo.documents.accepted import accepted
from zoo.documents.load import Zoo
from zoo.errors import ImageSetError, WorkerError, ZooError, refuse
from zoo.images import image_sets, pixels
from zoo.images.pixels import Block
from zoo.jobs.case import Opened
from zoo.jobs.command_lines import again
from zoo.jobs.image_source import ImageSource
from zoo.measure import ranking
from zoo.measure.accuracy import BlockAnswers, Evaluation, MisfitError
from zoo.records import ACCURACIES, Claim, Findings, Recipe

BUDGET = 3000  # images
ENOUGH = 200  # images where the recipe in effect already gives the documented number
SEED = 7  # of the order of images; it is not that of --sample
LOOKS = (64, 128, 200, 264, 392)  # images; then after every STEP of them
STEP = 128
SURE = 200  # images before a race ends early


def look(opened: Opened, budget: int = BUDGET) -> Findings:
    """Which recipe gives the documented number, or more right answers than the one in effect.

    budget: images at most. A race that cannot be run is told in `not_looked`.
    """
    if opened.source is None:
        return Findings(not_looked=(f"recipes were not raced: {opened.absent or 'there are no images'}",))
    try:
        with ExitStack() as stack:
            return opened.preparation.steadily(lambda: _look(opened, opened.source, stack, budget))
    except ZooError as error:
        return Findings(not_looked=(f"recipes were not raced: {error}",))


def _look(opened: Opened, source: ImageSource | None, stack: ExitStack, budget: int) -> Findings:
    assert source is not None
    counted = replace(source.set, images=source.set.counted)
    if not counted.images:
        return Findings(not_looked=("recipes were not raced: no image has a right class",))
    evaluation = stack.enter_context(Evaluation(opened.preparation.task(opened.planned), opened.settings))
    goals = goals_of(opened, source)
    budget = min(budget, ENOUGH) if goals.own_reached == "confirmed" else budget
    images = image_sets.ordered(counted, SEED).images[:budget]
    digests = [source.whole.digests[image.id] for image in images]
    course = Course.of(opened, evaluation)
    with opened.talk.bar(f"{opened.planned.title}: race of {len(course.race.runners)} recipes", len(images)) as advance:
        for block in _blocks(images, digests):
            course.take(block)
            course.race.look(goals.wanted)
            advance(len(block.images))
            if _over(course.race, goals):
                break
    race = course.race
    if not goals.own[1]:
        goals = replace(goals, own=({"top1": race.right, "top5": race.right5}, race.n))
    found = Outcome(opened.planned.recipe, course.race, goals, _command(opened)).findings()
    return found + Findings(not_looked=tuple(course.failures))


def goals_of(opened: Opened, source: ImageSource) -> Goals:
    """The documented accuracies that are about these images, and how the recipe in effect fares with them."""
    kind, population = source.population
    run, known = opened.case.run, opened.zoo.populations.get(population)
    own: tuple[dict[str, int], int] = ({}, 0)
    if run.status == "done" and not run.is_estimated:  # else hard images come first, and the race has counts of its own
        own = {name: run.correct(name) for name in ACCURACIES}, run.n
    expected = min((each.number() for each in opened.case.claims if each.metric == "top1"), default=None)
    if kind == "other" or known is None:
        return Goals((), own, expected)
    tolerances, geometry = library_differences.load(), opened.planned.recipe.geometry.id

    def goal(claim: Claim) -> Goal:
        tolerance = tolerances.of(geometry, population, claim.metric, known.images)
        return Goal(claim, accepted(claim, tolerance.value, known.images))

    fitting = [each for each in opened.case.claims if each.metric in ACCURACIES and each.population == population]
    return Goals([goal(claim) for claim in fitting], own, expected)


@dataclass
class Course:
    """The race under way. lanes: the recipe in effect, then one for each runner; failures: who dropped out, and why."""

    race: Race
    own: Evaluation
    lanes: Sequence[Evaluation]
    jobs: int = field(default_factory=machine.cores)
    failures: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, opened: Opened, own: Evaluation) -> Course:
        """At the start: all recipes that fit the network. Raises WorkerError, MisfitError."""
        facts, zoo = own.check(), opened.zoo
        floats = facts["input_dtype"] == "float32"
        # A quantised input is given bytes as they are, and floats by its scale and zero point.
        takes = {"takes_floats": floats or facts.get("quantisation") is not None, "takes_bytes": not floats}
        documented = zoo.recipes.get(opened.planned.checkpoint.recipe)
        raced, lanes = [], []
        for variant in variants(opened.planned.recipe, zoo.recipes, zoo.numerics, documented, **takes):
            try:
                lanes.append(own.with_recipe(variant.recipe))
            except MisfitError:
                continue
            raced.append(variant)
        return cls(Race.of(raced), own, lanes)

    def take(self, block: Block) -> None:
        """Give the next images to everyone who still runs. Raises ImageSetError, CacheError, WorkerError."""
        with _Pixels(self.jobs) as made:
            made.fill(self.own, block)
            self._fill(made, block)
            answers = self.own.answers(block)
            right, right5 = self._right(answers, block)
            self.race.seen(right, right5)
            for runner, lane in self._running():
                self._run(runner, lane, block, answers, right)

    def _running(self) -> list[tuple[Runner, Evaluation]]:
        return [(runner, lane) for runner, lane in zip(self.race.runners, self.lanes, strict=True) if not runner.out]

    def _fill(self, made: _Pixels, block: Block) -> None:
        """Decode for all at once; where an image is too small for someone's crop, that one runs no more."""
        try:
            made.fill_all([lane for _, lane in self._running()], block)
        except ImageSetError:
            for runner, lane in self._running():
                try:
                    made.fill(lane, block)
                except ImageSetError as error:
                    self._drop(runner, str(error).splitlines()[1].strip())

    def _run(self, runner: Runner, lane: Evaluation, block: Block, own: BlockAnswers, right: Right) -> None:
        try:
            answers = lane.answers(block)
        except WorkerError as error:
            # Scores that are no numbers are a recipe's fault as likely as not; a dead worker is started again.
            self._drop(runner, str(error).splitlines()[0])
            lane.rest()
            return
        top1, top5 = self._right(answers, block)
        alike = bool(np.array_equal(answers.indices[:, 0], own.indices[:, 0]))
        self.race.take(runner, top1, top5, right, alike)

    def _drop(self, runner: Runner, why: str) -> None:
        runner.out = "it cannot be run"
        self.failures.append(f"{runner.variant.title}: {why}")

    def _right(self, answers: BlockAnswers, block: Block) -> tuple[Right, Right]:
        classes = ranking.table([image.classes for image in block.images])
        return ranking.correct(answers.indices, classes, self.own.first_class)


class _Pixels:
    """Blocks that are decoded for a race; those that were not there before are removed at its end.

    Pixels of so many geometries would fill a disk; the answers to them are kept.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._made: list[Path] = []

    def __enter__(self) -> _Pixels:
        return self

    def __exit__(self, *exception: object) -> None:
        for path in self._made:
            path.unlink(missing_ok=True)

    def fill(self, lane: Evaluation, block: Block) -> None:
        """For one recipe; raises ImageSetError."""
        self.fill_all([lane], block)

    def fill_all(self, lanes: Sequence[Evaluation], block: Block) -> None:
        """For all recipes whose answers are not known yet; raises ImageSetError, and then nothing is made."""
        wanted = [lane.task.recipe.geometry for lane in lanes if not lane.known(block)]
        missing = {path: each for each in wanted if not (path := pixels.block_path(each, block)).is_file()}
        problems = pixels.decode_block_by_all(list(missing.values()), block, self._jobs)
        refuse(f"{len(problems)} images cannot be used", problems)
        self._made += missing


def _blocks(images: Sequence[image_sets.Image], digests: Sequence[str]) -> Iterator[Block]:
    """Of the images between two looks each."""
    start = 0
    while start < len(images):
        stop = next((look for look in LOOKS if look > start), start + STEP)
        stop = min(stop, len(images))
        yield Block(start, tuple(images[start:stop]), tuple(digests[start:stop]))
        start = stop


def _over(race: Race, goals: Goals) -> bool:
    """Whether no further image can change what is said."""
    running, leader = race.running, race.leader()
    if not running:
        return True
    whole = all(goal.accepted.images <= BUDGET for goal in goals.goals) and goals.goals
    if leader is None or race.n < SURE or whole:  # then the end shows whether the documented number is reproduced
        return False
    return {runner.variant.cause for runner in running} == {leader.variant.cause}


def _command(opened: Opened) -> Callable[[Variant], str]:
    """How a variant is run by itself; its lines must be in the zoo's recipes.toml where no part has a name there."""
    return lambda variant: shlex.join(again(opened, **_parts(opened.zoo, opened.planned.recipe, variant.recipe)))


def _parts(zoo: Zoo, old: Recipe, new: Recipe) -> dict[str, Any]:
    """`recipe` and `numeric` of the request that makes the new recipe."""
    geometry = next((each.id for each in zoo.recipes.values() if each.geometry.steps == new.geometry.steps), new.id)
    parts = {"recipe": geometry} if new.geometry.steps != old.geometry.steps else {}
    if new.numeric.steps != old.numeric.steps:
        numeric = next((each.id for each in zoo.numerics.values() if each.steps == new.numeric.steps), new.numeric.id)
        parts["numeric"] = numeric
    return parts
