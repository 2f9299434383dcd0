"""Every kind of image set a user may have, and every way in which one may be wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from zoo import disk
from zoo.documents.classes import imagenet_classes
from zoo.errors import ImageSetError, UsageError
from zoo.images import digests, labels
from zoo.images import image_sets as images
from zoo.images.digests import archive_digest, duplicates, file_digests, listing_digest

CLASSES = imagenet_classes()
ANCHORS = list(labels.anchors().values())
TO_ID = {index: number for number, index in CLASSES.by_ilsvrc2012_id.items()}


def jpeg(seed: int) -> bytes:
    """A small picture; another for every seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    out = io.BytesIO()
    PilImage.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()


def name(number: int) -> str:
    return f"ILSVRC2012_val_{number:08d}.JPEG"


def fill(folder: Path, content: Mapping[str, bytes | str]) -> Path:
    for path, data in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def validation_images(count: int) -> dict[str, bytes | str]:
    return {name(number): jpeg(number) for number in range(1, count + 1)}


def classes_of(image_set: images.ImageSet) -> dict[str, int]:
    return {image.id: image.class_index for image in image_set.images}


def refusal(path: Path, label_file: Path | None = None) -> str:
    with pytest.raises(ImageSetError) as raised:
        images.open_image_set(path, label_file)
    return str(raised.value)


def class_folders() -> dict[str, bytes | str]:
    return {"n01443537/b.JPEG": jpeg(1), "n01440764/a.JPEG": jpeg(2), "n01440764/c.JPEG": jpeg(3)}


def plain(count: int, class_index: int = 0) -> dict[str, bytes | str]:
    """A folder with a labels.csv."""
    rows = "".join(f"{n:04d}.jpg,{class_index}\n" for n in range(count))
    return {"labels.csv": "file,class_index\n" + rows} | {f"{n:04d}.jpg": jpeg(n) for n in range(count)}


# --- kinds ---------------------------------------------------------------------------------------


def test_class_folders(tmp_path: Path) -> None:
    extra: dict[str, bytes | str] = {
        "README": "",
        "n01440764/.hidden.jpg": "",
        "list.txt": "",
        ".git/x.jpg": "",
    }
    found = images.open_image_set(fill(tmp_path / "val", class_folders() | extra))
    assert found.name == "val"
    assert found.root == tmp_path / "val"
    assert classes_of(found) == {"n01440764/a.JPEG": 0, "n01440764/c.JPEG": 0, "n01443537/b.JPEG": 1}
    assert [image.id for image in found.images] == sorted(image.id for image in found.images)
    assert found.images[0].read() == jpeg(2)


@pytest.mark.parametrize(
    "label_file", ["labels.csv", "val.txt", "ILSVRC2012_validation_ground_truth.txt", "synset_labels.txt"]
)
@pytest.mark.parametrize("place", ["flat", "."])
def test_one_flat_folder(tmp_path: Path, label_file: str, place: str) -> None:
    """The label file lies in the folder or beside it."""
    lines = {
        "labels.csv": ["file,wnid", *(f"{name(n)},{CLASSES.wnids[c]}" for n, c in enumerate(ANCHORS, 1))],
        "val.txt": [f"{name(n)} {c}" for n, c in enumerate(ANCHORS, 1)],
        "ILSVRC2012_validation_ground_truth.txt": [f"val/{name(n)} {TO_ID[c]}" for n, c in enumerate(ANCHORS, 1)],
        "synset_labels.txt": [f"{name(n)} {CLASSES.wnids[c]}" for n, c in enumerate(ANCHORS, 1)],
    }
    fill(tmp_path / "flat", validation_images(20))
    fill(tmp_path, {f"{place}/{label_file}": "\n".join(lines[label_file]) + "\n"})
    found = images.open_image_set(tmp_path / "flat")
    assert list(classes_of(found).values()) == ANCHORS


def test_label_file_by_name(tmp_path: Path) -> None:
    fill(tmp_path / "flat", validation_images(3))
    given = fill(tmp_path, {"mine/list.txt": "".join(f"{name(n)} {TO_ID[ANCHORS[n - 1]]}\n" for n in (1, 2, 3))})
    found = images.open_image_set(tmp_path / "flat", given / "mine" / "list.txt")
    assert list(classes_of(found).values()) == ANCHORS[:3]


