"""Downloading, against an HTTP server on the loopback: right bytes, wrong bytes, dead addresses, archives."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from zoo.checkpoints.fetch import fetch
from zoo.disk import CacheError
from zoo.documents.load import Zoo, load_zoo
from zoo.errors import FileUnavailableError
from zoo.progress import Talk
from zoo.records import Archive, Checkpoint, File

DATA = b"published weights" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


class _Quiet(SimpleHTTPRequestHandler):
    asked: list[str]

    def log_message(self, format: str, *args: Any) -> None:
        self.asked.append(self.path)


@pytest.fixture
def server(tmp_path: Path, own_home: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """(address, folder it serves, paths it was asked for)."""
    folder = tmp_path / "served"
    asked: list[str] = []
    folder.mkdir()
    handler = type("Handler", (_Quiet,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder, asked
        running.shutdown()


@pytest.fixture
def zoo(tmp_path: Path) -> Zoo:
    published = load_zoo("embedded")
    return Zoo(**{**vars(published), "root": tmp_path / "nothing"})


def dead_address() -> str:
    """A loopback address that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}/net.onnx"


def checkpoint(*urls: str, **changes: Any) -> Checkpoint:
    file = File(**{"name": "net.onnx", "urls": urls, "sha256": SHA256, "size_bytes": len(DATA), **changes})
    return Checkpoint(id="x/net", framework="onnxruntime", format="onnx", recipe="r", label_map="l", files=(file,))


def test_downloaded_verified_and_kept(server: tuple[str, Path, list[str]], zoo: Zoo, own_home: Path) -> None:
    address, folder, asked = server
    (folder / "net.onnx").write_bytes(DATA)
    record = checkpoint(f"{address}/net.onnx")
    found = fetch(record, zoo, Talk(quiet=True))
    assert found.verified
    assert found.paths == (own_home / "files" / "x" / "net" / "net.onnx",)
    fetch(record, zoo, Talk(quiet=True))
    assert asked == ["/net.onnx"]


def test_dead_first_address(server: tuple[str, Path, list[str]], zoo: Zoo) -> None:
    address, folder, _ = server
    (folder / "net.onnx").write_bytes(DATA)
    assert fetch(checkpoint(dead_address(), f"{address}/net.onnx"), zoo, Talk(quiet=True)).sha256 == SHA256


def test_missing_at_the_first_address(server: tuple[str, Path, list[str]], zoo: Zoo) -> None:
    address, folder, asked = server
    (folder / "net.onnx").write_bytes(DATA)
    fetch(checkpoint(f"{address}/gone.onnx", f"{address}/net.onnx"), zoo, Talk(quiet=True))
    assert asked[-1] == "/net.onnx"


def test_wrong_bytes_are_not_kept(server: tuple[str, Path, list[str]], zoo: Zoo, own_home: Path) -> None:
    address, folder, _ = server
    (folder / "net.onnx").write_bytes(DATA[:-1] + b"!")
    with pytest.raises(FileUnavailableError, match=f"expected sha256 {SHA256}, got"):
        fetch(checkpoint(f"{address}/net.onnx"), zoo, Talk(quiet=True))
    assert not [path for path in (own_home / "files").rglob("*") if path.is_file()]


def test_short_download_is_told_by_its_size(server: tuple[str, Path, list[str]], zoo: Zoo) -> None:
    address, folder, _ = server
    (folder / "net.onnx").write_bytes(DATA[:100])
    with pytest.raises(FileUnavailableError, match="expected 17,000 bytes, got 100"):
        fetch(checkpoint(f"{address}/net.onnx"), zoo, Talk(quiet=True))


def test_every_address_is_reported(zoo: Zoo, own_home: Path) -> None:
    with pytest.raises(FileUnavailableError, match=r"cannot fetch net\.onnx: http.*; http"):
        fetch(checkpoint(dead_address(), dead_address()), zoo, Talk(quiet=True))


def test_no_address_is_known(zoo: Zoo, own_home: Path) -> None:
    with pytest.raises(FileUnavailableError, match="no address is known"):
        fetch(checkpoint(), zoo, Talk(quiet=True))


