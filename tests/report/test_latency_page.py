"""docs/latency.md says what the code does, and its workflow is one."""

from __future__ import annotations

import math
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.by_hand.built import REPOSITORY
from zoo.measure import speed
from zoo.rules.judge import LATENCY_RULES
from zoo.rules.latency import stability
from zoo.rules.latency.quotable import FEWEST_IMAGES
from zoo.stats import intervals, levels

PAGE = (REPOSITORY / "docs" / "latency.md").read_text(encoding="utf-8")


def workflow() -> dict[Any, Any]:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    found: dict[Any, Any] = yaml.safe_load(text)
    return found


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workflow()["jobs"]["bench"]["steps"]
    return found


def test_every_rule_has_its_row() -> None:
    rows = re.findall(r"^\| (L\d{3}) \|", PAGE, re.MULTILINE)
    assert rows == [rule.id for rule in LATENCY_RULES]


def test_limits_are_those_of_the_rules() -> None:
    assert (stability.LARGEST_SPREAD, stability.LARGEST_DRIFT, FEWEST_IMAGES) == (0.1, 0.1, 64)
    assert "at most 10 % of p50 wide" in PAGE
    assert "less than 10 % apart" in PAGE
    assert "on 64 images at least" in PAGE
    assert (speed.PROCESSES, levels.TRIM, stability.FEWEST_CALLS) == (8, 1 / 8, 7)
    assert "timed in eight **rounds**" in PAGE
    assert "medians of the eight processes" in " ".join(PAGE.split())
    assert "seven calls in every round are the least" in PAGE
    assert math.factorial(7) <= intervals.SHUFFLES == 9999 < math.factorial(8)
    assert "up to seven variants, else over 9,999" in " ".join(PAGE.split())


def test_the_workflow_restores_what_it_saved() -> None:
    used = {step["uses"].partition("@")[0]: step["with"] for step in steps() if "with" in step}
    restored, saved = used["actions/cache/restore"], used["actions/cache/save"]
    assert (restored["path"], restored["key"]) == (saved["path"], saved["key"])
    assert saved["key"].startswith(restored["restore-keys"])
    (bench,) = [step["run"] for step in steps() if "zoo bench" in step.get("run", "")]
    assert f"--baseline {saved['path']}" in bench
    assert f"--out {used['actions/upload-artifact']['path']}" in bench


def test_the_workflow_runs_on_main_and_on_pull_requests() -> None:
    found = workflow()
    triggers = found["on"] if "on" in found else found[True]  # YAML 1.1 reads the key `on` as true
    assert set(triggers) == {"push", "pull_request"}
    assert [step["if"] for step in steps() if "if" in step] == ["always()", *["github.ref == 'refs/heads/main'"] * 2]


def test_scripts_of_the_workflow_are_bash(tmp_path: Path) -> None:
    scripts = [step["run"] for step in steps() if "run" in step]
    for script in scripts:
        subprocess.run(["bash", "-n", "-c", script], check=True)
    output = tmp_path / "output"
    subprocess.run(
        ["bash", "-e", "-c", scripts[0]], check=True, env={"GITHUB_OUTPUT": str(output), "PATH": "/usr/bin:/bin"}
    )
    assert re.fullmatch(r"processor=[A-Za-z0-9-]*\n", output.read_text())


@pytest.mark.parametrize(("baseline", "said"), [(True, "--baseline baseline --out bench"), (False, "1 --out bench")])
def test_without_a_baseline_none_is_given(tmp_path: Path, baseline: bool, said: str) -> None:
    (script,) = [step["run"] for step in steps() if "zoo bench" in step.get("run", "")]
    if baseline:
        (tmp_path / "baseline").mkdir()
        (tmp_path / "baseline" / "report.json").write_text("{}")
    script = f'zoo() {{ echo "$@"; }}\n{script}'
    done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert said in done.stdout
