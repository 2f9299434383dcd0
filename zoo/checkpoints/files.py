"""Checkpoint files on this machine: found by name, accepted by their published hash.

The search goes in this order: the zoo's own folder, `ZOO_HOME/files/<checkpoint id>`, and `ZOO_MIRROR` with its
sub-folders, also inside the published archives that hold a file as a member.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from zoo import disk, kept
from zoo.errors import FileUnavailableError, WrongBytesError
from zoo.records import Archive, Checkpoint, Digests, File, FileBytes

ALGORITHMS = {"sha256_prefix": "sha256", "sha1_prefix": "sha1"}
# What the readers of archives raise for damage; RuntimeError: encrypted, NotImplementedError: an unknown compression.
DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class Located:
    """A checkpoint's files in the record's order.

    names: what a framework is given them as, relative to a folder of their own; digests: sha256 of each; verified:
    every file equals a published hash.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    digests: tuple[str, ...]
    verified: bool

    @property
    def sha256(self) -> str:
        """Of the file, or over the files' hashes if there are several."""
        return self.digests[0] if len(self.digests) == 1 else disk.digest_of(list(self.digests))


def locate(checkpoint: Checkpoint, root: Path) -> Located:
    """The checkpoint's files; `root` is the zoo's own folder. Raises FileUnavailableError."""
    if checkpoint.unavailable:
        raise FileUnavailableError(f"{checkpoint.id}: {checkpoint.unavailable}")
    located = [locate_file(checkpoint.id, file, root) for file in checkpoint.files]
    paths = tuple(path for path, _ in located)
    names = tuple(file.name for file in checkpoint.files)
    return Located(paths, names, tuple(map(disk.file_sha256, paths)), all(sure for _, sure in located))


def is_here(owner: str, file: File, root: Path) -> bool:
    """Whether a file of the checkpoint with the id `owner` is on this machine, with its published bytes."""
    try:
        locate_file(owner, file, root)
    except FileUnavailableError:
        return False
    return True


def locate_file(owner: str, file: File, root: Path) -> tuple[Path, bool]:
    """(path, whether a published hash says that it is right) of a file of the checkpoint with the id `owner`.

    Raises FileUnavailableError.
    """
    complaints: list[str] = []
    ways = [_loose, _archived] if file.published() else [_archived, _loose]
    for way in ways:
        located = way(owner, file, root, complaints)
        if located is not None:
            return located
    if complaints:
        raise WrongBytesError(f"{owner}: no usable {file.name}: " + "; ".join(complaints))
    raise FileUnavailableError(_not_found(owner, file))


def _loose(owner: str, file: File, root: Path, complaints: list[str]) -> tuple[Path, bool] | None:
    """The file itself."""
    for path in _candidates(owner, file.name, root):
        complaint = mismatch(path, file)
        if complaint is None:
            return path, bool(file.published())
        complaints.append(complaint)
    return None


def _archived(owner: str, file: File, root: Path, complaints: list[str]) -> tuple[Path, bool] | None:
    """The file as a member of its published archive."""
    archive = file.archive
    if archive is None:
        return None
    for path in _candidates(owner, archive.name, root):
        complaint = mismatch(path, archive)
        # Repacked archives are common; a member that has its own published hash needs no right archive.
        if complaint is not None and (unreadable(path) or not file.published()):
            complaints.append(complaint)
            continue
        member = _taken_out(path, archive, file)
        complaint = mismatch(member, file)
        if complaint is None:
            return member, bool(file.published() or archive.published())
        complaints.append(f"member {archive.member} of {path}: {complaint}")
    return None


def _not_found(owner: str, file: File) -> str:
    names = file.name if file.archive is None else f"{file.name} (or {file.archive.name})"
    urls = [*file.urls, *(file.archive.urls if file.archive else ())]
    remedy = "put it into a folder and set ZOO_MIRROR to that folder"
    if urls:
        remedy = f"`zoo fetch {owner}` gets it from {urls[0]}; or {remedy}"
    return f"{owner}: {names} is not on this machine; {remedy}"


def _candidates(owner: str, name: str, root: Path) -> Iterator[Path]:
    yield from _named(_index(root), name)
    # By checkpoint: publishers use one name for different bytes, and not every hash is known.
    fetched = disk.home() / "files" / owner / name
    if os.path.lexists(fetched):
        yield fetched
    mirror = disk.mirror()
    if mirror is not None:
        yield from _named(_mirror_index(mirror), name)


def _named(index: dict[str, list[Path]], name: str) -> list[Path]:
    """Files of that name, in folders of the names before it."""
    paths = index.get(PurePosixPath(name).name, [])
    return [path for path in paths if path.as_posix().endswith(f"/{name}")]


def _index(folder: Path) -> dict[str, list[Path]]:
    """Every file below `folder` by its name."""
    by_name: dict[str, list[Path]] = {}
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            by_name.setdefault(name, []).append(Path(parent) / name)
    return by_name


