"""How many images decide a claim where they come in a weighted draw, simulated (`zoo.stats.weighted`)."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from zoo.stats.totals import Accepted
from zoo.stats.weighted import Draw, Floats, Watched

_REPEATS = 20  # simulated evaluations behind `stopping`
_FARTHEST = 100.0  # by which logarithms of odds are moved: beyond it, a chance is 0 or 1


def stopping(
    goal: Accepted, truth: int, population: Draw, way: int, look_every: int, shares: tuple[float, ...] = (0.5, 0.95)
) -> list[int]:
    """Images after which these shares (0 to 1) of early-stopping evaluations are decided, if `truth` of all are right.

    population: of values of 0 and 1, in any order; way: the row of its values by which images are right (`answers`).
    Simulated (20 evaluations, always the same), each with a draw of its own and a look after every `look_every` images.
    An evaluation that stays open takes all images.
    """
    stops = []
    for seed in range(_REPEATS):
        random = np.random.default_rng(seed)
        right = answers(population.values[way], truth, random)
        rows = np.argsort(random.exponential(size=population.images) / population.weights)
        watched = Watched(population.ordered(rows), goal)
        while watched.n < population.images and not watched.add(right[rows][watched.n : watched.n + look_every]):
            pass
        stops.append(watched.n)
    return [int(each) for each in np.quantile(stops, shares, method="inverted_cdf")]


def answers(chances: Floats, total: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Images of which exactly `total` are right, each as likely as its chance allows; bool (N,).

    chances: float64 (N,), of being right, 0 to 1. All odds are multiplied by one number, so that `total` are right on
    average: of all ways to come to that total, it departs least from the chances. Some images are then changed until it
    is exact, those that were open most likely first.

    >>> right = answers(np.array([0.99, 0.9, 0.5, 0.01]), 2, np.random.default_rng(0))
    >>> right.tolist()
    [True, True, False, False]
    """
    if not 0 <= total <= len(chances):
        raise ValueError(f"expected 0 to {len(chances):,} right images, got {total}")
    if total in (0, len(chances)):
        return np.full(len(chances), total > 0)
    odds = scipy.special.logit(np.clip(chances, 1e-12, 1 - 1e-12))

    def surplus(by: float) -> float:
        return float(scipy.special.expit(odds + by).sum()) - total

    moved = scipy.special.expit(odds + scipy.optimize.brentq(surplus, -_FARTHEST, _FARTHEST))
    right: NDArray[np.bool_] = random.random(len(chances)) < moved
    missing = total - int(right.sum())
    rows = np.flatnonzero(right == (missing < 0))
    times = random.exponential(size=len(rows)) / np.maximum((moved * (1 - moved))[rows], 1e-300)
    changed = rows[np.argsort(times)[: abs(missing)]]
    right[changed] = missing > 0
    return right
