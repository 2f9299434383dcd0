"""Files that are kept under ZOO_HOME, and a damage."""

from __future__ import annotations

import random
from pathlib import Path

from zoo import kept
from zoo.runs.folder import RunFolder

# kind -> its files in ZOO_HOME, after a run of the zoo below
KINDS = {
    "pixels": "pixels/*/*.npy",
    "results": "results/??/*.npz",
    "models": "results/models/*.json",
    "inspections": "results/inspections/*.json",
    "digests": "digests/*.json",
    "exports": "exports/*/*.json",
    "members": "members/*/*.json",
}


def stored(home: Path, pattern: str) -> list[Path]:
    """Files of a kind, in order."""
    return sorted(path for path in home.glob(pattern) if kept.ASIDE not in str(path))


def answers(out: Path) -> dict[str, tuple[list[list[int]], list[bool]]]:
    """Checkpoint -> its ranked outputs and what was right, of a run folder."""
    folder = RunFolder(out)
    assert folder.damages() == ()
    found = {run.checkpoint: folder.predictions(run) for run in folder.report().runs}
    return {name: (each.indices.tolist(), each.top1.tolist()) for name, each in found.items() if each is not None}


def flipped(data: bytes) -> bytes:
    at = random.Random(len(data)).randrange(len(data))
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
