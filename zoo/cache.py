"""Files that are written whole or not at all, by one process at a time."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock

from zoo import places
from zoo.errors import ZooError


class CacheError(ZooError):
    """The cache folder cannot be written (exit code 3)."""

    cause = "setup"


def digest_of(content: Any) -> str:
    """sha256 of a JSON-able value, independent of the order of keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file, lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_once(path: Path, write: Callable[[BinaryIO], None], *, bytes_needed: int = 0) -> None:
    """Let `write` fill `path` unless it exists.

    Safe against a second process (a lock shared by 256 names) and against being killed (a temporary file is moved
    in place at the end). Raises CacheError with the path and the bytes needed when the disk refuses.
    """
    with explained(path, bytes_needed), _lock(path):
        if not path.exists():
            replace(path, write)


def replace(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write `path` through a temporary neighbour, so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as stream:
            write(stream)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """`replace` with UTF-8 text."""
    replace(path, lambda stream: _write_all(stream, text.encode()))


def _write_all(stream: BinaryIO, data: bytes) -> None:
    stream.write(data)


@contextlib.contextmanager
def explained(path: Path, bytes_needed: int = 0) -> Iterator[None]:
    """Turn an OSError about the cache into one sentence with the path and the bytes needed."""
    try:
        yield
    except OSError as error:
        needed = f"; {bytes_needed:,} bytes are needed" if bytes_needed else ""
        hint = "free some space" if error.errno == errno.ENOSPC else "make it writable"
        raise CacheError(
            f"cannot write {path}: {error.strerror or error}{needed}; {hint} or set ZOO_HOME to another folder "
            "(what was finished stays usable)"
        ) from error


def _lock(path: Path) -> FileLock:
    folder = places.home() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    stripe = hashlib.sha256(str(path).encode()).hexdigest()[:2]
    return FileLock(folder / f"{stripe}.lock")
