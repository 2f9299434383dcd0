"""Finished runs with their answers, and what two of them have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from zoo.records import Run
from zoo.records.predictions import Predictions
from zoo.rules.base import Evidence


class Answered(NamedTuple):
    """A finished run with its answers."""

    run: Run
    answers: Predictions


def answered(evidence: Evidence) -> Iterator[Answered]:
    """Every finished run whose answers were kept. Answers that are counted again by other labels are the same."""
    for run in evidence.runs:
        answers = evidence.answers(run) if run.status == "done" and not run.recounts else None
        if answers is not None:
            yield Answered(run, answers)


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
