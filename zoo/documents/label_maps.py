"""Label maps that differ in their first output."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.records import LabelMap


def moved(own: LabelMap, offset: int) -> LabelMap | None:
    """The same classes, the first one so many outputs further on; None if the outputs do not reach."""
    first = own.first + offset
    return own.changed(first=first) if 0 <= first <= own.outputs - own.classes else None


def like(wanted: LabelMap, known: Iterable[LabelMap]) -> LabelMap | None:
    """The first known one with the same outputs, classes and first output."""
    key = wanted.outputs, wanted.classes, wanted.first
    return next((each for each in known if (each.outputs, each.classes, each.first) == key), None)
