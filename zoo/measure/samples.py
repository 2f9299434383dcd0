"""What a checkpoint answers to the input of a published sample answer: one picture or tensor, every score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo import disk, machine
from zoo.checkpoints import files
from zoo.images import pixels, tensors
from zoo.images.image_sets import Image
from zoo.measure.accuracy import BlockAnswers, Evaluation, Settings, Task
from zoo.measure.preparation import Planned
from zoo.records import Layout, Numeric, Recipe, SampleAnswer, SampleRun


@dataclass(frozen=True)
class SampleFiles:
    """The files of a sample answer on this machine: its input, and the publisher's tensor of scores if there is one.

    verified: whether a published hash says that the files are the right ones.
    """

    input: Path
    output: Path | None
    verified: bool


def locate(sample: SampleAnswer, root: Path) -> SampleFiles:
    """The files, among those of the checkpoint; root: the zoo's own folder. Raises FileUnavailableError."""
    assert sample.input is not None
    given, verified = files.locate_file(sample.checkpoint, sample.input, root)
    if sample.output is None:
        return SampleFiles(given, None, verified)
    printed, sure = files.locate_file(sample.checkpoint, sample.output, root)
    return SampleFiles(given, printed, verified and sure)


def planned(sample: SampleAnswer, own: Planned, recipes: dict[str, Recipe]) -> Planned:
    """The sample's checkpoint with the options and the recipe of the sample.

    A tensor is the network's input already: what is left of the checkpoint's own recipe is the order of its axes.
    """
    checkpoint = own.checkpoint.changed(options={**own.checkpoint.options, **sample.options})
    if not sample.is_tensor:
        return replace(own, checkpoint=checkpoint, recipe=recipes[sample.recipe])
    recipe = recipes[own.checkpoint.recipe]
    numeric = Numeric(id="tensor", steps=(_layout(recipe),))
    return replace(own, checkpoint=checkpoint, recipe=Recipe(id="tensor", geometry=recipe.geometry, numeric=numeric))


def run(sample: SampleAnswer, located: SampleFiles, task: Task, settings: Settings) -> SampleRun:
    """Every score, computed unless it was kept. Raises WorkerError, MisfitError, ImageSetError, TensorError."""
    digest = disk.file_sha256(located.input)
    answers_of = _to_tensor if sample.is_tensor else _to_picture
    with Evaluation(task, settings) as evaluation:
        facts = evaluation.check()
        answers = answers_of(evaluation, located.input, digest)
    published = tensors.read(located.output).ravel() if located.output else np.empty(0, np.float32)
    return SampleRun(
        key=disk.digest_of([evaluation.key, digest, sample.id]),
        **identity(sample, task.environment.framework.name),
        label_map=task.label_map.id,
        input_sha256=digest,
        input_verified=located.verified,
        sha256=task.located.sha256,
        hash_verified=task.located.verified,
        versions=task.environment.versions,
        arithmetic=settings.arithmetic,
        instruction_sets=machine.instruction_sets(),
        seconds=float(answers.seconds),
        outputs=_shortest(answers.first_scores[0]),
        published=_shortest(published),
        status="done",
        **{name: facts[name] for name in ("threads", "precision", "integer_sums", "kernels")},
    )


def identity(sample: SampleAnswer, framework: str) -> dict[str, Any]:
    """The fields of a SampleRun that are known before it is made."""
    given = sample.input.name if sample.input else ""
    recipe = sample.recipe or "tensor"
    return {
        "sample": sample.id, "checkpoint": sample.checkpoint, "framework": framework, "recipe": recipe, "input": given
    }  # fmt: skip


def _to_picture(evaluation: Evaluation, path: Path, digest: str) -> BlockAnswers:
    block = pixels.Block(0, (Image(path.name, 0, path),), (digest,))
    pixels.fill(evaluation.task.recipe.geometry, [block], jobs=1)
    return evaluation.answers(block)


def _to_tensor(evaluation: Evaluation, path: Path, digest: str) -> BlockAnswers:
    recipe = evaluation.task.recipe
    tensor = tensors.as_input(tensors.read(path), _layout(recipe), recipe.geometry.side, path)
    return evaluation.answers_to(tensor, digest)


def _layout(recipe: Recipe) -> Layout:
    last = recipe.numeric.steps[-1]
    assert isinstance(last, Layout)
    return last


def _shortest(scores: NDArray[np.generic]) -> tuple[float, ...]:
    """float32 as the numbers of fewest digits that are the same float32, so that a file of them is short."""
    return tuple(float(str(score)) for score in scores)
