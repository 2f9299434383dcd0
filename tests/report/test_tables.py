"""What pandas reads is what was measured; columns that only some reports have."""

from __future__ import annotations

import io
import json

import pandas as pd

from tests.by_hand.latencies import a_bench
from tests.by_hand.records import a_claim, a_mixed_report, a_report, a_run, a_verdict
from zoo.records import LatencyRun, Run, Verdict
from zoo.report import html, markdown, render_all, tables, text
from zoo.report.run_rows import run_rows
from zoo.runs import medians


def _read(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


def test_runs_read_back_with_their_types() -> None:
    report, _ = a_mixed_report()
    frame = _read(tables.csv_of(Run, report.runs))
    assert list(frame.columns) == list(Run.model_fields)
    assert [frame[name].dtype.kind for name in ("n", "top1_correct", "threads", "seconds")] == list("iiif")
    assert frame["hash_verified"].dtype == bool
    assert frame["images_per_second"].tolist() == [run.images_per_second for run in report.runs]
    assert [json.loads(cell) for cell in frame["versions"]] == [run.versions for run in report.runs]
    assert frame["error"].isna().tolist() == [True, True, True, False]
    assert frame["error"][3] == report.runs[3].error


def test_verdicts_read_back_with_their_types() -> None:
    report, _ = a_mixed_report()
    frame = _read(tables.csv_of(Verdict, report.verdicts))
    assert list(frame.columns) == list(Verdict.model_fields)
    assert [frame[name].dtype.kind for name in ("documented", "measured", "low", "high")] == list("ffff")
    assert frame["low"].dropna().tolist() == [0.654, 0.866]
    assert frame["n"].astype("Int64").isna().sum() == 3


def test_latencies_read_back_with_their_quantiles() -> None:
    report, _ = a_bench()
    frame = _read(tables.latency_csv(report))
    first, mindspore, failed = (frame.iloc[place] for place in (0, 4, 5))
    run = report.latencies[0]
    p99 = run.quantile(0.99)
    assert p99 is not None
    assert first["p50"] == medians.p50(run)
    assert (first["p50_low"], first["p50_high"]) == medians.interval(run)
    assert (first["p99"], first["rounds"]) == (p99.value, 7)
    assert first["of_probe"] == first["gflops_per_core"] / first["probe_gflops"]
    assert mindspore[["p99", "p90_low"]].isna().all()
    assert failed[["p50", "rounds", "gflops_per_core"]].isna().all()
    assert set(LatencyRun.model_fields) - set(frame.columns) == {"quantiles"}  # `rounds` is how many


def test_latency_csv_is_only_of_a_bench() -> None:
    assert "latency.csv" in render_all(*a_bench())
    assert "latency.csv" not in render_all(a_report(), [])


def test_floats_are_not_shortened() -> None:
    third = 1 / 3
    frame = _read(tables.csv_of(Verdict, [a_verdict(measured=third)]))
    assert frame["measured"][0] == third


def test_quotes_commas_and_newlines_survive() -> None:
    hostile = 'a "quoted", line\nand another; \ttab'
    frame = _read(tables.csv_of(Run, [a_run(status="failed", error=hostile + "\x00\x1b[31m")]))
    assert frame["error"][0] == hostile


def test_no_records_leave_the_header() -> None:
    assert tables.csv_of(Run, []) == ",".join(Run.model_fields) + "\n"


def test_p_values_are_shown_where_there_are_any() -> None:
    sampled = a_verdict(outcome="refuted", p_value=0.004, p_adjusted=0.02, low=0.65, high=0.70)
    report = a_report(verdicts=[sampled])
    assert "| p | p, Holm | reason |" in markdown.render(report, [a_claim()])
    assert "| 0.004 | 0.02 |" in markdown.render(report, [a_claim()])
    assert "p = 0.004, 0.02 after Holm" in html.render(report, [a_claim()])
    plain = a_report()
    assert "Holm" not in markdown.render(plain, [a_claim()]) + html.render(plain, [a_claim()])


def test_differences_of_accuracies_are_points() -> None:
    loss = a_verdict(rule="X203", documented=0.0118, measured=0.02, low=-0.001, high=0.041)
    assert text.documented(loss, a_claim()) == "+1.18 points"
    assert text.quantity(loss.measured, loss, a_claim()) == "+2.00 points"
    assert text.interval(loss, a_claim()) == "[-0.10 points, +4.10 points]"
    # It is no accuracy of the run, and so not in the run's row.
    (row,) = run_rows(a_report(verdicts=[a_verdict(), loss.changed(outcome="refuted")]), [a_claim()])
    assert row.verdicts == (("confirmed", "confirmed"),)
