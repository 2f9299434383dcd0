"""Times, sizes and ratios as text, from seconds and bytes."""

from __future__ import annotations

from zoo.documents.wording import ABSENT


def decimals(seconds: float) -> int:
    """Digits after the point that a time in milliseconds is shown with: four digits in all, three below 1 ms."""
    shown = seconds * 1000
    if shown >= 9.9995:
        return 0 if shown >= 999.95 else 1 if shown >= 99.995 else 2
    return 3 if shown >= 0.09995 or shown == 0 else 4


def ms(seconds: float | None, like: float | None = None) -> str:
    """Seconds as a number of milliseconds, with as many digits as `like` is shown with: 0.0125 is "12.50"."""
    if seconds is None:
        return ABSENT
    return f"{seconds * 1000:.{decimals(seconds if like is None else like)}f}"


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds with the unit: 0.0125 is "12.50 ms"."""
    return f"{ms(seconds)} ms"


def duration(seconds: float) -> str:
    """What takes long in seconds: 1.234 is "1.23 s", 0.0125 is "12.50 ms"; nothing where it was not measured."""
    if seconds <= 0:
        return ABSENT
    return f"{seconds:.2f} s" if seconds >= 1 else milliseconds(seconds)


def megabytes(number: int) -> str:
    """Bytes as MB of a million: 13964571 is "14.0 MB"; nothing where it was not measured."""
    if number <= 0:
        return ABSENT
    return f"{number / 1e6:.{1 if number < 1e8 else 0}f} MB"


def times(ratio: float) -> str:
    """A ratio of two times: "1.42×"."""
    return f"{ratio:.2f}×"
