"""Whole texts, compared as they are.

`python tests/test_report_golden.py` writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from records_by_hand import a_mixed_report
from rich.console import Console

from zoo.records import Report
from zoo.report import render_all, terminal

GOLDEN = Path(__file__).parent / "data" / "report"
NAMES = ("report.md", "verdicts.csv", "runs.csv", "junit.xml", "terminal.txt")


def _texts() -> dict[str, str]:
    report, claims = a_mixed_report()
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(terminal.table(report, claims))
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    shown = "\n".join([*lines, terminal.summary(report), ""])
    return {**render_all(report, claims), "terminal.txt": shown}


@pytest.mark.parametrize("name", NAMES)
def test_text_is_as_agreed(name: str) -> None:
    assert _texts()[name] == (GOLDEN / name).read_bytes().decode()


def test_rendering_twice_gives_the_same() -> None:
    assert _texts() == _texts()


def test_json_round_trip() -> None:
    report, claims = a_mixed_report()
    assert Report.model_validate_json(render_all(report, claims)["report.json"]) == report


if __name__ == "__main__":
    for name in NAMES:
        (GOLDEN / name).write_bytes(_texts()[name].encode())
