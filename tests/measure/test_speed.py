"""Cells that take turns in a session: real workers, a framework that behaves as it is told."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import zoo
from zoo import machine
from zoo.errors import UsageError
from zoo.frameworks.table import framework
from zoo.frameworks.workers import Worker
from zoo.jobs.bench import Bench
from zoo.jobs.request import BenchRequest, Request
from zoo.measure import speed
from zoo.measure.speed import PROCESSES, quantiles_of
from zoo.progress import Talk
from zoo.records import LatencyRun, Report
from zoo.runs import medians
from zoo.runs.folder import RunFolder

BUDGET = 0.3  # seconds; the fake answers in microseconds


@pytest.fixture
def little(tmp_path: Path) -> Path:
    return little_zoo.make(tmp_path / "zoo", 80)


def bench(folder: Path, out: Path, **options: Any) -> list[LatencyRun]:
    """Cells of a bench of the little zoo."""
    given = {"zoo": str(folder), "threads": (1,), "budget": BUDGET, **options}
    job = Bench(BenchRequest(**given), RunFolder(out), Talk(quiet=True))
    report, _ = job.execute()
    return list(report.latencies)


def test_every_cell_is_timed_in_all_rounds(little: Path, tmp_path: Path, own_home: Path) -> None:
    found = bench(little, tmp_path / "run", batch=(1, 4), threads=(1, 2))
    assert [run.subject for run in found] == [
        f"little/good@fake/b{batch}t{threads}" for threads in (1, 2) for batch in (1, 4)
    ]
    assert len({run.key for run in found}) == len({run.session for run in found}) == 4
    for run in found:
        assert run.status == "done", run.error
        assert [each.number for each in run.rounds] == list(range(1, PROCESSES + 1))
        assert (run.images_checked, run.different) == (64, 0)
        assert (run.threads_read, run.precision) == (run.threads, "fp32")
        assert run.calls == sum(each.calls for each in run.rounds)
        assert run.memory_peak >= run.memory_before > 0
        assert all(each.probe_before > 0 and each.probe_after > 0 for each in run.rounds)


def test_raw_times_are_kept_as_pytest_benchmark_writes_them(little: Path, tmp_path: Path, own_home: Path) -> None:
    (run,) = bench(little, tmp_path / "run")
    files = sorted((tmp_path / "run" / "benchmarks").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert [path.name for path in files] == [f"little-good-fake-b1t1-r{number}.json" for number in range(1, 9)]
    times = [json.loads(path.read_text())["benchmarks"][0]["stats"]["data"] for path in files]
    assert quantiles_of(times) == run.quantiles
    assert [float(np.median(one)) for one in times] == pytest.approx([each.median for each in run.rounds])
    p50 = run.quantile(0.5)
    assert p50 is not None
    assert p50.value == pytest.approx(medians.p50(run))
    assert (p50.low, p50.high) == pytest.approx(medians.interval(run))
    compared = subprocess.run(
        [Path(sys.executable).with_name("pytest-benchmark"), "compare", *map(str, files[:2])],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert "little/good@fake/b1t1" in compared.stdout


def test_rounds_are_palindromes(little: Path, tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b", "c"):
        little_zoo.add_checkpoint(little, name)
    order: list[str] = []
    block = speed.TimedCell.block

    def noted(cell: speed.TimedCell, folder: Path, probe: float) -> float:
        order.append(cell.input.request.checkpoint[-1])
        return block(cell, folder, probe)

    monkeypatch.setattr(speed.TimedCell, "block", noted)
    bench(little, tmp_path / "run")
    assert "".join(order) == "dbccbd" * 4


def test_one_that_fails_does_not_stop_the_others(little: Path, tmp_path: Path, own_home: Path) -> None:
    little_zoo.add_checkpoint(little, "crashing", misbehave="crash", misbehave_at=300)
    little_zoo.add_checkpoint(little, "last")
    good, crashing, last = bench(little, tmp_path / "run")
    assert (good.status, last.status) == ("done", "done")
    assert crashing.status == "failed"
    assert crashing.error is not None
    assert "died (exit code 9) during 'bench'" in crashing.error
    stored = Report.from_json(json.loads((tmp_path / "run" / "report.json").read_text()))
    assert [run.status for run in stored.latencies] == ["done", "failed", "done"]
    assert len({run.session for run in stored.latencies}) == 1


def test_answers_that_change_while_being_timed_are_seen(little: Path, tmp_path: Path, own_home: Path) -> None:
    little_zoo.add_checkpoint(little, "fickle", misbehave="change_mind", misbehave_at=400)
    _, fickle = bench(little, tmp_path / "run")
    assert (fickle.images_checked, fickle.different) == (64, 1)


def test_threads_are_those_in_effect(little: Path, tmp_path: Path, own_home: Path) -> None:
    little_zoo.add_checkpoint(little, "greedy", threads_in_effect=7)
    _, greedy = bench(little, tmp_path / "run")
    assert (greedy.threads, greedy.threads_read) == (1, 7)


def test_a_fixed_batch_is_not_timed_as_another(little: Path, tmp_path: Path, own_home: Path) -> None:
    side = little_zoo.SIDE
    little_zoo.add_checkpoint(little, "fixed", input_shape=[1, side, side, 3])
    found = bench(little, tmp_path / "run", checkpoints="*fixed", batch=(1, 8))
    assert [run.status for run in found] == ["done", "failed"]
    assert "takes 1 images a call, so 8 cannot be timed as one" in str(found[1].error)


def test_what_is_missing_is_named_and_exits_with_3(little: Path, tmp_path: Path, own_home: Path) -> None:
    with (little / "checkpoints.toml").open("a") as file:
        file.write(
            '[[checkpoint]]\nid = "little/absent"\nframework = "fake"\nformat = "fake"\nrecipe = "whole"\n'
            'label_map = "ten"\nfiles = [{ name = "absent.json" }]\n'
        )
    done = zoo("bench", "--zoo", little, "--budget", 1, "--threads", 1, "--out", tmp_path / "run")
    assert done.returncode == 3, done.stderr
    report = Report.from_json(json.loads((tmp_path / "run" / "report.json").read_text()))
    assert [run.status for run in report.latencies] == ["done", "not_run"]
    assert "absent.json" in str(report.latencies[1].error)


def test_an_interrupted_session_is_written(
    little: Path, tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(100))
    probe = machine.probe

    def interrupted(cores: int) -> float:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return probe(cores)

    monkeypatch.setattr(machine, "probe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench(little, tmp_path / "run")
    (run,) = Report.from_json(json.loads((tmp_path / "run" / "report.json").read_text())).latencies
    assert (run.status, run.error) == ("failed", "interrupted after 1 of 8 rounds")


def test_too_few_images(little: Path, tmp_path: Path, own_home: Path) -> None:
    with pytest.raises(UsageError, match=r"--batch 100: 100 images are needed, .* has 80"):
        bench(little, tmp_path / "run", batch=(100,))


def test_a_baseline_must_be_a_bench(little: Path, tmp_path: Path, own_home: Path) -> None:
    zoo("validate", "--zoo", little, "--out", tmp_path / "validated")
    with pytest.raises(UsageError, match="holds no bench"):
        bench(little, tmp_path / "run", baseline=str(tmp_path / "validated"))


def test_the_command_is_the_one_that_was_given() -> None:
    request = BenchRequest(checkpoints="a/*", batch=(1, 8), threads=(1,), budget=5.0, untrained=True)
    words = "zoo bench --checkpoints a/* --batch 1,8 --threads 1 --budget 5.0 --untrained"
    assert " ".join(request.arguments()) == words
    assert Request(tolerance=0.002, sample="auto").arguments()[2:] == ("--sample", "auto", "--tolerance", "0.2")


@pytest.mark.parametrize("wrong", ["0", "1,x", "", "-1"])
def test_wrong_counts(wrong: str, tmp_path: Path, own_home: Path) -> None:
    done = zoo("bench", "--batch", wrong)
    assert done.returncode == 2
    assert "expected whole numbers, 1 or more" in done.stderr


def test_a_stopped_worker_answers_again(tmp_path: Path) -> None:
    with Worker(framework("fake"), Path(sys.executable)) as worker:
        worker.stop()
        state = Path(f"/proc/{worker._process.pid}/stat")
        for _ in range(100 if state.exists() else 0):
            if state.read_text().rpartition(")")[2].split()[0] == "T":
                break
            time.sleep(0.05)
        else:
            assert not state.exists()
        assert worker.request("hello")["versions"]["fake"] == "1"
        worker.stop()  # its end is not waited for in vain
