"""Rules X201 to X204: two runs on the same images, every outcome and the words it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.by_hand.records import a_claim, a_run
from zoo import stats
from zoo.documents.formatting import percent
from zoo.records import Checkpoint, Claim, File, LabelMap, Population, Run, Verdict
from zoo.records.predictions import Predictions
from zoo.report.tables import discordant_csv
from zoo.rules.base import Evidence, Rule
from zoo.rules.pairs.image_by_image import ClaimedLoss, Converted, Frameworks, Recipes
from zoo.rules.pairs.pairing import pairs

N = 1000
FULL = Population(id="shapes_test", title="the shapes", images=N, digest="ef" * 32)
LARGE = Population(id="imagenet_val", title="the ILSVRC2012 validation set", images=50_000, id_pattern="x{n}")


def checkpoint(name: str, **changes: Any) -> Checkpoint:
    fields = {"framework": "onnxruntime", "format": "onnx", "recipe": "embedded_110_96", "label_map": "embedded"}
    return Checkpoint(**{"id": name, "files": (File(name="a.onnx"),), **fields, **changes})


FLOAT, INT8 = checkpoint("zoo/float"), checkpoint("zoo/int8", converted_from="zoo/float")


def answers(right: np.ndarray) -> Predictions:
    """Predictions that are right where told, by top-1 and by top-5."""
    zeros = np.zeros((len(right), 5))
    return Predictions(
        ids=tuple(f"{number:04d}.jpg" for number in range(len(right))), classes=np.zeros(len(right), np.int64),
        indices=zeros.astype(np.int32), scores=zeros.astype(np.float32), top1=right, top5=right,
        first_scores=np.zeros((0, 6), np.float32),
    )  # fmt: skip


def discordant(only_first: int, only_second: int, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Both right on all images but the first ones."""
    first, second = np.ones(n, bool), np.ones(n, bool)
    second[:only_first] = False
    first[only_first : only_first + only_second] = False
    return first, second


def evidence(
    runs: Sequence[tuple[dict[str, Any], np.ndarray]], claims: Sequence[Claim] = (), **changes: Any
) -> Evidence:
    made: list[Run] = []
    kept: dict[str, Predictions] = {}
    for number, (fields, right) in enumerate(runs):
        counts = {"n": len(right), "top1_correct": int(right.sum()), "top5_correct": int(right.sum())}
        made.append(a_run(**{"key": f"{number}f" * 32, "checkpoint": "zoo/float", "weights": "w", **counts, **fields}))
        kept[made[-1].key] = answers(right)
    return Evidence(
        runs=made, claims=claims, checkpoints={each.id: each for each in (FLOAT, INT8)},
        populations={each.id: each for each in (FULL, LARGE)}, answers=lambda run: kept.get(run.key),
        **{"tolerance": 0.001} | changes,
    )  # fmt: skip


def judged(rule: Rule, *arguments: Any, **changes: Any) -> list[Verdict]:
    return list(rule.judge(evidence(*arguments, **changes)))


def frameworks(only_first: int, only_second: int, **changes: Any) -> list[Verdict]:
    first, second = discordant(only_first, only_second)
    return judged(Frameworks(), [(changes, first), ({"framework": "torch", **changes}, second)])


SAMPLE: dict[str, Any] = {"population": "random_sample", "population_id": "imagenet_val"}
OTHER: dict[str, Any] = {"population": "other", "population_id": ""}


@pytest.mark.parametrize(
    ("only_first", "only_second", "outcome"),
    [(0, 0, "pass"), (5, 5, "pass"), (6, 5, "pass"), (5, 6, "pass"), (7, 5, "fail"), (12, 0, "fail"), (1, 14, "fail")],
)
def test_a_difference_over_all_images_is_exact(only_first: int, only_second: int, outcome: str) -> None:
    """The margin of 0.1 points is one image of 1,000; nothing is tested."""
    found = frameworks(only_first, only_second)
    assert [verdict.outcome for verdict in found] == [outcome, outcome]
    assert found[0].subject == "zoo/float@torch"
    assert found[0].measured == found[0].low == found[0].high == (only_first - only_second) / N
    assert (found[0].p_value, found[0].p_adjusted) == (None, None)
    assert found[0].margin == 0.001
    assert " p = " not in found[0].reason
    assert "could have shown" not in found[0].reason


