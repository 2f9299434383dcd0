"""Environments of the frameworks that are built, and where the repository is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zoo.frameworks import environments
from zoo.frameworks.environments import Environment
from zoo.frameworks.table import framework

REPOSITORY = Path(__file__).parents[2]


def built(name: str) -> Environment:
    """The framework's environment; skipped where it is not built, an error in CI, which builds all of them."""
    found = environments.find(framework(name))
    if found is None:
        message = f"the environment of {name} is not built: zoo setup {name}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found
