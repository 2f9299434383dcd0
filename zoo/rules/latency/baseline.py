"""Rule L401: speed against an earlier bench, in units of what the machine could do at the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.records import LatencyRun, Outcome, Verdict
from zoo.rules.base import Evidence, Rule
from zoo.rules.latency.contest import ALLOWED_ERROR
from zoo.rules.latency.quotable import differences, unreliable
from zoo.runs.medians import process_times
from zoo.stats import holm, levels
from zoo.stats.levels import Ratio

CONDITIONS = ("batch_size", "threads", "processor", "threads_read", "precision", "arithmetic", "untrained")


class Baseline(Rule):
    """No network is slower than in the baseline by more than its processes differ by chance, each time relative to its
    probe; the p-values are adjusted for all results that are compared (Holm).
    """

    id = "L401"
    topic = "baseline"
    unit = "ratio"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict a cell, where there is a baseline; the p-values are adjusted for all cells that are compared."""
        if not evidence.baseline:
            return
        pairs = [(run, _earlier(run, evidence.baseline)) for run in evidence.latencies if run.status == "done"]
        ratios = [None if _obstacle(run, earlier) else _ratio(run, earlier) for run, earlier in pairs]
        adjusted = iter(holm([ratio.p_value for ratio in ratios if ratio is not None]))
        for (run, earlier), ratio in zip(pairs, ratios, strict=True):
            if earlier is None or ratio is None:
                yield self._not_compared(run, earlier)
            else:
                yield self._compared(run, earlier, ratio, next(adjusted))

    def _compared(self, run: LatencyRun, earlier: LatencyRun, ratio: Ratio, p_adjusted: float) -> Verdict:
        outcome, how = _placed(ratio, p_adjusted)
        reason = (
            f"{how}: {ratio.value:.3f} times the baseline ({ratio.low:.3f} to {ratio.high:.3f}), each relative to its "
            "probe"
        )
        return self.verdict(
            run, outcome, reason, against=earlier, n=run.calls, measured=ratio.value, low=ratio.low, high=ratio.high,
            p_value=ratio.p_value, p_adjusted=p_adjusted,
        )  # fmt: skip

    def _not_compared(self, run: LatencyRun, earlier: LatencyRun | None) -> Verdict:
        why = _obstacle(run, earlier)
        reason = f"not compared with the baseline: {why}" if earlier is not None else str(why)
        return self.verdict(run, "inconclusive", reason, against=earlier, n=run.calls)


def _obstacle(run: LatencyRun, earlier: LatencyRun | None) -> str | None:
    """Why a cell cannot be compared with that of the baseline; None where it can."""
    if earlier is None:
        return "the baseline has no result of it"
    if differing := differences(run, earlier, CONDITIONS):
        return differing[0]
    for which, name in ((run, "this result"), (earlier, "the baseline")):
        if why := unreliable(which):
            return f"of {name}, {why}"
    return None if _work(run) and _work(earlier) else "the probe gave no reading"


def _ratio(run: LatencyRun, earlier: LatencyRun | None) -> Ratio | None:
    return None if earlier is None else levels.ratio(_work(run), _work(earlier))


def _earlier(run: LatencyRun, baseline: Sequence[LatencyRun]) -> LatencyRun | None:
    """The same cell, finished; else the same checkpoint and framework in the cell that differs in the fewest fields."""
    same = [
        each for each in baseline
        if (each.checkpoint, each.framework, each.status) == (run.checkpoint, run.framework, "done")
    ]  # fmt: skip

    def distance(each: LatencyRun) -> tuple[bool, int]:
        return each.subject != run.subject, len(differences(run, each, CONDITIONS))

    return min(same, key=distance, default=None)


def _placed(ratio: Ratio, p_adjusted: float) -> tuple[Outcome, str]:
    if p_adjusted > ALLOWED_ERROR:
        return "pass", "no slower as far as the processes can tell"
    return ("fail", "slower") if ratio.value > 1 else ("pass", "faster")


def _work(run: LatencyRun) -> tuple[float, ...]:
    """Of each process: time by what a core could do beside it, that is GFLOP of the probe's product in the same time.

    Nothing where the probe gave no reading.
    """
    return process_times(run, lambda each: each.median * (each.probe_before + each.probe_after) / 2)
