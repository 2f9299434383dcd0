"""The program as a user runs it, on a little zoo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from zoo.jobs.request import Request
from zoo.jobs.validate import Validation
from zoo.progress import Talk
from zoo.records import Report
from zoo.runs.folder import RunFolder


def zoo(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """`zoo ARGUMENTS` as a user runs it."""
    command = [sys.executable, "-m", "zoo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def validated(zoo: Path, out: Path, **request: Any) -> Report:
    """The main job in this process, with one thread and one worker, on a zoo with its own images."""
    asked = Request(zoo=str(zoo), **{"threads": 1, "jobs": 1, **request})
    return Validation(asked, RunFolder(out), Talk(quiet=True)).execute()[0]


def report_of(out: Path) -> Report:
    return Report.from_json(json.loads((out / "report.json").read_text(encoding="utf-8")))
