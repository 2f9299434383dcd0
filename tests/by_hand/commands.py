"""The program as a user runs it, on a little zoo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from zoo.records import Report


def zoo(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """`zoo ARGUMENTS` as a user runs it."""
    command = [sys.executable, "-m", "zoo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def report_of(out: Path) -> Report:
    return Report.from_json(json.loads((out / "report.json").read_text(encoding="utf-8")))
