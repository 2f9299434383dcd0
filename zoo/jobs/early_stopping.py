"""Stopping early: every block of images goes through every run, in one random order, until all claims are decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo import stats
from zoo.documents.accepted import accepted
from zoo.errors import UsageError, ZooError
from zoo.images import pixels
from zoo.images.pixels import Block
from zoo.measure import ranking
from zoo.measure.accuracy import BlockAnswers, Evaluation
from zoo.records import ACCURACIES, Claim, Geometry, Outcome, Run
from zoo.rules.accuracy import obstacle_to
from zoo.rules.base import Evidence
from zoo.stats import Accepted
from zoo.stats.weighted import Draw, Watched

LOOK_EVERY = pixels.BLOCK  # images
WORKERS = 12  # alive side by side, of up to 1 GB each; of more runs the last ones' workers end with their turn
DrawFor = Callable[[str], Draw | None]


class Watch:
    """A claim and what is still possible: totals of right images, fewer with every look.

    draw: the images as a reference has them drawn; None where all are equally likely.
    """

    def __init__(self, claim: Claim, goal: Accepted, draw: Draw | None = None) -> None:
        self.claim, self.goal = claim, goal
        self.right, self.seen, self.low, self.high = 0, 0, 0, goal.images
        self.outcome: Outcome = "inconclusive"
        self._drawn = None if draw is None else Watched(draw, goal)

    def look(self, right: NDArray[np.bool_]) -> bool:
        """Which of the next images were right, bool (n,); whether that has just decided the claim."""
        if self.outcome != "inconclusive":
            return False
        if self._drawn is not None:
            self._drawn.add(right)
            self.outcome = self._drawn.outcome
        else:
            self.right, self.seen = self.right + int(right.sum()), self.seen + len(right)
            low, high = stats.sequence_totals(self.right, self.seen, self.goal.images, prior=self.goal.prior)
            self.low, self.high = max(self.low, int(low)), min(self.high, int(high))
            self.outcome = self.goal.outcome(self.low, self.high)
        return self.outcome != "inconclusive"


@dataclass
class Lane:
    """One run among those that advance together; `failure` ends it, not the others."""

    name: str
    evaluation: Evaluation
    watches: Sequence[Watch]
    answers: list[BlockAnswers] = field(default_factory=list)
    failure: ZooError | None = None

    @property
    def open(self) -> bool:
        """Whether it still asks for images."""
        return self.failure is None and any(watch.outcome == "inconclusive" for watch in self.watches)

    def take(self, block: Block) -> Iterator[str]:
        """Answers for a decoded block; a sentence for each claim that they decide."""
        answers = self.evaluation.answers(block)
        self.answers.append(answers)
        classes = ranking.table([image.classes for image in block.images])
        correct = ranking.correct(answers.indices, classes, self.evaluation.first_class)
        right: dict[str, Any] = dict(zip(ACCURACIES, correct, strict=True))
        for watch in self.watches:
            if watch.look(right[watch.claim.metric]):
                yield f"{self.name}: {watch.claim.metric} {watch.outcome} after {block.stop:,} images"


class Decoded:
    """How far the blocks are decoded in each geometry; a little ahead, so that all cores have work."""

    def __init__(self, blocks: Sequence[Block], jobs: int) -> None:
        self.blocks, self._jobs = blocks, jobs
        self._until: dict[str, int] = {}

    def need(self, geometry: Geometry, until: int) -> None:
        """Blocks up to number `until` (excluded) are there; raises ImageSetError, CacheError."""
        have = self._until.get(geometry.id, 0)
        if until > have:
            until = max(until, have + 2 * self._jobs)
            pixels.fill(geometry, self.blocks[have:until], self._jobs)
            self._until[geometry.id] = until


def watches(run: Run, evidence: Evidence, draw_for: DrawFor = lambda metric: None) -> list[Watch]:
    """The documented accuracies that a run on these images can decide.

    draw_for: how the images are drawn, with what is expected of their `top1` or `top5`.
    """
    claims = [claim for metric in ACCURACIES for claim in evidence.claims_on(run.checkpoint, metric)]
    return [
        Watch(
            claim,
            accepted(claim, tolerance.value, evidence.populations[claim.population].images),
            draw_for(claim.metric),
        )
        for claim in claims
        if obstacle_to(run, claim, evidence) is None
        for tolerance in [evidence.tolerated(run.geometry, claim.population, claim.metric)]
    ]


def gap(watches: Sequence[Watch]) -> float:
    """Half of what the narrowest claim accepts, in images; 0 without a claim."""
    return min((max(1, each.goal.inner[1] - each.goal.inner[0] + 1) / 2 for each in watches), default=0.0)


def check_decidable(*, decidable: bool) -> None:
    """Raise UsageError where no claim is there to be decided: every image would be looked at for nothing."""
    if not decidable:
        raise UsageError(
            "--sample auto: there is nothing to decide: none of the chosen checkpoints has a documented accuracy for "
            "these images and this recipe; give --sample N, or no --sample"
        )


def advance(
    lanes: Sequence[Lane], decoded: Decoded, say: Callable[[str], None], progress: Callable[[int], None]
) -> int:
    """Take block after block until every claim is decided or the set is exhausted; how many blocks were taken.

    Raises ImageSetError, as wrong images make every run wrong; other errors end their own run.
    """
    done = 0
    while done == 0 or (done < len(decoded.blocks) and any(lane.open for lane in lanes)):
        running = [lane for lane in lanes if lane.failure is None]
        crowded = len(running) > WORKERS
        # A worker takes seconds to start: where they cannot all stay, a turn grows with what has been seen.
        batch = decoded.blocks[done : done + (max(1, done // 4) if crowded else 1)]
        for number, lane in enumerate(running):
            decoded.need(lane.evaluation.task.recipe.geometry, done + len(batch))
            _turn(lane, batch, say)
            if lane.failure is not None or (crowded and number >= WORKERS - 1):
                lane.evaluation.rest()
        done += len(batch)
        progress(sum(len(block.images) for block in batch))
    return done


def _turn(lane: Lane, batch: Sequence[Block], say: Callable[[str], None]) -> None:
    try:
        for block in batch:
            for sentence in lane.take(block):
                say(sentence)
    except ZooError as error:
        lane.failure = error
