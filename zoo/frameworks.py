"""The frameworks, as adapters/frameworks.toml describes them, and what their adapters consist of."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError

from zoo import places
from zoo.errors import ManifestError, UsageError, known_names
from zoo.records import Record

SHARED = (
    "contract.py",
    "dialects.py",
    "layers.py",
    "mobilenet_v2.py",
    "numeric.py",
    "saturation.py",
    "serve.py",
    "untrained.py",
)


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
        return places.ADAPTERS / self.requirements

    def sources(self) -> list[Path]:
        """The program files of its adapter."""
        own = sorted(places.ADAPTERS.glob(f"{self.name}_*.py"))
        return [*(places.ADAPTERS / name for name in SHARED), *own]

    def adapter_digest(self) -> str:
        """sha256 over the adapter's program text: a changed adapter never reuses an old result."""
        digest = hashlib.sha256()
        for path in self.sources():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


@cache
def frameworks() -> dict[str, Framework]:
    """All of frameworks.toml by name, in file order."""
    path = places.ADAPTERS / "frameworks.toml"
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
