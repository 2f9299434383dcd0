"""Drive an adapter in its framework's own environment, for tests.

`ZOO_TEST_PYTHON_<FRAMEWORK>` names the interpreter, e.g. ZOO_TEST_PYTHON_TENSORFLOW; without it such tests
are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ADAPTERS = Path(__file__).parents[1] / "adapters"
PASS_THROUGH = [{"op": "layout", "order": "nhwc"}]  # numeric steps for a store that is ready as it is


class FarError(Exception):
    """An `error` reply; `kind` is the exception's class on the far side."""

    def __init__(self, reply: dict[str, Any]) -> None:
        super().__init__(reply["message"])
        self.kind = reply["kind"]
        self.far_traceback = reply["traceback"]


def interpreter(framework: str) -> str:
    """The framework's interpreter; skips the test where none is named."""
    variable = f"ZOO_TEST_PYTHON_{framework.upper()}"
    found = os.environ.get(variable)
    if not found:
        pytest.skip(f"set {variable} to a Python that has {framework}")
    return found


def environment(framework: str) -> dict[str, str]:
    """The worker's variables, with what frameworks.toml adds."""
    with (ADAPTERS / "frameworks.toml").open("rb") as file:
        return {**os.environ, **tomllib.load(file)[framework]["environment"]}


class FarSide:
    """`serve.py <framework>_adapter` in a process of its own; use it in a `with` block."""

    def __init__(self, framework: str) -> None:
        command = [interpreter(framework), "-E", "-s", str(ADAPTERS / "serve.py"), f"{framework}_adapter"]
        self.folder = tempfile.TemporaryDirectory()
        self.errors = (Path(self.folder.name) / "stderr.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment(framework),
        )

    def __enter__(self) -> FarSide:
        self.versions = self.ask("hello")["versions"]
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        self.process.wait(timeout=30)
        self.errors.close()
        self.folder.cleanup()

    def ask(self, op: str, **request: Any) -> dict[str, Any]:
        """Result of one request; FarError if the reply is an error."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"id": 1, "op": op, **request}, default=str) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise RuntimeError(f"the far side ended with {self.process.wait(30)}: {self.errors.read()[-2000:]}")
        reply = json.loads(line)
        if reply["reply"] == "error":
            raise FarError(reply)
        return reply["result"]

    def load(self, files: list[Path], fmt: str, **options: Any) -> dict[str, Any]:
        """`info` of a load; two threads unless `options` says otherwise."""
        request = {"threads": 2, "format": fmt, **options}
        return self.ask("load", files=files, options=request)["info"]

    def inspect(self, files: list[Path], fmt: str, **options: Any) -> dict[str, Any]:
        """Static facts of files."""
        return self.ask("inspect", files=files, options={"threads": 2, "format": fmt, **options})["facts"]

    def predict(self, batch: np.ndarray, numeric: list[dict[str, Any]] = PASS_THROUGH) -> np.ndarray:
        """Scores float32 (N, outputs) of `batch`, NHWC, which `numeric` makes the network's input."""
        store, out = (Path(self.folder.name) / name for name in ("store.npy", "out.npy"))
        np.save(store, batch, allow_pickle=False)
        self.ask("predict", store=store, rows=[0, len(batch)], numeric=numeric, out=out)
        return np.load(out, allow_pickle=False)

    def export(self, tensors: dict[str, np.ndarray], network: dict[str, Any], fmt: str, target: Path) -> list[Path]:
        """Files that the adapter wrote for canonical tensors."""
        archive = Path(self.folder.name) / "tensors.npz"
        np.savez(archive, **tensors)
        reply = self.ask("export", tensors=archive, network=network, format=fmt, target=target)
        return [Path(name) for name in reply["files"]]