def test_any_folder_with_labels(tmp_path: Path) -> None:
    """Folder names mean nothing then."""
    csv = "file,class_index,name\nfish/a.jpg,7,x\nb.png,4,y\n"
    found = images.open_image_set(fill(tmp_path, {"labels.csv": csv, "fish/a.jpg": jpeg(1), "b.png": jpeg(2)}))
    assert classes_of(found) == {"b.png": 4, "fish/a.jpg": 7}


def test_labels_beside_the_folder_may_name_it(tmp_path: Path) -> None:
    fill(tmp_path, {"labels.csv": "file,class_index\nimages/a.jpg,7\n", "images/a.jpg": jpeg(1)})
    assert classes_of(images.open_image_set(tmp_path / "images")) == {"a.jpg": 7}


def test_the_embedded_images() -> None:
    found = images.open_image_set(disk.EMBEDDED / "images")
    assert found.images[0].id == "0000.jpg"
    images.check_labels_against_classes(found, 1000)


def test_links_to_images_and_folders(tmp_path: Path) -> None:
    store = fill(tmp_path / "store", class_folders())
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "n01443537").symlink_to(store / "n01443537")
    (tmp_path / "val" / "n01440764").mkdir()
    (tmp_path / "val" / "n01440764" / "a.JPEG").symlink_to(store / "n01440764" / "a.JPEG")
    assert classes_of(images.open_image_set(tmp_path / "val")) == {
        "n01440764/a.JPEG": 0,
        "n01443537/b.JPEG": 1,
    }


# --- tar -----------------------------------------------------------------------------------------


def tar(path: Path, content: Mapping[str, bytes], *special: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as archive:
        for member, data in content.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in special:
            archive.addfile(info)
    return path


def validation_tar(tmp_path: Path) -> Path:
    """Members in no order, as in the original."""
    content = {name(number): jpeg(number) for number in (3, 1, 2)}
    fill(tmp_path, {"val.txt": "".join(f"{name(n)} {ANCHORS[n - 1]}\n" for n in (1, 2, 3))})
    return tar(tmp_path / "ILSVRC2012_img_val.tar", content)


def test_tar_in_place(tmp_path: Path) -> None:
    archive = validation_tar(tmp_path)
    before = sorted(tmp_path.iterdir())
    found = images.open_image_set(archive)
    assert found.name == "ILSVRC2012_img_val"
    assert classes_of(found) == {name(n): ANCHORS[n - 1] for n in (1, 2, 3)}
    assert [image.read() for image in found.images] == [jpeg(1), jpeg(2), jpeg(3)]
    assert sorted(tmp_path.iterdir()) == before


def test_tar_of_class_folders(tmp_path: Path) -> None:
    content = {f"./{path}": bytes(data) for path, data in class_folders().items() if isinstance(data, bytes)}
    folder = tarfile.TarInfo("n01440764")
    folder.type = tarfile.DIRTYPE
    found = images.open_image_set(tar(tmp_path / "val.tar", content | {"./._x.jpg": b"", "list.txt": b""}, folder))
    assert classes_of(found) == {"n01440764/a.JPEG": 0, "n01440764/c.JPEG": 0, "n01443537/b.JPEG": 1}


def test_tar_and_folder_are_the_same_set(tmp_path: Path) -> None:
    packed = images.open_image_set(validation_tar(tmp_path))
    fill(tmp_path / "flat", validation_images(3))
    flat = images.open_image_set(tmp_path / "flat")
    hashes = [file_digests(found, tmp_path / "cache") for found in (packed, flat)]
    assert hashes[0] == hashes[1]
    assert listing_digest(packed, hashes[0]) == listing_digest(flat, hashes[1])


def special(member: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(member)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        (special("a.JPEG", tarfile.SYMTYPE, "/etc/passwd"), "'a.JPEG': a link (to '/etc/passwd')"),
        (special("a.JPEG", tarfile.LNKTYPE, "b.JPEG"), "'a.JPEG': a link (to 'b.JPEG')"),
        (special("a.JPEG", tarfile.CHRTYPE), "'a.JPEG': a device"),
        (special("a.JPEG", tarfile.FIFOTYPE), "'a.JPEG': a device"),
        (special("../a.JPEG", tarfile.REGTYPE), "'../a.JPEG': the path leaves the archive"),
        (special("/tmp/a.JPEG", tarfile.REGTYPE), "'/tmp/a.JPEG': the path leaves the archive"),
        (special("x/../../a.JPEG", tarfile.REGTYPE), "the path leaves the archive"),
        (special("../notes.txt", tarfile.REGTYPE), "'../notes.txt': the path leaves the archive"),
        (special("n01440764/a.JPEG", tarfile.REGTYPE), "n01440764/a.JPEG: the same name twice"),
    ],
)
def test_hostile_members(tmp_path: Path, member: tarfile.TarInfo, expected: str) -> None:
    archive = tar(tmp_path / "val.tar", {"n01440764/a.JPEG": jpeg(1)}, member)
    message = refusal(archive)
    assert message.startswith(f"{archive}: the archive is refused for 1 members")
    assert expected in message


