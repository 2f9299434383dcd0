"""Times networks under given conditions: workers take turns, and each one's results are recorded.

A process may be faster or slower for its whole life, depending on where its memory lies. So each round has a worker of
its own, and what the rounds differ by shows that too. Workers take turns in palindromes (A B C, then C B A), so that a
machine that grows slower or faster does the same to all of them. Between two blocks only the probe runs, which says how
fast the machine is at that moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo import disk, kept, machine
from zoo.checkpoints.handed import handed
from zoo.errors import Cause, WorkerError, ZooError
from zoo.frameworks import environments
from zoo.measure.accuracy import Settings, Task, options_of
from zoo.records import Arithmetic, LatencyRun, Quantile, Round
from zoo.stats import levels

# One round each, in turns; even, so that every palindrome is whole. Of eight the fastest and the slowest do not count
# (`zoo.stats.levels`). benchmarks/simulate_latency.py compares this with fewer processes of more rounds.
PROCESSES = 8
FEWEST_FOR_P99 = 1000  # calls; ten of them lie above the 99th percentile
_PATIENCE = 10  # times its budget, and a minute, that a block may take before its worker counts as hung


@dataclass(frozen=True)
class CellRequest:
    """One cell as it was asked for."""

    checkpoint: str
    framework: str
    recipe: str
    image_set: str
    batch_size: int
    threads: int
    session: str
    arithmetic: Arithmetic = "exact"

    def fields(self) -> dict[str, Any]:
        """What a LatencyRun says of it, even if it could not be timed."""
        own = asdict(self)
        return {
            **own,
            "key": disk.digest_of(own)[:16],
            "processor": machine.processor(),
            "cores": machine.cores(),
            "instruction_sets": machine.instruction_sets(),
        }

    def missing(self, why: ZooError) -> LatencyRun:
        """The record of a cell that was not started."""
        return LatencyRun(**self.fields(), status="not_run", error=str(why), cause=why.cause)


@dataclass(frozen=True)
class CellInput:
    """What one cell is timed with.

    stores: decoded images, in the recipe's geometry; labels: the outputs that the accuracy run chose for them, int64
    (images,); multiply_adds: of one image, where they are known; untrained: random weights.
    """

    request: CellRequest
    task: Task
    stores: Sequence[Path]
    labels: NDArray[np.int64]
    multiply_adds: int | None = None
    untrained: bool = False

    def fields(self) -> dict[str, Any]:
        """What a LatencyRun says of it before anything is timed."""
        task = self.task
        return {
            **self.request.fields(),
            "versions": task.environment.versions,
            "settings": task.environment.framework.environment,
            "sha256": task.located.sha256,
            "weights": "" if self.untrained else task.checkpoint.weights or task.located.sha256,
            "untrained": self.untrained,
            "multiply_adds": self.multiply_adds,
            "file_bytes": sum(path.stat().st_size for path in task.located.paths),
        }


@dataclass
class TimedCell:
    """A network that is timed by one worker after the other. A failure ends its part in the session.

    prepared, loaded, last: what each worker said of its images, of loading, and of its round; times: seconds of every
    call, by process.
    """

    input: CellInput
    budget: float
    failure: str = ""
    cause: Cause = "interrupted"
    prepared: list[dict[str, Any]] = field(default_factory=list)
    loaded: list[dict[str, Any]] = field(default_factory=list)
    last: list[dict[str, Any]] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    times: list[list[float]] = field(default_factory=list)

    def hand(self, stack: ExitStack) -> None:
        """Copy the network's files, for all of its workers, before anything is timed."""
        with self._failing():
            self.files = stack.enter_context(handed(self.input.task.located))

    def start(self, stack: ExitStack) -> None:
        """Start a worker, which imports its framework."""
        limits = {"bench": 60 + _PATIENCE * self.budget}
        with self._failing():
            worker = environments.started(self.input.task.environment, limits=limits, names=self.files.names)
            self.worker = stack.enter_context(worker)

    def open(self) -> None:
        """Read its images, load its network."""
        task, given, asked = self.input.task, self.input, self.input.request
        with self._failing():
            _refuse_damaged(given.stores)
            prepared = self.worker.request(
                "prepare",
                stores=[str(path) for path in given.stores],
                images=len(given.labels),
                batch_size=asked.batch_size,
                numeric=[step.to_json() for step in task.recipe.numeric.steps],
            )
            settings = Settings(asked.threads, asked.batch_size, arithmetic=asked.arithmetic)
            self.loaded.append(self.worker.request("load", files=self.files.paths, options=options_of(task, settings)))
            self.worker.stop()
            self.prepared.append(prepared)

    def block(self, folder: Path, probe: float) -> float:
        """The round of a worker, which ends with it. probe: of the moment before, GFLOP/s a core; the one after it is
        returned.
        """
        number = len(self.rounds) + 1
        asked = self.input.request
        name = f"{asked.checkpoint}@{asked.framework}/b{asked.batch_size}t{asked.threads}"
        out = folder / f"{re.sub('[^A-Za-z0-9.]+', '-', name)}-r{number}.json"
        left = self.budget - sum(each.seconds for each in self.rounds)
        load, before = machine.load(), machine.Usage.now()
        with self._failing():
            reply = self.worker.request(
                "bench", seconds=max(left, 0) / (PROCESSES + 1 - number), name=name, out=str(out)
            )
            used = machine.Usage.now().since(before)
            self.worker.kill()
            self.last.append(reply)
            (benchmark,) = json.loads(out.read_text(encoding="utf-8"))["benchmarks"]  # pytest-benchmark's file
            times: list[float] = benchmark["stats"]["data"]  # seconds of every call
            self.times.append(times)
            probe_after = machine.probe(asked.threads)
            self.rounds.append(
                Round(
                    number=number,
                    calls=len(times),
                    median=median(times),
                    load=load,
                    elsewhere=_share(used.busy - reply["processor_seconds"], used),
                    steal=_share(used.stolen, used),
                    probe_before=probe,
                    probe_after=probe_after,
                    **{key: reply[key] for key in ("warmup_calls", "settled", "seconds", "cores_used", "switches")},
                )
            )
            return probe_after
        return machine.probe(asked.threads)

    def finished(self) -> LatencyRun:
        """What was measured, or why not."""
        known = self.input.fields()
        if len(self.rounds) < PROCESSES:
            why = self.failure or f"interrupted after {len(self.rounds)} of {PROCESSES} rounds"
            return LatencyRun(**known, status="failed", error=why, cause=self.cause)
        last, info = self.last, self.loaded[0]["info"]
        calls = sum(map(len, self.times))
        labels = np.array([each["labels"] for each in last])  # (processes, images)
        answered = labels != -1
        return LatencyRun(
            **known,
            processes=len(last),
            threads_read=info["threads"],
            live_threads=max(each["live_threads"] for each in last),
            precision=info["precision"],
            integer_sums=info["integer_sums"],
            kernels=info["kernels"],
            load_seconds=median(each["seconds"] for each in self.loaded),
            first_call_seconds=median(each["first_call_seconds"] for each in last),
            memory_before=max(each["resident"] for each in self.prepared),
            memory_peak=max(each["peak"] for each in last),
            calls=calls,
            quantiles=quantiles_of(self.times),
            images_per_second=self.input.request.batch_size * calls / sum(map(sum, self.times)),
            rounds=tuple(self.rounds),
            images_checked=int(answered.any(axis=0).sum()),
            different=int(((labels != self.input.labels) & answered).any(axis=0).sum()),
            status="done",
        )

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """An error of the worker is kept, and the other cells go on."""
        try:
            yield
        except ZooError as error:
            details = error.details if isinstance(error, WorkerError) else ""
            self.failure, self.cause = f"{error}\n{details}".strip(), error.cause


