"""Checkpoints that are written here, in each framework's published format: the embedded zoo's, and untrained ones."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from filelock import FileLock
from safetensors import SafetensorError
from safetensors.numpy import load_file

from zoo import cache, places
from zoo.environments import Environment
from zoo.errors import FileUnavailableError
from zoo.files import Located, located
from zoo.records import Checkpoint
from zoo.workers import Worker


def export(checkpoint: Checkpoint, root: Path, environment: Environment) -> Located:
    """The files of a checkpoint with `export_from`, written by its framework's adapter unless they exist.

    `root` is the zoo's own folder. Raises FileUnavailableError, WorkerError, CacheError.
    """
    assert checkpoint.export_from is not None
    weights = root / checkpoint.export_from
    if not weights.is_file():
        raise FileUnavailableError(f"{checkpoint.id}: export_from names {weights}, which does not exist")
    # The weights came with the zoo and the file was made from them here: nothing is left to verify.
    return located(_written(checkpoint, weights, checkpoint.format, environment), verified=True)


def untrained(checkpoint: Checkpoint, form: str, environment: Environment) -> Located:
    """A file of its architecture in format `form`, with random weights. Raises WorkerError, CacheError."""
    return located(_written(checkpoint, None, form, environment), verified=False)


def _written(checkpoint: Checkpoint, weights: Path | None, form: str, environment: Environment) -> list[Path]:
    folder = places.home() / "exports" / _key(checkpoint, weights, environment) / form.replace(":", "-")
    order = folder / "files.txt"
    with cache.explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / "lock"):
            if not order.is_file():
                _write(checkpoint, weights, form, environment, folder)
    return [folder / name for name in order.read_text(encoding="utf-8").splitlines()]


def _key(checkpoint: Checkpoint, weights: Path | None, environment: Environment) -> str:
    assert checkpoint.network is not None
    content = [
        cache.file_sha256(weights) if weights else "untrained",
        checkpoint.network.to_json(),
        environment.framework.adapter_digest(),
        environment.key,
    ]
    return cache.digest_of(content)[:16]


def _write(checkpoint: Checkpoint, weights: Path | None, form: str, environment: Environment, folder: Path) -> None:
    assert checkpoint.network is not None
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
    try:
        tensors = building / "tensors.npz"
        if weights is not None:
            np.savez(tensors, allow_pickle=False, **_read(checkpoint, weights))
        target = building / "files"
        target.mkdir()
        with Worker(environment.framework, environment.python) as worker:
            reply = worker.request(
                "export",
                tensors=str(tensors) if weights is not None else None,
                network=checkpoint.network.to_json(),
                format=form,
                target=str(target),
            )
        names = [str(Path(name).relative_to(target)) for name in reply["files"]]
        (target / "files.txt").write_text("\n".join(names), encoding="utf-8")
        target.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _read(checkpoint: Checkpoint, weights: Path) -> dict[str, np.ndarray]:
    try:
        return load_file(weights)
    except SafetensorError as error:
        raise FileUnavailableError(f"{checkpoint.id}: {weights} is not a readable safetensors file: {error}") from error
