"""One row per latency run, joined with the verdicts that belong to it; the times of a stage before the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.documents import formatting
from zoo.records import LatencyRun, Report, Stage, Topic, Verdict
from zoo.report import text
from zoo.rules.latency.contest import Contest
from zoo.rules.latency.efficiency import efficiency
from zoo.runs import medians

_WORDS = {
    "pass": "quotable", "inconclusive": "not measurable here", "known": "accepted", "no_claim": "not judged",
    "failed": "failed", "not_run": "not run",
}  # fmt: skip
_FAILED_CHECKS: dict[Topic, str] = {"timed_answers": "other answers", "timed_conditions": "other conditions"}


@dataclass(frozen=True, kw_only=True)
class LatencyRow:
    """What every rendering shows of one latency run; its texts are ready to be escaped.

    outcome: of the rules L1xx together: "pass" where the number can be quoted; words, reason: the same as text.
    median: p50, seconds, 0 where there is none; spread: the ends of its interval, None of too few processes. gflops: a
    core; of_probe: in percent, or that it is above the probe.
    rank: 1 + how many quotable ones of those that rule L201 compares are surely faster; of: how many these are.
    """

    run: LatencyRun
    framework: str
    checkpoint: str
    outcome: str
    words: str
    reason: str
    median: float
    spread: tuple[float, float] | None
    p50: str
    interval: str
    p90: str
    p99: str
    images_per_second: str
    gflops: str
    of_probe: str
    rank: str
    of: int

    @property
    def size(self) -> str:
        """Batch and threads, as in a subject: "b1t2"."""
        return f"b{self.run.batch_size}t{self.run.threads}"

    @property
    def p50_and_interval(self) -> str:
        """ "0.388 [0.387, 0.390]"; the interval is missing where there were too few processes."""
        return f"{self.p50} {self.interval}" if self.spread else self.p50

    @property
    def efficiency(self) -> str:
        """GFLOP/s of a core, and what share of the probe's these are: "55.0 (52 %)"."""
        return text.ABSENT if self.gflops == text.ABSENT else f"{self.gflops} ({self.of_probe})"

    @property
    def rank_among(self) -> str:
        """ "2 of 6"; empty where there is none to compare."""
        return f"{self.rank} of {self.of}" if self.rank else ""

    @property
    def loading(self) -> dict[str, str]:
        """Until the first answer, and memory, by the head of the column."""
        run = self.run
        return {
            "load": formatting.duration(run.load_seconds),
            "first call": formatting.duration(run.first_call_seconds),
            "memory before": formatting.megabytes(run.memory_before),
            "memory peak": formatting.megabytes(run.memory_peak),
            "file": formatting.megabytes(run.file_bytes),
        }

    @property
    def is_done(self) -> bool:
        """Whether there are times at all."""
        return self.run.status == "done"


def latency_rows(report: Report) -> list[LatencyRow]:
    """The latency runs in their order."""
    judged = [_judged(run, report.verdicts) for run in report.latencies]
    groups = _compared(report)
    contests: dict[str, list[LatencyRun]] = {}
    for run, (outcome, *_) in zip(report.latencies, judged, strict=True):
        if outcome == "pass":
            contests.setdefault(groups.get(run.key, run.key), []).append(run)
    ranked = {key: Contest(runs) for key, runs in contests.items()}
    return [
        _row(run, verdict, ranked.get(groups.get(run.key, run.key)))
        for run, verdict in zip(report.latencies, judged, strict=True)
    ]


def _compared(report: Report) -> dict[str, str]:
    """Key of a run -> key of the fastest that rule L201 compares it with; of the fastest itself there is none."""
    comparisons = (
        verdict for verdict in report.verdicts if verdict.topic == "ranking" and verdict.outcome != "not_comparable"
    )
    return {verdict.run: verdict.against for verdict in comparisons if verdict.run and verdict.against}


def reasons(rows: Sequence[LatencyRow]) -> dict[str, list[str]]:
    """Reason why a number cannot be quoted -> the subjects that it holds for."""
    subjects: dict[str, list[str]] = {}
    for row in rows:
        if row.is_done and row.reason and row.outcome not in ("pass", "known"):
            subjects.setdefault(text.one_line(row.reason), []).append(text.one_line(row.run.subject))
    return subjects


ROUND_HEADS = (
    "round", "median, ms", "probe before", "probe after", "load", "steal", "switches", "cores used", "calls", "warm-up",
)  # fmt: skip


