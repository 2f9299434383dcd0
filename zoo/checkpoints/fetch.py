"""Downloads the files of checkpoint records: addresses in order; accepted only by size and published hash."""

from __future__ import annotations

from pathlib import Path

import requests
from pooch import HTTPDownloader

from zoo import disk
from zoo.checkpoints import files
from zoo.checkpoints.files import Located
from zoo.documents.load import Zoo
from zoo.errors import FileUnavailableError
from zoo.progress import Talk
from zoo.records import Archive, Checkpoint, File

TIMEOUT_S = 60.0  # without a byte


def fetch(checkpoint: Checkpoint, zoo: Zoo, talk: Talk) -> Located:
    """The checkpoint's files: those on this machine first, the others downloaded under ZOO_HOME/files.

    Raises FileUnavailableError with what every address answered.
    """
    try:
        return files.locate(checkpoint, zoo.root)
    except FileUnavailableError:
        if checkpoint.unavailable:
            raise
    for file in checkpoint.files:
        if not files.is_here(checkpoint.id, file, zoo.root):
            _download(checkpoint.id, file, talk)
    return files.locate(checkpoint, zoo.root)


def fetch_file(owner: str, file: File, zoo: Zoo, talk: Talk) -> Path:
    """A file that lies among those of the checkpoint with the id `owner`, such as the picture of a sample answer.

    Raises FileUnavailableError as `fetch` does.
    """
    if not files.is_here(owner, file, zoo.root):
        _download(owner, file, talk)
    return files.locate_file(owner, file, zoo.root)[0]


def _download(owner: str, file: File, talk: Talk) -> None:
    complaints: list[str] = []
    wanted: list[tuple[File | Archive, str]] = [(file, url) for url in file.urls]
    if file.archive is not None:
        wanted += [(file.archive, url) for url in file.archive.urls]
    for what, url in wanted:
        talk.say(f"{owner}: fetching {url}")
        complaint = _fetch_from(url, what, owner)
        if complaint is None:
            return
        complaints.append(f"{url}: {complaint}")
    if not wanted:
        complaints.append("no address is known")
    raise FileUnavailableError(f"{owner}: cannot fetch {file.name}: " + "; ".join(complaints))


def _fetch_from(url: str, what: File | Archive, owner: str) -> str | None:
    """Download one file; why it was not kept, or None."""
    target = disk.home() / "files" / owner / what.name
    part = target.with_name(f".{target.name}.part")
    with disk.explained(target, what.size_bytes or 0):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            HTTPDownloader(timeout=TIMEOUT_S)(url, str(part), None)
            complaint = files.mismatch(part, what)
            if complaint is None:
                part.replace(target)
        except (requests.RequestException, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        except OSError as error:
            if error.errno is not None:  # the disk's
                raise
            return str(error)  # the downloader's own, such as certificates that are not where they are said to be
        finally:
            part.unlink(missing_ok=True)
    return complaint
