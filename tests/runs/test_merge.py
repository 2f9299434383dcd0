"""Several run folders as one report: every run once, and each folder's conditions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import folders as folders_by_hand
from tests.by_hand.commands import zoo
from tests.by_hand.folders import answers, run_with
from tests.by_hand.records import a_latency_run, a_run
from tests.by_hand.samples import a_sample_run
from zoo.errors import UsageError
from zoo.records import Report, Stage
from zoo.runs.folder import RunFolder
from zoo.runs.merge import merged

FOUND = answers([0, 1, 2], [0, 1, 3])


def folder(path: Path, *names: str, **conditions: Any) -> RunFolder:
    runs = [(run_with(FOUND, checkpoint=name, key=name.encode().hex() * 4), FOUND) for name in names]
    return folders_by_hand.write(path, runs, **conditions)


def test_runs_of_all_folders_once(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", "a/1", "a/2", created="2025-03-01T12:00:00Z", platform="here")
    two = folder(tmp_path / "two", "a/2", "a/3", created="2025-03-02T12:00:00Z", platform="there")
    found, documents = merged([two, one])
    assert [run.checkpoint for run in found.runs] == ["a/1", "a/2", "a/3"]
    assert found.conditions.platform == "there"
    assert [(part.folder, part.conditions.platform, len(part.runs)) for part in found.parts] == [
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
    runs = merged([RunFolder(tmp_path / name) for name in ("one", "two")])[0].runs
    assert [(run.checkpoint, run.status) for run in runs] == [("embedded/onnx", "done"), ("other/one", "failed")]


@pytest.mark.parametrize(
    ("limit", "named"),
    [
        ("tolerance", "tolerances"),
        ("margin", "margins"),
        ("margin_quantised", "margins of quantised networks"),
    ],
)
def test_other_tolerances_and_margins_are_refused(tmp_path: Path, limit: str, named: str) -> None:
    one, two, alike = (
        folder(tmp_path / name, f"a/{name}", **{limit: value})
        for name, value in (("1", 0.001), ("2", 0.002), ("3", 0.001))
    )
    said = f"judged with different {named} (0.001, 0.002)"
    with pytest.raises(UsageError, match=re.escape(said)):
        merged([one, two])
    assert len(merged([one, alike])[0].runs) == 2
    done = zoo("report", one.path, two.path, "--out", tmp_path / "both")
    assert (done.returncode, said in done.stderr, (tmp_path / "both").exists()) == (2, True, False)


def test_a_bench_judges_no_accuracy_so_its_tolerance_counts_for_nothing(tmp_path: Path) -> None:
    accuracies = folder(tmp_path / "one", "a/1", created="2025-03-01T12:00:00Z", tolerance=0.002, margin=0.003)
    bench = folders_by_hand.write(
        tmp_path / "bench", [], latencies=[a_latency_run()], created="2025-03-02T12:00:00Z", tolerance=None
    )
    conditions = merged([accuracies, bench])[0].conditions
    assert (conditions.created, conditions.tolerance, conditions.margin) == ("2025-03-02T12:00:00Z", 0.002, 0.003)
    assert merged([bench])[0].conditions.tolerance is None


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
    found, _ = merged([RunFolder(both), third])
    assert ([part.folder for part in found.parts], len(found.runs)) == (["one", "two", "three"], 3)


def test_sample_answers_of_all_folders_once(tmp_path: Path) -> None:
    """One without its files gives way to one that was looked at; another version of a framework is another answer."""
    missing = a_sample_run(status="not_run", error="no file")
    alone = a_sample_run(status="not_run", error="no file", sample="two")
    newer = a_sample_run(key="6b" * 32, versions={"torch": "3"})
    folders_by_hand.write(tmp_path / "one", [], samples=[a_sample_run(), newer], created="2025-03-01T12:00:00Z")
    folders_by_hand.write(
        tmp_path / "two", [], samples=[missing, alone, a_sample_run()], created="2025-03-02T12:00:00Z"
    )
    samples = merged([RunFolder(tmp_path / name) for name in ("one", "two")])[0].samples
    assert samples == (a_sample_run(), newer, alone)


def a_stage(**changes: Any) -> Stage:
    fields = {"stage": "geometry", "recipe": "r", "image_set": "s", "images": 64, "repeats": 3, "quantiles": ()}
    return Stage(**(fields | changes))


def test_latencies_and_stages_of_all_folders_once(tmp_path: Path) -> None:
    """A failed one gives way to a finished one; a merged folder comes apart again."""
    failed = a_latency_run(key="", framework="torch", status="failed", error="it died")
    done, wide = a_latency_run(key="t1", framework="torch"), a_latency_run(key="w8", batch_size=8)
    first = folders_by_hand.write(
        tmp_path / "bench", [], latencies=[a_latency_run(), failed], stages=[a_stage(), a_stage(stage="numeric")],
        created="2025-03-01T12:00:00Z",
    )  # fmt: skip
    second = folders_by_hand.write(
        tmp_path / "later", [], latencies=[a_latency_run(), done, wide], stages=[a_stage(images=128)],
        created="2025-03-02T12:00:00Z",
    )  # fmt: skip
    accuracy = folder(tmp_path / "accuracy", "a/1", created="2025-03-03T12:00:00Z")
    found, _ = merged([first, second, accuracy])
    assert [run.key for run in found.latencies] == ["7a" * 32, "t1", "w8"]
    assert [(stage.stage, stage.images) for stage in found.stages] == [("geometry", 128), ("numeric", 64)]
    assert [(part.folder, len(part.runs), part.latencies) for part in found.parts] == [
        ("bench", 0, ()), ("later", 0, ("7a" * 32, "t1", "w8")), ("accuracy", 1, ()),
    ]  # fmt: skip


def test_one_report_with_accuracy_and_latency(tmp_path: Path) -> None:
    baseline = a_latency_run(key="then")
    folder(tmp_path / "accuracy", "a/1", created="2025-03-01T12:00:00Z")
    cells = [a_latency_run(), a_latency_run([0.008] * 6, key="t1", framework="torch")]
    folders_by_hand.write(
        tmp_path / "bench", [], latencies=cells, stages=[a_stage()], created="2025-03-02T12:00:00Z",
        documents={"baseline": (baseline,)},
    )  # fmt: skip
    both = tmp_path / "both"
    done = zoo("report", tmp_path / "accuracy", tmp_path / "bench", "--out", both)
    assert done.returncode == 0, done.stderr
    report = RunFolder(both).report()
    assert (len(report.runs), len(report.latencies), len(report.stages)) == (1, 2, 1)
    assert [verdict.outcome for verdict in report.verdicts if verdict.rule == "L101"] == ["pass", "pass"]
    assert [verdict.against for verdict in report.verdicts if verdict.rule == "L201"] == ["7a" * 32]
    assert [verdict.against for verdict in report.verdicts if verdict.rule == "L401"] == ["then", None]
    again = zoo("report", both)
    assert again.returncode == 0, again.stderr
    assert RunFolder(both).report() == report
    more = folders_by_hand.write(
        tmp_path / "more", [], latencies=[a_latency_run(key="m")], created="2025-03-03T12:00:00Z"
    )
    parts = merged([RunFolder(both), more])[0].parts
    assert [(part.folder, len(part.runs), len(part.latencies)) for part in parts] == [
        ("accuracy", 1, 0), ("bench", 0, 2), ("more", 0, 1),
    ]  # fmt: skip


def test_a_bench_folder_is_judged_again(tmp_path: Path) -> None:
    bench = folders_by_hand.write(tmp_path / "bench", [], latencies=[a_latency_run()], stages=[a_stage()])
    done = zoo("report", bench.path)
    assert done.returncode == 0, done.stderr
    report = bench.report()
    assert (len(report.latencies), len(report.stages)) == (1, 1)
    assert [(verdict.rule, verdict.outcome) for verdict in report.verdicts] == [
        ("L101", "pass"), ("L102", "pass"), ("L103", "pass"),
    ]  # fmt: skip
    done = zoo("compare", bench.path)
    assert (done.returncode, "the stored verdicts stand" in done.stdout) == (0, True), done.stderr
    failed = a_latency_run(status="failed", error="it died")
    for latencies, code in (([a_latency_run(different=1)], 1), ([a_latency_run(different=1), failed], 3)):
        folders_by_hand.write(tmp_path / "bench", [], latencies=latencies)
        assert zoo("compare", tmp_path / "bench").returncode == code


def test_several_runs_need_a_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder(tmp_path / name, "a/1")
    done = zoo("report", tmp_path / "one", tmp_path / "two")
    assert (done.returncode, "--out" in done.stderr) == (2, True)
