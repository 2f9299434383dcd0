"""ReaL labels and ImageNet-V2 through the program as a user runs it: read, counted, stored and judged."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of, zoo
from zoo.images import image_sets, recognition
from zoo.images.labels import anchors
from zoo.records import Report, Verdict
from zoo.records.predictions import Predictions
from zoo.runs.folder import RunFolder

COUNT = 20
WITHOUT, MOVED = (3, 11), (5, 6, 7, 8)  # images without a right class by the other labels; mislabelled by the first


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    """Images that the network knows by ReaL's own names; the first labels deny it four of them."""
    folder = little_zoo.make(tmp_path / "little", count=COUNT)
    images = folder / "images"
    with (images / "labels.csv").open(encoding="utf-8", newline="") as file:
        known = [int(row["class_index"]) for row in csv.DictReader(file)]
    rows, again = ["file,class_index"], []
    for number, answer in enumerate(known):
        # 1 to 20 are the known images of the real set, which would deny these classes
        name = f"ILSVRC2012_val_{number + 101:08d}.png"
        (images / f"{number:04d}.png").rename(images / name)
        rows.append(f"{name},{(answer + 1) % 10 if number in MOVED else answer}")
        again.append("none" if number in WITHOUT else ";".join(map(str, {answer, (answer + 3) % 10})))
    (images / "labels.csv").write_text("\n".join(rows) + "\n")
    names = [row.partition(",")[0] for row in rows[1:]]
    lines = [f"{name},{classes}" for name, classes in zip(names, again, strict=True)]
    (tmp_path / "real.csv").write_text("file,class_index\n" + "\n".join(lines) + "\n")
    _document(folder, tmp_path / "real.csv", "80.0")
    return folder


def _document(folder: Path, real: Path, top1: str, population: str = "own") -> None:
    """Both populations by their labels, and a top-1 that is documented for one of them."""
    digests = []
    for labels in (None, real):
        found = image_sets.open_image_set(folder / "images", labels)
        digests.append(recognition.labels_digest((image.stem, image.classes) for image in found.images))
    little_zoo.claim_accuracy(folder, "little/good", top1, "0" * 64, COUNT)
    (folder / "populations.toml").write_text(
        f'[[population]]\nid = "own"\ntitle = "the little images"\nimages = {COUNT}\nlabels_digest = "{digests[0]}"\n'
        f'[[population]]\nid = "real"\ntitle = "the little images labelled anew"\nimages = {COUNT - len(WITHOUT)}\n'
        f'without_class = {len(WITHOUT)}\nfiles_of = "own"\nlabels_digest = "{digests[1]}"\n'
    )
    claims = (folder / "claims.csv").read_text()
    (folder / "claims.csv").write_text(claims.replace(",own,", f",{population},"))


def _verdicts(report: Report) -> dict[tuple[str, str], Verdict]:
    """By rule and population of the run, without the rules on files and nonsense."""
    by_key = {run.key: run for run in report.runs}
    return {
        (each.rule, by_key[each.run or ""].population_id): each
        for each in report.verdicts
        if each.rule in ("A101", "A102", "A103")
    }


def test_labels_with_several_right_classes(folder: Path, tmp_path: Path) -> None:
    """Right is an answer among the right classes; images without one are left out, and that is said."""
    out, real = tmp_path / "out", tmp_path / "real.csv"
    _document(folder, real, "100.0", population="real")
    done = zoo("validate", "--zoo", folder, "--labels", real, "--out", out)
    assert done.returncode == 0, done.stderr
    report = report_of(out)
    (run,) = report.runs
    assert (run.population, run.population_id, run.n, run.left_out) == ("full", "real", 18, 2)
    assert (run.top1_correct, run.top5_correct, run.recounts) == (18, 18, "")
    judged = _verdicts(report)
    assert {key: each.outcome for key, each in judged.items()} == {("A101", "real"): "confirmed"}
    assert "100.00 % (18 of 18 images), 2 more without a right class are left out" in judged["A101", "real"].reason
    assert report.conditions.images == COUNT
    assert report.conditions.recognition.without_class == 2
    said = "(the full set of real; labels verified, bytes not verified; 2 images of the whole set have no right class"
    assert said in done.stdout.replace("\n", " ")
    assert said in (out / "report.md").read_text().replace("\\", "")
    stored = RunFolder(out).predictions(run)
    assert stored is not None
    assert len(stored.ids) == 18
    assert stored.other_classes is not None
    assert all(stored.indices[row, 0] in stored.right_classes(row) for row in range(18))


