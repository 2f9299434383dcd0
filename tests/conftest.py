"""Fixtures that many tests share: a cache folder of their own, built environments, the assets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zoo import environments, places
from zoo.environments import Environment
from zoo.frameworks import framework, public_frameworks

REPOSITORY = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--frameworks a,b`: the adapters that tests of the contract run over."""
    parser.addoption("--frameworks", default=None, help="fake, or frameworks by name; default: fake and all")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `each_framework` runs once per framework."""
    if "each_framework" in metafunc.fixturenames:
        named = metafunc.config.getoption("--frameworks")
        names = named.split(",") if named else ["fake", *(entry.name for entry in public_frameworks())]
        metafunc.parametrize("each_framework", names)


def built(name: str) -> Environment:
    """The framework's environment; skipped where it is not built, an error in CI, which builds all of them."""
    found = environments.find(framework(name))
    if found is None:
        message = f"the environment of {name} is not built: zoo setup {name}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


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


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ZOO_HOME that borrows the environments which are already built."""
    home = tmp_path / "home"
    home.mkdir()
    shared = places.home() / "envs"
    if shared.is_dir():
        (home / "envs").symlink_to(shared)
    monkeypatch.setenv("ZOO_HOME", str(home))
    monkeypatch.delenv("ZOO_MIRROR", raising=False)
    return home
