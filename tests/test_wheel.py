"""The built wheel is complete: installed in a clean environment, outside the checkout, it runs the embedded zoo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.by_hand.built import REPOSITORY
from zoo import disk


def run(*command: object, cwd: Path, **environment: str) -> str:
    """stdout of a command that must succeed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, REPOSITORY, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.slow
def test_wheel_holds_adapters_and_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, below in (
        (REPOSITORY / "adapters", "adapters"),
        (REPOSITORY / "reference_results", "reference_results"),
    ):
        wanted = {
            f"zoo/bundled/{below}/{path.relative_to(folder).as_posix()}"
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert wanted <= names
    assert {"zoo/data/embedded/weights.safetensors", "zoo/data/base/recipes.toml", "zoo/py.typed"} <= names
    assert {"zoo/report/report.schema.json", "zoo/report/html/templates/changes.html.j2"} <= names
    assert sum(name.startswith("zoo/data/embedded/images/") for name in names) > 500


@pytest.mark.slow
def test_installed_wheel_runs_the_embedded_zoo(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "clean", cwd=tmp_path)
    python = tmp_path / "clean" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    where = run(python, "-c", "import zoo; print(zoo.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(tmp_path)
    # The environments that are built already are borrowed: what is tested here is the wheel.
    home = tmp_path / "home"
    home.mkdir()
    (home / "envs").symlink_to(disk.home() / "envs")
    out = tmp_path / "run"
    command = [tmp_path / "clean" / "bin" / "zoo", "validate", "--frameworks", "onnxruntime", "--out", out]
    printed = run(*command, cwd=tmp_path, ZOO_HOME=str(home))
    assert "confirmed" in printed
    report = json.loads((out / "report.json").read_text())
    outcomes = {verdict["rule"]: verdict["outcome"] for verdict in report["verdicts"]}
    assert (outcomes["A101"], outcomes["A102"]) == ("confirmed", "confirmed")
    assert report["runs"][0]["framework"] == "onnxruntime"


@pytest.mark.slow
def test_judging_needs_no_framework(wheel: Path, tmp_path: Path) -> None:
    """`zoo compare` and `zoo report` in an environment without any framework or built environment."""
    run(sys.executable, "-m", "venv", tmp_path / "clean", cwd=tmp_path)
    python = tmp_path / "clean" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    installed = run(python, "-m", "pip", "list", "--format=freeze", cwd=tmp_path).lower()
    for name in ("torch", "tensorflow", "onnxruntime", "onnx", "openvino", "mindspore", "mxnet"):
        assert f"\n{name}=" not in installed
    out = tmp_path / "run"
    run(sys.executable, "-m", "zoo", "validate", "--frameworks", "onnxruntime", "--out", out, cwd=REPOSITORY)
    markdown = (out / "report.md").read_text()
    (out / "report.md").unlink()
    home = {"ZOO_HOME": str(tmp_path / "empty")}
    zoo = tmp_path / "clean" / "bin" / "zoo"
    assert "confirmed" in run(zoo, "compare", out, cwd=tmp_path, **home)
    run(zoo, "report", out, cwd=tmp_path, **home)
    assert (out / "report.md").read_text() == markdown
    assert not (tmp_path / "empty" / "envs").exists()
