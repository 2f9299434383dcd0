"""Run folders written by hand: answers, documents and reports that fit together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.by_hand.records import a_report, a_run
from zoo.jobs import judging
from zoo.records import LabelMap, LatencyRun, Run, SampleRun, Stage, Verdict
from zoo.records.predictions import Predictions
from zoo.records.reports import Documents
from zoo.runs.folder import RunFolder

ANIMALS = LabelMap(id="animals", outputs=6, classes=6, first=0, names=("ant", "bear", "cat", "dog", "eel", "fox"))
SHIFTED = LabelMap(id="shifted", outputs=7, classes=6, first=1, names=ANIMALS.names)


def answers(labels: list[int], classes: list[int], first: int = 0) -> Predictions:
    """Best classes for images 0.png, 1.png and so on; the other four ranks follow in order."""
    ranked = np.array([[(label + rank) % 6 for rank in range(5)] for label in labels], dtype=np.int32)
    truth = np.array(classes, dtype=np.int64)
    return Predictions(
        ids=tuple(f"{number}.png" for number in range(len(labels))),
        classes=truth,
        indices=ranked + first,
        scores=np.tile(np.array([5, 4, 3, 2, 1], dtype=np.float32), (len(labels), 1)),
        top1=ranked[:, 0] == truth,
        top5=(ranked == truth[:, None]).any(axis=1),
        first_scores=np.eye(len(labels), 6 + first, dtype=np.float32),
    )


def run_with(found: Predictions, **changes: Any) -> Run:
    """A run with these answers."""
    counts = {
        "n": len(found.ids),
        "top1_correct": int(found.top1.sum()),
        "top5_correct": int(found.top5.sum()),
        "label_map": ANIMALS.id,
        "population": "other",
    }
    return a_run(**{**counts, **changes})


def write(
    path: Path,
    runs: Sequence[tuple[Run, Predictions | None]],
    verdicts: list[Verdict] | None = None,
    documents: dict[str, Any] | None = None,
    latencies: Sequence[LatencyRun] = (),
    stages: Sequence[Stage] = (),
    samples: Sequence[SampleRun] = (),
    **conditions: Any,
) -> RunFolder:
    """A run folder at `path`; changes of the conditions by name."""
    folder = RunFolder(path)
    for run, found in runs:
        if found is not None:
            folder.write_predictions(run, found)
    parts: dict[str, Any] = {"checkpoints": (), "claims": (), "populations": (), "label_maps": (ANIMALS, SHIFTED)}
    made = a_report([run for run, _ in runs], verdicts or [], population="other", **conditions)
    made = made.changed(latencies=tuple(latencies), stages=tuple(stages), samples=tuple(samples))
    judging.write(folder, made, Documents(**{**parts, **(documents or {})}))
    return folder
