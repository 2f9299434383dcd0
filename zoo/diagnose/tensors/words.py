"""Layers and numbers in the sentences of this look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.diagnose.network import Layer

SHOWN = 6  # layers in a sentence; the rest is a number

Names = Mapping[int, str]  # number of a step of the file -> canonical name


def name_of(layer: Layer, names: Names) -> str:
    """The canonical name, and the file's own in brackets where it is another."""
    canonical = names.get(layer.number, "")
    if not canonical or canonical == layer.name or layer.name == f"{canonical}.weight":
        return canonical or layer.name
    return f"{canonical} ({layer.name!r} in the file)"


def listed(items: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    rest = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def number(value: float) -> str:
    """Three digits, without a point behind large ones."""
    return f"{value:.3g}"


def times(low: float, high: float) -> str:
    """One factor, or a range of factors where they differ by more than rounding."""
    same = abs(high - low) <= 1e-3 * max(abs(low), abs(high)) or number(low) == number(high)
    return number((low + high) / 2) if same else f"{number(low)} to {number(high)}"
