"""Where files and folders lie, and how a file is written: whole or not at all, by one process at a time.

In a checkout, `adapters/` and `reference_results/` lie beside the package; in an installed wheel they lie inside it,
under `zoo/bundled/`. Results are kept in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs
from filelock import FileLock

from zoo.errors import UsageError, ZooError

PACKAGE = Path(__file__).resolve().parent
DATA = PACKAGE / "data"
LONGEST = 100  # characters of a wrong path that a message repeats


def bundled(name: str) -> Path:
    """Folder `name` of the checkout, or its copy inside the wheel."""
    beside = PACKAGE.parent / name
    return beside if (PACKAGE.parent / "pyproject.toml").is_file() else PACKAGE / "bundled" / name


ADAPTERS = bundled("adapters")
REFERENCE_RESULTS = bundled("reference_results")
EMBEDDED = DATA / "embedded"


def home() -> Path:
    """`ZOO_HOME`, or the platform's user cache folder: environments, pixel stores, results, files."""
    chosen = os.environ.get("ZOO_HOME")
    return given(chosen, "ZOO_HOME").resolve() if chosen else Path(platformdirs.user_cache_dir("zoo-conformance"))


def mirror() -> Path | None:
    """`ZOO_MIRROR`: a folder searched for published files before any address is asked."""
    chosen = os.environ.get("ZOO_MIRROR")
    return given(chosen, "ZOO_MIRROR").resolve() if chosen else None


def given(path: str | Path, what: str) -> Path:
    """A path as a user writes it: `~` is a home folder. It need not be there.

    Raises UsageError, which says `what` it was given for, if nobody can know whether it is there: a name that is too
    long or no UTF-8, links in a circle, a folder on the way that may not be looked into.
    """
    try:
        expanded = Path(path).expanduser()
        str(expanded).encode()
        expanded.stat()
    except (FileNotFoundError, NotADirectoryError):
        return expanded
    except (OSError, RuntimeError, ValueError) as error:
        why = "its name is not UTF-8" if isinstance(error, UnicodeError) else getattr(error, "strerror", None) or error
        shown = ascii(str(path))
        shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}...'"
        raise UsageError(f"{what}: expected a path, got {shown}: {why}") from error
    return expanded


class CacheError(ZooError):
    """A file, such as one of the cache folder, cannot be written (exit code 3)."""

    cause = "setup"


def digest_of(content: Any) -> str:
    """sha256 of a JSON-able value, independent of the order of keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def source_digest(*modules: ModuleType) -> str:
    """sha256 over the program text of modules: what another version of them made is not reused."""
    return digest_of([file_sha256(Path(str(module.__file__))) for module in modules])


def file_sha256(path: Path) -> str:
    """sha256 of a file, lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def replace(path: Path, write: Callable[[io.BufferedRandom], object]) -> None:
    """Write `path` through a temporary neighbour, so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w+b") as stream:
            write(stream)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """`replace` with UTF-8 text."""
    replace(path, lambda stream: stream.write(text.encode()))


@contextlib.contextmanager
def explained(path: Path, bytes_needed: int = 0) -> Iterator[None]:
    """Turn an OSError about writing `path` into one sentence with the path and the bytes needed."""
    try:
        yield
    except NotImplementedError as error:  # filelock's word for file systems without locks
        raise CacheError(f"cannot write {path}: its file system has no locks; {_elsewhere(path)}") from error
    except OSError as error:
        needed = f"; {bytes_needed:,} bytes are needed" if bytes_needed else ""
        hint = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
        raise CacheError(
            f"cannot write {path}: {error.strerror or error}{needed}; {hint} or {_elsewhere(path)} "
            "(what was finished stays usable)"
        ) from error


def _elsewhere(path: Path) -> str:
    inside = path.is_relative_to(home())
    return "set ZOO_HOME to another folder" if inside else "choose another place"


def lock(path: Path) -> FileLock:
    """A lock that one process at a time can hold; paths whose hashes begin alike share one."""
    folder = home() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    stripe = hashlib.sha256(str(path).encode()).hexdigest()[:2]
    return FileLock(folder / f"{stripe}.lock")
