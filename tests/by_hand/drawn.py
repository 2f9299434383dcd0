"""Made-up populations: what a reference answered on all images, and runs whose images were drawn by that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.by_hand import folders
from tests.by_hand.records import a_run
from zoo import drawing
from zoo.jobs import judging
from zoo.records import Checkpoint, Drawn, DrawRule, File, Kinship, LabelMap, Population, Run
from zoo.records.predictions import Predictions
from zoo.records.references import Reference, steps
from zoo.rules.base import Evidence
from zoo.runs.folder import RunFolder
from zoo.stats.weighted import Bets

CLASSES = 20
LABEL_MAP = LabelMap(id="twenty", outputs=CLASSES, classes=CLASSES, first=0, names=tuple(f"c{n}" for n in range(20)))
SEED = 3
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """A population of images in the order of their names, and what one network answered on each.

    margins: signed, in nats, (N,): above 0 where it is right; labels: int64 (N,).
    """

    margins: NDArray[np.float64]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, images: int = 4000, accuracy: float = 0.7, seed: int = 0) -> World:
        random = np.random.default_rng(seed)
        margins = random.normal(2.0, 3.0, images)
        return cls(margins - np.quantile(margins, 1 - accuracy), random.integers(0, CLASSES, images))

    @property
    def images(self) -> int:
        return len(self.margins)

    @property
    def population(self) -> Population:
        return Population(id="made_up", title="the made-up images", images=self.images, digest="ef" * 32)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"x{number:05d}.jpg" for number in range(self.images))

    @property
    def right(self) -> Bools:
        """Which images the first network has right."""
        return self.margins > 0

    def relative(self, scale: float = 0.5, seed: int = 1, bias: float = 0.0) -> Bools:
        """Which images a relative has right: the margins moved by some noise, and by the bias, both in nats."""
        return self.margins + np.random.default_rng(seed).normal(bias, scale, self.images) > 0

    @property
    def reference(self) -> Reference:
        right = self.right
        return Reference(
            subject="zoo/original@torch", run="aa" * 32, sha256="ab" * 32, population="made_up",
            labels_digest="cd" * 32, stems=tuple(name.removesuffix(".jpg") for name in self.names),
            answers=self.given(right)[:, 0].astype(np.int32), margins=steps(np.abs(self.margins)),
            ranks=np.where(right, 1, 2).astype(np.uint8),
        )  # fmt: skip

    def given(self, right: Bools) -> NDArray[np.int64]:
        """The five best classes, int64 (N, 5): the label first, or second behind any other one where it is wrong."""
        others = self.labels[:, None] + np.random.default_rng(9).permuted(
            np.tile(np.arange(1, 20), (self.images, 1)), axis=1
        )
        own = np.where(right[:, None], np.array([0, 1]), np.array([1, 0]))
        first = np.where(own == 0, self.labels[:, None], others[:, :1])
        return np.concatenate([first, others[:, 1:4]], axis=1) % CLASSES

    def answers(self, right: Bools, rows: Sequence[int] | NDArray[np.int64] | None = None) -> Predictions:
        """Of a network that has these images right, (N,), for the images of some rows."""
        chosen = np.arange(self.images) if rows is None else np.asarray(rows)
        given, names = self.given(right)[chosen], self.names
        return Predictions(
            ids=tuple(names[row] for row in chosen), classes=self.labels[chosen], indices=given.astype(np.int32),
            scores=np.tile(np.array([5, 3, 2, 1, 0], np.float32), (len(chosen), 1)), top1=right[chosen],
            top5=np.ones(len(chosen), bool), first_scores=np.zeros((0, CLASSES), np.float32),
        )  # fmt: skip

    def full(self, right: Bools, **changes: Any) -> tuple[Run, Predictions]:
        """A run on all images."""
        return _run(self.answers(right), {"population": "full", **changes})

    def uniform(self, right: Bools, n: int, **changes: Any) -> tuple[Run, Predictions]:
        """A run on n images that were equally likely."""
        rows = drawing.order(self.reference.stems, np.ones(self.images), SEED)[:n]
        return _run(self.answers(right, rows), {"look_every": 128, **changes})

    def drawn(
        self, right: Bools, n: int, reference: Reference, kinship: Kinship = "converted from", seed: int = SEED,
        **changes: Any,
    ) -> tuple[Run, Predictions]:  # fmt: skip
        """A run on the first n images of a draw by the reference, looked at after every 128."""
        rule = drawing.rule_for(kinship)
        rows = drawing.drawn_rows(reference, rule, seed)
        found = self.answers(right, rows[:n])
        drawn = Drawn(
            reference=reference.subject, run=reference.run, sha256=reference.digest, kinship=kinship, rule=rule,
            seed=seed, **{name: estimate(reference, rule, seed, found, name) for name in ("top1", "top5")},
        )  # fmt: skip
        return _run(found, {"look_every": 128, "drawn": drawn, **changes})


def estimate(reference: Reference, rule: DrawRule, seed: int, found: Predictions, metric: str) -> float:
    """Of an accuracy, as the run that looks at these images says it."""
    bets = Bets(drawing.draw(reference, drawing.drawn_rows(reference, rule, seed), rule, metric), [(0.0, "more")])
    bets.add(found.correct(metric))
    return bets.estimate / len(reference.stems)


def checkpoint(name: str, **changes: Any) -> Checkpoint:
    fields = {"framework": "onnxruntime", "format": "onnx", "recipe": "embedded_110_96", "label_map": LABEL_MAP.id}
    return Checkpoint(**{"id": name, "files": (File(name="a.onnx"),), **fields, **changes})


CHECKPOINTS = (checkpoint("zoo/original"), checkpoint("zoo/int8", converted_from="zoo/original"), checkpoint("zoo/b"))


def evidence(
    world: World, runs: Sequence[tuple[Run, Predictions | None]], drawn_by: Sequence[Reference] = (), **changes: Any
) -> Evidence:
    """Everything that is judged of these runs. drawn_by: references of them."""
    kept: Mapping[str, Predictions | None] = {run.key: found for run, found in runs}
    known = {each.digest: each for each in drawn_by}
    given: dict[str, Any] = {
        "runs": [run for run, _ in runs],
        "checkpoints": {each.id: each for each in CHECKPOINTS},
        "populations": {"made_up": world.population},
        "label_maps": {LABEL_MAP.id: LABEL_MAP},
        "answers": lambda run: kept[run.key],
        "references": lambda run: known.get(run.drawn.sha256) if run.drawn else None,
        "tolerance": 0.001,
    }
    return Evidence(**(given | changes))


def folder(
    path: Path, world: World, runs: Sequence[tuple[Run, Predictions]], drawn_by: Sequence[Reference], **documents: Any
) -> RunFolder:
    """A run folder of these runs, judged by today's rules."""
    made = RunFolder(path)
    for each in drawn_by:
        made.write_reference(each)
    known = {"label_maps": (LABEL_MAP,), "populations": (world.population,), "checkpoints": CHECKPOINTS, **documents}
    written = folders.write(path, runs, documents=known)
    judging.write(written, judging.judged(written.report(), written.documents(), written), written.documents())
    return made


def _run(found: Predictions, fields: dict[str, Any]) -> tuple[Run, Predictions]:
    counts = {"n": len(found.ids), "top1_correct": int(found.top1.sum()), "top5_correct": int(found.top5.sum())}
    made = {
        "checkpoint": "zoo/original", "population": "random_sample", "population_id": "made_up",
        "image_set": "made_up", "label_map": LABEL_MAP.id, "weights": "w", **counts, **fields,
    }  # fmt: skip
    return a_run(**made), found
