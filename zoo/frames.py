"""A run folder as pandas data frames, for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zoo.records import ACCURACIES, LabelMap, LatencyRun, Record, Round, Run, SampleRun, Verdict
from zoo.records.predictions import Predictions
from zoo.runs import medians
from zoo.runs.folder import RunFolder

_DTYPES = {str: "string", int: "int64", float: "float64", bool: "bool"}
_NULLABLE = {"int64": "Int64", "bool": "boolean"}  # in fields that may be None
_LEVELS = (0.9, 0.99)  # of latencies, beside p50
_CATEGORIES = ("checkpoint", "framework", "rule", "outcome", "status", "precision", "population")


@dataclass(frozen=True, kw_only=True)
class Frames:
    """What `zoo.load_run` returns. Accuracies are fractions, times seconds.

    runs: one row per run, the fields of `zoo.records.Run`, and `top1`, `top5` (estimated where a reference drew the
    images, so not the counts by `n`); indexed by `run`, its key.
    verdicts: one row per verdict, the fields of `zoo.records.Verdict`.
    samples: one row per sample answer that was looked at, the fields of `zoo.records.SampleRun`, then `subject`, as
    verdicts name it.
    predictions: one row per run and image: `run`, `checkpoint`, `framework`, `image`, `label` (the true class, the
    lowest where several are right), `predicted`, `score`, `top1`, `top5`, then `class_1` to `class_5` and `score_1` to
    `score_5`, best first. Classes are numbered from 0 in every framework; an output that is no class is missing
    (`<NA>`).
    latencies: one row per cell of a bench, the fields of `zoo.records.LatencyRun` but quantiles and rounds, then
    `subject`, as verdicts name it, and `p50`, `p50_low`, `p50_high` and so on for p90 and p99, missing where they were
    not measured; indexed by `run`, its key.
    rounds: one row per round of a cell: `run`, `subject`, then the fields of `zoo.records.Round`.
    """

    runs: pd.DataFrame
    samples: pd.DataFrame
    predictions: pd.DataFrame
    verdicts: pd.DataFrame
    latencies: pd.DataFrame
    rounds: pd.DataFrame


def load_run(path: str | Path) -> Frames:
    """Read a run folder; raises RunFolderError if it is none."""
    folder = RunFolder(Path(path))
    report, label_maps = folder.report(), {each.id: each for each in folder.documents().label_maps}
    runs = _of_records(Run, report.runs).rename(columns={"key": "run"}).set_index("run")
    for metric in ACCURACIES:
        runs[metric] = [run.accuracy(metric) if run.n else np.nan for run in report.runs]
    parts = [
        _of_answers(run, answers, label_maps[run.label_map])
        for run in report.runs
        if (answers := folder.predictions(run)) is not None
    ]
    empty = [] if parts else [_of_answers(None, _no_answers(), None)]
    predictions = pd.concat([*parts, *empty], ignore_index=True)
    for name in ("run", "checkpoint", "framework"):
        predictions[name] = predictions[name].astype("category")
    return Frames(
        runs=runs,
        samples=_with_subject(SampleRun, report.samples),
        predictions=predictions,
        verdicts=_of_records(Verdict, report.verdicts),
        latencies=_of_latencies(report.latencies),
        rounds=_of_rounds(report.latencies),
    )


def _of_latencies(latencies: Sequence[LatencyRun]) -> pd.DataFrame:
    frame = _with_subject(LatencyRun, latencies).drop(columns=["quantiles", "rounds"])
    for name in ("p50", "p50_low", "p50_high"):
        frame[name] = pd.Series([medians.columns(run)[name] for run in latencies], dtype="float64")
    for level in _LEVELS:
        quantiles = [run.quantile(level) for run in latencies]
        for suffix, field in (("", "value"), ("_low", "low"), ("_high", "high")):
            values = [getattr(quantile, field) if quantile else None for quantile in quantiles]
            frame[f"p{level * 100:g}{suffix}"] = pd.Series(values, dtype="float64")
    return frame.rename(columns={"key": "run"}).set_index("run")


def _of_rounds(latencies: Sequence[LatencyRun]) -> pd.DataFrame:
    owners = [run for run in latencies for _ in run.rounds]
    frame = _of_records(Round, [each for run in latencies for each in run.rounds])
    frame.insert(0, "run", pd.Series([run.key for run in owners], dtype="string"))
    frame.insert(1, "subject", pd.Series([run.subject for run in owners], dtype="string"))
    return frame


def _with_subject(model: type[Record], runs: Sequence[LatencyRun | SampleRun]) -> pd.DataFrame:
    frame = _of_records(model, runs)
    frame["subject"] = pd.Series([run.subject for run in runs], dtype="string")
    return frame


def _of_records(model: type[Record], records: Sequence[Record]) -> pd.DataFrame:
    """A column per field in its own type; nested fields stay dicts and tuples."""
    columns = {}
    for name, field in model.model_fields.items():
        values = [getattr(record, name) for record in records]
        columns[name] = pd.Series(values, dtype="category" if name in _CATEGORIES else _dtype(field.annotation))
    return pd.DataFrame(columns)


def _dtype(annotation: Any) -> str:
    """The dtype of a field that holds one value or None; a nested field stays an object."""
    if annotation in _DTYPES:
        return _DTYPES[annotation]
    inner = [each for each in getattr(annotation, "__args__", ()) if each is not type(None)]
    plain = _DTYPES.get(inner[0], "object") if len(inner) == 1 else "object"
    return _NULLABLE.get(plain, plain)


def _of_answers(run: Run | None, answers: Predictions, label_map: LabelMap | None) -> pd.DataFrame:
    classes = answers.indices.astype(np.int64) - (label_map.first if label_map else 0)
    outside = (classes < 0) | (classes >= (label_map.classes if label_map else 0))
    columns: dict[str, Any] = {
        "run": run.key if run else "",
        "checkpoint": run.checkpoint if run else "",
        "framework": run.framework if run else "",
        "image": pd.array(list(answers.ids), dtype="string"),
        "label": answers.classes,
        "predicted": pd.arrays.IntegerArray(classes[:, 0].copy(), outside[:, 0].copy()),
        "score": answers.scores[:, 0],
        "top1": answers.top1,
        "top5": answers.top5,
    }
    for rank in range(classes.shape[1]):
        columns[f"class_{rank + 1}"] = pd.arrays.IntegerArray(classes[:, rank].copy(), outside[:, rank].copy())
    for rank in range(classes.shape[1]):
        columns[f"score_{rank + 1}"] = answers.scores[:, rank]
    return pd.DataFrame(columns)


def _no_answers() -> Predictions:
    """Answers of no images, with the right dtypes."""
    nothing = np.zeros(0, dtype=np.bool_)
    return Predictions(
        ids=(),
        classes=np.zeros(0, dtype=np.int64),
        indices=np.zeros((0, 5), dtype=np.int32),
        scores=np.zeros((0, 5), dtype=np.float32),
        top1=nothing,
        top5=nothing,
        first_scores=np.zeros((0, 0), dtype=np.float32),
    )
