"""How close a framework comes to the speed of the machine's cores: counted multiply-adds against the probe."""

from __future__ import annotations

from statistics import median

from zoo.records import LatencyRun
from zoo.runs.medians import p50


def probes(run: LatencyRun) -> tuple[float, ...]:
    """GFLOP/s a core of every probe, in the order in which they were taken."""
    return tuple(reading for each in run.rounds for reading in (each.probe_before, each.probe_after))


def probe(run: LatencyRun) -> float:
    """Median of the probes, GFLOP/s a core; 0 where none was taken."""
    readings = [reading for reading in probes(run) if reading > 0]
    return median(readings) if readings else 0.0


def efficiency(run: LatencyRun) -> tuple[float, float | None] | None:
    """(GFLOP/s a core that were achieved, the same as a share of the probe), from p50.

    A multiply-add is two operations. What lies between the layers (activations, additions, copies) is not counted,
    so a network of many small layers stays far below 1. No share above 1 is given: the probe, a product of floats,
    was then not the most that the machine could do, as with integers. None where the multiply-adds are not known, or
    nothing was measured.
    """
    time, machine = p50(run), probe(run)
    if run.multiply_adds is None or time <= 0 or machine <= 0:
        return None
    achieved = 2 * run.multiply_adds * run.batch_size / time / _cores(run) / 1e9
    share = achieved / machine
    return achieved, share if share <= 1 else None


def _cores(run: LatencyRun) -> int:
    """That computed: as many as threads were in effect, if there were so many."""
    threads = run.threads_read or run.threads
    return min(threads, run.cores) if run.cores else threads
