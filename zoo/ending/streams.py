"""The program's stdout and stderr: an error while printing never looks like a verdict.

Everything that any library prints goes through them.
"""

from __future__ import annotations

import errno
import io
import os
import sys

from zoo.errors import ZooError

STDOUT, STDERR = 1, 2  # file descriptors


class OutputError(ZooError):
    """The results cannot be printed (exit code 3)."""


class OutputClosedError(Exception):
    """Nobody reads the results any more. No ZooError: it ends everything, not one run of many."""


class _Stream(io.TextIOWrapper):
    """Text to a file descriptor; what its encoding does not have, and bytes of file names, are written as escapes."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        opened = io.BufferedWriter(io.FileIO(descriptor, "wb", closefd=False))
        at_once = descriptor == STDERR or opened.isatty()  # a line, as Python's own streams do
        super().__init__(opened, encoding=encoding, errors="backslashreplace", line_buffering=at_once)
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        """Write text; an error of the file goes to `_refused`."""
        try:
            return super().write(text)
        except OSError as error:
            self._refused(error)
            return len(text)

    def flush(self) -> None:
        """Flush; an error of the file goes to `_refused`."""
        try:
            super().flush()
        except OSError as error:
            self._refused(error)

    def _refused(self, error: OSError) -> None:
        """Send all further output to nowhere: Python writes what is left once more when it ends."""
        _to_nowhere(self._descriptor)


class _Results(_Stream):
    """stdout, where it is an error if something cannot be printed."""

    def _refused(self, error: OSError) -> None:
        super()._refused(error)
        if error.errno == errno.EPIPE:
            raise OutputClosedError from error
        raise OutputError(f"cannot print the results: {error.strerror or error}; give stdout another place") from error


def guard() -> None:
    """Take over stdout and stderr. stdout raises OutputError, OutputClosedError; remarks on stderr are lost in silence.

    A stream that is closed leads to nowhere: no other file that is opened gets its number.
    """
    for descriptor in (0, STDOUT, STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            _to_nowhere(descriptor)
    sys.stdout = _Results(STDOUT, getattr(sys.stdout, "encoding", "utf-8"))
    sys.stderr = _Stream(STDERR, getattr(sys.stderr, "encoding", "utf-8"))


def _to_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
