"""Rules P and S: each holds, fails and does not apply."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.by_hand.documents import SHA, checkpoint, claim, evidence
from tests.by_hand.inspections import NETWORK, inspection, measured
from tests.by_hand.records import a_run
from zoo.records import (
    AsShipped,
    BytePairs,
    Claim,
    Deviation,
    Drawn,
    File,
    Inspection,
    MobileNetV2,
    Network,
    Port,
    TensorSpec,
    Verdict,
)
from zoo.rules.base import Rule
from zoo.rules.judge import FILE_RULES, judge

GLUON = MobileNetV2(
    alpha=1.0, resolution=224, classes=1000, rounding="truncate", activation="relu", expand_first=True,
    classifier_bias=False,
)  # fmt: skip
BY_ID = {rule.id: rule for rule in FILE_RULES}
DATA = TensorSpec(name="data", dtype="float32", shape=(-1, 3, 224, 224))
SCORES = TensorSpec(name="scores", dtype="float32", shape=(-1, 1000))


def judged(rule: str, found: Inspection, *claims: Claim, **record: Any) -> list[Verdict]:
    documents = evidence(*claims, checkpoints=(checkpoint(**record),), inspections=[found])
    return list(BY_ID[rule].judge(documents))


def outcome(rule: str, found: Inspection, *claims: Claim, **record: Any) -> str | None:
    """Of the only verdict, or None where there is none."""
    verdicts = judged(rule, found, *claims, **record)
    assert len(verdicts) <= 1
    assert all(verdict.subject == "a/net@torch" for verdict in verdicts)
    return verdicts[0].outcome if verdicts else None


def with_file(**changes: Any) -> Inspection:
    return inspection(files=(inspection().files[0].changed(**changes),))


def test_p101_hash() -> None:
    assert outcome("P101", inspection()) == "pass"
    (wrong,) = judged("P101", with_file(hash="different", sha256=SHA["b"]))
    assert wrong.outcome == "fail"
    assert f"expected sha256 {SHA['a']}, got sha256 {SHA['b']}; not loaded" in wrong.reason
    assert outcome("P101", with_file(hash="unpublished", by="")) is None


@pytest.mark.parametrize(("size", "expected"), [(1000, "pass"), (1001, "fail"), (None, None)])
def test_p102_size(size: int | None, expected: str | None) -> None:
    files = (File(name="net.pth", sha256=SHA["a"], size_bytes=size),)
    assert outcome("P102", inspection(), files=files) == expected


def test_p103_holds() -> None:
    assert outcome("P103", inspection(measured()), input=DATA, output=SCORES) == "pass"
    assert outcome("P103", inspection(measured()), output=SCORES) == "pass"
    # a free dimension takes the documented size; a shape that the framework does not tell is not judged
    fixed = DATA.changed(shape=(1, 3, 224, 224))
    assert outcome("P103", inspection(measured()), input=fixed) == "pass"
    untold = measured(outputs=(Port(name="scores", dtype="float32"),))
    assert outcome("P103", inspection(untold), output=SCORES) == "pass"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": (1, 3, 224, 224)}, "documented data float32 [-1, 3, 224, 224] (NCHW), got data float32 [1, 3"),
        ({"shape": (-1, 224, 224, 3)}, "[-1, 224, 224, 3] (NHWC)"),
        ({"dtype": "uint8"}, "got data uint8"),
        ({"name": "x"}, "no input 'data'; the graph has x float32"),
    ],
)
def test_p103_fails(changes: dict[str, Any], words: str) -> None:
    port = Port(name="data", dtype="float32", shape=(-1, 3, 224, 224)).changed(**changes)
    (verdict,) = judged("P103", inspection(measured(inputs=(port,))), input=DATA)
    assert verdict.outcome == "fail"
    assert words in verdict.reason


def test_p103_not_applicable() -> None:
    assert outcome("P103", inspection(measured())) is None
    assert outcome("P103", inspection(measured(graph=False)), input=DATA) is None
    assert outcome("P103", inspection(), input=DATA) is None


@pytest.mark.parametrize(("documented", "expected"), [(12, "pass"), (7, "fail"), (None, None)])
def test_p104_opset(documented: int | None, expected: str | None) -> None:
    assert outcome("P104", inspection(measured()), opset=documented) == expected


def test_p104_is_for_files_with_an_opset() -> None:
    assert outcome("P104", inspection(measured(opset=None)), opset=12) is None


def parameters(value: str) -> Claim:
    return claim(metric="parameters", value=value, unit="M")


@pytest.mark.parametrize(
    ("value", "folded", "expected", "words"),
    [
        ("3.504872", False, "confirmed", "3,504,872, weights, batch norm and classifier"),
        ("3.504872", True, "confirmed", "3,504,872, weights, batch norm and classifier"),
        ("3.54", False, "confirmed", "with running statistics"),
        ("3.488", True, "confirmed", "folded into the convolutions"),
        ("3.47", False, "confirmed", "without batch norm"),
        ("3.489", True, "refuted", "of a network with 1,001 classes, not 1,000"),
        ("3.504", False, "refuted", "cut off instead of rounded"),
        (
            "6.9",
            False,
            "refuted",
            "none of the 5 ways of counting known here gives 6.9 M for what the file holds; nearest: 3,538,984",
        ),
    ],
)
def test_s101_parameters(value: str, folded: bool, expected: str, words: str) -> None:
    (verdict,) = judged("S101", inspection(measured(folded=folded)), parameters(value))
    assert (verdict.outcome, verdict.claim_id, verdict.documented) == (expected, "one", float(value))
    assert words in verdict.reason


def test_s101_follows_the_file() -> None:
    (verdict,) = judged("S101", inspection(measured(GLUON)), parameters("3.539136"))
    assert verdict.outcome == "confirmed"
    assert verdict.measured == pytest.approx(3.539136)


def test_s101_not_applicable() -> None:
    assert outcome("S101", inspection(measured())) is None
    assert outcome("S101", inspection(), parameters("3.5")) is None
    assert (
        outcome("S101", inspection(measured()), claim(metric="parameters", value="3", unit="M", by="third_party"))
        is None
    )


@pytest.mark.parametrize(
    ("value", "unit", "expected", "words"),
    [
        ("300.774", "M", "confirmed", "300,774,272"),
        ("301", "M", "confirmed", "multiply-adds of convolutions and classifier"),
        ("300", "M", "refuted", "cut off"),
        ("0.615", "GFLOP", "confirmed", "two per multiply-add, one per value of folded batch norm"),
        ("0.301", "GMAC", "confirmed", "300,774,272"),
        ("0.602", "GMAC", "refuted", "not what GMAC says"),
        ("313.6", "M", "refuted", "none of the 6 ways of counting"),
    ],
)
def test_s102_multiply_adds(value: str, unit: str, expected: str, words: str) -> None:
    metric = "multiply_adds" if unit == "M" else "gflops"
    (verdict,) = judged("S102", inspection(measured()), claim(metric=metric, value=value, unit=unit))
    assert verdict.outcome == expected
    assert words in verdict.reason


def test_s102_not_applicable() -> None:
    assert outcome("S102", inspection(measured())) is None
    one = claim(metric="multiply_adds", value="300.774", unit="M")
    assert outcome("S102", inspection(measured(multiply_adds=None)), one) is None


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("network", [NETWORK, GLUON])
def test_s103_as_built(network: Network, folded: bool) -> None:
    assert outcome("S103", inspection(measured(network, folded=folded)), network=network) == "pass"


def test_s103_another_network() -> None:
    (verdict,) = judged("S103", inspection(measured(GLUON)))
    assert verdict.outcome == "fail"
    assert "313,619,328 multiply-adds instead of 300,774,272" in verdict.reason
    assert "0 biases of the classifier instead of 1,000" in verdict.reason


def test_s103_without_sizes_counts_what_there_is() -> None:
    assert outcome("S103", inspection(measured(multiply_adds=None))) == "pass"


def test_s103_not_applicable_and_not_run() -> None:
    assert outcome("S103", inspection(measured()), network=None) is None
    assert outcome("S103", inspection()) is None
    (verdict,) = judged("S103", inspection(error="torch: the worker died"))
    assert (verdict.outcome, verdict.reason) == ("not_run", "not looked into: torch: the worker died")


def test_s104_holds() -> None:
    (verdict,) = judged("S104", inspection(measured()), quantised=False)
    assert (verdict.outcome, verdict.reason) == ("pass", "52 convolutions; activation relu6; float arithmetic")
    assert outcome("S104", inspection(measured(GLUON)), network=GLUON) == "pass"
    # quantised files have their activations in the ranges
    assert outcome("S104", inspection(measured(activations={}, quantised=True)), quantised=True) == "pass"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"convolutions": 53}, "expected 52 convolutions, got 53 convolutions"),
        ({"activations": {"relu": 35}}, "expected activation relu6, got activation relu"),
        ({"activations": {"relu": 1, "relu6": 34}}, "got activation relu and relu6"),
        ({"quantised": True}, "expected float arithmetic, got quantised arithmetic"),
    ],
)
def test_s104_fails(changes: dict[str, Any], words: str) -> None:
    (verdict,) = judged("S104", inspection(measured(**changes)), quantised=False)
    assert verdict.outcome == "fail"
    assert words in verdict.reason


def test_s104_not_applicable() -> None:
    assert outcome("S104", inspection(measured()), network=None) is None
    assert outcome("S104", inspection()) is None


@pytest.mark.parametrize("rule", FILE_RULES)
def test_files_of_unknown_checkpoints_are_left_alone(rule: Rule) -> None:
    assert list(rule.judge(evidence(inspections=[inspection(measured(), checkpoint="b/net")]))) == []


def test_deviation_of_a_file_that_is_not_here_is_not_stale() -> None:
    deviation = Deviation(
        id="d", rule="S103", subject="a/net@torch", reason="r", link="https://example.org", date="2026-01-01"
    )
    for found, outcomes in (
        ([], []),
        ([inspection()], ["pass"]),
        ([inspection(measured(GLUON))], ["pass", "known", "fail"]),
        ([inspection(measured())], ["pass", "pass", "pass", "fail"]),
    ):
        verdicts = judge(evidence(inspections=found, deviations=(deviation,)), FILE_RULES)
        assert [verdict.outcome for verdict in verdicts] == outcomes


PAIRS = (BytePairs(layer="first", pairs=100, beyond=3), BytePairs(layer="second", pairs=50, beyond=0))
NO_LOSS = AsShipped(n=512, different=0, top1_correct=430, shipped_correct=430, gained=0, lost=0)
LOSS = AsShipped(n=512, different=85, top1_correct=430, shipped_correct=406, gained=19, lost=43)
NOISE = AsShipped(n=512, different=9, top1_correct=430, shipped_correct=429, gained=2, lost=3)


def s105(shown: AsShipped | None = None, pairs: tuple[BytePairs, ...] = PAIRS) -> Verdict | None:
    found = inspection(measured(byte_pairs=pairs))
    run = a_run(checkpoint="a/net", framework="torch", as_shipped=shown)
    seen = replace(evidence(checkpoints=(checkpoint(),), inspections=[found]), runs=[run])
    return next(BY_ID["S105"].judge(seen), None)


def test_s105_without_weights_of_signed_bytes_says_nothing() -> None:
    assert s105(pairs=()) is None


def test_s105_holds_where_no_pair_can_leave_16_bits() -> None:
    verdict = s105(pairs=(BytePairs(layer="first", pairs=100, beyond=0),))
    assert verdict is not None
    assert verdict.outcome == "pass"
    assert verdict.reason == "the products of no two neighbouring weights in 1 layer can leave 16 bits"


def test_s105_stays_open_where_the_defaults_could_not_be_tried() -> None:
    verdict = s105()
    assert verdict is not None
    assert verdict.outcome == "inconclusive"
    assert "in 1 of 2 layers" in verdict.reason
    assert "(3.0 % of a layer's pairs)" in verdict.reason
    assert "run it on a processor without VNNI" in verdict.reason


@pytest.mark.parametrize(("shown", "expected"), [(NO_LOSS, "pass"), (NOISE, "inconclusive"), (LOSS, "fail")])
def test_s105_where_the_defaults_were_tried(shown: AsShipped, expected: str) -> None:
    verdict = s105(shown)
    assert verdict is not None
    assert verdict.outcome == expected
    assert (verdict.n, verdict.measured) == (512, shown.shipped_correct / 512)


def test_s105_says_how_much_is_lost() -> None:
    verdict = s105(LOSS)
    assert verdict is not None
    assert "79.30 instead of 83.98 % of the first 512 images are right, 85 labels differ" in verdict.reason
    assert (verdict.finding_class, verdict.size_unit) == ("contradiction", "points")
    assert verdict.size == pytest.approx(100 * 24 / 512)


def test_s105_of_hard_images_says_no_points() -> None:
    by = Drawn(
        reference="a/float@torch", run="aa" * 32, sha256="ab" * 32, kinship="converted from", rule="margin", seed=0,
        top1=0.9, top5=0.99,
    )  # fmt: skip
    run = a_run(checkpoint="a/net", framework="torch", as_shipped=LOSS, population="random_sample", drawn=by)
    seen = replace(evidence(checkpoints=(checkpoint(),), inspections=[inspection()]), runs=[run])
    (verdict,) = BY_ID["S105"].judge(seen)
    assert (verdict.outcome, verdict.finding_class) == ("fail", "contradiction")
    assert (verdict.measured, verdict.size) == (None, None)
    assert "406 instead of 430 of the first 512 images, which a reference drew, are right" in verdict.reason


def test_s105_of_a_second_opinion_rests_on_answers_alone() -> None:
    run = a_run(checkpoint="a/net", framework="torch", as_shipped=LOSS)
    (verdict,) = BY_ID["S105"].judge(
        replace(evidence(checkpoints=(checkpoint(),), inspections=[inspection()]), runs=[run])
    )
    assert verdict.outcome == "fail"
    assert "layer" not in verdict.reason
