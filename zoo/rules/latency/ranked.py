"""Rule L201: which of several results of one network is the fastest, where that can be said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from zoo.records import LatencyRun, Outcome, Verdict
from zoo.rules.base import Evidence, Rule
from zoo.rules.latency.quotable import differences, differing, unreliable
from zoo.stats.quantiles import ratio_of_rounds

CONDITIONS = ("session", "batch_size", "threads", "threads_read", "precision", "arithmetic", "processor", "image_set")
ASKED_FOR = ("session", "batch_size", "threads")  # results with the same ones stand side by side


class Ranked(Rule):
    """Two results of one network are ranked only if the intervals of their rounds separate, under equal conditions."""

    id = "L201"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """Each against the fastest that can be quoted; one with no equal against the result most like it."""
        for group in _networks(evidence):
            for run in group:
                beside = [other for other in group if differing(run, other, ASKED_FOR) is None]
                if len(beside) > 1:
                    yield from self._against_fastest(run, beside)
                elif strangers := [other for other in group if not _same_cell_but_asked_for(run, other)]:
                    yield self._refused(run, min(strangers, key=lambda other: _distance(run, other)))

    def _against_fastest(self, run: LatencyRun, beside: Sequence[LatencyRun]) -> Iterator[Verdict]:
        reliable = [other for other in beside if unreliable(other) is None]
        fastest = min(reliable, key=_middle, default=None)
        if fastest is None:
            yield self._made(run, None, "inconclusive", f"not ranked: {unreliable(run)}")
        elif fastest is not run:
            yield self._compared(run, fastest)

    def _compared(self, run: LatencyRun, fastest: LatencyRun) -> Verdict:
        if differing(run, fastest, CONDITIONS):
            return self._refused(run, fastest)
        why, interval = unreliable(run), ratio_of_rounds(run.medians, fastest.medians)
        ratio = f"{_middle(run) / _middle(fastest):.2f} times the time of {_named(fastest, run)}"
        if why is not None or interval is None:
            return self._made(run, fastest, "inconclusive", f"not ranked against {_named(fastest, run)}: {why}")
        _, low, high = interval
        ends = f"{low:.2f} to {high:.2f}"
        if low > 1:
            return self._made(run, fastest, "pass", f"{ratio} ({ends})")
        return self._made(run, fastest, "inconclusive", f"not ranked: {ratio}, but the intervals overlap ({ends})")

    def _refused(self, run: LatencyRun, other: LatencyRun) -> Verdict:
        why = differing(run, other, CONDITIONS)
        return self._made(run, other, "not_comparable", f"not ranked against {_named(other, run)}: {why}")

    def _made(self, run: LatencyRun, other: LatencyRun | None, outcome: Outcome, reason: str) -> Verdict:
        compared = other if outcome != "not_comparable" else None
        interval = ratio_of_rounds(run.medians, compared.medians) if compared else None
        return Verdict(
            rule=self.id,
            subject=run.subject,
            outcome=outcome,
            measured=_middle(run) / _middle(compared) if compared else None,
            low=interval[1] if interval else None,
            high=interval[2] if interval else None,
            n=run.calls,
            reason=reason,
            run=run.key,
            against=other.key if other else None,
        )


def _networks(evidence: Evidence) -> list[list[LatencyRun]]:
    """Finished results by what they compute: the same weights, or the same architecture with random ones."""
    groups: dict[object, list[LatencyRun]] = {}
    for run in evidence.latencies:
        if run.status == "done" and _middle(run) > 0:
            groups.setdefault(_network(run, evidence), []).append(run)
    return list(groups.values())


def _network(run: LatencyRun, evidence: Evidence) -> object:
    if not run.untrained:
        return run.weights or run.checkpoint
    checkpoint = evidence.checkpoints.get(run.checkpoint)
    if checkpoint is None or checkpoint.network is None:
        return "untrained", run.checkpoint
    return "untrained", checkpoint.network.changed(bn_epsilon=1e-5)  # a number that costs nothing


def _same_cell_but_asked_for(run: LatencyRun, other: LatencyRun) -> bool:
    """Whether both are one checkpoint in one framework: what batch and threads do to it is no ranking."""
    return (run.checkpoint, run.framework) == (other.checkpoint, other.framework)


def _distance(run: LatencyRun, other: LatencyRun) -> tuple[int, float]:
    return differences(run, other, CONDITIONS), _middle(other)


def _middle(run: LatencyRun) -> float:
    """Median of the rounds' medians, seconds."""
    return median(run.medians)


def _named(other: LatencyRun, run: LatencyRun) -> str:
    """The other's subject; with its session where both have the same."""
    return f"{other.subject} (session {other.session})" if other.subject == run.subject else other.subject
