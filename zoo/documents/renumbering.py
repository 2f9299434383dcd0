"""Known ways to number the same classes otherwise: each takes the label of one for the class of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoo.documents.classes import imagenet_classes, names
from zoo.records import LabelMap

Kind = Literal["numbering", "text order", "reverse"]

OTHER_NUMBERING = (
    "labels in the other numbering of ILSVRC2012, or a network that was trained with it; label the images by wnid, or "
    "give the whole list of 50,000 labels, whose numbering is told by itself"
)
SORTED_AS_TEXT = (
    "classes that were numbered in the order of their folders' names as text (0, 1, 10, 100, 101, ...), as "
    "torchvision's ImageFolder does, here or where the network was trained; let the name be the number"
)


@dataclass(frozen=True)
class Renumbering:
    """Which class is the answer to each label, if the labels are mistaken, and why they may be.

    what: the way of numbering, in words; answer: int64 (classes,), -1 for none; likely: what is behind it.
    """

    kind: Kind
    what: str
    answer: NDArray[np.int64]
    likely: str


def of_ilsvrc2012(label_map: LabelMap) -> Iterator[Renumbering]:
    """The two numberings of the ImageNet classes taken for each other; ILSVRC2012_ID counts from 1."""
    if label_map.names != "imagenet":
        return
    classes = label_map.classes
    by_id = np.full(classes + 1, -1)
    for number, index in imagenet_classes().by_ilsvrc2012_id.items():
        by_id[number] = index
    to_id = np.argsort(by_id[1:]) + 1
    read = "the labels read as ILSVRC2012_ID"
    written = "the classes numbered by ILSVRC2012_ID"
    for what, answer in (
        (read, by_id[:-1]),
        (f"{read} less one", by_id[1:]),
        (written, np.where(to_id < classes, to_id, -1)),
        (f"{written} less one", to_id - 1),
    ):
        yield Renumbering("numbering", what, answer, OTHER_NUMBERING)


def sorted_as_text(label_map: LabelMap) -> Iterator[Renumbering]:
    """Numbers of classes taken for their places among the numbers as text, and the other way round."""
    numbers = np.array(sorted(range(label_map.classes), key=str))
    read = "the labels read as places among the numbers sorted as text"
    written = "the classes in the order of their numbers as text"
    yield Renumbering("text order", read, numbers, SORTED_AS_TEXT)
    yield Renumbering("text order", written, np.argsort(numbers), SORTED_AS_TEXT)


def backwards(label_map: LabelMap) -> Iterator[Renumbering]:
    """The last class first."""
    answer = np.arange(label_map.classes)[::-1].copy()
    likely = "classes that were numbered from the last to the first; number them as the label map does"
    yield Renumbering("reverse", "the classes in reverse", answer, likely)


def sorted_by_name(label_map: LabelMap) -> Iterator[Renumbering]:
    """Classes numbered in the alphabetical order of their names, as folders that are called so are."""
    known = names(label_map)
    likely = "classes that were numbered in the order of their names; number them as the label map does"
    orders: tuple[tuple[str, Callable[[str], str]], ...] = (("", str), (", upper case as lower", str.casefold))
    seen: set[bytes] = set()
    for how, key in orders:
        places = np.array(sorted(range(len(known)), key=lambda index: key(known[index])), dtype=np.int64)
        if places.tobytes() not in seen and len(known):
            seen.add(places.tobytes())
            read = f"the labels read as places among the names sorted as text{how}"
            written = f"the classes in the order of their names as text{how}"
            yield Renumbering("text order", read, places, likely)
            yield Renumbering("text order", written, np.argsort(places), likely)