def test_compressed_or_no_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "val.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.JPEG"))
    assert "expected a folder of images, or an uncompressed tar archive" in refusal(tmp_path / "val.tar.gz")
    fill(tmp_path, {"a.jpg": jpeg(1), "empty.tar": b""})
    assert "expected a folder of images, or an uncompressed tar archive" in refusal(tmp_path / "a.jpg")
    assert "expected a folder of images, or an uncompressed tar archive" in refusal(tmp_path / "empty.tar")


@pytest.mark.parametrize("cut", [300, 512, 700, 1024, 1500, 2048, 3000])
def test_truncated_tar(tmp_path: Path, cut: int) -> None:
    """Wherever it breaks off, even between two members."""
    archive = validation_tar(tmp_path)
    archive.write_bytes(archive.read_bytes()[:cut])
    assert refusal(archive).startswith(f"{archive}: ")


def test_damaged_header(tmp_path: Path) -> None:
    """`tarfile` alone would take it for the end of the archive and lose the images behind it."""
    archive = validation_tar(tmp_path)
    with tarfile.open(archive) as opened:
        second = opened.getmembers()[1].offset
    data = bytearray(archive.read_bytes())
    data[second : second + 8] = b"\xff" * 8
    archive.write_bytes(data)
    assert f"truncated or damaged: expected its end mark, got none at byte {second:,}" in refusal(archive)


def test_an_archive_that_becomes_shorter(tmp_path: Path) -> None:
    archive = validation_tar(tmp_path)
    found = images.open_image_set(archive)
    archive.write_bytes(archive.read_bytes()[:1024])
    with pytest.raises(ImageSetError, match=r"ILSVRC2012_val_00000001\.JPEG: expected \d+ bytes, got 0"):
        found.images[0].read()


# --- refusals ------------------------------------------------------------------------------------


def test_no_such_path(tmp_path: Path) -> None:
    fill(tmp_path / "imagenet_val", class_folders())
    message = refusal(tmp_path / "imagenet_vla")
    assert message.endswith(f"{tmp_path} holds nearest: imagenet_val")
    assert "does not exist either" in refusal(tmp_path / "nowhere" / "val")


def test_empty_folder(tmp_path: Path) -> None:
    assert "no image in it; expected class folders (n01440764/*.JPEG)" in refusal(fill(tmp_path, {"a.txt": ""}))


def test_no_labels(tmp_path: Path) -> None:
    message = refusal(fill(tmp_path / "flat", validation_images(3)))
    assert "the images have no labels; looked for labels.csv, val.txt" in message
    assert "--labels" in message


def test_class_folders_with_other_names(tmp_path: Path) -> None:
    content: dict[str, bytes | str] = {"tench/a.jpg": jpeg(1), "goldfish/b.jpg": jpeg(2)}
    message = refusal(fill(tmp_path / "val", content))
    assert "2 folders are not named by a wnid such as n01440764, and there is no label file" in message
    assert "  goldfish (1 images)" in message
    given = fill(tmp_path, {"l.csv": "file,wnid\ntench/a.jpg,n01440764\ngoldfish/b.jpg,n01443537\n"}) / "l.csv"
    assert classes_of(images.open_image_set(tmp_path / "val", given)) == {
        "goldfish/b.jpg": 1,
        "tench/a.jpg": 0,
    }


def test_class_folders_of_no_class(tmp_path: Path) -> None:
    message = refusal(fill(tmp_path, {"n01440764/a.jpg": jpeg(1), "n01440765/b.jpg": jpeg(2)}))
    assert "1 class folders are none of the 1000 classes of ILSVRC2012:\n  n01440765 (1 images)" in message


