"""Pairs of runs of which a reference drew the images of one or of both: what follows for all images.

Two runs by the same draw saw the same images in the same order, the one perhaps more of them. Of a run on all images
every answer is known, so it can be held against any draw. Other runs have no images in common that were drawn with
known chances: they are not compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo.records.predictions import Predictions
from zoo.records.references import stem
from zoo.rules import drawn
from zoo.rules.base import Evidence
from zoo.rules.drawn import Looked
from zoo.rules.pairs.answered import Answered, answered
from zoo.stats import weighted
from zoo.stats.weighted import Bets, Draw


@dataclass(frozen=True)
class Compared:
    """Two runs on images that were drawn, and by how many images the first is right more often than the second.

    by: what drew them; values: of the images that both saw, in their order, int8 as bytes: 1 of an image that only the
    first has right, -1 of one that only the second has, 0 of others. whole: where one of the two saw all images, which
    of them it has right, in the order of the draw, a byte each; whole_is_first: which of the two that is.
    """

    by: Looked
    values: bytes
    whole: bytes | None = None
    whole_is_first: bool = False

    @property
    def gains(self) -> NDArray[np.int8]:
        """`values` as an array, int8 (n,)."""
        return np.frombuffer(self.values, np.int8)

    @property
    def images(self) -> int:
        """Of the population."""
        return len(self.by.reference.stems)

    @property
    def draw(self) -> Draw:
        """The population, with what is expected of the difference on each image.

        Of two relatives nothing is expected, but that they differ where one of them departs from the reference. Beside
        a run that saw all images, the other one is expected to answer as the reference does.
        """
        own = self.by.draw
        if self.whole is None:
            return Draw(own.weights, np.zeros_like(own.values), 2 * own.variances, low=-1.0, belief=own.belief)
        known = np.frombuffer(self.whole, np.uint8).astype(np.float64)
        if self.whole_is_first:
            return Draw(own.weights, known - own.values, own.variances, known - 1, known, own.belief)
        return Draw(own.weights, own.values - known, own.variances, -known, 1 - known, own.belief)

    @property
    def estimate(self) -> float:
        """Of the difference of the two accuracies over all images, a fraction."""
        return _estimate(self) / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """Differences over all images that remain possible, fractions; it holds whenever one stops."""
        low, high = _interval(self)
        return low / self.images, high / self.images

    def p_value(self, margin: float) -> float:
        """Of "the accuracies differ by `margin` (a fraction) at most", valid whenever one stops.

        At most 0.05 where the interval lies outside of -margin to margin: both come from the same bets.
        """
        allowed = math.floor(margin * self.images + 1e-9)
        seen, left = int(self.gains.sum(dtype=np.int64)), slice(len(self.gains), None)
        low, high = (seen + float(end[left].sum()) for end in self.draw.ends)
        if low > allowed or high < -allowed:
            return 0.0
        return _p_value(self, allowed)


def groups(evidence: Evidence) -> Iterator[list[Answered]]:
    """Runs that can be held against each other: those by one draw, and those on all images of the same population.

    In the order of the runs; of two runs with one key, as two run folders may hold, the first.
    """
    runs = list({one.run.key: one for one in reversed(list(answered(evidence)))}.values())[::-1]
    draws = [_draw_of(one) if drawn.obstacle(one.run, evidence) is None else None for one in runs]
    for draw in dict.fromkeys(each for each in draws if each is not None):
        yield [
            one
            for one, own in zip(runs, draws, strict=True)
            if own == draw or (one.run.population == "full" and one.run.population_id == draw[0])
        ]


def aligned(first: Answered, second: Answered) -> tuple[Answered, Answered] | None:
    """Two runs of a group with their answers on the images both saw, in the order of the draw.

    None where neither was drawn, or where an image has another label in the one than in the other.
    """
    if not (first.run.is_estimated or second.run.is_estimated):
        return None
    short = min((one for one in (first, second) if one.run.is_estimated), key=lambda one: len(one.answers.ids))
    names = list(_rows(short.answers.ids))
    both = [_on(one, names) for one in (first, second)]
    if both[0] is None or both[1] is None or not _have_same_labels(both[0], both[1]):
        return None
    return Answered(first.run, both[0]), Answered(second.run, both[1])


def compared(first: Answered, second: Answered, metric: str, evidence: Evidence) -> Compared | None:
    """Two runs of a group; None where they cannot be compared."""
    both = aligned(first, second)
    if both is None:
        return None
    one = first if first.run.is_estimated else second
    by = drawn.looked(one.run, metric, evidence)
    if by is None:
        return None
    right, other = (each.answers.correct(metric).astype(np.int8) for each in both)
    whole = next((each for each in (first, second) if not each.run.is_estimated), None)
    if whole is None:
        return Compared(by, (right - other).tobytes())
    known = _on(whole, [by.reference.stems[row] for row in by.rows.tolist()])
    if known is None or len(known.ids) != len(whole.answers.ids):
        return None
    return Compared(by, (right - other).tobytes(), known.correct(metric).astype(np.uint8).tobytes(), whole is first)


def totals(run: Looked, found: NDArray[np.bool_]) -> tuple[int, int]:
    """How many of all images may be such that few are expected to be, where relatives differ: (lowest, highest).

    found: which of the images that were seen are, bool (n,), in the order of the draw.
    """
    own = run.draw
    expected = 2 * own.variances  # that one of two relatives departs from the reference and the other does not
    return weighted.interval(Draw(own.weights, expected, expected * (1 - expected), belief=own.belief), found)


def _draw_of(one: Answered) -> tuple[object, ...] | None:
    """What runs by one draw have in common; None of others."""
    by = one.run.drawn if one.run.is_estimated else None
    return None if by is None else (one.run.population_id, by.sha256, by.rule, by.seed)


def _on(one: Answered, names: Sequence[str]) -> Predictions | None:
    """Its answers on images of these names (stems), in their order; None where it did not see one of them."""
    rows = _rows(one.answers.ids)
    if not all(name in rows for name in names):
        return None
    return one.answers.of_rows(np.array([rows[name] for name in names], np.int64))


@lru_cache(maxsize=16)
def _rows(ids: tuple[str, ...]) -> dict[str, int]:
    """Row of each image by its stem; remembered, as every rule asks for those of every run."""
    return {stem(name): row for row, name in enumerate(ids)}


def _have_same_labels(first: Predictions, second: Predictions) -> bool:
    return first.labelled_images[1:] == second.labelled_images[1:]


@lru_cache(maxsize=256)
def _estimate(pair: Compared) -> float:
    bets = Bets(pair.draw, [(0.0, "more")])
    bets.add(pair.gains)
    return bets.estimate


@lru_cache(maxsize=256)
def _interval(pair: Compared) -> tuple[int, int]:
    return weighted.interval(pair.draw, pair.gains)


@lru_cache(maxsize=256)
def _p_value(pair: Compared, allowed: int) -> float:
    bets = Bets(pair.draw, [(float(allowed), "more"), (float(-allowed), "fewer")])
    bets.add(pair.gains)
    return min(1.0, 2 * math.exp(-float(bets.strongest.max())))
