"""How many images of a finite set are right, where something is known of each image before it is looked at.

Images come in a weighted draw without replacement: of the images that are left, each is the next with a probability in
proportion to its weight. Weights and expected values may come from anywhere, such as the answers of another network:
what follows holds whatever they are, and good ones make it narrow.

Each image gives an estimate of the total: what was seen before, plus what is expected of all images that were left,
plus the surprise of this image (by how much it differs from what was expected of it) divided by its probability. The
mean of that over the images that could have come is the total, whatever was expected (Shekhar, Xu, Lipton, Liang and
Ramdas 2023, Risk-limiting financial audits via weighted sampling without replacement, arXiv:2305.06884, who call what
is expected a control variate).

A bet against a total multiplies its capital by 1 + stake * (estimate - total). The stake is fixed before the image
comes, and so small that no image can cost all. Against the true total, the capital is a martingale that begins at 1, so
it ever reaches 1 / a with a probability of at most a (Ville's inequality; Waudby-Smith and Ramdas 2020, Estimating
means of bounded random variables by betting, arXiv:2010.09686). So one may stop whenever one likes.

>>> random, images = np.random.default_rng(0), 10_000
>>> known = random.random(images) < 0.7  # which images another network answers right
>>> flips = np.where(random.random(images) < 0.8, 0.01, 0.2)  # how likely a relative of it does not
>>> now = np.where(random.random(images) < flips, ~known, known)  # the relative, of which nobody knows yet
>>> order = np.argsort(random.exponential(size=images) / np.sqrt(flips))  # a weighted draw without replacement
>>> draw = Draw(np.sqrt(flips)[order], np.where(known, 1 - flips, flips)[order], (flips * (1 - flips))[order])
>>> [interval(draw, now[order][:n]) for n in (0, 500, 2000, images)], int(now.sum())
([(0, 10000), (6470, 6970), (6723, 6910), (6827, 6827)], 6827)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo.stats.intervals import CONFIDENCE
from zoo.stats.totals import Accepted, Outcome

Floats = NDArray[np.float64]
Direction = Literal["more", "fewer"]

# By how many of 50,000 images a total may be wrong, as bets expect it: from hardly to hopelessly.
_GAPS = np.array([25, 50, 75, 110, 160, 240, 350, 500, 750, 1100, 1600, 2400, 4000, 8000, 16000]) / 50_000
_MOST = 0.95  # of its capital that a bet may lose by one image
_PATIENCE = 5.0  # images' worth of expected surprise before seen surprises tell how large they are
_LEAST = 1e-12  # of a variance: however sure a way to predict is, one can divide by it
_CHUNK = 128  # images that are reckoned with at once: as many as stay in a processor's cache


@dataclass(frozen=True, eq=False)
class Draw:
    """A population in the order of its draw, and what is expected of it before the first image.

    weights: float64 (N,), finite and above 0, N at least 1. values, variances: float64 (ways, N), what each way to
    predict expects of each image's value, and by how much that may be off (mean square, at least 0). low, high: the
    least and the greatest value an image can have, (N,) or one for all. belief: share of each way, (ways,), above 0,
    adding up to 1. All of it is fixed before the first image is looked at. Raises ValueError.
    """

    weights: Floats
    values: Floats
    variances: Floats
    low: ArrayLike = 0.0
    high: ArrayLike = 1.0
    belief: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """One way to predict may be given as (N,)."""
        object.__setattr__(self, "weights", np.asarray(self.weights, np.float64))
        for name in ("values", "variances"):
            object.__setattr__(self, name, np.atleast_2d(np.asarray(getattr(self, name), np.float64)))
        shape = len(self.belief), self.weights.size
        if self.weights.shape != shape[1:] or not shape[1] or {self.values.shape, self.variances.shape} != {shape}:
            raise ValueError(
                "a draw: expected weights (N,), values and variances (ways, N), belief (ways,), N at least 1, got "
                f"{self.weights.shape}, {self.values.shape}, {self.variances.shape} and {len(self.belief)} ways"
            )
        low, high = self.ends
        finite = all(np.isfinite(each).all() for each in (self.weights, self.values, self.variances, low, high))
        if not finite or self.weights.min() <= 0 or self.variances.min() < 0 or (low > high).any():
            raise ValueError("a draw: expected finite numbers, weights above 0, variances of at least 0, low <= high")
        if min(self.belief) <= 0 or not math.isclose(sum(self.belief), 1):
            raise ValueError(f"a draw: expected shares of the ways above 0 that add up to 1, got {self.belief}")

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.weights)

    @cached_property
    def ends(self) -> tuple[Floats, Floats]:
        """The least and the greatest value of each image, (N,) each."""
        low, high = (np.broadcast_to(np.asarray(end, np.float64), self.images) for end in (self.low, self.high))
        return low, high

    def ordered(self, rows: NDArray[np.int64]) -> Self:
        """The same images in another order: row i becomes what row `rows[i]` is, int64 (N,)."""
        arrays = {name: getattr(self, name)[..., rows] for name in ("weights", "values", "variances")}
        return replace(self, **arrays, low=self.ends[0][rows], high=self.ends[1][rows])

    def rest(self, n: int) -> tuple[float, float]:
        """The least and the greatest total of the images behind the first n."""
        low, high = (float(end[n:].sum()) for end in self.ends)
        return low, high

    # What follows depends on which images are left, and not on which of them comes next: so stakes may use it.

    @cached_property
    def left(self) -> Floats:
        """Weight of each image and all behind it, (N,)."""
        return _from_here(self.weights)

    @cached_property
    def expected(self) -> Floats:
        """Expected total of each image and all behind it, (ways, N)."""
        return _from_here(self.values)

    @cached_property
    def foreseen(self) -> Floats:
        """Expected square of the surprise of each image over its weight, (ways, N), above 0."""
        return np.maximum(self.variances, _LEAST) / self.weights

    @cached_property
    def spread(self) -> Floats:
        """Expected variance of the estimate made from the next image, (ways, N), above 0."""
        return self.left * _from_here(self.foreseen)

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

    (t, "more") bets that the total is more than t: if it is not, its capital ever reaches 1 / a with a probability of
    at most a. No image can make it better off than the same bet against a smaller total, so reaching 1 / a excludes t
    and every smaller total at once. The capital is dealt to the ways to predict, and to guesses how far off t is.
    """

    def __init__(self, draw: Draw, against: Sequence[tuple[float, Direction]]) -> None:
        self.draw = draw
        self.n, self.total = 0, 0.0
        self.capital = np.zeros(len(against))  # logarithms, (bets,)
        self.strongest = np.zeros(len(against))  # logarithm of the largest capital so far, (bets,)
        self._totals = np.array([total for total, _ in against], np.float64)[:, None, None]
        self._signs = np.array([1.0 if direction == "more" else -1.0 for _, direction in against])[:, None, None]
        self._gaps = _GAPS * draw.images
        ways = len(draw.belief)
        shares = np.log(np.array(draw.belief)) - math.log(len(_GAPS))
        self._parts = np.broadcast_to(shares[:, None], (len(against), ways, len(_GAPS))).copy()
        # As if some images had been as surprising as foreseen, so that the first ones do not tell all.
        self._surprise = self._foreseen = _PATIENCE * draw.foreseen.mean(axis=1)
        self._estimates, self._certainty = np.zeros(ways), np.zeros(ways)

    @property
    def left(self) -> int:
        """How many images have not been seen."""
        return self.draw.images - self.n

    @property
    def estimate(self) -> float:
        """Of the total: the mean of the estimates after each image, those with less spread counting more.

        Of several ways to predict it is the one that was surprised least in the end. Before the first image it is what
        is expected, after the last one the total itself.
        """
        if self.n == 0:
            return float(np.dot(self.draw.belief, self.draw.expected[:, 0]))
        best, (low, high) = int((self._certainty * self._foreseen / self._surprise).argmax()), self.draw.rest(self.n)
        return float(np.clip(self._estimates[best] / self._certainty[best], self.total + low, self.total + high))

    def add(self, values: ArrayLike) -> None:
        """The values of the next images of the draw, (n,). Raises ValueError for more images than are left, or values
        beyond what the draw says they can be.
        """
        seen = np.asarray(values, np.float64)
        low, high = (end[self.n : self.n + len(seen)] for end in self.draw.ends)
        if len(seen) > self.left or not ((low <= seen) & (seen <= high)).all():
            raise ValueError(f"expected at most {self.left:,} values between low and high of the draw, got {seen}")
        for start in range(0, len(seen), _CHUNK):
            self._add(seen[start : start + _CHUNK])

    def _add(self, seen: Floats) -> None:
        draw, here = self.draw, slice(self.n, self.n + len(seen))
        before = _running(self.total, seen)
        middle = before[:-1] + draw.expected[:, here]  # (ways, n), of each image as if it were no surprise
        surprise = seen - draw.values[:, here]
        estimate = middle + surprise * draw.left[here] / draw.weights[here]
        spread = self._scale(surprise**2 / draw.weights[here], here) * draw.spread[:, here]
        self._estimates = _running(self._estimates, estimate / draw.spread[:, here])[..., -1]
        self._certainty = _running(self._certainty, 1 / draw.spread[:, here])[..., -1]
        # (bets, ways, n): by how much the next image can speak against the bet, and by how much it speaks for it.
        risk = np.where(self._signs > 0, draw.deepest[:, here], draw.highest[:, here])
        risk = risk - self._signs * (middle - self._totals)
        gain = self._signs * (estimate - self._totals)
        most = _MOST / np.maximum(risk, 1e-12)
        self._bet(*(np.ascontiguousarray(np.moveaxis(each, -1, 0)) for each in (spread, most, gain)))
        self.n, self.total = here.stop, float(before[-1])

    def _bet(self, spread: Floats, most: Floats, gain: Floats) -> None:
        """spread: (n, ways); most, gain: (n, bets, ways), the largest stake that one can afford, and what it is on."""
        best = self._gaps / (spread[:, :, None] + self._gaps**2)  # (n, ways, gaps): if the total is off by that gap
        parts = np.minimum(best[:, None], most[..., None])  # (n, bets, ways, gaps)
        parts *= gain[..., None]
        np.log1p(parts, out=parts)
        parts[0] += self._parts
        np.cumsum(parts, axis=0, out=parts)
        self._parts = parts[-1].copy()
        capital = _log_sum(parts)
        self.capital = capital[-1]
        self.strongest = np.maximum(self.strongest, capital.max(axis=0))

    def _scale(self, surprise: Floats, here: slice) -> Floats:
        """How much larger surprises were than foreseen, before each of these images, (ways, n)."""
        had, due = _running(self._surprise, surprise), _running(self._foreseen, self.draw.foreseen[:, here])
        self._surprise, self._foreseen = had[..., -1], due[..., -1]
        return had[..., :-1] / due[..., :-1]


