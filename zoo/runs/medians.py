"""The p50 that every rule and report speaks of, and its interval: of what the processes of a bench gave."""

from __future__ import annotations

from collections.abc import Callable
from statistics import geometric_mean

from zoo.records import LatencyRun, Round
from zoo.stats import levels


def process_times(run: LatencyRun, of: Callable[[Round], float] = lambda each: each.median) -> tuple[float, ...]:
    """One time for each process: the geometric mean of its rounds. of: what counts of a round, default its median.

    Nothing where a round gave 0.
    """
    by_process = [[of(each) for each in rounds] for rounds in run.by_process]
    if not all(value > 0 for values in by_process for value in values):
        return ()
    return tuple(geometric_mean(values) for values in by_process)


def p50(run: LatencyRun) -> float:
    """Seconds that a call typically takes; 0 where nothing was measured.

    It is computed from the rounds and not read from `quantiles`: older run folders keep the median of all calls there.
    """
    times = process_times(run)
    return levels.typical(times) if times else 0.0


def interval(run: LatencyRun) -> tuple[float, float] | None:
    """Of p50, seconds; None of fewer than two processes."""
    times = process_times(run)
    return levels.interval(times) if times else None


def columns(run: LatencyRun) -> dict[str, float | None]:
    """p50, p50_low and p50_high of a table, seconds."""
    low, high = interval(run) or (None, None)
    return {"p50": p50(run) or None, "p50_low": low, "p50_high": high}
