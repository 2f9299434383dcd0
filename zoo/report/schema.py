"""The JSON schema of report.json, made from the records; report.schema.json beside this file is its published form."""

from __future__ import annotations

import json
from importlib import resources

from zoo.records import FORMAT, Report

FILE = "report.schema.json"


def schema() -> str:
    """As text, a key per line: JSON Schema, draft 2020-12."""
    made = Report.model_json_schema(by_alias=True)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"report.json of a run folder, format {FORMAT}",
    }
    return json.dumps({**made, **head}, indent=1, sort_keys=True) + "\n"


def published() -> str:
    """The file that comes with the package."""
    return resources.files("zoo.report").joinpath(FILE).read_text(encoding="utf-8")
