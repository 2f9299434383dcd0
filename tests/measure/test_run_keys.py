"""One key, one answer: checkpoints of the same bytes share what was computed, and never a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import validated
from zoo.images import image_sets
from zoo.images.digests import file_digests, listing_digest
from zoo.report.run_rows import run_rows
from zoo.runs.folder import RunFolder
from zoo.runs.merge import merged

COUNT = 300


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    """`little/good`, always right."""
    return little_zoo.make(tmp_path / "little", COUNT)


def same_file(folder: Path, name: str, **fields: str) -> None:
    """A checkpoint `little/<name>` of the same file as `little/good`."""
    record = {"framework": "fake", "format": "fake", "recipe": "whole", "label_map": "ten", **fields}
    lines = [f'{key} = "{value}"\n' for key, value in {"id": f"little/{name}", **record}.items()]
    with (folder / "checkpoints.toml").open("a", encoding="utf-8") as file:
        file.write(f'[[checkpoint]]\n{"".join(lines)}files = [{{ name = "good.json" }}]\n\n')


def other_label_map(folder: Path) -> None:
    """`shifted`: output 0 is no class, so that every answer is off by one."""
    text = '[[label_map]]\nid = "shifted"\noutputs = 10\nclasses = 9\nfirst = 1\n'
    with (folder / "label_maps.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}")
    # its nine classes need labels of their own range
    rows = (folder / "images" / "labels.csv").read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if not row.endswith(",9")]
    for row in {*rows} - {*kept}:
        (folder / "images" / row.split(",")[0]).unlink()
    (folder / "images" / "labels.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")


def digest_and_count(folder: Path, home: Path) -> tuple[str, int]:
    found = image_sets.open_image_set(folder / "images")
    return listing_digest(found, file_digests(found, home / "digests")), len(found.images)


def test_another_label_map_is_another_run_of_the_same_scores(folder: Path, tmp_path: Path) -> None:
    other_label_map(folder)
    same_file(folder, "shifted", label_map="shifted")
    report = validated(folder, tmp_path / "out")
    good, shifted = report.runs
    assert good.sha256 == shifted.sha256
    assert good.key != shifted.key
    assert (good.reused, shifted.reused) == (False, True)
    assert (good.top1_correct, shifted.top1_correct) == (good.n, 0)
    answers = [RunFolder(tmp_path / "out").predictions(each) for each in (good, shifted)]
    assert [int(each.top1.sum()) for each in answers if each is not None] == [good.n, 0]


def test_a_true_claim_is_confirmed_beside_a_run_of_the_same_bytes(folder: Path, tmp_path: Path, own_home: Path) -> None:
    """Its course is read from its own answers, whatever came after it."""
    other_label_map(folder)
    same_file(folder, "shifted", label_map="shifted")
    little_zoo.claim_accuracy(folder, "little/good", "100.0", *digest_and_count(folder, own_home))
    report = validated(folder, tmp_path / "out", sample="auto")
    (verdict,) = [each for each in report.verdicts if each.claim_id]
    assert (verdict.subject, verdict.outcome) == ("little/good@fake", "confirmed"), verdict.reason
    again = RunFolder(tmp_path / "out").report()
    assert [each.outcome for each in again.verdicts if each.claim_id] == ["confirmed"]


@pytest.mark.parametrize(
    ("fields", "rule"), [({}, "X201"), ({"weights": "w2", "converted_from": "little/good"}, "X202")]
)
def test_two_ids_of_the_same_bytes_are_compared(
    folder: Path, tmp_path: Path, fields: dict[str, str], rule: str
) -> None:
    same_file(folder, "twin", **fields)
    report = validated(folder, tmp_path / "out")
    found = [each for each in report.verdicts if each.rule == rule]
    keys = {each.checkpoint: each.key for each in report.runs}
    assert {(each.subject, each.run, each.against) for each in found} == {
        ("little/twin@fake", keys["little/twin"], keys["little/good"])
    }
    # Of so few images equal answers do not show that the accuracies are equal over all.
    assert [(each.outcome, each.measured) for each in found] == [("inconclusive", 0), ("inconclusive", 0)]


def test_the_order_of_the_images_is_part_of_a_run(folder: Path, tmp_path: Path, own_home: Path) -> None:
    """Two runs that looked at all images, in two orders and without one, are three in a merged report."""
    little_zoo.claim_accuracy(folder, "little/good", "100.0", *digest_and_count(folder, own_home))
    ordered = {"sample": "auto", "reference": "none"}  # else the answers that are kept by then are judged whole
    requests: tuple[dict[str, Any], ...] = ({}, {**ordered, "seed": 1}, {**ordered, "seed": 2})
    for number, request in enumerate(requests):
        validated(folder, tmp_path / str(number), **request)
    found, _ = merged([RunFolder(tmp_path / str(number)) for number in range(3)])
    assert [(each.n, each.look_every) for each in found.runs] == [(COUNT, 0), (COUNT, 128), (COUNT, 128)]


def test_the_same_run_twice_is_one(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        validated(folder, tmp_path / name)
    assert len(merged([RunFolder(tmp_path / "a"), RunFolder(tmp_path / "b")])[0].runs) == 1


def test_runs_that_could_not_be_made_have_their_own_documented_numbers(
    folder: Path, tmp_path: Path, own_home: Path
) -> None:
    """They have no key, and are told apart all the same."""
    little_zoo.add_checkpoint(folder, "other")
    little_zoo.claim_accuracy(folder, "little/good", "81.0", *digest_and_count(folder, own_home))
    with (folder / "claims.csv").open("a", encoding="utf-8") as file:
        file.write("second,little/other,top1,42.0,percent,1,own,page\n")
    for name in ("good", "other"):
        (folder / f"{name}.json").unlink()
    report = validated(folder, tmp_path / "out")
    found = run_rows(report, RunFolder(tmp_path / "out").documents().claims)
    assert [(row.checkpoint, row.documented) for row in found] == [
        ("little/good", "81.0 / –"),
        ("little/other", "42.0 / –"),
    ]


def test_a_key_names_one_file_of_answers(folder: Path, tmp_path: Path) -> None:
    same_file(folder, "twin")
    report = validated(folder, tmp_path / "out")
    names = {path.stem for path in (tmp_path / "out" / "predictions").iterdir()}
    assert names == {each.key for each in report.runs}
    assert len(names) == 2
    stored = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert {*stored["answers"]} == names
