"""Imports point one way, the core imports no framework, and every rule and module says what it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.rules import judge

PACKAGE = Path(zoo.__file__).parent
FRAMEWORKS = ("torch", "tensorflow", "onnxruntime", "onnx", "openvino", "mindspore", "mxnet")

# A module may import modules of the rows above its own, and of its own row those listed before it.
ORDER = (
    # leaves
    (
        "errors",
        "exit_codes",
        "streams",
        "places",
        "unforeseen",
        "records.base",
        "records.recipes",
        "records.documents",
        "records.runs",
        "records.latency",
    ),
    ("records.reports", "records", "statements", "printed", "architecture", "toml_lines"),
    ("stats", "quantiles", "efficiency", "accepted", "planning", "ranking", "wording", "progress", "requests", "doubt"),
    ("documented", "variants", "predictions", "frameworks", "cache", "kept"),
    ("preprocess", "labels", "classnames", "manifest"),
    # measuring
    ("images", "machine", "workers", "environments", "files", "handed"),
    ("fetch", "exports", "inspections", "store", "evaluate"),
    ("recognition", "tasks", "stages", "latency", "as_shipped"),
    # judging: needs nothing of the measuring row
    ("rules.base", "rules.seen", "rules.guessing", "rules.moved", "rules.nonsense"),
    ("rules.accuracy", "rules.agreement", "rules.pairs", "rules.findings", "rules.documents"),
    ("rules.files", "rules.saturation"),
    ("rules.recipe_steps", "rules.settings", "rules.contents", "rules.attainable", "rules.recovered"),
    ("rules.architecture", "rules.order", "rules.same_bytes", "rules.repeated", "rules.loose", "rules.same_name"),
    ("rules.sizes",),
    ("rules.relations", "rules.conversions", "rules.schedules", "rules.facts", "rules.provenance"),
    ("rules.static", "rules.latency", "rules.ranked", "rules.documented_latency", "rules.baseline", "deviations"),
    ("judge", "changes", "agreement"),
    ("report.units", "report.text", "report.importance", "report.axes", "report.console", "report.marking"),
    ("report.details",),
    ("report.reproduce", "report.conditions", "report.rows", "report.cells", "report.plot", "report.dots"),
    (
        "report.baseline",
        "report.scatter",
        "report.ratios",
        "report.latency_markdown",
        "report.markdown",
        "report.tables",
    ),
    ("report.schema", "report.junit", "report.thumbnails", "report.html", "report.latency_terminal"),
    ("report.terminal", "report.audit", "report.changes", "report", "runfolder"),
    # joining
    ("merge", "frames", "selection", "audit", "thumbnails", "sequential", "validate", "bench", "comparison", "plan"),
    ("catalogue", "doctor", "cli", "__main__"),
)
MEASURING = {"images", "workers", "environments", "files", "handed", "fetch", "exports", "inspections", "store"}
MEASURING |= {"evaluate", "preprocess", "machine", "recognition", "tasks", "stages", "latency", "as_shipped"}
JUDGING = [name for row in ORDER[8:-2] for name in row]


def modules() -> dict[str, Path]:
    """Dotted name below `zoo` -> file; the training script is a program of its own."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if "bundled" in parts or parts[0] == "embedded" or path.read_text(encoding="utf-8").count("import") == 0:
            continue
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = path
    return found


def imported(path: Path) -> set[str]:
    """Names below `zoo` that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "zoo":
            base = node.module.removeprefix("zoo").removeprefix(".")
            for alias in node.names:
                full = f"{base}.{alias.name}" if base else alias.name
                names.add(full if full in modules() else base)
    return names - {"", "__version__"}


def test_every_module_has_its_place() -> None:
    assert sorted(modules()) == sorted(name for row in ORDER for name in row)


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_point_one_way(name: str) -> None:
    sequence = [entry for row in ORDER for entry in row]
    allowed = set(sequence[: sequence.index(name)])
    assert imported(modules()[name]) <= allowed


@pytest.mark.parametrize("name", JUDGING)
def test_judging_needs_no_measuring(name: str) -> None:
    assert not imported(modules()[name]) & MEASURING


def test_no_framework_is_imported() -> None:
    code = "import sys, zoo.cli; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(loaded) & set(FRAMEWORKS)


def test_zoo_never_imports_an_adapter() -> None:
    adapters = {path.stem for path in (PACKAGE.parent / "adapters").glob("*.py")}
    for name, path in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        roots = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        roots |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not {root.split(".")[0] for root in roots} & adapters, name


def test_adapters_never_import_the_core() -> None:
    for path in (PACKAGE.parent / "adapters").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        roots = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        roots |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert "zoo" not in {root.split(".")[0] for root in roots}, path.name


def test_rules_have_ids_and_messages() -> None:
    rules = (*judge.RULES, *judge.CLAIM_RULES)
    ids = [rule.id for rule in rules]
    assert len(ids) == len(set(ids))
    assert all(len(rule.message()) > 40 for rule in rules)
