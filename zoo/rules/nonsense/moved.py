"""Whether answers fit the labels better in another numbering or order or with an offset, for rule A201."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo import stats
from zoo.documents import label_maps, renumbering
from zoo.documents.formatting import percent
from zoo.records import LabelMap
from zoo.rules import drawn
from zoo.rules.base import Evidence
from zoo.rules.drawn import Looked
from zoo.rules.nonsense.seen import SURE, USEFUL, Integers, Seen, Symptom

CONFUSED = 0.1  # share of classes that one wrong class may win, always the one so many places further on
FEW = 100  # classes: of fewer, neighbours may all be alike, and a poor network takes many for the next one
MOST = 0.75  # share of few classes that moved labels have to win


@dataclass(frozen=True)
class _Move:
    """Which class is the answer to each label, if the labels are mistaken, and why they may be.

    answer: int64 (classes,); -1 for none. offset: answer less label, where it is the same for all classes, else 0.
    likely: what is behind it; "" where an offset is.
    """

    what: str
    answer: Integers
    offset: int = 0
    likely: str = ""


def moved(seen: Seen, evidence: Evidence) -> Symptom | None:
    """Answers that fit moved labels: in how many classes these win against the labels as they are.

    One vote for each class that occurs, as images of one class are confused in the same way. All moves that could be
    found count as tried.
    """
    if seen.answers is None or int(seen.labels.max()) >= seen.classes:
        return None
    moves = [*_known(seen), *_offsets(seen)]
    if not moves:
        return None
    right = [int((seen.given == each.answer[seen.labels]).sum()) for each in moves]
    best = int(np.argmax(right))
    move, count, n = moves[best], right[best], len(seen.labels)
    won, lost = _votes(seen, move)
    tried = 2 * seen.classes + len(moves)
    if count < USEFUL * n or stats.share_p(won, won + lost, CONFUSED, "greater") > SURE / tried:
        return None
    own = int((seen.given == seen.labels).sum())
    if seen.drawn is not None and not _is_right_more_often(seen.drawn, seen, move, SURE / tried):
        return None
    if seen.classes < FEW and (count <= own or won < MOST * (won + lost)):
        return None
    return Symptom(
        f"the answers fit other labels: with {move.what}, {count:,} of {n:,} images ({percent(count / n)} %) are "
        f"right, as labelled {own:,} ({percent(own / n)} %)",
        _behind_move(move, seen, evidence),
    )


def _is_right_more_often(looked: Looked, seen: Seen, move: _Move, error: float) -> bool:
    """Whether moved labels are surely right more often over all images than the labels as they are.

    Asked of images that a reference drew: among hard ones a network that is of use may well take most images of a class
    for its neighbour, which over all it does not.
    """
    as_moved, as_labelled = seen.given == move.answer[seen.labels], seen.given == seen.labels
    return drawn.more_p(looked, as_moved.astype(np.int8) - as_labelled) <= error


def _votes(seen: Seen, move: _Move) -> tuple[int, int]:
    """Classes in which the moved label is given more often than the label itself, and those where it is less often."""
    moved, own = (
        np.bincount(seen.labels, weights=seen.given == wanted, minlength=seen.classes)
        for wanted in (move.answer[seen.labels], seen.labels)
    )
    return int((moved > own).sum()), int((moved < own).sum())


def _offsets(seen: Seen) -> list[_Move]:
    """The most frequent difference between answer and label that is not 0."""
    known = seen.given < seen.classes
    offsets, counts = np.unique((seen.given - seen.labels)[known], return_counts=True)
    counts = np.where(offsets == 0, 0, counts)
    if not counts.sum():
        return []
    offset = int(offsets[counts.argmax()])
    answer = np.arange(seen.classes) + offset
    answer = np.where((answer >= 0) & (answer < seen.classes), answer, -1)
    return [_Move(f"label {'+' if offset > 0 else '-'} {abs(offset)}", answer, offset)]


def _known(seen: Seen) -> list[_Move]:
    """The known ways to number the classes otherwise."""
    known = (*renumbering.of_ilsvrc2012(seen.label_map), *renumbering.sorted_as_text(seen.label_map))
    return [_Move(each.what, each.answer, likely=each.likely) for each in known]


def _behind_move(move: _Move, seen: Seen, evidence: Evidence) -> str:
    if move.likely:
        return move.likely
    high = "high" if move.offset < 0 else "low"
    counted = " (counted from 1 in place of 0?)" if move.offset == -1 else ""
    return f"{_other_map(move.offset, seen.label_map, evidence)}labels that are {abs(move.offset)} too {high}{counted}"


def _other_map(offset: int, own: LabelMap, evidence: Evidence) -> str:
    """Names a label map with which the offset would be 0; "" if no output can then be the first class."""
    wanted = label_maps.moved(own, offset)
    if wanted is None:
        return ""
    fitting = label_maps.like(wanted, evidence.label_maps.values())
    other = f"label map {fitting.id!r} fits" if fitting else "another label map would fit"
    return f"{other} (class 0 is output {wanted.first}), not {own.id!r} (output {own.first}); or "
