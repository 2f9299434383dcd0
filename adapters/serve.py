"""The far side of a worker: `python -E -s serve.py <module>` answers JSON lines on stdin/stdout.

One request a line, one reply a line. Request: {"id", "op", ...}; reply: {"id", "reply": "ok", "result": {...}} or
{"id", "reply": "error", "kind", "message", "traceback"}. The real stdout is moved aside first, as frameworks print.
Arrays never travel in JSON: requests name .npy files.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Sequence, TextIO, Tuple

import numeric
import numpy as np
from contract import Adapter, Options, info_as_json, live_threads
from mobilenet_v2 import Network

Reply = Dict[str, Any]


class Server:
    """Answers requests with one adapter, which is imported at `hello` so that a failed import is a reply."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.adapter: Any = None
        self.options: Any = None

    def answer(self, request: Dict[str, Any]) -> Reply:
        """Result of one request; raises what the adapter raises."""
        operations: Dict[str, Callable[[Dict[str, Any]], Reply]] = {
            "hello": self.hello,
            "load": self.load,
            "predict": self.predict,
            "inspect": self.inspect,
            "export": self.export,
        }
        op = request.get("op")
        if op not in operations:
            raise ValueError(f"op {op!r} is not known; known: {', '.join(sorted(operations))}, bye")
        return operations[op](request)

    def hello(self, request: Dict[str, Any]) -> Reply:
        """Import the adapter; versions of what can change an answer."""
        adapter: Adapter = importlib.import_module(self.module).ADAPTER()
        self.adapter = adapter
        return {
            "versions": {"python": platform.python_version(), **adapter.versions()},
            "platform": platform.platform(),
            "live_threads": live_threads(),
        }

    def load(self, request: Dict[str, Any]) -> Reply:
        """Load files; the model's facts, the seconds it took, live threads."""
        self.options = _options(request)
        start = time.perf_counter()
        info = self.adapter.load(_paths(request), self.options)
        seconds = time.perf_counter() - start
        return {"info": info_as_json(info), "seconds": seconds, "live_threads": live_threads()}

    def predict(self, request: Dict[str, Any]) -> Reply:
        """Scores of rows [start, stop) of a store, written to `out` as float32 (rows, outputs)."""
        store = np.load(request["store"], mmap_mode="r", allow_pickle=False)
        first, last = request["rows"]
        scores = []
        begin = time.perf_counter()
        for start, stop in _batches(first, last, self.options.batch_size):
            scores.append(self.adapter.predict(numeric.apply(request["numeric"], store[start:stop])))
        seconds = time.perf_counter() - begin
        np.save(request["out"], np.concatenate(scores), allow_pickle=False)
        return {"rows": last - first, "seconds": seconds, "live_threads": live_threads()}

    def inspect(self, request: Dict[str, Any]) -> Reply:
        """Static facts of files."""
        return {"facts": self.adapter.inspect(_paths(request), _options(request))}

    def export(self, request: Dict[str, Any]) -> Reply:
        """Write tensors (an .npz of canonical names) in a published format; the files written."""
        with np.load(request["tensors"], allow_pickle=False) as archive:
            tensors = {name: archive[name] for name in archive.files}
        network, target = Network(**request["network"]), Path(request["target"])
        files = self.adapter.export(tensors, network, request["format"], target)
        return {"files": [str(path) for path in files]}


def _options(request: Dict[str, Any]) -> Options:
    given = dict(request["options"])
    if given.get("network") is not None:
        given["network"] = Network(**given["network"])
    return Options(**given)


def _paths(request: Dict[str, Any]) -> Sequence[Path]:
    return [Path(name) for name in request["files"]]


def _batches(first: int, last: int, size: int) -> Iterator[Tuple[int, int]]:
    for start in range(first, last, size):
        yield start, min(start + size, last)


def serve(server: Server, requests: TextIO, replies: TextIO) -> None:
    """Answer until `bye` or the end of the input."""
    for line in requests:
        request = json.loads(line)
        reply: Reply = {"id": request.get("id")}
        if request.get("op") == "bye":
            reply.update(reply="ok", result={})
        else:
            try:
                reply.update(reply="ok", result=server.answer(request))
            except Exception as error:
                kind, text = type(error).__name__, str(error) or repr(error)
                reply.update(reply="error", kind=kind, message=text, traceback=traceback.format_exc())
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
        if request.get("op") == "bye":
            return


def main() -> None:
    """Keep the real stdout for replies; whatever else prints goes to stderr."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    serve(Server(sys.argv[1]), sys.stdin, replies)


if __name__ == "__main__":
    main()
