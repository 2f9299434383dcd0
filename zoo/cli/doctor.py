"""`zoo doctor`: what is installed, reachable and missing, and the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table

from zoo import disk
from zoo.checkpoints import files
from zoo.cli import catalogue
from zoo.documents.formatting import counted
from zoo.documents.load import Zoo
from zoo.errors import FileUnavailableError, WrongBytesError, ZooError
from zoo.frameworks import environments
from zoo.frameworks.table import Framework, framework

NEEDED_BYTES = 6_000_000_000  # six environments and the embedded zoo, rounded up


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `mend` is a command or a sentence, empty where all is well."""

    what: str
    state: str
    well: bool
    mend: str = ""


def examine(zoo: Zoo) -> list[Finding]:
    """Core, cache folder, mirror, the frameworks this zoo needs, its checkpoint files and those of sample answers."""
    findings = [Finding("Python (core)", platform.python_version(), well=True), _home(), _mirror()]
    names = dict.fromkeys(checkpoint.framework for checkpoint in zoo.checkpoints.values())
    findings += [_framework(framework(name)) for name in names]
    return [*findings, *_files(zoo), *_sample_files(zoo)]


def _home() -> Finding:
    home = disk.home()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not existing.is_dir():
        return Finding("cache folder", f"no folder: {existing}", well=False, mend="set ZOO_HOME to a folder")
    free = shutil.disk_usage(existing).free
    state = f"{home} ({free / 1e9:.1f} GB free)"
    if not os.access(existing, os.W_OK):
        return Finding("cache folder", state, well=False, mend="set ZOO_HOME to a folder you may write to")
    enough = free > NEEDED_BYTES
    mend = "" if enough else f"set ZOO_HOME to a folder with {NEEDED_BYTES / 1e9:.0f} GB free"
    return Finding("cache folder", state, well=enough, mend=mend)


def _mirror() -> Finding:
    mirror = disk.mirror()
    if mirror is None:
        return Finding("mirror", "ZOO_MIRROR is not set", well=True)
    there = mirror.is_dir()
    return Finding("mirror", str(mirror), well=there, mend="" if there else "ZOO_MIRROR names no folder: correct it")


def _framework(entry: Framework) -> Finding:
    try:
        built = environments.find(entry)
    except ZooError as error:
        return Finding(
            entry.title, str(error), well=False, mend="mend this first: the core's own Python does not start"
        )
    if built is None:
        return Finding(entry.title, "not built", well=False, mend=f"zoo setup {entry.name}")
    if not built.python.exists():
        return Finding(entry.title, f"its Python is gone: {built.python}", well=False, mend=built.remedy)
    return Finding(entry.title, f"{built.versions[entry.name]} on Python {built.versions['python']}", well=True)


def _files(zoo: Zoo) -> Iterator[Finding]:
    """One line for all that are there, one for all that are missing, one for each that has the wrong bytes."""
    wanted = [each for each in zoo.checkpoints.values() if not each.unavailable and not each.export_from]
    verified, unverified, missing = 0, 0, []
    for checkpoint in wanted:
        try:
            located = files.locate(checkpoint, zoo.root)
        except WrongBytesError as error:
            yield Finding(checkpoint.id, "wrong bytes", well=False, mend=str(error))
        except FileUnavailableError:
            missing.append(checkpoint.id)
        else:
            verified, unverified = verified + located.verified, unverified + (not located.verified)
    if verified or unverified:
        state = f"{verified} with the published hash, {unverified} without a published one"
        yield Finding("checkpoints here", state, well=True)
    if missing:
        names = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        mend = f"zoo fetch {missing[0]}" if len(missing) == 1 else "zoo fetch (all), zoo fetch GLOB, or set ZOO_MIRROR"
        yield Finding("checkpoints missing", f"{len(missing)} of {len(wanted)}: {names}", well=False, mend=mend)


def _sample_files(zoo: Zoo) -> Iterator[Finding]:
    """One line for the pictures and tensors of sample answers that are there, one for those that are missing."""
    wanted = [(checkpoint, file) for checkpoint in zoo.checkpoints for file in zoo.sample_files(checkpoint)]
    missing = [owner for owner, file in wanted if not files.is_here(owner, file, zoo.root)]
    if len(missing) < len(wanted):
        yield Finding("sample answers here", counted(len(wanted) - len(missing), "file"), well=True)
    if missing:
        state = f"{len(missing)} of {counted(len(wanted), 'file')}"
        mend = f"zoo fetch {missing[0]}" if len(set(missing)) == 1 else "zoo fetch (all), zoo fetch GLOB"
        yield Finding("sample answers missing", state, well=False, mend=f"{mend}, or set ZOO_MIRROR")


def table(findings: list[Finding]) -> Table:
    """One row per finding."""
    rows = (("ok" if each.well else "!!", each.what, each.state, each.mend) for each in findings)
    return catalogue.table(("", "what", "state", "to mend it"), rows)
