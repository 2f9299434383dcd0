"""The main job on what comes with the suite: every framework, one table, the same labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.by_hand.built import built
from tests.by_hand.commands import zoo
from zoo.frameworks.table import public_frameworks
from zoo.records import Report


def report_of(out: Path, *arguments: object) -> tuple[Report, str]:
    """Report and printed text of a validation that must succeed."""
    done = zoo("validate", "--out", out, *arguments, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return Report.from_json(json.loads((out / "report.json").read_text())), done.stdout


@pytest.mark.slow
def test_all_frameworks_confirm_the_documented_table(embedded_run: tuple[Path, str]) -> None:
    folder, printed = embedded_run
    report = Report.from_json(json.loads((folder / "report.json").read_text()))
    assert {run.framework for run in report.runs} == {entry.name for entry in public_frameworks()}
    accuracy = [verdict for verdict in report.verdicts if verdict.rule in ("A101", "A102")]
    assert len(accuracy) == 2 * len(report.runs)
    assert {verdict.outcome for verdict in accuracy} == {"confirmed"}
    agreement = [verdict for verdict in report.verdicts if verdict.rule in ("X101", "X102")]
    assert len(agreement) == 2 * (len(report.runs) - 1)
    assert {verdict.outcome for verdict in agreement} == {"pass"}
    assert {(run.precision, run.population) for run in report.runs} == {("fp32", "full")}
    assert len({run.threads for run in report.runs}) == 1
    assert max(len(line) for line in printed.splitlines() if "embedded/" in line) <= 100


@pytest.mark.slow
def test_openvino_gives_a_second_opinion(tmp_path: Path, own_home: Path) -> None:
    built("openvino")
    report, _ = report_of(tmp_path / "run", "--frameworks", "onnxruntime,openvino")
    found = {(run.checkpoint, run.framework) for run in report.runs}
    assert {("embedded/onnx", "onnxruntime"), ("embedded/onnx", "openvino")} <= found
    assert {"embedded/frozen_graph", "embedded/tflite", "embedded/openvino_ir"} <= {name for name, _ in found}
