"""Rules A101 and A102: every outcome, and the words it is given."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.by_hand.records import a_claim, a_run
from zoo import stats
from zoo.documents.library_differences import load
from zoo.ending.exit_codes import DEVIATES, NOT_RUN, OK
from zoo.records import Checkpoint, Claim, File, Population, Run, Verdict
from zoo.records.predictions import Predictions
from zoo.rules.accuracy import Top1, Top5
from zoo.rules.base import Evidence
from zoo.rules.judge import exit_code, judge

SHAPES = Population(id="shapes_test", title="the shapes", images=1000, digest="ef" * 32)
IMAGENET = Population(
    id="imagenet_val", title="the ILSVRC2012 validation set", images=50_000, id_pattern="x{n}", per_class=50
)
CHECKPOINT = Checkpoint(
    id="embedded/onnx",
    framework="onnxruntime",
    format="onnx",
    recipe="embedded_110_96",
    label_map="embedded",
    files=(File(name="a.onnx"),),
)


def evidence(run: Run, claim: Claim, **changes: Any) -> Evidence:
    populations = {each.id: each for each in (SHAPES, IMAGENET)}
    given = {"tolerance": 0.001} | changes
    return Evidence(
        runs=[run], claims=[claim], checkpoints={CHECKPOINT.id: CHECKPOINT}, populations=populations, **given
    )


def verdict(run: Run, claim: Claim, **changes: Any) -> Verdict:
    (found,) = Top1().judge(evidence(run, claim, **changes))
    return found


@pytest.mark.parametrize(
    ("correct", "outcome"),
    [
        (683, "confirmed"),
        (684, "confirmed"),  # 68.40 lies below 68.305 + 0.1
        (682, "confirmed"),
        (685, "refuted"),
        (681, "refuted"),
        (0, "refuted"),
        (884, "refuted"),
    ],
)
def test_full_set_decides(correct: int, outcome: str) -> None:
    assert verdict(a_run(top1_correct=correct), a_claim()).outcome == outcome


def test_a_refuted_claim_is_a_contradiction_of_known_size() -> None:
    found = verdict(a_run(top1_correct=700), a_claim())
    assert (found.finding_class, found.size, found.size_unit) == ("contradiction", 1.7, "points")


def test_a_full_set_leaves_one_total() -> None:
    assert verdict(a_run(), a_claim()).reason == (
        "measured 68.30 % (683 of 1,000 images): inside the documented 68.30 %, that is [68.195, 68.405) % with a "
        "tolerance of 0.1 points"
    )


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"value": "69.00"}, "below the documented 69.00 %, that is [68.895, 69.105) %"),
        ({"value": "67.00"}, "above the documented 67.00 %, that is [66.895, 67.105) %"),
        ({"value": "68", "decimals": 0}, "inside the documented 68 %, that is [67.4, 68.6) %"),
        ({"value": "0.68", "unit": "fraction", "decimals": 2}, "inside the documented 0.68, that is [67.4, 68.6) %"),
        (
            {"value": "0.6901", "unit": "fraction", "decimals": 4},
            "below the documented 0.6901, that is [68.905, 69.115) %",
        ),
    ],
)
def test_where_a_number_lies_and_what_was_accepted(claim: dict[str, Any], said: str) -> None:
    assert f": {said} with a tolerance of 0.1 points" in verdict(a_run(), a_claim(**claim)).reason


def test_a_population_that_nobody_describes_is_named() -> None:
    reason = verdict(a_run(), a_claim(population="of_another_zoo")).reason
    assert reason.endswith("but shapes_test has the images and labels of the shapes, not of_another_zoo")


def test_tolerance_is_the_callers() -> None:
    assert verdict(a_run(top1_correct=684), a_claim(), tolerance=0.0).outcome == "refuted"
    assert verdict(a_run(top1_correct=690), a_claim(), tolerance=0.01).outcome == "confirmed"


def test_without_one_it_is_what_was_measured_for_the_geometry() -> None:
    """The limits of a verdict are the measured tolerance away from what rounds to the print."""
    population = IMAGENET.changed(labels_digest="ab" * 32, per_class=None)
    claim = a_claim(population=population.id)
    wide = load().of("torch_256_224", population.id, "top1")
    run = {"population_id": population.id, "n": 50_000, "geometry": "torch_256_224", "top5_correct": 50_000}
    least = math.ceil((Fraction("0.68295") - Fraction(str(wide.value))) * 50_000)
    for correct, outcome in ((least, "confirmed"), (least - 1, "refuted")):
        found = verdict(a_run(**run, top1_correct=correct), claim, tolerance=None)
        assert found.outcome == outcome
        assert found.tolerance == wide.value
        assert f"with a tolerance of {wide.value * 100:g} points for image libraries (measured)" in found.reason
    given = verdict(a_run(**run, top1_correct=least - 1), claim, tolerance=0.02)
    assert (given.outcome, given.tolerance) == ("confirmed", 0.02)
    assert "with a tolerance of 2 points" in given.reason
    assert "for image libraries" not in given.reason


def test_a_geometry_that_was_never_measured_has_the_largest_tolerance() -> None:
    found = verdict(a_run(geometry="a_users_own"), a_claim(), tolerance=None)
    assert found.tolerance == load().largest("top1", 1_000)
    assert "points for image libraries (the largest measured one, as a_users_own was not measured)" in found.reason


def test_interval_is_half_open() -> None:
    claim = a_claim(value="68", decimals=0)
    assert verdict(a_run(top1_correct=675), claim, tolerance=0.0).outcome == "confirmed"
    assert verdict(a_run(top1_correct=685), claim, tolerance=0.0).outcome == "refuted"


def test_fractions_are_read_as_fractions() -> None:
    claim = a_claim(value="0.683", unit="fraction", decimals=3)
    found = verdict(a_run(), claim)
    assert found.outcome == "confirmed"
    assert found.documented == 0.683
    assert "documented 0.683" in found.reason


def test_top5_is_the_other_rule() -> None:
    claim = a_claim(metric="top5", value="88.40")
    assert not list(Top1().judge(evidence(a_run(), claim)))
    (found,) = Top5().judge(evidence(a_run(), claim))
    assert (found.rule, found.outcome, found.measured) == ("A102", "confirmed", 0.884)


def test_no_claim_no_verdict() -> None:
    assert not list(Top1().judge(evidence(a_run(), a_claim(checkpoint="embedded/tflite"))))


def test_other_images_are_not_comparable() -> None:
    found = verdict(a_run(population="other", population_id="", image_set="my photos"), a_claim())
    assert found.outcome == "not_comparable"
    assert found.measured == 0.683
    assert found.reason == (
        "measured 68.30 % (683 of 1,000 images); documented 68.30 %, but my photos is neither the 1,000 images of "
        "the shapes nor a random sample drawn from them"
    )


def test_full_set_of_another_population_is_not_comparable() -> None:
    assert verdict(a_run(), a_claim(population="imagenet_val")).outcome == "not_comparable"


def test_another_recipe_is_not_comparable() -> None:
    found = verdict(a_run(recipe="centre_224"), a_claim())
    assert found.outcome == "not_comparable"
    assert "recipe centre_224" in found.reason
    assert "documented with embedded_110_96" in found.reason


def test_failed_run_is_not_judged() -> None:
    found = verdict(a_run(status="failed", error="it died\nfar traceback"), a_claim())
    assert (found.outcome, found.measured, found.n) == ("not_run", None, None)
    assert found.reason == "not run: it died"


@pytest.mark.parametrize(
    ("error", "said"),
    [("", "no reason was kept"), (" \n", "no reason was kept"), ("\n\nit died\ntraceback", "it died")],
)
def test_a_failure_that_says_nothing_is_judged_too(error: str, said: str) -> None:
    assert verdict(a_run(status="failed", error=error), a_claim()).reason == f"not run: {said}"


@pytest.mark.parametrize(
    ("n", "tolerance", "said"),
    [
        (960, 0.001, "; one image of 960 is 0.104 points, more than the tolerance"),
        (999, 0.001, "; one image of 999 is 0.1 points, more than the tolerance"),
        (1000, 0.001, ""),
        (8, 0.001, "; one image of 8 is 12.5 points, more than the tolerance"),
        (8, 0.125, ""),
        (8, 0.0, ""),  # there is none to be more than
        (1, 0.999, "; one image of 1 is 100 points, more than the tolerance"),
    ],
)
def test_one_image_can_be_more_than_the_tolerance(n: int, tolerance: float, said: str) -> None:
    run = a_run(n=n, top1_correct=n // 2, top5_correct=n)
    reason = verdict(run, a_claim(), tolerance=tolerance).reason
    assert reason.partition(" points")[2] == said
    other = a_run(n=n, top1_correct=n // 2, top5_correct=n, population="other")
    assert "one image" not in verdict(other, a_claim(), tolerance=tolerance).reason


def test_of_a_small_sample_too() -> None:
    found = verdict(sampled(70, 100), a_claim(population="imagenet_val", value="71.8", decimals=1))
    assert found.reason.endswith("% of all are right; one image of 100 is 1 point, more than the tolerance")


@pytest.mark.parametrize(("correct", "outcome"), [(7180, "inconclusive"), (6500, "refuted"), (7999, "refuted")])
def test_random_sample_is_decided_by_its_interval(correct: int, outcome: str) -> None:
    run = a_run(
        population="random_sample", population_id="imagenet_val", n=10_000, top1_correct=correct, top5_correct=9_000
    )
    found = verdict(run, a_claim(population="imagenet_val", value="71.80"))
    assert found.outcome == outcome
    assert found.low is not None
    assert found.high is not None
    assert found.low < correct / 10_000 < found.high


def test_large_sample_can_confirm() -> None:
    run = a_run(
        population="random_sample", population_id="imagenet_val", n=49_000, top1_correct=35_182, top5_correct=45_000
    )
    assert verdict(run, a_claim(population="imagenet_val", value="71.80")).outcome == "confirmed"


@pytest.mark.parametrize(
    ("correct", "outcome"), [(34_650, "inconclusive"), (34_600, "confirmed"), (34_800, "refuted"), (34_400, "refuted")]
)
def test_dropped_images_leave_a_range(correct: int, outcome: str) -> None:
    # Documented over 49,920 images, measured over all 50,000: 80 images were dropped, we do not know which.
    claim = a_claim(population="imagenet_val", value="69.2288", decimals=4, n_images=49_920)
    run = a_run(population_id="imagenet_val", n=50_000, top1_correct=correct, top5_correct=44_000)
    found = verdict(run, claim, tolerance=0.001)
    assert found.outcome == outcome
    assert found.high is not None
    assert found.low is not None
    assert found.high - found.low == pytest.approx(80 / 49_920)
    assert "to decide it" not in found.reason  # all images were seen


def sampled(correct: int, n: int, **changes: Any) -> Run:
    return a_run(
        population="random_sample", population_id="imagenet_val", n=n, top1_correct=correct, top5_correct=n, **changes
    )


def test_inconclusive_says_how_many_images_would_decide() -> None:
    found = verdict(sampled(7180, 10_000), a_claim(population="imagenet_val", value="71.8", decimals=1))
    assert found.reason == (
        "measured 71.80 % (7,180 of 10,000 images), which means 71.00 to 72.59 % of all: partly outside the documented "
        "71.8 %, that is [71.65, 71.95) % with a tolerance of 0.1 points; to decide it, take 47,500 images (80 % "
        "chance) or 48,300 (95 %) if the claim is true"
    )
    far = verdict(sampled(706, 1000), a_claim(population="imagenet_val", value="71.8", decimals=1))
    assert far.outcome == "inconclusive"
    assert "11,500 images (80 % chance) or 16,400 (95 %) if 70.60 % of all are right" in far.reason


def test_how_many_images_where_one_number_says_it_or_none_does() -> None:
    """Of a small population nearly all are needed; a claim about part of it may stay open even then."""
    small = a_run(population="random_sample", n=500, top1_correct=341, top5_correct=500)
    reason = verdict(small, a_claim()).reason
    assert (
        "; to decide it, take 999 images if the claim is true, all 1,000 images if 68.20 % of all are right" in reason
    )
    part = a_claim(population="imagenet_val", value="69.2288", decimals=4, n_images=49_920)
    assert verdict(sampled(692, 1000), part).reason.endswith(
        "; to decide it, take all images, and it may stay open, if the claim is true, all 50,000 images if 69.20 % of "
        "all are right"
    )


def test_sample_of_all_images_is_never_inconclusive() -> None:
    claim = a_claim(population="imagenet_val", value="71.8", decimals=1)
    outcomes = {correct: verdict(sampled(correct, 50_000), claim).outcome for correct in (0, 35_824, 35_825, 50_000)}
    assert outcomes == {0: "refuted", 35_824: "refuted", 35_825: "confirmed", 50_000: "refuted"}


@pytest.mark.parametrize(("correct", "outcome"), [(0, "refuted"), (200, "inconclusive")])
def test_none_or_all_right(correct: int, outcome: str) -> None:
    found = verdict(sampled(correct, 200), a_claim(population="imagenet_val", value="99.9", decimals=1))
    assert found.outcome == outcome
    assert found.low == pytest.approx(0 if correct == 0 else 0.982, abs=0.001)


def test_samples_have_p_values_and_full_sets_none() -> None:
    claims = [a_claim(population="imagenet_val", value="71.8", decimals=1), a_claim(id="b", population="imagenet_val")]
    given = evidence(sampled(7000, 10_000), claims[0])
    both = judge(Evidence(given.runs, claims, given.checkpoints, given.populations, tolerance=0.001))
    assert [each.outcome for each in both] == ["refuted", "refuted"]
    assert [each.p_adjusted for each in both] == stats.holm([each.p_value or 0 for each in both])
    assert verdict(a_run(), a_claim()).p_value is None


def test_errors_are_judged_as_accuracies() -> None:
    claim = a_claim(value="31.7", decimals=1, unit="percent_error")
    found = verdict(a_run(), claim)
    assert found.outcome == "confirmed"
    assert found.documented == pytest.approx(0.683)
    assert "inside the documented 31.7 % error, that is (68.15, 68.45] %" in found.reason
    assert verdict(a_run(top1_correct=681), claim).outcome == "refuted"


# --- runs that were looked at while they grew ----------------------------------------------------


def grown(flags: np.ndarray, **changes: Any) -> tuple[Run, Predictions]:
    n = len(flags)
    zeros = np.zeros((n, 5))
    answers = Predictions(
        ids=tuple(map(str, range(n))), classes=np.zeros(n, np.int64), indices=zeros.astype(np.int32),
        scores=zeros.astype(np.float32), top1=flags, top5=np.ones(n, bool), first_scores=np.zeros((0, 6), np.float32),
    )  # fmt: skip
    return sampled(int(flags.sum()), n, look_every=128, **changes), answers


def after(flags: np.ndarray, value: str = "71.8", **changes: Any) -> Verdict:
    run, answers = grown(flags, **changes)
    claim = a_claim(population="imagenet_val", value=value, decimals=1)
    return verdict(run, claim, answers=lambda run: answers)


def flags(share: float, n: int) -> np.ndarray:
    return np.random.default_rng(4).random(n) < share


def test_decided_at_the_first_look_that_decides() -> None:
    found = after(flags(0.3, 1280))
    assert (found.outcome, found.decided_at, found.n) == ("refuted", 128, 1280)
    assert found.reason.endswith("; decided after 128 images")
    assert found.p_value is not None
    assert found.p_value < 1e-100
    assert after(flags(0.3, 100)).decided_at == 100


def test_not_yet_decided() -> None:
    found = after(flags(0.718, 12_800))
    assert (found.outcome, found.decided_at) == ("inconclusive", None)
    assert "to decide it, take" in found.reason


def test_what_was_decided_stays_decided() -> None:
    # Few right at first, then all: the first look has excluded what later ones would need.
    found = after(np.append(np.zeros(640, bool), np.ones(12_160, bool)), "95.0")
    assert (found.outcome, found.decided_at) == ("refuted", 128)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.high


def test_all_images_overrule_an_early_mistake() -> None:
    answers = np.append(np.zeros(640, bool), np.ones(49_360, bool))
    found = after(answers, "98.7", key="3d" * 32)
    assert (found.outcome, found.decided_at, found.low) == ("confirmed", 50_000, 0.9872)


def test_top5_alone_can_be_what_is_decided() -> None:
    run, answers = grown(flags(0.3, 1280))
    claim = a_claim(population="imagenet_val", metric="top5", value="89.9", decimals=1)
    (found,) = Top5().judge(evidence(run, claim, answers=lambda run: answers))
    assert (found.outcome, found.decided_at) == ("refuted", 128)  # all 128 were right by top-5


def test_without_kept_answers_the_last_look_counts() -> None:
    run, _ = grown(flags(0.3, 1280))
    found = verdict(run, a_claim(population="imagenet_val", value="71.8", decimals=1))
    assert (found.outcome, found.decided_at) == ("refuted", 1280)


def test_exit_codes() -> None:
    good, bad = verdict(a_run(), a_claim()), verdict(a_run(top1_correct=0), a_claim())
    failed = a_run(status="failed", error="x")
    assert exit_code([a_run()], [good]) == OK
    assert exit_code([a_run()], [good, bad]) == DEVIATES
    assert exit_code([a_run(), failed], [good, bad]) == NOT_RUN


def test_judge_applies_every_rule() -> None:
    claims = [a_claim(), a_claim(id="b", metric="top5", value="88.40")]
    both = Evidence([a_run()], claims, {CHECKPOINT.id: CHECKPOINT}, {SHAPES.id: SHAPES}, tolerance=0.001)
    assert [each.rule for each in judge(both)] == ["A101", "A102"]


def test_sums_that_this_processor_cuts_off_are_named_beside_the_number() -> None:
    shipped = a_run(top1_correct=600, integer_sums="saturating", arithmetic="as-shipped")
    found = verdict(shipped, a_claim())
    assert found.outcome == "refuted"
    assert found.reason.endswith(
        "; sums of two products of integers were cut off at 16 bits on this processor (rule S105); "
        "`--arithmetic exact` adds them up whole"
    )
    unavoidable = verdict(shipped.changed(arithmetic="exact"), a_claim())
    assert unavoidable.reason.endswith("on this processor (rule S105)")
    for sums in ("exact", "none", ""):
        assert "S105" not in verdict(shipped.changed(integer_sums=sums), a_claim()).reason
