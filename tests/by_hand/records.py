"""Records built by hand: whole and plausible, with the fields changed that a test is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.measure.speed import quantiles_of
from zoo.records import (
    Candidate,
    Claim,
    Conditions,
    Deviation,
    Diagnosis,
    Excluded,
    LatencyRun,
    Report,
    Round,
    Run,
    Tie,
    Verdict,
)


def a_run(**changes: Any) -> Run:
    """A finished run of 1000 images; `status="failed"` needs `error` and clears the counts."""
    fields: dict[str, Any] = {
        "key": "1f" * 32, "checkpoint": "embedded/onnx", "framework": "onnxruntime",
        "recipe": "embedded_110_96", "label_map": "embedded", "image_set": "shapes_test",
        "population": "full", "population_id": "shapes_test", "n": 1000,
        "top1_correct": 683, "top5_correct": 884, "seconds": 2.5641, "images_per_second": 390.0,
        "threads": 2, "precision": "fp32", "batch_size": 32, "sha256": "ab" * 32, "hash_verified": True,
        "weights": "embedded/mobilenet_v2_0.35_96", "versions": {"numpy": "2.4.6", "onnxruntime": "1.27.0"},
        "status": "done",
    }  # fmt: skip
    if changes.get("status", "done") != "done":
        fields |= {"n": 0, "top1_correct": 0, "top5_correct": 0, "seconds": 0.0, "images_per_second": 0.0}
    return Run(**(fields | changes))


ROUND_MEDIANS = (0.00400, 0.00402, 0.00398, 0.00404, 0.00401, 0.00399)  # seconds, of a process each; they agree


def a_round(number: int = 1, median: float = 0.004, **changes: Any) -> Round:
    """A settled round of 200 calls of 4 ms on a quiet machine."""
    fields: dict[str, Any] = {
        "number": number, "calls": 200, "median": median, "warmup_calls": 30, "settled": True,
        "seconds": 200 * median, "cores_used": 1.0, "load": 0.3, "steal": 0.0, "switches": 2,
        "probe_before": 50.0, "probe_after": 50.5,
    }  # fmt: skip
    return Round(**(fields | changes))


def a_latency_run(
    medians: Sequence[float] = ROUND_MEDIANS, rounds: dict[str, Any] | None = None, **changes: Any
) -> LatencyRun:
    """A quotable cell: batch 1, one thread, six processes of 200 calls each; `rounds` are changes of each of them.

    Its quantiles follow from `medians`, so that they fit. `status="failed"` needs `error` and clears what was measured.
    """
    made = tuple(a_round(number, median, **(rounds or {})) for number, median in enumerate(medians, 1))
    times = [[median * (1 + 0.00005 * step) for step in range(-199, 200, 2)] for median in medians]
    calls = [each for one in times for each in one]
    fields: dict[str, Any] = {
        "key": "7a" * 32, "checkpoint": "embedded/onnx", "framework": "onnxruntime", "recipe": "embedded_110_96",
        "image_set": "shapes_test", "batch_size": 1, "threads": 1, "session": "s1", "processor": "Example CPU 2.4 GHz",
        "processes": len(made), "threads_read": 1, "live_threads": 2, "precision": "fp32",
        "versions": {"onnxruntime": "1.27.0"},
        "settings": {"OMP_NUM_THREADS": "1"}, "sha256": "ab" * 32, "weights": "embedded/mobilenet_v2_0.35_96",
        "multiply_adds": 10_000_000, "file_bytes": 1_700_000, "load_seconds": 0.08, "first_call_seconds": 0.011,
        "memory_before": 90_000_000, "memory_peak": 120_000_000, "images_checked": 64, "status": "done",
    }  # fmt: skip
    if changes.get("status", "done") == "done":
        fields |= {"rounds": made, "quantiles": quantiles_of(times), "calls": len(calls)}
        fields["images_per_second"] = changes.get("batch_size", 1) * len(calls) / sum(calls)
    else:
        fields |= {
            "images_checked": 0,
            "processes": 0,
            "threads_read": 0,
            "live_threads": 0,
            "multiply_adds": None,
            "sha256": "",
        }
    return LatencyRun(**(fields | changes))


def a_claim(**changes: Any) -> Claim:
    """A documented top-1 of 68.30 %."""
    fields: dict[str, Any] = {
        "id": "embedded-onnx-top1", "checkpoint": "embedded/onnx", "metric": "top1", "value": "68.30",
        "unit": "percent", "decimals": 2, "population": "shapes_test", "source": "embedded-table",
    }  # fmt: skip
    return Claim(**(fields | changes))


def a_verdict(**changes: Any) -> Verdict:
    """A confirmed top-1 of `a_run` against `a_claim`."""
    fields: dict[str, Any] = {
        "rule": "A101", "subject": "embedded/onnx@onnxruntime", "outcome": "confirmed",
        "claim_id": "embedded-onnx-top1", "documented": 0.683, "measured": 0.683, "n": 1000,
        "reason": "683 of 1000 images, 68.30 %, lies inside [68.195, 68.405).", "run": "1f" * 32,
    }  # fmt: skip
    return Verdict(**(fields | changes))


def a_candidate(**changes: Any) -> Candidate:
    """Channels in the other order, shown."""
    fields: dict[str, Any] = {
        "cause": "recipe.channel_order", "title": "the network takes BGR, it is given RGB", "certainty": "shown",
        "evidence": "With BGR 141 of 200 images are right, with RGB 98.", "images": 200, "explains": 0.215,
        "change": 'steps = [\n  { op = "channels", order = "bgr" },\n]',
        "command": "zoo validate --checkpoints embedded/onnx --numeric bgr_127_5",
    }  # fmt: skip
    return Candidate(**(fields | changes))


def a_diagnosis(**changes: Any) -> Diagnosis:
    """Two causes that remain, a tie, one cause that is excluded, and a look that was not taken."""
    fields: dict[str, Any] = {
        "subject": "embedded/onnx@onnxruntime", "run": "1f" * 32, "images": 200,
        "symptoms": ("A101: [65.4, 69.2] does not meet [69.4, 70.6).",),
        "candidates": (
            a_candidate(),
            a_candidate(
                cause="file.input_channels", title="the first layer's inputs are turned round", certainty="possible",
                evidence="It fits.", images=0, explains=None, change="", command="",
            ),
        ),
        "excluded": (Excluded(cause="labels.offset", title="labels off by one", by="1 of 200 images fits"),),
        "ties": (
            Tie(
                causes=("recipe.crop", "recipe.resize"), titles=("a crop of 0.9", "no antialias"), images=200, more=900
            ),
        ),
        "not_looked": ("values between the layers: no file of the same weights is here",),
    }  # fmt: skip
    return Diagnosis(**(fields | changes))


def some_conditions(**changes: Any) -> Conditions:
    """Conditions of a run over the embedded zoo."""
    fields: dict[str, Any] = {
        "created": "2025-03-01T12:00:00Z", "command": ("zoo", "validate", "--zoo", "embedded"),
        "suite_version": "0.1.0", "python": "3.11.9", "platform": "Linux-6.1-x86_64",
        "processor": "Example CPU 2.4 GHz", "cores": 2,
        "zoo": "embedded", "image_set": "shapes_test", "images": 1000, "images_digest": "cd" * 32,
        "population": "full", "population_id": "shapes_test", "decoders": {"pillow": "13.0.0"},
    }  # fmt: skip
    return Conditions(**(fields | changes))


def a_report(runs: Sequence[Run] | None = None, verdicts: Sequence[Verdict] | None = None, **changes: Any) -> Report:
    """`a_run` with its one verdict, unless given; `changes` are those of the conditions."""
    return Report(
        conditions=some_conditions(**changes),
        runs=tuple([a_run()] if runs is None else runs),
        verdicts=tuple([a_verdict()] if verdicts is None else verdicts),
    )


def a_mixed_report() -> tuple[Report, list[Claim]]:
    """Four runs: confirmed, refuted beside inconclusive, not comparable, failed; and other rules."""
    openvino, mindspore, mxnet = "openvino/int8-tf-0001", "mindspore/mobilenet_v2_0.75_192", "mxnet/gluon-1.0"
    claims = [
        a_claim(), a_claim(id="embedded-onnx-top5", metric="top5", value="88.4", decimals=1),
        a_claim(id="ov-top1", checkpoint=openvino, value="0.718", unit="fraction", decimals=3),
        a_claim(id="ms-top1", checkpoint=mindspore, value="70", decimals=0),
        a_claim(id="ms-top5", checkpoint=mindspore, metric="top5", value="89.0", decimals=1),
        a_claim(id="mx-top1", checkpoint=mxnet, value="72.04"),
    ]  # fmt: skip
    runs = [
        a_run(versions={"onnxruntime": "1.27.0"}),
        a_run(key="2e" * 32, checkpoint=mindspore, framework="mindspore", population="random_sample"),
        a_run(key="3d" * 32, checkpoint=openvino, framework="openvino", population="other", reused=True),
        a_run(
            key="4c" * 32, checkpoint=mxnet, framework="mxnet", status="failed", sha256="", versions={},
            error="the worker died (signal 11) while it loaded the network\nTraceback:\n  line 1\n",
        ),
    ]  # fmt: skip
    at_mindspore = {"subject": f"{mindspore}@mindspore", "run": "2e" * 32}
    verdicts = [
        a_verdict(),
        a_verdict(
            rule="A102", claim_id="embedded-onnx-top5", documented=0.884, measured=0.884,
            reason="884 of 1000 images, 88.40 %, lies inside [88.25, 88.55).",
        ),
        a_verdict(
            **at_mindspore, outcome="refuted", claim_id="ms-top1", documented=0.7, low=0.654, high=0.692,
            reason="[65.4, 69.2] does not meet [69.4, 70.6).",
        ),
        a_verdict(
            **at_mindspore, rule="A102", outcome="inconclusive", claim_id="ms-top5", documented=0.89,
            measured=0.884, low=0.866, high=0.901, reason="About 21000 images would decide it.",
        ),
        a_verdict(
            subject=f"{openvino}@openvino", run="3d" * 32, outcome="not_comparable", claim_id="ov-top1",
            documented=0.718, reason="These are not the images that were documented.",
        ),
        a_verdict(
            subject=f"{mxnet}@mxnet", run="4c" * 32, outcome="not_run", claim_id="mx-top1", documented=0.7204,
            measured=None, n=None, reason="The run failed.",
        ),
        Verdict(rule="C103", subject=mindspore, outcome="known", reason="Columns swapped by the publisher."),
        Verdict(rule="P101", subject=openvino, outcome="pass", reason="sha256 as published."),
    ]  # fmt: skip
    return a_report(runs, verdicts), claims


def deviation(**changes: Any) -> Deviation:
    fields = {
        "id": "understood", "rule": "A101", "subject": "embedded/onnx@onnxruntime", "reason": "another library",
        "link": "https://example.org/1", "date": "2025-01-02",
    }  # fmt: skip
    return Deviation(**(fields | changes))
