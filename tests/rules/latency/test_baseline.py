"""Rule L401: an earlier bench, another day's machine, and how often nothing is called something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from tests.by_hand.records import ROUND_MEDIANS, a_latency_run
from zoo.records import LatencyRun, Verdict
from zoo.rules.base import Evidence
from zoo.rules.judge import judge
from zoo.rules.latency.baseline import Baseline

TEMPLATE = a_latency_run()


def verdicts(now: Sequence[LatencyRun], then: Sequence[LatencyRun]) -> list[Verdict]:
    return judge(Evidence(latencies=now, baseline=then), [Baseline()])


def only(now: LatencyRun, then: LatencyRun) -> Verdict:
    (found,) = verdicts([now], [then])
    return found


def slower(factor: float, **changes: Any) -> LatencyRun:
    return a_latency_run([each * factor for each in ROUND_MEDIANS], **{"key": "now", **changes})


def test_no_baseline_no_verdict() -> None:
    assert verdicts([a_latency_run()], []) == []


def test_nothing_changed() -> None:
    found = only(slower(1), a_latency_run())
    assert (found.outcome, found.measured, found.run, found.against) == ("pass", 1, "now", "7a" * 32)
    assert "no slower as far as the processes can tell" in found.reason


def test_slower_fails_once_chance_is_excluded() -> None:
    found = only(slower(1.1), a_latency_run())
    assert (found.outcome, found.subject) == ("fail", "embedded/onnx@onnxruntime/b1t1")
    assert (found.measured, found.low, found.high) == pytest.approx((1.1, 1.0924, 1.1077), abs=1e-4)
    assert found.reason == "slower: 1.100 times the baseline (1.092 to 1.108), each relative to its probe"
    assert only(slower(1.005), a_latency_run()).outcome == "pass"


def test_every_cell_counts_for_the_adjusted_p_value() -> None:
    then = [a_latency_run(key=str(batch), batch_size=batch) for batch in (1, 2, 4, 8)]
    now = [run.changed(key=f"now {run.key}") for run in then]
    now[0] = slower(1.0083)
    alone, among = verdicts(now[:1], then)[0], verdicts(now, then)[0]
    assert (alone.outcome, among.outcome, alone.p_value) == ("fail", "pass", among.p_value)
    assert alone.p_value is not None
    assert among.p_adjusted == pytest.approx(4 * alone.p_value)


def test_faster_passes_and_is_said() -> None:
    found = only(slower(0.8), a_latency_run())
    assert (found.outcome, found.reason.partition(":")[0]) == ("pass", "faster")


def test_a_slower_day_of_the_machine_is_no_slower_network() -> None:
    tired = {"probe_before": 25.0, "probe_after": 25.25}
    assert only(slower(2, rounds=tired), a_latency_run()).outcome == "pass"
    assert only(slower(2.3, rounds=tired), a_latency_run()).outcome == "fail"
    assert only(slower(1, rounds=tired), a_latency_run()).reason.startswith("faster")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_size": 8}, "batch_size differs: 8 against 1"),
        ({"threads": 2, "threads_read": 2}, "threads differs: 2 against 1"),
        ({"processor": "Another"}, "processor differs: Another against Example CPU 2.4 GHz"),
        ({"threads_read": 3}, "threads_read differs: 3 against 1"),
        ({"precision": "bf16"}, "precision differs: bf16 against fp32"),
        ({"untrained": True}, "untrained differs: True against False"),
    ],
)
def test_a_condition_that_differs_is_named(changes: dict[str, Any], said: str) -> None:
    found = only(slower(2, **changes), a_latency_run())
    assert (found.outcome, found.measured) == ("inconclusive", None)
    assert found.reason == f"not compared with the baseline: {said}"


def test_one_that_cannot_be_quoted() -> None:
    wild = a_latency_run([0.004, 0.004, 0.004, 0.004, 0.004, 0.008], key="now")
    for now, then, which in ((wild, a_latency_run(), "this result"), (a_latency_run(), wild, "the baseline")):
        found = only(now, then)
        assert found.outcome == "inconclusive"
        assert f"of {which}, it is not measurable here (L101 says why)" in found.reason


def test_what_the_baseline_does_not_have_is_said() -> None:
    failed = a_latency_run(status="failed", error="it died")
    for earlier in (a_latency_run(checkpoint="another/one"), a_latency_run(framework="torch"), failed):
        found = only(slower(2), earlier)
        assert (found.outcome, found.reason) == ("inconclusive", "the baseline has no result of it")


def test_the_same_cell_is_found_among_others() -> None:
    baseline = [a_latency_run(key=str(batch), batch_size=batch) for batch in (8, 1, 4)]
    found = {each.run: each.against for each in verdicts([slower(1), slower(1, key="b4", batch_size=4)], baseline)}
    assert found == {"now": "1", "b4": "4"}


def simulated(random: np.random.Generator, machine: float, noise: float = 0.01) -> LatencyRun:
    """A cell on a machine of this speed; rounds and probes drift together and scatter by themselves."""
    speed = machine * np.exp(np.cumsum(random.normal(0, 0.004, 6)))
    times = 0.004 / speed * np.exp(random.normal(0, noise, 6))
    rounds = tuple(
        each.changed(median=float(time), probe_before=50 * float(now), probe_after=50 * float(now))
        for each, time, now in zip(TEMPLATE.rounds, times, speed, strict=True)
    )
    return TEMPLATE.changed(rounds=rounds)


def test_false_alarms_are_rare_when_nothing_but_the_day_differs() -> None:
    random, trials = np.random.default_rng(8), 400
    alarms = sum(only(simulated(random, 0.8), simulated(random, 1.0)).outcome == "fail" for _ in range(trials))
    assert alarms <= binom.ppf(0.999, trials, 0.025)


def test_what_two_benches_differ_in_by_themselves_is_not_in_their_processes() -> None:
    """docs/latency.md: benches differ by 1 %, processes scatter by 0.3 %, and one alarm in three is false."""
    random, trials, alarms = np.random.default_rng(9), 200, 0
    for _ in range(trials):
        now, then = simulated(random, 1.0, 0.003), simulated(random, 1.0, 0.003)
        luck = float(np.exp(random.normal(0, 0.01)))
        rounds = tuple(each.changed(median=each.median * luck) for each in now.rounds)
        alarms += only(now.changed(rounds=rounds), then).outcome == "fail"
    assert 0.28 < alarms / trials < 0.42
