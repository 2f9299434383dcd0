"""Rule L201: which of several results of one network is the fastest, where that can be said."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from zoo.records import LatencyRun, Verdict
from zoo.rules.base import Evidence, Rule, grouped
from zoo.rules.latency.contest import ALLOWED_ERROR, Contest
from zoo.rules.latency.quotable import differences, unreliable
from zoo.runs.medians import p50, process_times
from zoo.stats import levels

CONDITIONS = ("session", "batch_size", "threads", "threads_read", "precision", "arithmetic", "processor", "image_set")
ASKED_FOR = ("session", "batch_size", "threads")  # results with the same ones stand side by side


class Ranked(Rule):
    """Two results of one network are ranked only if they differ by more than their processes do by chance, under equal
    conditions; the p-values are adjusted for all pairs of results (Holm).
    """

    id = "L201"
    topic = "ranking"
    unit = "ratio"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """Each against the fastest that can be quoted; one with no equal against the result most like it."""
        timed = [run for run in evidence.latencies if run.status == "done" and p50(run) > 0]
        for group in grouped((_network(run, evidence), run) for run in timed).values():
            beside = grouped((_asked_for(run), run) for run in group)
            contests = {
                asked: Contest([run for run in own if unreliable(run) is None]) for asked, own in beside.items()
            }
            for run in group:
                if len(beside[_asked_for(run)]) > 1:
                    yield from self._against_fastest(run, contests[_asked_for(run)])
                elif strangers := [other for other in group if not _same_checkpoint_and_framework(run, other)]:
                    yield self._refused(run, min(strangers, key=lambda other: _distance(run, other)))

    def _against_fastest(self, run: LatencyRun, contest: Contest) -> Iterator[Verdict]:
        fastest = contest.fastest
        if fastest is None:
            yield self.verdict(run, "inconclusive", f"not ranked: {unreliable(run)}", n=run.calls)
        elif fastest is not run:
            yield self._compared(run, fastest, contest)

    def _compared(self, run: LatencyRun, fastest: LatencyRun, contest: Contest) -> Verdict:
        if differences(run, fastest, CONDITIONS):
            return self._refused(run, fastest)
        why, ratio = unreliable(run), levels.ratio(process_times(run), process_times(fastest))
        if why is not None or ratio is None:
            times = p50(run) / p50(fastest)
            reason = f"not ranked against {_named(fastest, run)}: {why}"
            return self.verdict(run, "inconclusive", reason, against=fastest, measured=times, n=run.calls)
        adjusted = contest.p_adjusted(run, fastest)
        ranked = adjusted is not None and adjusted <= ALLOWED_ERROR
        how_much_slower = (
            f"{ratio.value:.2f} times the time of {_named(fastest, run)} ({ratio.low:.2f} to {ratio.high:.2f}; "
            f"{_chance(adjusted)} after Holm over {len(contest.runs)} results)"
        )
        return self.verdict(
            run,
            "pass" if ranked else "inconclusive",
            how_much_slower if ranked else f"not ranked: {how_much_slower}",
            against=fastest, measured=ratio.value, low=ratio.low, high=ratio.high, n=run.calls,
            p_value=ratio.p_value, p_adjusted=adjusted,
        )  # fmt: skip

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


def _asked_for(run: LatencyRun) -> tuple[object, ...]:
    return tuple(getattr(run, name) for name in ASKED_FOR)


def _distance(run: LatencyRun, other: LatencyRun) -> tuple[int, float]:
    return len(differences(run, other, CONDITIONS)), p50(other)


def _chance(p_value: float | None) -> str:
    """The adjusted p-value in words."""
    shown = 1.0 if p_value is None else p_value
    return "p < 0.001" if shown < 0.001 else f"p = {shown:.2g}"


def _named(other: LatencyRun, run: LatencyRun) -> str:
    """The other's subject; with its session where both have the same."""
    return f"{other.subject} (session {other.session})" if other.subject == run.subject else other.subject
