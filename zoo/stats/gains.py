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
    if above <= 0:
        return -math.inf
    return _log_beta(a, b) + math.log(above) + math.log(2) + (only_new + only_old) * math.log(2)


def gain_sequence(only_new: int, only_old: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """One look of a confidence sequence for the gain, new minus old accuracy: (lowest, highest), fractions.

    All looks together miss with a probability of at most 1 - confidence. A gain is kept as long as some chances of a
    win and a loss with this difference make the data not too unlikely, compared with an even prior on the chance of a
    discordant image and on which way it falls. That ratio is a martingale under the true chances (`log_ratio` for
    images without end; Waudby-Smith and Ramdas 2020, arXiv:2006.04347, section 2). The likeliest chances with a given
    difference are Tango's (1998, Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B). n = 0 leaves -1 to 1.

    >>> [round(100 * end, 2) for end in gain_sequence(30, 10, 1000)]
    [-0.67, 5.07]
    """
    _check(only_new, only_old, n)
    discordant = only_new + only_old
    prior = _log_beta(discordant + 1, n - discordant + 1) + _log_beta(only_new + 1, only_old + 1)
    limit = prior + math.log(1 - confidence)

    def kept(gain: float) -> bool:
        return _log_likelihood(gain, only_new, only_old, n) > limit

    peak = (only_new - only_old) / n if n else 0.0
    return _end(kept, peak, -1.0), _end(kept, peak, 1.0)


def _log_likelihood(gain: float, only_new: int, only_old: int, n: int) -> float:
    """Of the counts under the likeliest chances of a win and a loss that differ by `gain`."""
    if gain < 0:
        return _log_likelihood(-gain, only_old, only_new, n)
    if n == 0:
        return 0.0
    linear = only_new * (1 - gain) + only_old * (1 - 3 * gain) - 2 * (n - only_new - only_old) * gain
    root = math.sqrt(linear * linear + 8 * n * only_old * gain * (1 - gain))
    loss = max(0.0, (linear + root) / (4 * n))
    loss = min(loss, (1 - gain) / 2)
    chances = (loss + gain, loss, 1 - gain - 2 * loss)
    counts = (only_new, only_old, n - only_new - only_old)
    return float(
        sum(scipy.special.xlogy(count, max(0.0, chance)) for count, chance in zip(counts, chances, strict=True))
    )


def _log_beta(a: int, b: int) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


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