def test_class_folders_one_level_down(tmp_path: Path) -> None:
    content = {f"val/{path}": data for path, data in class_folders().items()}
    assert "class folders lie in val: name that folder instead" in refusal(fill(tmp_path, content))


def test_an_image_outside_the_class_folders(tmp_path: Path) -> None:
    message = refusal(fill(tmp_path, class_folders() | {"stray.jpg": jpeg(9)}))
    assert "the folder itself (1 images)" in message


def test_class_folders_and_labels_that_disagree(tmp_path: Path) -> None:
    csv = "file,class_index\nn01440764/a.JPEG,0\nn01440764/c.JPEG,5\nn01443537/b.JPEG,1\n"
    message = refusal(fill(tmp_path, class_folders() | {"labels.csv": csv}))
    assert "1 of 3 labels contradict the class folders" in message
    assert "n01440764/c.JPEG: class 5 in the file, 0 by its folder" in message


def test_a_list_beside_class_folders_is_not_theirs(tmp_path: Path) -> None:
    fill(tmp_path, {"val.txt": "x.jpg 0\n", "labels.csv": "file,class_index\nx.jpg,0\n"})
    assert len(images.open_image_set(fill(tmp_path / "val", class_folders())).images) == 3
    archive = tar(tmp_path / "val.tar", {"n01440764/a.JPEG": jpeg(1)})
    assert len(images.open_image_set(archive).images) == 1


def test_images_without_label_and_labels_without_image(tmp_path: Path) -> None:
    folder = fill(tmp_path, plain(40))
    for number in range(25):
        (folder / f"{number:04d}.jpg").rename(folder / f"x{number:04d}.jpg")
    message = refusal(folder)
    assert f"{folder}: 25 of 40 images have no label in {folder / 'labels.csv'}" in message
    assert f"{folder / 'labels.csv'}: 25 of 40 labels have no image in {folder}" in message
    assert "  line 2: 0000.jpg" in message
    assert message.count("and 5 more") == 2


def test_a_part_of_a_list_needs_its_own(tmp_path: Path) -> None:
    folder = fill(tmp_path, plain(4))
    (folder / "0002.jpg").unlink()
    message = refusal(folder)
    assert "1 of 4 labels have no image" in message
    assert "line 4: 0002.jpg" in message
    assert "a part of a set needs a label file of its own" in message


def test_labels_that_name_nothing(tmp_path: Path) -> None:
    fill(tmp_path, {"labels.csv": "file,class_index\na.jpg,1\n", "sub/a.jpg": jpeg(1)})
    assert "files are named relative to the image folder, such as sub/a.jpg" in refusal(tmp_path)


def test_the_same_validation_image_twice(tmp_path: Path) -> None:
    content: dict[str, bytes | str] = {f"a/{name(1)}": jpeg(1), f"b/{name(1)}": jpeg(1)}
    message = refusal(fill(tmp_path, content | {"val.txt": f"{name(1)} 65\n"}))
    assert f"1 images are there twice:\n  b/{name(1)} and a/{name(1)}" in message


def test_files_that_may_be_images(tmp_path: Path) -> None:
    message = refusal(fill(tmp_path, class_folders() | {"n01440764/d.jpg.part": b"", "n01440764/e": b""}))
    assert "2 files are neither images (.jpeg .jpg" in message
    assert "n01440764/d.jpg.part" in message
    assert "n01440764/e" in message


def test_names_that_would_break_a_listing(tmp_path: Path) -> None:
    message = refusal(fill(tmp_path, {"n01440764/a\nb.jpg": jpeg(1)}))
    assert "'n01440764/a\\nb.jpg': a control character in the name" in message


def test_links_in_a_circle(tmp_path: Path) -> None:
    fill(tmp_path, class_folders())
    (tmp_path / "n01440764" / "again").symlink_to(tmp_path)
    assert "the link leads back to a folder around it" in refusal(tmp_path)


def test_label_file_that_is_not_there(tmp_path: Path) -> None:
    message = refusal(fill(tmp_path, class_folders()), tmp_path / "labels.txt")
    assert message == f"{tmp_path / 'labels.txt'}: no such label file"


