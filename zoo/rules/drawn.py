"""What a run says whose images were drawn by a reference: totals that remain possible, and verdicts on claims."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo import drawing
from zoo.errors import RunFolderError
from zoo.records import Drawn, Run
from zoo.records.predictions import Predictions
from zoo.records.references import Reference, stem
from zoo.rules.base import Evidence
from zoo.stats import Accepted, weighted
from zoo.stats.weighted import Draw, Watched


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
    def draw(self) -> Draw:
        """The population, with what was expected of it."""
        rows = drawing.drawn_rows(self.reference, self.drawn.rule, self.drawn.seed)
        return drawing.draw(self.reference, rows, self.drawn.rule, self.metric)


def looked(run: Run, metric: str, evidence: Evidence) -> Looked | None:
    """None of a run that was not drawn by a reference, or whose answers were not kept.

    Raises RunFolderError where the answers do not come in the order of the draw.
    """
    answers, reference = evidence.answers(run), evidence.references(run)
    if run.drawn is None or answers is None or reference is None:
        return None
    _check_order(run, run.drawn, answers, reference)
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


def _check_order(run: Run, drawn: Drawn, answers: Predictions, reference: Reference) -> None:
    rows = drawing.drawn_rows(reference, drawn.rule, drawn.seed)[: len(answers.ids)]
    if [reference.stems[row] for row in rows.tolist()] != [stem(name) for name in answers.ids]:
        raise RunFolderError(
            f"{run.subject}: its images do not come in the order of a draw by {drawn.reference} with seed "
            f"{drawn.seed}, so that nothing follows from them; make the run again"
        )
