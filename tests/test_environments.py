"""Environments: built once under a lock, moved in whole, and an honest error when they cannot be."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from zoo import environments, places
from zoo.environments import Environment
from zoo.errors import EnvironmentBuildError
from zoo.frameworks import Framework, framework


def a_framework(requirements: str = "numpy\n", **changes: object) -> Framework:
    """The fake of the tests, made to need an environment of its own."""
    (places.ADAPTERS / "requirements" / "fake.txt").write_text(requirements, encoding="utf-8")
    fields = {"pythons": ("3.11", "3.12", "3.13"), "requirements": "requirements/fake.txt"}
    return framework("fake").changed(**{**fields, **changes})


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the adapters to play with, and an empty ZOO_HOME."""
    copied = tmp_path / "adapters"
    shutil.copytree(places.ADAPTERS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(places, "ADAPTERS", copied)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    return copied


@pytest.mark.slow
def test_built_once_then_found(adapters: Path, tmp_path: Path) -> None:
    said: list[str] = []
    entry = a_framework()
    assert environments.find(entry) is None
    made = environments.ensure(entry, said.append)
    assert made.python.exists()
    assert made.versions["numpy"]
    assert made.key.startswith("fake-py3.")
    assert [line.split(":")[0] for line in said] == ["fake", "fake"]
    assert environments.ensure(entry, said.append) == made
    assert len(said) == 2
    assert {path.name for path in (tmp_path / "home" / "envs").iterdir()} == {made.key, f"{made.key}.lock"}
    assert environments.find(a_framework("numpy\nsix\n")) is None


@pytest.mark.slow
def test_requirements_that_cannot_be_had(adapters: Path, tmp_path: Path) -> None:
    entry = a_framework("numpy==0.0.0.1\n")
    with pytest.raises(EnvironmentBuildError, match=r"fake: could not install .*fake\.txt \(exit code 1\)"):
        environments.ensure(entry, lambda text: None)
    assert [path.suffix for path in (tmp_path / "home" / "envs").iterdir()] == [".lock"]


@pytest.mark.slow
def test_environment_that_does_not_work_is_not_kept(adapters: Path, tmp_path: Path) -> None:
    entry = a_framework("packaging\n")  # serve.py needs numpy
    with pytest.raises(EnvironmentBuildError, match="the new environment does not work"):
        environments.ensure(entry, lambda text: None)
    assert environments.find(entry) is None


def _build(adapters: str, home: str, queue: multiprocessing.Queue[Environment]) -> None:
    places.ADAPTERS = Path(adapters)
    os.environ["ZOO_HOME"] = home
    queue.put(environments.ensure(a_framework(), lambda text: None))


@pytest.mark.slow
def test_two_processes_build_one(adapters: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[Environment] = context.Queue()
    both = [context.Process(target=_build, args=(str(adapters), str(tmp_path / "home"), queue)) for _ in range(2)]
    for process in both:
        process.start()
    first, second = queue.get(timeout=300), queue.get(timeout=300)
    for process in both:
        process.join(60)
    assert first == second
    assert len(list((tmp_path / "home" / "envs").iterdir())) == 2


def test_python_that_the_machine_has_is_preferred_in_order(adapters: Path) -> None:
    version, interpreter = environments._choose_python(a_framework(pythons=("3.99", "3.11", "3.12", "3.13")))
    assert version in ("3.11", "3.12", "3.13")
    assert Path(interpreter).exists()


def test_unwritable_home_is_one_sentence(adapters: Path, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(EnvironmentBuildError, match=r"cannot build .*; set ZOO_HOME to a folder"):
        environments.ensure(a_framework(), lambda text: None)
