"""What is expected beforehand makes a sequence narrower and never wrong."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import betabinom

from zoo import stats
from zoo.stats import Prior, planning
from zoo.stats.priors import FLAT, expecting
from zoo.stats.totals import accepted_totals

PRIORS = [FLAT, expecting(0.3), expecting(0.0), expecting(1.0), Prior(((0.5, 400.0, 1.0), (0.5, 1.0, 400.0)))]


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize(("correct", "n"), [(0, 0), (0, 5), (3, 5), (5, 5), (700, 1000)])
def test_the_marginal_is_that_of_a_mixture_of_beta_binomials(prior: Prior, correct: int, n: int) -> None:
    orders = math.comb(n, correct)
    direct = sum(weight * betabinom.pmf(correct, n, a, b) / orders for weight, a, b in prior.parts)
    found = prior.log_marginal(np.array(correct), np.array(n))
    assert float(found) == pytest.approx(math.log(direct), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("parts", [(), ((0.5, 1.0, 1.0),), ((1.0, 0.0, 1.0),), ((1.5, 1.0, 1.0), (-0.5, 1.0, 1.0))])
def test_what_is_no_distribution_is_refused(parts: tuple[tuple[float, float, float], ...]) -> None:
    with pytest.raises(ValueError, match="positive weights that add up to 1"):
        Prior(parts)


@pytest.mark.parametrize("prior", PRIORS)
def test_truth_is_lost_at_most_once_in_twenty_over_all_looks_exactly(prior: Prior) -> None:
    # Every order of a small population, a look after every image, also with an expectation that is as wrong as can be.
    for population, truth in itertools.product((8, 10), (0, 1, 3, 4, 8)):
        lost = 0
        for places in itertools.combinations(range(population), truth):
            right = np.cumsum(np.isin(np.arange(population), places))
            low, high = stats.running(right, np.arange(1, population + 1), population, prior)
            lost += bool(((low > truth) | (high < truth)).any())
        assert Fraction(lost, math.comb(population, truth)) <= Fraction(1, 20)


@pytest.mark.parametrize("share", [0.3, 0.718, 0.91])
@pytest.mark.parametrize("off", [0.01, 0.02])
def test_claims_that_are_off_need_fewer_images(share: float, off: float) -> None:
    goal = accepted_totals(
        Fraction(str(share)) - Fraction("0.00005"), Fraction(str(share)) + Fraction("0.00005"), 50_000, tolerance=0.001
    )
    right, looks = planning.grown(50_000, round((share - off) * 50_000), 128, 60, seed=3)

    def half(prior: Prior) -> float:
        low, high = stats.running(right, np.broadcast_to(looks, right.shape), 50_000, prior)
        settled = planning.refuted(goal, low, high)
        return float(np.quantile(np.where(settled.any(axis=1), looks[settled.argmax(axis=1)], 50_000), 0.5))

    before = half(FLAT)
    assert half(goal.prior) * (1.3 if before > 4000 else 1.15) < before  # looks are 128 images apart


def test_an_expectation_that_is_wrong_leaves_the_totals_that_were_measured() -> None:
    low, high = stats.sequence_totals(900, 1000, 50_000, prior=expecting(0.1))
    flat = stats.sequence_totals(900, 1000, 50_000)
    assert low < 45_000 < high
    assert high - low < 1.3 * (flat[1] - flat[0])


def test_a_claim_that_no_total_can_meet_expects_nothing() -> None:
    assert stats.Accepted(1000, (5, 4), (5, 4)).prior is FLAT
