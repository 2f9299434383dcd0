"""Counted multiply-adds by measured time, against the probe."""

from __future__ import annotations

import pytest

from tests.by_hand.records import a_latency_run, a_round
from zoo.rules.latency.efficiency import efficiency, probe, probes


def test_two_operations_per_multiply_add_a_core() -> None:
    run = a_latency_run([0.004] * 6, {"probe_before": 20.0, "probe_after": 20.0}, multiply_adds=100_000_000)
    achieved, share = efficiency(run) or (0.0, 0.0)
    assert achieved == pytest.approx(50, rel=1e-3)
    assert share == pytest.approx(2.5, rel=1e-3)


def test_batch_and_threads_count() -> None:
    one, many = a_latency_run(), a_latency_run(batch_size=8, threads=2)
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
