"""report.json is what its published schema says, and the schema is what the records say.

`python -m tests.report.test_schema` writes the schema anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.by_hand.built import REPOSITORY
from tests.by_hand.commands import zoo
from tests.by_hand.records import a_mixed_report, a_report
from zoo.records import FORMAT, Part, Report

PUBLISHED = REPOSITORY / "zoo" / "report" / "report.schema.json"


def made() -> str:
    """The schema of the records as text, a key per line: JSON Schema, draft 2020-12."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"report.json of a run folder, format {FORMAT}",
    }
    return json.dumps({**Report.model_json_schema(by_alias=True), **head}, indent=1, sort_keys=True) + "\n"


def validate(data: Any) -> None:
    known = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(known)
    jsonschema.Draft202012Validator(known).validate(data)


def test_schema_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == made()


@pytest.mark.parametrize("report", [a_report(), a_mixed_report()[0], a_report([], [])])
def test_rendered_reports_are_valid(report: Report) -> None:
    part = Part(folder="one", conditions=report.conditions, runs=("1f",))
    for each in (report, report.changed(parts=(part,))):
        validate(each.to_json())


def test_a_real_report_is_valid(folder: Path, out: Path) -> None:
    assert zoo("validate", "--zoo", folder, "--out", out).returncode == 0
    validate(json.loads((out / "report.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("place", "value"), [("format", 3), ("runs", [{}]), ("verdicts", [{"rule": "A1"}]), ("more", 1), ("conditions", {})]
)
def test_anything_else_is_not(place: str, value: object) -> None:
    data = {**a_report().to_json(), place: value}
    with pytest.raises(jsonschema.ValidationError):
        validate(data)


if __name__ == "__main__":
    PUBLISHED.write_text(made(), encoding="utf-8")
