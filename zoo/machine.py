"""What this machine is, how fast it computes at the moment, and what else runs on it.

Every command loads this module, so libraries that only one function needs are imported there.
"""

from __future__ import annotations

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

# Instruction sets on which answers can depend: products of bytes, narrow floats, and the order of float sums.
INSTRUCTION_SETS = (
    "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16",
    "amx_fp16", "asimddp", "i8mm", "bf16", "sve",
)  # fmt: skip
# How the names of variables begin from which frameworks and their libraries take arithmetic, kernels or threads.
VARIABLES = (
    "ATEN_", "DNNL_", "GOMP_", "KMP_", "MKL_", "MKLDNN_", "MS_", "MXNET_", "NPY_", "OMP_", "ONEDNN_", "OPENBLAS_",
    "ORT_", "OV_", "TF_ENABLE_", "TF_NUM_", "TF_ONEDNN_", "TF_SET_ONEDNN_", "TF_XLA_", "TORCH_", "XNN_",
)  # fmt: skip
PROBE_SIDE = 512  # of the square float32 matrices: three of them fit a core's second cache
PROBE_SECONDS = 0.15


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@cache
def instruction_sets() -> tuple[str, ...]:
    """Those of INSTRUCTION_SETS that this processor has, by Linux' names."""
    from archspec.cpu import detect

    features = detect.detected_info().features
    return tuple(name for name in INSTRUCTION_SETS if name in features)


def variables() -> dict[str, str]:
    """The variables of this process's environment that reach a worker and change what it computes, or how fast."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)}


def probe(cores: int) -> float:
    """GFLOP/s a core of matrix products, one for each of `cores` cores at the same time, over `PROBE_SECONDS`.

    numpy's BLAS computes them: near the most that this processor can do in float32, and the same for every framework.
    Each core has a product of its own, on a thread that stays there: threads that wait for each other, or are put on
    one core at first, would say more about the scheduler.
    """
    from threadpoolctl import threadpool_limits

    end = time.perf_counter_ns() + int(PROBE_SECONDS * 1e9)
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores) as pool:
        times = list(pool.map(_product_time, [end] * cores, range(cores)))
    return 2 * PROBE_SIDE**3 * sum(1 / each for each in times) / cores


def _product_time(end: int, number: int) -> float:
    """Median of products until `end`, ns, on the core of that number; numpy lets other threads run meanwhile."""
    import numpy as np

    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {usable[number % len(usable)]})  # of this thread alone
    a = np.random.default_rng(0).random((PROBE_SIDE, PROBE_SIDE), dtype=np.float32)
    out = np.empty_like(a)
    times: list[int] = []
    while not times or time.perf_counter_ns() < end:
        start = time.perf_counter_ns()
        a.dot(a, out=out)
        times.append(time.perf_counter_ns() - start)
    return median(times)


@dataclass(frozen=True)
class Usage:
    """Processor time of the whole machine since it started, seconds: spent by anything, stolen by its hypervisor,
    idle; zeros where the system does not say.
    """

    busy: float
    stolen: float
    idle: float

    @classmethod
    def now(cls) -> Usage:
        """Read /proc/stat."""
        try:
            words = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:9]
        except OSError:
            return cls(0.0, 0.0, 0.0)
        user, nice, system, idle, waiting, hard, soft, stolen = (int(w) / os.sysconf("SC_CLK_TCK") for w in words)
        return cls(user + nice + system + hard + soft, stolen, idle + waiting)

    def since(self, before: Usage) -> Usage:
        """What was used between two readings."""
        return Usage(self.busy - before.busy, self.stolen - before.stolen, self.idle - before.idle)

    @property
    def total(self) -> float:
        """Seconds of all processors together."""
        return self.busy + self.stolen + self.idle


def load() -> float:
    """Average number of running tasks in the last minute; 0 where the system does not say."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0
