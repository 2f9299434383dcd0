"""Run folders with runs whose images were drawn: the reference belongs to the run, and is kept, checked and copied."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.by_hand import drawn as made
from tests.by_hand.drawn import World
from tests.by_hand.records import a_claim, some_conditions
from tests.by_hand.sides import side
from zoo.jobs import judging
from zoo.jobs.compare import between
from zoo.records import Report, Run
from zoo.records.predictions import Predictions
from zoo.report import changes as rendered
from zoo.runs.changes import compare
from zoo.runs.folder import RunFolder
from zoo.runs.merge import copy_answers, merged

WORLD = World.of(1500)
REFERENCE, OTHER = WORLD.reference, World.of(1500, seed=7).reference
WORSE = WORLD.relative(0.5, bias=-0.6)
WHOLE = WORLD.full(WORLD.right, key="1e" * 32, framework="torch")
DRAWN = WORLD.drawn(WORSE, 256, REFERENCE, checkpoint="zoo/int8", key="2e" * 32, weights="v")
CLAIM = a_claim(id="c", checkpoint="zoo/int8", value="70.0", decimals=1, population="made_up")


def write(path: Path, *runs: tuple[Run, Predictions]) -> RunFolder:
    return made.folder(path, WORLD, runs, [REFERENCE], claims=(CLAIM,))


def kept(folder: RunFolder) -> Path:
    (path,) = (folder.path / "references").glob("*.npz")
    return path


def test_judged_from_the_folder(tmp_path: Path) -> None:
    report = write(tmp_path / "run", WHOLE, DRAWN).report()
    (found,) = (each for each in report.verdicts if each.rule == "A101")
    assert (found.outcome, found.measured) == ("refuted", DRAWN[0].accuracy("top1"))
    assert found.saved is not None
    assert found.saved > 0
    assert [each.against for each in report.verdicts if each.rule == "X202"] == ["1e" * 32] * 2


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b""), "npz"),
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "npz"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"PK", b"KP")), "npz"),
    ],
    ids=["removed", "empty", "cut off", "changed"],
)
def test_damaged_reference_ends_its_own_run(tmp_path: Path, damage: Callable[[Path], object], words: str) -> None:
    folder = write(tmp_path / "run", WHOLE, DRAWN)
    damage(kept(folder))
    report = folder.report()
    assert [run.status for run in report.runs] == ["done", "failed"]
    assert words in (report.runs[1].error or "")
    assert (report.runs[1].error or "").count("put back a whole copy") == 1
    assert len(folder.damages()) == 1
    judged = judging.judged(report, folder.documents(), folder)
    assert [each.outcome for each in judged.verdicts if each.rule == "A101"] == ["not_run"]


def test_exchanged_reference_is_found(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", WHOLE, DRAWN)
    folder.write_reference(OTHER)
    whole, stranger = kept_both(folder)
    whole.write_bytes(stranger.read_bytes())
    assert [run.status for run in folder.report().runs] == ["done", "failed"]


def kept_both(folder: RunFolder) -> tuple[Path, Path]:
    paths = {path.stem: path for path in (folder.path / "references").glob("*.npz")}
    return paths[REFERENCE.digest], paths[OTHER.digest]


def test_another_order_of_answers_is_found(tmp_path: Path) -> None:
    """The answers fit the counts, their file is the one that the report was written with, and nothing follows."""
    folder = write(tmp_path / "run", WHOLE, DRAWN)
    report, documents = folder.report(), folder.documents()
    folder.write_predictions(DRAWN[0], DRAWN[1].of_rows(np.arange(256)[::-1]))
    folder.write(report, documents)
    report = folder.report()
    assert [each.status for each in report.runs] == ["done", "failed"]
    assert "its images do not come in the order of a draw by zoo/original@torch" in (report.runs[1].error or "")


def test_a_run_on_all_images_needs_no_reference(tmp_path: Path) -> None:
    run, answers = WORLD.drawn(WORSE, 1500, REFERENCE, checkpoint="zoo/int8", population="full")
    folder = write(tmp_path / "run", (run, answers))
    kept(folder).unlink()
    assert [each.status for each in folder.report().runs] == ["done"]


def test_merged_folders_judge_the_same(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one", WHOLE), write(tmp_path / "other", DRAWN)
    together = write(tmp_path / "both", WHOLE, DRAWN)
    report, documents = merged([one, other])
    target = RunFolder(tmp_path / "merged")
    copy_answers([one, other], report.runs, target)
    judging.write(target, judging.judged(report, documents, target), documents)
    assert target.report().verdicts == together.report().verdicts
    assert kept(target).stem == REFERENCE.digest


def test_a_run_without_its_reference_is_merged_as_failed(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one", WHOLE), write(tmp_path / "other", DRAWN)
    kept(other).unlink()
    report, documents = merged([one, other])
    target = RunFolder(tmp_path / "merged")
    copy_answers([one, other], report.runs, target)
    judging.write(target, judging.judged(report, documents, target), documents)
    assert [run.status for run in target.report().runs] == ["done", "failed"]


def test_runs_of_two_folders_are_compared_by_what_either_keeps(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one", WHOLE), write(tmp_path / "other", DRAWN)
    shutil.rmtree(one.path / "references")
    for folders in ((one, other), (other, one)):
        found = between(*folders, {})
        assert [(each.rule, each.outcome) for each in found] == [("X202", "fail"), ("X202", "inconclusive")]


def test_pages_and_tables_show_the_estimate(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", WHOLE, DRAWN)
    run, shown = DRAWN[0], f"≈{100 * DRAWN[0].accuracy('top1'):.2f}"
    share = f"{100 * run.top1_correct / run.n:.2f}"
    for name in ("report.md", "report.html"):
        text = (folder.path / name).read_text(encoding="utf-8")
        assert shown in text
        assert f">{share}<" not in text
        assert f"| {share} |" not in text
        for words in (REFERENCE.digest[:12], "what it was converted from", "margin: the smaller", "images saved"):
            assert words in text
    assert "1 run is estimated from images drawn by what zoo/original@torch answered" in (
        folder.path / "junit.xml"
    ).read_text(encoding="utf-8")
    table = pd.read_csv(folder.path / "runs.csv").set_index("checkpoint")
    line = table.loc["zoo/int8"]
    assert line["top1"] == pytest.approx(run.accuracy("top1"))
    assert (line["estimated"], line["drawn_sha256"], line["drawn_seed"]) == (True, REFERENCE.digest, made.SEED)
    assert line["images_saved"] > 0
    frames = zoo.load_run(folder.path)
    assert frames.runs["top1"].tolist() == [WHOLE[0].accuracy("top1"), run.accuracy("top1")]
    assert json.loads((folder.path / "report.json").read_text(encoding="utf-8"))["runs"][1]["drawn"]["rule"] == "margin"


def test_changes_are_those_of_the_estimates() -> None:
    whole, drawn = WORLD.full(WORSE, checkpoint="zoo/int8")[0], DRAWN[0].changed(key="1f" * 32)
    answers = {"1f" * 32: DRAWN[1]}
    before, after = (
        side(Report(conditions=some_conditions(), runs=(run,), verdicts=()), answers) for run in (whole, drawn)
    )
    (change,) = compare(before, after).runs
    difference = drawn.accuracy("top1") - whole.accuracy("top1")
    assert rendered.numbers(change, "top1").endswith(f"({chr(0x2248)}{100 * difference:+.2f})")
    lines = rendered.also_differs(change)
    assert any(line.startswith("images drawn by: no reference → zoo/original@torch (answers ") for line in lines)
    assert not any("correct" in line for line in lines)
