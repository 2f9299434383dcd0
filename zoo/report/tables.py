"""Runs and verdicts as CSV, for a notebook."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from zoo.records import Record, Report, Run, Verdict
from zoo.report import text
from zoo.rules.pairs import Pair


def runs_csv(report: Report) -> str:
    """One line per run."""
    return csv_of(Run, report.runs)


def verdicts_csv(report: Report) -> str:
    """One line per verdict."""
    return csv_of(Verdict, report.verdicts)


def discordant_csv(pairs: Sequence[Pair]) -> str:
    """One line per image that only one of two compared runs got right."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("kind", "metric", "image", "right", "right_recipe", "wrong", "wrong_recipe"))
    for pair in pairs:
        sides = ((pair.first, pair.second, pair.only_first), (pair.second, pair.first, pair.only_second))
        for right, wrong, names in sides:
            runs = [text.clean(word) for run in (right, wrong) for word in (run.subject, run.recipe)]
            writer.writerows((pair.kind, pair.metric, text.clean(name), *runs) for name in names)
    return stream.getvalue()


def csv_of(kind: type[Record], records: Sequence[Record]) -> str:
    """Columns in the order of the record's fields; nothing is an empty cell, a nested field is JSON text."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(kind.model_fields), lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: _cell(value) for name, value in record.to_json().items()})
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if value == []:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text.clean(value) if isinstance(value, str) else value