def test_archive_is_fetched_for_its_member(server: tuple[str, Path, list[str]], zoo: Zoo) -> None:
    address, folder, _ = server
    with tarfile.open(folder / "net.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("./net.onnx")
        info.size = len(DATA)
        archive.addfile(info, io.BytesIO(DATA))
    sha256 = hashlib.sha256((folder / "net.tgz").read_bytes()).hexdigest()
    spec = Archive(name="net.tgz", member="net.onnx", urls=(f"{address}/net.tgz",), sha256=sha256)
    found = fetch(checkpoint(archive=spec, sha256=None), zoo, Talk(quiet=True))
    assert (found.verified, found.sha256) == (True, SHA256)


def test_only_what_is_missing_is_fetched(
    server: tuple[str, Path, list[str]], zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder, asked = server
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    monkeypatch.setenv("ZOO_MIRROR", str(mirror))
    names = ("net.xml", "net.bin", "net.txt")
    for name in names:
        (folder / name).write_bytes(name.encode())
    (mirror / "net.xml").write_bytes(b"net.xml")
    (mirror / "net.txt").write_bytes(b"of another publisher")
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    record = checkpoint().changed(
        files=tuple(File(name=name, urls=(f"{address}/{name}",), sha256=hashes[name]) for name in names)
    )
    found = fetch(record, zoo, Talk(quiet=True))
    assert asked == ["/net.bin", "/net.txt"]
    assert [path.read_bytes() for path in found.paths] == [name.encode() for name in names]
    (found.paths[1]).unlink()
    fetch(record, zoo, Talk(quiet=True))
    assert asked == ["/net.bin", "/net.txt", "/net.bin"]


def test_an_archive_of_two_files_is_fetched_once(server: tuple[str, Path, list[str]], zoo: Zoo) -> None:
    address, folder, asked = server
    with tarfile.open(folder / "net.tgz", "w:gz") as archive:
        for name in ("net.xml", "net.bin"):
            info = tarfile.TarInfo(name)
            info.size = len(DATA)
            archive.addfile(info, io.BytesIO(DATA))
    parts = [
        File(name=name, archive=Archive(name="net.tgz", member=name, urls=(f"{address}/net.tgz",)))
        for name in ("net.xml", "net.bin")
    ]
    assert len(fetch(checkpoint().changed(files=tuple(parts)), zoo, Talk(quiet=True)).paths) == 2
    assert asked == ["/net.tgz"]


def test_what_nobody_can_have_is_not_asked_for(server: tuple[str, Path, list[str]], zoo: Zoo) -> None:
    address, folder, asked = server
    (folder / "net.onnx").write_bytes(DATA)
    record = checkpoint(f"{address}/net.onnx").changed(unavailable="its publisher has withdrawn it")
    with pytest.raises(FileUnavailableError, match=r"x/net: its publisher has withdrawn it$"):
        fetch(record, zoo, Talk(quiet=True))
    assert asked == []


def test_the_downloaders_own_troubles_are_not_the_disks(
    server: tuple[str, Path, list[str]], zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such.pem")
    with pytest.raises(FileUnavailableError, match=r"cannot fetch net\.onnx: https.*certificate bundle, invalid path"):
        fetch(checkpoint("https://127.0.0.1:9/net.onnx"), zoo, Talk(quiet=True))


def test_a_download_that_cannot_be_kept_is_said(server: tuple[str, Path, list[str]], zoo: Zoo, own_home: Path) -> None:
    address, folder, _ = server
    (folder / "net.onnx").write_bytes(DATA)
    (own_home / "files").write_text("", encoding="utf-8")
    with pytest.raises(CacheError, match=r"cannot write .*net\.onnx: .*; 17,000 bytes are needed"):
        fetch(checkpoint(f"{address}/net.onnx"), zoo, Talk(quiet=True))


def test_mirror_comes_before_any_address(
    server: tuple[str, Path, list[str]], zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder, asked = server
    (folder / "net.onnx").write_bytes(DATA)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "net.onnx").write_bytes(DATA)
    monkeypatch.setenv("ZOO_MIRROR", str(mirror))
    assert fetch(checkpoint(f"{address}/net.onnx"), zoo, Talk(quiet=True)).paths == (mirror / "net.onnx",)
    assert asked == []