def test_a_claim_of_other_labels_is_not_comparable(folder: Path, tmp_path: Path) -> None:
    """Like is compared with like: the reason names both."""
    out = tmp_path / "out"
    assert zoo("validate", "--zoo", folder, "--labels", tmp_path / "real.csv", "--out", out).returncode == 0
    (judged,) = _verdicts(report_of(out)).values()
    assert (judged.rule, judged.outcome) == ("A101", "not_comparable")
    expected = "has the images and labels of the little images labelled anew, not the 20 images of the little images"
    assert expected in judged.reason


def test_both_labels_at_once(folder: Path, tmp_path: Path) -> None:
    """The network answers once; the claim is judged by the labels it names, and fits them alone."""
    out = tmp_path / "out"
    done = zoo("validate", "--zoo", folder, "--more-labels", tmp_path / "real.csv", "--out", out)
    assert done.returncode == 0, done.stderr
    report = report_of(out)
    first, again = report.runs
    assert (first.population_id, first.n, first.top1_correct) == ("own", 20, 16)
    assert (again.population_id, again.n, again.top1_correct, again.recounts) == ("real", 18, 18, first.key)
    judged = _verdicts(report)
    assert {key: each.outcome for key, each in judged.items()} == {
        ("A101", "own"): "confirmed",
        ("A103", "own"): "pass",
    }
    assert "the number fits the little images alone" in judged["A103", "own"].reason
    assert [each.rule for each in report.verdicts if each.rule in ("A201", "X101")] == ["A201"]  # of one set of answers
    second = report.conditions.more_labels
    assert second is not None
    assert (second.label_file, second.population, second.population_id) == ("real.csv", "full", "real")
    assert "counted again by real.csv (the full set of real" in done.stdout.replace("\n", " ")
    markdown = (out / "report.md").read_text()
    assert "little/good (real)" in markdown
    assert f"| second label list sha256 | {second.recognition.labels_digest} |" in markdown
    again_judged = zoo("compare", out)
    assert "refuted" not in again_judged.stdout


@pytest.mark.parametrize("named", ["own", "real"])
def test_a_number_of_other_labels_is_recognised(folder: Path, tmp_path: Path, named: str) -> None:
    """100 % is the number of the labels given anew, 80 % that of the first ones, whatever the document says."""
    out, real = tmp_path / "out", tmp_path / "real.csv"
    _document(folder, real, "100.0" if named == "own" else "80.0", population=named)
    done = zoo("validate", "--zoo", folder, "--more-labels", real, "--out", out)
    assert done.returncode == 1, done.stderr
    judged = _verdicts(report_of(out))
    assert {key: each.outcome for key, each in judged.items()} == {("A101", named): "refuted", ("A103", named): "fail"}
    said = judged["A103", named]
    titles = ["the little images", "the little images labelled anew"]
    shares = ["80.00 % (16 of 20 images)", "100.00 % (18 of 18 images)"]
    if named == "real":
        titles, shares = titles[::-1], shares[::-1]
    assert f"for {titles[0]}, where {shares[0]} are right; for {titles[1]}, {shares[1]} are right" in said.reason
    assert f"fits {titles[1]}, not {titles[0]}, so it is likely to be one of {titles[1]}" in said.reason
    assert (said.finding_class, said.size, said.size_unit) == ("contradiction", 20, "points")
    assert said.against == next(run.key for run in report_of(out).runs if run.population_id != named)


def test_a_number_that_fits_nothing(folder: Path, tmp_path: Path) -> None:
    out, real = tmp_path / "out", tmp_path / "real.csv"
    _document(folder, real, "55.0")
    zoo("validate", "--zoo", folder, "--more-labels", real, "--out", out)
    assert {key: each.outcome for key, each in _verdicts(report_of(out)).items()} == {("A101", "own"): "refuted"}


def test_two_run_folders_are_judged_together(folder: Path, tmp_path: Path) -> None:
    """Other images, as ImageNet-V2's, are another run; merged, the two are recognised as well."""
    _document(folder, tmp_path / "real.csv", "100.0")
    for name, more in (("a", []), ("b", ["--labels", tmp_path / "real.csv"])):
        zoo("validate", "--zoo", folder, "--out", tmp_path / name, *more)
    done = zoo("report", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "both")
    assert done.returncode == 0, done.stderr
    judged = _verdicts(report_of(tmp_path / "both"))
    assert {key: each.outcome for key, each in judged.items()} == {("A101", "own"): "refuted", ("A103", "own"): "fail"}


def test_a_sample_of_both(folder: Path, tmp_path: Path) -> None:
    """What is drawn is drawn from all images; those without a right class do not count."""
    out = tmp_path / "out"
    done = zoo("validate", "--zoo", folder, "--more-labels", tmp_path / "real.csv", "--sample", "15", "--out", out)
    assert done.returncode in (0, 1), done.stderr
    first, again = report_of(out).runs
    assert (first.population, first.n, again.population) == ("random_sample", 15, "random_sample")
    assert again.n + again.left_out == 15
    assert again.top1_correct == again.n


