"""Conformance suite for MobileNetV2 model zoos: it runs documented checkpoints again, in every framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.frames import Frames

__version__ = "0.1.0"
__all__ = ["__version__", "load_run"]


def load_run(path: str | Path) -> Frames:
    """A run folder's runs, predictions and verdicts as pandas data frames; see `zoo.frames.Frames`.

    Raises `zoo.errors.RunFolderError` if the folder holds no run.
    """
    from zoo.frames import load_run as load  # pandas takes a second that nobody else should wait for

    return load(path)
