"""How far runs on the same images agree: labels that differ between any two, and the images behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.documents.classes import class_name
from zoo.records import LabelMap, Run
from zoo.records.predictions import Predictions

MOST_RUNS = 24  # in one matrix; more are split by their weights, and of one network's each part begins with the first
MOST_IMAGES = 50  # listed of one group


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One run's best class for one image, in words, and its score as the network gives it."""

    label: str
    score: float
    right: bool


@dataclass(frozen=True, kw_only=True)
class Discordant:
    """An image that not all runs give one label; answers in the order of the group's runs."""

    image: str
    truth: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs on the same images.

    differ: for every two runs, the images to which they give different labels; discordant: the first MOST_IMAGES of
    `disagreed` images, those first on which runs of the same weights differ.
    """

    image_set: str
    n: int
    runs: tuple[Run, ...]
    differ: tuple[tuple[int, ...], ...]
    disagreed: int
    discordant: tuple[Discordant, ...]

    @property
    def is_one_network(self) -> bool:
        """Whether all runs are of the same weights, and should agree."""
        return len({run.weights for run in self.runs}) == 1


@dataclass(frozen=True, kw_only=True)
class _Member:
    run: Run
    answers: Predictions
    label_map: LabelMap

    @property
    def labels(self) -> NDArray[np.int64]:
        """Best class of each image, int64 (N,)."""
        return self.answers.indices[:, 0].astype(np.int64) - self.label_map.first


def groups(
    runs: Sequence[Run], answers: Callable[[Run], Predictions | None], label_maps: Mapping[str, LabelMap]
) -> tuple[Group, ...]:
    """Finished runs by their images, two at least in a group.

    Of more than MOST_RUNS runs each is in a group with others of its weights, all of them in one with the first of
    these: so where no group disagrees, no two runs of the same weights do.
    """
    found: dict[tuple[object, ...], list[_Member]] = {}
    for run in runs:
        own = answers(run) if run.status == "done" and not run.recounts else None
        if own is not None and run.label_map in label_maps:
            label_map = label_maps[run.label_map]
            key = run.image_set, own.labelled_images, label_map.classes
            found.setdefault(key, []).append(_Member(run=run, answers=own, label_map=label_map))
    return tuple(_group(part) for members in found.values() for part in _parts(members) if len(part) > 1)


def _parts(members: Sequence[_Member]) -> list[Sequence[_Member]]:
    if len(members) <= MOST_RUNS:
        return [members]
    by_weights: dict[str, list[_Member]] = {}
    for member in members:
        by_weights.setdefault(member.run.weights, []).append(member)
    parts: list[Sequence[_Member]] = []
    for first, *others in by_weights.values():  # at most MOST_RUNS at once, each time beside the first of all
        room = MOST_RUNS - 1
        parts += [[first, *others[start : start + room]] for start in range(0, len(others), room)]
    return parts


def _group(members: Sequence[_Member]) -> Group:
    labels = np.array([member.labels for member in members])
    differ = [[int((one != other).sum()) for other in labels] for one in labels]
    rows = np.flatnonzero((labels != labels[0]).any(axis=0))
    surprising = [row for row in rows if _same_weights_differ(members, labels[:, row])]
    ordered = [*surprising, *(row for row in rows if row not in set(surprising))]
    return Group(
        image_set=members[0].run.image_set,
        n=labels.shape[1],
        runs=tuple(member.run for member in members),
        differ=tuple(map(tuple, differ)),
        disagreed=len(rows),
        discordant=tuple(_discordant(members, int(row)) for row in ordered[:MOST_IMAGES]),
    )


def _same_weights_differ(members: Sequence[_Member], labels: NDArray[np.int64]) -> bool:
    first: dict[str, int] = {}
    return any(
        first.setdefault(member.run.weights, label) != label
        for member, label in zip(members, labels.tolist(), strict=True)
    )


def _discordant(members: Sequence[_Member], row: int) -> Discordant:
    first = members[0]
    answers = [
        Answer(
            label=class_name(member.label_map, int(member.labels[row])),
            score=float(member.answers.scores[row, 0]),
            right=bool(member.answers.top1[row]),
        )
        for member in members
    ]
    return Discordant(
        image=first.answers.ids[row],
        truth=" or ".join(class_name(first.label_map, each) for each in first.answers.right_classes(row)),
        answers=tuple(answers),
    )