@pytest.mark.parametrize("column", ["class_index", "wnid"])
def test_labels_that_deny_known_images(tmp_path: Path, column: str) -> None:
    """Devkit numbers in a labels.csv, or lines shifted by one: no image of it is what the label says."""
    wrong: dict[str, list[Any]] = {
        "class_index": [TO_ID[index] for index in ANCHORS],
        "wnid": [CLASSES.wnids[i - 1] for i in ANCHORS],
    }
    rows = "".join(f"{name(number)},{value}\n" for number, value in enumerate(wrong[column], 1))
    message = refusal(fill(tmp_path, validation_images(20) | {"labels.csv": f"file,{column}\n{rows}"}))
    assert "the labels contradict known images of the ILSVRC2012 validation set" in message
    assert f"{name(1)}: labelled {490 if column == 'class_index' else 64}, known to be 65" in message


def test_validation_images_in_wrong_class_folders(tmp_path: Path) -> None:
    assert "known to be 65" in refusal(fill(tmp_path, {f"n01440764/{name(1)}": jpeg(1)}))


def test_labels_against_classes(tmp_path: Path) -> None:
    found = images.open_image_set(fill(tmp_path, plain(30, class_index=999)))
    images.check_labels_against_classes(found, 1000)
    with pytest.raises(ImageSetError) as raised:
        images.check_labels_against_classes(found, 999)
    message = str(raised.value)
    assert "30 labels are outside 0..998, the network's classes" in message
    assert "0000.jpg: 999" in message
    assert message.endswith("and 10 more")


# --- content -------------------------------------------------------------------------------------


def test_digests_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = images.open_image_set(fill(tmp_path / "set", plain(50)))
    told: list[int] = []
    first = file_digests(found, tmp_path / "cache", told.append)
    assert first == tuple(hashlib.sha256(jpeg(n)).hexdigest() for n in range(50))
    assert sum(told) == 50
    assert len(list((tmp_path / "cache").iterdir())) == 1
    monkeypatch.setattr(images.Image, "read", lambda self: pytest.fail("was read again"))
    assert file_digests(found, tmp_path / "cache", told.append) == first
    assert sum(told) == 100


def test_digests_follow_the_order_of_the_set(tmp_path: Path) -> None:
    found = images.open_image_set(fill(tmp_path / "set", plain(9)))
    mixed = images.ordered(found, 1)
    by_id = dict(zip((i.id for i in found.images), file_digests(found, tmp_path / "cache"), strict=True))
    assert file_digests(mixed, tmp_path / "cache") == tuple(by_id[image.id] for image in mixed.images)


@pytest.mark.parametrize("change", ["size", "time", "label", "name"])
def test_digests_notice_changes(tmp_path: Path, change: str) -> None:
    folder = fill(tmp_path / "set", plain(3))
    before = file_digests(images.open_image_set(folder), tmp_path / "cache")
    target = folder / "0001.jpg"
    if change == "size":
        target.write_bytes(jpeg(77) + b"x")
    elif change == "time":
        target.write_bytes(jpeg(1)[:-3] + b"abc")
        os.utime(target, ns=(1, 1))
    elif change == "label":
        fill(folder, {"labels.csv": plain(3, class_index=4)["labels.csv"]})
    else:
        target.rename(folder / "0009.jpg")
        csv = str(plain(3)["labels.csv"]).replace("0001", "0009")
        fill(folder, {"labels.csv": csv})
    after = file_digests(images.open_image_set(folder), tmp_path / "cache")
    assert (after == before) == (change == "label")
    assert sorted(after) == sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.jpg"))


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"format": 1, "digests": ["0"]}', '{"format": 1, "digests": [1, 2, 3]}']
)
def test_a_damaged_memory_is_made_again(tmp_path: Path, damage: str) -> None:
    found = images.open_image_set(fill(tmp_path / "set", plain(3)))
    expected = file_digests(found, tmp_path / "cache")
    (memory,) = (tmp_path / "cache").iterdir()
    memory.write_text(damage)
    assert file_digests(found, tmp_path / "cache") == expected
    assert len(json.loads(memory.read_text())["digests"]) == 3


def test_digests_list_what_cannot_be_read(tmp_path: Path) -> None:
    found = images.open_image_set(fill(tmp_path / "set", plain(30)))
    for image in found.images[:25]:
        image.path.unlink()
    with pytest.raises(ImageSetError) as raised:
        file_digests(found, tmp_path / "cache")
    message = str(raised.value)
    assert "25 images cannot be read" in message
    assert "0000.jpg: No such file or directory" in message
    assert message.endswith("and 5 more")
    assert not (tmp_path / "cache").exists()


