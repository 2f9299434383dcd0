"""The folder that a worker reads from: it contains copies of a checkpoint's files and nothing else.

A framework may look for more files beside the one that it is told to read: weights, external data, assets. In this
folder it finds only files of the record. The copy is hashed, not the original. So the worker reads what the record
says, even if somebody changes the original in the meantime.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zoo import disk
from zoo.checkpoints.files import Located
from zoo.errors import FileUnavailableError


@dataclass(frozen=True)
class Handed:
    """paths: of the copies, in the record's order; names: path of a copy, or of their folder -> of the original."""

    paths: tuple[str, ...]
    names: dict[str, str]


@contextmanager
def handed(located: Located) -> Iterator[Handed]:
    """Copies that live as long as the block. Raises FileUnavailableError where a file is not the located one."""
    with tempfile.TemporaryDirectory(prefix="zoo-files-") as name:
        folder = Path(name)
        copies = [folder / name for name in located.names]
        for original, copy, sha256 in zip(located.paths, copies, located.digests, strict=True):
            try:
                _copy(original, copy, sha256)
            except OSError as error:
                raise FileUnavailableError(
                    f"{original}: cannot be copied to {copy}: {error.strerror or error}; TMPDIR names another place"
                ) from error
        names = {str(copy): str(original) for copy, original in zip(copies, located.paths, strict=True)}
        yield Handed(tuple(map(str, copies)), {**names, str(folder): str(located.paths[0].parent)})


def _copy(original: Path, copy: Path, sha256: str) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(original, copy)
    if (got := disk.file_sha256(copy)) != sha256:
        raise FileUnavailableError(
            f"{original}: changed while it was in use: expected sha256 {sha256}, got {got}; run it again"
        )
