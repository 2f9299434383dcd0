"""Which of several results of one network are surely faster than others."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.records import LatencyRun
from zoo.runs import medians
from zoo.runs.medians import process_times
from zoo.stats import levels

ALLOWED_ERROR = 0.05  # chance that any two of those that are compared seem to differ, if none do


class Contest:
    """Results that can be quoted, of one network under equal conditions; every pair of them is compared."""

    def __init__(self, runs: Sequence[LatencyRun]) -> None:
        """runs: each with a time for every process."""
        self.runs = list(runs)
        self._adjusted = levels.ranked([process_times(run) for run in runs])

    @property
    def fastest(self) -> LatencyRun | None:
        """The one with the smallest p50."""
        return min(self.runs, key=medians.p50, default=None)

    def p_adjusted(self, run: LatencyRun, other: LatencyRun) -> float | None:
        """Of "both are equally fast", after Holm for all pairs; None where one has too few processes."""
        first, second = sorted((self.runs.index(run), self.runs.index(other)))
        return self._adjusted.get((first, second))

    def place(self, run: LatencyRun) -> int:
        """1 + how many are surely faster."""
        return 1 + sum(self._surely_faster(other, run) for other in self.runs if other is not run)

    def _surely_faster(self, run: LatencyRun, other: LatencyRun) -> bool:
        p_value = self.p_adjusted(run, other)
        return p_value is not None and p_value <= ALLOWED_ERROR and medians.p50(run) < medians.p50(other)
