"""Runs, latencies and verdicts as CSV, for a notebook."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zoo.records import ACCURACIES, LatencyRun, Record, Report, Run
from zoo.report import text
from zoo.report.drawn_rows import images_saved
from zoo.rules.latency.efficiency import efficiency, probe
from zoo.rules.pairs.pairing import Pair
from zoo.runs import medians

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_OF_ROUNDS = ("rounds", "probe_gflops", "gflops_per_core", "of_probe")


def latency_csv(report: Report) -> str:
    """One line per latency run, times in seconds; of the rounds what they amount to (report.json has each of them).

    p50, p50_low, p50_high and so on: averaged over the processes, with the interval. gflops_per_core: achieved;
    probe_gflops: the machine's, a core; of_probe: the one by the other, empty above 1.
    """
    fields = [name for name in LatencyRun.model_fields if name not in ("quantiles", "rounds")]
    place = fields.index("images_per_second")
    quantiles = [f"{name}{end}" for name in _QUANTILES for end in ("", "_low", "_high")]
    columns = [*fields[:place], *quantiles, *fields[place:], *_OF_ROUNDS]
    lines = [
        {**run.to_json(), **_quantiles(run), **dict(zip(_OF_ROUNDS, _of_rounds(run), strict=True))}
        for run in report.latencies
    ]
    return _csv(columns, lines)


def _quantiles(run: LatencyRun) -> dict[str, float | None]:
    quantiles = {name: each for name, level in _QUANTILES.items() if (each := run.quantile(level))}
    shown = {
        f"{name}{end}": value
        for name, each in quantiles.items()
        for end, value in (("", each.value), ("_low", each.low), ("_high", each.high))
    }
    return shown | medians.columns(run)


def _of_rounds(run: LatencyRun) -> tuple[float | None, ...]:
    if not run.rounds:
        return (None,) * len(_OF_ROUNDS)
    return (len(run.rounds), probe(run) or None, *(efficiency(run) or (None, None)))


def discordant_csv(pairs: Sequence[Pair]) -> str:
    """One line per image that only one of two compared runs got right."""
    heads = ("kind", "metric", "image", "right", "right_recipe", "wrong", "wrong_recipe")
    lines = []
    for pair in pairs:
        sides = ((pair.first, pair.second, pair.only_first), (pair.second, pair.first, pair.only_second))
        for right, wrong, names in sides:
            runs = (right.subject, right.recipe, wrong.subject, wrong.recipe)
            lines += [dict(zip(heads, (pair.kind, pair.metric, name, *runs), strict=True)) for name in names]
    return _csv(heads, lines)


def runs_csv(report: Report) -> str:
    """One line per run: its fields, then its accuracies, and what its images were drawn by in columns of their own.

    top1, top5: fractions, estimated where `estimated` says so: counts by n are no accuracy of images that a reference
    drew. images_saved: as `drawn_rows.images_saved`.
    """
    drawn = [f"drawn_{name}" for name in ("reference", "sha256", "kinship", "rule", "seed")]
    columns = [
        *(name for name in Run.model_fields if name != "drawn"),
        *ACCURACIES,
        "estimated",
        *drawn,
        "images_saved",
    ]
    return _csv(columns, [{**run.to_json(), **_accuracies(run), **_drawn(run, report)} for run in report.runs])


def _accuracies(run: Run) -> dict[str, Any]:
    return {**{metric: run.accuracy(metric) if run.n else None for metric in ACCURACIES}, "estimated": run.is_estimated}


def _drawn(run: Run, report: Report) -> dict[str, Any]:
    if run.drawn is None:
        return {}
    saved = images_saved(run, report.verdicts) if run.is_estimated else None
    return {**{f"drawn_{name}": value for name, value in run.drawn.to_json().items()}, "images_saved": saved}


def csv_of(kind: type[Record], records: Sequence[Record]) -> str:
    """Columns in the order of the record's fields; nothing is an empty cell, a nested field is JSON text."""
    return _csv(tuple(kind.model_fields), [record.to_json() for record in records])


def _csv(columns: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(line.get(name)) for name in columns] for line in lines)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if value == []:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text.clean(value) if isinstance(value, str) else value
