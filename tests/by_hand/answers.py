"""Answers of runs for the looks of a diagnosis: real ones with other labels, and those of made-up networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tests.by_hand.records import a_run
from zoo.diagnose.base import Case, Relative
from zoo.documents.load import load_zoo
from zoo.records import Checkpoint, Claim, Kinship, LabelMap, Recipe
from zoo.records.predictions import K, Predictions

ZOO = load_zoo("embedded")
LABEL_MAPS = {**load_zoo("published").label_maps, **ZOO.label_maps}
Rows = np.ndarray


def labelled(answers: Predictions, classes: Rows, label_map: LabelMap) -> Predictions:
    """The same answers beside other labels, one right class each."""
    hits = answers.indices.astype(np.int64) - label_map.first == np.asarray(classes)[:, None]
    return replace(
        answers, classes=np.asarray(classes, np.int64), top1=hits[:, 0], top5=hits.any(axis=1), other_classes=None
    )


def part(answers: Predictions, rows: Rows) -> Predictions:
    """Some of the images in this order, as `Predictions.of_rows`, whatever kind of numbers the rows are."""
    return answers.of_rows(np.asarray(rows, np.int64))


def permuted_outputs(answers: Predictions, target: Rows) -> Predictions:
    """Answers of a network whose output i is computed as output target[i]; right and wrong are those of before."""
    scores = np.empty_like(answers.first_scores)
    scores[:, target] = answers.first_scores
    return replace(answers, indices=np.asarray(target)[answers.indices].astype(np.int32), first_scores=scores)


def of_scores(scores: Rows, classes: Rows, label_map: LabelMap) -> Predictions:
    """Answers with these scores, float (N, outputs); a lower index wins where they are equal."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :K].astype(np.int32)
    blank = Predictions(
        ids=tuple(f"{row:06d}.jpg" for row in range(len(scores))), classes=np.asarray(classes, np.int64), indices=best,
        scores=np.take_along_axis(scores, best, axis=1).astype(np.float32), top1=np.zeros(len(scores), bool),
        top5=np.zeros(len(scores), bool), first_scores=scores[:64].astype(np.float32),
    )  # fmt: skip
    return labelled(blank, classes, label_map)


def case_of(
    answers: Predictions | None,
    label_map: LabelMap,
    relatives: Sequence[Relative] = (),
    claims: Sequence[Claim] = (),
    **changes: Any,
) -> Case:
    """A run with these answers, of a checkpoint of the embedded zoo, as the looks get it."""
    checkpoint: Checkpoint = ZOO.checkpoints["embedded/onnx"]
    recipe: Recipe = ZOO.recipes[checkpoint.recipe]
    counts: dict[str, Any] = {}
    if answers is not None:
        equal = answers.scores[:, 0] == answers.scores[:, 1]
        counts = {
            "n": len(answers.ids), "top1_correct": int(answers.top1.sum()), "top5_correct": int(answers.top5.sum()),
            "top1_ties": int(equal.sum()),
        }  # fmt: skip
    run = a_run(label_map=label_map.id, **(counts | changes))
    return Case(
        run=run, checkpoint=checkpoint, label_map=label_map, recipe=recipe, claims=claims, answers=answers,
        relatives=relatives, label_maps=LABEL_MAPS,
    )  # fmt: skip


def relative(answers: Predictions | None, label_map: LabelMap, kinship: Kinship = "same weights") -> Relative:
    """Another run, by its answers."""
    run = a_run(key="2e" * 32, checkpoint="embedded/torch_state_dict", framework="torch", label_map=label_map.id)
    return Relative(run, ZOO.checkpoints["embedded/torch_state_dict"], label_map, kinship, answers)


def causes(findings: Any) -> list[str]:
    """Ids of the candidates in their order."""
    return [candidate.cause for candidate in findings.candidates]


class MadeUp:
    """A network that tells classes by the nearest of random directions, as well as noise lets it.

    scores: float32 (N, classes); classes: int64 (N,), each about equally often, in random order unless `in_order`.
    Neighbours in number are no neighbours in kind, but every tenth class is much like the next one.
    """

    def __init__(self, seed: int, classes: int, n: int, accuracy: float, in_order: bool = False) -> None:
        """accuracy: about the share of right answers."""
        random = np.random.default_rng(seed)
        self.random, self.size = random, classes
        directions = random.normal(size=(classes, 24))
        for index in range(0, classes - 1, 10):
            directions[index + 1] = directions[index] + 0.5 * random.normal(size=24)
        self._directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        self.classes = np.arange(n) % classes if n <= classes or in_order else random.integers(0, classes, n)
        if not in_order:
            self.classes = random.permutation(self.classes)
        self._noise = random.normal(size=(n, 24)) / 5
        low, high = 0.01, 100.0
        for _ in range(20):  # the noise that gives this accuracy
            self._size = float(np.sqrt(low * high))
            right = float((self.scores.argmax(axis=1) == self.classes).mean())
            low, high = (self._size, high) if right > accuracy else (low, self._size)

    @property
    def scores(self) -> Rows:
        """Of every image for every class."""
        seen = self._directions[self.classes] + self._size * self._noise
        return (10 * seen @ self._directions.T).astype(np.float32)

    def answers(self, label_map: LabelMap) -> Predictions:
        """Labelled as it should be; outputs beside the classes are far below all others."""
        scores = self.scores
        padded = np.full((len(scores), label_map.outputs), scores.min() - 5, np.float32)
        padded[:, label_map.first : label_map.first + self.size] = scores
        padded += 1e-3 * self.random.normal(size=padded.shape).astype(np.float32)
        return of_scores(padded, self.classes, label_map)


def plain_map(classes: int, outputs: int = 0, first: int = 0) -> LabelMap:
    """Classes without names."""
    return LabelMap(id=f"plain{classes}", outputs=outputs or classes, classes=classes, first=first)
