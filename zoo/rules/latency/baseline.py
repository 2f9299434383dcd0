"""Rule L401: speed against an earlier bench, in units of what the machine could do at the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.records import LatencyRun, Outcome, Verdict
from zoo.rules.base import Evidence, Rule
from zoo.rules.latency.quotable import differences, unreliable
from zoo.stats.quantiles import ratio_of_rounds

CONDITIONS = ("batch_size", "threads", "processor", "threads_read", "precision", "arithmetic", "untrained")


class Baseline(Rule):
    """No network is slower than in the baseline: relative to the probe, the intervals of the rounds do not separate."""

    id = "L401"
    topic = "baseline"
    unit = "ratio"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict a cell, where there is a baseline."""
        for run in evidence.latencies:
            if run.status == "done" and evidence.baseline:
                yield self._compared(run, _earlier(run, evidence.baseline))

    def _compared(self, run: LatencyRun, earlier: LatencyRun | None) -> Verdict:
        if earlier is None:
            return self.verdict(run, "inconclusive", "the baseline has no result of it", n=run.calls)
        if differing := differences(run, earlier, CONDITIONS):
            return self._not_compared(run, earlier, differing[0])
        for which, name in ((run, "this result"), (earlier, "the baseline")):
            why = unreliable(which)
            if why is not None:
                return self._not_compared(run, earlier, f"of {name}, {why}")
        ratio = ratio_of_rounds(_work(run), _work(earlier))
        if ratio is None:
            return self._not_compared(run, earlier, "the probe gave no reading")
        outcome, how = _placed(ratio)
        measured, low, high = ratio
        reason = f"{how}: {measured:.3f} times the baseline ({low:.3f} to {high:.3f}), each relative to its probe"
        return self.verdict(
            run, outcome, reason, against=earlier, n=run.calls, measured=measured, low=low, high=high
        )  # fmt: skip

    def _not_compared(self, run: LatencyRun, earlier: LatencyRun, why: str) -> Verdict:
        reason = f"not compared with the baseline: {why}"
        return self.verdict(run, "inconclusive", reason, against=earlier, n=run.calls)


def _earlier(run: LatencyRun, baseline: Sequence[LatencyRun]) -> LatencyRun | None:
    """The same cell, finished; else the same checkpoint and framework in the cell that differs in the fewest fields."""
    same = [
        each for each in baseline
        if (each.checkpoint, each.framework, each.status) == (run.checkpoint, run.framework, "done")
    ]  # fmt: skip

    def distance(each: LatencyRun) -> tuple[bool, int]:
        return each.subject != run.subject, len(differences(run, each, CONDITIONS))

    return min(same, key=distance, default=None)


def _placed(ratio: tuple[float, float, float]) -> tuple[Outcome, str]:
    _, low, high = ratio
    if low > 1:
        return "fail", "slower"
    return "pass", "faster" if high < 1 else "no slower as far as the rounds can tell"


def _work(run: LatencyRun) -> list[float]:
    """Of each round: time by what a core could do beside it, that is GFLOP of the probe's product in the same time."""
    return [each.median * (each.probe_before + each.probe_after) / 2 for each in run.rounds]
