"""How far two ways of preparing images can move an accuracy, from the answers that change between them."""

from __future__ import annotations

import math

import scipy

from zoo.stats.intervals import CONFIDENCE

SPREAD = 2  # standard deviations


def chance_of_flip(gained: int, lost: int, n: int) -> float:
    """Probability that the next image changes between right and wrong: (flips + 1) / (n + 2).

    The rule of succession (Laplace 1814): that none of n images changed does not prove that none ever does.
    """
    return (gained + lost + 1) / (n + 2)


def deviation(gained: int, lost: int, n: int, images: int) -> float:
    """Standard deviation of the difference between two accuracies over a set of `images`, a fraction.

    Where an image is as likely to be gained as lost, each flip is the step of a random walk: sqrt(q * images) / images.
    """
    return math.sqrt(chance_of_flip(gained, lost, n) / images)


def shift(gained: int, lost: int, n: int) -> tuple[float, float, float]:
    """The systematic difference (gained - lost) / n and its 95 % interval, fractions: (value, low, high).

    Of the flips that were counted, the share that was gained has Clopper and Pearson's exact interval.
    """
    flips = gained + lost
    if not flips:
        return 0.0, 0.0, 0.0
    share = scipy.stats.binomtest(gained, flips).proportion_ci(CONFIDENCE, method="exact")
    low, high = (flips * (2 * end - 1) / n for end in (share.low, share.high))
    return (gained - lost) / n, float(low), float(high)


def shown_shift(gained: int, lost: int, n: int) -> float:
    """The least systematic difference that the counts leave possible, without its sign: 0 where chance explains it."""
    _, low, high = shift(gained, lost, n)
    return max(low, -high, 0.0)


def tolerance(gained: int, lost: int, n: int, images: int) -> float:
    """What two ways of preparing `images` may differ by, a fraction: the shown shift and two standard deviations.

    n: images that were tried, `gained` and `lost` of which changed; they are a sample of what `images` are like. Where
    they are `images` themselves (n = images), nothing is predicted: it is the difference that was counted.
    """
    if n == images:
        return abs(gained - lost) / n
    return shown_shift(gained, lost, n) + SPREAD * deviation(gained, lost, n, images)
