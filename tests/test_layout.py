"""Imports point one way, measuring and judging know nothing of each other, and the core imports no framework."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

from tests.by_hand.built import REPOSITORY
from zoo.rules import judge

FRAMEWORKS = ("torch", "tensorflow", "onnxruntime", "onnx", "openvino", "mindspore", "mxnet")
MEASURING = {"zoo.images", "zoo.checkpoints", "zoo.frameworks", "zoo.measure"}
# Libraries, and folders of our own that need them.
HEAVY = {
    "PIL", "archspec", "cv2", "jinja2", "junitparser", "matplotlib", "numpy", "pandas", "pooch", "requests", "rich",
    "safetensors", "scipy", "threadpoolctl", "zoo.cli.actions", "zoo.measure", "zoo.report", "zoo.rules", "zoo.stats",
}  # fmt: skip
JUDGING = {"zoo.rules", "zoo.runs", "zoo.report"}

Graph = dict[str, set[str]]


def files(package: str) -> dict[str, Path]:
    """Module -> file. A package is its `__init__.py`."""
    found = {}
    for path in sorted((REPOSITORY / package).rglob("*.py")):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        if "bundled" not in parts:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules among the known ones that a file imports, anywhere in it."""
    names: set[str] = set()
    package = ".".join(path.relative_to(REPOSITORY).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            whole = {f"{source}.{alias.name}" for alias in node.names}
            names |= {name if name in known else source for name in whole}
    return names & set(known)


def modules(package: str) -> Graph:
    """Module -> modules of the same package that it imports."""
    known = files(package)
    return {name: imported(path, known) - {name, package} for name, path in known.items()}


def rooms(graph: Graph) -> Graph:
    """A file or folder of the first level -> those that it imports."""
    found: Graph = defaultdict(set)
    for name, others in graph.items():
        room = _room(name)
        found[room] |= {_room(other) for other in others} - {room}
    return found


def _room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def loaded_by(*names: str) -> set[str]:
    """Every module that is there after these were imported, in a fresh interpreter."""
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.issuperset(names)
    return loaded


def roots(path: Path) -> set[str]:
    """First names of everything that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("package", ["zoo", "adapters", "tests"])
def test_folders_import_one_way(package: str) -> None:
    """TopologicalSorter raises CycleError, which names the circle."""
    inside = {name: others for name, others in rooms(modules(package)).items() if name != package}
    assert len(list(TopologicalSorter(inside).static_order())) >= len(inside)


@pytest.mark.parametrize("package", ["zoo", "adapters"])
def test_modules_import_one_way(package: str) -> None:
    graph = modules(package)
    faces = {name for name in graph if files(package)[name].name == "__init__.py"}  # hand on what lies below them
    inside = {name: others - faces for name, others in graph.items() if name not in faces}
    assert len(list(TopologicalSorter(inside).static_order())) == len(inside)


def test_measuring_and_judging_meet_in_jobs_alone() -> None:
    graph = rooms(modules("zoo"))
    assert set(graph) >= MEASURING | JUDGING
    for room in MEASURING:
        assert not graph[room] & JUDGING, room
    for room in JUDGING:
        assert not graph[room] & MEASURING, room
    both = {room for room, others in graph.items() if others & MEASURING and others & JUDGING}
    assert both == {"zoo.jobs", "zoo.cli"}


def test_statistics_import_nothing_of_the_rest() -> None:
    inside = modules("zoo")
    assert "zoo.stats.differences" in inside
    used = set().union(*(roots(path) for name, path in files("zoo").items() if _room(name) == "zoo.stats"))
    assert used - sys.stdlib_module_names == {"numpy", "scipy", "zoo"}
    for name, others in inside.items():
        if _room(name) == "zoo.stats":
            assert {_room(other) for other in others} <= {"zoo.stats"}, name
    loaded = loaded_by("zoo.stats")
    assert {_room(name) for name in loaded if name.split(".")[0] == "zoo"} == {"zoo", "zoo.stats"}
    assert not {"scipy.stats", "scipy.special", "scipy.linalg", "pandas", "pydantic"} & loaded


def test_a_stored_run_is_loaded_without_a_renderer() -> None:
    loaded = loaded_by("zoo.frames", "zoo.runs.folder")
    assert not [name for name in loaded if name.startswith(("zoo.report", "zoo.rules", "zoo.jobs", "jinja2", "rich"))]


def test_no_framework_is_imported() -> None:
    assert not {name.split(".")[0] for name in loaded_by("zoo.cli.actions")} & set(FRAMEWORKS)


def test_the_command_line_loads_heavy_libraries_only_where_it_uses_them() -> None:
    """`zoo --help`, and completion in a shell, should not wait for them."""
    assert not HEAVY & loaded_by("zoo.cli")
    assert not {"scipy.stats", "scipy.special", "scipy.linalg", "pandas", "matplotlib", "jinja2"} & loaded_by(
        "zoo.cli.actions"
    )


def test_core_and_adapters_import_nothing_of_each_other() -> None:
    for package, other in (("zoo", "adapters"), ("adapters", "zoo")):
        for path in files(package).values():
            assert other not in roots(path), path


def test_an_adapter_imports_its_own_folder_and_the_common_one() -> None:
    graph = rooms(modules("adapters"))
    for room, others in graph.items():
        assert others <= {"adapters.common"}, room


def test_no_test_imports_another() -> None:
    for name, others in modules("tests").items():
        assert not [other for other in others if ".test_" in other], name


def test_rules_have_ids_and_messages() -> None:
    rules = (*judge.RULES, *judge.CLAIM_RULES)
    ids = [rule.id for rule in rules]
    assert len(ids) == len(set(ids))
    assert all(len(rule.message()) > 40 for rule in rules)
