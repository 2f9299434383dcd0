"""Several run folders as one report: every run once, and each folder's conditions."""

from __future__ import annotations

import json
from pathlib import Path

import folders_by_hand
import pytest
from folders_by_hand import answers, run_with
from records_by_hand import a_run
from test_validate import zoo

from zoo.errors import UsageError
from zoo.merge import merged
from zoo.records import Report
from zoo.runfolder import RunFolder

FOUND = answers([0, 1, 2], [0, 1, 3])


def folder(path: Path, *names: str, **conditions: object) -> RunFolder:
    runs = [(run_with(FOUND, checkpoint=name, key=name.encode().hex() * 4), FOUND) for name in names]
    return folders_by_hand.write(path, list(runs), **conditions)


def test_runs_of_all_folders_once(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", "a/1", "a/2", created="2025-03-01T12:00:00Z", platform="here")
    two = folder(tmp_path / "two", "a/2", "a/3", created="2025-03-02T12:00:00Z", platform="there")
    found = merged([two, one])
    conditions, runs, documents, parts = found.conditions, found.runs, found.documents, found.parts
    assert [run.checkpoint for run in runs] == ["a/1", "a/2", "a/3"]
    assert conditions.platform == "there"
    assert [(part.folder, part.conditions.platform, len(part.runs)) for part in parts] == [
        ("one", "here", 1),
        ("two", "there", 2),
    ]
    assert [label_map.id for label_map in documents.label_maps] == ["animals", "shifted"]


def test_a_failed_run_gives_way_to_a_finished_one(tmp_path: Path) -> None:
    done = run_with(FOUND)
    failed = a_run(key="", status="failed", error="it died")
    other = a_run(key="", status="failed", error="it died", checkpoint="other/one")
    folders_by_hand.write(tmp_path / "one", [(done, FOUND)], created="2025-03-01T12:00:00Z")
    folders_by_hand.write(tmp_path / "two", [(failed, None), (other, None)], created="2025-03-02T12:00:00Z")
    runs = merged([RunFolder(tmp_path / name) for name in ("one", "two")]).runs
    assert [(run.checkpoint, run.status) for run in runs] == [("embedded/onnx", "done"), ("other/one", "failed")]


def test_other_tolerances_are_refused(tmp_path: Path) -> None:
    folders = [folder(tmp_path / str(number), "a/1", tolerance=number / 1000) for number in (1, 2)]
    with pytest.raises(UsageError, match=r"different tolerances \(0.001, 0.002\)"):
        merged(folders)


def test_command_leaves_a_run_folder_like_any_other(tmp_path: Path) -> None:
    folder(tmp_path / "one", "a/1", created="2025-03-01T12:00:00Z", image_set="here")
    folder(tmp_path / "two", "a/2", created="2025-03-02T12:00:00Z", image_set="there", processor="another")
    both = tmp_path / "both"
    done = zoo("report", tmp_path / "one", tmp_path / "two", "--out", both)
    assert done.returncode == 0, done.stderr
    report = Report.from_json(json.loads((both / "report.json").read_text(encoding="utf-8")))
    assert len(report.runs) == len(list((both / "predictions").iterdir())) == 2
    for name in ("report.md", "report.html"):
        shown = (both / name).read_text(encoding="utf-8")
        assert "Of one: 1 run" in shown
        assert "Example CPU" in shown
        assert "another" in shown
    assert "1000 images of here" in (both / "report.md").read_text(encoding="utf-8")
    again = zoo("report", both)
    assert again.returncode == 0, again.stderr
    assert Report.from_json(json.loads((both / "report.json").read_text())) == report
    third = folder(tmp_path / "three", "a/3", created="2025-03-03T12:00:00Z")
    found = merged([RunFolder(both), third])
    assert ([part.folder for part in found.parts], len(found.runs)) == (["one", "two", "three"], 3)


def test_several_runs_need_a_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder(tmp_path / name, "a/1")
    done = zoo("report", tmp_path / "one", tmp_path / "two")
    assert (done.returncode, "--out" in done.stderr) == (2, True)
