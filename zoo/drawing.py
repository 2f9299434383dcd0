"""Draws a population by what a reference answered, and says what is expected of each image.

A reference is a run on all images of the population. A relative of it (the same weights elsewhere, a conversion,
another training) answers most images alike; where it does not, the reference's margin was usually small. So images with
a small margin come earlier. Every image has a chance at every step, so nothing that the relative answers stays hidden.

The order depends on the seed, the images' names and the reference alone: everybody draws the same. What is expected is
only a bet (`zoo.stats.weighted`): it costs images where it is wrong, and never makes a verdict wrong.

The constants were chosen on pairs of real networks; benchmarks/simulate_references.py shows what they give.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo.records import DrawRule, Kinship
from zoo.records.references import Reference, stem
from zoo.stats.weighted import Draw

Floats = NDArray[np.float64]

# How answers flip: at a margin of m nats top-1 does with a chance of exp(-m / scale) / 2, and never with less than a
# floor; top-5 by the rank of the right class, 0 being none of the five. Of the same weights in another framework, of a
# conversion such as to integers, and of another training.
_SCALES = (0.02, 0.5, 1.5)
_FLOORS = (1e-4, 2e-4, 2e-3)
_BY_RANK = (
    (0.005, 1e-4, 1e-4, 0.001, 0.003, 0.01),
    (0.12, 0.0005, 0.015, 0.13, 0.2, 0.45),
    (0.4, 0.005, 0.04, 0.1, 0.25, 0.3),
)
_BELIEF = (1 / 3, 1 / 3, 1 / 3)
_WAYS: dict[Kinship, int] = {"same weights": 0, "converted from": 1, "same network": 2, "reference": 2}

# "margin": the square root of the flips of another training, but no image is less than a tenth as likely as another.
_MARGIN_SCALE, _MARGIN_FLOOR = 2.0, 0.1
# "even": as many right images as wrong ones, because a few flips either way decide, and near ties six times as often.
_EVEN_SCALE, _EVEN_MORE = 0.05, 5.0


def rule_for(kinship: Kinship) -> DrawRule:
    """How to draw for a relative of this kind."""
    return "even" if kinship == "same weights" else "margin"


def way(kinship: Kinship) -> int:
    """Which row of what `draw` expects is about a relative of this kind; of one of no kind, as of another training."""
    return _WAYS[kinship]


def weights(reference: Reference, rule: DrawRule) -> Floats:
    """How likely each image is, compared with the others, float64 (N,), above 0."""
    if rule == "margin":
        return np.maximum(np.exp(-reference.distances / _MARGIN_SCALE), _MARGIN_FLOOR)
    right = reference.correct("top1")
    share = float(np.clip(right.mean(), 0.1, 0.9))
    near = 1 + _EVEN_MORE * np.exp(-reference.distances / _EVEN_SCALE)
    return near * np.where(right, 0.5 / share, 0.5 / (1 - share))


def order(stems: Sequence[str], weight: Floats, seed: int) -> NDArray[np.int64]:
    """Rows in the order of a weighted draw without replacement, int64 (N,).

    Each image gets an exponential time with its weight as rate, made of seed and name; the earliest comes first. At
    every step, that is a draw with chances in proportion to the weights of the images that are left (Efraimidis and
    Spirakis 2006, Weighted random sampling with a reservoir, doi:10.1016/j.ipl.2005.11.003). With equal weights it is
    the order of `zoo.images.image_sets.ordered`.
    """
    times = -np.log1p(-np.array([_share(seed, stem) for stem in stems])) / weight
    return np.lexsort((np.arange(len(stems)), times))


@lru_cache(maxsize=8)
def drawn_rows(reference: Reference, rule: DrawRule, seed: int) -> NDArray[np.int64]:
    """Rows of a reference in the order in which its relatives look at the images, int64 (N,)."""
    return order(reference.stems, weights(reference, rule), seed)


def is_drawn(reference: Reference, rule: DrawRule, seed: int, names: Sequence[str]) -> bool:
    """Whether images of these names (with or without folders and suffix) are the first ones of a draw, in its order."""
    return _is_drawn(reference, rule, seed, tuple(names))


@lru_cache(maxsize=64)
def _is_drawn(reference: Reference, rule: DrawRule, seed: int, names: tuple[str, ...]) -> bool:
    rows = drawn_rows(reference, rule, seed)[: len(names)]
    return [reference.stems[row] for row in rows.tolist()] == [stem(name) for name in names]


def draw(reference: Reference, rows: NDArray[np.int64], rule: DrawRule, metric: str) -> Draw:
    """The population in an order of its rows, with what each way to predict expects of `top1` or `top5`."""
    right = reference.correct(metric)[rows]
    flips = _flips(reference, metric)[:, rows]
    values = np.where(right, 1 - flips, flips)
    return Draw(weights(reference, rule)[rows], values, flips * (1 - flips), belief=_BELIEF)


def _flips(reference: Reference, metric: str) -> Floats:
    """Chance that a relative is right where the reference is not, or the other way round, (ways, N)."""
    if metric == "top5":
        by_rank: Floats = np.array(_BY_RANK)[:, reference.ranks]
        return by_rank
    scales, floors = (np.array(each)[:, None] for each in (_SCALES, _FLOORS))
    flips: Floats = np.maximum(np.exp(-reference.distances / scales) / 2, floors)
    return flips


def _share(seed: int, stem: str) -> float:
    """Where in [0, 1) an image falls."""
    name = f"{seed}:{stem}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") / 2**64
