"""Stored files: whole ones are read, all others are set aside with one line, whatever happened to them."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from zoo import kept
from zoo.disk import CacheError
from zoo.errors import DamagedError

CONTENT = bytes(range(256)) * 3
KEY, OTHER = "what it is of", "something else"


@pytest.fixture
def path(tmp_path: Path, own_home: Path) -> Path:
    """A stored file of KEY."""
    made = own_home / "kind" / "file.bin"
    kept.write(made, KEY, lambda out: _all(out, CONTENT))
    return made


@pytest.fixture
def sealed(tmp_path: Path, own_home: Path) -> Path:
    """A stored JSON object of KEY."""
    made = own_home / "kind" / "file.json"
    kept.write_json(made, KEY, {"number": 12, "list": [1.5, None, "ä"]})
    return made


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    """A stored folder of KEY."""
    made = own_home / "kind" / "folder"
    kept.folder(made, KEY, fill)
    return made


def _all(out: BinaryIO, data: bytes) -> None:
    out.write(data)


def fill(target: Path) -> list[str]:
    """Two files, one in a folder of its own."""
    (target / "deep").mkdir()
    (target / "deep" / "b").write_bytes(b"second")
    (target / "a").write_bytes(b"first")
    return ["a", "deep/b"]


def is_set_aside(path: Path, damaged: bytes, said: pytest.LogCaptureFixture) -> bool:
    """Whether one line names the file, which is kept under another name as it was."""
    (record,) = said.records
    named = str(path) in record.getMessage() and "\n" not in record.getMessage()
    return named and not path.exists() and path.with_name(f"{path.name}.set-aside").read_bytes() == damaged


def test_what_was_written_is_read(path: Path, sealed: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert kept.read(path, KEY) == CONTENT
    assert kept.is_whole(path, KEY)
    assert kept.read_json(sealed, KEY) == {"number": 12, "list": [1.5, None, "ä"]}
    assert kept.read(path.with_name("absent"), KEY) is None
    assert not kept.is_whole(path.with_name("absent"), KEY)
    assert kept.read_json(path.with_name("absent"), KEY) is None
    assert not caplog.records


def test_an_empty_content_is_one(own_home: Path) -> None:
    path = own_home / "nothing"
    kept.write(path, KEY, lambda out: None)
    assert kept.read(path, KEY) == b""


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda data: b"",
    "cut by one byte": lambda data: data[:-1],
    "cut in the middle": lambda data: data[: len(data) // 2],
    "its trailer cut off": lambda data: data[:-170],
    "zeros in the middle": lambda data: data[:100] + bytes(100) + data[200:],
    "zeros": lambda data: bytes(len(data)),
    "longer": lambda data: data + b"more",
    "twice": lambda data: data + data,
    "something else": lambda data: b"no stored file at all",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_set_aside(
    path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    assert kept.read(path, KEY) is None
    assert is_set_aside(path, damaged, caplog)
    assert kept.read(path, KEY) is None  # and nothing more is said


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_is_found_wherever_it_is(path: Path, sealed: Path, seed: int) -> None:
    chance = random.Random(seed)
    before = kept.read_json(sealed, KEY)
    for name in (path, sealed):
        data = bytearray(name.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        name.write_bytes(data)
    assert kept.read(path, KEY) is None
    assert kept.read_json(sealed, KEY) in (None, before)  # a space may have become another space


def test_every_bit_of_a_trailer_counts(path: Path) -> None:
    whole = path.read_bytes()
    for at in range(len(CONTENT), len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DamagedError):
            kept.content(path, KEY)


def test_a_file_of_another_key_is_set_aside(path: Path, sealed: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name, read in ((path, kept.read), (sealed, kept.read_json)):
        caplog.clear()
        data = name.read_bytes()
        assert read(name, OTHER) is None
        assert "it is of another key" in caplog.text
        assert is_set_aside(name, data, caplog)


def test_two_files_that_changed_places(path: Path) -> None:
    other = path.with_name("other")
    kept.write(other, OTHER, lambda out: _all(out, CONTENT))  # even with one content
    both = path.read_bytes(), other.read_bytes()
    path.write_bytes(both[1])
    other.write_bytes(both[0])
    assert (kept.read(path, KEY), kept.read(other, OTHER)) == (None, None)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("12", "13"),
        lambda text: text.replace('"number"', '"numbers"'),
        lambda text: text[:-3],
        lambda text: "",
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: text.replace('"xxh3_128"', '"xxh3"'),
        lambda text: json.dumps({**json.loads(text), "seal": "none"}),
        lambda text: json.dumps({**json.loads(text), "more": 1}),
    ],
)
def test_an_edited_json_file_is_set_aside(
    sealed: Path, edit: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    edited = edit(sealed.read_text(encoding="utf-8"))
    sealed.write_text(edited, encoding="utf-8")
    assert kept.read_json(sealed, KEY) is None
    assert is_set_aside(sealed, edited.encode(), caplog)


def test_spaces_and_order_are_no_damage(sealed: Path) -> None:
    found = json.loads(sealed.read_text(encoding="utf-8"))
    sealed.write_text(json.dumps(dict(reversed(found.items()))), encoding="utf-8")
    assert kept.read_json(sealed, KEY) == {"number": 12, "list": [1.5, None, "ä"]}


def test_a_file_of_an_older_version_counts_as_missing(sealed: Path, caplog: pytest.LogCaptureFixture) -> None:
    sealed.write_text('{"number": 12}', encoding="utf-8")
    assert kept.read_json(sealed, KEY) is None
    assert sealed.exists()
    assert not caplog.records


def test_of_one_name_the_latest_is_set_aside(path: Path) -> None:
    for damaged in (b"once", b"twice"):
        path.write_bytes(damaged)
        assert not kept.is_whole(path, KEY)
    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == {"file.bin.set-aside": b"twice"}


def test_what_another_process_made_again_is_left(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It was found damaged, and is whole by the time it would be set aside."""
    whole, reads = path.read_bytes(), iter([b"damaged"])
    monkeypatch.setattr(Path, "read_bytes", lambda self: next(reads, whole))
    assert kept.read(path, KEY) is None
    assert path.exists()
    assert not caplog.records


