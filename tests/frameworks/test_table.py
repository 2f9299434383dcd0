"""What an adapter consists of: every program file that its worker runs is part of the keys."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from zoo import disk
from zoo.frameworks.environments import Environment
from zoo.frameworks.table import framework

# Run in a framework's environment, as serve.py is: the modules among the adapters that were imported.
PROGRAM = """
import importlib, json, sys
from pathlib import Path
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
importlib.import_module("serve")
importlib.import_module(sys.argv[2])
importlib.import_module("timing")
found = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps(sorted({Path(name).name for name in found if name and Path(name).parent == folder})))
"""


def test_every_module_that_a_worker_imports_is_in_its_sources(environment: Environment) -> None:
    entry = environment.framework
    done = subprocess.run(
        [environment.python, "-E", "-s", "-c", PROGRAM, disk.ADAPTERS, f"{entry.name}_adapter"],
        capture_output=True, text=True, check=True, env={**entry.environment, "PATH": ""},
    )  # fmt: skip
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"serve.py", "contract.py", "numeric.py", f"{entry.name}_adapter.py"} <= imported
    assert {path.name for path in entry.sources()} >= imported


def test_what_openvino_borrows_from_torch_is_its_own() -> None:
    names = {path.name for path in framework("openvino").sources()}
    assert {"torch_pickles.py", "torch_states.py", "torch_names.py", "dialects.py"} <= names
    assert "torch_adapter.py" not in names


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the adapters to play with."""
    copied = tmp_path / "adapters"
    shutil.copytree(disk.ADAPTERS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(disk, "ADAPTERS", copied)
    return copied


@pytest.mark.parametrize("changed", ["openvino_adapter.py", "torch_states.py", "torch_names.py", "mobilenet_v2.py"])
def test_a_changed_module_changes_the_digest(adapters: Path, changed: str) -> None:
    before = framework("openvino").adapter_digest()
    (adapters / changed).write_text((adapters / changed).read_text() + "\n# another version\n")
    assert framework("openvino").adapter_digest() != before


def test_another_adapters_module_changes_nothing(adapters: Path) -> None:
    before = framework("openvino").adapter_digest()
    for name in ("torch_adapter.py", "mxnet_names.py"):
        (adapters / name).write_text("# another version\n")
    assert framework("openvino").adapter_digest() == before


@pytest.mark.parametrize(
    "line",
    ["import helper", "from helper import x", "def f():\n    import helper", 'importlib.import_module("helper")'],
)
def test_imports_are_followed_wherever_they_stand(adapters: Path, line: str) -> None:
    (adapters / "helper.py").write_text("import second\n")
    (adapters / "second.py").write_text("")
    path = adapters / "fake_adapter.py"
    path.write_text(f"import importlib\n{path.read_text()}\n{line}\n")
    assert {"helper.py", "second.py"} <= {source.name for source in framework("fake").sources()}
