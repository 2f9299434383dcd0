"""The model of rounding: what was printed by it is possible, and nothing else needlessly so."""

from __future__ import annotations

import csv
import os
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import printed

FACTS = Path(os.environ.get("ZOO_FACTS", Path(__file__).parents[2] / "shared" / "facts"))
MODES = {"rounded half up": ROUND_HALF_UP, "rounded half to even": ROUND_HALF_EVEN, "cut off": ROUND_DOWN}
SETS = st.integers(1, 60_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(SETS, st.integers(0, 5), st.sampled_from([1, 100]), st.sampled_from(sorted(MODES)))
def test_what_was_printed_is_possible(share: tuple[int, int], decimals: int, scale: int, reading: str) -> None:
    k, n = share
    text = str((Decimal(k * scale) / n).quantize(Decimal(1).scaleb(-decimals), rounding=MODES[reading]))
    assert k in printed.counts(text, scale, n)[reading]


@given(SETS, st.integers(0, 4), st.sampled_from(printed.EXTRA_DIGITS))
def test_what_was_rounded_twice_is_possible(share: tuple[int, int], decimals: int, extra: int) -> None:
    k, n = share
    once = (Decimal(k * 100) / n).quantize(Decimal(1).scaleb(-decimals - extra), rounding=ROUND_HALF_EVEN)
    text = str(once.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))
    assert k in printed.counts(text, 100, n)["rounded twice"]


@given(SETS, st.integers(0, 4))
def test_nothing_further_than_a_unit_is_possible(share: tuple[int, int], decimals: int) -> None:
    k, n = share
    text = f"{float(100 * Fraction(k, n)):.{decimals}f}"
    for found in printed.counts(text, 100, n).values():
        assert all(abs(Fraction(100 * each, n) - Fraction(text)) < Fraction(1, 10**decimals) for each in found)


@given(SETS)
def test_all_digits_determine_the_fraction(share: tuple[int, int]) -> None:
    k, n = share
    text = format(Decimal(repr(k / n)), "f")
    if "e" not in repr(k / n) and printed.determines(text, 1, 60_000):
        assert printed.recover(text, 1, 60_000) == Fraction(k, n)


@pytest.mark.parametrize("text", ["71.877", "90.285", "0.001"])
def test_odd_thousandths_are_no_share_of_50000(text: str) -> None:
    assert not any(printed.counts(text, 100, 50_000).values())


def test_mindspore_numbers() -> None:
    assert printed.recover("0.6922876602564103", 1, 50_000) == Fraction(34_559, 49_920)
    assert printed.recover("0.692441581306018", 1, 50_000) == Fraction(34_611, 49_984)
    assert {32, 64} <= set(printed.whole_batches(49_984, 50_000, range(1, 1025)))
    assert {128, 256} <= set(printed.whole_batches(49_920, 50_000, range(1, 1025)))


@pytest.mark.skipif(
    not (FACTS / "timm-results-imagenet.csv").is_file(),
    reason=f"no timm-results-imagenet.csv in {FACTS}; set ZOO_FACTS",
)
def test_no_false_alarm_over_a_large_table() -> None:
    """timm prints three decimals over 50,000 images: top-1, top-5 and their errors of every model."""
    with (FACTS / "timm-results-imagenet.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    cells = {row[name] for row in rows for name in ("top1", "top1_err", "top5", "top5_err")}
    assert len(rows) * 4 > 3000
    assert [cell for cell in cells if not any(printed.counts(cell, 100, 50_000).values())] == []
