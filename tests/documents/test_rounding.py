"""The model of rounding: what was printed by it is possible, and nothing else needlessly so."""

from __future__ import annotations

import csv
import gzip
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.by_hand.built import REPOSITORY
from zoo.documents import rounding

TABLE = REPOSITORY / "tests" / "data" / "timm-results-imagenet.csv.gz"
MODES = {"rounded half up": ROUND_HALF_UP, "rounded half to even": ROUND_HALF_EVEN, "cut off": ROUND_DOWN}
SETS = st.integers(1, 60_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(SETS, st.integers(0, 5), st.sampled_from([1, 100]), st.sampled_from(sorted(MODES)))
def test_what_was_printed_is_possible(share: tuple[int, int], decimals: int, scale: int, reading: str) -> None:
    k, n = share
    text = str((Decimal(k * scale) / n).quantize(Decimal(1).scaleb(-decimals), rounding=MODES[reading]))
    assert k in rounding.counts(text, scale, n)[reading]


@given(SETS, st.integers(0, 4), st.sampled_from(rounding.EXTRA_DIGITS))
def test_what_was_rounded_twice_is_possible(share: tuple[int, int], decimals: int, extra: int) -> None:
    k, n = share
    once = (Decimal(k * 100) / n).quantize(Decimal(1).scaleb(-decimals - extra), rounding=ROUND_HALF_EVEN)
    text = str(once.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))
    assert k in rounding.counts(text, 100, n)["rounded twice"]


@given(SETS, st.integers(0, 4))
def test_nothing_further_than_a_unit_is_possible(share: tuple[int, int], decimals: int) -> None:
    k, n = share
    text = f"{float(100 * Fraction(k, n)):.{decimals}f}"
    for found in rounding.counts(text, 100, n).values():
        assert all(abs(Fraction(100 * each, n) - Fraction(text)) < Fraction(1, 10**decimals) for each in found)


@given(SETS)
def test_all_digits_determine_the_fraction(share: tuple[int, int]) -> None:
    k, n = share
    text = format(Decimal(repr(k / n)), "f")
    if "e" not in repr(k / n) and rounding.determines(text, 1, 60_000):
        assert rounding.recover(text, 1, 60_000) == Fraction(k, n)


@pytest.mark.parametrize("text", ["71.877", "90.285", "0.001"])
def test_odd_thousandths_are_no_share_of_50000(text: str) -> None:
    assert not any(rounding.counts(text, 100, 50_000).values())


def test_mindspore_numbers() -> None:
    assert rounding.recover("0.6922876602564103", 1, 50_000) == Fraction(34_559, 49_920)
    assert rounding.recover("0.692441581306018", 1, 50_000) == Fraction(34_611, 49_984)
    assert {32, 64} <= set(rounding.whole_batches(49_984, 50_000, range(1, 1025)))
    assert {128, 256} <= set(rounding.whole_batches(49_920, 50_000, range(1, 1025)))


def test_no_false_alarm_over_a_large_table() -> None:
    """timm prints three decimals over 50,000 images: top-1, top-5 and their errors of every model."""
    with gzip.open(TABLE, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    shares = {row[name] for row in rows for name in ("top1", "top5")}
    cells = shares | {str(100 - Decimal(share)) for share in shares}
    assert len(cells) > 3000
    assert [cell for cell in cells if not any(rounding.counts(cell, 100, 50_000).values())] == []


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([(0, 100), (1, 100), (1, 1), (2, 1), (3, 1)]), st.integers(1, 400))
def test_chance_is_the_share_of_all_texts_that_pass(form: tuple[int, int], n: int) -> None:
    decimals, scale = form
    texts = [f"{Decimal(step).scaleb(-decimals):f}" for step in range(scale * 10**decimals + 1)]
    passed = sum(any(rounding.counts(text, scale, n).values()) for text in texts)
    assert rounding.chance(decimals, scale, n) == Fraction(passed, len(texts))


def test_chance_of_a_table_and_of_full_digits() -> None:
    assert rounding.chance(2, 100, 50_000) == 1
    assert rounding.chance(3, 100, 50_000) == Fraction(50_001, 100_001)
    assert 49_921 < rounding.chance(16, 1, 49_920) * (10**16 + 1) < 2 * 49_921  # one text or two for each count
    fractions = {Fraction(k, n) for n in range(1, 61) for k in range(n + 1)}
    assert rounding.chance_of_any(8, 1, 60) == Fraction(len(fractions), 10**8 + 1)
    assert rounding.chance_of_any(1, 1, 60) == 1