def test_a_margin_below_one_image_is_one_image() -> None:
    outcomes = {}
    for lost in (0, 1, 2):
        first, second = discordant(lost, 0, 960)
        verdict = judged(Frameworks(), [({}, first), ({"framework": "torch"}, second)])[0]
        outcomes[lost] = verdict.outcome
        assert "the margin of one image of 960" in verdict.reason
    assert outcomes == {0: "pass", 1: "pass", 2: "fail"}


@pytest.mark.parametrize("where", [SAMPLE, OTHER])
@pytest.mark.parametrize(
    ("only_first", "only_second", "margin", "outcome"),
    [
        (0, 0, 0.001, "inconclusive"),  # nothing was shown, so nothing passes
        (0, 0, 0.004, "pass"),
        (12, 10, 0.001, "inconclusive"),
        (12, 10, 0.02, "pass"),
        (30, 5, 0.02, "inconclusive"),  # more than nothing, and perhaps less than the margin
        (40, 2, 0.001, "fail"),
        (2, 40, 0.001, "fail"),
        (40, 2, 0.0, "fail"),
        (2, 40, 0.1, "pass"),  # a difference that was shown, and that does not matter
    ],
)
def test_equivalence_on_a_sample_must_be_shown(
    where: dict[str, Any], only_first: int, only_second: int, margin: float, outcome: str
) -> None:
    first, second = discordant(only_first, only_second)
    runs = [(where, first), ({"framework": "torch", **where}, second)]
    verdict = judged(Frameworks(), runs, margin=margin)[0]
    assert verdict.outcome == outcome
    assert verdict.low is not None
    assert verdict.high is not None
    inside, outside = -margin <= verdict.low <= verdict.high <= margin, verdict.low > margin or verdict.high < -margin
    assert (inside, outside) == (outcome == "pass", outcome == "fail")
    assert ("to decide it, take" in verdict.reason) == (outcome == "inconclusive")
    assert "the smallest difference that these images could have shown is" in verdict.reason


def test_what_is_quantised_may_lose_one_percent_of_the_accuracy_of_the_other() -> None:
    """The original is right on 960 of 1,000 images: 9.6 may be lost."""
    outcomes = {}
    for lost in (9, 10):
        first, second = discordant(lost, 0)
        first[-40:] = second[-40:] = False
        runs = [({}, first), ({"checkpoint": "zoo/int8", "weights": "i", "integer_sums": "exact"}, second)]
        verdict = judged(Converted(), runs)[0]
        outcomes[lost] = verdict.outcome
        assert verdict.margin == pytest.approx(0.0096)
        assert "the margin of 0.96 points (1 % of 96.00 %)" in verdict.reason
        assert judged(Converted(), runs, margin_quantised=0.02)[0].outcome == "pass"
    assert outcomes == {9: "pass", 10: "fail"}


def test_sentence_of_all_images() -> None:
    reason = frameworks(12, 1)[0].reason
    assert reason.startswith(
        "top-1 of 1,000 images: 12 are right only with zoo/float@onnxruntime, 1 only with zoo/float@torch, "
        "a difference of 1.1 points: outside the margin of one image of 1,000, in favour of zoo/float@onnxruntime; "
        "images: 0000.jpg, 0001.jpg"
    )
    assert reason.endswith("0009.jpg and 3 more in discordant.csv")


def test_sentences_of_a_sample() -> None:
    first, second = discordant(5, 3)
    runs = [(SAMPLE, first), ({"framework": "torch", **SAMPLE}, second)]
    assert judged(Frameworks(), runs)[0].reason.partition("torch, ")[2].partition("; images")[0] == (
        "a difference of 0.2 points (-0.54 to 0.9 over all): partly outside the margin of 0.1 points; p = 1, 1 "
        "after Holm over 2; to decide it, take 27,900 images (80 % chance) if the measured difference is the true one; "
        "the smallest difference that these images could have shown is 0.78 points"
    )
    assert (
        " over all): inside the margin of 5 points; p = 1, 1 after" in judged(Frameworks(), runs, margin=0.05)[0].reason
    )


