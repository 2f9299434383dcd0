"""Is another way to run the same images right more often? Looked at while images come, for images without end.

`differences` speaks of a finite set: once all of it was seen, a gain of one image is a fact. Here the question is
whether the gain is more than the luck of these images, so the images seen stand for images like these without end.
Only discordant images tell: `only_new` that only the new way got right, `only_old` that only the old one did, of `n`
images in random order. One may look after every image and stop whenever one likes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import scipy

from zoo.stats.differences import DISCORDANCE_SHARE
from zoo.stats.intervals import CONFIDENCE

_STEPS = 60  # bisections: an end is known to 1e-18


def log_gain(only_new: int, only_old: int) -> float:
    """Logarithm of the evidence (an e-value) for "the new way is right more often".

    A bet on every discordant image, with the chance theta that it is for the new way spread evenly over 1/2 to 1. If
    theta is 1/2 or less, the capital is a supermartingale that begins at 1, so it ever reaches 1 / a with a
    probability of at most a (Ville's inequality; Robbins 1970, Statistical methods related to the law of the iterated
    logarithm, doi:10.1214/aoms/1177696786; Waudby-Smith and Ramdas 2023, Estimating means of bounded random variables
    by betting, arXiv:2010.09686). Of m ways that are tried on the same images, those beyond log(m / a) are all better,
    but for a chance of a (Bonferroni).

    >>> round(log_gain(30, 10), 2), round(log_gain(10, 10), 2)
    (4.15, -1.31)
    """
    _check(only_new, only_old, only_new + only_old)
    a, b = only_new + 1, only_old + 1
    above = float(scipy.special.betaincc(a, b, 0.5))  # of the even spread over 0 to 1, the part above 1/2
    whole = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    if above <= 0:
        return -math.inf
    return whole + math.log(above) + math.log(2) + (only_new + only_old) * math.log(2)


def gain_sequence(only_new: int, only_old: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """One look of a confidence sequence for the gain, new minus old accuracy: (lowest, highest), fractions.

    All looks together miss with a probability of at most 1 - confidence. A part of the error goes to the share of
    discordant images, the rest to which way they fall; each is the interval of shares that an even prior does not
    make look too unlikely (`log_ratio` for images without end; Waudby-Smith and Ramdas 2020, arXiv:2006.04347,
    section 2). n = 0 leaves -1 to 1.

    >>> [round(100 * end, 2) for end in gain_sequence(30, 10, 1000)]
    [0.02, 5.96]
    """
    _check(only_new, only_old, n)
    discordant, error = only_new + only_old, 1 - confidence
    least, most = share_sequence(discordant, n, 1 - error * DISCORDANCE_SHARE)
    low, high = (2 * end - 1 for end in share_sequence(only_new, discordant, 1 - error * (1 - DISCORDANCE_SHARE)))
    return min(least * low, most * low), max(least * high, most * high)


def share_sequence(count: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """One look of a confidence sequence for the chance of a thing that `count` of n images had: (lowest, highest).

    >>> [round(end, 3) for end in share_sequence(718, 1000)]
    [0.666, 0.767]
    """
    if not 0 <= count <= n:
        raise ValueError(f"expected 0 <= count <= n, got {count} and {n}")
    prior = math.lgamma(count + 1) + math.lgamma(n - count + 1) - math.lgamma(n + 2)
    limit = prior + math.log(1 - confidence)  # keep shares under which the data are at least this likely

    def kept(share: float) -> bool:
        return float(scipy.special.xlogy(count, share) + scipy.special.xlog1py(n - count, -share)) > limit

    peak = count / n if n else 0.5
    return _end(kept, peak, 0.0), _end(kept, peak, 1.0)


def images_for_gain(only_new: int, only_old: int, n: int, ways: int, error: float = 1 - CONFIDENCE) -> int | None:
    """How many images in all would show the gain, if it went on as it began; None where it would never show.

    ways: how many are tried on the same images; error: as in `log_gain`.

    >>> images_for_gain(15, 5, 500, ways=50), images_for_gain(5, 5, 500, ways=50)
    (1584, None)
    """
    _check(only_new, only_old, n)
    if only_new <= only_old:
        return None
    wanted = math.log(ways / error)
    most = 2**40 // max(n, 1)
    low, high = 1.0, 1.0
    while log_gain(round(only_new * high), round(only_old * high)) < wanted:
        low, high = high, 2 * high
        if high > most:
            return None
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        reached = log_gain(round(only_new * middle), round(only_old * middle)) >= wanted
        low, high = (low, middle) if reached else (middle, high)
    return math.ceil(n * high)


def _end(kept: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where shares stop to be kept, between one that is kept and the end of the scale; that end if it is kept."""
    if kept(outside):
        return outside
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if kept(middle) else (inside, middle)
    return outside


def _check(only_new: int, only_old: int, n: int) -> None:
    if min(only_new, only_old) < 0 or only_new + only_old > n:
        raise ValueError(f"expected counts of at least 0 and of n at most, got {only_new}, {only_old} and {n}")