def of_rounds(row: LatencyRow) -> list[tuple[str, ...]]:
    """What was measured in each round and what went on besides, in the order of ROUND_HEADS; probes in GFLOP/s."""
    like = row.median or None
    return [
        (
            str(each.number), formatting.ms(each.median, like), f"{each.probe_before:.1f}", f"{each.probe_after:.1f}",
            f"{each.load:.2f}", f"{text.percent(each.steal, 1)} %", str(each.switches), f"{each.cores_used:.2f}",
            str(each.calls), text.counted(each.warmup_calls, "call") + ("" if each.settled else ", not settled"),
        )
        for each in row.run.rounds
    ]  # fmt: skip


def first_of_each(rows: Sequence[LatencyRow]) -> list[LatencyRow]:
    """Of each checkpoint in each framework the finished row of the smallest batch and the fewest threads."""
    first: dict[tuple[str, str], LatencyRow] = {}
    for row in sorted((row for row in rows if row.is_done), key=lambda row: (row.run.batch_size, row.run.threads)):
        first.setdefault((row.run.checkpoint, row.run.framework), row)
    return list(first.values())


def tail_shown(rows: Sequence[LatencyRow]) -> str:
    """The far quantile that all finished rows have: "p99", else "p90"."""
    return "p99" if all(row.run.quantile(0.99) for row in rows if row.is_done) else "p90"


def _judged(run: LatencyRun, verdicts: Sequence[Verdict]) -> tuple[str, str, str]:
    """(outcome, words, reason); a failed check outweighs that the rounds agree."""
    if run.status != "done":
        return run.status, _WORDS[run.status], text.first_line(run.error or "")
    about = [verdict for verdict in verdicts if verdict.subject == run.subject and verdict.run in (None, run.key)]
    own = {verdict.topic: verdict for verdict in about}
    for topic, words in _FAILED_CHECKS.items():
        if topic in own and own[topic].outcome == "fail":
            return "fail", words, own[topic].reason
    quotable = own.get("quotable_latency")
    outcome = quotable.outcome if quotable else "no_claim"
    return outcome, _WORDS.get(outcome, text.outcome_name(outcome)), quotable.reason if quotable else ""


def _row(run: LatencyRun, judged: tuple[str, str, str], contest: Contest | None) -> LatencyRow:
    outcome, words, reason = judged
    done = run.status == "done"
    p50, spread = medians.p50(run), medians.interval(run)
    p90, p99 = (run.quantile(level) for level in (0.9, 0.99))
    reached = efficiency(run)
    is_ranked = outcome == "pass" and contest is not None and len(contest.runs) > 1
    return LatencyRow(
        run=run,
        framework=text.one_line(run.framework),
        checkpoint=text.one_line(run.checkpoint),
        outcome=outcome,
        words=words,
        reason=reason,
        median=p50,
        spread=spread,
        p50=formatting.ms(p50) if p50 else text.ABSENT,
        interval=f"[{formatting.ms(spread[0], p50)}, {formatting.ms(spread[1], p50)}]" if spread else text.ABSENT,
        p90=formatting.ms(p90.value, p50) if p90 else text.ABSENT,
        p99=formatting.ms(p99.value, p50) if p99 else text.ABSENT,
        images_per_second=text.rate(run.images_per_second) if done else text.ABSENT,
        gflops=f"{reached[0]:.1f}" if reached else text.ABSENT,
        of_probe=_of_probe(reached[1]) if reached else text.ABSENT,
        rank=str(contest.place(run)) if contest is not None and is_ranked else "",
        of=len(contest.runs) if contest is not None else 0,
    )


def stage_times(stage: Stage) -> tuple[str, str, str]:
    """p50, its interval (empty where there were too few values) and p90 of one image, in ms."""
    p50, p90 = (next((each for each in stage.quantiles if each.level == level), None) for level in (0.5, 0.9))
    like = p50.value if p50 else None
    interval = f"[{formatting.ms(p50.low, like)}, {formatting.ms(p50.high, like)}]" if p50 and p50.low else ""
    return formatting.ms(like), interval, formatting.ms(p90.value if p90 else None, like)


def _of_probe(share: float | None) -> str:
    """A share of the probe; above it, it is none."""
    return "> probe" if share is None else f"{share * 100:.0f} %"