_mirror_index = cache(_index)  # a mirror may hold many files, and nobody writes to it meanwhile


def mismatch(path: Path, expected: Digests) -> str | None:
    """Why `path` is not the published file (size and strongest known hash) or cannot be read, or None."""
    if (problem := unreadable(path)) is not None:
        return problem
    size = getattr(expected, "size_bytes", None)
    got_size = path.stat().st_size
    if size is not None and got_size != size:
        return f"{path}: expected {size:,} bytes, got {got_size:,}"
    for name, wanted in expected.published().items():
        with path.open("rb") as stream:
            got = hashlib.file_digest(stream, ALGORITHMS.get(name, name)).hexdigest()
        return None if got.startswith(wanted) else f"{path}: expected {name} {wanted}, got {got}"
    return None


def unreadable(path: Path) -> str | None:
    """Why no bytes of a file can be read (a link to nothing, no permission, a pipe, a failing disk), or None."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return f"{path}: expected a file, got a folder, a pipe or a device"
        with path.open("rb") as stream:
            stream.read(1)
    except FileNotFoundError:
        return f"{path}: it is a link to nothing" if path.is_symlink() else f"{path}: it has just been removed"
    except OSError as error:
        return f"{path}: it cannot be read: {error.strerror or error}"
    return None


def misplaced(checkpoint: Checkpoint, root: Path, others: Iterable[File]) -> list[tuple[File, Path]]:
    """Files found by name whose bytes are not the published ones, nor those that one of `others` is published with.

    Publishers use one name for different bytes, so a file may well be the right one of another checkpoint.
    """
    known = list(others)
    pairs = []
    for file in checkpoint.files:
        paths = list(_candidates(checkpoint.id, file.name, root)) if file.published() else []
        if any(mismatch(path, file) is None for path in paths):
            continue
        theirs = [other for other in known if other.name == file.name and other.published()]
        readable = [path for path in paths if unreadable(path) is None]
        strange = [path for path in readable if all(mismatch(path, other) for other in theirs)]
        pairs += [(file, path) for path in strange[:1]]
    return pairs


def described(file: File, path: Path, sha256: str | None = None) -> FileBytes:
    """Size and hash of a file, beside what is published of it. sha256: where it is known already."""
    published = next(iter(file.published()), "")
    archived = next(iter(file.archive.published()), "") if file.archive else ""
    state: Literal["equal", "different", "unpublished"] = "unpublished"
    if published:
        state = "equal" if mismatch(path, file.changed(size_bytes=None)) is None else "different"
    elif archived and path.is_relative_to(disk.home() / "members"):  # taken out of that archive
        published, state = f"archive {archived}", "equal"
    digest = sha256 or disk.file_sha256(path)
    return FileBytes(name=file.name, size_bytes=path.stat().st_size, sha256=digest, hash=state, by=published)


def _taken_out(path: Path, archive: Archive, file: File) -> Path:
    """The member as a file under ZOO_HOME; the archive's own folder structure is never recreated."""
    name = archive.member.replace("/", "_")
    key = disk.digest_of(["member", disk.file_sha256(path), archive.member])
    member = _zip_member if zipfile.is_zipfile(path) else _tar_member

    def take_out(folder: Path) -> list[str]:
        with (folder / name).open("wb") as out:
            out.writelines(member(path, archive.member))
        return [name]

    target = disk.home() / "members" / key[:16]
    kept.folder(target, key, take_out)
    return target / name


def _tar_member(path: Path, member: str) -> Iterator[bytes]:
    with _readable(path, "tar"), tarfile.open(path) as archive:
        for info in archive:
            if info.isfile() and info.name.removeprefix("./") == member:
                yield from _chunks(archive.extractfile(info))
                for _ in _chunks(archive.fileobj):  # the sums of compressed archives stand at their end
                    pass
                return
    raise FileUnavailableError(f"{path}: expected a regular file {member!r} in it, found none")


def _zip_member(path: Path, member: str) -> Iterator[bytes]:
    with _readable(path, "zip"), zipfile.ZipFile(path) as archive:
        if member not in archive.namelist():
            raise FileUnavailableError(f"{path}: expected a file {member!r} in it, found none")
        with archive.open(member) as stream:
            yield from _chunks(stream)


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    """Turn what readers of archives raise into a FileUnavailableError; whoever writes what is read raises outside."""
    try:
        yield
    except DAMAGED as error:
        problem = str(error).partition("\n")[0].rstrip(":") or type(error).__name__
        raise FileUnavailableError(
            f"{path}: not a readable {kind} archive: {problem}; delete it and fetch it again"
        ) from error


def _chunks(source: Any) -> Iterator[bytes]:
    while chunk := source.read(1 << 20):
        yield chunk
