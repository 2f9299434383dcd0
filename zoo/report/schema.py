"""The JSON schema of report.json, made from the records; report.schema.json beside this file is its published form."""

from __future__ import annotations

import json
from pathlib import Path

from zoo.records import FORMAT, Report

FILE = Path(__file__).with_name("report.schema.json")


def schema() -> str:
    """As text, a key per line: JSON Schema, draft 2020-12."""
    made = Report.model_json_schema(by_alias=True)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"report.json of a run folder, format {FORMAT}",
    }
    return json.dumps({**made, **head}, indent=1, sort_keys=True) + "\n"
