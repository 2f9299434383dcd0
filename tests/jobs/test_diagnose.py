"""`zoo diagnose` and `zoo validate --diagnose` as a user runs them, on a little zoo whose labels are moved."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of, validated, zoo
from zoo.records import Diagnosis

IMAGES, MOVED = 300, 3
SUBJECT = "little/good@fake"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every label is three too high; a top-1 of 100 % is documented on exactly these images."""
    made = little_zoo.make(tmp_path_factory.mktemp("moved") / "zoo", IMAGES)
    labels = made / "images" / "labels.csv"
    with labels.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    with labels.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *((name, str((int(label) + MOVED) % 10)) for name, label in rows)])
    digest = validated(made, made.parent / "first").conditions.images_digest
    little_zoo.claim_accuracy(made, "little/good", "100.0", digest, IMAGES)
    return made


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """Refuted, and asked why at once."""
    out = folder.parent / "run"
    done = zoo("validate", "--zoo", folder, "--diagnose", "--out", out)
    assert done.returncode == 1, done.stderr
    (line,) = [each for each in done.stdout.splitlines() if each.startswith(f"why {SUBJECT}: ")]
    assert "labels that are 3 too high" in line
    return out


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """The same run folder, to be changed by one test."""
    return Path(shutil.copytree(run, tmp_path / "copied"))


def diagnosis(out: Path) -> Diagnosis:
    (found,) = report_of(out).diagnoses
    return found


def test_the_cause_is_in_every_form_of_the_report(run: Path) -> None:
    found = diagnosis(run)
    assert (found.subject, found.run) == (SUBJECT, report_of(run).runs[0].key)
    assert found.candidates[0].cause == "labels.offset"
    assert any("refuted" in each or "measured" in each for each in found.symptoms)
    assert {each.cause.split(".")[0] for each in found.excluded} >= {"repeat", "recipe"}
    for name in ("report.md", "report.html", "junit.xml"):
        assert "3 too high" in (run / name).read_text(encoding="utf-8"), name


def test_looks_that_are_named_alone_are_taken(copied: Path) -> None:
    done = zoo("diagnose", copied, SUBJECT, "--looks", "repeats")
    assert done.returncode == 1, done.stderr
    found = diagnosis(copied)
    assert found.candidates == ()
    assert {each.cause.split(".")[0] for each in found.excluded} == {"repeat"}
    assert f"why {SUBJECT}: nothing known explains it" in done.stdout


def test_reports_that_are_written_again_keep_it(copied: Path) -> None:
    before = diagnosis(copied)
    assert zoo("report", copied).returncode == 0
    assert diagnosis(copied) == before


def test_a_run_that_is_completed_is_explained_anew(copied: Path) -> None:
    done = zoo("validate", "--resume", copied)
    assert done.returncode == 1, done.stderr
    assert diagnosis(copied).candidates[0].cause == "labels.offset"


def test_images_that_are_gone_leave_the_looks_that_need_none(folder: Path, run: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(folder, tmp_path / "zoo"))
    out = tmp_path / "out"
    assert zoo("validate", "--zoo", moved, "--images", moved / "images", "--out", out).returncode == 1
    (moved / "images").rename(tmp_path / "elsewhere")
    done = zoo("diagnose", out)
    assert done.returncode == 1, done.stderr
    found = diagnosis(out)
    assert found.candidates[0].cause == "labels.offset"
    assert any(str(moved / "images") in each for each in found.not_looked)
    zoo("diagnose", out, "--images", tmp_path / "elsewhere")
    assert {each.cause.split(".")[0] for each in diagnosis(out).excluded} >= {"repeat"}


def test_other_images_are_not_taken_for_those_of_the_run(copied: Path, tmp_path: Path) -> None:
    other = little_zoo.make_images(tmp_path / "other", 20)
    zoo("diagnose", copied, "--images", other, "--looks", "repeats")
    assert any("are not those of the run" in each for each in diagnosis(copied).not_looked)


def test_where_nothing_is_wrong_nothing_is_explained(tmp_path: Path) -> None:
    good, out = little_zoo.make(tmp_path / "zoo", 100), tmp_path / "out"
    assert zoo("validate", "--zoo", good, "--diagnose", "--out", out).returncode == 0
    assert report_of(out).diagnoses == ()
    done = zoo("diagnose", out)
    assert done.returncode == 0
    assert "nothing is refuted, failed or makes no sense; name a run to have it looked at all the same" in done.stdout
    assert zoo("diagnose", out, SUBJECT, "--looks", "answers").returncode == 0
    assert diagnosis(out).candidates == ()


def test_a_run_is_made_first_where_none_is_named(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = zoo("diagnose", "--zoo", folder, "--checkpoints", "little/good", "--looks", "answers", "--out", out)
    assert done.returncode == 1, done.stderr
    assert diagnosis(out).candidates[0].cause == "labels.offset"


def test_a_reference_may_be_a_run_folder(copied: Path, run: Path, tmp_path: Path) -> None:
    good = little_zoo.make(tmp_path / "zoo", IMAGES)
    right = tmp_path / "right"
    assert zoo("validate", "--zoo", good, "--out", right).returncode == 0
    done = zoo("diagnose", copied, "--reference", right, "--looks", "answers")
    assert done.returncode == 1, done.stderr
    found = diagnosis(copied)
    assert found.candidates[0].cause.startswith("labels.")
    assert "reference" in " ".join(each.by for each in found.excluded) + found.candidates[0].evidence


def test_one_that_failed_is_explained_as_far_as_that_goes(tmp_path: Path) -> None:
    made, out = little_zoo.make(tmp_path / "zoo", 20), tmp_path / "out"
    little_zoo.add_checkpoint(made, "dies", misbehave="nan")
    assert zoo("validate", "--zoo", made, "--diagnose", "--out", out).returncode == 3
    found = diagnosis(out)
    assert found.subject == "little/dies@fake"
    assert found.symptoms[0].startswith("the run failed: ")
    assert found.not_looked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("little/other@fake",), "it has no run 'little/other@fake'; nearest: little/good@fake"),
        (("--looks", "answer"), "--looks: 'answer' is not known; nearest: answers"),
        (("--reference", "little/god"), "is neither a run folder nor a checkpoint"),
        (("--checkpoints", "little/*"), "with RUN give only --images, --labels, --reference, --looks"),
        (("--out", "there"), "with RUN give only --images, --labels, --reference, --looks"),
    ],
)
def test_wrong_use_is_told_before_anything_is_looked_at(run: Path, words: tuple[str, ...], said: str) -> None:
    done = zoo("diagnose", run, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_folders_that_are_none_or_were_merged_are_refused(run: Path, tmp_path: Path) -> None:
    nowhere = zoo("diagnose", tmp_path)
    assert (nowhere.returncode, "is not a run folder" in nowhere.stderr) == (2, True)
    other = tmp_path / "other"
    zoo("validate", "--zoo", little_zoo.make(tmp_path / "zoo", 50), "--out", other)
    zoo("report", run, other, "--out", tmp_path / "both")
    merged = zoo("diagnose", tmp_path / "both")
    assert (merged.returncode, "it was merged from several run folders" in merged.stderr) == (2, True)
    assert len(report_of(tmp_path / "both").diagnoses) == 1
