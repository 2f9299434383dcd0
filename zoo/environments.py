"""The frameworks' virtual environments: found, or built once and reused.

An environment is named by its framework, its Python, and a hash of its requirements and the platform. It is built
under a lock in a temporary folder, proves itself by answering `hello`, and is moved in whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uv
from filelock import FileLock

from zoo import places
from zoo.errors import EnvironmentBuildError, UsageError, WorkerError
from zoo.frameworks import Framework
from zoo.workers import Worker

Say = Callable[[str], None]
FACTS = "environment.json"
TIMING = Path("requirements", "timing.txt")  # what `bench` needs in every environment


@dataclass(frozen=True)
class Environment:
    """A built environment.

    python: its interpreter; versions: what `hello` answered when it was built; key: names its whole content.
    """

    framework: Framework
    python: Path
    versions: dict[str, str]
    key: str

    @property
    def remedy(self) -> str:
        """What to do about one that does not work any more."""
        return f"delete {self.python.parents[1]}, then zoo setup {self.framework.name}"


def find(framework: Framework) -> Environment | None:
    """The environment if it is built, the preferred Python first."""
    if framework.is_core:
        return _core(framework)
    for version in framework.pythons:
        folder = _folder(framework, version)
        facts = folder / FACTS
        if facts.is_file():
            return _described(framework, folder)
    return None


def ensure(framework: Framework, say: Say) -> Environment:
    """The environment, built first if need be; `say` is told so. Raises EnvironmentBuildError."""
    found = find(framework)
    if found is not None:
        if not found.python.exists():
            raise EnvironmentBuildError(f"{framework.name}: its Python is gone: {found.python}; {found.remedy}")
        return found
    version, base = _choose_python(framework)
    folder = _folder(framework, version)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if not (folder / FACTS).is_file():
                _build(framework, base, folder, say)
    except (OSError, NotImplementedError) as error:  # NotImplementedError: a file system without locks
        raise EnvironmentBuildError(
            f"{framework.name}: cannot build {folder}: {getattr(error, 'strerror', None) or error}; "
            "set ZOO_HOME to a folder with a few free gigabytes that you may write to"
        ) from error
    return _described(framework, folder)


def _folder(framework: Framework, version: str) -> Path:
    pins = b"".join(path.read_bytes() for path in _requirements(framework))
    content = pins + f"{sys.platform} {platform.machine()}".encode()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return places.home() / "envs" / f"{framework.name}-py{version}-{digest}"


def _requirements(framework: Framework) -> tuple[Path, Path]:
    """Files of exact pins."""
    return framework.requirements_file, places.ADAPTERS / TIMING


def _described(framework: Framework, folder: Path) -> Environment:
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    return Environment(framework, folder / "bin" / "python", facts["versions"], folder.name)


def _core(framework: Framework) -> Environment:
    with Worker(framework, Path(sys.executable)) as worker:
        return Environment(framework, Path(sys.executable), worker.versions, "core")


def _choose_python(framework: Framework) -> tuple[str, str]:
    """(minor version, interpreter): the first that the framework supports and the machine has, else one to fetch."""
    search = os.pathsep.join([os.environ.get("PATH", ""), *_pyenv_folders()])
    for version in framework.pythons:
        found = _uv("python", "find", "--no-python-downloads", "--no-project", version, path=search)
        if found.returncode == 0:
            return version, found.stdout.strip()
    return framework.pythons[0], framework.pythons[0]


def _pyenv_folders() -> list[str]:
    """pyenv keeps its Pythons off the search path; uv finds them there only when they are named."""
    try:
        root = places.given(os.environ.get("PYENV_ROOT") or "~/.pyenv", "PYENV_ROOT")
    except UsageError:
        return []  # uv looks elsewhere, and can fetch one
    return [str(folder) for folder in sorted(root.glob("versions/*/bin"))]


def _build(framework: Framework, base: str, folder: Path, say: Say) -> None:
    say(f"{framework.name}: building its environment (once) in {folder}")
    start = time.monotonic()
    building = folder.with_name(f".building-{folder.name}-{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    try:
        made = _uv("venv", "--no-project", "--no-config", "--relocatable", "--python", base, str(building))
        _must(made, framework, f"make an environment with Python {base}")
        _must(_install(framework, building), framework, f"install {framework.requirements_file}")
        facts = {"versions": _proof(framework, building), "seconds": time.monotonic() - start}
        (building / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    say(f"{framework.name}: ready after {time.monotonic() - start:.0f} s")


def _install(framework: Framework, building: Path) -> subprocess.CompletedProcess[str]:
    """pip, run by the new environment's interpreter, so that a user's own pip settings hold."""
    command = [sys.executable, "-m", "pip", "--python", str(building / "bin" / "python"), "install"]
    files = [word for path in _requirements(framework) for word in ("-r", str(path))]
    return _run([*command, "--no-input", "--quiet", *files])


def _proof(framework: Framework, building: Path) -> dict[str, str]:
    try:
        with Worker(framework, building / "bin" / "python") as worker:
            return worker.versions
    except WorkerError as error:
        raise EnvironmentBuildError(f"{error}; the new environment does not work\n{error.details}") from error


def _uv(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ) if path is None else {**os.environ, "PATH": path}
    # uv would take an activated environment, such as tox's, for the interpreter that is asked for.
    environment.pop("VIRTUAL_ENV", None)
    try:
        program = uv.find_uv_bin()
    except FileNotFoundError as error:
        raise EnvironmentBuildError(
            f"uv, which makes environments, is not installed as it should be: {error}"
        ) from error
    return _run([program, *arguments], environment)


def _run(command: list[str], environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What it printed, whatever bytes that is. Raises EnvironmentBuildError where it cannot be started."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=environment, stdin=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
    except OSError as error:
        raise EnvironmentBuildError(f"cannot start {command[0]}: {error.strerror or error}") from error


def _must(done: subprocess.CompletedProcess[str], framework: Framework, what: str) -> None:
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise EnvironmentBuildError(f"{framework.name}: could not {what} (exit code {done.returncode}):\n{last}")