def test_many_pairs_are_adjusted_together() -> None:
    first, second = discordant(9, 0)
    names = ("torch", "tensorflow", "openvino", "mindspore", "mxnet")
    runs = [(OTHER, first), *(({"framework": name, **OTHER}, second) for name in names)]
    found = judged(Frameworks(), runs)
    assert len(found) == 10
    p = stats.difference_p(9, 0, N, None, 0.001)
    assert {verdict.p_value for verdict in found} == {p}
    assert {verdict.p_adjusted for verdict in found} == {10 * p}
    assert {verdict.outcome for verdict in found} == {"inconclusive"}  # alone, each fails
    assert "outside the margin, but of 10 comparisons one may be so by chance" in found[0].reason
    assert [verdict.outcome for verdict in judged(Frameworks(), runs[:2])] == ["fail", "fail"]


def test_interval_depends_on_what_the_images_are() -> None:
    full = frameworks(30, 10)[0]
    sample = frameworks(30, 10, population="random_sample", population_id="imagenet_val")[0]
    other = frameworks(30, 10, population="other", population_id="")[0]
    assert (full.low, full.high) == (0.02, 0.02)
    for verdict in (sample, other):
        assert verdict.low is not None
        assert verdict.high is not None
        assert 0 < verdict.low < 0.02 < verdict.high < 0.05
    assert f"points ({percent(sample.low or 0)} to" in sample.reason
    assert (other.low, other.high) == stats.difference_interval(30, 10, N, None) != (sample.low, sample.high)


def test_runs_that_stopped_early_have_a_p_value_for_that() -> None:
    fixed = frameworks(30, 10, population="random_sample", population_id="imagenet_val")[0]
    early = frameworks(30, 10, population="random_sample", population_id="imagenet_val", look_every=128)[0]
    assert (early.p_value or 0) > (fixed.p_value or 0)
    assert "; p (valid at any stop) = " in early.reason
    assert (early.low or 0) < (fixed.low or 0)
    assert (early.high or 0) > (fixed.high or 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weights", "o"),
        ("image_set", "others"),
        ("geometry", "others"),
        ("precision", "int8"),
        ("recipe", "others"),
        ("arithmetic", "as-shipped"),
    ],
)
def test_runs_that_are_not_alike_are_not_frameworks(field: str, value: str) -> None:
    first, second = discordant(50, 0)
    assert judged(Frameworks(), [({}, first), ({"framework": "torch", field: value}, second)]) == []


def test_runs_on_other_images_of_one_name_are_not_compared() -> None:
    first, second = discordant(50, 0)
    given = evidence([(OTHER, first), ({"framework": "torch", **OTHER}, second)])
    reordered = replace(answers(second), ids=tuple(reversed(answers(second).ids)))

    def others(run: Run) -> Predictions | None:
        return reordered if run.framework == "torch" else given.answers(run)

    assert pairs(replace(given, answers=others)) == []
    assert len(pairs(given)) == 2


def converted(only_first: int, only_second: int, claims: Sequence[Claim] = (), **changes: Any) -> Evidence:
    first, second = discordant(only_first, only_second, changes.pop("n", N))
    runs = [({"checkpoint": "zoo/int8", "weights": "i", "precision": "int8", **changes}, second), (changes, first)]
    return evidence(runs, claims)


@pytest.mark.parametrize(("only_first", "outcome"), [(3, "pass"), (20, "fail")])
def test_a_conversion_costs_nothing_unless_documented(only_first: int, outcome: str) -> None:
    found = list(Converted().judge(converted(only_first, 0)))
    assert [(verdict.subject, verdict.outcome) for verdict in found] == [("zoo/int8@onnxruntime", outcome)] * 2
    assert list(ClaimedLoss().judge(converted(only_first, 0))) == []


