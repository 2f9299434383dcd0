"""Which totals agree with a documented accuracy: edges of rounding, fractions, errors, dropped images."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.by_hand.records import a_claim
from zoo.documents.accepted import accepted
from zoo.stats import Accepted


@pytest.mark.parametrize(
    ("changes", "tolerance", "images", "totals"),
    [
        ({"value": "71.8", "decimals": 1}, 0.0, 50_000, (35_875, 35_924)),  # 35,925 is 71.85 %, printed 71.9
        ({"value": "71.8", "decimals": 1}, 0.001, 50_000, (35_825, 35_974)),
        ({"value": "72", "decimals": 0}, 0.0, 50_000, (35_750, 36_249)),
        ({"value": "0.718", "decimals": 3, "unit": "fraction"}, 0.001, 50_000, (35_825, 35_974)),
        ({"value": "28.2", "decimals": 1, "unit": "percent_error"}, 0.001, 50_000, (35_826, 35_975)),
        ({"value": "0.282", "decimals": 3, "unit": "fraction_error"}, 0.001, 50_000, (35_826, 35_975)),
        ({"value": "0", "decimals": 0}, 0.001, 1000, (0, 5)),
        ({"value": "100", "decimals": 0}, 0.001, 1000, (994, 1000)),
        ({"value": "100.00"}, 0.0, 960, (960, 960)),
        ({"value": "71.8", "decimals": 1, "n_images": 50_001}, 0.0, 50_000, (35_875, 35_924)),
    ],
)
def test_totals(changes: dict[str, object], tolerance: float, images: int, totals: tuple[int, int]) -> None:
    assert accepted(a_claim(**changes), tolerance, images) == Accepted(images, totals, totals)


@given(st.integers(0, 1000), st.integers(0, 3), st.integers(1, 1000))
def test_without_tolerance_they_are_the_totals_that_round_to_the_text(total: int, decimals: int, images: int) -> None:
    total = min(total, images)
    value = (Decimal(100 * total) / images).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    low, high = accepted(a_claim(value=str(value), decimals=decimals), 0.0, images).outer
    unit = Decimal(1).scaleb(-decimals)
    rounding = {
        each
        for each in range(max(0, low - 3), min(images, high + 3) + 1)
        if (Decimal(100 * each) / images).quantize(unit, rounding=ROUND_HALF_UP) == value
    }
    assert rounding == set(range(low, high + 1))
    assert total in rounding


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_an_error_and_its_accuracy_differ_by_the_ends_alone(tenths: int, total: int) -> None:
    right = a_claim(value=f"{tenths / 10:.1f}", decimals=1)
    wrong = a_claim(value=f"{100 - tenths / 10:.1f}", decimals=1, unit="percent_error")
    assert wrong.number() == pytest.approx(right.number())
    outcomes = [accepted(claim, 0.0, 10_000).outcome(total * 10 + 3, total * 10 + 3) for claim in (right, wrong)]
    assert outcomes[0] == outcomes[1]


def test_dropped_images_leave_totals_that_prove_nothing() -> None:
    # 80 of 50,000 were dropped, and nobody knows whether they were right.
    goal = accepted(a_claim(value="69.2288", decimals=4, n_images=49_920), 0.001, 50_000)
    assert goal.inner == (34_590, 34_608)
    assert goal.outer == (34_510, 34_688)
    assert [goal.outcome(total, total) for total in (34_509, 34_510, 34_590, 34_609, 34_689)] == [
        "refuted", "inconclusive", "confirmed", "inconclusive", "refuted",
    ]  # fmt: skip
    assert [goal.decidable(total) for total in (34_600, 34_650)] == [True, False]


def test_a_text_that_no_total_rounds_to_refutes_all() -> None:
    goal = accepted(a_claim(value="33.3334", decimals=4), 0.0, 1000)
    assert {goal.outcome(total, total) for total in range(1001)} == {"refuted"}
    assert goal.outcome(0, 1000) == "refuted"  # nothing has to be seen for that
