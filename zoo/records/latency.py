"""Measured speed, and how far it can be trusted."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from zoo.errors import Cause
from zoo.records.base import Fraction, Record
from zoo.records.runs import Arithmetic, IntegerSums, RunStatus

Seconds = Annotated[float, Field(ge=0.0)]
Bytes = Annotated[int, Field(ge=0)]


class Quantile(Record):
    """A quantile of times, seconds, with its interval.

    Of images before the network it is distribution-free (order statistics, `zoo.stats.quantiles`); of calls it is that
    of the processes (`zoo.stats.levels`). low, high: None where there are too few values for one.
    """

    level: Fraction
    value: Seconds
    low: Seconds | None = None
    high: Seconds | None = None


class Round(Record):
    """One block of timed calls between two probes; what else went on is kept with it.

    median: of its calls, seconds; warmup_calls: untimed calls before them; settled: whether the warm-up had become
    stable when it ended; seconds: of both together; cores_used: processor time of the worker by wall time; load:
    average of the last minute before the block; elsewhere: share of the machine's processor time that other programs
    used during it; steal: share that its hypervisor gave away; switches: involuntary context switches of the worker;
    probe_before, probe_after: GFLOP/s a core of a matrix product.
    """

    number: int = Field(ge=1)
    calls: int = Field(ge=1)
    median: Seconds
    warmup_calls: int = Field(ge=0)
    settled: bool
    seconds: Seconds
    cores_used: float = Field(ge=0)
    load: float = Field(ge=0)
    elsewhere: Fraction = 0.0
    steal: Fraction
    switches: int = Field(ge=0)
    probe_before: float = Field(ge=0)
    probe_after: float = Field(ge=0)


class LatencyRun(Record):
    """The speed of one checkpoint in one framework at one batch size and number of threads.

    Only the framework's own call is timed: rows in the network's dtype and layout lie ready in the worker's memory.
    key: names it within report.json; session: cells with the same one were run in alternation. threads: asked for;
    threads_read: in effect as the framework says; live_threads: of the worker's process, as the kernel counts them.
    rounds: those of one process follow each other, and every process has equally many. quantiles: of the calls of each
    process, averaged over the processes by `zoo.stats.levels.typical` (p99 only of 1,000 calls and more);
    images_per_second: images by the sum of the calls. cores: of the machine that the bench might use, 0 where that was
    not recorded. first_call_seconds: the first call after loading; of both the median over the processes.
    memory_before: resident before loading, with the framework and the images in memory; memory_peak: highest resident
    set until the end; the largest of any process. multiply_adds: of one image.
    images_checked: whose label, given while being timed, was compared with that of the accuracy run; different: how
    many were not equal. settings: variables of the worker's environment; arithmetic, integer_sums, kernels,
    instruction_sets, cause: as in accuracy runs. untrained: the network's
    architecture with random weights, as the published file is not here.
    """

    key: str
    checkpoint: str
    framework: str
    recipe: str
    image_set: str
    batch_size: int = Field(ge=1)
    threads: int = Field(ge=1)
    session: str = ""
    processor: str = ""
    cores: int = Field(default=0, ge=0)
    instruction_sets: tuple[str, ...] = ()
    arithmetic: Arithmetic = "exact"
    integer_sums: IntegerSums = ""
    kernels: str = ""
    processes: int = Field(default=0, ge=0)
    threads_read: int = Field(default=0, ge=0)
    live_threads: int = Field(default=0, ge=0)
    precision: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    settings: dict[str, str] = Field(default_factory=dict)
    sha256: str = ""
    weights: str = ""
    untrained: bool = False
    multiply_adds: int | None = None
    file_bytes: Bytes = 0
    load_seconds: Seconds = 0.0
    first_call_seconds: Seconds = 0.0
    memory_before: Bytes = 0
    memory_peak: Bytes = 0
    calls: int = Field(default=0, ge=0)
    quantiles: tuple[Quantile, ...] = ()
    images_per_second: float = Field(default=0.0, ge=0)
    rounds: tuple[Round, ...] = ()
    images_checked: int = Field(default=0, ge=0)
    different: int = Field(default=0, ge=0)
    status: RunStatus
    error: str | None = None
    cause: Cause | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.status == "done") == (self.error is not None):
            raise ValueError("error is for runs that are not done, and they need one")
        if self.status == "done" and not (self.rounds and self.quantiles):
            raise ValueError("rounds and quantiles are needed of a run that is done")
        if self.different > self.images_checked:
            raise ValueError(f"{self.different} labels differ, of {self.images_checked} that were compared")
        return self

    @property
    def subject(self) -> str:
        """How verdicts name it: `checkpoint@framework/b1t2`, for batch 1 and two threads."""
        return f"{self.checkpoint}@{self.framework}/b{self.batch_size}t{self.threads}"

    def quantile(self, level: float) -> Quantile | None:
        """The quantile of this level, if it was measured."""
        return next((each for each in self.quantiles if each.level == level), None)

    @property
    def by_process(self) -> tuple[tuple[Round, ...], ...]:
        """The rounds of each process; all in one where it is not known which process had which."""
        share, rest = divmod(len(self.rounds), max(self.processes, 1))
        if rest or not share:
            return (self.rounds,) if self.rounds else ()
        return tuple(self.rounds[start : start + share] for start in range(0, len(self.rounds), share))


class Stage(Record):
    """Seconds that one stage of a recipe, before the network, takes for one image on one core.

    stage: "geometry" (decode, resize, crop) or "numeric" (pixels to the network's input); recipe: the id of that
    part of a recipe; images: how many were timed, each `repeats` times.
    """

    stage: Annotated[str, Field(pattern=r"^(geometry|numeric)$")]
    recipe: str
    image_set: str
    images: int = Field(ge=1)
    repeats: int = Field(ge=1)
    quantiles: tuple[Quantile, ...]
