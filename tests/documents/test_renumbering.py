"""Ways to number classes otherwise: each is a reordering of the classes, and label maps that differ by one output."""

from __future__ import annotations

from zoo.documents import label_maps, renumbering
from zoo.documents.classes import imagenet_classes
from zoo.documents.load import load_zoo
from zoo.records import LabelMap

MAPS = {**load_zoo("published").label_maps, **load_zoo("embedded").label_maps}


def test_numberings_of_imagenet() -> None:
    """Read as and written as, each with and without one less, for the class that is the first by wnid."""
    number = next(number for number, index in imagenet_classes().by_ilsvrc2012_id.items() if index == 0)
    read, less_one, written, written_less_one = renumbering.of_ilsvrc2012(MAPS["imagenet1000"])
    assert read.answer[number] == 0
    assert less_one.answer[number - 1] == 0
    assert (written.answer[0], written_less_one.answer[0]) == (number, number - 1)
    assert read.answer[0] == -1  # there is no class 0
    assert sorted(less_one.answer) == sorted(written_less_one.answer) == list(range(1000))
    assert not list(renumbering.of_ilsvrc2012(MAPS["embedded"]))


def test_orders_of_text() -> None:
    read, written = renumbering.sorted_as_text(LabelMap(id="m", outputs=12, classes=12, first=0))
    assert read.answer.tolist() == [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [read.answer[place] for place in written.answer] == list(range(12))


def test_orders_of_names() -> None:
    three = LabelMap(id="m", outputs=3, classes=3, first=0, names=("cat", "ant", "Bee"))
    ways = {each.what: each.answer.tolist() for each in renumbering.sorted_by_name(three)}
    assert ways["the labels read as places among the names sorted as text"] == [2, 1, 0]
    assert ways["the labels read as places among the names sorted as text, upper case as lower"] == [1, 2, 0]
    assert not list(renumbering.sorted_by_name(LabelMap(id="m", outputs=3, classes=3, first=0)))


def test_backwards() -> None:
    (way,) = renumbering.backwards(LabelMap(id="m", outputs=3, classes=3, first=0))
    assert way.answer.tolist() == [2, 1, 0]


def test_label_maps_that_differ_by_their_first_output() -> None:
    own = MAPS["background_first"]
    moved = label_maps.moved(own, -1)
    assert moved is not None
    assert moved.first == 0
    fitting = label_maps.like(moved, MAPS.values())
    assert fitting is not None
    assert fitting.id == "trailing_unused"
    assert label_maps.moved(own, 1) is None
    assert label_maps.like(moved, [own]) is None
