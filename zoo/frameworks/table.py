"""The frameworks, read from adapters/frameworks.toml, and the program files of their adapters."""

from __future__ import annotations

import ast
import hashlib
import tomllib
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.util import resolve_name
from pathlib import Path

from pydantic import Field, ValidationError

from zoo import disk
from zoo.errors import ManifestError, UsageError, known_names
from zoo.records import Record

PACKAGE = "adapters"
SERVER = f"{PACKAGE}.serve"  # what every worker runs


class Framework(Record):
    """One table of frameworks.toml; the file's first comment explains the keys."""

    name: str
    title: str
    pythons: tuple[str, ...]
    requirements: str
    formats: tuple[str, ...]
    exports: tuple[str, ...]
    environment: dict[str, str] = Field(default_factory=dict)

    @property
    def is_core(self) -> bool:
        """Whether it runs in the core's own environment (the fake of the tests)."""
        return not self.requirements

    @property
    def requirements_file(self) -> Path:
        """Exact pins."""
        return disk.ADAPTERS / self.requirements

    def sources(self) -> list[Path]:
        """The program files of its worker, by name: server, adapter, and whatever these import among the adapters."""
        names: set[str] = set()
        waiting = [SERVER, f"{PACKAGE}.{self.name}.adapter"]
        while waiting:
            name = waiting.pop()
            path = _file(name)
            if name not in names and path is not None:
                names.add(name)
                package = name.rpartition(".")[0]
                around = name if path.name == "__init__.py" else package
                waiting += [package, *_imported(path.read_text(encoding="utf-8"), around)]
        return [path for name in sorted(names) if (path := _file(name)) is not None]

    def adapter_digest(self) -> str:
        """sha256 over the adapter's program text: a changed adapter never reuses an old result."""
        digest = hashlib.sha256()
        for path in self.sources():
            name = path.relative_to(disk.ADAPTERS).as_posix()
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


def _file(name: str) -> Path | None:
    """The program text of a module or package among the adapters; None of any other name."""
    first, *parts = name.split(".")
    if first != PACKAGE:
        return None
    path = disk.ADAPTERS.joinpath(*parts)
    return next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)


@lru_cache(maxsize=128)
def _imported(text: str, package: str) -> tuple[str, ...]:
    """Modules that a program imports anywhere in it, by statement or by `import_module` with a name in quotes.

    package: the one that the program is in, where relative imports begin.
    """

    def names() -> Iterator[str]:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                source = resolve_name("." * node.level + (node.module or ""), package)
                yield from (source, *(f"{source}.{alias.name}" for alias in node.names))
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                yield from (str(each.value) for each in node.args if isinstance(each, ast.Constant))

    return tuple(sorted(set(names())))


@cache
def frameworks() -> dict[str, Framework]:
    """All of frameworks.toml by name, in file order."""
    path = disk.ADAPTERS / "frameworks.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return {name: Framework(name=name, **table) for name, table in tables.items()}
    except ValidationError as error:
        raise ManifestError(f"{path}: {error}") from error


def public_frameworks() -> list[Framework]:
    """Those a user means: all but the fake."""
    return [framework for framework in frameworks().values() if not framework.is_core]


def framework(name: str) -> Framework:
    """One framework; a wrong name is a UsageError with the nearest known ones."""
    try:
        return frameworks()[name]
    except KeyError:
        names = [entry.name for entry in public_frameworks()]
        raise UsageError(f"framework {name!r} is not known; {known_names(name, names)}") from None
