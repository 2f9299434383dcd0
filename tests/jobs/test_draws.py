"""Growing samples that are drawn by a reference, as a user runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of, validated, zoo
from zoo.images import image_sets
from zoo.images.digests import file_digests, listing_digest
from zoo.records import Report, Run
from zoo.records.predictions import Predictions

IMAGES = 3000
ERRS = {"float": 200, "twin": 200, "int8": 206, "other": 150}  # of a thousand images


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`float` and `twin` have the same weights, `int8` was converted from them, nothing is known of `other`."""
    folder = little_zoo.make(tmp_path_factory.mktemp("zoo") / "little", IMAGES)
    image_set = image_sets.open_image_set(folder / "images")
    digest = listing_digest(image_set, file_digests(image_set, tmp_path_factory.mktemp("digests")))
    little_zoo.claim_accuracy(folder, "little/float", "80", digest, IMAGES)
    (folder / "checkpoints.toml").write_text("")
    for name, errs in ERRS.items():
        little_zoo.add_checkpoint(folder, name, errs=errs)
    text = (folder / "checkpoints.toml").read_text()
    for name, line in {
        "float": 'weights = "little/float"',
        "twin": 'weights = "little/float"',
        "int8": 'converted_from = "little/float"',
    }.items():
        text = text.replace(f'id = "little/{name}"\n', f'id = "little/{name}"\n{line}\n')
    (folder / "checkpoints.toml").write_text(text)
    with (folder / "claims.csv").open("a", encoding="utf-8") as file:
        for name, value in {"twin": 80, "int8": 84, "other": 70}.items():
            file.write(f"little/{name}-top1,little/{name},top1,{value},percent,0,own,page\n")
    return folder


