"""Where things lie: bundled data, adapters, documented results, and the user's cache folder.

In a checkout `adapters/` and `reference_results/` stand beside the package; in an installed wheel they travel
inside it, under `zoo/bundled/`.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).resolve().parent
DATA = PACKAGE / "data"


def bundled(name: str) -> Path:
    """Folder `name` of the checkout, or its copy inside the wheel."""
    beside = PACKAGE.parent / name
    return beside if (PACKAGE.parent / "pyproject.toml").is_file() else PACKAGE / "bundled" / name


ADAPTERS = bundled("adapters")
REFERENCE_RESULTS = bundled("reference_results")
EMBEDDED = DATA / "embedded"


def home() -> Path:
    """`ZOO_HOME`, or the platform's user cache folder: environments, pixel stores, results, files."""
    chosen = os.environ.get("ZOO_HOME")
    return Path(chosen).expanduser().resolve() if chosen else Path(platformdirs.user_cache_dir("zoo-conformance"))


def mirror() -> Path | None:
    """`ZOO_MIRROR`: a folder searched for published files before any address is asked."""
    chosen = os.environ.get("ZOO_MIRROR")
    return Path(chosen).expanduser().resolve() if chosen else None