def test_digests_where_nothing_can_be_written(tmp_path: Path) -> None:
    found = images.open_image_set(fill(tmp_path / "set", plain(3)))
    blocked = fill(tmp_path, {"file": ""}) / "file" / "cache"
    with pytest.raises(disk.CacheError, match=r"bytes are needed"):
        file_digests(found, blocked)


def test_a_change_that_sets_its_time_back_is_noticed(tmp_path: Path) -> None:
    """The same size and time of change, as after `touch -r`; the file system keeps another time of its own."""
    folder = fill(tmp_path / "set", plain(3))
    before = file_digests(images.open_image_set(folder), tmp_path / "cache")
    target = folder / "0001.jpg"
    stat = target.stat()
    target.write_bytes(jpeg(1)[:-3] + b"abc")
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (target.stat().st_size, target.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    after = file_digests(images.open_image_set(folder), tmp_path / "cache")
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_a_change_without_any_trace_is_noticed_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that rots changes no time. The key stays what it was, as it would there."""
    folder = fill(tmp_path / "set", plain(3))
    found = images.open_image_set(folder)
    key = digests._listing_key(folder, found.images)
    monkeypatch.setattr(digests, "_listing_key", lambda root, images: key)
    before = file_digests(found, tmp_path / "cache")
    (folder / "0001.jpg").write_bytes(jpeg(1)[:-3] + b"abc")
    assert file_digests(found, tmp_path / "cache") == before
    fresh = file_digests(found, tmp_path / "cache", fresh=True)
    assert [one == other for one, other in zip(before, fresh, strict=True)] == [True, False, True]
    assert file_digests(found, tmp_path / "cache") == fresh


def test_digest_of_an_archive(tmp_path: Path) -> None:
    archive = validation_tar(tmp_path)
    expected = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert archive_digest(archive, tmp_path / "cache") == expected
    (memory,) = (tmp_path / "cache").iterdir()
    made = memory.stat().st_mtime_ns
    assert archive_digest(archive, tmp_path / "cache") == expected
    assert memory.stat().st_mtime_ns == made
    archive.write_bytes(archive.read_bytes() + bytes(512))
    assert archive_digest(archive, tmp_path / "cache") != expected


def test_duplicates(tmp_path: Path) -> None:
    folder = fill(tmp_path / "set", plain(5))
    shutil.copy(folder / "0001.jpg", folder / "0004.jpg")
    found = images.open_image_set(folder)
    assert duplicates(file_digests(found, tmp_path / "cache")) == ((1, 4),)


def test_listing_digest_is_the_documented_one(tmp_path: Path) -> None:
    found = images.open_image_set(fill(tmp_path / "set", plain(3, class_index=2)))
    hashes = file_digests(found, tmp_path / "cache")
    text = "".join(f"{n:04d}.jpg {hashes[n]} 2\n" for n in range(3))
    assert listing_digest(found, hashes) == hashlib.sha256(text.encode()).hexdigest()
    turned = dataclasses.replace(found, images=found.images[::-1])
    assert listing_digest(turned, hashes[::-1]) == listing_digest(found, hashes)


def numbered(count: int, classes: int) -> images.ImageSet:
    found = (images.Image(f"sub/v{n:04d}.JPEG", n % classes, Path("nowhere")) for n in range(1, count + 1))
    return images.ImageSet("x", Path("nowhere"), tuple(found))


# --- order ---------------------------------------------------------------------------------------


def test_order_is_the_documented_one() -> None:
    """Everyone draws the same images, whatever form their set has."""
    found = numbered(40, 4)
    names = sorted(
        (f"v{n:04d}" for n in range(1, 41)), key=lambda stem: hashlib.sha256(f"7:{stem}".encode()).hexdigest()
    )
    assert [image.stem for image in images.ordered(found, 7).images] == names
    flat = dataclasses.replace(
        found, images=tuple(dataclasses.replace(i, id=f"{i.stem}.png") for i in found.images[::-1])
    )
    assert [image.stem for image in images.ordered(flat, 7).images] == names
    assert [image.stem for image in images.ordered(found, 8).images] != names


def test_a_sample_is_the_beginning_of_the_order() -> None:
    found = numbered(40, 4)
    drawn = images.sample(found, 15, 7)
    assert set(drawn.images) == set(images.ordered(found, 7).images[:15])
    assert list(drawn.images) == sorted(drawn.images, key=lambda image: image.id)
    assert set(images.sample(found, 10, 7).images) < set(drawn.images)
    assert images.sample(found, 40, 7) == found


@pytest.mark.parametrize("n", [0, -1, 41])
def test_a_sample_of_impossible_size(n: int) -> None:
    with pytest.raises(UsageError, match="expected 1 to 40, the size of the set"):
        images.sample(numbered(40, 4), n, 0)


# --- real images ---------------------------------------------------------------------------------


def test_real_images_with_either_real_list(assets: Path, tmp_path: Path) -> None:
    """A part of the validation set, labelled by lines taken from each of the two lists."""
    folder = assets / "images" / "ilsvrc2012_val_1300"
    found = images.open_image_set(folder)
    assert len(found.images) == 1300
    numbers = [int(image.stem.rpartition("_")[2]) for image in found.images]
    devkit = (assets / "labels" / "ILSVRC2012_validation_ground_truth.txt").read_text().split()
    rows = "".join(f"{name(n)} {devkit[n - 1]}\n" for n in numbers)
    assert "cannot be told which classes its numbers mean" in refusal(folder, fill(tmp_path, {"l.txt": rows}) / "l.txt")
    rows = "".join(f"{name(n)},{CLASSES.wnids[CLASSES.by_ilsvrc2012_id[int(devkit[n - 1])]]}\n" for n in numbers)
    given = fill(tmp_path, {"l.csv": f"file,wnid\n{rows}"}) / "l.csv"
    assert images.open_image_set(folder, given) == found


def test_real_class_folders(assets: Path, tmp_path: Path) -> None:
    sample = images.open_image_set(assets / "images" / "imagenet_sample_1000")
    for image in sample.images[:60]:
        folder = tmp_path / "val" / CLASSES.wnids[image.class_index]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / image.path.name).symlink_to(image.path)
    found = images.open_image_set(tmp_path / "val")
    assert {image.stem: image.class_index for image in found.images} == {
        image.stem: image.class_index for image in sample.images[:60]
    }


def test_folders_named_by_the_numbers_of_their_classes(tmp_path: Path) -> None:
    """ImageNet-V2's form, in a folder and in an archive. As text 10 would come before 2."""
    for number in range(12):
        (tmp_path / "v2" / str(number)).mkdir(parents=True)
        (tmp_path / "v2" / str(number) / f"{number:x}a.jpeg").write_bytes(b"x")
    expected = {f"{number}/{number:x}a.jpeg": number for number in range(12)}
    assert classes_of(images.open_image_set(tmp_path / "v2")) == expected
    with tarfile.open(tmp_path / "v2.tar.gz", "w") as archive:  # the published one is not compressed either
        archive.add(tmp_path / "v2", "v2-format-val")
    packed = classes_of(images.open_image_set(tmp_path / "v2.tar.gz"))
    assert packed == {f"v2-format-val/{name}": number for name, number in expected.items()}
    (tmp_path / "v2" / "7" / "7a.jpeg").unlink()
    with pytest.raises(ImageSetError, match="11 folders are not named by a wnid"):
        images.open_image_set(tmp_path / "v2")


def test_labels_given_anew_may_deny_class_folders_but_not_most_known_images(tmp_path: Path) -> None:
    known = labels.anchors()
    for stem, number in known.items():
        folder = tmp_path / "val" / CLASSES.wnids[number]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stem}.JPEG").write_bytes(b"x")

    def given(classes: dict[str, str]) -> images.ImageSet:
        rows = "".join(f"{stem},{written}\n" for stem, written in classes.items())
        (tmp_path / "real.csv").write_text(f"file,class_index\n{rows}")
        return images.open_image_set(tmp_path / "val", tmp_path / "real.csv")

    stems = list(known)
    own = {stem: f"{number};5" for stem, number in known.items()}
    found = given({**own, stems[0]: "none", stems[1]: "8"})
    assert (len(found.images), len(found.counted)) == (len(known), len(known) - 1)
    shifted = {stem: f"{number + 1};5" for stem, number in known.items()}
    with pytest.raises(ImageSetError, match="the labels contradict known images"):
        given(shifted)
