"""Counted multiply-adds by measured time, against the probe."""

from __future__ import annotations

import pytest

from tests.by_hand.records import a_latency_run, a_round
from zoo.rules.latency.efficiency import efficiency, probe, probes


def test_two_operations_per_multiply_add_a_core() -> None:
    run = a_latency_run([0.004] * 6, {"probe_before": 80.0, "probe_after": 80.0}, multiply_adds=100_000_000)
    assert efficiency(run) == pytest.approx((50, 0.625))


def test_no_share_above_the_probe() -> None:
    probes_of = {"probe_before": 50.0, "probe_after": 50.0}
    assert efficiency(a_latency_run([0.004] * 6, probes_of, multiply_adds=100_000_000)) == pytest.approx((50, 1.0))
    achieved, share = efficiency(a_latency_run([0.004] * 6, probes_of, multiply_adds=100_100_000)) or (0.0, 0.0)
    assert (round(achieved, 2), share) == (50.05, None)


def test_cores_are_those_that_computed() -> None:
    alone = (efficiency(a_latency_run()) or (0.0,))[0]
    two = a_latency_run(threads_read=2)
    crowded = a_latency_run(threads=8, threads_read=8, cores=2)
    assert [(efficiency(run) or (0.0,))[0] for run in (two, crowded)] == pytest.approx([alone / 2] * 2)


def test_batch_and_threads_count() -> None:
    one, many = a_latency_run(), a_latency_run(batch_size=8, threads=2, threads_read=2)
    assert (efficiency(many) or (0.0,))[0] == pytest.approx(4 * (efficiency(one) or (0.0,))[0])


def test_the_probe_is_the_median_of_all_readings() -> None:
    rounds = tuple(a_round(n, probe_before=n, probe_after=n + 0.5) for n in (1, 2, 30))
    run = a_latency_run().changed(rounds=rounds)
    assert probes(run) == (1.0, 1.5, 2.0, 2.5, 30.0, 30.5)
    assert probe(run) == 2.25


def test_nothing_where_nothing_is_known() -> None:
    assert efficiency(a_latency_run(multiply_adds=None)) is None
    assert efficiency(a_latency_run(rounds={"probe_before": 0.0, "probe_after": 0.0})) is None
    assert efficiency(a_latency_run(status="failed", error="it died")) is None
