"""Numbers as text for people, from the fractions and seconds in the data."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from math import floor, log10

from zoo.records import Claim

ABSENT = "\N{EN DASH}"


def percent(fraction: float, decimals: int = 2) -> str:
    """A fraction as percent without the sign, halves rounded up as publishers do: 0.71875 is "71.88"."""
    value = Decimal(repr(float(fraction))) * 100
    if not value.is_finite():
        return ABSENT
    return str(value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds with three digits and the unit: 0.00401 is "4.01 ms", 0.0125 is "12.5 ms"."""
    value = seconds * 1000
    decimals = max(0, 2 - floor(log10(float(f"{value:.3g}")))) if value > 0 else 0  # 9.9995 is 10.0, not 10.00
    return f"{value:.{decimals}f} ms"


def as_printed(claim: Claim) -> str:
    """The documented text with its unit: "71.8 %", "0.719", "28.2 % error"."""
    number = f"{claim.value} %" if claim.unit.startswith("percent") else claim.value
    return f"{number} error" if claim.is_error else number


def with_unit(claim: Claim) -> str:
    """The documented text of any claim with its unit: "71.8 %", "0.719", "3.489 M"."""
    return as_printed(claim) if claim.is_accuracy else f"{claim.value} {claim.unit}"


def quoted(claim: Claim) -> str:
    """What is printed, and where: "71.8 % (omz-public-index: table Accuracy, row Top 1)"."""
    return f"{with_unit(claim)} ({claim.source}{': ' if claim.place else ''}{claim.place})"