def test_another_part_of_the_image_is_no_conversion() -> None:
    first, second = discordant(20, 0)
    runs = [({}, first), ({"checkpoint": "zoo/int8", "weights": "i", "geometry": "other"}, second)]
    assert judged(Converted(), runs) == []


def loss(before: str, after: str, **changes: Any) -> list[Claim]:
    decimals = len(before.partition(".")[2])
    same = {"decimals": decimals, **changes}
    return [
        a_claim(id="before", checkpoint="zoo/float", value=before, **same),
        a_claim(id="after", checkpoint="zoo/int8", value=after, **same),
    ]


@pytest.mark.parametrize(
    ("only_first", "only_second", "outcome"),
    [
        (12, 0, "confirmed"),
        (60, 48, "confirmed"),
        (12, 1, "confirmed"),
        (9, 0, "refuted"),
        (15, 0, "refuted"),
        (0, 0, "refuted"),
    ],
)
def test_a_documented_loss_is_a_claim(only_first: int, only_second: int, outcome: str) -> None:
    given = converted(only_first, only_second, loss("69.48", "68.30"))
    (found,) = ClaimedLoss().judge(given)
    assert (found.outcome, found.claim_id) == (outcome, "after")
    assert found.documented == pytest.approx(0.0118)
    assert "the documented loss from 69.48 % to 68.30 %, that is 1.07 to 1.29 points" in found.reason
    assert list(Converted().judge(given)) == []


def test_a_documented_loss_is_judged_where_each_has_its_own_part_of_the_image() -> None:
    first, second = discordant(12, 0)
    runs = [({}, first), ({"checkpoint": "zoo/int8", "weights": "i", "geometry": "other"}, second)]
    (found,) = judged(ClaimedLoss(), runs, loss("69.48", "68.30"))
    assert found.outcome == "confirmed"


def test_a_documented_loss_on_a_sample() -> None:
    sample: dict[str, Any] = {"population": "random_sample", "population_id": "imagenet_val"}
    claims = loss("69.48", "68.30", population="imagenet_val")
    outcomes = {
        counts: next(ClaimedLoss().judge(converted(*counts, claims, n=10_000, **sample))).outcome
        for counts in ((500, 382), (500, 500), (900, 100))
    }
    assert outcomes == {(500, 382): "inconclusive", (500, 500): "refuted", (900, 100): "refuted"}


def test_a_documented_loss_on_other_images_is_not_judged() -> None:
    (found,) = ClaimedLoss().judge(converted(12, 0, loss("69.48", "68.30"), population="other", population_id=""))
    assert found.outcome == "not_comparable"
    assert "neither the 1,000 images" in found.reason


@pytest.mark.parametrize("converted_one", [True, False])
def test_both_runs_must_be_comparable_with_their_numbers(converted_one: bool) -> None:
    """Another recipe of the conversion, or of its original, makes the loss another one."""
    first, second = discordant(12, 0)
    runs = [
        ({"recipe": "wrong"} if not converted_one else {}, first),
        ({"checkpoint": "zoo/int8", "weights": "i", **({"recipe": "wrong"} if converted_one else {})}, second),
    ]
    (found,) = judged(ClaimedLoss(), runs, loss("69.48", "68.30"))
    assert found.outcome == "not_comparable"
    assert "but this is recipe wrong" in found.reason


def test_frameworks_are_no_claim_though_there_is_one() -> None:
    first, second = discordant(1, 14)
    found = judged(Frameworks(), [({}, first), ({"framework": "torch"}, second)], loss("69.48", "68.30"))
    assert [(verdict.claim_id, verdict.documented) for verdict in found] == [(None, None)] * 2
    assert "in favour of zoo/float@torch" in found[0].reason


def test_numbers_of_two_documents_claim_no_loss() -> None:
    first, second = loss("69.48", "68.30")
    given = converted(12, 0, [first, second.changed(source="another")])
    assert list(ClaimedLoss().judge(given)) == []
    assert len(list(Converted().judge(given))) == 2


