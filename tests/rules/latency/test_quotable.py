"""Rules L1 and L201 on cells built by hand: each holds, fails and does not apply; how often a ranking is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from tests.by_hand.records import ROUND_MEDIANS, a_latency_run, a_run
from zoo.ending.exit_codes import NOT_RUN, OK
from zoo.records import Checkpoint, Deviation, LatencyRun, Verdict
from zoo.rules.base import Evidence
from zoo.rules.judge import LATENCY_RULES, RULES, exit_code, judge
from zoo.rules.latency.quotable import FEWEST_IMAGES
from zoo.stats import levels

TEMPLATE = a_latency_run()
SLOWER = [each * 1.42 for each in ROUND_MEDIANS]


def verdicts(rule: str, latencies: Sequence[LatencyRun], **changes: Any) -> list[Verdict]:
    rules = [each for each in RULES if each.id == rule]
    assert len(rules) == 1
    return judge(Evidence(latencies=latencies, **changes), rules)


def only(rule: str, latencies: Sequence[LatencyRun], **changes: Any) -> Verdict:
    (found,) = verdicts(rule, latencies, **changes)
    return found


def other(framework: str = "torch", medians: Sequence[float] = SLOWER, **changes: Any) -> LatencyRun:
    """The same weights in another framework, 1.42 times the time."""
    fields = {"checkpoint": f"embedded/{framework}", "framework": framework, "key": framework}
    return a_latency_run(medians, **{**fields, **changes})


def test_quotable() -> None:
    found = only("L101", [a_latency_run()])
    assert (found.outcome, found.subject, found.n) == ("pass", "embedded/onnx@onnxruntime/b1t1", 1200)
    assert (found.low, found.high) == pytest.approx(levels.interval(ROUND_MEDIANS))
    assert found.measured == pytest.approx(0.0040, rel=0.01)
    assert "4.01 ms; interval from 6 processes 3.98 ms to 4.03 ms, 1.1 % wide" in found.reason
    assert found.run == "7a" * 32


def test_not_quotable_is_said_with_its_reason() -> None:
    found = only("L101", [a_latency_run([0.004, 0.004, 0.004, 0.004, 0.004, 0.005])])
    assert found.outcome == "inconclusive"
    assert found.low == pytest.approx(0.00377, rel=0.01)
    assert found.reason.startswith("not measurable here, because 6 processes give an interval that is 19.1 % wide")
    few = only("L101", [a_latency_run([0.004])])
    assert (few.outcome, few.low) == ("inconclusive", None)
    assert few.measured == pytest.approx(0.004, rel=0.02)
    assert few.reason.startswith("not measurable here, because of too few calls within the budget")


def test_what_could_not_be_measured_is_not_run() -> None:
    failed = a_latency_run(status="failed", error="the worker died\nTraceback:\n")
    found = judge(Evidence(latencies=[failed]), LATENCY_RULES)
    assert [(each.rule, each.outcome, each.reason) for each in found] == [
        ("L101", "not_run", "not run: the worker died")
    ]
    assert exit_code([], found, [failed]) == NOT_RUN
    assert exit_code([a_run()], [], [a_latency_run()]) == OK


def test_rules_l_need_latencies() -> None:
    assert judge(Evidence(runs=[a_run()]), LATENCY_RULES) == []


@pytest.mark.parametrize(
    ("checked", "different", "outcome"),
    [(64, 0, "pass"), (63, 0, "fail"), (0, 0, "fail"), (64, 1, "fail"), (960, 0, "pass")],
)
def test_same_answers(checked: int, different: int, outcome: str) -> None:
    found = only("L102", [a_latency_run(images_checked=checked, different=different)])
    assert (found.outcome, found.n) == (outcome, checked)
    assert found.measured == (different / checked if checked else None)


def test_sentences_of_other_answers() -> None:
    assert only("L102", [a_latency_run(different=1)]).reason == (
        "1 of 64 labels (1.56 %) are not those of the accuracy run"
    )
    few = only("L102", [a_latency_run(images_checked=20)]).reason
    assert few == (
        f"the labels of 20 images were compared, {FEWEST_IMAGES} are needed: give --budget more, or more images"
    )


@pytest.mark.parametrize("precision", ["fp32", "int8", "uint8", "fp32+int8"])
def test_kept_conditions(precision: str) -> None:
    found = only("L103", [a_latency_run(precision=precision)])
    assert (found.outcome, found.measured, found.high) == ("pass", 1.0, 1.25)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"precision": "bf16"}, "precision: bf16 in effect, fp32 asked for"),
        ({"precision": "bf16+int8"}, "precision: bf16+int8 in effect, fp32 asked for"),
        ({"precision": ""}, "precision: not read back, fp32 asked for"),
        ({"rounds": {"cores_used": 1.26}}, "cores_used: up to 1.26 with threads 1 (allowed: 1.25)"),
    ],
)
def test_broken_conditions(changes: dict[str, Any], said: str) -> None:
    found = only("L103", [a_latency_run(**changes)])
    assert (found.outcome, found.reason) == ("fail", said)


def test_a_number_of_threads_that_is_not_offered_is_not_comparable() -> None:
    found = only("L103", [a_latency_run(threads_read=2, rounds={"cores_used": 2.0})])
    assert (found.outcome, found.reason) == ("not_comparable", "threads_read: 2 in effect, 1 asked for")
    assert only("L103", [a_latency_run(threads_read=2, rounds={"cores_used": 2.3})]).outcome == "fail"


def test_more_threads_than_cores_are_said() -> None:
    crowded = a_latency_run(threads=4, threads_read=4, cores=2, rounds={"cores_used": 1.9})
    found = only("L103", [crowded])
    said = "threads: 4 asked for, but there are only 2 cores, so threads wait for each other"
    assert (found.outcome, found.reason) == ("not_comparable", said)
    for cores in (0, 4):  # 0: not recorded
        assert only("L103", [crowded.changed(cores=cores)]).outcome == "pass"


def test_cores_up_to_the_allowance() -> None:
    assert only("L103", [a_latency_run(rounds={"cores_used": 1.25})]).outcome == "pass"
    assert only("L103", [a_latency_run(threads=2, threads_read=2, rounds={"cores_used": 2.2})]).outcome == "pass"


def test_ranked_against_the_fastest() -> None:
    found = only("L201", [other(), a_latency_run(), ])  # fmt: skip
    assert (found.subject, found.outcome, found.against) == ("embedded/torch@torch/b1t1", "pass", "7a" * 32)
    assert found.measured == pytest.approx(1.42)
    assert (found.low, found.high) == pytest.approx((1.4102, 1.4299), abs=1e-4)
    assert (
        found.reason
        == "1.42 times the time of embedded/onnx@onnxruntime/b1t1 (1.41 to 1.43; p < 0.001 after Holm over 2 results)"
    )


def test_what_may_be_chance_is_not_ranked() -> None:
    near = other(medians=[each * 1.004 for each in ROUND_MEDIANS])
    found = only("L201", [a_latency_run(), near])
    assert found.outcome == "inconclusive"
    assert found.reason == (
        "not ranked: 1.00 times the time of embedded/onnx@onnxruntime/b1t1 (1.00 to 1.01; p = 0.23 after Holm over 2 "
        "results)"
    )


def test_the_more_are_compared_the_surer_each_has_to_be() -> None:
    cells = [a_latency_run(), other(medians=[each * 1.008 for each in ROUND_MEDIANS])]
    alone = only("L201", cells)
    more = [*cells, *(other(name, [each * 1.004 for each in ROUND_MEDIANS]) for name in ("mxnet", "openvino"))]
    (among_four,) = [each for each in verdicts("L201", more) if each.run == "torch"]
    assert (alone.outcome, alone.p_value, alone.p_adjusted) == ("pass", among_four.p_value, alone.p_value)
    assert among_four.p_value is not None
    assert among_four.p_adjusted == pytest.approx(6 * among_four.p_value)
    assert among_four.outcome == "inconclusive"


def test_a_bench_of_before_is_judged_by_its_processes() -> None:
    """Three processes of four rounds each: what rounds of one process agree on says little."""
    times = [0.0040, 0.0040, 0.0040, 0.0040, 0.0042, 0.0042, 0.0042, 0.0042, 0.0041, 0.0041, 0.0041, 0.0041]
    found = only("L101", [a_latency_run(times, processes=3)])
    assert (found.low, found.high) == pytest.approx(levels.interval([0.0040, 0.0042, 0.0041]))
    assert "because 3 processes give an interval that is 12.1 % wide" in found.reason


def test_one_that_is_not_quotable_is_not_ranked_nor_what_others_are_ranked_against() -> None:
    wild = other("mxnet", [0.001, 0.001, 0.001, 0.001, 0.001, 0.002])
    found = {each.subject: each for each in verdicts("L201", [a_latency_run(), wild, other()])}
    assert found["embedded/mxnet@mxnet/b1t1"].outcome == "inconclusive"
    assert "it is not measurable here (L101 says why)" in found["embedded/mxnet@mxnet/b1t1"].reason
    assert found["embedded/torch@torch/b1t1"].against == "7a" * 32
    alone = verdicts("L201", [wild, other("torch", [0.001, 0.002] * 3)])
    assert [(each.outcome, each.against, each.measured) for each in alone] == [("inconclusive", None, None)] * 2


@pytest.mark.parametrize("changes", [{"different": 3}, {"images_checked": 3}, {"rounds": {"cores_used": 1.9}}])
def test_what_computes_something_else_is_no_fastest(changes: dict[str, Any]) -> None:
    fast = other(medians=[each / 2 for each in ROUND_MEDIANS], **changes)
    found = only("L201", [fast, a_latency_run()])
    assert (found.subject, found.outcome) == (fast.subject, "inconclusive")
    assert "it is not what was asked for" in found.reason


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("threads_read", 2, "threads_read differs: 2 against 1"),
        ("precision", "bf16", "precision differs: bf16 against fp32"),
        ("processor", "Another CPU", "processor differs: Another CPU against Example CPU 2.4 GHz"),
        ("image_set", "mine", "image_set differs: mine against shapes_test"),
        ("batch_size", 8, "batch_size differs: 8 against 1"),
        ("threads", 2, "threads differs: 2 against 1"),
        ("session", "s2", "session differs: s2 against s1"),
    ],
)
def test_a_condition_that_differs_is_named_with_both_values(field: str, value: Any, said: str) -> None:
    found = verdicts("L201", [a_latency_run(), other(**{field: value})])
    (refused,) = [each for each in found if each.run == "torch"]
    assert (refused.outcome, refused.measured) == ("not_comparable", None)
    assert refused.reason.endswith(said)
    assert refused.against == "7a" * 32


def test_batch_and_threads_of_one_framework_are_no_ranking() -> None:
    cells = [a_latency_run(key=f"{batch}", batch_size=batch) for batch in (1, 8)]
    assert verdicts("L201", cells) == []
    others = [other(key=f"t{batch}", batch_size=batch) for batch in (1, 8)]
    found = verdicts("L201", [*cells, *others])
    assert [(each.run, each.against, each.outcome) for each in found] == [("t1", "1", "pass"), ("t8", "8", "pass")]


def test_other_weights_are_another_network() -> None:
    assert verdicts("L201", [a_latency_run(), other(weights="another")]) == []


def an_architecture(name: str, framework: str, **network: Any) -> Checkpoint:
    return Checkpoint.from_json(
        {
            "id": name, "framework": framework, "format": "onnx", "recipe": "r", "label_map": "m", "export_from": "w",
            "network": {"alpha": 1.0, "resolution": 224, "classes": 1000, **network},
        }
    )  # fmt: skip


def test_untrained_networks_are_ranked_by_their_architecture() -> None:
    known = {
        "embedded/onnx": an_architecture("embedded/onnx", "onnxruntime"),
        "embedded/torch": an_architecture("embedded/torch", "torch", bn_epsilon=1e-3),
        "embedded/mxnet": an_architecture("embedded/mxnet", "mxnet", alpha=0.5),
    }
    cells = [
        each.changed(untrained=True, weights=f"random {number}")
        for number, each in enumerate([a_latency_run(), other(), other("mxnet")])
    ]
    found = only("L201", cells, checkpoints=known)
    assert (found.subject, found.outcome) == ("embedded/torch@torch/b1t1", "pass")
    assert verdicts("L201", [cells[0], other()], checkpoints=known) == []  # random weights beside trained ones


def simulated(random: np.random.Generator, count: int, noise: float = 0.01) -> list[LatencyRun]:
    """Cells of equal speed; rounds differ by a lognormal factor, the machine's drift is common to all of a round."""
    drift = np.cumsum(random.normal(0, noise / 2, 6))
    times = 0.004 * np.exp(drift + random.normal(0, noise, (count, 6)))
    template, rounds = TEMPLATE, TEMPLATE.rounds
    drawn = [tuple(each.changed(median=float(value)) for each, value in zip(rounds, row, strict=True)) for row in times]
    return [template.changed(key=str(at), framework=f"f{at}", rounds=each) for at, each in enumerate(drawn)]


