"""The program of a worker: `python -E -s serve.py <framework>` reads and answers JSON lines on stdin and stdout.

One request a line, one reply a line. Request: {"id", "op", ...}; reply: {"id", "reply": "ok", "result": {...}} or
{"id", "reply": "error", "kind", "message", "traceback"}. The real stdout is moved aside first, as frameworks print.
Arrays never travel in JSON: requests name .npy files.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence, TextIO, Tuple

import numpy as np

if not __package__:  # run as a program
    # This folder becomes the package `adapters`, and goes off the path: a folder torch/ in it would hide torch.
    _folder = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _folder]
    _spec = importlib.util.spec_from_file_location("adapters", _folder / "__init__.py")
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules["adapters"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["adapters"])

from adapters.common import architectures, numeric, steps, untrained
from adapters.common.contract import Adapter, Options, info_as_json, live_threads

Reply = Dict[str, Any]


class Server:
    """Answers requests with one adapter, which is imported at `hello` so that a failed import is a reply."""

    def __init__(self, framework: str) -> None:
        self.framework = framework
        self.adapter: Any = None
        self.options: Any = None
        self.batches: List[np.ndarray] = []
        self.cell: Any = None

    def answer(self, request: Dict[str, Any]) -> Reply:
        """Result of one request; raises what the adapter raises."""
        operations: Dict[str, Callable[[Dict[str, Any]], Reply]] = {
            "hello": self.hello,
            "load": self.load,
            "predict": self.predict,
            "prepare": self.prepare,
            "bench": self.bench,
            "inspect": self.inspect,
            "steps": self.steps,
            "values": self.values,
            "export": self.export,
        }
        op = request.get("op")
        if op not in operations:
            raise ValueError(f"op {op!r} is not known; known: {', '.join(sorted(operations))}, bye")
        return operations[op](request)

    def hello(self, request: Dict[str, Any]) -> Reply:
        """Import the adapter; versions of what can change an answer."""
        adapter: Adapter = importlib.import_module(f"adapters.{self.framework}.adapter").ADAPTER()
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

    def prepare(self, request: Dict[str, Any]) -> Reply:
        """Read rows of stores and make the batches that `bench` will call; seconds an image of the numeric steps.

        Before `load`, so that they count as memory which was there already; `bench` has its imports by then too.
        """
        timing = importlib.import_module("adapters.common.timing")  # needs pytest, which is only asked for here
        size, steps = request["batch_size"], request["numeric"]
        stores = [np.load(path, mmap_mode="r", allow_pickle=False) for path in request["stores"]]
        pixels = np.concatenate(stores)[: request["images"]]
        pixels.flags.writeable = False  # numeric.apply works in place where it may
        self.batches = [numeric.apply(steps, pixels[start : start + size]) for start in range(0, len(pixels), size)]
        spent = []
        for image in range(len(pixels)):
            start = timing.seconds()
            numeric.apply(steps, pixels[image : image + 1])
            spent.append(timing.seconds() - start)
        return {"seconds": spent, "resident": timing.resident()[0]}

    def bench(self, request: Dict[str, Any]) -> Reply:
        """Time one block of calls (see timing.Cell.block), after the first request's first call."""
        timing = importlib.import_module("adapters.common.timing")
        if self.cell is None:
            self.cell = timing.Cell(self.adapter, self.batches)
        block = self.cell.block(request["seconds"], request["name"], Path(request["out"]))
        peak, labels = timing.resident()[1], self.cell.labels.tolist()
        return {**block, "first_call_seconds": self.cell.first_call, "peak": peak, "labels": labels}

    def inspect(self, request: Dict[str, Any]) -> Reply:
        """Static facts of files."""
        return {"facts": self.adapter.inspect(_paths(request), _options(request))}

    def steps(self, request: Dict[str, Any]) -> Reply:
        """The network of files step by step: facts of each step, and its arrays in an .npz written to `out`."""
        found = self.adapter.steps(_paths(request), _options(request))
        _save(request["out"], dict(steps.arrays(found)))
        return {"steps": [steps.as_json(step) for step in found]}

    def values(self, request: Dict[str, Any]) -> Reply:
        """What stands behind each step for rows [start, stop) of a store, by its number in an .npz written to `out`.

        After `load`, with the same files; the worker is of no use afterwards.
        """
        store = np.load(request["store"], mmap_mode="r", allow_pickle=False)
        first, last = request["rows"]
        batch = numeric.apply(request["numeric"], store[first:last])
        found = self.adapter.values(_paths(request), self.options, batch)
        _save(request["out"], {str(number): value for number, value in found.items()})
        return {"numbers": sorted(found)}

    def export(self, request: Dict[str, Any]) -> Reply:
        """Write tensors (an .npz of canonical names; random ones if None) in a published format; the files written."""
        network, target = architectures.network(request["network"]), Path(request["target"])
        if request["tensors"] is None:
            tensors = untrained.tensors(network)
        else:
            with np.load(request["tensors"], allow_pickle=False) as archive:
                tensors = {name: archive[name] for name in archive.files}
        files = self.adapter.export(tensors, network, request["format"], target)
        return {"files": [str(path) for path in files]}


def _options(request: Dict[str, Any]) -> Options:
    given = dict(request["options"])
    if given.get("network") is not None:
        given["network"] = architectures.network(given["network"])
    return Options(**given)


def _paths(request: Dict[str, Any]) -> Sequence[Path]:
    return [Path(name) for name in request["files"]]


def _save(out: str, arrays: Dict[str, Any]) -> None:
    """An .npz of arrays by name; older numpy takes `allow_pickle` for a name too."""
    np.savez(out, **arrays)


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
