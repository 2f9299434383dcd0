"""A sample that grows: its images in the order of their draw, and what a run on the first of them is told to have."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo import drawing
from zoo.jobs.draws import Chosen
from zoo.jobs.image_source import ImageSource
from zoo.records import Drawn, Run
from zoo.records.predictions import Predictions
from zoo.stats.weighted import Bets, Draw


class Growth:
    """The images of runs that advance together. chosen: what they are drawn by; None: all are equally likely."""

    def __init__(self, source: ImageSource, chosen: Chosen | None, seed: int) -> None:
        self.chosen, self.seed, self.source = chosen, seed, source
        if chosen is not None:
            self._rows = drawing.drawn_rows(chosen.reference, chosen.rule, seed)
            self.source = source.drawn([chosen.reference.stems[row] for row in self._rows.tolist()])

    def draw(self, metric: str) -> Draw | None:
        """How the images are drawn, with what is expected of `top1` or `top5`; None where all are equally likely."""
        if self.chosen is None:
            return None
        return _draw(self.chosen, self.seed, metric)

    def record(self, run: Run, predictions: Predictions) -> Run:
        """The run with how its images were drawn, and its accuracies over the population as estimated.

        Where every image was looked at, they are counted, and nothing is left of the draw.
        """
        if self.chosen is None:
            return run
        if run.population == "full":
            return run.changed(look_every=0)
        shares = {metric: self._estimate(metric, predictions.correct(metric)) for metric in ("top1", "top5")}
        reference = self.chosen.reference
        drawn = Drawn(
            reference=reference.subject,
            run=reference.run,
            sha256=reference.digest,
            kinship=self.chosen.kinship,
            rule=self.chosen.rule,
            seed=self.seed,
            **shares,
        )
        return run.changed(drawn=drawn)

    def _estimate(self, metric: str, right: NDArray[np.bool_]) -> float:
        draw = self.draw(metric)
        assert draw is not None
        bets = Bets(draw, [(0, "more")])
        bets.add(right)
        return bets.estimate / draw.images


@lru_cache(maxsize=4)
def _draw(chosen: Chosen, seed: int, metric: str) -> Draw:
    rows = drawing.drawn_rows(chosen.reference, chosen.rule, seed)
    return drawing.draw(chosen.reference, rows, chosen.rule, metric)
