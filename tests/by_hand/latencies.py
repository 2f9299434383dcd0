"""A bench built by hand: cells of six frameworks, some of them in doubt, and what comes before the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.by_hand.records import a_latency_run, some_conditions
from zoo.records import Claim, LatencyRun, Quantile, Report, Stage, Verdict
from zoo.rules.latency.variants import Family, Point, VariantTable
from zoo.runs import medians

ONNX = "embedded/onnx"
BUSY = "not measurable here, because 8 processes give an interval that is 31.2 % wide and the probe moved by 18.4 %"
SPREAD = (0.98, 0.99, 0.995, 1.005, 1.01, 1.02, 1.0)


def a_latency(median: float = 0.004, spread: Sequence[float] = SPREAD, **changes: Any) -> LatencyRun:
    """A finished cell of rounds around `median`; the key says which cell it is."""
    framework = changes.get("framework", "onnxruntime")
    batch, threads = changes.get("batch_size", 1), changes.get("threads", 1)
    fields: dict[str, Any] = {
        "key": f"{changes.get('checkpoint', ONNX)}-{framework}-{batch}-{threads}", "versions": {framework: "1.2.3"},
        "first_call_seconds": 5 * median,
    }  # fmt: skip
    if changes.get("status", "done") == "done":
        fields |= {"threads_read": threads, "live_threads": threads + 3, "settings": {"OMP_NUM_THREADS": str(threads)}}
    else:
        fields = {"key": fields["key"], "versions": {}}
    return a_latency_run([median * factor for factor in spread], **(fields | changes))


def quotable(run: LatencyRun, **changes: Any) -> Verdict:
    """L101 of a cell, with the numbers that the rule gives."""
    spread = medians.interval(run)
    assert spread is not None
    fields: dict[str, Any] = {
        "rule": "L101", "subject": run.subject, "outcome": "pass", "measured": medians.p50(run), "low": spread[0],
        "high": spread[1], "n": run.calls, "run": run.key, "reason": "The processes agree and the probe stood still.",
    }  # fmt: skip
    return Verdict(**(fields | changes))


def same_answers(run: LatencyRun, **changes: Any) -> Verdict:
    """L102 of a cell."""
    fields: dict[str, Any] = {
        "rule": "L102", "subject": run.subject, "outcome": "pass", "measured": 0.0, "n": 64, "run": run.key,
        "reason": "All 64 labels are those of the accuracy run.",
    }  # fmt: skip
    return Verdict(**(fields | changes))


def stages() -> tuple[Stage, ...]:
    """Both stages of one recipe."""
    shared: dict[str, Any] = {"image_set": "shapes_test", "images": 64, "repeats": 5}
    return tuple(
        Stage(
            stage=stage, recipe=recipe, **shared,
            quantiles=(Quantile(level=0.5, value=value, low=value * 0.98, high=value * 1.02),
                       Quantile(level=0.9, value=value * 1.3, low=value * 1.2, high=value * 1.4)),
        )
        for stage, recipe, value in (("geometry", "embedded_110_96", 0.00183), ("numeric", "torch", 0.000214))
    )  # fmt: skip


def a_bench(**changes: Any) -> tuple[Report, list[Claim]]:
    """Nine cells: quotable, in doubt, failed, with other answers; ratios; a documented latency beside them."""
    batches = [
        a_latency(0.004), a_latency(0.0029, framework="openvino"), a_latency(0.00401, framework="tensorflow"),
        a_latency(0.0121, framework="torch"), a_latency(0.0243, framework="mindspore", quantiles=(
            Quantile(level=0.5, value=0.0243, low=0.0240, high=0.0247), Quantile(level=0.9, value=0.0261),
        ), calls=420),
        a_latency(
            framework="mxnet", status="failed", error="the worker died (signal 11)\nTraceback:\n  line 1",
            cause="framework",
        ),
        a_latency(0.031, batch_size=8, threads=2, spread=(0.8, 0.9, 1.0, 1.1, 1.2, 1.3), rounds={"load": 2.9}),
        a_latency(0.033, framework="openvino", batch_size=8, threads=2, different=3),
        a_latency(0.134, checkpoint="tf-slim/mobilenet_v2_1.0_224", framework="tensorflow", untrained=True, weights="",
                  multiply_adds=300_774_272),
    ]  # fmt: skip
    onnx, openvino, tensorflow, torch, mindspore, mxnet, busy, other, slim = batches
    claim = Claim(
        id="tf-slim-059", checkpoint=slim.checkpoint, metric="latency", value="73.8", unit="ms", decimals=1,
        source="tf-slim-mobilenet-readme", place="column Mobile CPU (ms) Pixel 1", alpha=1.0, resolution=224,
    )  # fmt: skip
    ratio: dict[str, Any] = {"rule": "L201", "against": openvino.key}
    verdicts = [
        *(quotable(run) for run in (onnx, openvino, tensorflow, torch)),
        quotable(mindspore, outcome="inconclusive", reason=BUSY), quotable(busy, outcome="inconclusive", reason=BUSY),
        quotable(other), quotable(slim),
        *(same_answers(run) for run in (onnx, openvino)),
        same_answers(other, outcome="fail", measured=3 / 64, reason="3 of 64 labels differ from the accuracy run's."),
        Verdict(rule="L103", subject=onnx.subject, outcome="pass", run=onnx.key, measured=1.0, high=1.1,
                reason="One thread asked for and read back; at most 1.00 cores were used."),
        *(
            Verdict(**ratio, subject=run.subject, outcome=outcome, run=run.key, measured=times, low=low, high=high,
                    reason=reason)
            for run, outcome, times, low, high, reason in (
                (onnx, "pass", 1.379, 1.34, 1.41, "1.38 times the time of embedded/onnx@openvino/b1t1."),
                (tensorflow, "pass", 1.383, 1.34, 1.41, "1.38 times the time of embedded/onnx@openvino/b1t1."),
                (torch, "pass", 4.172, 4.05, 4.29, "4.17 times the time of embedded/onnx@openvino/b1t1."),
                (mindspore, "inconclusive", 8.379, 8.14, 8.63, "Not ranked: it is not measurable here."),
            )
        ),
        Verdict(rule="L401", subject=openvino.subject, outcome="pass", run=openvino.key, against=openvino.key,
                measured=0.991, low=0.962, high=1.021, n=1400, reason="No slower as far as the processes can tell."),
        Verdict(rule="L401", subject=mindspore.subject, outcome="inconclusive", run=mindspore.key, n=420,
                reason="Not compared with the baseline: of this result, it is not measurable here."),
        Verdict(rule="L301", subject=slim.subject, outcome="not_comparable", claim_id=claim.id, documented=0.0738,
                measured=0.134, run=slim.key, reason="Measured on Pixel 1, CPU; ours on Example CPU, 1 thread."),
        Verdict(rule="L302", subject="tf-slim-mobilenet-readme Pixel 1 @tensorflow/b1t1", outcome="pass", n=12,
                measured=0.986, p_value=0.0001, reason="Both order 12 variants alike; 0.35/96 departs most."),
    ]  # fmt: skip
    report = Report(
        conditions=some_conditions(command=("zoo", "bench", "--batch", "1,8", "--threads", "1,2"), **changes),
        runs=(), verdicts=tuple(verdicts), latencies=tuple(batches), stages=stages(),
    )  # fmt: skip
    assert mxnet.status == "failed"
    return report, [claim]


def variant_tables() -> tuple[VariantTable, ...]:
    """One column of four variants; the third is half as slow again with us."""
    points = (
        Point("1 224", 1.0, 1.0),
        Point("0.75 224", 0.7, 0.7),
        Point("0.5 224", 0.4, 0.6),
        Point("0.35 96", 0.1, 0.1),
    )
    return (
        VariantTable(
            title="tf-slim-mobilenet-readme, Mobile CPU (ms) Pixel 1", source="tf-slim-mobilenet-readme",
            column="Mobile CPU (ms) Pixel 1", device="Pixel 1, CPU", claims=(), runs=(), points=points, rho=1.0,
            p_value=1 / 24, family=Family("tensorflow", "tf-slim", "slim_ckpt", 1, 1, "b1", "Example CPU", "fp32"),
        ),
    )  # fmt: skip
