"""Documented columns of latencies and our results of the same networks, brought together."""

from __future__ import annotations

import itertools

import pytest

from tests.by_hand.records import a_claim, a_latency_run
from tests.by_hand.variants import CLAIMS, ZOO, by_size, measured
from zoo.records import Claim, LatencyRun
from zoo.rules.latency import published
from zoo.rules.latency.variants import VariantTable, tables


def found(latencies: list[LatencyRun], claims: list[Claim] = CLAIMS) -> list[VariantTable]:
    return tables(latencies, claims, ZOO.checkpoints)


def test_devices_and_columns_of_every_documented_latency() -> None:
    latencies = [claim for claim in CLAIMS if claim.metric == "latency"]
    assert len(latencies) > 50
    devices = {claim.id: published.conditions(claim) for claim in latencies}
    assert devices["tflite-hosted-005"] == "Pixel 3, NNAPI"
    assert devices["coral-003"] == "ARTPEC-7 (Q1615 Mk III)"
    assert devices["coral-015"] == "ARTPEC-9 (Q1728)"
    assert devices["gluoncv-021"] == "batch 1"
    assert devices["paper-006"] == "Pixel 1, one large core, TF-Lite, 1 thread"
    assert not any("no checkpoint" in device for device in devices.values())
    columns = {claim.id: published.column(claim) for claim in latencies}
    assert columns["tf-slim-049"] == "Mobile CPU (ms) Pixel 1"
    assert columns["tflite-hosted-004"] == "CPU, 4 threads"
    assert columns["gluoncv-022"] == "int8 latency"


@pytest.mark.parametrize(
    ("claim", "threads", "batch_size", "integers"),
    [
        ("tflite-hosted-004", 4, None, True),
        ("tflite-hosted-009", 4, None, False),
        ("paper-006", 1, None, False),
        ("gluoncv-022", None, 1, True),
        ("timm-016", None, 1, False),
        ("tf-slim-049", None, None, False),
        ("coral-003", None, None, True),
    ],
)
def test_conditions_that_a_document_states(
    claim: str, threads: int | None, batch_size: int | None, integers: bool
) -> None:
    record = ZOO.claims[claim]
    assert (record.threads, record.batch) == (threads, batch_size)
    assert published.in_integers(record, ZOO.checkpoints) is integers
    assert published.in_integers(record, {}) is integers  # the names in the document say the same


def test_a_whole_table_of_a_phone() -> None:
    (table,) = found(by_size("tf-slim"))
    assert (table.title, table.device) == ("tf-slim-mobilenet-readme, Mobile CPU (ms) Pixel 1", "Pixel 1, CPU")
    family = table.family
    assert (family.framework, family.publisher, family.batch_size, family.threads) == ("tensorflow", "tf-slim", 1, 1)
    assert len(table.points) == len(table.claims) == len(table.runs) == 22
    assert table.points[0] == ("1.4 224", 1.0, 1.0)
    assert table.points[-1].label == "0.35 96"
    assert table.points[-1].documented == pytest.approx(4.5 / 138)
    assert table.points[-1].measured == pytest.approx(0.35 * 96**2 / (1.4 * 224**2), rel=1e-3)
    assert all(run.checkpoint == claim.checkpoint for run, claim in zip(table.runs, table.claims, strict=True))
    assert table.rho is not None
    assert table.p_value is not None
    assert (table.rho > 0.9, table.p_value < 0.001) == (True, True)


def test_the_same_architecture_of_another_publisher_counts() -> None:
    (table,) = found(by_size("mindspore"))  # not the three networks of timm: their order could never be shown
    assert (table.source, table.family.framework, len(table.points)) == ("tf-slim-mobilenet-readme", "mindspore", 22)


def test_the_machines_of_one_publisher_are_tables_of_their_own() -> None:
    found_here = found(by_size("timm"), [claim for claim in CLAIMS if claim.source.startswith("timm")])
    assert [table.source for table in found_here] == ["timm-benchmark-i7-12700h", "timm-benchmark-i9-10940x"]
    assert [table.points[-1].documented for table in found_here] == pytest.approx([4.499 / 9.115, 4.205 / 6.112])
    assert {table.p_value for table in found_here} == {1 / 6}  # three variants have six orders


