"""Records built by hand: whole and plausible, with the fields changed that a test is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.records import Claim, Conditions, Report, Run, Verdict


def a_run(**changes: Any) -> Run:
    """A finished run of 1000 images; `status="failed"` needs `error` and clears the counts."""
    fields: dict[str, Any] = {
        "key": "1f" * 32, "checkpoint": "embedded/onnx", "framework": "onnxruntime",
        "recipe": "embedded_110_96", "label_map": "embedded", "image_set": "shapes_test",
        "population": "full", "population_id": "shapes_test", "n": 1000, "top1_correct": 683, "top5_correct": 884,
        "seconds": 2.5641, "images_per_second": 390.0,
        "threads": 2, "precision": "fp32", "batch_size": 32, "sha256": "ab" * 32, "hash_verified": True,
        "weights": "embedded/mobilenet_v2_0.35_96", "versions": {"numpy": "2.4.6", "onnxruntime": "1.27.0"},
        "status": "done",
    }  # fmt: skip
    if changes.get("status", "done") != "done":
        fields |= {"n": 0, "top1_correct": 0, "top5_correct": 0, "seconds": 0.0, "images_per_second": 0.0}
    return Run(**(fields | changes))


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


def some_conditions(**changes: Any) -> Conditions:
    """Conditions of a run over the embedded zoo."""
    fields: dict[str, Any] = {
        "created": "2025-03-01T12:00:00Z", "command": ("validate", "--zoo", "embedded"),
        "suite_version": "0.1.0", "python": "3.11.9", "platform": "Linux-6.1-x86_64", "processor": "Example CPU 2.4 GHz",
        "cores": 2,
        "zoo": "embedded", "image_set": "shapes_test", "images": 1000, "images_digest": "cd" * 32,
        "population": "full", "population_id": "shapes_test", "decoders": {"pillow": "13.0.0"},
    }  # fmt: skip
    return Conditions(**(fields | changes))


def a_report(
    runs: Sequence[Run] | None = None, verdicts: Sequence[Verdict] | None = None, **changes: Any
) -> Report:
    """`a_run` with its one verdict, unless given; `changes` are those of the conditions."""
    return Report(
        conditions=some_conditions(**changes),
        runs=tuple([a_run()] if runs is None else runs),
        verdicts=tuple([a_verdict()] if verdicts is None else verdicts),
    )
