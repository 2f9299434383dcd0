"""Starts an adapter in its environment, calls it, and ends it.

A worker is a process `<python> -E -s adapters/serve.py <framework>` that answers JSON lines. One that dies,
hangs past its limit or prints garbage becomes a WorkerError with the last lines of its stderr.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from zoo import disk
from zoo.errors import WorkerError
from zoo.frameworks.table import Framework

# Longest wait for one reply, seconds. Importing a framework from a cold disk takes minutes at worst.
LIMITS = {
    "hello": 300.0, "load": 300.0, "predict": 900.0, "prepare": 300.0, "bench": 900.0, "inspect": 300.0,
    "steps": 300.0, "values": 900.0, "export": 600.0, "bye": 10.0,
}  # fmt: skip
TAIL_LINES = 15


class Worker:
    """A running adapter; use in a `with` block, on entering which it has imported its framework.

    versions: of everything that can change an answer, as the adapter says.
    limits: seconds by operation, in place of LIMITS. names: text in its errors (paths of copies) -> what a reader
    knows it by.
    """

    def __init__(
        self,
        framework: Framework,
        python: Path,
        *,
        adapters: Path = disk.ADAPTERS,
        limits: Mapping[str, float] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.framework = framework
        self._names = sorted((names or {}).items(), key=lambda pair: -len(pair[0]))  # files before their folder
        self.limits = {**LIMITS, **(limits or {})}
        self._command = [str(python), "-E", "-s", str(adapters / "serve.py"), framework.name]
        self._replies: queue.Queue[str | None] = queue.Queue()
        self._number = 0
        self._stopped = False

    def __enter__(self) -> Self:
        try:
            self._stderr = tempfile.TemporaryFile(prefix="zoo-worker-")
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env={**os.environ, **self.framework.environment},
                # Its own process group: a Ctrl-C is ours to handle, and helpers it starts end with it.
                start_new_session=True,
            )
        except OSError as error:  # no interpreter, no temporary folder, no process left
            raise WorkerError(
                f"{self.framework.name}: cannot start {self._command[0]}: {error.strerror or error}; "
                "`zoo doctor` says whether its environment is whole",
                kind="not started",
            ) from error
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.versions: dict[str, str] = self.request("hello")["versions"]
        except BaseException:
            self._kill()
            self._stderr.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._process.poll() is None:
                self.request("bye")
                self._process.wait(self.limits["bye"])
        except (WorkerError, subprocess.TimeoutExpired):
            pass  # it is killed below all the same
        finally:
            self._kill()
            self._stderr.close()

    def request(self, op: str, **fields: Any) -> dict[str, Any]:
        """Result of one operation; raises WorkerError."""
        if self._stopped:
            self._signal(signal.SIGCONT)
            self._stopped = False
        self._number += 1
        line = json.dumps({"id": self._number, "op": op, **fields}) + "\n"
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(line.encode())
            stdin.flush()
        except OSError:
            raise self._died(op) from None
        return self._result(op, self._number)

    def stop(self) -> None:
        """Take its processor time away until the next request: threads that wait busily would slow down others."""
        self._signal(signal.SIGSTOP)
        self._stopped = True

    def kill(self) -> None:
        """End it at once: nothing is asked of it any more, and it holds nothing that has to be saved."""
        self._kill()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # its next request says that it died
            os.killpg(self._process.pid, number)

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            for line in stdout:
                self._replies.put(line.decode("utf-8", "replace"))
        finally:
            self._replies.put(None)  # else a request would wait until its limit

    def _result(self, op: str, number: int) -> dict[str, Any]:
        limit = self.limits[op]
        try:
            line = self._replies.get(timeout=limit)
        except queue.Empty:
            self._kill()
            raise WorkerError(
                f"{self.framework.name}: no answer to {op!r} within {limit:g} s; the worker was ended",
                kind="hung",
                details=self._tail(),
            ) from None
        if line is None:
            raise self._died(op)
        try:
            reply = json.loads(line)
            expected = reply["id"] == number and reply["reply"] in ("ok", "error")
        except (ValueError, KeyError, TypeError):
            expected = False
        if not expected:
            self._kill()
            raise WorkerError(
                f"{self.framework.name}: expected a JSON reply to {op!r}, got {line.strip()[:120]!r}",
                kind="garbage",
                details=self._tail(),
            )
        if reply["reply"] == "error":
            details = f"{reply['traceback']}\n{self._tail()}".strip()
            message = self._known(f"{self.framework.name}: {reply['message']}")
            raise WorkerError(message, kind=str(reply["kind"]), details=self._known(details))
        return dict(reply["result"])

    def _known(self, text: str) -> str:
        for copy, name in self._names:
            text = text.replace(copy, name)
        return text

    def _died(self, op: str) -> WorkerError:
        code = self._process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return WorkerError(
            f"{self.framework.name}: the worker died ({how}) during {op!r}", kind="died", details=self._tail()
        )

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):  # what was not yet flushed has no reader any more
                stream.close()

    def _tail(self) -> str:
        """Last lines of its stderr."""
        self._stderr.flush()
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])
