"""Classes in words: what the people who read a label call it."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.images.labels import imagenet_classes
from zoo.records import LabelMap


def names(label_map: LabelMap) -> Sequence[str]:
    """The names of its classes in order; nothing where nobody named them."""
    if label_map.names == "imagenet":
        return [name.partition(",")[0] for name in imagenet_classes().names]
    return label_map.names


def class_name(label_map: LabelMap, index: int) -> str:
    """A class by number and name; the number tells apart what shares a name.

    >>> class_name(LabelMap(id="two", outputs=2, classes=2, first=0, names=("cat", "dog")), 1)
    '1 dog'
    """
    if not 0 <= index < label_map.classes:
        return "no class"
    known = names(label_map)
    return f"{index} {known[index]}" if known else str(index)