class Session:
    """Cells with the same number of threads that are timed in alternation."""

    def __init__(self, inputs: Sequence[CellInput], budget: float) -> None:
        """budget: seconds of warm-up and calls for each cell."""
        self.cells = [TimedCell(entry, budget) for entry in inputs]

    def run(self, folder: Path, say: Callable[[int], None]) -> None:
        """Time all of them; pytest-benchmark's files go to `folder`, `say` is told each round's number.

        When it ends early, `finished` tells how far it came.
        """
        with disk.explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.cells:
            return
        with ExitStack() as files:
            for cell in self.cells:
                cell.hand(files)
            for number in range(PROCESSES):
                say(number + 1)
                self._run_round(number, folder)

    def _run_round(self, number: int, folder: Path) -> None:
        """One worker of each cell. They are started together, as importing a framework takes seconds; nothing is timed
        meanwhile.
        """
        with ExitStack() as stack:
            with ThreadPoolExecutor(machine.cores()) as pool:
                for _ in pool.map(lambda cell: cell.start(stack), self._working()):
                    pass
            for cell in self._working():
                cell.open()
            probe = machine.probe(self.cells[0].input.request.threads)
            for cell in self._working()[:: -1 if number % 2 else 1]:
                probe = cell.block(folder, probe)

    def _working(self) -> list[TimedCell]:
        return [cell for cell in self.cells if not cell.failure]

    def finished(self) -> list[LatencyRun]:
        """In the order of the inputs."""
        return [cell.finished() for cell in self.cells]


def quantiles_of(times: Sequence[Sequence[float]]) -> tuple[Quantile, ...]:
    """p50, p90 and, of 1,000 calls and more, p99. times: seconds of every call, by process.

    Each is computed of the calls of one process; `zoo.stats.levels` then says what is typical of the processes.
    """
    wanted = (0.5, 0.9, 0.99) if sum(map(len, times)) >= FEWEST_FOR_P99 else (0.5, 0.9)
    quantiles = []
    for level in wanted:
        of_processes = [float(np.quantile(one, level)) for one in times]
        low, high = levels.interval(of_processes) or (None, None)
        quantiles.append(Quantile(level=level, value=levels.typical(of_processes), low=low, high=high))
    return tuple(quantiles)


def _refuse_damaged(stores: Sequence[Path]) -> None:
    """Raise CacheError where decoded images are not what they were when the bench began."""
    if not all(kept.is_whole(path, path.stem) for path in stores):
        raise disk.CacheError("decoded images were damaged or removed while networks were timed; run it again")


def _share(part: float, whole: machine.Usage) -> float:
    """Of all processors' time; clock ticks make small parts negative."""
    return min(max(part / whole.total, 0.0), 1.0) if whole.total else 0.0
