"""The errors, by whose fault they are. Every message says what failed, what was expected and found, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

# What has to be mended: what `zoo doctor` looks at; a checkpoint's record; the network's answers; what the framework
# failed at; nothing but to go on.
Cause = Literal["setup", "record", "answers", "framework", "interrupted", "other"]


class ZooError(Exception):
    """Base of every error this project raises on purpose.

    Its message can be written as UTF-8, whatever bytes stand in the name of a file. cause: what a reader of a report
    is told to mend.
    """

    cause: Cause = "other"

    def __init__(self, message: str) -> None:
        super().__init__(_utf8(message))


class UsageError(ZooError):
    """The command line or a name on it is wrong (exit code 2)."""


class ManifestError(ZooError):
    """A data file is wrong; the message names file, line and field (exit code 2)."""


class ImageSetError(ZooError):
    """Images or labels are missing, unreadable or contradict each other (exit code 3)."""


class FileUnavailableError(ZooError):
    """A checkpoint file is not on this machine, or its bytes are not the published ones (exit code 3)."""

    cause = "setup"


class WrongBytesError(FileUnavailableError):
    """A checkpoint file is here, but its bytes are not the published ones; it is never loaded."""


class EnvironmentBuildError(ZooError):
    """A framework's environment could not be built (exit code 3)."""

    cause = "setup"


class WorkerError(ZooError):
    """A worker answered with an error, died, hung or spoke garbage (exit code 3).

    kind: the exception's name on the far side, or "not started", "died", "hung", "garbage".
    details: far traceback and the last lines of the worker's stderr; may be empty.
    """

    def __init__(self, message: str, *, kind: str, details: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.cause = "answers" if kind == "OutputError" else "framework"
        self.details = _utf8(details)


class DamagedError(ZooError):
    """A stored file is cut off, damaged, edited or of another key; the message names it (exit code 3)."""


class EnvironmentChangedError(ZooError):
    """A worker says other versions of itself than its environment's facts did; they have been written anew (code 3)."""


class RunFolderError(ZooError):
    """A run folder cannot be read (exit code 2) or was written by a newer version."""


def _utf8(text: str) -> str:
    """Bytes that are not UTF-8, which Python reads as half a surrogate pair each, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def known_names(name: str, known: Iterable[str], limit: int = 8) -> str:
    """`nearest: a, b` for a mistyped name, or `known: ...` where nothing is near."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return "nearest: " + ", ".join(near)
    shown = ", ".join(names[:limit]) if names else "none"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"known: {shown}{more}"


def listing(what: str, items: Iterable[str], limit: int = 20) -> str:
    """`what`, then the first `limit` items a line each, and how many more there are."""
    lines = list(items)
    shown = [f"  {line}" for line in lines[:limit]]
    if len(lines) > limit:
        shown.append(f"  and {len(lines) - limit} more")
    return "\n".join([f"{what}:", *shown])


def refuse(what: str, problems: Iterable[str]) -> None:
    """Raise ImageSetError that lists the problems, if there are any."""
    if lines := list(problems):
        raise ImageSetError(listing(what, lines))
