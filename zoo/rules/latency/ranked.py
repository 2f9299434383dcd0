"""Rule L201: which of several results of one network is the fastest, where that can be said."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from statistics import median

from zoo.records import LatencyRun, Outcome, Verdict
from zoo.rules.base import Evidence, Rule, grouped
from zoo.rules.latency.quotable import differences, unreliable
from zoo.stats.quantiles import ratio_of_rounds

CONDITIONS = ("session", "batch_size", "threads", "threads_read", "precision", "arithmetic", "processor", "image_set")
ASKED_FOR = ("session", "batch_size", "threads")  # results with the same ones stand side by side


class Ranked(Rule):
    """Two results of one network are ranked only if the intervals of their rounds separate, under equal conditions."""

    id = "L201"
    topic = "ranking"
    unit = "ratio"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """Each against the fastest that can be quoted; one with no equal against the result most like it."""
        timed = [run for run in evidence.latencies if run.status == "done" and _middle(run) > 0]
        for group in grouped((_network(run, evidence), run) for run in timed).values():
            for run in group:
                beside = [other for other in group if not differences(run, other, ASKED_FOR)]
                if len(beside) > 1:
                    yield from self._against_fastest(run, beside)
                elif strangers := [other for other in group if not _same_checkpoint_and_framework(run, other)]:
                    yield self._refused(run, min(strangers, key=lambda other: _distance(run, other)))

    def _against_fastest(self, run: LatencyRun, beside: Sequence[LatencyRun]) -> Iterator[Verdict]:
        reliable = [other for other in beside if unreliable(other) is None]
        fastest = min(reliable, key=_middle, default=None)
        if fastest is None:
            yield self.verdict(run, "inconclusive", f"not ranked: {unreliable(run)}", n=run.calls)
        elif fastest is not run:
            yield self._compared(run, fastest)

    def _compared(self, run: LatencyRun, fastest: LatencyRun) -> Verdict:
        if differences(run, fastest, CONDITIONS):
            return self._refused(run, fastest)
        why, interval = unreliable(run), ratio_of_rounds(run.medians, fastest.medians)
        ratio = _middle(run) / _middle(fastest)
        _, low, high = interval or (ratio, None, None)
        how_much_slower = f"{ratio:.2f} times the time of {_named(fastest, run)}"
        ends = f"{low:.2f} to {high:.2f}" if interval else ""
        outcome: Outcome = "inconclusive"
        if why is not None or low is None:
            reason = f"not ranked against {_named(fastest, run)}: {why}"
        elif low > 1:
            outcome, reason = "pass", f"{how_much_slower} ({ends})"
        else:
            reason = f"not ranked: {how_much_slower}, but the intervals overlap ({ends})"
        return self.verdict(run, outcome, reason, against=fastest, measured=ratio, low=low, high=high, n=run.calls)

    def _refused(self, run: LatencyRun, other: LatencyRun) -> Verdict:
        reason = f"not ranked against {_named(other, run)}: {differences(run, other, CONDITIONS)[0]}"
        return self.verdict(run, "not_comparable", reason, against=other, n=run.calls)


def _network(run: LatencyRun, evidence: Evidence) -> Hashable:
    """What a result computes: with the same weights, or with random ones in the same architecture."""
    if not run.untrained:
        return run.weights or run.checkpoint
    checkpoint = evidence.checkpoints.get(run.checkpoint)
    if checkpoint is None or checkpoint.network is None:
        return "untrained", run.checkpoint
    return "untrained", checkpoint.network.changed(bn_epsilon=1e-5)  # a number that costs nothing


def _same_checkpoint_and_framework(run: LatencyRun, other: LatencyRun) -> bool:
    """Whether both are one checkpoint in one framework, so that only batch, threads or session differ: no ranking."""
    return (run.checkpoint, run.framework) == (other.checkpoint, other.framework)


def _distance(run: LatencyRun, other: LatencyRun) -> tuple[int, float]:
    return len(differences(run, other, CONDITIONS)), _middle(other)


def _middle(run: LatencyRun) -> float:
    """Median of the rounds' medians, seconds."""
    return median(run.medians)


def _named(other: LatencyRun, run: LatencyRun) -> str:
    """The other's subject; with its session where both have the same."""
    return f"{other.subject} (session {other.session})" if other.subject == run.subject else other.subject