@pytest.fixture(scope="module")
def decoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all tests may share of a home: images that were decoded and hashed."""
    folder = tmp_path_factory.mktemp("decoded")
    for name in ("pixels", "digests"):
        (folder / name).mkdir()
    return folder


@pytest.fixture
def folder(made: Path, decoded: Path, own_home: Path) -> Path:
    for shared in decoded.iterdir():
        (own_home / shared.name).symlink_to(shared)
    return made


def auto(folder: Path, out: Path, checkpoints: str, **asked: Any) -> Report:
    return validated(folder, out, sample="auto", checkpoints=checkpoints, **asked)


def whole(folder: Path, out: Path, checkpoints: str) -> Report:
    return validated(folder, out, checkpoints=checkpoints)


def run_of(report: Report, name: str) -> Run:
    return next(run for run in report.runs if run.checkpoint == f"little/{name}")


def outcomes(report: Report) -> dict[str, str]:
    return {each.subject.partition("@")[0]: each.outcome for each in report.verdicts if each.rule == "A101"}


def test_a_job_orders_itself(folder: Path, tmp_path: Path) -> None:
    chosen = "little/twin,little/int8,little/float,little/other"
    done = zoo("validate", "--zoo", folder, "--sample", "auto", "--checkpoints", chosen, "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    assert "little/float in fake (tests) looks at all images first, so that relatives need fewer" in done.stderr
    report = report_of(tmp_path / "out")
    leader, twin, int8, other = (run_of(report, name) for name in ("float", "twin", "int8", "other"))
    assert (leader.n, leader.population, leader.drawn) == (IMAGES, "full", None)
    assert other.drawn is None
    for run, kinship, rule in ((twin, "same weights", "even"), (int8, "converted from", "margin")):
        assert run.drawn is not None
        assert (run.drawn.reference, run.drawn.run) == ("little/float@fake", leader.key)
        assert (run.drawn.kinship, run.drawn.rule, run.drawn.seed) == (kinship, rule, 0)
        assert run.n < IMAGES / 2
        assert run.population == "random_sample"
    assert outcomes(report) == {
        "little/float": "confirmed", "little/twin": "confirmed", "little/int8": "refuted", "little/other": "refuted",
    }  # fmt: skip
    truth = whole(folder, tmp_path / "whole", "little/int8").runs[0].top1_correct / IMAGES
    assert int8.drawn is not None
    assert abs(int8.drawn.top1 - truth) < 0.02
    assert abs(int8.top1_correct / int8.n - truth) > 0.1  # what was counted is no estimate: hard images came first
    assert zoo("compare", tmp_path / "out").stdout.rstrip().endswith("the stored verdicts stand")


def test_a_later_job_finds_the_reference(folder: Path, tmp_path: Path) -> None:
    key = whole(folder, tmp_path / "whole", "little/float").runs[0].key
    (run,) = auto(folder, tmp_path / "out", "little/twin").runs
    assert run.drawn is not None
    assert run.drawn.run == key
    (alone,) = auto(folder, tmp_path / "alone", "little/twin", reference="none").runs
    assert alone.drawn is None
    assert run.n < alone.n / 2


def test_what_is_kept_is_judged_whole(folder: Path, tmp_path: Path) -> None:
    whole(folder, tmp_path / "whole", "little/float")
    (run,) = auto(folder, tmp_path / "out", "little/float").runs
    assert (run.n, run.population, run.drawn, run.reused) == (IMAGES, "full", None, True)


def test_a_reference_is_a_folder_a_file_or_a_checkpoint(folder: Path, tmp_path: Path) -> None:
    whole(folder, tmp_path / "whole", "little/float")
    done = zoo("answers", "export", tmp_path / "whole", "--out", tmp_path / "float.npz")
    assert done.returncode == 0, done.stderr
    drawn = []
    for number, name in enumerate((tmp_path / "whole", tmp_path / "float.npz", "little/float")):
        (run,) = auto(folder, tmp_path / str(number), "little/int8", reference=str(name)).runs
        drawn.append(run.drawn)
    assert drawn[0] is not None
    assert drawn[0].kinship == "converted from"
    assert drawn[0] == drawn[1] == drawn[2]


def test_a_named_checkpoint_is_run_first(folder: Path, tmp_path: Path) -> None:
    report = auto(folder, tmp_path / "out", "little/int8", reference="little/other")
    first, run = report.runs
    assert (first.checkpoint, first.population) == ("little/other", "full")
    assert run.drawn is not None
    assert (run.drawn.reference, run.drawn.kinship) == ("little/other@fake", "reference")
    assert outcomes(report)["little/int8"] == "refuted"


def test_wrong_references_are_refused(folder: Path, tmp_path: Path) -> None:
    other = little_zoo.make(tmp_path / "other", 20)
    image_set = image_sets.open_image_set(other / "images")
    digest = listing_digest(image_set, file_digests(image_set, tmp_path / "digests"))
    little_zoo.claim_accuracy(other, "little/good", "100", digest, 20)
    whole(other, tmp_path / "small", "little/good")
    (tmp_path / "text.npz").write_text("no answers")
    for name, words in {
        tmp_path / "small": "answered other images", tmp_path / "text.npz": "expected a file of answers",
        "little/flaot": "nearest: little/float", tmp_path: "is not a run folder",
    }.items():  # fmt: skip
        done = zoo("validate", "--zoo", folder, "--sample", "auto", "--reference", name, "--out", tmp_path / "out")
        assert done.returncode == 2, name
        assert words in done.stderr
    done = zoo("validate", "--zoo", folder, "--reference", "little/float", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "--sample auto" in done.stderr


def test_a_job_that_was_killed_goes_on_with_its_draw(folder: Path, tmp_path: Path) -> None:
    whole(folder, tmp_path / "whole", "little/other")
    done = zoo(
        "validate", "--zoo", folder, "--sample", "auto", "--checkpoints", "little/int8", "--out", tmp_path / "out",
        "--reference", tmp_path / "whole",
    )  # fmt: skip
    assert "little/int8 in fake (tests): images are drawn by what little/other@fake answered" in done.stderr
    (before,) = report_of(tmp_path / "out").runs
    shutil.rmtree(tmp_path / "whole")  # the job's own copy is enough
    (tmp_path / "out" / "report.json").unlink()
    whole(folder, tmp_path / "nearer", "little/float")
    done = zoo("validate", "--resume", tmp_path / "out")
    assert done.returncode in (0, 1), done.stderr
    (after,) = report_of(tmp_path / "out").runs
    assert after.reused
    assert (after.key, after.drawn) == (before.key, before.drawn)


def test_images_of_one_name_are_drawn_by_nothing(tmp_path: Path, own_home: Path) -> None:
    """In two folders, as of two classes: a reference could not tell them apart."""
    folder = little_zoo.make(tmp_path / "little", 40)
    rows = (folder / "images" / "labels.csv").read_text().splitlines()
    moved = [rows[0]]
    for number, row in enumerate(rows[1:]):
        name, label = row.split(",")
        place = f"{'ab'[number % 2]}/{number // 2:04d}.png"
        (folder / "images" / place).parent.mkdir(exist_ok=True)
        (folder / "images" / name).rename(folder / "images" / place)
        moved.append(f"{place},{label}")
    (folder / "images" / "labels.csv").write_text("\n".join(moved) + "\n")
    image_set = image_sets.open_image_set(folder / "images")
    digest = listing_digest(image_set, file_digests(image_set, own_home / "digests"))
    little_zoo.claim_accuracy(folder, "little/good", "100", digest, 40)
    little_zoo.add_checkpoint(folder, "twin")
    for name in ("first", "again"):
        report = validated(folder, tmp_path / name, sample="auto")
        assert {(run.status, run.n, run.drawn) for run in report.runs} == {("done", 40, None)}
        assert outcomes(report)["little/good"] == "confirmed"


def test_another_seed_draws_others(folder: Path, tmp_path: Path) -> None:
    whole(folder, tmp_path / "whole", "little/float")
    ids: list[tuple[str, ...]] = []
    for seed in (1, 2, 1):
        out = tmp_path / f"{seed}-{len(ids)}"
        (run,) = auto(folder, out, "little/int8", seed=seed).runs
        ids.append(Predictions.read(out / "predictions" / f"{run.key}.npz").ids)
    assert ids[0] == ids[2] != ids[1]


def test_a_bad_reference_costs_images_alone(folder: Path, tmp_path: Path) -> None:
    """It is right wherever the network is wrong, and sure of it."""
    model = json.loads((folder / "other.json").read_text())
    opposite = shutil.copytree(folder, tmp_path / "opposite")
    (opposite / "other.json").write_text(json.dumps(model | {"errs": 1000}))
    whole(opposite, tmp_path / "whole", "little/other")
    report = auto(folder, tmp_path / "out", "little/twin,little/int8", reference=str(tmp_path / "whole"))
    assert outcomes(report) == {"little/twin": "confirmed", "little/int8": "refuted"}
