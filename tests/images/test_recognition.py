"""Which image sets are a population, which only look like one, and what is said of either."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of, zoo
from tests.by_hand.records import a_report, some_conditions
from zoo.documents.load import load_zoo
from zoo.errors import ManifestError
from zoo.images import image_sets, labels, recognition
from zoo.images.digests import archive_digest, file_digests, listing_digest
from zoo.images.image_sets import Image, ImageSet
from zoo.records import Population, Recognition
from zoo.report import markdown, terminal, text

IMAGENET = load_zoo("published").populations["imagenet_val"]
KNOWN = {image.stem: image.sha256 for image in IMAGENET.known_images}


def no_archive(path: Path) -> str:
    raise AssertionError(f"{path} was hashed, and could decide nothing")


# --- twelve images -------------------------------------------------------------------------------


def numbered(count: int = 12, classes: int = 4, first: int = 1) -> ImageSet:
    found = (Image(f"sub/v{n:04d}.JPEG", n % classes, Path("nowhere")) for n in range(first, first + count))
    return ImageSet("x", Path("nowhere"), tuple(found))


def hashes(image_set: ImageSet) -> tuple[str, ...]:
    """Another one for each image."""
    return tuple(hashlib.sha256(image.stem.encode()).hexdigest() for image in image_set.images)


def twelve(**more: Any) -> Population:
    """`numbered()` by its names and labels."""
    fields = {"id": "twelve", "title": "twelve images", "images": 12, "id_pattern": "v{n:04d}"}
    own = recognition.labels_digest((image.stem, image.class_index) for image in numbered().images)
    return Population.model_validate({**fields, "labels_digest": own, **more})


def recognised(
    image_set: ImageSet, *populations: Population, digests: tuple[str, ...] | None = None
) -> recognition.Recognised:
    by_id = {each.id: each for each in populations or (twelve(),)}
    return recognition.recognise(image_set, digests or hashes(image_set), by_id, no_archive)


def test_digest_of_labels_is_the_documented_one() -> None:
    """Sorted lines "stem class", a newline after each: what `sort | sha256sum` makes of them."""
    pairs = [("b", 10), ("a", 2), ("b", 1), ("\udcff", 0)]
    lines = b"a 2\nb 1\nb 10\n\xff 0\n"
    assert recognition.labels_digest(pairs) == hashlib.sha256(lines).hexdigest()
    assert recognition.labels_digest(pairs[::-1]) == recognition.labels_digest(pairs)


def test_names_and_labels() -> None:
    found = recognised(numbered())
    assert (found.population, found.population_id) == ("full", "twelve")
    assert found.how == Recognition(labels_digest=twelve().labels_digest or "", bytes_by="nothing")


@pytest.mark.parametrize(
    "found", [numbered(11), numbered(13), numbered(first=2)], ids=["one less", "one more", "other names"]
)
def test_other_images(found: ImageSet) -> None:
    other = recognised(found)
    assert (other.population, other.population_id, other.how.bytes_by, other.how.doubt) == ("other", "", "", "")


def relabelled(image_set: ImageSet, changed: Mapping[int, int]) -> ImageSet:
    return dataclasses.replace(
        image_set,
        images=tuple(
            dataclasses.replace(image, class_index=changed.get(n, image.class_index))
            for n, image in enumerate(image_set.images)
        ),
    )


def test_two_labels_exchanged() -> None:
    """As many images of each class as before."""
    first, second = (numbered().images[n].class_index for n in (0, 1))
    found = recognised(relabelled(numbered(), {0: second, 1: first}))
    assert (found.population, found.how.bytes_by) == ("other", "")
    expected = f"expected {str(twelve().labels_digest)[:8]})"
    assert found.how.doubt.startswith("names are those of twelve, labels are not (their digest begins ")
    assert found.how.doubt.endswith(expected)


def test_labels_without_known_names_say_nothing_of_other_labels() -> None:
    found = recognised(relabelled(numbered(), {0: 3}), twelve(id_pattern=None))
    assert (found.population, found.how.doubt) == ("other", "")


# --- bytes ---------------------------------------------------------------------------------------


def known(*numbers: int, **more: Any) -> tuple[dict[str, Any], ...]:
    own = dict(zip(range(1, 13), hashes(numbered()), strict=True))
    return tuple({"stem": f"v{n:04d}", "sha256": own[n], **more} for n in numbers)


def test_known_images() -> None:
    found = recognised(numbered(), twelve(known_images=known(2, 5)))
    assert (found.population, found.how.bytes_by, found.how.known_images) == ("full", "known_images", 2)


@pytest.mark.parametrize(
    "wrong", [{"stem": "v0005", "sha256": "0" * 64}, {"stem": "w", "sha256": "0" * 64}], ids=["other bytes", "no such"]
)
def test_a_known_image_with_other_bytes(wrong: dict[str, Any]) -> None:
    found = recognised(numbered(), twelve(known_images=(*known(2), wrong)))
    assert (found.population, found.how.bytes_by, found.how.known_images) == ("other", "", 0)
    assert "names and labels are those of twelve, but 1 of 2 known images have other bytes" in found.how.doubt
    assert wrong["stem"] in found.how.doubt


@pytest.mark.parametrize(("size", "expected"), [(5, "full"), (6, "other")])
def test_a_known_size(tmp_path: Path, size: int, expected: str) -> None:
    """Of a file, and of a member of an archive."""
    (tmp_path / "v").write_bytes(b"12345")
    for place in ({"path": tmp_path / "v"}, {"offset": 512, "size": 5}):
        first, *others = numbered().images
        found = dataclasses.replace(numbered(), images=(dataclasses.replace(first, **place), *others))
        sized = twelve(known_images=({"stem": "v0001", "size_bytes": size},))
        assert recognised(found, sized).population == expected


def test_digest_of_all_bytes() -> None:
    found = numbered()
    whole = Population(id="mine", title="", images=12, digest=listing_digest(found, hashes(found)))
    exact = recognised(found, twelve(), whole)
    assert (exact.population_id, exact.how.bytes_by) == ("twelve", "nothing")  # the first that it is
    exact = recognised(found, whole)
    assert (exact.population, exact.population_id, exact.how.bytes_by) == ("full", "mine", "digest")
    changed = ("0" * 64, *hashes(found)[1:])
    other = recognised(found, whole, digests=changed)
    assert (other.population, other.how.doubt) == ("other", "")
    labelled = whole.changed(labels_digest=twelve().labels_digest)
    other = recognised(found, labelled, digests=changed)
    assert other.how.doubt == "names and labels are those of mine, but paths or bytes are not"


def tar_of(path: Path, count: int = 12) -> Path:
    with tarfile.open(path, "w") as archive:
        for n in range(1, count + 1):
            info = tarfile.TarInfo(f"v{n:04d}.JPEG")
            info.size = 4
            archive.addfile(info, io.BytesIO(f"{n:04d}".encode()))
    (path.parent / "labels.csv").write_text(
        "file,class_index\n" + "".join(f"v{n:04d}.JPEG,{n % 4}\n" for n in range(1, count + 1))
    )
    return path


def test_the_published_archive(tmp_path: Path) -> None:
    """Its bytes are known by its hash. One that is as long and has another is damaged. Any other was packed anew."""
    path = tar_of(tmp_path / "twelve.tar")
    found = image_sets.open_image_set(path)
    digests = file_digests(found, tmp_path / "cache")

    def hashed(path: Path) -> str:
        return archive_digest(path, tmp_path / "cache")

    def of(**archive: Any) -> recognition.Recognised:
        published = {"name": "twelve.tar", "size_bytes": path.stat().st_size, "sha256": sha256, **archive}
        hash_archive = no_archive if "size_bytes" in archive else lambda path: archive_digest(path, tmp_path / "c")
        return recognition.recognise(found, digests, {"twelve": twelve(archive=published)}, hash_archive)

    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (of().population, of().how.bytes_by) == ("full", "archive")
    damaged = of(sha256="0" * 64)
    assert (damaged.population, damaged.how.bytes_by) == ("other", "")
    assert "has the size of twelve.tar and another sha256" in damaged.how.doubt
    assert (of(size_bytes=1).population, of(size_bytes=1).how.bytes_by) == ("full", "nothing")


# --- copies --------------------------------------------------------------------------------------


def test_links_to_one_image() -> None:
    found = recognised(numbered(), digests=("0" * 64,) * 12)
    assert (found.population, found.how.bytes_by) == ("other", "")
    assert found.how.doubt == "names and labels are those of twelve, but too many images are copies of another one"
    assert (found.how.copies, found.how.copies_relabelled) == (11, 9)
    assert found.how.copies_listed[0] == "sub/v0002.JPEG has the bytes of sub/v0001.JPEG and another label"


def test_one_true_pair_is_told_and_allowed() -> None:
    first, *others = hashes(numbered())
    found = recognised(numbered(), digests=(first, *others[:3], first, *others[4:]))
    assert (found.population, found.how.copies, found.how.copies_relabelled) == ("full", 1, 0)
    assert found.how.copies_listed == ("sub/v0005.JPEG has the bytes of sub/v0001.JPEG and the same label",)


def test_a_digest_of_all_bytes_allows_any_copies() -> None:
    same = ("0" * 64,) * 12
    whole = Population(id="mine", title="", images=12, digest=listing_digest(numbered(), same))
    found = recognised(numbered(), whole, digests=same)
    assert (found.population, found.how.copies) == ("full", 11)


# --- the ILSVRC2012 validation set ---------------------------------------------------------------


@pytest.fixture(scope="module")
def real_labels(assets: Path) -> dict[str, int]:
    """Stem to class of all 50,000."""
    found = labels.read_labels(assets / "labels" / "val_50000_sorted_synset.txt").labels
    return {stem: label.class_index for stem, label in found.items()}


def validation_set(real: Mapping[str, int]) -> tuple[ImageSet, list[str]]:
    """50,000 images that nobody opens, and hashes for them: the published ones where they are known."""
    found = (Image(f"{stem}.JPEG", class_index, Path("nowhere")) for stem, class_index in real.items())
    return ImageSet("val", Path("nowhere"), tuple(found)), [
        KNOWN.get(stem) or f"{n:064x}" for n, stem in enumerate(real)
    ]


def test_both_real_lists_give_the_published_digest(assets: Path, real_labels: Mapping[str, int]) -> None:
    assert recognition.labels_digest(real_labels.items()) == IMAGENET.labels_digest
    assert str(IMAGENET.labels_digest)[:8] == "bc8e35f7"
    assert str(IMAGENET.labels_digest)[-7:] == "ad56d94"
    devkit = labels.read_labels(assets / "labels" / "ILSVRC2012_validation_ground_truth.txt").labels
    pairs = [(stem, label.class_index) for stem, label in devkit.items()]
    assert recognition.labels_digest(pairs) == IMAGENET.labels_digest
    shifted = ((stem, class_index + 1) for stem, class_index in pairs)
    assert recognition.labels_digest(shifted) != IMAGENET.labels_digest


def test_known_images_are_of_the_set(real_labels: Mapping[str, int]) -> None:
    assert len(KNOWN) == 21
    assert KNOWN.keys() <= real_labels.keys()
    assert all(KNOWN.values())


def test_the_validation_set(real_labels: Mapping[str, int]) -> None:
    found, digests = validation_set(real_labels)
    whole = recognised(found, IMAGENET, digests=tuple(digests))
    assert (whole.population, whole.how.bytes_by, whole.how.known_images) == ("full", "known_images", 21)
    # in class folders, with other suffixes
    moved = tuple(dataclasses.replace(each, id=f"n/{each.stem}.png") for each in found.images)
    again = recognised(dataclasses.replace(found, images=moved), IMAGENET, digests=tuple(digests))
    assert again.population == "full"


def test_two_percent_of_its_labels_shuffled(real_labels: Mapping[str, int]) -> None:
    found, digests = validation_set(real_labels)
    places = range(100, 50_000, 50)  # 998 labels, moved by one place; every class keeps its 50 images
    moved = dict(zip(places, [found.images[n].class_index for n in (*places[1:], places[0])], strict=True))
    other = recognised(relabelled(found, moved), IMAGENET, digests=tuple(digests))
    assert other.population == "other"
    assert other.how.doubt.startswith("names are those of imagenet_val, labels are not (their digest begins ")
    assert other.how.doubt.endswith(", expected bc8e35f7)")


def test_resized_files(real_labels: Mapping[str, int]) -> None:
    found, _ = validation_set(real_labels)
    other = recognised(found, IMAGENET, digests=tuple(f"{n:064x}" for n in range(50_000)))
    assert other.population == "other"
    assert "21 of 21 known images have other bytes" in other.how.doubt


def test_copies_within_and_beyond_what_the_real_set_has(real_labels: Mapping[str, int]) -> None:
    found, digests = validation_set(real_labels)
    for copies, expected in ((29, "full"), (50, "full"), (51, "other")):
        some = [*digests[:-copies], *digests[-copies - 60 : -60]]
        assert recognised(found, IMAGENET, digests=tuple(some)).population == expected, copies


# --- other labels of the same files ---------------------------------------------------------------


def labelled_anew(**more: Any) -> tuple[ImageSet, Population]:
    """`numbered()` with two right classes for one image and none for another, and the population that it is."""
    first, second, *others = numbered().images
    images = (
        dataclasses.replace(first, class_index=0, other_classes=(1, 3)), dataclasses.replace(second, class_index=-1),
        *others,
    )  # fmt: skip
    found = dataclasses.replace(numbered(), images=images)
    digest = recognition.labels_digest((image.stem, image.classes) for image in images)
    fields = {"id": "anew", "title": "", "images": 11, "without_class": 1, "files_of": "twelve"}
    return found, Population.model_validate({**fields, "labels_digest": digest, **more})


def test_other_labels_are_another_population() -> None:
    found, anew = labelled_anew()
    known = twelve(known_images=({"stem": "v0002", "sha256": hashes(found)[1]},))  # also of an image that has no class
    whole = recognised(found, known, anew)
    assert (whole.population, whole.population_id) == ("full", "anew")
    assert (whole.how.bytes_by, whole.how.known_images, whole.how.without_class) == ("known_images", 1, 1)
    assert recognised(numbered(), known, anew).population_id == "twelve"


def test_other_labels_of_other_files() -> None:
    found, anew = labelled_anew()
    known = twelve(known_images=({"stem": "v0002", "sha256": "0" * 64},))
    other = recognised(found, known, anew)
    assert other.population == "other"
    assert "names and labels are those of anew, but 1 of 1 known images have other bytes" in other.how.doubt
    wrong, _ = labelled_anew()
    wrong = dataclasses.replace(wrong, images=(numbered().images[0], *wrong.images[1:]))
    assert "names are those of anew, labels are not" in recognised(wrong, known, anew).how.doubt


def test_a_population_of_labels_states_no_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="files_of: what is known of the files is stated by that population alone"):
        labelled_anew(id_pattern="v{n}")
    folder = little_zoo.make(tmp_path / "little", count=1)
    row = f'[[population]]\nid = "p"\ntitle = "t"\nimages = 3\n{LABELS}\nfiles_of = "nobody"\n'
    (folder / "populations.toml").write_text(row, encoding="utf-8")
    with pytest.raises(ManifestError, match="files_of: expected the id of a known population, got 'nobody'"):
        load_zoo(str(folder))


def test_what_is_known_of_real_and_of_v2() -> None:
    """ReaL counts 46,837 of the same 50,000 files; of ImageNet-V2 the archive is known whole."""
    known = load_zoo("published").populations
    real, v2 = known["imagenet_real"], known["imagenet_v2_matched_frequency"]
    assert (real.images, real.images + real.without_class, real.files_of) == (46_837, IMAGENET.images, IMAGENET.id)
    assert v2.archive is not None
    assert (v2.images, v2.archive.size_bytes % 512) == (10_000, 0)  # whole blocks of a tar: nothing is compressed


# --- records -------------------------------------------------------------------------------------


DIGEST = f'digest = "{"0" * 64}"'
LABELS = f"labels_{DIGEST}"
ONE = '{ stem = "a", size_bytes = 1 }'


@pytest.mark.parametrize(
    ("population", "expected"),
    [
        ('id_pattern = "v{n}"', "digest or labels_digest is needed, as names alone recognise no images"),
        (f"{LABELS}\nper_class = 50", "field per_class: not known; labels_digest stands for"),
        (f'{LABELS}\nknown_images = [{{ stem = "a" }}]', "sha256 or size_bytes is needed"),
        (f"{LABELS}\nknown_images = [{ONE}, {ONE}]", "known_images: a stem occurs twice"),
        (f"{DIGEST}\nknown_images = [{ONE}]", "digest stands for every byte"),
        *(
            (f'{LABELS}\nid_pattern = "{pattern}"', "id_pattern: expected one {n} or {n:08d} in a name")
            for pattern in ("v", "{n}{n}", "{n.real}", "{n:999999999d}", "{0}", "{n!r}")
        ),
    ],
)
def test_populations_that_cannot_be(tmp_path: Path, population: str, expected: str) -> None:
    """Patterns are no programs either."""
    text = f'[[population]]\nid = "p"\ntitle = "t"\nimages = 3\n{population}\n'
    folder = little_zoo.make(tmp_path / "little", count=1)
    (folder / "populations.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError) as raised:
        load_zoo(str(folder))
    assert "populations.toml, line" in str(raised.value)
    assert expected in str(raised.value)


def test_populations_of_older_run_folders_can_be_read() -> None:
    """They were recognised by names and counts; nothing is recognised by them any more."""
    old = {"id": "imagenet_val", "title": "", "images": 12, "id_pattern": "v{n:04d}", "per_class": 3}
    found = recognised(numbered(), Population.from_json(old))
    assert found.population == "other"


# --- what a user sees ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    """A zoo whose population states labels, and one image."""
    folder = little_zoo.make(tmp_path / "little")
    found = image_sets.open_image_set(folder / "images")
    own = recognition.labels_digest((image.stem, image.class_index) for image in found.images)
    little_zoo.claim_accuracy(folder, "little/good", "100.0", "0" * 64, 12)
    sha256 = hashlib.sha256((folder / "images" / "0003.png").read_bytes()).hexdigest()
    (folder / "populations.toml").write_text(
        f'[[population]]\nid = "own"\ntitle = "the little images"\nimages = 12\nlabels_digest = "{own}"\n'
        f'known_images = [{{ stem = "0003", sha256 = "{sha256}" }}]\n'
    )
    return folder


def test_a_users_own_population(folder: Path, tmp_path: Path) -> None:
    """Recognised whole and sampled; not when its images are links to one of them."""
    out = tmp_path / "out"
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 0, done.stderr
    whole = report_of(out).conditions
    assert (whole.population, whole.recognition.bytes_by, whole.recognition.known_images) == ("full", "known_images", 1)
    written = json.loads((out / "report.json").read_text())["conditions"]["recognition"]
    assert written["labels_digest"] in (folder / "populations.toml").read_text()
    known = "(the full set of own; labels verified, bytes only of 1 image)"
    assert f"/images {known}." in done.stdout
    assert known in (out / "report.md").read_text().replace("\\", "")
    assert known in (out / "report.html").read_text()

    zoo("validate", "--zoo", folder, "--out", out, "--sample", "6")
    assert (report_of(out).conditions.population, report_of(out).conditions.images) == ("random_sample", 6)
    assert report_of(out).conditions.recognition == whole.recognition

    for path in sorted((folder / "images").glob("*.png"))[1:]:
        path.unlink()
        path.symlink_to(folder / "images" / "0000.png")
    done = zoo("validate", "--zoo", folder, "--out", out, "--quiet", "--sample", "6")
    other = report_of(out)
    assert (other.conditions.population, other.runs[0].population) == ("other", "other")
    assert {verdict.rule: verdict.outcome for verdict in other.verdicts if verdict.rule != "A201"} == {
        "A101": "not_comparable"
    }
    assert other.conditions.recognition.copies == 11
    assert "not the documented images: names and labels are those of own, but too many images" in done.stderr
    assert "11 images are copies of another one, " in done.stderr
    assert "0001.png has the bytes of 0000.png" in done.stderr
    assert "Images: 6 images of " in done.stdout


def test_fresh_reads_the_images_again(folder: Path, tmp_path: Path, own_home: Path) -> None:
    """Remembered hashes are not believed then (test_image_sets.py has one that a rotten disk made false)."""
    out = tmp_path / "out"
    zoo("validate", "--zoo", folder, "--out", out)
    (memory,) = (own_home / "digests").iterdir()
    made, digest = memory.stat().st_mtime_ns, report_of(out).conditions.images_digest
    zoo("validate", "--zoo", folder, "--out", out, "--fresh")
    assert memory.stat().st_mtime_ns > made
    assert report_of(out).conditions.images_digest == digest


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"bytes_by": "digest"}, "(the full set of shapes_test; labels and all bytes verified)"),
        (
            {"bytes_by": "archive"},
            "(the full set of shapes_test; labels verified, all bytes by the published hash of the archive)",
        ),
        ({"bytes_by": "nothing"}, "(the full set of shapes_test; labels verified, bytes not verified)"),
        (
            {"bytes_by": "nothing", "copies": 2, "copies_relabelled": 1},
            "bytes not verified); 2 images are copies of another one, 1 of them with another label",
        ),
        ({}, "(the full set of shapes_test)"),
    ],
)
def test_how_it_is_said(how: dict[str, Any], expected: str) -> None:
    report = a_report(recognition=Recognition(**how))
    assert text.images_of(report).endswith(expected)
    assert expected in markdown.render(report, []).replace("\\", "")
    said = how.get("bytes_by") not in (None, "digest", "archive")
    assert (f"Images: {text.images_of(report)}." in terminal.summary(report)) == said


def test_a_doubt_is_said_in_place_of_the_population() -> None:
    doubt = "names are those of shapes_test, labels are not"
    conditions = some_conditions(population="other", population_id="", recognition=Recognition(doubt=doubt))
    assert text.images_sentence(conditions) == f"1000 images of shapes_test (not the documented images: {doubt})"


def test_conditions_list_what_was_found() -> None:
    how = Recognition(labels_digest="ab" * 32, copies=1, copies_listed=("b.png has the bytes of a.png",))
    page = markdown.render(a_report(recognition=how), [])
    assert f"| label list sha256 | {'ab' * 32} |" in page
    assert "| copies | b.png has the bytes of a.png |" in page.replace("\\", "")
    assert "copies" not in markdown.render(a_report(), [])
