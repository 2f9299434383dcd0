"""`zoo doctor`: what is installed, reachable and missing, and the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.table import Table

from zoo import environments, files, places
from zoo.errors import FileUnavailableError
from zoo.frameworks import Framework, framework
from zoo.manifest import Zoo

NEEDED_BYTES = 6_000_000_000  # six environments and the embedded zoo, rounded up


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `mend` is a command or a sentence, empty where all is well."""

    what: str
    state: str
    well: bool
    mend: str = ""


def examine(zoo: Zoo) -> list[Finding]:
    """Core, cache folder, mirror, the frameworks this zoo needs, its checkpoint files."""
    findings = [Finding("Python (core)", platform.python_version(), well=True), _home(), _mirror()]
    names = dict.fromkeys(checkpoint.framework for checkpoint in zoo.checkpoints.values())
    findings += [_framework(framework(name)) for name in names]
    return [*findings, *_files(zoo)]


def _home() -> Finding:
    home = places.home()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    state = f"{home} ({free / 1e9:.1f} GB free)"
    if not os.access(existing, os.W_OK):
        return Finding("cache folder", state, well=False, mend="set ZOO_HOME to a folder you may write to")
    enough = free > NEEDED_BYTES
    mend = "" if enough else f"set ZOO_HOME to a folder with {NEEDED_BYTES / 1e9:.0f} GB free"
    return Finding("cache folder", state, well=enough, mend=mend)


def _mirror() -> Finding:
    mirror = places.mirror()
    if mirror is None:
        return Finding("mirror", "ZOO_MIRROR is not set", well=True)
    there = mirror.is_dir()
    return Finding("mirror", str(mirror), well=there, mend="" if there else "ZOO_MIRROR names no folder: correct it")


def _framework(entry: Framework) -> Finding:
    built = environments.find(entry)
    if built is None:
        return Finding(entry.title, "not built", well=False, mend=f"zoo setup {entry.name}")
    versions = ", ".join(f"{name} {version}" for name, version in built.versions.items())
    return Finding(entry.title, versions, well=Path(built.python).exists(), mend="")


def _files(zoo: Zoo) -> Iterator[Finding]:
    for checkpoint in zoo.checkpoints.values():
        if checkpoint.unavailable or checkpoint.export_from:
            continue
        try:
            found = files.locate(checkpoint, zoo.root)
        except FileUnavailableError as error:
            yield Finding(checkpoint.id, "missing", well=False, mend=str(error))
        else:
            state = "present, hash as published" if found.verified else "present, no hash published"
            yield Finding(checkpoint.id, state, well=True)


def table(findings: list[Finding]) -> Table:
    """One row per finding."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for head in ("", "what", "state", "to mend it"):
        result.add_column(head, overflow="fold")
    for finding in findings:
        result.add_row("ok" if finding.well else "!!", finding.what, finding.state, finding.mend)
    return result
