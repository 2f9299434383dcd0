"""Numbers as people read them; data hold fractions and seconds."""

from __future__ import annotations

from zoo.records import Claim


def percent(fraction: float, decimals: int = 2) -> str:
    """0.718 as "71.80"."""
    return f"{fraction * 100:.{decimals}f}"


def as_printed(claim: Claim) -> str:
    """The documented text with its unit: "71.8 %", "0.719"."""
    return f"{claim.value} %" if claim.unit == "percent" else claim.value