class Watched:
    """A claim about the total of values of 0 and 1, and what is still possible of it while images come.

    A true claim is refuted with a probability of at most 1 - confidence, a false one confirmed with half of that. What
    was decided stays so, unless what was seen proves the contrary: once all images are seen, their total decides.

    outcome: what is known of the claim; decided_at: images seen at the look that decided it, None while it is open;
    p_value: of "the claim is true", valid whenever one stops, and at most 1 - confidence exactly where it is refuted.
    """

    def __init__(self, draw: Draw, goal: Accepted, confidence: float = CONFIDENCE) -> None:
        if draw.images != goal.images:
            raise ValueError(f"expected a claim about the {draw.images:,} images of the draw, got {goal.images:,}")
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
        self.outcome: Outcome = "inconclusive"
        self.decided_at: int | None = None
        self.p_value = 1.0

    @property
    def n(self) -> int:
        """Images seen."""
        return self._bets.n

    def add(self, values: ArrayLike) -> bool:
        """The values of the next images, (n,); whether these have just decided the claim."""
        self._bets.add(values)
        known, outcome = self._certain(), self._now()
        if outcome != "confirmed" or outcome != self.outcome:  # of a confirmed claim, p is that of the stop
            strongest = float(self._bets.strongest[:2].max())
            self.p_value = {"refuted": 0.0, "confirmed": 1.0}.get(known, min(1.0, 2 * math.exp(-strongest)))
        if outcome == self.outcome:
            return False
        self.outcome, self.decided_at = outcome, None if outcome == "inconclusive" else self.n
        return outcome != "inconclusive"

    def _certain(self) -> Outcome:
        """What is left cannot take away what was seen, nor add more than one an image."""
        seen = round(self._bets.total)
        return self.goal.outcome(seen, seen + self._bets.left)

    def _now(self) -> Outcome:
        certain, (low, high), seen = self._certain(), self.goal.inner, round(self._bets.total)
        if certain != "inconclusive" or self._bets.left == 0:
            return certain
        if self.outcome != "inconclusive":
            return self.outcome
        below, above, at_least, at_most = self._bets.strongest >= self._limit
        if below or above:
            return "refuted"
        if (at_least or seen >= low) and (at_most or seen + self._bets.left <= high):
            return "confirmed"
        return "inconclusive"


