"""Writes checkpoints in each framework's published format: those of the embedded zoo, and untrained ones."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from zoo import disk, kept
from zoo.checkpoints.files import Located
from zoo.errors import FileUnavailableError
from zoo.frameworks import environments
from zoo.frameworks.environments import Environment
from zoo.records import Checkpoint


def export(checkpoint: Checkpoint, root: Path, environment: Environment) -> Located:
    """The files of a checkpoint with `export_from`, written by its framework's adapter unless they exist.

    `root` is the zoo's own folder. Raises FileUnavailableError, WorkerError, CacheError.
    """
    assert checkpoint.export_from is not None
    weights = root / checkpoint.export_from
    if not weights.is_file():
        raise FileUnavailableError(f"{checkpoint.id}: export_from names {weights}, which does not exist")
    # The weights came with the zoo and the file was made from them here: nothing is left to verify.
    return _written(checkpoint, weights, checkpoint.format, environment, verified=True)


def untrained(checkpoint: Checkpoint, form: str, environment: Environment) -> Located:
    """A file of its architecture in format `form`, with random weights. Raises WorkerError, CacheError."""
    return _written(checkpoint, None, form, environment, verified=False)


def _written(
    checkpoint: Checkpoint, weights: Path | None, form: str, environment: Environment, *, verified: bool
) -> Located:
    assert checkpoint.network is not None
    source = disk.file_sha256(weights) if weights else "untrained"
    key = disk.digest_of(["export", source, checkpoint.network.to_json(), form, environment.identity()])
    folder = disk.home() / "exports" / key[:16]
    stored = kept.folder(folder, key, lambda target: _write(checkpoint, weights, form, environment, target))
    return Located(
        paths=tuple(folder / each.name for each in stored),
        names=tuple(each.name for each in stored),
        digests=tuple(each.sha256 for each in stored),
        verified=verified,
    )


def _write(
    checkpoint: Checkpoint, weights: Path | None, form: str, environment: Environment, target: Path
) -> list[str]:
    """Let a worker write the files; their names in the order in which its adapter reads them."""
    assert checkpoint.network is not None
    with tempfile.TemporaryDirectory(prefix="zoo-tensors-") as folder, environments.started(environment) as worker:
        tensors = Path(folder) / "tensors.npz"
        if weights is not None:
            try:
                np.savez(tensors, allow_pickle=False, **load_file(weights))
            except SafetensorError as error:
                problem = f"{weights} is not a readable safetensors file: {error}"
                raise FileUnavailableError(f"{checkpoint.id}: {problem}") from error
        reply = worker.request(
            "export",
            tensors=str(tensors) if weights is not None else None,
            network=checkpoint.network.to_json(),
            format=form,
            target=str(target),
        )
    return [Path(name).relative_to(target).as_posix() for name in reply["files"]]
