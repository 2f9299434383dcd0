"""The speed of a loaded network: blocks of calls, warmed up until stable, each call timed by pytest-benchmark.

The input lies ready in memory, in the network's own shape and dtype, so only the framework's call is timed.
"""

from __future__ import annotations

import math
import os
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import pytest

from adapters.common.contract import Adapter, live_threads

WINDOW_SECONDS = 0.1  # of warm-up whose median is compared with that of the windows before
WINDOW_CALLS = 3  # at least
WINDOWS = 3  # in a row that have to agree
AGREE = 0.05  # their medians' range, by the smallest
FEWEST_CALLS = 100  # of a block, if the time allows
SHORTEST_SECONDS = 0.3  # of timed calls in a block, if the time allows
RESERVE = 0.9  # share of the time left that is planned for: the rest is for calls that turn out slower

# No options and plugins of whoever calls: pytest-benchmark alone, which _ARGUMENTS name. It times nothing where it
# believes itself to be one of several processes of pytest-xdist.
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
for _name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
    os.environ.pop(_name, None)


def seconds() -> float:
    """The clock: time.perf_counter_ns. Its float keeps nanoseconds for the months that a machine is up."""
    return time.perf_counter_ns() / 1e9


class Cell:
    """A loaded adapter and its batches. Each call takes the next batch; what it answers is kept, for comparison.

    batches: rows as a recipe makes them; `labels` are the outputs chosen for their images, in order, -1 where no call
    has answered yet, -2 where two calls chose differently.
    """

    def __init__(self, adapter: Adapter, batches: Sequence[np.ndarray]) -> None:
        self.adapter = adapter
        self.batches = [adapter.fitted(batch) for batch in batches]
        self.labels = np.full(sum(len(batch) for batch in batches), -1, np.int64)
        self.at = len(self.batches) - 1  # of the batch that was called last
        self.scores: Optional[np.ndarray] = None
        self.before()
        start = seconds()
        self.call()
        self.first_call = seconds() - start
        self.after()

    def before(self) -> None:
        """Turn to the next batch; not timed."""
        self.at = (self.at + 1) % len(self.batches)

    def call(self) -> None:
        """What is timed."""
        self.scores = self.adapter.call(self.batches[self.at])

    def after(self, *_: Any) -> None:
        """Note which outputs were chosen; not timed."""
        assert self.scores is not None
        chosen = np.argmax(self.scores, axis=1)
        start = self.at * len(chosen)
        known = self.labels[start : start + len(chosen)]
        known[:] = np.where((known == -1) | (known == chosen), chosen, -2)

    def timed_call(self) -> float:
        """Seconds of one call outside pytest-benchmark."""
        self.before()
        start = seconds()
        self.call()
        elapsed = seconds() - start
        self.after()
        return elapsed

    def warm_up(self, limit: float) -> Tuple[int, bool, float]:
        """Call until the medians of successive windows agree, or `limit` seconds: (calls, agreed, last median)."""
        calls, medians = 0, []  # type: int, List[float]
        begin = seconds()
        while True:
            window: List[float] = []
            while len(window) < WINDOW_CALLS or sum(window) < WINDOW_SECONDS:
                window.append(self.timed_call())
            calls += len(window)
            medians.append(median(window))
            recent = medians[-WINDOWS:]
            agreed = len(recent) == WINDOWS and max(recent) - min(recent) <= AGREE * min(recent)
            if agreed or seconds() - begin > limit:
                return calls, agreed, medians[-1]

    def block(self, budget: float, name: str, out: Path) -> Dict[str, Any]:
        """Warm up, then time as many calls as `budget` seconds allow; pytest-benchmark writes them all to `out`."""
        begin, processor = seconds(), time.process_time()
        warmup_calls, settled, one = self.warm_up(budget / 4)
        warmed = seconds() - begin
        left = RESERVE * (budget - warmed)
        wanted = max(FEWEST_CALLS, math.ceil(SHORTEST_SECONDS / one))
        plugin = _Plugin(self, name, max(1, min(wanted, int(left / one))))
        code = pytest.main([*_ARGUMENTS, f"--benchmark-json={out}"], plugins=[plugin])
        if code != 0 or not out.exists():
            raise RuntimeError(f"pytest ended with {code!s} instead of writing {out}; what it printed is above")
        return {
            "warmup_calls": warmup_calls,
            "settled": settled,
            "seconds": warmed + plugin.seconds,
            "processor_seconds": time.process_time() - processor,
            "cores_used": plugin.cores_used,
            "switches": plugin.switches,
            "live_threads": live_threads(),
        }


# No configuration of whoever calls, and nothing captured: a worker's stdout is its stderr.
_ARGUMENTS = [
    str(Path(__file__).with_name("timed_call.py")),
    f"--config-file={os.devnull}", f"--rootdir={Path(__file__).parent}", "--import-mode=importlib", "--quiet",
    "--no-header", "--capture=no", "--assert=plain", "--benchmark-disable-gc",
    "--benchmark-timer=adapters.common.timing.seconds",
    "--benchmark-quiet",
    *(f"-p{name}" for name in ("pytest_benchmark.plugin", "no:cacheprovider", "no:faulthandler", "no:logging",
                               "no:threadexception", "no:unraisableexception", "no:warnings")),
]  # fmt: skip


class _Plugin:
    """Gives the test its cell, and answers pytest-benchmark's slow questions about the machine only once."""

    _machine: Optional[Dict[str, Any]] = None

    def __init__(self, cell: Cell, name: str, calls: int) -> None:
        self.cell, self.name, self.calls = cell, name, calls
        self.seconds, self.cores_used, self.switches = 0.0, 0.0, 0

    @pytest.fixture
    def timed(self) -> _Plugin:
        """What timed_call.py takes."""
        return self

    def run(self, benchmark: Any) -> None:
        """All calls of the block."""
        benchmark.name = benchmark.fullname = self.name
        wall, processor, switches = seconds(), time.process_time(), _involuntary_switches()
        benchmark.pedantic(self.cell.call, setup=self.cell.before, teardown=self.cell.after, rounds=self.calls)
        self.seconds = seconds() - wall
        self.cores_used = (time.process_time() - processor) / self.seconds
        self.switches = _involuntary_switches() - switches

    @pytest.hookimpl(tryfirst=True)
    def pytest_benchmark_generate_machine_info(self) -> Dict[str, Any]:
        """pytest-benchmark's own answer, remembered: it takes a second."""
        if _Plugin._machine is None:
            from pytest_benchmark.plugin import pytest_benchmark_generate_machine_info

            _Plugin._machine = pytest_benchmark_generate_machine_info()
        return _Plugin._machine

    def pytest_benchmark_generate_commit_info(self) -> Dict[str, Any]:
        """Nothing: what was timed is not in the repository that the command happens to run in."""
        return {}


def _involuntary_switches() -> int:
    """Of all threads of this process, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def resident() -> Tuple[int, int]:
    """Resident set of this process and its peak, bytes.

    The kernel's own peak (`ru_maxrss`) begins with that of the program which started this one.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith("Vm")}
        return sizes["VmRSS"], sizes["VmHWM"]
    except (OSError, KeyError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return peak, peak
