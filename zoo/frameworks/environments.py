"""The frameworks' virtual environments: found, or built once and reused.

An environment is named by its framework, its Python, and a hash of its requirements and the platform. It is built
under a lock in a temporary folder, must answer `hello` there, and is then moved to its place as a whole. The answer is
kept in its environment.json, and the answer of every later worker is compared with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uv
from filelock import FileLock

from zoo import disk, kept, machine
from zoo.disk import CacheError
from zoo.errors import EnvironmentBuildError, EnvironmentChangedError, UsageError, WorkerError
from zoo.frameworks.table import Framework
from zoo.frameworks.workers import Worker

Say = Callable[[str], None]
FACTS = "environment.json"
TIMING = Path("requirements", "timing.txt")  # what `bench` needs in every environment


@dataclass(frozen=True)
class Environment:
    """A built environment.

    python: its interpreter; versions: what its worker says of itself; key: the name of its folder.
    """

    framework: Framework
    python: Path
    versions: dict[str, str]
    key: str

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.python.parents[1]

    def identity(self) -> list[Any]:
        """Everything of it that an adapter's work may depend on, for keys."""
        return [self.key, self.versions, self.framework.environment, self.framework.adapter_digest()]

    @property
    def remedy(self) -> str:
        """What to do about one that does not work any more."""
        return f"delete {self.folder}, then zoo setup {self.framework.name}"


def find(framework: Framework) -> Environment | None:
    """The environment if it is built, the preferred Python first."""
    if framework.is_core:
        with Worker(framework, Path(sys.executable)) as worker:
            return Environment(framework, Path(sys.executable), worker.versions, "core")
    for version in framework.pythons:
        folder = _folder(framework, version)
        if folder.is_dir():  # it was moved there whole
            return _described(framework, folder)
    return None


def ensure(framework: Framework, say: Say) -> Environment:
    """The environment, built first if need be; `say` is told so. Raises EnvironmentBuildError."""
    environment = find(framework)
    if environment is not None:
        if not environment.python.exists():
            raise EnvironmentBuildError(
                f"{framework.name}: its Python is gone: {environment.python}; {environment.remedy}"
            )
        return environment
    version, base = _choose_python(framework)
    folder = _folder(framework, version)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
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
    return disk.home() / "envs" / f"{framework.name}-py{version}-{digest}"


def _requirements(framework: Framework) -> tuple[Path, Path]:
    """Files of exact pins."""
    return framework.requirements_file, disk.ADAPTERS / TIMING


def _described(framework: Framework, folder: Path) -> Environment:
    """The environment with the versions that its worker states under today's adapter on this processor.

    They are read from the kept file; the worker is asked where that file is missing or is of another adapter.
    """
    python = folder / "bin" / "python"
    facts = kept.read_json(folder / FACTS, folder.name)
    if facts is not None and facts.get("asked") == _asked(framework):
        return Environment(framework, python, facts["versions"], folder.name)
    if not python.exists():
        return Environment(framework, python, {}, folder.name)  # whoever needs it is told
    with Worker(framework, python) as worker:
        environment = Environment(framework, python, worker.versions, folder.name)
    with contextlib.suppress(CacheError):  # of an environment that cannot be written to: asked each time
        _note(folder, environment)
    return environment


def _note(folder: Path, environment: Environment) -> None:
    facts = {"versions": environment.versions, "asked": _asked(environment.framework)}
    kept.write_json(folder / FACTS, environment.key, facts)


def _asked(framework: Framework) -> dict[str, Any]:
    """Who answered, and where: some libraries' versions name the instructions that they use."""
    return {"adapter": framework.adapter_digest(), "instruction_sets": list(machine.instruction_sets())}


@contextlib.contextmanager
def started(
    environment: Environment, *, limits: Mapping[str, float] | None = None, names: Mapping[str, str] | None = None
) -> Iterator[Worker]:
    """A worker that says of itself what is known of its environment; limits, names: see Worker.

    Raises WorkerError, and EnvironmentChangedError where it says something else: that is known from then on, and what
    was kept under the old versions is not what this worker would answer.
    """
    with Worker(environment.framework, environment.python, limits=limits, names=names) as worker:
        if worker.versions != environment.versions:
            with contextlib.suppress(CacheError):
                _note(environment.folder, replace(environment, versions=worker.versions))
            raise EnvironmentChangedError(_changed(environment, worker.versions))
        yield worker


def _changed(environment: Environment, versions: Mapping[str, str]) -> str:
    """A sentence with both versions of everything that differs."""
    known = environment.versions
    names = sorted(name for name in {*known, *versions} if known.get(name) != versions.get(name))
    there, here = (", ".join(f"{name} {side.get(name, '(none)')}" for name in names) for side in (known, versions))
    return (
        f"{environment.framework.name}: its environment has changed: {environment.folder / FACTS} says {there}, "
        f"the worker says {here}; from now on results are kept under what the worker says"
    )


def _choose_python(framework: Framework) -> tuple[str, str]:
    """(minor version, interpreter): the first that the framework supports and the machine has, else one to fetch."""
    search = os.pathsep.join([os.environ.get("PATH", ""), *_pyenv_folders()])
    for version in framework.pythons:
        answer = _uv("python", "find", "--no-python-downloads", "--no-project", version, path=search)
        if answer.returncode == 0:
            return version, answer.stdout.strip()
    return framework.pythons[0], framework.pythons[0]


def _pyenv_folders() -> list[str]:
    """pyenv keeps its Pythons off the search path; uv finds them there only when they are named."""
    try:
        root = disk.given(os.environ.get("PYENV_ROOT") or "~/.pyenv", "PYENV_ROOT")
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
        python = building / "bin" / "python"
        try:
            with Worker(framework, python) as worker:
                _note(building, Environment(framework, python, worker.versions, folder.name))
        except WorkerError as error:
            raise EnvironmentBuildError(f"{error}; the new environment does not work\n{error.details}") from error
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    say(f"{framework.name}: ready after {time.monotonic() - start:.0f} s")


def _install(framework: Framework, building: Path) -> subprocess.CompletedProcess[str]:
    """pip, run by the new environment's interpreter, so that a user's own pip settings hold."""
    command = [sys.executable, "-m", "pip", "--python", str(building / "bin" / "python"), "install"]
    files = [word for path in _requirements(framework) for word in ("-r", str(path))]
    return _run([*command, "--no-input", "--quiet", *files])


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
