"""Errors that nobody foresaw: one line on stderr, and a file with the traceback. Imports the standard library only."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

FOLDER = "errors"  # below ZOO_HOME
LONGEST = 300  # characters of an error's own words on the terminal

_seen: list[BaseException] = []


def watch() -> None:
    """Let `tell` also report errors in threads, and errors that Python cannot raise."""

    def in_thread(error: threading.ExceptHookArgs) -> None:
        if error.exc_value is not None and not isinstance(error.exc_value, SystemExit):
            tell(error.exc_value)

    def not_raised(error: UnraisableHookArgs) -> None:
        if error.exc_value is not None:
            tell(error.exc_value)

    threading.excepthook, sys.unraisablehook = in_thread, not_raised


def seen() -> bool:
    """Whether an unforeseen error was told so far."""
    return bool(_seen)


def tell(error: BaseException) -> None:
    """One line on stderr: what it is, where its traceback was written, and what to do."""
    _seen.append(error)
    where = _written(error)
    traced = f"its traceback is in {where}; please report it with that file" if where else (
        f"its traceback could not be written anywhere; it came from {_place(error)}"
    )  # fmt: skip
    print(f"zoo: an error that nobody foresaw: {_words(error)}; {traced}", file=sys.stderr, flush=True)


def _words(error: BaseException) -> str:
    """Type and message in one line that steers no terminal."""
    plain = "".join(each if each.isprintable() else " " for each in f"{type(error).__name__}: {error}")
    line = " ".join(plain.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else "an unknown place"


def _written(error: BaseException) -> str | None:
    """The file's path, or None where nothing can be written. No file is written over."""
    for folder in (_own_folder, tempfile.gettempdir):
        try:
            descriptor, name = tempfile.mkstemp(prefix=f"zoo-{_now()}-", suffix=".txt", dir=folder())
        except Exception:  # this is the last resort: another error here would hide the first one
            continue
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as out:
                _describe(error, out)
        except Exception:  # no space, for instance
            Path(name).unlink(missing_ok=True)
        else:
            return name
    return None


def _own_folder() -> str:
    from zoo import disk  # a user's ZOO_HOME may be what the error is about

    folder = disk.home() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _now() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _describe(error: BaseException, out: TextIO) -> None:
    from zoo import __version__

    print(f"zoo {__version__}, Python {platform.python_version()}, {platform.platform()}", file=out)
    print(f"time: {_now()}", file=out)
    print(f"folder: {Path.cwd()}", file=out)
    print(f"command: {sys.argv}\n", file=out)
    traceback.print_exception(error, file=out)
