"""Published files: found by name in the zoo, the cache, a mirror or an archive, accepted only by their hash."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from zoo import files
from zoo.errors import FileUnavailableError
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


def tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> None:
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


def test_unavailable_says_why(root: Path) -> None:
    record = checkpoint().changed(unavailable="its address is gone")
    with pytest.raises(FileUnavailableError, match="x/net: its address is gone"):
        files.locate(record, root)
