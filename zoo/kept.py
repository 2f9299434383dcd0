"""Stored files that are used only if they are whole.

Each stored file carries a key, which says what it depends on, and a digest of its content. A JSON file has both in its
field `seal`. Any other file has them in a trailer behind its content: one line of JSON of fixed length, which readers
of .npy and .npz files do not look at. A folder has a sealed list of its files with their sha256.

A file that is cut off, damaged, edited or of another key is set aside: it gets another name, one line is
logged, and the caller makes the file again. The digest (xxh3, 128 bits) detects accidents. It is not a signature:
somebody who wants to deceive can compute it too.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import mmap
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

from filelock import FileLock
from xxhash import xxh3_128

from zoo import disk
from zoo.errors import DamagedError

ASIDE = ".set-aside"  # at the end of the name of what is not believed; of one name the latest is there
SEAL = "seal"  # the field of a sealed JSON object
CONTENTS = "contents.json"  # the sealed list of a kept folder's files

T = TypeVar("T")

_DAMAGED = "it was damaged or edited"
_LOG = logging.getLogger("zoo")


# --- files with a trailer ------------------------------------------------------------------------


def write(path: Path, key: str, fill: Callable[[BinaryIO], None], *, bytes_needed: int = 0, once: bool = False) -> None:
    """Let `fill` write the content; a trailer comes behind it. Nobody ever sees half of it. Raises CacheError.

    once: leave a file that is there by now, such as another process's.
    """

    def whole(stream: io.BufferedRandom) -> None:
        fill(stream)
        size = stream.tell()
        stream.seek(0)
        stream.write(_trailer(key, size, hashlib.file_digest(stream, xxh3_128).hexdigest()))

    with disk.explained(path, bytes_needed), disk.lock(path) if once else contextlib.nullcontext():
        if not (once and path.exists()):
            disk.replace(path, whole)


def read(path: Path, key: str) -> bytes | None:
    """The content; None where there is none that can be believed. Raises CacheError."""
    return _believed(path, lambda: content(path, key))


def is_whole(path: Path, key: str) -> bool:
    """Whether the content can be believed; it is looked at where it lies, without a copy. Raises CacheError."""
    return _believed(path, lambda: _examine(path, key)) is not None


def content(path: Path, key: str) -> bytes:
    """The content. Raises DamagedError that names the file, FileNotFoundError; nothing is set aside."""
    with _naming(path):
        data = path.read_bytes()
    _check(path, key, memoryview(data))
    return data[:-_LENGTH]


def stated_digest(path: Path) -> str | None:
    """The digest in a file's trailer, unchecked; None of a file without one. Raises DamagedError, FileNotFoundError."""
    with _naming(path), path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, io.SEEK_END) - _LENGTH))
        stated = _stated(stream.read())
    return None if stated is None else str(stated.get("xxh3_128"))


