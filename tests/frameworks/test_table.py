"""What an adapter consists of: every program file that its worker runs is part of the keys."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from zoo import disk
from zoo.frameworks.environments import Environment
from zoo.frameworks.table import framework

# Run in a framework's environment, as serve.py is: the modules among the adapters that were imported.
PROGRAM = """
import importlib, json, runpy, sys
from pathlib import Path
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
runpy.run_path(str(folder / "serve.py"), run_name="serve")
importlib.import_module(f"adapters.{sys.argv[2]}.adapter")
importlib.import_module("adapters.common.timing")
found = {Path(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
print(json.dumps(sorted(path.relative_to(folder).as_posix() for path in found if folder in path.parents)))
"""


def test_every_module_that_a_worker_imports_is_in_its_sources(environment: Environment) -> None:
    entry = environment.framework
    done = subprocess.run(
        [environment.python, "-E", "-s", "-c", PROGRAM, disk.ADAPTERS, entry.name],
        capture_output=True, text=True, check=True, env={**entry.environment, "PATH": ""},
    )  # fmt: skip
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"common/contract.py", "common/numeric.py", f"{entry.name}/adapter.py"} <= imported
    assert {path.relative_to(disk.ADAPTERS).as_posix() for path in entry.sources()} >= {"serve.py", *imported}


def test_what_openvino_borrows_from_torch_is_its_own() -> None:
    names = {path.relative_to(disk.ADAPTERS).as_posix() for path in framework("openvino").sources()}
    assert {f"common/{name}.py" for name in ("torch_pickles", "torch_states", "torch_names", "dialects")} <= names
    assert "torch/adapter.py" not in names


@pytest.mark.parametrize(
    "changed",
    [
        "openvino/adapter.py",
        "openvino/__init__.py",
        "common/torch_states.py",
        "common/torch_names.py",
        "common/mobilenet_v2.py",
    ],
)
def test_a_changed_module_changes_the_digest(adapters: Path, changed: str) -> None:
    before = framework("openvino").adapter_digest()
    (adapters / changed).write_text((adapters / changed).read_text() + "\n# another version\n")
    assert framework("openvino").adapter_digest() != before


def test_another_adapters_module_changes_nothing(adapters: Path) -> None:
    before = framework("openvino").adapter_digest()
    for name in ("torch/adapter.py", "mxnet/names.py"):
        (adapters / name).write_text("# another version\n")
    assert framework("openvino").adapter_digest() == before


@pytest.mark.parametrize(
    "line",
    [
        "import adapters.helper",
        "from .. import helper",
        "from ..helper import x",
        "from adapters.helper import x",
        "from adapters import helper",
        "def f():\n    import adapters.helper",
        'importlib.import_module("adapters.helper")',
    ],
)
def test_imports_are_followed_wherever_they_stand(adapters: Path, line: str) -> None:
    (adapters / "helper.py").write_text("from adapters import second\n")
    (adapters / "second.py").write_text("")
    path = adapters / "fake" / "adapter.py"
    path.write_text(f"import importlib\n{path.read_text()}\n{line}\n")
    assert {"helper.py", "second.py"} <= {source.name for source in framework("fake").sources()}
