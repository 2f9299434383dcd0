"""Runs a checkpoint in a framework on an image set: the top-5 of every image, and the run record.

Results are kept per block of images under a key of everything they depend on, so that the same question is never
computed twice and a run that was interrupted goes on where it stopped. Results do not depend on the checkpoint's id or
label map, so two checkpoints of the same files share them. The run depends on both, so they are part of its key.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from zoo import disk, kept, machine
from zoo.checkpoints.files import Located
from zoo.checkpoints.handed import Handed, handed
from zoo.disk import CacheError
from zoo.errors import ZooError
from zoo.frameworks import environments
from zoo.frameworks.environments import Environment
from zoo.frameworks.workers import Worker
from zoo.images import pixels, preprocess
from zoo.images.image_sets import ImageSet
from zoo.images.pixels import Block
from zoo.measure import ranking
from zoo.records import Arithmetic, Checkpoint, LabelMap, PopulationKind, Recipe, Run
from zoo.records.predictions import Predictions

FIRST = 64  # images whose whole score vectors are kept, for comparing frameworks


class MisfitError(ZooError):
    """Checkpoint, recipe and label map do not fit together (exit code 3)."""

    cause = "record"


@dataclass(frozen=True)
class Settings:
    """How every run is made.

    threads: for one operator; batch_size: images a call; arithmetic: "exact", or the framework's defaults; fresh:
    ignore kept results.
    """

    threads: int
    batch_size: int = 8
    precision: str = "fp32"
    arithmetic: Arithmetic = "exact"
    fresh: bool = False


@dataclass(frozen=True)
class Task:
    """One run to be made."""

    checkpoint: Checkpoint
    recipe: Recipe
    label_map: LabelMap
    environment: Environment
    located: Located


@dataclass(frozen=True)
class Material:
    """The image set, cut into decoded blocks (filled in the task's geometry), and what it is of the population."""

    image_set: ImageSet
    blocks: Sequence[Block]
    digest: str
    population: PopulationKind
    population_id: str


class Evaluation:
    """One task being worked on; the worker is started only when an answer is missing."""

    def __init__(self, task: Task, settings: Settings, limits: dict[str, float] | None = None) -> None:
        self.task, self.settings, self.limits = task, settings, limits
        self._options = options_of(task, settings)
        self._base = _base_key(task, self._options)
        self._stack = ExitStack()
        self._worker: tuple[Worker, Handed] | None = None
        self._facts: dict[str, Any] = {}
        self._checked: dict[str, Any] | None = None
        self._reused = True
        self._lender: Evaluation | None = None

    def with_recipe(self, recipe: Recipe) -> Evaluation:
        """The same network given images by another recipe; both share one worker, which this one ends.

        Raises MisfitError where the recipe does not fit the network's input.
        """
        other = Evaluation(replace(self.task, recipe=recipe), self.settings, self.limits)
        other._lender = self
        _check_fit(other.task, self.check())
        return other

    @property
    def key(self) -> str:
        """A hash of everything that the answers depend on but the images."""
        return self._base

    @property
    def first_class(self) -> int:
        """The output that stands for class 0."""
        return self.task.label_map.first

    def __enter__(self) -> Evaluation:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stack.__exit__(*exception)

    def check(self) -> dict[str, Any]:
        """Load the checkpoint (or recall that it was) and see that recipe and label map fit; facts of the model.

        No image is needed for this. Raises WorkerError, MisfitError.
        """
        if self._checked is not None:
            return self._checked
        if self._lender is not None:
            return self._lender.check()
        path = disk.home() / "results" / "models" / f"{self._base}.json"
        facts = None if self.settings.fresh else kept.read_json(path, self._base)
        if facts is None:
            self._started()
            facts = self._facts
            kept.write_json(path, self._base, facts)
        _check_fit(self.task, facts)
        self._checked = facts
        return facts

    def inspect(self, options: dict[str, Any]) -> dict[str, Any]:
        """Static facts of the files, by the worker that has loaded them. Raises WorkerError."""
        worker, files = self._started()
        asked = {"threads": self.settings.threads, **options}
        return dict(worker.request("inspect", files=files.paths, options=asked)["facts"])

    def steps(self) -> tuple[list[dict[str, Any]], dict[str, NDArray[Any]]]:
        """The network as the files have it, step by step, and its arrays: adapters/common/steps.py says how.

        Raises WorkerError.
        """
        worker, files = self._started()
        with tempfile.TemporaryDirectory(prefix="zoo-steps-") as folder:
            out = Path(folder) / "steps.npz"
            reply = worker.request("steps", files=files.paths, options=self._options, out=str(out))
            return list(reply["steps"]), _arrays(out)

    def values(self, block: Block, rows: int) -> dict[int, NDArray[np.float32]]:
        """What stands behind each step for the first rows of a block: float32 (rows, channels, height, width).

        Of the classifier (rows, outputs). By the number of the step in `steps`. Raises WorkerError.
        """
        worker, files = self._started()
        stored = pixels.ready(self.task.recipe.geometry, block)
        numeric = [step.to_json() for step in self.task.recipe.numeric.steps]
        with tempfile.TemporaryDirectory(prefix="zoo-values-") as folder:
            out = Path(folder) / "values.npz"
            worker.request(
                "values",
                files=files.paths,
                store=str(stored),
                rows=[0, min(rows, len(block.images))],
                numeric=numeric,
                out=str(out),
            )
            self.rest()  # a network that shows its insides is no longer the one that answers
            return {int(number): value for number, value in _arrays(out).items()}

    def run(self, material: Material, progress: Callable[[int], None]) -> tuple[Run, Predictions]:
        """Answers for every block, kept ones first asked for; `progress` is told finished images."""
        return self.assembled(material, self.all_answers(material, progress))

    def all_answers(self, material: Material, progress: Callable[[int], None]) -> list[BlockAnswers]:
        """Answers for every block; `progress` is told finished images. They do not depend on the labels."""
        self.check()
        answers = []
        for block in material.blocks:
            answers.append(self.answers(block))
            progress(len(block.images))
        return answers

    def answers(self, block: Block) -> BlockAnswers:
        """Answers for one decoded block, computed unless they were kept."""
        return self._kept(self._result_key(block), partial(self._computed, block))

    def known(self, block: Block) -> bool:
        """Whether the answers for a block are kept, so that its pixels are not needed."""
        key = self._result_key(block)
        return not self.settings.fresh and kept.is_whole(disk.home() / "results" / key[:2] / f"{key}.npz", key)

    def answers_to(self, tensor: NDArray[np.generic], digest: str) -> BlockAnswers:
        """Answers to rows that are no image, computed unless they were kept. Their numeric steps are the recipe's.

        tensor: uint8 or float32 (N, side, side, 3), NHWC; digest: a hash of it.
        """
        key = disk.digest_of([self._base, "tensor", digest, disk.source_digest(ranking)])
        return self._kept(key, partial(self._computed_of, tensor))

    def scores_of(self, tensor: NDArray[np.generic]) -> NDArray[np.float32]:
        """Every score of rows as `answers_to` takes them, float32 (N, outputs): computed now, read and kept nowhere.

        Raises WorkerError.
        """
        return self._given(tensor)[0]

    def _kept(self, key: str, compute: Callable[[], BlockAnswers]) -> BlockAnswers:
        path = disk.home() / "results" / key[:2] / f"{key}.npz"
        known = None if self.settings.fresh else kept.read(path, key)
        if known is not None:
            return BlockAnswers.parse(known)
        self._reused = False
        answers = compute()
        kept.write(path, key, answers.write)
        return answers

    def assembled(
        self, material: Material, answers: Sequence[BlockAnswers], look_every: int = 0, drawn_by: tuple[str, ...] = ()
    ) -> tuple[Run, Predictions]:
        """The run that these answers make, those for each block of the material.

        look_every: see Run; drawn_by: by what its images were drawn, for its key.
        """
        known = {**identity(self.task, material), "look_every": look_every}
        images, label_map, facts = material.image_set.images, self.task.label_map, self.check()
        key = [self._base, known, label_map.to_json(), material.digest, [image.id for image in images], *drawn_by]
        counted = np.array([bool(image.classes) for image in images])
        answered = _Joined(answers, counted)
        classes = ranking.table([image.classes for image in material.image_set.counted])
        top1, top5 = ranking.correct(answered.indices, classes, label_map.first)
        predictions = Predictions(
            ids=tuple(image.id for image in material.image_set.counted),
            classes=classes[:, 0],
            indices=answered.indices,
            scores=answered.scores,
            top1=top1,
            top5=top5,
            first_scores=answered.first_scores,
            other_classes=classes[:, 1:] if classes.shape[1] > 1 else None,
        )
        seconds = float(sum(block.seconds for block in answers))
        run = Run(
            **known,
            key=disk.digest_of(key),
            n=len(top1),
            left_out=len(images) - len(top1),
            top1_correct=int(top1.sum()),
            top5_correct=int(top5.sum()),
            top1_ties=int(answered.tied_first.sum()),
            top5_ties=int(answered.tied_fifth.sum()),
            seconds=seconds,
            images_per_second=len(images) / seconds if seconds else 0.0,
            batch_size=self.settings.batch_size,
            reused=self._reused,
            arithmetic=self.settings.arithmetic,
            instruction_sets=machine.instruction_sets(),
            status="done",
            **{name: facts[name] for name in ("threads", "precision", "integer_sums", "kernels")},
        )
        return run, predictions

    def rest(self) -> None:
        """End the worker; the next missing answer starts another."""
        if self._lender is not None:
            self._lender.rest()
        self._stack.close()
        self._worker = None

    def _result_key(self, block: Block) -> str:
        decoded = pixels.block_key(self.task.recipe.geometry, block)
        first = FIRST if block.start == 0 else 0
        return disk.digest_of([self._base, decoded, first, disk.source_digest(ranking)])

    def _computed(self, block: Block) -> BlockAnswers:
        """Answers of the worker for pixels that were whole before it read them and untouched after.

        It maps them from the disk, in a process of its own: nothing else would tell that they changed in between.
        """
        stored = pixels.ready(self.task.recipe.geometry, block)
        before = _state(stored)
        scores, seconds = self._scores(stored, len(block.images))
        if _state(stored) != before:
            raise CacheError(f"{stored}: it was changed while a worker read it; run it again")
        first = scores[: FIRST if block.start == 0 else 0]
        return BlockAnswers(*ranking.rank(scores), first_scores=first, seconds=np.float64(seconds))

    def _computed_of(self, tensor: NDArray[np.generic]) -> BlockAnswers:
        scores, seconds = self._given(tensor)
        return BlockAnswers(*ranking.rank(scores), first_scores=scores[:FIRST], seconds=np.float64(seconds))

    def _given(self, tensor: NDArray[np.generic]) -> tuple[NDArray[np.float32], float]:
        with tempfile.TemporaryDirectory(prefix="zoo-tensor-") as folder:
            stored = Path(folder) / "rows.npy"
            np.save(stored, tensor, allow_pickle=False)
            return self._scores(stored, len(tensor))

    def _scores(self, stored: Path, count: int) -> tuple[NDArray[np.float32], float]:
        """float32 (count, outputs), and the seconds that the worker took."""
        worker, _ = self._started()
        with tempfile.TemporaryDirectory(prefix="zoo-scores-") as folder:
            out = Path(folder) / "scores.npy"
            reply = worker.request(
                "predict",
                store=str(stored),
                rows=[0, count],
                numeric=[step.to_json() for step in self.task.recipe.numeric.steps],
                out=str(out),
            )
            return np.load(out, allow_pickle=False), reply["seconds"]

    def _started(self) -> tuple[Worker, Handed]:
        """The worker, and the copies of the files that it has loaded."""
        if self._lender is not None:
            return self._lender._started()
        if self._worker is None:
            task = self.task
            files = self._stack.enter_context(handed(task.located))
            worker = environments.started(task.environment, limits=self.limits, names=files.names)
            self._worker = self._stack.enter_context(worker), files
            reply = self._worker[0].request("load", files=files.paths, options=self._options)
            self._facts = reply["info"]
        return self._worker


def options_of(task: Task, settings: Settings) -> dict[str, Any]:
    """How a worker is asked to load a task's files; the fields of contract.Options."""
    network = task.checkpoint.network
    return {
        "threads": settings.threads,
        "format": task.checkpoint.format,
        "batch_size": settings.batch_size,
        "precision": settings.precision,
        "arithmetic": settings.arithmetic,
        "network": network.to_json() if network else None,
        "extra": task.checkpoint.options,
    }


def _base_key(task: Task, options: dict[str, Any]) -> str:
    """Everything an answer depends on but the images."""
    environment = task.environment
    return disk.digest_of(
        {
            "checkpoint": [*zip(task.located.names, task.located.digests, strict=True)],
            "adapter": environment.framework.adapter_digest(),
            "versions": environment.versions,
            "environment": {**machine.variables(), **environment.framework.environment},
            "instruction_sets": machine.instruction_sets(),
            "options": options,
            "recipe": task.recipe.content(),
            "decoders": preprocess.versions(),
        }
    )


def _check_fit(task: Task, facts: dict[str, Any]) -> None:
    if facts["outputs"] != task.label_map.outputs:
        raise MisfitError(
            f"{task.checkpoint.id}: label map {task.label_map.id!r} expects {task.label_map.outputs} outputs, "
            f"the network has {facts['outputs']}; name the label map that fits in its checkpoint record"
        )
    side = task.recipe.geometry.side
    layout = task.recipe.numeric.steps[-1].to_json()["order"]
    given = [3, side, side] if layout == "nchw" else [side, side, 3]
    wanted = list(facts["input_shape"][1:])
    if len(wanted) != 3 or any(want not in (-1, have) for want, have in zip(wanted, given, strict=True)):
        raise MisfitError(
            f"{task.checkpoint.id}: recipe {task.recipe.id!r} gives {given} ({layout}), input "
            f"{facts['input_name']!r} expects {wanted}; choose a recipe of that size and layout"
        )


@dataclass(frozen=True)
class BlockAnswers:
    """Answers for one block of images, as kept on disk: see `ranking.Ranking`; seconds inside the worker."""

    indices: NDArray[np.int32]
    scores: NDArray[np.float32]
    tied_first: NDArray[np.bool_]
    tied_fifth: NDArray[np.bool_]
    first_scores: NDArray[np.float32]
    seconds: np.float64 = field(default_factory=lambda: np.float64(0))

    def write(self, out: BinaryIO) -> None:
        np.savez(out, allow_pickle=False, **{name: getattr(self, name) for name in self.__dataclass_fields__})

    @classmethod
    def parse(cls, data: bytes) -> BlockAnswers:
        """Inverse of `write`."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})


class _Joined:
    """Answers of all blocks as one, without those for images that are not counted.

    counted: bool (N,), of all images of the blocks. The arrays are those of `BlockAnswers`.
    """

    def __init__(self, answers: Sequence[BlockAnswers], counted: NDArray[np.bool_]) -> None:
        self.indices = np.concatenate([block.indices for block in answers])[counted]
        self.scores = np.concatenate([block.scores for block in answers])[counted]
        self.tied_first = np.concatenate([block.tied_first for block in answers])[counted]
        self.tied_fifth = np.concatenate([block.tied_fifth for block in answers])[counted]
        first_scores = np.concatenate([block.first_scores for block in answers])
        self.first_scores = first_scores[counted[: len(first_scores)]]


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _state(path: Path) -> tuple[int, ...] | None:
    """What the file system knows of a file, and changes with its content; None where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def identity(task: Task, material: Material) -> dict[str, Any]:
    """The fields of a Run that are known before it is made."""
    return {
        "checkpoint": task.checkpoint.id,
        "framework": task.environment.framework.name,
        "recipe": task.recipe.id,
        "geometry": task.recipe.geometry.id,
        "label_map": task.label_map.id,
        "image_set": material.image_set.name,
        "population": material.population,
        "population_id": material.population_id,
        "sha256": task.located.sha256,
        "hash_verified": task.located.verified,
        "weights": task.checkpoint.weights or task.located.sha256,
        "versions": task.environment.versions,
    }