@pytest.mark.parametrize(("frameworks", "trials"), [(2, 200), (6, 60)])
def test_equal_speeds_are_rarely_ranked(frameworks: int, trials: int) -> None:
    random = np.random.default_rng(5)
    wrong = sum(
        any(each.outcome == "pass" for each in verdicts("L201", simulated(random, frameworks))) for _ in range(trials)
    )
    assert wrong <= binom.ppf(0.999, trials, 0.05)


def test_a_tenth_is_nearly_always_ranked() -> None:
    random, trials, found = np.random.default_rng(6), 100, 0
    for _ in range(trials):
        first, second = simulated(random, 2)
        rounds = tuple(each.changed(median=each.median * 1.1) for each in second.rounds)
        found += only("L201", [first, second.changed(rounds=rounds)]).outcome == "pass"
    assert found > 90


def test_deviations_of_a_bench_are_those_of_its_cells() -> None:
    def accepted(rule: str, subject: str) -> Deviation:
        return Deviation(
            id=f"{rule}-{subject[:5]}", rule=rule, subject=subject, reason="known", link="https://example.org/1",
            date="2025-03-01",
        )  # fmt: skip

    cell = a_latency_run(precision="bf16")
    entries = [accepted("L103", cell.subject), accepted("A101", "another/one@torch")]
    found = judge(Evidence(latencies=[cell], deviations=entries))
    assert {each.outcome for each in found if each.rule == "L103"} == {"known"}
    assert not [each for each in found if each.rule == "D101"]
