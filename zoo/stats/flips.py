"""How far two ways of preparing images can move an accuracy, from the answers that change between them.

All functions take counts: of `n` images, more than 0, that were answered both ways, `gained` were wrong the first way
and right the second, and `lost` the other way round. What they give are fractions: 0.001 is a tenth of a point.
docs/statistics.md derives the formula.
"""

from __future__ import annotations

import math

import scipy

from zoo.stats.intervals import CONFIDENCE

SPREAD = 2  # standard deviations
# That a shift is shown at: where some seventy differences are measured, a few shifts would be shown at 95 % by chance.
SHOWN = 0.999


def chance_of_flip(gained: int, lost: int, n: int) -> float:
    """Probability that the next image changes between right and wrong: (flips + 1) / (n + 2).

    The rule of succession (Laplace 1814, Essai philosophique sur les probabilités): that none of n images changed does
    not prove that none ever does.

    >>> chance_of_flip(0, 0, 998)
    0.001
    """
    return (gained + lost + 1) / (n + 2)


def deviation(gained: int, lost: int, n: int, images: int) -> float:
    """Standard deviation of the difference between two accuracies over a set of `images`, a fraction.

    Where an image is as likely to be gained as lost, each flip is the step of a random walk: sqrt(q * images) / images.
    """
    return math.sqrt(chance_of_flip(gained, lost, n) / images)


def shift(gained: int, lost: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """The systematic difference (gained - lost) / n and its interval: (value, low, high).

    Of the flips that were counted, the share that was gained has Clopper and Pearson's exact interval (1934, The use of
    confidence or fiducial limits illustrated in the case of the binomial, doi:10.1093/biomet/26.4.404). Without flips
    all three are 0.

    >>> [round(100 * each, 1) for each in shift(7, 5, 1000)]
    [0.2, -0.5, 0.8]
    """
    flips = gained + lost
    if not flips:
        return 0.0, 0.0, 0.0
    share = scipy.stats.binomtest(gained, flips).proportion_ci(confidence, method="exact")
    low, high = (flips * (2 * end - 1) / n for end in (share.low, share.high))
    return (gained - lost) / n, float(low), float(high)


def shown_shift(gained: int, lost: int, n: int) -> float:
    """The least systematic difference that the counts leave possible, without its sign: 0 where chance explains it.

    It is shown at SHOWN, not at 95 %.

    >>> shown_shift(8, 0, 1000), round(100 * shown_shift(40, 0, 1000), 1)
    (0.0, 2.6)
    """
    _, low, high = shift(gained, lost, n, SHOWN)
    return max(low, -high, 0.0)


def tolerance(gained: int, lost: int, n: int, images: int) -> float:
    """What two ways of preparing a set of `images` may differ by: the shown shift and two standard deviations.

    The n images that were tried are a sample of what `images` are like. Where they are `images` themselves
    (n = images), nothing is predicted: it is the difference that was counted.

    >>> round(100 * tolerance(7, 5, 1000, 50_000), 2)
    0.1
    """
    if n == images:
        return abs(gained - lost) / n
    return shown_shift(gained, lost, n) + SPREAD * deviation(gained, lost, n, images)
