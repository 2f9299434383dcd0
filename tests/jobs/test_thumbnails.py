"""Pictures are on a page only when they are asked for, and then they are small, few, and the right ones."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.by_hand import little_zoo
from tests.by_hand.commands import zoo
from tests.by_hand.folders import ANIMALS, answers, run_with, write
from tests.by_hand.pages import HOSTILE, Page
from tests.by_hand.records import a_report
from zoo import disk
from zoo.cli import commands
from zoo.images import image_sets
from zoo.images.digests import file_digests, listing_digest
from zoo.jobs import thumbnails
from zoo.report import html
from zoo.report.extras import Extras
from zoo.report.html import pictures as chosen
from zoo.runs import agreement
from zoo.runs.folder import RunFolder

CLASSES = [0, 1, 2, 3]
LIMIT = 2_000_000


def make_images(folder: Path, count: int = 4) -> Path:
    """Large JPEGs 0.png and so on, with a comment and a turn that must not come through."""
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    for number in range(count):
        picture = Image.new("RGB", (400, 200), (60 * number, 200, 30))
        picture.save(folder / f"{number}.png", "JPEG", comment=b"somebody's name", exif=exif)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(f"{number}.png", CLASSES[number % len(CLASSES)]) for number in range(count)]
        csv.writer(file).writerows([("file", "class_index"), *rows])
    return folder


def details(pictures: dict[str, str], labels: list[int] | None = None) -> Extras:
    """Two runs that disagree on the images whose labels are not the classes."""
    found = {"1a" * 32: answers(CLASSES, CLASSES), "2b" * 32: answers(labels or [0, 4, 2, 5], CLASSES)}
    runs = [run_with(each, key=key, framework=key[:2]) for key, each in found.items()]
    groups = agreement.groups(runs, lambda run: found[run.key], {ANIMALS.id: ANIMALS})
    return Extras(agreement=groups, thumbnails=pictures)


def a_picture(size: int = 40) -> str:
    return "data:image/jpeg;base64," + "A" * size


def page_of(made: Extras) -> str:
    return html.render(a_report(), [], made)


def test_a_picture_is_small_and_holds_nothing_but_pixels(tmp_path: Path) -> None:
    image_set = image_sets.open_image_set(make_images(tmp_path / "some"))
    uri = thumbnails.Thumbnails(image_set)["1.png"]
    data = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    made = Image.open(io.BytesIO(data))
    assert (made.format, made.size) == ("JPEG", (96, 48))
    assert b"somebody" not in data
    assert not made.getexif()
    assert chosen._JPEG.fullmatch(uri)


def test_what_cannot_be_read_has_no_picture(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "some")
    (folder / "2.png").write_bytes(b"no image")
    pictures = thumbnails.Thumbnails(image_sets.open_image_set(folder))
    assert pictures.get("2.png") is None
    assert pictures.get("absent.png") is None
    assert len(pictures) == 4


def test_no_page_has_pictures_unless_they_are_given() -> None:
    page = page_of(details({}))
    assert "<img" not in page
    assert "img-src" not in page
    assert "pass this page on" not in page


def test_pictures_stand_beside_discordant_images_alone() -> None:
    page = page_of(details({f"{number}.png": a_picture() for number in range(4)}))
    shown = [attributes for tag, attributes in Page(page).tags if tag == "img"]
    assert [each["alt"] for each in shown] == ["Picture of 1.png", "Picture of 3.png"]
    assert "; img-src data:" in page
    assert "Do not pass this page on" in page
    assert "are pictured" not in page  # all that are listed


def test_only_small_jpegs_are_let_in() -> None:
    for uri in ("https://example.org/x.jpg", "data:image/svg+xml;base64,AAAA", f"{a_picture()}{HOSTILE}", HOSTILE):
        page = page_of(details({"1.png": uri}))
        assert "<img" not in page
        assert "img-src" not in page


def test_a_page_stays_small_and_says_what_it_leaves_out() -> None:
    pictures = {f"{number}.png": a_picture(chosen.MOST - 100) for number in range(4)}
    page = page_of(details(pictures))
    assert page.count("<img") == 1
    assert "1 of 2 images are pictured" in page
    assert len(page.encode()) < LIMIT


def test_a_folder_is_rendered_with_pictures_of_its_own_images(tmp_path: Path, own_home: Path) -> None:
    folder = make_images(tmp_path / "some")
    image_set = image_sets.open_image_set(folder)
    digest = listing_digest(image_set, file_digests(image_set, disk.home() / "digests"))
    found = {"1a" * 32: answers(CLASSES, CLASSES), "2b" * 32: answers([0, 4, 2, 3], CLASSES)}
    runs = [(run_with(each, key=key, framework=key[:2]), each) for key, each in found.items()]
    path = write(tmp_path / "run", runs, images_digest=digest).path
    done = zoo("report", path, "--thumbnails", "--images", folder)
    assert done.returncode == 0, done.stderr
    assert (path / "report.html").read_text(encoding="utf-8").count("<img") == 1
    assert zoo("report", path).returncode == 0
    assert "<img" not in (path / "report.html").read_text(encoding="utf-8")

    other = make_images(tmp_path / "other")
    Image.new("RGB", (8, 8)).save(other / "0.png", "PNG")
    refused = zoo("report", path, "--thumbnails", "--images", other)
    assert refused.returncode == 2
    assert "these are not the images of" in refused.stderr
    alone = zoo("report", path, "--images", folder)
    assert (alone.returncode, "--thumbnails" in alone.stderr) == (2, True)


def two_runs(path: Path, folder: Path, names: tuple[str, str], **conditions: Any) -> Path:
    """A run folder of two runs that disagree on its images, which lie in `folder`."""
    image_set = image_sets.open_image_set(folder)
    digest = listing_digest(image_set, file_digests(image_set, disk.home() / "digests"))
    ids = tuple(image.id for image in image_set.images)
    found = [replace(answers(labels, CLASSES), ids=ids) for labels in (CLASSES, [0, 4, 2, 3])]
    runs = [
        (run_with(each, key=name * 32, framework=name, image_set=folder.name), each)
        for name, each in zip(names, found, strict=True)
    ]
    command = ("zoo", "validate", "--images", str(folder))
    return write(path, runs, images_digest=digest, image_set=folder.name, command=command, **conditions).path


def test_each_part_of_a_merged_report_has_its_own_images(
    tmp_path: Path, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = make_images(tmp_path / "first"), make_images(tmp_path / "second")
    for path in second.glob("*.png"):
        path.rename(path.with_name(f"b{path.name}"))
    labels = (second / "labels.csv").read_text(encoding="utf-8")
    (second / "labels.csv").write_text(re.sub(r"(\d\.png)", r"b\1", labels), encoding="utf-8")
    runs = [
        two_runs(tmp_path / "one", first, ("1a", "2b"), created="2025-03-01T12:00:00Z"),
        two_runs(tmp_path / "two", second, ("3c", "4d"), created="2025-03-02T12:00:00Z"),
    ]
    arguments = ["report", *map(str, runs), "--out", str(tmp_path / "both"), "--thumbnails"]
    assert commands.run(arguments) == 0
    page = (tmp_path / "both" / "report.html").read_text(encoding="utf-8")
    shown = [attributes["alt"] for tag, attributes in Page(page).tags if tag == "img"]
    assert shown == ["Picture of 1.png", "Picture of b1.png"]
    assert commands.run([*arguments, "--images", str(first)]) == 2
    assert f"--images {first}: these are not the images of" in capsys.readouterr().err

    Image.new("RGB", (8, 8)).save(second / "b1.png", "PNG")
    assert commands.run(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"zoo: {second}, where embedded/onnx@3c found its images: these are not the images of")
    assert said.endswith("; give them with --images\n")


def test_one_name_for_two_images_is_refused(tmp_path: Path, own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = make_images(tmp_path / "first"), make_images(tmp_path / "second")
    Image.new("RGB", (8, 8)).save(second / "1.png", "PNG")
    runs = [
        two_runs(tmp_path / "one", first, ("1a", "2b"), created="2025-03-01T12:00:00Z"),
        two_runs(tmp_path / "two", second, ("3c", "4d"), created="2025-03-02T12:00:00Z"),
    ]
    assert commands.run(["report", *map(str, runs), "--out", str(tmp_path / "both"), "--thumbnails"]) == 2
    assert "two runs have different images by the name 1.png" in capsys.readouterr().err


def test_validate_asks_for_pictures_only_when_told_to(tmp_path: Path, own_home: Path) -> None:
    folder, out = little_zoo.make(tmp_path / "little"), tmp_path / "run"
    with (folder / "label_maps.toml").open("a", encoding="utf-8") as file:
        file.write('[[label_map]]\nid = "eleven"\noutputs = 11\nclasses = 10\nfirst = 0\n')
    little_zoo.add_checkpoint(folder, "eleven", outputs=11)  # its labels are of another division
    checkpoints = (folder / "checkpoints.toml").read_text(encoding="utf-8")
    before, found, after = checkpoints.rpartition('label_map = "ten"')
    assert found
    (folder / "checkpoints.toml").write_text(f'{before}label_map = "eleven"{after}', encoding="utf-8")
    done = zoo("validate", "--zoo", folder, "--out", out, "--thumbnails")
    assert done.returncode in (0, 1), done.stderr
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == page.count('alt="Picture of ') > 5
    assert "; img-src data:" in page
    request = json.loads((out / "request.json").read_text(encoding="utf-8"))
    assert request["thumbnails"] is True  # so that --resume draws them too
    assert RunFolder(out).report().conditions.command[-1] == "--thumbnails"


@pytest.mark.parametrize("given", [(), ("--thumbnails",)])
def test_the_default_is_never(given: tuple[str, ...], tmp_path: Path, own_home: Path) -> None:
    folder, out = little_zoo.make(tmp_path / "little"), tmp_path / "run"
    assert zoo("validate", "--zoo", folder, "--out", out, *given).returncode == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<img" not in page  # one run alone has nothing to disagree with
    assert "img-src" not in page
