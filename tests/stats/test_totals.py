"""Which totals lie between two shares: ends, widening, images that were not counted."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.stats import accepted_totals

shares = st.fractions(0, 1, max_denominator=500)


@given(shares, shares, st.integers(1, 400), st.sampled_from(["left", "right"]))
def test_they_are_those_whose_share_lies_between_the_ends(
    one: Fraction, other: Fraction, images: int, closed: str
) -> None:
    low, high = sorted((one, other))
    goal = accepted_totals(low, high, images, closed="left" if closed == "left" else "right")
    between = [
        total
        for total in range(images + 1)
        if (low <= Fraction(total, images) < high if closed == "left" else low < Fraction(total, images) <= high)
    ]
    assert [total for total in range(images + 1) if goal.outcome(total, total) == "confirmed"] == between


@given(shares, st.integers(2, 60), st.data())
def test_images_that_were_not_counted_may_have_been_right_or_wrong(
    low: Fraction, images: int, data: st.DataObject
) -> None:
    counted = data.draw(st.integers(1, images))
    high = low + Fraction(1, 10)
    goal = accepted_totals(low, high, images, counted=counted)
    for total in range(images + 1):
        # Of the right images, so many can have been among those that were counted.
        possible = range(max(0, total - (images - counted)), min(total, counted) + 1)
        held = {low <= Fraction(right, counted) < high for right in possible}
        expected = "inconclusive" if len(held) == 2 else "confirmed" if held == {True} else "refuted"
        assert goal.outcome(total, total) == expected


def test_a_tolerance_is_what_is_printed() -> None:
    """0.001 as a float is a little more, and would accept 35,975 too."""
    goal = accepted_totals(Fraction("0.7175"), Fraction("0.7185"), 50_000, tolerance=0.001, closed="right")
    assert goal.inner == (35_826, 35_975)
    assert accepted_totals(Fraction("0.7175"), Fraction("0.7185"), 50_000, tolerance=0.001).inner == (35_825, 35_974)


@pytest.mark.parametrize(("low", "high", "changes"), [
    (Fraction(1, 2), Fraction(1, 3), {}),
    (Fraction(1, 3), Fraction(1, 2), {"tolerance": -0.1}),
    (Fraction(1, 3), Fraction(1, 2), {"counted": 0}),
    (Fraction(1, 3), Fraction(1, 2), {"counted": 11}),
])  # fmt: skip
def test_impossible_arguments(low: Fraction, high: Fraction, changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected low <= high"):
        accepted_totals(low, high, 10, **changes)  # type: ignore[arg-type]
