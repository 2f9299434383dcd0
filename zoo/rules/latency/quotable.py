"""Rules L1: whether a latency may be quoted at all, and whether it is of the answers and conditions it should be."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from zoo.documents.formatting import milliseconds, percent
from zoo.records import LatencyRun, Outcome, Verdict
from zoo.rules.base import Evidence, Rule, why_not_run
from zoo.rules.latency import stability
from zoo.rules.latency.efficiency import probe
from zoo.runs import medians

FEWEST_IMAGES = 64  # whose labels are compared
CORE_ALLOWANCE = 0.25  # cores above the threads asked for: the interpreter and what reads its messages
FULL = "fp32"


class _OfEach(Rule):
    """Judges every finished cell by itself."""

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict a cell."""
        for run in evidence.latencies:
            if run.status == "done":
                yield self._verdict(run)

    @abstractmethod
    def _verdict(self, run: LatencyRun) -> Verdict: ...


class Quotable(_OfEach):
    """The processes of a latency agree (the interval of p50 is at most 10 % of p50 wide), and the probe moved less than
    10 %.
    """

    id = "L101"
    topic = "quotable_latency"
    unit = "seconds"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict a cell, also for those that could not be measured."""
        for run in evidence.latencies:
            yield self._verdict(run) if run.status == "done" else self._not_run(run)

    def _not_run(self, run: LatencyRun) -> Verdict:
        return self.verdict(run, "not_run", f"not run: {why_not_run(run.error)}")

    def _verdict(self, run: LatencyRun) -> Verdict:
        ends, why = medians.interval(run), stability.obstacle(run)
        return self.verdict(
            run,
            "pass" if why is None else "inconclusive",
            _quoted(run) if why is None else f"not measurable here, because {why}",
            measured=medians.p50(run) or None,
            low=ends[0] if ends else None,
            high=ends[1] if ends else None,
            n=run.calls,
        )


class SameAnswers(_OfEach):
    """While it was timed a network gave the labels of its accuracy run, on 64 images at least."""

    id = "L102"
    topic = "timed_answers"
    unit = "share"

    def _verdict(self, run: LatencyRun) -> Verdict:
        fault, checked = other_answers(run), run.images_checked
        reason = fault or f"the labels of {checked:,} images are those of the accuracy run"
        share = run.different / checked if checked else None
        return self.verdict(run, "pass" if fault is None else "fail", reason, measured=share, n=checked)


class KeptConditions(_OfEach):
    """A network was timed in float32 or its own integers, on no more cores than it had threads, which were as many as
    asked for. A framework that does not offer that number is not comparable with those that do, and no time is
    comparable that was measured with more threads than there are cores.
    """

    id = "L103"
    topic = "timed_conditions"
    unit = "cores"

    def _verdict(self, run: LatencyRun) -> Verdict:
        faults, others = broken_conditions(run), other_threads(run) or crowded(run)
        kept = (
            f"threads in effect: {run.threads_read}, precision: {run.precision}, cores used: up to "
            f"{_cores(run):.2f}; {run.live_threads} threads lived in the process"
        )
        outcome: Outcome = "fail" if faults else "not_comparable" if others else "pass"
        reason = "; ".join(faults) or others or kept
        return self.verdict(run, outcome, reason, measured=_cores(run), high=run.threads_read + CORE_ALLOWANCE)


def other_answers(run: LatencyRun) -> str | None:
    """Why the answers given while being timed are not known to be those of the accuracy run; None where they are."""
    if run.different:
        share = percent(run.different / run.images_checked)
        return f"{run.different:,} of {run.images_checked:,} labels ({share} %) are not those of the accuracy run"
    if run.images_checked < FEWEST_IMAGES:
        return (
            f"the labels of {run.images_checked} images were compared, {FEWEST_IMAGES} are needed: give --budget more, "
            "or more images"
        )
    return None


def other_threads(run: LatencyRun) -> str | None:
    """How the threads in effect differ from those asked for; None where they do not."""
    if run.threads_read == run.threads:
        return None
    return f"threads_read: {run.threads_read} in effect, {run.threads} asked for"


def crowded(run: LatencyRun) -> str | None:
    """That there were more threads than cores, in words; None where there were not, or it was not recorded."""
    if not 0 < run.cores < run.threads:
        return None
    return f"threads: {run.threads} asked for, but there are only {run.cores} cores, so threads wait for each other"


def broken_conditions(run: LatencyRun) -> list[str]:
    """What a framework does otherwise than it says."""
    faults = []
    full = all(part == FULL or part.startswith(("int", "uint")) for part in run.precision.split("+"))
    if run.arithmetic == "exact" and not full:
        in_effect = f"{run.precision} in effect" if run.precision else "not read back"
        faults.append(f"precision: {in_effect}, {FULL} asked for")
    allowed = run.threads_read + CORE_ALLOWANCE
    if _cores(run) > allowed:
        faults.append(f"cores_used: up to {_cores(run):.2f} with threads {run.threads_read} (allowed: {allowed:g})")
    return faults


def unreliable(run: LatencyRun) -> str | None:
    """Why a cell is not to be compared with others, in words; None where it may be."""
    if stability.obstacle(run) is not None:
        return f"it is not measurable here ({Quotable.id} says why)"
    faults = [fault for fault in (other_answers(run), other_threads(run), *broken_conditions(run)) if fault]
    return f"it is not what was asked for: {faults[0]}" if faults else None


def differences(run: LatencyRun, other: LatencyRun, fields: tuple[str, ...]) -> list[str]:
    """In which of `fields` two cells differ, each with both values."""
    values = [(name, getattr(run, name), getattr(other, name)) for name in fields]
    return [f"{name} differs: {_word(here)} against {_word(there)}" for name, here, there in values if here != there]


def _word(value: object) -> str:
    return str(value) if value != "" else "not recorded"


def _cores(run: LatencyRun) -> float:
    return max((each.cores_used for each in run.rounds), default=0.0)


def _quoted(run: LatencyRun) -> str:
    ends, width, moved = medians.interval(run), stability.spread(run), stability.drift(run)
    assert ends is not None
    assert width is not None
    assert moved is not None
    beside = stability.likely_causes(run)
    return (
        f"{milliseconds(medians.p50(run))}; interval from {len(run.by_process)} processes {milliseconds(ends[0])} to "
        f"{milliseconds(ends[1])}, {percent(width, 1)} % wide; the probe ({probe(run):.3g} GFLOP/s a core) moved by "
        f"{percent(moved, 1)} %" + (f"; although {', '.join(beside)}" if beside else "")
    )