def test_what_was_not_measured_alike_is_not_mixed() -> None:
    latencies = by_size("timm", session="monday/1")
    other = [run.changed(session="tuesday/1", threads=2) for run in latencies]
    claims = [claim for claim in CLAIMS if claim.source == "timm-benchmark-i7-12700h"]
    tables_here = found([*latencies, *other], claims)
    assert [(table.family.bench, table.family.threads) for table in tables_here] == [("monday", 1), ("tuesday", 2)]
    for change in ({"session": "tuesday/1"}, {"processor": "Another"}, {"threads": 2}, {"batch_size": 8}):
        assert found([latencies[0].changed(**change), *latencies[1:]], claims) == []


def test_sessions_of_one_bench_make_one_table() -> None:
    latencies = by_size("tf-slim")
    latencies = [run.changed(session=f"2025-03-01T12:00:00+00:00/{at // 12}") for at, run in enumerate(latencies)]
    (table,) = found(latencies)
    assert len(table.points) == 22


def test_fewer_than_three_variants_are_no_table() -> None:
    claims = [claim for claim in CLAIMS if claim.source == "paper-1801.04381"]
    assert found(by_size("tf-slim"), claims) == []
    assert found(by_size("timm")[:2]) == []


def test_a_readers_own_measurements_are_passed_over() -> None:
    claims = [claim.changed(by="third_party") for claim in CLAIMS]
    assert found(by_size("tf-slim"), claims) == []


def test_failed_results_are_left_out() -> None:
    runs = by_size("timm")
    failed = a_latency_run(checkpoint=runs[0].checkpoint, framework="torch", status="failed", error="it died")
    assert found([failed, *runs[1:]]) == []


def test_integers_beside_floats_are_other_networks() -> None:
    claim = a_claim(
        id="q", checkpoint="", model="MobileNetV2 quant", alpha=0.5, resolution=224, metric="latency", value="2",
        unit="ms", decimals=0, population="",
    )  # fmt: skip
    run = measured("timm/mobilenetv2_050.lamb_in1k", 0.003)
    assert published.nearness(run, claim, ZOO.checkpoints) is None
    floats = claim.changed(model="MobileNet v2")
    assert published.nearness(run, floats, ZOO.checkpoints) == published.SAME_ARCHITECTURE
    integers = run.changed(precision="int8")
    assert published.nearness(integers, claim, ZOO.checkpoints) == published.SAME_ARCHITECTURE


@pytest.mark.parametrize("model", ["MobileNetV1", "mobilenetv3_large_050", "ResNet-50"])
def test_other_families_have_widths_too(model: str) -> None:
    claim = a_claim(
        id="q", checkpoint="", model=model, alpha=0.5, resolution=224, metric="latency", value="2",
        unit="ms", decimals=0, population="",
    )  # fmt: skip
    run = measured("timm/mobilenetv2_050.lamb_in1k", 0.003)
    assert published.nearness(run, claim, ZOO.checkpoints) is None
    assert published.nearness(run, claim.changed(model="MobileNet_V2"), ZOO.checkpoints) == published.SAME_ARCHITECTURE


def test_the_own_file_comes_before_the_same_weights_and_those_before_the_same_architecture() -> None:
    claim = ZOO.claims["tf-slim-059"]
    names = ("tf-slim/mobilenet_v2_1.0_224", "tf-slim/mobilenet_v2_1.0_224-frozen", "torchvision/mobilenet_v2-v1")
    known = [name for name in names if name in ZOO.checkpoints]
    distances = [published.nearness(measured(name, 0.01), claim, ZOO.checkpoints) for name in known]
    assert distances[:2] == [published.OWN, published.SAME_WEIGHTS]
    assert all(here <= there for here, there in itertools.pairwise(distances) if here is not None and there is not None)
