"""Drive an adapter in its framework's own environment, for tests: a worker with short words for what tests ask."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pytest

from adapters.common.steps import Step, from_json
from tests.by_hand.built import built
from zoo import disk
from zoo.errors import WorkerError
from zoo.frameworks.workers import Worker

ADAPTERS = disk.ADAPTERS
PASS_THROUGH: list[dict[str, Any]] = [{"op": "layout", "order": "nhwc"}]  # for a store that is ready as it is
FarError = WorkerError


def interpreter(framework: str) -> str:
    """The framework's interpreter; skips the test where its environment is not built."""
    return str(built(framework).python)


def environment(framework: str) -> dict[str, str]:
    """The worker's variables, with what frameworks.toml adds."""
    return {**os.environ, **built(framework).framework.environment}


def run_inside(framework: str, command: str, *arguments: object) -> None:
    """A command of `<framework>_files.py`, in the framework's environment."""
    script = Path(__file__).with_name(f"{framework}_files.py")
    subprocess.run(
        [interpreter(framework), "-W", "ignore", str(script), command, *map(str, arguments)],
        check=True,
        env=environment(framework),
    )


class FarSide:
    """A running adapter; use it in a `with` block."""

    def __init__(self, framework: str) -> None:
        self.framework = framework
        found = built(framework)
        changed = found.framework.changed(environment=environment(framework))
        self.worker = Worker(changed, found.python)
        self.folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> FarSide:
        self.worker.__enter__()
        self.versions = self.worker.versions
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.worker.__exit__(kind, error, trace)
        self.folder.cleanup()

    def ask(self, op: str, **request: Any) -> dict[str, Any]:
        """Result of one request; FarError if the reply is an error."""
        return self.worker.request(op, **_plain(request))

    def load(self, files: list[Path], fmt: str, **options: Any) -> dict[str, Any]:
        """`info` of a load; two threads unless `options` says otherwise."""
        request = {"threads": 2, "format": fmt, **options}
        return self.ask("load", files=files, options=request)["info"]

    def refusal(self, files: list[Path], fmt: str, **options: Any) -> str:
        """The message, without the framework's name, of a load that the adapter itself refuses."""
        with pytest.raises(FarError) as caught:
            self.load(files, fmt, **options)
        assert caught.value.kind == "AdapterError"
        return str(caught.value).removeprefix(f"{self.framework}: ")

    def inspect(self, files: list[Path], fmt: str, **options: Any) -> dict[str, Any]:
        """Static facts of files."""
        return self.ask("inspect", files=files, options={"threads": 2, "format": fmt, **options})["facts"]

    def predict(self, batch: np.ndarray, numeric: list[dict[str, Any]] = PASS_THROUGH) -> np.ndarray:
        """Scores float32 (N, outputs) of `batch`, NHWC, which `numeric` makes the network's input."""
        store, out = (Path(self.folder.name) / name for name in ("store.npy", "out.npy"))
        np.save(store, batch, allow_pickle=False)
        self.ask("predict", store=store, rows=[0, len(batch)], numeric=numeric, out=out)
        return np.load(out, allow_pickle=False)

    def steps(self, files: list[Path], fmt: str, **options: Any) -> list[Step]:
        """The network as files have it, step by step."""
        out = Path(self.folder.name) / "steps.npz"
        reply = self.ask("steps", files=files, options={"threads": 2, "format": fmt, **options}, out=out)
        with np.load(out, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return [from_json(number, facts, arrays) for number, facts in enumerate(reply["steps"])]

    def values(
        self, files: list[Path], batch: np.ndarray, numeric: list[dict[str, Any]] = PASS_THROUGH
    ) -> dict[int, np.ndarray]:
        """What stands behind each step of the loaded files for `batch`, NHWC, which `numeric` makes their input."""
        store, out = (Path(self.folder.name) / name for name in ("store.npy", "values.npz"))
        np.save(store, batch, allow_pickle=False)
        self.ask("values", files=files, store=store, rows=[0, len(batch)], numeric=numeric, out=out)
        with np.load(out, allow_pickle=False) as archive:
            return {int(name): archive[name] for name in archive.files}

    def export(self, tensors: dict[str, np.ndarray], network: Any, fmt: str, target: Path) -> list[Path]:
        """Files that the adapter wrote for canonical tensors."""
        archive = Path(self.folder.name) / "tensors.npz"
        np.savez(archive, allow_pickle=False, **tensors)
        reply = self.ask("export", tensors=archive, network=network, format=fmt, target=target)
        return [Path(name) for name in reply["files"]]


def _plain(value: Any) -> Any:
    """Paths as text and networks as dictionaries, all the way down."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
