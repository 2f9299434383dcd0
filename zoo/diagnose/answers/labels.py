"""Causes behind labels that are out of step with the answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from zoo.diagnose.answers import wording
from zoo.diagnose.answers.fitting import Fit, Tried
from zoo.diagnose.answers.moves import Part
from zoo.diagnose.answers.pairs import Pairs
from zoo.documents import label_maps
from zoo.records import LabelMap
from zoo.records.diagnoses import Cause, Excluded

NUMBERED_ALIKE = (
    "number the classes of the label file and of the network alike, or name the classes in it: the column wnid"
)


@dataclass(frozen=True)
class Named:
    """A cause with its title and what to change."""

    cause: Cause
    title: str
    change: str


def named(fit: Fit, pairs: Pairs, own: LabelMap, known: Iterable[LabelMap], checkpoint: str) -> Named:
    """What the best way of reading the labels is called. The fit has to have one."""
    best = fit.best
    assert best is not None
    move = best.move
    if move.kind == "numbering":
        return Named("labels.numbering", _besides(f"the answers fit {move.what}", fit, own), move.likely)
    if move.kind == "reverse":
        return Named("labels.permutation", _besides(f"the answers fit {move.what}", fit, own), move.likely)
    if move.kind == "text order":
        return Named("labels.text_order", _besides(f"the answers fit {move.what}", fit, own), move.likely)
    if move.kind == "offsets":
        found = _offset(move.parts, pairs, own, known, checkpoint)
        return Named(found.cause, _besides(found.title, fit, own), found.change)
    said = wording.move_in_words(move, _moved(best, pairs), own)
    count = best.weight.labels
    return Named("labels.permutation", f"{count:,} classes are permuted: {said}", _renumbered(best, pairs, own))


def _besides(title: str, fit: Fit, own: LabelMap) -> str:
    if not fit.besides:
        return title
    labels = sorted(int(label) - own.first for group in fit.besides for label in group)
    listed = ", ".join(map(str, labels[: wording.SHOWN])) + (", ..." if len(labels) > wording.SHOWN else "")
    return f"{title}, and besides the labels {listed} are permuted"


def _moved(tried: Tried, pairs: Pairs) -> np.ndarray:
    moved: np.ndarray = (tried.move.target != np.arange(pairs.size)) & (pairs.images > 0)
    return moved


def _renumbered(tried: Tried, pairs: Pairs, own: LabelMap) -> str:
    """Lines of a table from the label that is there to the one that fits, for as many as can be read."""
    labels = np.flatnonzero(_moved(tried, pairs) & (tried.move.target >= 0))
    lines = [f"class_index {label - own.first} -> {tried.move.target[label] - own.first}" for label in labels[:24]]
    more = [f"... and {len(labels) - 24} more"] if len(labels) > 24 else []
    return "\n".join(["in the label file, or the other way round in the network's last layer:", *lines, *more])


# --- offsets -------------------------------------------------------------------------------------


def _offset(parts: tuple[Part, ...], pairs: Pairs, own: LabelMap, known: Iterable[LabelMap], checkpoint: str) -> Named:
    labels = np.flatnonzero(pairs.images > 0)
    first, last = int(labels[0]), int(labels[-1])
    main = max(parts, key=lambda part: part.end - part.start)
    whole = parts[0].start == first and parts[-1].end == last and len({part.offset for part in parts}) == len(parts)
    wraps = len(parts) == 2 and abs(parts[0].offset - parts[1].offset) in (own.classes, own.outputs)
    if whole and (len(parts) == 1 or wraps):
        return _constant(main.offset, wraps, own, known, checkpoint)
    start, end = main.start - own.first, main.end - own.first
    said = wording.offset_in_words(main.offset)
    behind, before = int((labels > main.end).sum()), int((labels < main.start).sum())
    few = max(1, len(labels) // 50)  # the last label may stand for two classes
    if len(parts) == 1 and min(behind, before) <= few:
        where = f"from class {start} on" if behind <= before else f"up to class {end}"
        change = f"class_index = class_index {'+' if main.offset > 0 else '-'} {abs(main.offset)} {where}"
        return Named(
            "labels.offset_from", f"the answers fit {said} {where}, and the labels as they are elsewhere", change
        )
    said = wording.parts_in_words(parts, own.first)
    return Named("labels.permutation", f"blocks of classes are moved: the answers fit {said}", NUMBERED_ALIKE)


def _constant(offset: int, wraps: bool, own: LabelMap, known: Iterable[LabelMap], checkpoint: str) -> Named:
    """An offset for all classes: another label map, where the outputs reach, or labels that are so many too high."""
    said = f"the answers fit {wording.offset_in_words(offset)}"
    wanted = label_maps.moved(own, offset)
    if wanted is not None and not wraps:
        return _background(wanted, own, known, checkpoint)
    high = "high" if offset < 0 else "low"
    counted = " (counted from 1 in place of 0?)" if offset == -1 else ""
    around = ", with the classes at one end in place of those at the other" if wraps else ""
    change = f"class_index = class_index {'+' if offset > 0 else '-'} {abs(offset)}"
    if wraps:
        change = f"class_index = (class_index {'+' if offset > 0 else '-'} {abs(offset)}) % {own.classes}"
    return Named("labels.offset", f"labels that are {abs(offset)} too {high}{counted}: {said}{around}", change)


def _background(wanted: LabelMap, own: LabelMap, known: Iterable[LabelMap], checkpoint: str) -> Named:
    fitting = label_maps.like(wanted, known)
    name = fitting.id if fitting else f"{own.id}_from_{wanted.first}"
    lines = ["[[checkpoint]]", f'id = "{checkpoint}"', f'label_map = "{name}"']
    if fitting is None:
        lines += [
            "",
            "[[label_map]]",
            f'id = "{name}"',
            f"outputs = {wanted.outputs}",
            f"classes = {wanted.classes}",
            f"first = {wanted.first}",
        ]
    title = (
        f"another label map fits{f' ({name})' if fitting else ''}: class 0 is output {wanted.first}, not {own.first} "
        f"as in {own.id}"
    )
    return Named("labels.background", title, "\n".join(lines))


# --- what does not fit ---------------------------------------------------------------------------

CAUSES: dict[str, tuple[Cause, str]] = {
    "numbering": ("labels.numbering", "the other numbering of ILSVRC2012"),
    "text order": ("labels.text_order", "classes numbered in the order of texts"),
    "reverse": ("labels.permutation", "the classes in reverse"),
    "offsets": ("labels.offset", "labels moved by a number of classes"),
    "permutation": ("labels.permutation", "labels permuted"),
}


def excluded(fit: Fit, pairs: Pairs) -> list[Excluded]:
    """Of each kind the way that came nearest, with the images it makes right."""
    found: dict[str, Excluded] = {}
    for tried in fit.tried:
        cause, title = CAUSES[tried.move.kind]
        if tried is fit.best or cause in found or tried.move.kind == "reverse":
            continue
        right, n = tried.weight.right, pairs.n
        what = tried.move.what or (wording.offset_in_words(tried.move.main.offset) if tried.move.main else "")
        by = f"{wording.share(right, n)} would be right{f' with {what}' if what else ''}, as labelled {pairs.right:,}"
        found[cause] = Excluded(cause=cause, title=title, by=by)
    if "labels.offset" not in found and (fit.best is None or fit.best.move.kind != "offsets"):
        labelled = wording.share(pairs.right, pairs.n)
        by = f"no part of the labels fits better with an offset; as labelled {labelled} are right"
        found["labels.offset"] = Excluded(cause="labels.offset", title=CAUSES["offsets"][1], by=by)
    if "labels.permutation" not in found and (fit.best is None or fit.best.move.kind != "permutation"):
        by = f"no set of classes is given to each other more often than to its own in {pairs.n:,} images"
        found["labels.permutation"] = Excluded(cause="labels.permutation", title=CAUSES["permutation"][1], by=by)
    return list(found.values())
