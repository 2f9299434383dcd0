"""Wrong labels, and label maps that do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tests.by_hand import weight_edits
from tests.faults import plants
from tests.faults.base import ALONE, REFERRED, TOGETHER, Fault, Form, Plant
from tests.faults.plants import Labels
from tests.faults.setups import Picture

KIND = "labels"
EITHER = (ALONE, TOGETHER)  # labels are the same for both: a good network beside it shows that they are wrong


def _fault(name: str, what: str, plant: Plant, *expected: str, forms: Sequence[Form] = EITHER, **more: str) -> Fault:
    return Fault(name, KIND, plant, frozenset(expected), what, tuple(forms), **more)  # type: ignore[arg-type]


def moved(by: int) -> Plant:
    """Every label so many further on; those beyond the last begin again."""
    return plants.relabelled(lambda labels, classes: (labels + by) % classes)


def _moved_from(first: int, by: int) -> Plant:
    """Labels from this class on moved; images whose label would be no class, or another's, are left out."""

    def edit(labels: Labels, classes: int) -> Labels:
        moved = np.where(labels >= first, labels + by, labels)
        gone = (moved >= classes) | ((labels >= first) & (moved < first + min(by, 0)))
        return np.where(gone, -1, moved)

    return plants.relabelled(edit)


def _without_folder(missing: int) -> Plant:
    """One class's folder is missing, so that all behind it are numbered one too low."""
    return plants.relabelled(lambda labels, _: np.where(labels == missing, -1, labels - (labels > missing)))


def _by_table(table: Sequence[int]) -> Plant:
    """Class i is labelled table[i]."""
    return plants.relabelled(lambda labels, _: np.array(table)[labels])


def _exchanged(*pairs: tuple[int, int]) -> Plant:
    def edit(labels: Labels, classes: int) -> Labels:
        table = np.arange(classes)
        for first, second in pairs:
            table[[first, second]] = table[[second, first]]
        return table[labels]

    return plants.relabelled(edit)


def _in_any_order(seed: int) -> Plant:
    return plants.relabelled(lambda labels, classes: np.random.default_rng(seed).permutation(classes)[labels])


def as_text(labels: Labels, classes: int) -> Labels:
    """Places of the numbers among the numbers sorted as text, as torchvision's ImageFolder counts folders."""
    return np.argsort(sorted(range(classes), key=str))[labels]


def _shuffled(labels: Labels, _: int) -> Labels:
    return np.random.default_rng(6).permutation(labels)


def _some_wrong(share: float) -> Plant:
    """This share of labels drawn anew among all other classes."""

    def edit(labels: Labels, classes: int) -> Labels:
        random = np.random.default_rng(7)
        wrong = random.random(len(labels)) < share
        return np.where(wrong, (labels + random.integers(1, classes, len(labels))) % classes, labels)

    return plants.relabelled(edit)


def _half_of(source: int, target: int) -> Plant:
    """Half of the images of one class labelled as another."""

    def edit(labels: Labels, _: int) -> Labels:
        changed = labels.copy()
        changed[np.flatnonzero(labels == source)[::2]] = target
        return changed

    return plants.relabelled(edit)


def _twice(count: int) -> Plant:
    """So many images are there again under another name, labelled as another class."""

    def chosen(given: Sequence[Picture]) -> Iterator[Picture]:
        yield from given
        classes = len({each.label for each in given})
        for number, each in enumerate(given[:: len(given) // count][:count]):
            other = str((int(each.label) + 5 + number % 7) % classes)
            yield replace(each, name=f"again_{each.name}", label=other)

    return plants.pictures(lambda given: tuple(chosen(given)))


def _background(before: int, behind: int, first: int, outputs: int = 25, classes: int = 24) -> Plant:
    """One output more than classes, at one end, and a label map that has it at the other."""
    return plants.in_order(
        plants.tensors(weight_edits.with_other_outputs(before, behind)),
        plants.built(classes=outputs),
        lambda good: replace(good, documented={**good.documented, "classes": outputs}),
        plants.map_of(outputs, classes, first),
    )


KNOWN = (REFERRED, ALONE)  # what tells single wrong labels is a run by right ones
MAPS = (ALONE,)  # the original has a map of its own
FAULTS = (
    _fault("offset_plus_1", "every label one too high", moved(1), "labels.offset"),
    _fault("offset_minus_1", "every label one too low", moved(-1), "labels.offset"),
    _fault("offset_plus_3", "every label three too high", moved(3), "labels.offset"),
    _fault("offset_minus_3", "every label three too low", moved(-3), "labels.offset"),
    _fault("offset_plus_10", "every label ten too high", moved(10), "labels.offset"),
    _fault("offset_from_7", "one too high from class 7 on", _moved_from(7, 1), "labels.offset_from"),
    _fault("offset_from_16", "two too high from class 16 on", _moved_from(16, 2), "labels.offset_from"),
    _fault("missing_folder_4", "class 4 is missing; all behind it one too low", _without_folder(4),
           "labels.offset_from"),
    _fault("missing_folder_15", "class 15 is missing; all behind it one too low", _without_folder(15),
           "labels.offset_from"),
    _fault("two_classes_exchanged", "classes 3 and 17 exchanged", _exchanged((3, 17)), "labels.permutation"),
    _fault("blocks_exchanged", "classes 2 to 6 exchanged with 14 to 18",
           _exchanged(*((each, each + 12) for each in range(2, 7))), "labels.permutation"),
    _fault("reversed", "the classes in the opposite order", _by_table(range(23, -1, -1)), "labels.permutation"),
    _fault("any_order", "the classes in a random order", _in_any_order(3), "labels.permutation"),
    _fault("text_order", "numbers of folders sorted as text", plants.relabelled(as_text), "labels.text_order"),
    _fault("shuffled", "the labels of other images", plants.relabelled(_shuffled), "labels.shuffled"),
    _fault("wrong_10_percent", "a tenth of the labels wrong", _some_wrong(0.1), "labels.wrong_some", forms=KNOWN),
    _fault("wrong_30_percent", "three tenths of the labels wrong", _some_wrong(0.3), "labels.wrong_some", forms=KNOWN),
    _fault("half_a_class", "half of class 5 labelled 20", _half_of(5, 20), "labels.wrong_some", forms=KNOWN),
    _fault("same_image_twice", "80 images twice, with another label", _twice(80), "labels.same_image_twice"),
    _fault("map_says_last", "the background comes first, and the map says last", _background(1, 0, 0),
           "labels.background", forms=MAPS),
    _fault("map_says_first", "the unused output comes last, and the map says first", _background(0, 1, 1),
           "labels.background", forms=MAPS),
)  # fmt: skip