def test_a_killed_write_leaves_nothing_that_is_read(own_home: Path) -> None:
    path = own_home / "kind" / "file.bin"

    def die(out: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.write(path, KEY, die)
    assert list(path.parent.iterdir()) == []


def test_once_leaves_what_is_there(path: Path) -> None:
    kept.write(path, KEY, lambda out: _all(out, b"another"), once=True)
    assert kept.read(path, KEY) == CONTENT


def test_unreadable_and_unwritable_is_one_sentence(path: Path) -> None:
    """A folder stands where the file should; root may read and write everything, so no permission is taken away."""
    path.unlink()
    path.mkdir()
    with pytest.raises(CacheError, match="cannot write"):
        kept.write(path, KEY, lambda out: _all(out, CONTENT))
    assert kept.read(path, KEY) is None
    assert path.with_name("file.bin.set-aside").is_dir()


def test_nothing_is_read_below_a_file(path: Path) -> None:
    below = path / "file.bin"
    assert (kept.read(below, KEY), kept.is_whole(below, KEY), kept.read_json(below, KEY)) == (None, False, None)
    with pytest.raises(CacheError, match="bytes are needed"):
        kept.write_json(below, KEY, {})


def test_arrays_are_read_by_their_own_readers(own_home: Path) -> None:
    """Workers map pixels with numpy alone; notebooks read answers."""
    pixels, archive = own_home / "pixels.npy", own_home / "answers.npz"
    array = np.arange(5000, dtype=np.uint8).reshape(50, 100)
    kept.write(pixels, KEY, lambda out: np.save(out, array))
    kept.write(archive, KEY, lambda out: np.savez_compressed(out, array=array))
    assert np.array_equal(np.load(pixels, mmap_mode="r", allow_pickle=False), array)
    with np.load(archive, allow_pickle=False) as found:
        assert np.array_equal(found["array"], array)


def test_a_folder_is_filled_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    found = kept.folder(folder, KEY, fill)
    assert [each.name for each in found] == ["a", "deep/b"]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert not caplog.records


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "a").write_bytes(b"fIrst"),
        lambda folder: (folder / "deep" / "b").unlink(),
        lambda folder: (folder / "contents.json").unlink(),
        lambda folder: (folder / "contents.json").write_text("{}"),
        lambda folder: shutil.copy(folder / "a", folder / "deep" / "b"),
    ],
)
def test_a_damaged_folder_is_set_aside_whole(
    folder: Path, damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    damage(folder)
    found = kept.folder(folder, KEY, fill)
    assert [(folder / each.name).read_bytes() for each in found] == [b"first", b"second"]
    assert folder.with_name("folder.set-aside").is_dir()
    assert len(caplog.records) == 1
    assert str(folder) in caplog.text


def test_a_folder_of_another_key_is_set_aside(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept.folder(folder, OTHER, fill)
    assert "it is of another key" in caplog.text


def test_an_error_while_filling_leaves_nothing(own_home: Path) -> None:
    def fail(target: Path) -> list[str]:
        (target / "half").write_bytes(b"half")
        raise DamagedError("asked to fail")

    with pytest.raises(DamagedError, match="asked to fail"):
        kept.folder(own_home / "kind" / "folder", KEY, fail)
    assert [path.name for path in (own_home / "kind").iterdir()] == ["folder.lock"]