@pytest.mark.parametrize(("only_first", "outcome"), [(1, "pass"), (40, "fail")])
def test_recipes(only_first: int, outcome: str) -> None:
    first, second = discordant(only_first, 0)
    found = judged(Recipes(), [({"sha256": "ab" * 32}, first), ({"recipe": "wrong", "geometry": "wrong"}, second)])
    assert [verdict.outcome for verdict in found] == [outcome, outcome]
    assert f"{only_first} are right only with recipe embedded_110_96" in found[0].reason


@pytest.mark.parametrize(
    ("field", "value"), [("framework", "torch"), ("checkpoint", "zoo/int8"), ("sha256", "cd" * 32), ("recipe", None)]
)
def test_recipes_are_compared_of_one_file_in_one_framework(field: str, value: str | None) -> None:
    """None: the same recipe, which is no other."""
    first, second = discordant(40, 0)
    changes = {"recipe": "wrong", "geometry": "wrong", field: value}
    other = {name: each for name, each in changes.items() if each is not None}
    assert judged(Recipes(), [({}, first), (other, second)]) == []


@pytest.mark.parametrize(
    ("original", "converted"),
    [
        ({"checkpoint": "zoo/third"}, {"checkpoint": "zoo/int8", "weights": "i"}),  # made from another one
        ({}, {"checkpoint": "zoo/third", "weights": "i"}),  # of which nothing is known
        ({}, {"checkpoint": "zoo/float", "weights": "i"}),  # made from nothing
        ({}, {"checkpoint": "zoo/int8"}),  # the same weights under two names
    ],
)
def test_only_what_was_made_from_it_is_converted(original: dict[str, Any], converted: dict[str, Any]) -> None:
    first, second = discordant(40, 0)
    assert judged(Converted(), [(original, first), (converted, second)]) == []
    assert len(judged(Converted(), [({}, first), ({"checkpoint": "zoo/int8", "weights": "i"}, second)])) == 2


def test_an_original_may_have_no_more_in_common_than_the_conversion() -> None:
    """Other precision, other framework: still what it was made from."""
    first, second = discordant(40, 0)
    int8 = {"checkpoint": "zoo/int8", "weights": "i", "precision": "int8", "framework": "openvino"}
    (found, _) = judged(Converted(), [({}, first), (int8, second)])
    assert (found.outcome, found.subject) == ("fail", "zoo/int8@openvino")


def compared_with(runs: Sequence[dict[str, Any]], rule: Rule | None = None) -> list[tuple[str | None, str | None]]:
    """(first, second) by the numbers of their runs, for top-1."""
    given = evidence([(fields, np.ones(N, bool)) for fields in runs])
    number = {run.key: str(place) for place, run in enumerate(given.runs)}
    found = list((rule or Frameworks()).judge(given))
    return [(number[each.against or ""], number[each.run or ""]) for each in found[::2]]


def test_the_nearest_run_is_compared_with() -> None:
    """Of one subject before one framework before the first."""
    onnx: dict[str, Any] = {}
    torch = {"framework": "torch"}
    assert compared_with([onnx, torch, {"framework": "mxnet"}]) == [("0", "1"), ("0", "2")]
    assert compared_with([onnx, torch, {**torch, "threads": 1}]) == [("0", "1"), ("1", "2")]
    assert compared_with([onnx, torch, {**torch, "checkpoint": "zoo/twin"}]) == [("0", "1"), ("1", "2")]
    twin = {"checkpoint": "zoo/twin", "framework": "torch"}
    assert compared_with([onnx, twin, torch, {**torch, "threads": 1}])[-1] == ("2", "3")
    assert compared_with([torch, onnx, {**onnx, "threads": 1}]) == [("0", "1"), ("1", "2")]


def test_runs_of_one_subject_are_named_by_their_keys() -> None:
    first, second = discordant(12, 0)
    found = judged(Frameworks(), [({"key": "1234567890"}, first), ({"key": "abcdefghij", "threads": 1}, second)])
    names = "zoo/float@onnxruntime (run 12345678)", "zoo/float@onnxruntime (run abcdefgh)"
    assert [verdict.reason.partition(":")[0] for verdict in found] == ["top-1 of 1,000 images", "top-5 of 1,000 images"]
    assert f": 12 are right only with {names[0]}, 0 only with {names[1]}, a" in found[0].reason