def test_early_stopping_counts_the_counted_alone(folder: Path, tmp_path: Path) -> None:
    out, real = tmp_path / "out", tmp_path / "real.csv"
    _document(folder, real, "100.0", population="real")
    done = zoo("validate", "--zoo", folder, "--labels", real, "--sample", "auto", "--out", out)
    assert done.returncode == 0, done.stderr
    (run,) = report_of(out).runs
    assert (run.population, run.n, run.left_out, run.top1_correct) == ("full", 18, 0, 18)
    refused = zoo("validate", "--zoo", folder, "--more-labels", real, "--sample", "auto", "--out", out)
    assert refused.returncode == 2
    assert "--more-labels with --sample auto: claims about the first labels decide" in refused.stderr


def test_real_json_itself(tmp_path: Path, own_home: Path) -> None:
    """A list of lists in the order of the validation images, an empty one for an image without a right class."""
    folder = little_zoo.make(tmp_path / "little", count=12)
    images = folder / "images"
    with (images / "labels.csv").open(encoding="utf-8", newline="") as file:
        answers = [int(row["class_index"]) for row in csv.DictReader(file)]
    for number in range(12):
        (images / f"{number:04d}.png").rename(images / f"ILSVRC2012_val_{number + 1:08d}.png")
    (images / "labels.csv").unlink()
    # The known images of the real set have other classes; most of what is counted has to contain them.
    wide = [[answer, anchors()[f"ILSVRC2012_val_{n:08d}"]] for n, answer in enumerate(answers, 1)]
    (tmp_path / "real.json").write_text(json.dumps([[], *wide[1:]]))
    label_map = '[[label_map]]\nid = "ten"\noutputs = 1000\nclasses = 1000\nfirst = 0\n'
    (folder / "label_maps.toml").write_text(label_map, encoding="utf-8")
    model = json.loads((folder / "good.json").read_text())
    (folder / "good.json").write_text(json.dumps({**model, "outputs": 1000}))
    done = zoo("validate", "--zoo", folder, "--labels", tmp_path / "real.json", "--out", tmp_path / "out")
    assert done.returncode in (0, 1), done.stderr
    (run,) = report_of(tmp_path / "out").runs
    assert (run.n, run.left_out, run.population) == (11, 1, "other")
    (tmp_path / "real.json").write_text(json.dumps([[(each + 1) % 1000 for each in entry] for entry in wide]))
    refused = zoo("validate", "--zoo", folder, "--labels", tmp_path / "real.json", "--out", tmp_path / "out")
    assert refused.returncode == 3
    assert "the labels contradict known images of the ILSVRC2012 validation set" in refused.stderr


def test_folders_named_by_number(tmp_path: Path, own_home: Path) -> None:
    """As ImageNet-V2 is published. As text 10 comes before 2; the network, which knows its pixels, is always right."""
    folder = little_zoo.make(tmp_path / "little", count=60)
    images = folder / "images"
    with (images / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    (images / "labels.csv").unlink()
    for row in rows:
        place = images / "v2-format-val" / row["class_index"]
        place.mkdir(parents=True, exist_ok=True)
        (images / row["file"]).rename(place / row["file"])
    done = zoo("validate", "--zoo", folder, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (run,) = report_of(tmp_path / "out").runs
    assert (run.n, run.top1_correct) == (60, 60)
    answers = Predictions.read(tmp_path / "out" / "predictions" / f"{run.key}.npz")
    assert answers.other_classes is None
    assert np.unique(answers.classes).tolist() == list(range(10))


def test_unknown_labels_beside_known_ones(folder: Path, tmp_path: Path) -> None:
    """The claim is judged by the labels that are known, and the others are shown beside it."""
    rows = (tmp_path / "real.csv").read_text().replace("none", "4", 1)
    (tmp_path / "other.csv").write_text(rows)
    done = zoo("validate", "--zoo", folder, "--more-labels", tmp_path / "other.csv", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    report = report_of(tmp_path / "out")
    assert {key: each.outcome for key, each in _verdicts(report).items()} == {("A101", "own"): "confirmed"}
    assert (report.runs[1].population, report.runs[1].n, report.runs[1].left_out) == ("other", 19, 1)
    assert "little/good (other labels)" in (tmp_path / "out" / "report.md").read_text()
    listed = zoo("list", "image-sets", "--zoo", folder)
    assert "files of own" in listed.stdout