def interval(draw: Draw, values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Which totals (whole numbers) remain possible after the first images of a draw: (lowest, highest), both included.

    values: of those images, (n,). It holds at every n together with a probability of `confidence`, and agrees with what
    `Watched` says of any claim. Where the truth was lost, the bets may leave no total at all: both ends are then those
    that they had come to, the smaller one first.
    """
    seen = np.asarray(values, np.float64)
    total, (least, most) = float(seen.sum()), draw.rest(len(seen))
    low, high = math.floor(total + least), math.ceil(total + most)
    if low == high:
        return low, high
    # Each end is bisected between a total that is known to be excluded and one that, as far as is known, is not.
    out, kept = np.array([low - 1, high + 1]), np.array([high + 1, low - 1])
    while (between := np.abs(out - kept) > 1).any():
        tried = (out + kept) // 2
        bets = Bets(draw, [(float(tried[0]), "more"), (float(tried[1]), "fewer")])
        bets.add(seen)
        excluded = bets.strongest >= _limit(confidence)
        out, kept = np.where(between & excluded, tried, out), np.where(between & ~excluded, tried, kept)
    return int(kept.min()), int(kept.max())


def _limit(confidence: float) -> float:
    """Of a capital's logarithm: each side has half of the error."""
    return -math.log((1 - confidence) / 2)


def _running(start: Floats | float, steps: Floats) -> Floats:
    """`start` (...) and what it becomes by each step (..., n), float64 (..., n + 1).

    They are added one by one, so that it does not matter in how many parts images come.
    """
    first = np.broadcast_to(np.asarray(start, np.float64)[..., None], (*steps.shape[:-1], 1))
    return np.cumsum(np.concatenate([first, steps], axis=-1), axis=-1)


def _log_sum(parts: Floats) -> Floats:
    """Logarithm of the sum over the last two axes; the checks of `scipy.special.logsumexp` take longer than this."""
    flat = parts.reshape(*parts.shape[:2], -1)
    largest = flat.max(axis=2)
    total: Floats = largest + np.log(np.exp(flat - largest[..., None]).sum(axis=2))
    return total


def _from_here(values: Floats) -> Floats:
    """Each value and all behind it, added up along the last axis."""
    return np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]


def _largest_from_here(values: Floats) -> Floats:
    return np.maximum.accumulate(values[..., ::-1], axis=-1)[..., ::-1]
