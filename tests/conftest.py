"""Fixtures that many tests share: a cache folder of their own, built environments, the assets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

from tests.by_hand import little_zoo
from tests.by_hand.built import REPOSITORY, built
from zoo import disk
from zoo.frameworks.environments import Environment
from zoo.frameworks.table import public_frameworks

hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine makes no test fail
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--frameworks a,b`: the adapters that tests of the contract run over."""
    parser.addoption("--frameworks", default=None, help="fake, or frameworks by name; default: fake and all")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `each_framework` runs once per framework."""
    if "each_framework" in metafunc.fixturenames:
        named = metafunc.config.getoption("--frameworks")
        names = named.split(",") if named else ["fake", *(entry.name for entry in public_frameworks())]
        metafunc.parametrize("each_framework", names)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: where files run side by side, a long one at the end would run alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def environment(each_framework: str) -> Environment:
    """Environment of the parametrised framework."""
    return built(each_framework)


@pytest.fixture(scope="session")
def assets() -> Path:
    """Real weights and images; `ZOO_ASSETS`, default ../shared/assets."""
    folder = Path(os.environ.get("ZOO_ASSETS", REPOSITORY.parent / "shared" / "assets"))
    if not (folder / "SHA256SUMS").is_file():
        pytest.skip(f"needs real weights and images in {folder} (ZOO_ASSETS)")
    return folder


@pytest.fixture(scope="session")
def embedded_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run folder of the main job over all frameworks, and what it printed; one for all tests that look at it."""
    for entry in public_frameworks():
        built(entry.name)
    own = tmp_path_factory.getbasetemp()
    # All processes of pytest-xdist share one.
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "embedded"
    with FileLock(folder.with_suffix(".lock")):
        if not (printed := folder / "printed.txt").exists():
            printed.write_text(_main_job(folder), encoding="utf-8")
        return folder / "run", printed.read_text(encoding="utf-8")


def _main_job(folder: Path) -> str:
    home, out = folder / "home", folder / "run"
    shutil.rmtree(folder, ignore_errors=True)  # what an attempt that failed left
    home.mkdir(parents=True)
    (home / "envs").symlink_to(disk.home() / "envs")
    environment = {name: value for name, value in os.environ.items() if name != "ZOO_MIRROR"}
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "validate", "--out", str(out)],
        env={**environment, "ZOO_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ZOO_HOME that borrows the environments which are already built."""
    home = tmp_path / "home"
    home.mkdir()
    shared = disk.home() / "envs"
    if shared.is_dir():
        (home / "envs").symlink_to(shared)
    monkeypatch.setenv("ZOO_HOME", str(home))
    monkeypatch.delenv("ZOO_MIRROR", raising=False)
    return home


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    """A stranger's zoo: `little/good` on twelve images, always right."""
    return little_zoo.make(tmp_path / "little")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a run folder shall be."""
    return tmp_path / "out"


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the adapters to play with, and an empty ZOO_HOME."""
    copied = tmp_path / "adapters"
    shutil.copytree(disk.ADAPTERS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(disk, "ADAPTERS", copied)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    return copied
