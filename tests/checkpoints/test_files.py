"""Published files: found by name in the zoo, the cache, a mirror or an archive, accepted only by their hash."""

from __future__ import annotations

import hashlib
import io
import random
import resource
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.checkpoints import files
from zoo.disk import CacheError
from zoo.errors import FileUnavailableError, WrongBytesError
from zoo.records import Archive, Checkpoint, File

DATA = b"the published bytes" * 10
SHA256 = hashlib.sha256(DATA).hexdigest()


def checkpoint(**changes: Any) -> Checkpoint:
    file = File(**{"name": "net.onnx", "sha256": SHA256, "size_bytes": len(DATA), **changes})
    return Checkpoint(id="x/net", framework="onnxruntime", format="onnx", recipe="r", label_map="l", files=(file,))


@pytest.fixture
def mirror(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path / "mirror"))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "zoo"
    folder.mkdir()
    return folder


def tar(path: Path, members: dict[str, bytes], mode: Any = "w:gz") -> None:
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_found_deep_in_the_mirror(mirror: Path, root: Path) -> None:
    (mirror / "net.onnx").write_bytes(DATA)
    found = files.locate(checkpoint(), root)
    assert (found.paths, found.sha256, found.verified) == ((mirror / "net.onnx",), SHA256, True)


def test_the_zoos_own_folder_comes_first(mirror: Path, root: Path) -> None:
    (mirror / "net.onnx").write_bytes(DATA)
    (root / "net.onnx").write_bytes(DATA)
    assert files.locate(checkpoint(), root).paths == (root / "net.onnx",)


def test_wrong_bytes_of_the_right_name_are_passed_over(mirror: Path, root: Path) -> None:
    (root / "net.onnx").write_bytes(b"#" * len(DATA))
    (mirror / "net.onnx").write_bytes(DATA)
    assert files.locate(checkpoint(), root).paths == (mirror / "net.onnx",)


def test_wrong_hash_is_named_with_expected_and_got(mirror: Path, root: Path) -> None:
    wrong = b"#" * len(DATA)
    (mirror / "net.onnx").write_bytes(wrong)
    with pytest.raises(
        FileUnavailableError, match=f"expected sha256 {SHA256}, got {hashlib.sha256(wrong).hexdigest()}"
    ):
        files.locate(checkpoint(), root)


def test_truncated_file_is_named_with_both_sizes(mirror: Path, root: Path) -> None:
    (mirror / "net.onnx").write_bytes(DATA[:-1])
    with pytest.raises(FileUnavailableError, match="expected 190 bytes, got 189"):
        files.locate(checkpoint(), root)


def test_nowhere_says_what_to_do(mirror: Path, root: Path) -> None:
    record = checkpoint(urls=("https://example.org/net.onnx",))
    with pytest.raises(
        FileUnavailableError, match=r"`zoo fetch x/net` gets it from https://example.org/net.onnx; .* ZOO_MIRROR"
    ):
        files.locate(record, root)


@pytest.mark.parametrize("name", ["sha384", "sha1", "md5"])
def test_other_published_hashes_count(mirror: Path, root: Path, name: str) -> None:
    (mirror / "net.onnx").write_bytes(DATA)
    right = hashlib.new(name, DATA).hexdigest()
    assert files.locate(checkpoint(sha256=None, **{name: right}), root).verified
    with pytest.raises(FileUnavailableError, match=f"expected {name}"):
        files.locate(checkpoint(sha256=None, **{name: right.replace(right[0], "0" if right[0] != "0" else "1")}), root)


def test_hash_prefix_counts(mirror: Path, root: Path) -> None:
    (mirror / "net.onnx").write_bytes(DATA)
    assert files.locate(checkpoint(sha256=None, sha256_prefix=SHA256[:8]), root).verified
    with pytest.raises(FileUnavailableError, match="expected sha256_prefix 01234567"):
        files.locate(checkpoint(sha256=None, sha256_prefix="01234567"), root)


def test_without_a_published_hash_it_is_not_verified(mirror: Path, root: Path) -> None:
    (mirror / "net.onnx").write_bytes(DATA)
    assert not files.locate(checkpoint(sha256=None, size_bytes=None), root).verified


@pytest.mark.parametrize("kind", ["tgz", "zip"])
def test_member_of_a_published_archive(mirror: Path, root: Path, own_home: Path, kind: str) -> None:
    path = mirror / f"net.{kind}"
    if kind == "tgz":
        tar(path, {"./readme": b"x", "./model/net.onnx": DATA})
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/net.onnx", DATA)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    for member_hash in (SHA256, None):
        spec = Archive(name=path.name, member="model/net.onnx", sha256=sha256)
        found = files.locate(checkpoint(sha256=member_hash, archive=spec), root)
        assert found.verified
        assert found.paths[0].read_bytes() == DATA
        assert own_home in found.paths[0].parents


def test_repacked_archive_needs_the_members_own_hash(mirror: Path, root: Path) -> None:
    tar(mirror / "net.tgz", {"net.onnx": DATA})
    spec = Archive(name="net.tgz", member="net.onnx", sha256="0" * 64)
    assert files.locate(checkpoint(archive=spec), root).sha256 == SHA256
    with pytest.raises(FileUnavailableError, match="expected sha256 0000"):
        files.locate(checkpoint(sha256=None, archive=spec), root)


