"""Environments: built once under a lock, moved in whole, an honest error when they cannot be, and what they say."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.by_hand.built import built
from tests.by_hand.commands import validated
from tests.by_hand.onnx_zoos import a_zoo_of, an_onnx
from zoo import disk, kept
from zoo.errors import EnvironmentBuildError, EnvironmentChangedError
from zoo.frameworks import environments
from zoo.frameworks.environments import FACTS, Environment
from zoo.frameworks.table import Framework, framework


def a_framework(requirements: str = "numpy\n", **changes: object) -> Framework:
    """The fake of the tests, made to need an environment of its own."""
    (disk.ADAPTERS / "requirements" / "fake.txt").write_text(requirements, encoding="utf-8")
    fields = {"pythons": ("3.11", "3.12", "3.13"), "requirements": "requirements/fake.txt"}
    return framework("fake").changed(**{**fields, **changes})


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
    disk.ADAPTERS = Path(adapters)
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


# what an environment says of itself


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """ONNX Runtime's environment with an environment.json of its own, in an otherwise empty ZOO_HOME."""
    found = built("onnxruntime")
    folder = tmp_path / "home" / "envs" / found.folder.name
    folder.mkdir(parents=True)
    for entry in found.folder.iterdir():
        if not entry.name.startswith(FACTS):
            (folder / entry.name).symlink_to(entry)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_MIRROR", raising=False)
    environments.find(found.framework)
    return Environment(found.framework, folder / "bin" / "python", found.versions, folder.name)


def test_a_worker_is_asked_once(own: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "Worker", None)  # nobody is asked again
    assert environments.find(own.framework) == own


@pytest.mark.parametrize(
    ("damage", "lines"),
    [
        (lambda text: text[: len(text) // 2], 1),
        (lambda text: "", 1),
        (lambda text: text.replace('"numpy": "', '"numpy": "9'), 1),
        (lambda text: "[]", 1),
        # as version 1 wrote it: asked for without a word
        (lambda text: json.dumps({"versions": {"onnxruntime": "0.1"}, "seconds": 3.0}), 0),
    ],
)
def test_a_damaged_environment_json_is_made_again(
    own: Environment, damage: Callable[[str], str], lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = own.folder / FACTS
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert environments.find(own.framework) == own
    assert len(caplog.records) == lines
    assert environments.find(own.framework) == own
    assert len(caplog.records) == lines


def test_a_removed_environment_json_is_made_again(own: Environment) -> None:
    (own.folder / FACTS).unlink()
    said: list[str] = []
    assert environments.ensure(own.framework, said.append) == own
    assert said == []  # nothing was built


def test_another_adapter_is_asked_what_it_says(own: Environment, adapters: Path) -> None:
    """What a worker says of itself is its adapter's word."""
    (adapters / "common" / "layers.py").write_text((adapters / "common" / "layers.py").read_text() + "\n")
    for changed in (True, False):
        facts = kept.read_json(own.folder / FACTS, own.key)
        assert facts is not None
        assert (facts["asked"]["adapter"] != own.framework.adapter_digest()) == changed
        assert environments.find(own.framework) == own


def test_another_versions_facts_are_asked_again(own: Environment) -> None:
    """Whole, and with other fields than ours."""
    kept.write_json(own.folder / FACTS, own.key, {"version": "0.1"})
    assert environments.find(own.framework) == own


def another_numpy(own: Environment) -> dict[str, str]:
    """Pretend that the environment was changed after it was built: what is known of it is another numpy's."""
    facts = kept.read_json(own.folder / FACTS, own.key)
    assert facts is not None
    known = {**facts["versions"], "numpy": "0.9"}
    kept.write_json(own.folder / FACTS, own.key, {**facts, "versions": known})
    return known


def test_a_worker_that_says_something_else_is_held_to_it(own: Environment) -> None:
    another_numpy(own)
    found = environments.find(own.framework)
    assert found is not None
    assert found.versions["numpy"] == "0.9"
    real = own.versions["numpy"]
    with (
        pytest.raises(
            EnvironmentChangedError, match=rf"environment\.json says numpy 0\.9, the worker says numpy {real}"
        ),
        environments.started(found),
    ):
        pass
    assert environments.find(own.framework) == own


def test_results_are_kept_under_what_the_worker_says(
    own: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = a_zoo_of(tmp_path / "zoo", "onnxruntime", "onnx", "net.onnx", "net.data")
    an_onnx(zoo, "net.data")
    another_numpy(own)
    for number, reused in ((1, False), (2, True)):
        (run,) = validated(zoo, tmp_path / str(number)).runs
        assert (run.status, run.reused, run.versions) == ("done", reused, own.versions), run.error
        told = capsys.readouterr().err.splitlines()
        assert sum("its environment has changed" in line for line in told) == (0 if reused else 1)
