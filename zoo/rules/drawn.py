"""What a run says whose images were drawn by a reference: totals that remain possible, and verdicts on claims.

Images that are likely to be wrong, or that a relative may answer otherwise, come first. So shares of the images that
were looked at say nothing of all images: each of these functions reckons with how likely every image was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoo import drawing
from zoo.errors import RunFolderError
from zoo.records import Drawn, Run
from zoo.records.references import Reference
from zoo.rules.base import Evidence
from zoo.stats import Accepted, planning, weighted
from zoo.stats.weighted import Bets, Draw, Watched

_AS_LIKELY_AS_NOT = 0.5  # of which nothing is known beforehand


@dataclass(frozen=True)
class Looked:
    """A run that was drawn: the reference, and which of its images, in the order of the draw, are right.

    right: a byte for each, 0 or 1 (a key for what is remembered).
    """

    reference: Reference
    drawn: Drawn
    metric: str
    look_every: int
    right: bytes

    @property
    def values(self) -> NDArray[np.uint8]:
        """1 of a right image, else 0; uint8 (n,)."""
        return np.frombuffer(self.right, np.uint8)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the reference in the order of the draw, int64 (N,)."""
        return drawing.drawn_rows(self.reference, self.drawn.rule, self.drawn.seed)

    @property
    def draw(self) -> Draw:
        """The population, with what was expected of it."""
        return drawing.draw(self.reference, self.rows, self.drawn.rule, self.metric)


def obstacle(run: Run, evidence: Evidence) -> str | None:
    """Why nothing follows from the counts of a run whose images were drawn; None where something does, or of others.

    Raises RunFolderError where the answers do not come in the order of the draw.
    """
    if run.drawn is None or not run.is_estimated:
        return None
    answers, reference = evidence.answers(run), evidence.references(run)
    if answers is None or reference is None:
        what = "its answers" if answers is None else "the answers that its images were drawn by"
        return f"{what} were not kept, and counts of images that were not equally likely say nothing without them"
    population = evidence.populations.get(run.population_id)
    if population is None or population.images != len(reference.stems):
        of = f"the {population.images:,} images of {population.title}" if population else "images that nobody knows"
        return f"its images were drawn from {len(reference.stems):,} that {run.drawn.reference} answered, not from {of}"
    if drawing.is_drawn(reference, run.drawn.rule, run.drawn.seed, answers.ids):
        return None
    if run.recounts:
        return f"its images were drawn by what {run.drawn.reference} answered, and not all of them have these labels"
    raise RunFolderError(f"{run.subject}: {out_of_order(run.drawn)}")


def out_of_order(drawn: Drawn) -> str:
    """What is wrong with a run whose answers do not come in the order of its draw."""
    return (
        f"its images do not come in the order of a draw by {drawn.reference} with seed {drawn.seed}, so that nothing "
        "follows from them; make the run again"
    )


def looked(run: Run, metric: str, evidence: Evidence) -> Looked | None:
    """None of a run that was not drawn by a reference, that saw all images, or to which there is an `obstacle`."""
    answers, reference = evidence.answers(run), evidence.references(run) if run.is_estimated else None
    if run.drawn is None or answers is None or reference is None or obstacle(run, evidence) is not None:
        return None
    right = answers.correct(metric).astype(np.uint8).tobytes()
    return Looked(reference, run.drawn, metric, max(run.look_every, 1), right)


@lru_cache(maxsize=256)
def watched(run: Looked, goal: Accepted) -> Watched:
    """The claim that accepts these totals, after all looks of the run."""
    watch = Watched(run.draw, goal)
    for start in range(0, len(run.values), run.look_every):
        watch.add(run.values[start : start + run.look_every])
    return watch


@lru_cache(maxsize=256)
def totals(run: Looked) -> tuple[int, int]:
    """Totals of right images that remain possible: (lowest, highest)."""
    return weighted.interval(run.draw, run.values)


def in_random_order(goal: Accepted, share: float, look_every: int) -> int:
    """Images after which half of the evaluations that draw without a reference decide, if `share` of all are right."""
    return planning.stopping(goal, round(share * goal.images), look_every)[0]


def share_p(run: Looked, found: NDArray[np.bool_], share: float, alternative: Literal["less", "greater"]) -> float:
    """p-value of "`share` of all images at least (less), or at most (greater), are such", valid whenever one stops.

    found: which of the run's images are, bool (n,), in their order. `zoo.stats.share_p` is of images that were equally
    likely.
    """
    weights = run.draw.weights
    known = np.full((1, len(weights)), _AS_LIKELY_AS_NOT)
    bets = Bets(
        Draw(weights, known, known * (1 - known)),
        [(share * len(weights), "fewer" if alternative == "less" else "more")],
    )
    bets.add(found)
    return min(1.0, float(np.exp(-bets.strongest[0])))


def more_p(run: Looked, gains: NDArray[np.int8]) -> float:
    """p-value of "over all images the gains are not more than the losses", valid whenever one stops.

    gains: of the run's images in their order, int8 (n,): 1, -1, or 0 of one that makes no difference.
    """
    weights = run.draw.weights
    nothing = np.zeros((1, len(weights)))
    bets = Bets(Draw(weights, nothing, nothing + _AS_LIKELY_AS_NOT, low=-1.0), [(0.0, "more")])
    bets.add(gains)
    return min(1.0, float(np.exp(-bets.strongest[0])))