def _examine(path: Path, key: str) -> Path:
    with _naming(path), path.open("rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            raise DamagedError(f"{path}: it is empty")  # and cannot be mapped
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            _check(path, key, view)
    return path


def _check(path: Path, key: str, view: memoryview) -> None:
    """Raise DamagedError that says what is wrong with the bytes of a file."""
    size = max(0, len(view) - _LENGTH)
    with view[:size] as payload, view[size:] as end:
        right, there = _trailer(key, size, xxh3_128(payload).hexdigest()), bytes(end)
    if there == right:
        return
    stated, expected = _stated(there), _stated(right)
    assert expected is not None
    if stated is None:
        raise DamagedError(f"{path}: it was cut off or written over: its trailer is missing")
    _refuse_other(path, stated, expected)
    raise DamagedError(f"{path}: its trailer is damaged")


def _refuse_other(path: Path, stated: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Raise DamagedError for the first value in which a trailer or seal is not the expected one."""
    problems = {"key": "it is of another key", "bytes": "it has another length", "xxh3_128": _DAMAGED}
    for name in (name for name in problems if stated.get(name) != expected.get(name)):
        values = f"it says {name} {stated.get(name)!s:.12}, found {expected.get(name)!s:.12}"
        raise DamagedError(f"{path}: {problems[name]}: {values}")


def _hash_of_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _trailer(key: str, size: int, digest: str) -> bytes:
    """The trailer of a content of `size` bytes, of fixed length: spaces fill up what is shorter."""
    text = f'"key": "{_hash_of_key(key)}", "bytes": {size:20}, "xxh3_128": "{digest:32}"'
    return f'\n{{"kept": 1, {text}}}\n'.encode()


_LENGTH = len(_trailer("", 0, ""))


def _stated(end: bytes) -> dict[str, Any] | None:
    """What a trailer says; None where it is none."""
    try:
        statement = json.loads(end)
    except ValueError:
        return None
    return statement if isinstance(statement, dict) and "kept" in statement else None


# --- JSON objects with a seal --------------------------------------------------------------------


def write_json(path: Path, key: str, record: Mapping[str, Any]) -> None:
    """A sealed JSON object. Raises CacheError."""
    text = json.dumps(sealed(record, key), indent=1)
    with disk.explained(path, len(text)):
        disk.replace_text(path, text)


def read_json(path: Path, key: str) -> dict[str, Any] | None:
    """The object without its seal; None where there is none that can be believed. Raises CacheError.

    A JSON object without any seal is an older version's: it counts as missing, and nothing is said.
    """

    def look() -> dict[str, Any]:
        record = parsed(path)
        return unsealed(record, key, path) if SEAL in record else {}

    return _believed(path, look) or None


def sealed(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object with a new seal; its digest does not depend on spaces and the order of fields."""
    inside = {name: value for name, value in record.items() if name != SEAL}
    return {**inside, SEAL: {"key": _hash_of_key(key), "xxh3_128": digest_of_json(inside)}}


def unsealed(record: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    """The object without its seal; raises DamagedError that names `path` where the seal does not fit."""
    inside = sealed(record, key)
    expected, stated = inside.pop(SEAL), record.get(SEAL)
    if not isinstance(stated, dict):
        raise DamagedError(f"{path}: {_DAMAGED}: its seal is missing")
    _refuse_other(path, stated, expected)
    return inside


def digest_of_json(record: Mapping[str, Any]) -> str:
    """xxh3 of an object, hex."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return xxh3_128(text.encode()).hexdigest()


def parsed(path: Path) -> dict[str, Any]:
    """The object in a JSON file, its seal unchecked. Raises DamagedError that names the file, FileNotFoundError."""
    with _naming(path):
        data = path.read_bytes()
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(record, dict):
        raise DamagedError(f"{path}: expected a JSON object, got {type(record).__name__}")
    return record


# --- folders with a list -------------------------------------------------------------------------


class KeptFile(NamedTuple):
    """A file of a kept folder: its name there, with slashes, and the sha256 of its bytes."""

    name: str
    sha256: str


def folder(path: Path, key: str, fill: Callable[[Path], Sequence[str]]) -> list[KeptFile]:
    """The files of a kept folder, whole; `fill` writes them where they are not there, and says their names in order.

    One process at a time fills it. Every file is hashed. Raises CacheError, and what `fill` raises.
    """
    with disk.explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{path.name}.lock")):
            listing = _believed(path, lambda: _listed(path, key))
            if listing is None:
                _write_folder(path, key, fill)
                listing = _listed(path, key)
    return listing


def _write_folder(path: Path, key: str, fill: Callable[[Path], Sequence[str]]) -> None:
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=path.parent))
    try:
        names = fill(building)
        listed = [[name, disk.file_sha256(building / name)] for name in names]
        write_json(building / CONTENTS, key, {"files": listed})
        building.rename(path)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _listed(path: Path, key: str) -> list[KeptFile]:
    """Raises DamagedError, FileNotFoundError where there is no such folder."""
    path.stat()
    try:
        listed = [KeptFile(*each) for each in unsealed(parsed(path / CONTENTS), key, path / CONTENTS)["files"]]
        with _naming(path):
            got = [disk.file_sha256(path / each.name) for each in listed]
    except FileNotFoundError as error:
        raise DamagedError(f"{path}: {error.filename} is missing") from error
    for each, sha256 in zip(listed, got, strict=True):
        if each.sha256 != sha256:
            raise DamagedError(f"{path / each.name}: {_DAMAGED}: expected sha256 {each.sha256:.12}, got {sha256:.12}")
    return listed


# --- what is not believed ------------------------------------------------------------------------


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn an OSError into a DamagedError that names the file; one that is not there stays a FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except NotADirectoryError as error:
        raise FileNotFoundError(error.errno, error.strerror, str(path)) from error
    except OSError as error:
        raise DamagedError(f"{path}: it cannot be read: {error.strerror or error}") from error


def _believed(path: Path, look: Callable[[], T]) -> T | None:
    """What `look` finds; None where nothing is there, or nothing that can be believed, which is set aside."""
    try:
        return look()
    except FileNotFoundError:
        return None
    except DamagedError as error:
        _set_aside(path, error, look)
        return None


def _set_aside(path: Path, why: DamagedError, look: Callable[[], object]) -> None:
    """Give a file or folder another name, unless another process has done so, or made it again, in the meantime."""
    aside = path.with_name(f"{path.name}{ASIDE}")
    with disk.explained(path), disk.lock(path):
        try:
            look()
        except FileNotFoundError:
            return
        except DamagedError:
            if aside.is_dir():
                shutil.rmtree(aside)
            else:
                aside.unlink(missing_ok=True)
            path.replace(aside)
        else:
            return
    _LOG.warning("%s; set aside with %r behind its name, and made again", why, ASIDE)
