"""What a comparison of two runs could have shown, and how many images it takes: normal approximations.

Counts and `population` are those of `zoo.stats.differences`. The variance of a difference is the share of discordant
images minus the squared difference, by n (Connor 1987, Sample size for testing differences in proportions for the
paired-sample design, doi:10.2307/2531961), with the correction for a finite population.
Verdicts never depend on these numbers.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from zoo.stats.differences import BEYOND, DISCORDANCE_SHARE
from zoo.stats.intervals import CONFIDENCE

CHANCE = 0.8  # that a difference shows, and that so many images decide
_ERROR = 1 - CONFIDENCE
_TAIL = (_ERROR - BEYOND) / 2
_quantile = NormalDist().inv_cdf


def detectable(discordant: int, n: int, population: int | None, *, anytime: bool = False) -> float:
    """The smallest true difference that n images would have told from none with a chance of `CHANCE`; a fraction.

    discordant: of the n images, which must be 1 or more. It is reckoned that as many images differ as did; where too
    few did for such a difference, that they all were for one run. anytime: by `difference_sequence`, whose intervals
    are wider (Robbins 1970, Statistical methods related to the law of the iterated logarithm,
    doi:10.1214/aoms/1177696786). 0 where n is the population.

    >>> round(100 * detectable(40, 1000, 50_000), 2)
    1.75
    """
    reach = NormalDist().inv_cdf(1 - _TAIL)
    if anytime:  # Robbins' mixture with a uniform prior, for a large number of discordant images
        odds = 1 / (_ERROR * (1 - DISCORDANCE_SHARE))
        reach = math.sqrt(2 * math.log(odds) + math.log(max(1.0, 2 * (discordant + 1) / math.pi)))
    unit = (reach + _quantile(CHANCE)) ** 2 * _left(n, population) / n
    difference = math.sqrt(unit * discordant / n / (1 + unit))
    return max(difference, unit / (1 + unit)) if difference >= discordant / n else difference


def images_to_decide(only_first: int, only_second: int, n: int, population: int | None, margin: float) -> int | None:
    """Images of a sample of a fixed size that show with a chance of `CHANCE` on which side of the margin we are.

    It is reckoned that the difference and the share of discordant images are the measured ones. n: 1 or more; margin:
    fraction, above 0. None where no number would do: the difference is the margin itself, and there is no population to
    look at as a whole.

    >>> images_to_decide(30, 10, 1000, 50_000, 0.01)
    2928
    """
    share, difference = (only_first + only_second) / n, abs(only_first - only_second) / n
    inside = difference < margin
    gap = abs(difference - margin)
    if gap == 0:
        return population
    # To be inside, both ends must be: each of them with half of the chance to fail.
    sides = _quantile((1 + CHANCE) / 2 if inside else CHANCE) + _quantile(1 - _TAIL)
    needed = sides**2 * (share - difference**2) / gap**2
    if population is None:
        # Without any discordant image, so many are needed that as many as the margin would have shown.
        fewest = math.log(_TAIL) / math.log1p(-margin) if inside and margin < 1 else 0.0
        return math.ceil(max(needed, fewest))
    needed = needed * population / (population - 1 + needed)
    fewest = population * (1 - _TAIL ** (1 / max(math.floor(margin * population), 1))) if inside else 0.0
    return min(population, math.ceil(max(needed, fewest)))


def rounded_up(n: int, most: int | None) -> int:
    """A number of images rounded up to three digits; not above `most`.

    >>> rounded_up(48_613, 50_000), rounded_up(49_990, 50_000)
    (48700, 50000)
    """
    unit: int = 10 ** max(len(str(n)) - 3, 0)
    up = -(-n // unit) * unit
    return up if most is None else min(up, most)


def _left(n: int, population: int | None) -> float:
    """Correction of a variance for a finite population."""
    return 1.0 if population is None else (population - n) / max(population - 1, 1)
