"""What is expected of an accuracy before the first image: a prior over totals of right images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

# (weight, images that the expectation counts as): wide enough for a claim that is off by some points, narrow enough
# for one that is off by half a point, and a part that expects nothing. benchmarks/simulate_verdicts.py measures it.
_EXPECTING = ((0.35, 300.0), (0.6, 2000.0))
_NOTHING = 0.05
_LEAST = 1e-3  # of a parameter of a beta distribution


@dataclass(frozen=True)
class Prior:
    """A mixture of beta-binomial distributions of how many images are right.

    parts: (weight, a, b) each; weights are positive and add up to 1, a and b are positive.
    """

    parts: tuple[tuple[float, float, float], ...]

    def __post_init__(self) -> None:
        """Raises ValueError for what is no distribution."""
        weights = [weight for weight, _, _ in self.parts]
        if not math.isclose(sum(weights), 1) or not all(min(part) > 0 for part in self.parts):
            raise ValueError(f"expected positive weights that add up to 1, and positive a and b, got {self.parts}")

    def log_marginal(self, correct: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.float64]:
        """Logarithm of the probability of n images in one order of which `correct` are right, float64.

        It does not depend on how many images there are: draws without replacement from a beta-binomial total are
        beta-binomial themselves.
        """
        parts = [
            math.log(weight) + scipy.special.betaln(correct + a, n - correct + b) - scipy.special.betaln(a, b)
            for weight, a, b in self.parts
        ]
        together: NDArray[np.float64] = parts[0] if len(parts) == 1 else scipy.special.logsumexp(parts, axis=0)
        return together


FLAT = Prior(((1.0, 1.0, 1.0),))  # every total is equally likely


def expecting(share: float) -> Prior:
    """Totals near `share` (a fraction) of all images are likelier than others, and none is ruled out.

    A twentieth of it expects nothing, so that a share that is far away costs little.

    >>> expecting(0.7).parts[0]
    (0.05, 1.0, 1.0)
    """
    near = [(weight, max(share * worth, _LEAST), max((1 - share) * worth, _LEAST)) for weight, worth in _EXPECTING]
    return Prior(((_NOTHING, 1.0, 1.0), *near))
