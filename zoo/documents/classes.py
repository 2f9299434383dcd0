"""The names of classes, for readers."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from zoo import disk
from zoo.records import LabelMap


def names(label_map: LabelMap) -> Sequence[str]:
    """The names of a label map's classes in order; empty where nobody named them."""
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


@dataclass(frozen=True)
class Classes:
    """The 1000 classes of ILSVRC2012 (zoo/data/imagenet/classes.csv)."""

    wnids: tuple[str, ...]
    names: tuple[str, ...]
    by_wnid: Mapping[str, int]
    by_ilsvrc2012_id: Mapping[int, int]


@cache
def imagenet_classes() -> Classes:
    """The classes of ILSVRC2012; the file is read once."""
    with (disk.DATA / "imagenet" / "classes.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    wnids = tuple(row["wnid"] for row in rows)
    return Classes(
        wnids,
        tuple(row["name"] for row in rows),
        {wnid: index for index, wnid in enumerate(wnids)},
        {int(row["ilsvrc2012_id"]): index for index, row in enumerate(rows)},
    )
