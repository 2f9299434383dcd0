"""report.json is what its published schema says, and the schema is what the records say.

`python -m tests.report.test_schema` writes the schema anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import zoo
from tests.by_hand.records import a_mixed_report, a_report
from zoo.records import Part, Report
from zoo.report import schema


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    return little_zoo.make(tmp_path / "little")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


__all__ = ["folder", "out"]


def validate(data: Any) -> None:
    known = json.loads(schema.FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(known)
    jsonschema.Draft202012Validator(known).validate(data)


def test_schema_is_current() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.schema()


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
    schema.FILE.write_text(schema.schema(), encoding="utf-8")
