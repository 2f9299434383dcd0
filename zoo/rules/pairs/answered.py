"""Finished runs with their answers, and what two of them have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from zoo.records import Run
from zoo.records.predictions import Predictions
from zoo.rules.base import Evidence, grouped


class Answered(NamedTuple):
    """A finished run with its answers."""

    run: Run
    answers: Predictions


def answered(evidence: Evidence) -> Iterator[Answered]:
    """Every finished run whose answers were kept. Answers that are counted again by other labels are the same.

    A run whose images were drawn until all had been seen has them in another order than a run that began with all:
    those on all images of one set come in one order, that of most of them.
    """
    kept = [(run, evidence.answers(run)) for run in evidence.runs if run.status == "done" and not run.recounts]
    found = [Answered(run, answers) for run, answers in kept if answers is not None]
    orders = {key: Counter(each).most_common(1)[0][0] for key, each in _orders(found).items()}
    for one in found:
        yield _ordered(one, orders.get(_whole(one.run), one.answers.ids))


def _orders(found: Sequence[Answered]) -> dict[object, list[tuple[str, ...]]]:
    """The orders of ids that runs on all images of one set have."""
    return grouped((_whole(one.run), one.answers.ids) for one in found if one.run.population == "full")


def _whole(run: Run) -> object:
    """What runs on all images of one set have in common; None of others."""
    return (run.image_set, run.population_id) if run.population == "full" else None


def _ordered(one: Answered, ids: tuple[str, ...]) -> Answered:
    """With its images in the order of these ids, if it has just these; then without scores of the first images."""
    if one.answers.ids == ids or len(one.answers.ids) != len(ids) or set(one.answers.ids) != set(ids):
        return one
    places = {name: row for row, name in enumerate(one.answers.ids)}
    answers = one.answers.of_rows(np.array([places[name] for name in ids], np.int64))
    return Answered(one.run, replace(answers, first_scores=answers.first_scores[:0]))


def images_of(one: Answered) -> tuple[object, ...]:
    """What two runs on the same images have in common: sets of other images may have the same names."""
    return one.run.image_set, one.answers.labelled_images


def network(run: Run, evidence: Evidence) -> tuple[object, ...]:
    """What two runs on the same images have in common that should give the same answers."""
    return run.weights, run.precision, run.arithmetic, run.geometry, _departs_from_recipe(run, evidence)


def _departs_from_recipe(run: Run, evidence: Evidence) -> str:
    """The recipe of a run that was made with another one than its checkpoint's own, else nothing.

    Own recipes may differ by name and still be the same, each in its framework's layout.
    """
    checkpoint = evidence.checkpoints.get(run.checkpoint)
    return run.recipe if checkpoint is not None and run.recipe != checkpoint.recipe else ""
