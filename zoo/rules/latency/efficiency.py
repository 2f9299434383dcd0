"""How close a framework comes to the speed of the machine's cores: counted multiply-adds against the probe."""

from __future__ import annotations

from statistics import median

from zoo.records import LatencyRun


def probes(run: LatencyRun) -> tuple[float, ...]:
    """GFLOP/s a core of every probe, in the order in which they were taken."""
    return tuple(reading for each in run.rounds for reading in (each.probe_before, each.probe_after))


def probe(run: LatencyRun) -> float:
    """Median of the probes, GFLOP/s a core; 0 where none was taken."""
    readings = [reading for reading in probes(run) if reading > 0]
    return median(readings) if readings else 0.0


def efficiency(run: LatencyRun) -> tuple[float, float] | None:
    """(GFLOP/s a core that were achieved, the same as a share of the probe), from the median call.

    A multiply-add is two operations. What lies between the layers (activations, additions, copies) is not counted,
    so a network of many small layers stays far below 1; one that computes in integers may lie above, as the probe is
    a product of floats. None where the multiply-adds are not known, or nothing was measured.
    """
    p50, machine = run.quantile(0.5), probe(run)
    if run.multiply_adds is None or p50 is None or p50.value <= 0 or machine <= 0:
        return None
    achieved = 2 * run.multiply_adds * run.batch_size / p50.value / run.threads / 1e9
    return achieved, achieved / machine
