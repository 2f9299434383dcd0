"""Numbers as people read them, with their units; data hold fractions, seconds and bytes."""

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


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds with three digits and the unit, for sentences: 0.00401 is "4.01 ms"."""
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


def _decimals(seconds: float) -> int:
    """Digits after the point that a time in milliseconds is shown with: four digits in all, three below 1 ms."""
    shown = seconds * 1000
    if shown >= 9.9995:
        return 0 if shown >= 999.95 else 1 if shown >= 99.995 else 2
    return 3 if shown >= 0.09995 or shown == 0 else 4


def ms(seconds: float | None, like: float | None = None) -> str:
    """Seconds as a number of milliseconds, with as many digits as `like` is shown with: 0.0125 is "12.50"."""
    if seconds is None:
        return ABSENT
    return f"{seconds * 1000:.{_decimals(seconds if like is None else like)}f}"


def precise_milliseconds(seconds: float) -> str:
    """Seconds as milliseconds with as many digits as `ms` and the unit: 0.0125 is "12.50 ms"."""
    return f"{ms(seconds)} ms"


def duration(seconds: float) -> str:
    """What takes long in seconds: 1.234 is "1.23 s", 0.0125 is "12.50 ms"; nothing where it was not measured."""
    if seconds <= 0:
        return ABSENT
    return f"{seconds:.2f} s" if seconds >= 1 else precise_milliseconds(seconds)


def megabytes(number: int) -> str:
    """Bytes as MB of a million: 13964571 is "14.0 MB"; nothing where it was not measured."""
    if number <= 0:
        return ABSENT
    return f"{number / 1e6:.{1 if number < 1e8 else 0}f} MB"


def times(ratio: float) -> str:
    """A ratio of two times: "1.42×"."""
    return f"{ratio:.2f}×"
