"""Where things lie: bundled data, adapters, documented results, and the user's cache folder.

In a checkout `adapters/` and `reference_results/` stand beside the package; in an installed wheel they travel
inside it, under `zoo/bundled/`.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from zoo.errors import UsageError

PACKAGE = Path(__file__).resolve().parent
DATA = PACKAGE / "data"
LONGEST = 100  # characters of a wrong path that a message repeats


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
    return given(chosen, "ZOO_HOME").resolve() if chosen else Path(platformdirs.user_cache_dir("zoo-conformance"))


def mirror() -> Path | None:
    """`ZOO_MIRROR`: a folder searched for published files before any address is asked."""
    chosen = os.environ.get("ZOO_MIRROR")
    return given(chosen, "ZOO_MIRROR").resolve() if chosen else None


def given(path: str | Path, what: str) -> Path:
    """A path as a user writes it: `~` is a home folder. It need not be there.

    Raises UsageError, which says `what` it was given for, if nobody can know whether it is there: a name that is too
    long or no UTF-8, links in a circle, a folder on the way that may not be looked into.
    """
    try:
        found = Path(path).expanduser()
        str(found).encode()
        found.stat()
    except (FileNotFoundError, NotADirectoryError):
        return found
    except (OSError, RuntimeError, ValueError) as error:
        why = "its name is not UTF-8" if isinstance(error, UnicodeError) else getattr(error, "strerror", None) or error
        shown = ascii(str(path))
        shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}...'"
        raise UsageError(f"{what}: expected a path, got {shown}: {why}") from error
    return found