def test_archive_with_a_hash_is_preferred_to_a_file_without(mirror: Path, root: Path) -> None:
    (mirror / "net.onnx").write_bytes(b"anything of that name")
    tar(mirror / "net.tgz", {"net.onnx": DATA})
    sha256 = hashlib.sha256((mirror / "net.tgz").read_bytes()).hexdigest()
    spec = Archive(name="net.tgz", member="net.onnx", sha256=sha256)
    assert files.locate(checkpoint(sha256=None, size_bytes=None, archive=spec), root).sha256 == SHA256


def test_fetched_files_belong_to_one_checkpoint(mirror: Path, root: Path, own_home: Path) -> None:
    other = own_home / "files" / "y" / "net"
    other.mkdir(parents=True)
    (other / "net.onnx").write_bytes(b"another publisher's file of the same name")
    with pytest.raises(FileUnavailableError, match="not on this machine"):
        files.locate(checkpoint(sha256=None, size_bytes=None), root)
    own = own_home / "files" / "x" / "net"
    own.mkdir(parents=True)
    (own / "net.onnx").write_bytes(DATA)
    assert files.locate(checkpoint(), root).paths == (own / "net.onnx",)


def test_wrong_member_is_refused(mirror: Path, root: Path) -> None:
    tar(mirror / "net.tgz", {"net.onnx": b"#" * len(DATA)})
    with pytest.raises(FileUnavailableError, match=r"member net\.onnx of"):
        files.locate(checkpoint(archive=Archive(name="net.tgz", member="net.onnx")), root)


def test_member_that_is_a_link_is_refused(mirror: Path, root: Path) -> None:
    with tarfile.open(mirror / "net.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("net.onnx")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(FileUnavailableError, match=r"expected a regular file .* in it, found none"):
        files.locate(checkpoint(archive=Archive(name="net.tgz", member="net.onnx")), root)


def test_truncated_archive_is_named(mirror: Path, root: Path) -> None:
    tar(mirror / "net.tgz", {"net.onnx": DATA})
    (mirror / "net.tgz").write_bytes((mirror / "net.tgz").read_bytes()[:60])
    with pytest.raises(FileUnavailableError, match="not a readable tar archive"):
        files.locate(checkpoint(archive=Archive(name="net.tgz", member="net.onnx")), root)


def encrypted(path: Path) -> None:
    """The flag alone: what makes a reader ask for a password."""
    data = bytearray(path.read_bytes())
    for start, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(start) + at] |= 1
    path.write_bytes(data)


def unknown_method(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for start, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.find(start) + at] = 97
    path.write_bytes(data)


def damaged(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(255 - byte for byte in data[middle : middle + 40])
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("stored", encrypted), ("stored", unknown_method), ("stored", damaged), ("deflated", damaged),
        ("lzma", damaged), ("gz", damaged), ("bz2", damaged), ("xz", damaged),
    ],
)  # fmt: skip
def test_damaged_archive_is_named(kind: str, damage: Callable[[Path], None], mirror: Path, root: Path) -> None:
    """Also where no hash is published: what comes out of it is no file of anybody's."""
    path, content = mirror / f"net.{kind}", random.Random(0).randbytes(100_000)
    if kind in ("gz", "bz2", "xz"):
        tar(path, {"net.onnx": content}, f"w:{kind}")
    else:
        method = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED, "lzma": zipfile.ZIP_LZMA}[kind]
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("net.onnx", content)
    record = checkpoint(sha256=None, size_bytes=None, archive=Archive(name=path.name, member="net.onnx"))
    assert files.locate(record, root).paths[0].read_bytes() == content
    damage(path)
    with pytest.raises(FileUnavailableError, match=rf"{path.name}: not a readable (tar|zip) archive: .*fetch it again"):
        files.locate(record, root)


@pytest.mark.parametrize("kind", ["tgz", "zip"])
def test_no_space_for_a_member_is_no_fault_of_the_archive(mirror: Path, root: Path, kind: str) -> None:
    path = mirror / f"net.{kind}"
    if kind == "tgz":
        tar(path, {"net.onnx": bytes(100_000)})
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net.onnx", bytes(100_000))
    record = checkpoint(sha256=None, size_bytes=None, archive=Archive(name=path.name, member="net.onnx"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(CacheError, match=r"cannot write .*members/\w+: File too large"):
            files.locate(record, root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files.locate(record, root).paths[0].stat().st_size == 100_000


def test_what_cannot_be_read_is_passed_over_and_named(root: Path, own_home: Path) -> None:
    (root / "net.onnx").symlink_to("nowhere")
    with pytest.raises(WrongBytesError, match=r"zoo/net\.onnx: it is a link to nothing"):
        files.locate(checkpoint(), root)
    assert files.misplaced(checkpoint(), root, []) == []
    fetched = own_home / "files" / "x" / "net" / "net.onnx"
    fetched.parent.mkdir(parents=True)
    fetched.write_bytes(DATA)
    assert files.locate(checkpoint(), root).paths == (fetched,)
    (root / "net.tgz").symlink_to("net.tgz")
    found = files.locate(checkpoint(archive=Archive(name="net.tgz", member="net.onnx")), root)
    assert found.paths == (fetched,)


def test_unavailable_says_why(root: Path) -> None:
    record = checkpoint().changed(unavailable="its address is gone")
    with pytest.raises(FileUnavailableError, match="x/net: its address is gone"):
        files.locate(record, root)
