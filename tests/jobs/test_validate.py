"""The main job over a stranger's zoo with the fake framework: what is run, reused, resumed, refused and judged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of, zoo
from zoo import kept
from zoo.images import image_sets
from zoo.images.digests import file_digests, listing_digest
from zoo.records.predictions import Predictions


def digest_of(folder: Path, home: Path) -> str:
    image_set = image_sets.open_image_set(folder / "images")
    return listing_digest(image_set, file_digests(image_set, home / "digests"))


def test_run_folder_is_complete(folder: Path, out: Path) -> None:
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "little/good" in done.stdout
    assert "100.00" in done.stdout
    report = report_of(out)
    (run,) = report.runs
    assert (run.n, run.top1_correct, run.top5_correct, run.population) == (12, 12, 12, "other")
    assert run.versions["fake"] == "1"
    assert report.conditions.command[:4] == ("zoo", "validate", "--zoo", str(folder))
    names = {path.name for path in out.iterdir()}
    assert names >= {"report.json", "report.md", "report.html", "verdicts.csv", "runs.csv", "junit.xml", "predictions"}
    kept = Predictions.read(out / "predictions" / f"{run.key}.npz")
    assert kept.ids[:2] == ("0000.png", "0001.png")
    assert kept.indices.shape == (12, 5)
    assert kept.first_scores.shape == (12, 10)
    assert np.array_equal(kept.indices[:, 0], kept.classes)
    assert pd.read_csv(out / "runs.csv")["top1_correct"].tolist() == [12]


def test_second_run_computes_nothing(folder: Path, out: Path, own_home: Path) -> None:
    first = zoo("validate", "--zoo", folder, "--out", out)
    kept = {path: path.stat().st_mtime_ns for path in (own_home / "results").rglob("*.npz")}
    second = zoo("validate", "--zoo", folder, "--out", out)
    assert first.stdout == second.stdout
    assert kept
    assert {path: path.stat().st_mtime_ns for path in (own_home / "results").rglob("*.npz")} == kept
    assert report_of(out).runs[0].reused
    zoo("validate", "--zoo", folder, "--out", out, "--fresh")
    assert not report_of(out).runs[0].reused


def test_changed_weights_are_never_reused(folder: Path, out: Path) -> None:
    zoo("validate", "--zoo", folder, "--out", out)
    before = report_of(out).runs[0]
    model = json.loads((folder / "good.json").read_text())
    (folder / "good.json").write_text(json.dumps({**model, "comment": "another file of the same name"}))
    zoo("validate", "--zoo", folder, "--out", out)
    after = report_of(out).runs[0]
    assert not after.reused
    assert (after.key != before.key, after.sha256 != before.sha256) == (True, True)


@pytest.mark.parametrize(
    ("top1", "outcome", "code"), [("100.0", "confirmed", 0), ("91.7", "refuted", 1), ("8.3", "refuted", 1)]
)
def test_claims_are_judged(folder: Path, out: Path, own_home: Path, top1: str, outcome: str, code: int) -> None:
    little_zoo.claim_accuracy(folder, "little/good", top1, digest_of(folder, own_home), 12)
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == code, done.stderr
    report = report_of(out)
    assert report.runs[0].population == "full"
    assert [verdict.outcome for verdict in report.verdicts if verdict.rule == "A101"] == [outcome]
    assert outcome in done.stdout
    assert ("<failure" in (out / "junit.xml").read_text()) == (outcome == "refuted")


def test_misbehaviour_fails_one_run_and_the_others_go_on(folder: Path, out: Path) -> None:
    for name in ("crash", "nan", "wrong_shape", "print"):
        little_zoo.add_checkpoint(folder, name, misbehave=name)
    little_zoo.add_checkpoint(folder, "zlast")
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 3
    states = {run.checkpoint.removeprefix("little/"): run.status for run in report_of(out).runs}
    assert states == {
        "good": "done", "crash": "failed", "nan": "failed", "wrong_shape": "failed", "print": "done", "zlast": "done",
    }  # fmt: skip
    errors = {run.checkpoint: run.error or "" for run in report_of(out).runs}
    assert "about to crash" in errors["little/crash"]
    assert "fake/adapter.py" in errors["little/nan"] or "contract.py" in errors["little/nan"]
    causes = {run.checkpoint: run.cause for run in report_of(out).runs if run.status == "failed"}
    assert causes == {"little/crash": "framework", "little/nan": "answers", "little/wrong_shape": "answers"}


@pytest.mark.parametrize(
    ("behaviour", "advice"),
    [
        ({"misbehave": "nan"}, "look at the file and the numeric steps"),
        ({"misbehave": "crash"}, "read what the framework said"),
        ({"outputs": 11}, "correct the checkpoint's record"),
        (None, "run `zoo doctor --zoo "),
    ],
)
def test_advice_fits_the_failure(folder: Path, out: Path, behaviour: dict[str, object] | None, advice: str) -> None:
    """Only a missing file is something that doctor finds."""
    if behaviour is None:
        (folder / "good.json").unlink()
    else:
        little_zoo.add_checkpoint(folder, "bad", **behaviour)
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 3
    (last,) = (line for line in done.stdout.splitlines() if line.startswith("Next: "))
    assert advice in last
    assert ("doctor" in last) == (behaviour is None)
    if behaviour is None:
        assert "good" in zoo("doctor", "--zoo", folder).stdout


def test_nonsense_fails_though_nothing_is_documented(tmp_path: Path, own_home: Path, out: Path) -> None:
    """Every label is one too high; `zoo compare` judges the stored answers alike."""
    folder = little_zoo.make(tmp_path / "little", 60)
    labels = folder / "images" / "labels.csv"
    head, *lines = labels.read_text().split()
    moved = [f"{name},{(int(label) + 1) % 10}" for name, label in (line.split(",") for line in lines)]
    sound = zoo("validate", "--zoo", folder, "--out", tmp_path / "sound")
    assert (sound.returncode, [each.outcome for each in report_of(tmp_path / "sound").verdicts]) == (0, ["pass"])
    labels.write_text("\n".join([head, *moved]))
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 1
    (verdict,) = report_of(out).verdicts
    assert (verdict.rule, verdict.outcome, verdict.measured) == ("A201", "fail", 0.0)
    assert "with label - 1, 5" in verdict.reason
    for shown in (done.stdout, (out / "report.md").read_text(), (out / "report.html").read_text()):
        assert "nonsense: the answers fit other labels" in " ".join(shown.split())
    assert "Next: find out why answers are nonsense" in done.stdout
    assert zoo("compare", out).returncode == 1


def test_wrong_class_count_is_told_before_any_image_is_read(folder: Path, out: Path, own_home: Path) -> None:
    little_zoo.add_checkpoint(folder, "eleven", outputs=11)
    done = zoo("validate", "--zoo", folder, "--out", out, "--checkpoints", "little/eleven")
    assert done.returncode == 3
    assert "label map 'ten' expects 10 outputs, the network has 11" in done.stdout
    assert not (own_home / "pixels").exists()


def test_wrong_size_is_told(folder: Path, out: Path) -> None:
    little_zoo.add_checkpoint(folder, "large", input_shape=[-1, 9, 9, 3])
    done = zoo("validate", "--zoo", folder, "--out", out, "--checkpoints", "*/large")
    assert done.returncode == 3
    assert "recipe 'whole' gives [8, 8, 3] (nhwc), input 'pixels' expects [9, 9, 3]" in done.stdout


def test_label_out_of_range_stops_the_job(folder: Path, out: Path) -> None:
    labels = folder / "images" / "labels.csv"
    labels.write_text(labels.read_text().replace("0003.png,", "0003.png,1"))
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 3
    assert "0003.png" in done.stderr


def test_missing_file_is_not_run(folder: Path, out: Path) -> None:
    (folder / "good.json").unlink()
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 3
    assert report_of(out).runs[0].status == "not_run"
    assert "good.json is not on this machine" in done.stdout


def test_interrupted_run_leaves_a_folder_that_resume_completes(folder: Path, out: Path) -> None:
    little_zoo.add_checkpoint(folder, "hangs", misbehave="hang")
    command = [sys.executable, "-m", "zoo", "validate", "--zoo", str(folder), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out / "report.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert [run.status for run in report_of(out).runs] == ["done", "not_run"]
    model = json.loads((folder / "hangs.json").read_text())
    (folder / "hangs.json").write_text(json.dumps({**model, "misbehave": None}))
    done = zoo("validate", "--resume", out)
    assert done.returncode == 0, done.stderr
    assert [(run.status, run.reused) for run in report_of(out).runs] == [("done", True), ("done", False)]


def test_resume_takes_no_other_options(out: Path, own_home: Path) -> None:
    done = zoo("validate", "--resume", out, "--seed", 3)
    assert (done.returncode, "--resume takes its options" in done.stderr) == (2, True)
    done = zoo("validate", "--resume", out)
    assert (done.returncode, "is not a run folder" in done.stderr) == (2, True)


def test_results_on_stdout_everything_else_on_stderr(folder: Path, out: Path) -> None:
    loud = zoo("validate", "--zoo", folder, "--out", out)
    quiet = zoo("validate", "--zoo", folder, "--out", out, "--quiet")
    assert loud.stdout == quiet.stdout
    assert quiet.stderr == ""


def test_sample_is_drawn_by_id(folder: Path, out: Path) -> None:
    zoo("validate", "--zoo", folder, "--out", out, "--sample", 5, "--seed", 1)
    report = report_of(out)
    assert report.runs[0].n == 5
    assert Predictions.read(out / "predictions" / f"{report.runs[0].key}.npz").ids == tuple(
        image.id for image in image_sets.sample(image_sets.open_image_set(folder / "images"), 5, 1).images
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--checkpoints", "little/god"), "nearest: little/good"),
        (("--frameworks", "tensorfow"), "nearest: tensorflow"),
        (("--frameworks", "onnxruntime"), "reads none of the chosen checkpoints' formats (fake)"),
        (("--recipe", "torch_256_225"), "nearest: torch_256_224"),
        (("--numeric", "pixel"), "nearest: pixels"),
        (("--threadss", "2"), "'--threads'"),
        (("--threads", "0"), "0 is not in the range"),
        (("--images", "/nowhere"), "/nowhere"),
    ],
)
def test_wrong_use_names_the_nearest(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    done = zoo("validate", "--zoo", folder, *arguments)
    assert message in done.stderr
    assert done.returncode == (3 if "--images" in arguments else 2)
    assert "Traceback" not in done.stderr


def test_reports_are_rebuilt_from_the_folder_alone(folder: Path, out: Path, own_home: Path) -> None:
    little_zoo.claim_accuracy(folder, "little/good", "100.0", digest_of(folder, own_home), 12)
    zoo("validate", "--zoo", folder, "--out", out)
    markdown = (out / "report.md").read_text()
    for name in ("report.md", "report.html", "verdicts.csv", "junit.xml"):
        (out / name).unlink()
    stored = json.loads((out / "report.json").read_text())
    kept.write_json(out / "report.json", "report.json", {**stored, "verdicts": []})
    compared = zoo("compare", out)
    assert compared.returncode == 0
    assert "2 verdicts differ from what is stored" in compared.stdout
    assert zoo("report", out).returncode == 0
    assert (out / "report.md").read_text() == markdown
    assert "the stored verdicts stand" in zoo("compare", out).stdout


def test_newer_format_is_refused(folder: Path, out: Path) -> None:
    zoo("validate", "--zoo", folder, "--out", out)
    stored = json.loads((out / "report.json").read_text())
    (out / "report.json").write_text(json.dumps({**stored, "format": 3}))
    done = zoo("report", out)
    assert (done.returncode, "expected format 2 or older, got 3" in done.stderr) == (2, True)


def test_environment_variables_do_not_leak(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A user's PYTHONPATH must not reach into a worker.
    intruder = folder / "intruder"
    intruder.mkdir()
    (intruder / "numpy.py").write_text("raise SystemExit('intruder')")
    process = subprocess.run(
        [sys.executable, "-E", "-m", "zoo", "validate", "--zoo", str(folder), "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(intruder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
