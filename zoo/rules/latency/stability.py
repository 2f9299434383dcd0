"""Whether a measured time can be quoted: do its rounds agree, and did the machine stay the same meanwhile."""

from __future__ import annotations

from zoo.documents.formatting import milliseconds, percent
from zoo.records import LatencyRun
from zoo.rules.latency.efficiency import probes
from zoo.runs.medians import interval, p50

FEWEST_PROCESSES = 3  # of two, the interval reaches twelve times as far as their standard error
FEWEST_CALLS = 7  # in a round, for a median that three odd calls do not make one of them
LARGEST_SPREAD = 0.10  # whole width of the interval of p50 by p50; still allowed
LARGEST_DRIFT = 0.10  # of the probe, largest to smallest by their mean; no longer allowed
NOTABLE_STEAL = 0.02  # share of processor time; named as a likely cause
NOTABLE_ELSEWHERE = 0.05  # share of processor time; named as a likely cause

_DIGITS = 9  # of a share: what lies exactly on a limit is not pushed over it by float arithmetic


def spread(run: LatencyRun) -> float | None:
    """Width of the interval of p50 by p50; None where there is no interval."""
    ends = interval(run)
    return None if ends is None else round((ends[1] - ends[0]) / p50(run), _DIGITS)


def drift(run: LatencyRun) -> float | None:
    """How far the probe moved: largest less smallest reading by their mean; None where a reading is missing."""
    readings = probes(run)
    if not readings or min(readings) <= 0:
        return None
    return round((max(readings) - min(readings)) * 2 / (max(readings) + min(readings)), _DIGITS)


def obstacle(run: LatencyRun) -> str | None:
    """Why a time that was measured cannot be quoted, in words that follow "because"; None where it can."""
    shortage = _too_few(run)
    doubts = [shortage] if shortage else [*_disagreement(run), *_movement(run)]
    if not doubts:
        return None
    causes = likely_causes(run)
    return " and ".join(doubts) + (f"; likely: {', '.join(causes)}" if causes else "")


def likely_causes(run: LatencyRun) -> list[str]:
    """What else happened during the measurement and may explain its spread; alone it is no obstacle."""
    causes = []
    unsettled = sum(not each.settled for each in run.rounds)
    steal, others = (max((getattr(each, name) for each in run.rounds), default=0.0) for name in ("steal", "elsewhere"))
    if unsettled:
        causes.append(f"the warm-up did not settle in {unsettled} of {len(run.rounds)} rounds")
    if steal > NOTABLE_STEAL:
        causes.append(f"the hypervisor gave up to {percent(steal, 1)} % of the processor to others")
    if others > NOTABLE_ELSEWHERE:
        causes.append(f"other programs used up to {percent(others, 0)} % of the machine's processors")
    return causes


def _too_few(run: LatencyRun) -> str | None:
    processes, calls = len(run.by_process), min((each.calls for each in run.rounds), default=0)
    if p50(run) == 0:
        return "a round gave no time above 0"
    if processes >= FEWEST_PROCESSES and calls >= FEWEST_CALLS:
        return None
    shortages = [f"processes: {processes}, needed: {FEWEST_PROCESSES}"] if processes < FEWEST_PROCESSES else []
    shortages += [f"calls in a round: {calls}, needed: {FEWEST_CALLS}"] if calls < FEWEST_CALLS else []
    return f"of too few calls within the budget ({'; '.join(shortages)}): give --budget more"


def _disagreement(run: LatencyRun) -> list[str]:
    ends, width = interval(run), spread(run)
    if ends is None or width is None or width <= LARGEST_SPREAD:
        return []
    return [
        f"{len(run.by_process)} processes give an interval that is {_share(width)} % wide ({milliseconds(ends[0])} to "
        f"{milliseconds(ends[1])}; allowed: {LARGEST_SPREAD * 100:g} %)"
    ]


def _movement(run: LatencyRun) -> list[str]:
    moved, readings = drift(run), probes(run)
    if moved is None:
        return ["the probe gave no reading"]
    if moved < LARGEST_DRIFT:
        return []
    ends = f"{min(readings):.3g} to {max(readings):.3g} GFLOP/s a core"
    return [f"the probe moved by {_share(moved)} % ({ends}; allowed: less than {LARGEST_DRIFT * 100:g} %)"]


def _share(value: float) -> str:
    """Percent with as many digits as it takes to stand beside its limit: 10.04 is not shown as 10.0."""
    return percent(value, 1 if value >= 0.11 or value < 0.1 else 2)
