"""How many images of a finite set are right, where something is known of each image before it is looked at.

Images come in a weighted draw without replacement: of the images that are left, each is the next with a probability in
proportion to its weight. Weights and expected values may come from anywhere, such as the answers of another network:
what follows holds whatever they are, and good ones make it narrow.

After each image, what was seen, what is expected of the rest, and the surprise of the image over its probability make
an estimate of the total whose mean is the total (the control variate and inverse probability weighting of Shekhar, Xu,
Lipton, Liang and Ramdas 2023, Risk-limiting financial audits via weighted sampling without replacement,
arXiv:2305.06884). A bet against a total multiplies its capital by 1 + stake * (estimate - total). If that is the true
total, the capital is a martingale that begins at 1, so it ever reaches 1 / a with a probability of at most a (Ville's
inequality; Waudby-Smith and Ramdas 2020, arXiv:2010.09686). One may stop whenever one likes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from zoo.stats.intervals import CONFIDENCE
from zoo.stats.totals import Accepted, Outcome

Floats = NDArray[np.float64]
Direction = Literal["more", "fewer"]

# By how many of 50,000 images a total may be wrong, as bets expect it: from hardly to hopelessly.
_GAPS = np.array([25, 50, 75, 110, 160, 240, 350, 500, 750, 1100, 1600, 2400, 4000, 8000, 16000]) / 50_000
_MOST = 0.95  # of the stake with which one image could lose everything
_PATIENCE = 5.0  # images' worth of expected surprise before seen surprises tell how large they are
_CHUNK = 512  # images that are reckoned with at once


@dataclass(frozen=True)
class Draw:
    """A population in the order of its draw, and what is expected of it before the first image.

    weights: float64 (N,), above 0. values, variances: float64 (ways, N), what each way to predict expects of each
    image's value, and how far that may be off. low, high: the least and the greatest value an image can have, (N,) or
    one for all. belief: share of each way, (ways,), adding up to 1.
    """

    weights: Floats
    values: Floats
    variances: Floats
    low: ArrayLike = 0.0
    high: ArrayLike = 1.0
    belief: tuple[float, ...] = (1.0,)

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.weights)

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """The least and the greatest value of each image, (N,) each."""
        low, high = (np.broadcast_to(np.asarray(end, np.float64), self.images) for end in (self.low, self.high))
        return low, high

    @cached_property
    def left(self) -> Floats:
        """Weight of each image and all behind it, (N,)."""
        return _from_here(self.weights)

    @cached_property
    def expected(self) -> Floats:
        """Expected total of each image and all behind it, (ways, N)."""
        return _from_here(self.values)

    @cached_property
    def spread(self) -> Floats:
        """Expected variance of the estimate made from the next image, (ways, N)."""
        return self.left * _from_here(self.variances / self.weights)

    @cached_property
    def deepest(self) -> Floats:
        """By how much the next image can lower the estimate at most, (ways, N)."""
        return self.left * _largest_from_here((self.values - self.ends[0]) / self.weights)

    @cached_property
    def highest(self) -> Floats:
        """By how much the next image can raise the estimate at most, (ways, N)."""
        return self.left * _largest_from_here((self.ends[1] - self.values) / self.weights)


class Bets:
    """Bets against totals while images come. `against`: pairs of a total, and which way the truth is said to lie.

    (t, "more") bets that the total is more than t; reaching 1 / a excludes t and every smaller total with an error of
    a, as one that is still smaller makes the bet only better.
    """

    def __init__(self, draw: Draw, against: Sequence[tuple[float, Direction]]) -> None:
        self.draw = draw
        self.n, self.total = 0, 0.0
        self.strongest = np.zeros(len(against))  # logarithm of the largest capital so far, (bets,)
        self._estimates, self._certainty = np.zeros(len(draw.belief)), np.zeros(len(draw.belief))
        self._totals = np.array([total for total, _ in against], np.float64)[:, None]
        self._signs = np.array([1.0 if direction == "more" else -1.0 for _, direction in against])[:, None, None]
        gaps = _GAPS * draw.images
        self._gaps = gaps[:, None]
        ways = len(draw.belief)
        shares = np.log(np.array(draw.belief))[:, None] - math.log(len(gaps))
        self._capital = np.broadcast_to(shares, (len(against), ways, len(gaps))).copy()
        self._surprise, self._foreseen = np.zeros(ways), np.zeros(ways)

    @property
    def left(self) -> int:
        """How many images have not been seen."""
        return self.draw.images - self.n

    @property
    def estimate(self) -> float:
        """Of the total: the estimates after each image, the more certain ones counting more; what is expected at first.

        Of several ways to predict it is the one that was most certain in the end.
        """
        if self.n in (0, self.draw.images):
            return self.total if self.n else float(np.dot(self.draw.belief, self.draw.expected[:, 0]))
        best = int(self._certainty.argmax())
        low, high = (float(np.sum(np.broadcast_to(end, self.draw.images)[self.n :])) for end in self.draw.ends)
        return float(np.clip(self._estimates[best] / self._certainty[best], self.total + low, self.total + high))

    def add(self, values: ArrayLike) -> None:
        """The values of the next images of the draw, (n,)."""
        seen = np.asarray(values, np.float64)
        for start in range(0, len(seen), _CHUNK):
            self._add(seen[start : start + _CHUNK])

    def _add(self, seen: Floats) -> None:
        draw, here = self.draw, slice(self.n, self.n + len(seen))
        before = self.total + np.cumsum(seen) - seen
        weights, left = draw.weights[here], draw.left[here]
        surprise = seen - draw.values[:, here]
        estimate = before + draw.expected[:, here] + surprise * left / weights
        spread = self._scale(surprise**2 / weights, draw.variances[:, here] / weights) * draw.spread[:, here]
        self._estimates = self._estimates + (estimate / spread).sum(axis=1)
        self._certainty = self._certainty + (1 / spread).sum(axis=1)
        # (bets, ways, n): how far the estimate speaks for the bet, and what one image could cost it.
        gain = self._signs * (estimate - self._totals[:, :, None])
        middle = before + draw.expected[:, here]
        risk = np.where(self._signs > 0, draw.deepest[:, here], draw.highest[:, here])
        risk = risk - self._signs * (middle - self._totals[:, :, None])
        most = np.where(risk > 0, _MOST / np.maximum(risk, 1e-12), 1.0)
        stake = self._gaps / (spread[:, None, :] + self._gaps**2)  # (ways, gaps, n)
        stakes = np.minimum(stake, most[:, :, None, :])
        capital = self._capital[..., None] + np.cumsum(np.log1p(stakes * gain[:, :, None, :]), axis=-1)
        self._capital = capital[..., -1]
        together = scipy.special.logsumexp(capital, axis=(1, 2))
        self.strongest = np.maximum(self.strongest, together.max(axis=-1))
        self.n, self.total = self.n + len(seen), float(before[-1] + seen[-1])

    def _scale(self, surprise: Floats, foreseen: Floats) -> Floats:
        """How much larger surprises were than foreseen, before each of these images, (ways, n)."""
        unit = _PATIENCE * (self.draw.variances / self.draw.weights).mean(axis=1)[:, None]
        had = self._surprise[:, None] + np.cumsum(surprise, axis=1) - surprise
        due = self._foreseen[:, None] + np.cumsum(foreseen, axis=1) - foreseen
        self._surprise, self._foreseen = self._surprise + surprise.sum(axis=1), self._foreseen + foreseen.sum(axis=1)
        scale: Floats = (unit + had) / (unit + due)
        return scale


class Watched:
    """A claim about the total of values of 0 and 1, and what is still possible of it while images come.

    A true claim is refuted with a probability of at most 1 - confidence, a false one confirmed with half of that.
    """

    def __init__(self, draw: Draw, goal: Accepted, confidence: float = CONFIDENCE) -> None:
        self.goal, self._limit = goal, _limit(confidence)
        self._bets = Bets(
            draw,
            [
                (goal.outer[0], "fewer"),
                (goal.outer[1], "more"),
                (goal.inner[0] - 1, "more"),
                (goal.inner[1] + 1, "fewer"),
            ],
        )
        self.decided_at: int | None = None
        self.outcome: Outcome = "inconclusive"
        self._look()

    @property
    def n(self) -> int:
        """Images seen."""
        return self._bets.n

    @property
    def p_value(self) -> float:
        """Of "the claim is true", valid whenever one stops; at most 1 - confidence where it is refuted."""
        if self.goal.outer[0] > self.goal.outer[1]:
            return 0.0
        if self._bets.left == 0:
            return float(self.goal.outcome(self._seen, self._seen) != "refuted")
        return min(1.0, 2 * math.exp(-float(self._bets.strongest[:2].max())))

    def add(self, values: ArrayLike) -> bool:
        """The values of the next images, (n,); whether these have just decided the claim."""
        self._bets.add(values)
        return self._look()

    @property
    def _seen(self) -> int:
        return round(self._bets.total)

    def _look(self) -> bool:
        if self.outcome != "inconclusive":
            return False
        # What is left cannot take away what was seen, nor add more than one an image.
        sure = self.goal.outcome(self._seen, self._seen + self._bets.left)
        below, above, at_least, at_most = self._bets.strongest >= self._limit
        low, high = self.goal.inner
        if sure != "inconclusive":
            self.outcome = sure
        elif below or above:
            self.outcome = "refuted"
        elif (at_least or self._seen >= low) and (at_most or self._seen + self._bets.left <= high):
            self.outcome = "confirmed"
        if self.outcome == "inconclusive":
            return False
        self.decided_at = self.n
        return True


def interval(draw: Draw, values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Which totals (whole numbers) remain possible after the first images of a draw: (lowest, highest), both included.

    values: of those images, (n,). It holds at every n together with a probability of `confidence`.
    """
    seen = np.asarray(values, np.float64)
    total = round(float(seen.sum()))
    rest = [end[len(seen) :].sum() for end in draw.ends]
    low, high = total + math.floor(rest[0]), total + math.ceil(rest[1])
    if low == high:
        return low, high
    bets = Bets(draw, [(low - 1, "more")])
    bets.add(seen)
    middle = min(max(round(bets.estimate), low), high)
    # Ends are bisected together; [kept, past) of the lower end counts downwards.
    outer, inner = np.array([low - 1, high + 1]), np.array([middle, middle])
    while (np.abs(outer - inner) > 1).any():
        tried = (outer + inner) // 2
        bets = Bets(draw, [(float(tried[0]), "more"), (float(tried[1]), "fewer")])
        bets.add(seen)
        excluded = bets.strongest >= _limit(confidence)
        outer, inner = np.where(excluded, tried, outer), np.where(excluded, inner, tried)
    return int(inner[0]), int(inner[1])


def _limit(confidence: float) -> float:
    """Of a capital's logarithm: each side has half of the error."""
    return -math.log((1 - confidence) / 2)


def _from_here(values: Floats) -> Floats:
    """Each value and all behind it, added up along the last axis."""
    return np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]


def _largest_from_here(values: Floats) -> Floats:
    return np.maximum.accumulate(values[..., ::-1], axis=-1)[..., ::-1]
