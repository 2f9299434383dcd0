"""Whole texts, compared as they are.

`python -m tests.report.test_golden` writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tests.by_hand.built import REPOSITORY
from tests.by_hand.latencies import a_bench
from tests.by_hand.records import a_mixed_report
from zoo.records import Claim, Report
from zoo.report import render_all, terminal

GOLDEN = REPOSITORY / "tests" / "data" / "report"
REPORTS = {".": a_mixed_report, "bench": a_bench}  # folder -> what is rendered into it
NAMES = ("report.md", "verdicts.csv", "junit.xml", "terminal.txt")
FILES = [*((".", name) for name in (*NAMES, "runs.csv")), *(("bench", name) for name in (*NAMES, "latency.csv"))]


def _texts(folder: str) -> dict[str, str]:
    report, claims = REPORTS[folder]()
    return {"report.json": _as_json(report), **render_all(report, claims), "terminal.txt": _shown(report, claims)}


def _as_json(report: Report) -> str:
    return report.model_dump_json(indent=1, by_alias=True) + "\n"


def _shown(report: Report, claims: list[Claim]) -> str:
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(terminal.table(report, claims))
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return "\n".join([*lines, terminal.summary(report), ""])


@pytest.mark.parametrize(("folder", "name"), FILES)
def test_text_is_as_agreed(folder: str, name: str) -> None:
    assert _texts(folder)[name] == (GOLDEN / folder / name).read_bytes().decode()


@pytest.mark.parametrize("folder", REPORTS)
def test_rendering_twice_gives_the_same(folder: str) -> None:
    assert _texts(folder) == _texts(folder)


@pytest.mark.parametrize("folder", REPORTS)
def test_json_round_trip(folder: str) -> None:
    report, _ = REPORTS[folder]()
    assert Report.model_validate_json(_as_json(report)) == report


if __name__ == "__main__":
    for folder, name in FILES:
        (GOLDEN / folder).mkdir(exist_ok=True)
        (GOLDEN / folder / name).write_bytes(_texts(folder)[name].encode())