def test_an_original_in_the_same_framework_is_nearest() -> None:
    int8 = {"checkpoint": "zoo/int8", "weights": "i", "framework": "torch"}
    assert compared_with([{}, {"framework": "torch"}, int8], Converted()) == [("1", "2")]
    assert compared_with([int8, {}, {"framework": "torch"}], Converted()) == [("2", "0")]


def test_a_recipe_is_compared_with_the_first_other_one() -> None:
    recipes: list[dict[str, Any]] = [
        {"recipe": name, "geometry": name} for name in ("embedded_110_96", "wrong", "odd", "wrong")
    ]
    recipes[3]["threads"] = 1
    assert compared_with(recipes, Recipes()) == [("0", "1"), ("0", "2"), ("0", "3")]


def test_a_run_that_two_folders_hold_counts_once() -> None:
    first, second = discordant(40, 0)
    given = evidence([({}, first), ({"framework": "torch"}, second)])
    twice = Evidence(runs=[*given.runs, given.runs[0]], checkpoints=given.checkpoints, answers=given.answers)
    assert [(pair.first.key, pair.second.key) for pair in pairs(twice)] == [tuple(run.key for run in given.runs)] * 2


def test_images_are_named_as_far_as_there_are_some() -> None:
    assert "images: " not in frameworks(0, 0)[0].reason.partition("margin")[2]
    ten, eleven = (frameworks(count, 0)[0].reason for count in (10, 11))
    assert ten.endswith("0008.jpg, 0009.jpg")
    assert eleven.endswith("0008.jpg, 0009.jpg and 1 more in discordant.csv")


def test_a_loss_between_nonsense_is_not_judged() -> None:
    """Both networks always give one class of ten, so they lose nothing."""
    ten = LabelMap(id="embedded", outputs=10, classes=10, first=0)
    given = converted(0, 0, loss("69.48", "68.30"))
    labels = np.arange(N, dtype=np.int64) % 10
    wrong = {"top1_correct": N // 10, "top5_correct": N // 2}
    runs = [run.changed(**wrong) for run in given.runs]

    def dead(run: Run) -> Predictions:
        return replace(answers(labels == 0), classes=labels)

    (found,) = ClaimedLoss().judge(replace(given, runs=runs, answers=dead, label_maps={ten.id: ten}))
    assert found.outcome == "not_comparable"
    assert "but the answers of zoo/float@onnxruntime are nonsense (rule A201)" in found.reason
    (found,) = ClaimedLoss().judge(replace(given, runs=runs, answers=dead))
    assert found.outcome == "refuted"  # where the classes are not known


def test_runs_that_failed_or_kept_no_answers_are_left_out() -> None:
    first, second = discordant(40, 0)
    given = evidence([({}, first), ({"framework": "torch"}, second)])
    assert pairs(Evidence(runs=given.runs)) == []
    done = given.runs[1]
    # Its answers lie there from an earlier run.
    failed = a_run(status="failed", error="x", **{
        name: getattr(done, name) for name in ("key", "checkpoint", "framework", "weights")
    })  # fmt: skip
    assert given.answers(failed) is not None
    assert pairs(replace(given, runs=[given.runs[0], failed])) == []


def test_discordant_images_are_listed_in_full() -> None:
    first, second = discordant(2, 1)
    lines = discordant_csv(pairs(evidence([({}, first), ({"framework": "torch"}, second)]))).splitlines()
    assert lines[0] == "kind,metric,image,right,right_recipe,wrong,wrong_recipe"
    recipe = "embedded_110_96"
    assert lines[1:4] == [
        f"frameworks,top1,0000.jpg,zoo/float@onnxruntime,{recipe},zoo/float@torch,{recipe}",
        f"frameworks,top1,0001.jpg,zoo/float@onnxruntime,{recipe},zoo/float@torch,{recipe}",
        f"frameworks,top1,0002.jpg,zoo/float@torch,{recipe},zoo/float@onnxruntime,{recipe}",
    ]
    assert len(lines) == 7
