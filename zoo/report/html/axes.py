"""Ticks of a logarithmic axis."""

from __future__ import annotations

import math


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten; more where these are fewer than two.

    >>> log_ticks(3, 120)
    [5.0, 10.0, 20.0, 50.0, 100.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9), tuple(number / 10 for number in range(10, 100))):
        ticks = [float(f"{digit * 10.0**power:.6g}") for power in powers for digit in digits]
        shown = [tick for tick in ticks if low <= tick <= high]
        if len(shown) >= 2:
            return shown
    return shown
