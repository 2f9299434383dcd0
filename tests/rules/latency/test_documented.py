"""Rules L301 and L302: a phone's latencies are shown, never judged; the order of variants is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.by_hand.records import a_latency_run
from tests.by_hand.variants import CLAIMS, ZOO, by_size, measured
from zoo.records import LatencyRun, Verdict
from zoo.rules.base import Evidence
from zoo.rules.judge import judge
from zoo.rules.latency.documented import Beside, Ratios


def evidence(latencies: Sequence[LatencyRun], source: str = "") -> Evidence:
    claims = [claim for claim in CLAIMS if claim.source.startswith(source)]
    return Evidence(latencies=latencies, claims=claims, checkpoints=ZOO.checkpoints)


def beside(latencies: Sequence[LatencyRun], source: str = "") -> list[Verdict]:
    return judge(evidence(latencies, source), [Beside()])


def ratios(latencies: Sequence[LatencyRun], source: str = "") -> list[Verdict]:
    return judge(evidence(latencies, source), [Ratios()])


def test_a_documented_latency_stands_beside_ours() -> None:
    (found,) = beside([measured("tf-slim/mobilenet_v2_1.0_224", 0.0123, untrained=False)], "tf-slim")
    assert (found.outcome, found.claim_id, found.documented) == ("not_comparable", "tf-slim-059", 0.0738)
    assert found.measured == pytest.approx(0.0123, rel=0.01)
    assert found.reason == (
        "documented 73.8 ms (tf-slim-mobilenet-readme: table, row mobilenet_v2_1.0_224, column Mobile CPU (ms) Pixel 1)"
        ": Pixel 1, CPU; batch size and threads not stated; here 12.3 ms: Example CPU 2.4 GHz in tensorflow, batch 1, "
        "threads 1, fp32; another device"
    )


def test_what_departs_is_said() -> None:
    run = measured("mindspore/mobilenet_v2_1.0_224", 0.0123, rounds={"probe_after": 10.0})
    (found,) = beside([run], "tf-slim")
    assert "; of the same architecture, not of the documented file; with random weights" in found.reason
    assert found.reason.endswith("; ours cannot be quoted either (L101)")


def test_the_nearest_result_of_each_framework_is_shown() -> None:
    name = "tflite/mobilenet_v2_1.0_224"
    cells = [
        measured(name, 0.01 / threads, threads=threads, threads_read=threads, batch_size=batch, framework=framework,
                 key=f"{framework} b{batch}t{threads}")
        for framework in ("tensorflow", "openvino") for batch in (8, 1) for threads in (1, 2)
    ]  # fmt: skip
    found = {each.claim_id: each.run for each in beside(cells, "tflite") if "tensorflow" in each.subject}
    assert found == {
        "tflite-hosted-009": "tensorflow b1t2",  # the document's four threads: two are nearer
        "tflite-hosted-010": "tensorflow b1t1",
        "tflite-hosted-011": "tensorflow b1t1",
    }
    assert len(beside(cells, "tflite")) == 6
    phones = beside(cells, "qualcomm")  # names no file: only our fastest of the architecture
    assert {each.run for each in phones} == {"tensorflow b1t1"}
    assert len(phones) == 4


def test_a_machine_that_no_document_names() -> None:
    (found,) = beside([measured("torchvision/mobilenet_v2-v1", 0.01)], "gluoncv")
    assert "float32 latency): batch 1; machine and threads not stated; here 10.0 ms" in found.reason


def test_the_documents_own_framework_comes_first() -> None:
    fast = measured("tflite/mobilenet_v2_1.0_224", 0.003)
    slow = measured("torchvision/mobilenet_v2-v1", 0.01)
    shown = {each.claim_id: each.subject.partition("@")[2] for each in beside([fast, slow], "timm")}
    assert shown == {"timm-018": "torch/b1t1", "timm-019": "torch/b1t1"}


def test_sessions_are_counted() -> None:
    runs = [run.changed(session=f"b/{at % 2}") for at, run in enumerate(by_size("timm"))]
    assert "; timed in 2 sessions, in alternation only within each" in ratios(runs, "timm")[0].reason


def test_quantised_networks_stand_beside_quantised_ones() -> None:
    (found,) = beside([measured("tflite/mobilenet_v2_1.0_224_quant", 0.004, precision="int8")], "gluoncv")
    assert found.claim_id == "gluoncv-022"


def test_nothing_of_other_networks_or_failed_results() -> None:
    assert beside([a_latency_run()]) == []
    failed = a_latency_run(checkpoint="tf-slim/mobilenet_v2_1.0_224", status="failed", error="it died")
    assert beside([failed]) == []


def test_the_same_order_passes() -> None:
    (found,) = ratios(by_size("tf-slim"))
    assert (found.outcome, found.n) == ("pass", 22)
    assert found.subject == "tf-slim-mobilenet-readme@tensorflow/b1t1"
    assert (found.measured or 0) > 0.95
    assert (found.p_value, found.p_adjusted) == (1e-4, 1e-4)
    assert found.reason.startswith(
        "22 variants in tensorflow and on Pixel 1, CPU come in the same order: rank correlation 0.9"
    )
    assert "; the largest departure is 0.35 224: documented 0.143 of the time of 1.4 224, here 0.250" in found.reason
    assert found.reason.endswith("; tf-slim's networks in slim_ckpt, 22 of them with random weights")


def test_another_order_is_open_and_never_a_failure() -> None:
    slow_to_fast = [
        measured(run.checkpoint, 1e-3 / (run.quantiles[0].value or 1)) for run in by_size("tf-slim")
    ]  # fmt: skip
    (found,) = ratios(slow_to_fast)
    assert (found.outcome, (found.measured or 0) < -0.9) == ("inconclusive", True)
    assert "come in another order: rank correlation -0.9" in found.reason


def test_three_variants_cannot_show_an_order() -> None:
    found = ratios(by_size("timm"), "timm")
    assert [(each.outcome, each.measured, each.p_value) for each in found] == [("inconclusive", 1, 1 / 6)] * 2
    assert [each.p_adjusted for each in found] == [pytest.approx(1 / 3)] * 2
    assert "come in an order that chance may have given: rank correlation 1.00, p = 0.17" in found[0].reason


def test_doubtful_times_are_counted() -> None:
    (found,) = ratios(by_size("mindspore", rounds={"probe_after": 10.0}))
    assert found.outcome == "pass"
    assert found.reason.endswith("; 22 of our times cannot be quoted by themselves (L101)")


def test_equal_times_have_no_order() -> None:
    runs = [measured(run.checkpoint, 0.004) for run in by_size("mindspore")]
    (found,) = ratios(runs)
    assert (found.outcome, found.measured, found.p_value) == ("inconclusive", None, None)
    assert "there is no order" in found.reason


def test_p_values_of_orders_are_a_family_of_their_own() -> None:
    found = judge(evidence(by_size("tf-slim") + by_size("mindspore")), [Ratios()])
    assert [each.p_adjusted for each in found] == [pytest.approx(2e-4)] * 2
