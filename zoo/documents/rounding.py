"""How a number becomes printed text, and which numbers a printed text can stand for, in exact arithmetic.

A share k / n (times 100 for percent) becomes a text of d decimals by one of READINGS. Publishers do not say which, so
a share is possible if any of them gives the text.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from functools import cache

READINGS = ("rounded half up", "rounded half to even", "rounded twice", "cut off")
EXTRA_DIGITS = (1, 2)  # of the first of two roundings
NOISE = Fraction(sys.float_info.epsilon)  # relative: a float64's printed digits end there


def span(text: str, reading: str) -> tuple[Fraction, Fraction, bool, bool]:
    """Values that `reading` turns into `text`: (low, high, low itself included, high itself included)."""
    value, unit = Fraction(Decimal(text)), _unit(text)
    last_is_even = Decimal(text).as_tuple().digits[-1] % 2 == 0
    noise = abs(value) * NOISE if unit < abs(value) * NOISE * 100 else Fraction(0)
    if reading == "cut off":
        return value - noise, value + unit, True, False
    if reading == "rounded half up":
        return value - unit / 2 - noise, value + unit / 2 + noise, True, bool(noise)
    if reading == "rounded half to even":
        closed = last_is_even or bool(noise)
        return value - unit / 2 - noise, value + unit / 2 + noise, closed, closed
    # Rounded twice: the first rounding can carry a value over the half if it lies within half an intermediate unit.
    wider = unit / 2 + max(unit / 10**digits for digits in EXTRA_DIGITS) / 2
    return value - wider, value + wider, True, last_is_even


def counts(text: str, scale: int, n: int) -> dict[str, range]:
    """For every reading the k in 0..n for which k / n * scale (100: percent) is printed as `text`; may be empty.

    >>> counts("71.878", 100, 50_000)["rounded half up"]
    range(35939, 35940)
    >>> any(counts("71.877", 100, 50_000).values())
    False
    """
    return {reading: _whole(span(text, reading), Fraction(n, scale), n) for reading in READINGS}


@cache
def chance(decimals: int, scale: int, n: int) -> Fraction:
    """The share of all numbers of so many decimals from 0 to `scale` that `counts` finds a k for, n being given.

    How likely a number that was made up would pass. This is the GRIM test's power (Brown and Heathers 2017, doi
    10.1177/1948550616673876: consistent are n of 10^decimals numbers, where n is the smaller), counted instead of
    approximated, as READINGS let through more than one way of rounding: a text t of unit u is met by a share x where
    t - 0.55 u <= x < t + u, so of x / u = whole + part always `whole`, and `whole` + 1 where part >= 0.45. What the
    last digits of a float64 let through besides is not counted.

    >>> chance(3, 100, 50_000)
    Fraction(50001, 100001)
    >>> chance(2, 100, 50_000)
    Fraction(1, 1)
    """
    steps = scale * 10**decimals
    if steps <= n:
        return Fraction(1)
    met: set[int] = set()
    for k in range(n + 1):
        whole, part = divmod(k * steps, n)
        met.update((whole, whole + 1) if 20 * part >= 9 * n and whole < steps else (whole,))
    return Fraction(len(met), steps + 1)


def _whole(span_: tuple[Fraction, Fraction, bool, bool], per_unit: Fraction, n: int) -> range:
    low, high, has_low, has_high = span_
    first = math.ceil(low * per_unit)
    if not has_low and first == low * per_unit:
        first += 1
    last = math.floor(high * per_unit)
    if not has_high and last == high * per_unit:
        last -= 1
    return range(max(first, 0), min(last, n) + 1)


def possible(text: str) -> tuple[Fraction, Fraction]:
    """The values around `text` that ordinary rounding leaves open, ends included."""
    value, half = Fraction(Decimal(text)), _unit(text) / 2
    return value - half, value + half


def fits(text: str, value: Fraction) -> str:
    """How `value` becomes `text`: "rounded", "cut off", or "" where it does not."""
    low, high = possible(text)
    if low <= value <= high:
        return "rounded"
    return "cut off" if high < value < Fraction(Decimal(text)) + _unit(text) else ""


def determines(text: str, scale: int, n: int) -> bool:
    """Whether the text has the digits to tell apart all fractions with denominators up to n.

    Two of them differ by 1 / n^2 at least, so a text that is surer than half of that leaves one (Farey).
    """
    return _unit(text) / scale * 2 < Fraction(1, n * n)


def recover(text: str, scale: int, n: int) -> Fraction | None:
    """The one fraction with a denominator up to n that is printed as `text` (continued fractions), or None."""
    value = Fraction(Decimal(text)) / scale
    nearest = value.limit_denominator(n)
    low, high, _, _ = span(text, "rounded half up")
    return nearest if low <= nearest * scale <= high else None


def chance_of_any(decimals: int, scale: int, n: int) -> Fraction:
    """The share of all numbers of so many decimals that `recover` finds a fraction for, at most 1.

    Between 0 and 1 there are 1 + phi(1) + ... + phi(n) fractions with denominators up to n (Farey's sequence), each of
    which is one text where there are digits enough to tell them apart.
    """
    return min(Fraction(_farey(n), scale * 10**decimals + 1), Fraction(1))


@cache
def _farey(n: int) -> int:
    totients = list(range(n + 1))
    for prime in range(2, n + 1):
        if totients[prime] == prime:
            for multiple in range(prime, n + 1, prime):
                totients[multiple] -= totients[multiple] // prime
    return 1 + sum(totients[1:])


def whole_batches(n: int, population: int, sizes: Iterator[int] | range) -> list[int]:
    """The batch sizes whose whole batches hold n of `population` images, the rest being dropped."""
    return [size for size in sizes if population // size * size == n]


def _unit(text: str) -> Fraction:
    return Fraction(1, 10 ** len(text.partition(".")[2]))
