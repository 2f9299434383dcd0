"""Rule A201: every symptom of nonsense, healthy answers of every kind that look a little like it, and the sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from tests.by_hand.records import a_claim, a_run
from zoo.documents.classes import imagenet_classes
from zoo.documents.load import load_zoo
from zoo.ending.exit_codes import DEVIATES
from zoo.records import LabelMap, Population, Run, Verdict
from zoo.records.predictions import Predictions
from zoo.rules.accuracy import Top1
from zoo.rules.base import Evidence
from zoo.rules.judge import exit_code, judge
from zoo.rules.nonsense.makes_sense import MakesSense, symptoms
from zoo.rules.nonsense.seen import SURE, USEFUL, Symptom

LABEL_MAPS = {**load_zoo("published").label_maps, **load_zoo("embedded").label_maps}
BY_ID = imagenet_classes().by_ilsvrc2012_id
TO_ID = {index: number for number, index in BY_ID.items()}
Rows = np.ndarray


def random(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def every_class(n: int, classes: int = 1000) -> Rows:
    """Labels of `n` images, each class as often as the others."""
    return random().permutation(np.arange(n) % classes)


def right_in(share: float, labels: Rows, classes: int = 1000) -> Rows:
    """Answers that are right with this probability, else any class."""
    return np.where(random().random(len(labels)) < share, labels, random(4).integers(0, classes, len(labels)))


def answered(given: Rows, labels: Rows, label_map: str = "imagenet1000", ties: int = 0, **changes: Any) -> Evidence:
    """A run that gave these classes; its four other ranks are random classes, its images of no known set."""
    known = LABEL_MAPS[label_map]
    others = random(5).integers(0, known.classes, (len(given), 4))
    indices = np.column_stack([given, others]).astype(np.int32) + known.first
    hits = indices - known.first == labels[:, None]
    found = Predictions(
        ids=tuple(map(str, range(len(given)))), classes=labels.astype(np.int64), indices=indices,
        scores=np.zeros((len(given), 5), np.float32), top1=hits[:, 0], top5=hits.any(axis=1),
        first_scores=np.zeros((0, known.outputs), np.float32),
    )  # fmt: skip
    run = a_run(**{
        "label_map": label_map, "n": len(given), "top1_correct": int(hits[:, 0].sum()), "top1_ties": ties,
        "top5_correct": int(hits.any(axis=1).sum()), "population": "other", "population_id": "", **changes,
    })  # fmt: skip
    return Evidence(runs=[run], label_maps=LABEL_MAPS, answers=lambda run: found)


def counted(n: int, top1: int, top5: int, label_map: str = "imagenet1000", **changes: Any) -> Evidence:
    """A run whose answers were not kept."""
    run = a_run(label_map=label_map, n=n, top1_correct=top1, top5_correct=top5, **changes)
    return Evidence(runs=[run], label_maps=LABEL_MAPS)


def verdict(evidence: Evidence) -> Verdict:
    (found,) = MakesSense().judge(evidence)
    assert (found.outcome == "fail") == bool(symptoms(evidence.runs[0], evidence))
    return found


def outcome(evidence: Evidence) -> str:
    return verdict(evidence).outcome


# --- what holds, what does not apply -------------------------------------------------------------


@pytest.mark.parametrize("share", [0.25, 0.45, 0.72, 1.0])
def test_a_network_that_is_of_use_makes_sense(share: float) -> None:
    labels = every_class(1000)
    found = verdict(answered(right_in(share, labels), labels))
    assert found.outcome == "pass"
    assert "are better than guessing (any class: 0.10 and 0.50 %)" in found.reason


def test_a_network_that_is_always_right_makes_sense() -> None:
    labels = every_class(960, 24)
    assert outcome(answered(labels, labels, "embedded")) == "pass"


def test_numbers_of_the_verdict() -> None:
    found = verdict(counted(1000, 720, 900))
    assert (found.measured, found.n, found.subject, found.claim_id) == (0.72, 1000, "embedded/onnx@onnxruntime", None)
    assert found.reason == (
        "top-1 of 72.00 % (720 of 1,000 images) and top-5 of 90.00 % are better than guessing (any class: 0.10 and "
        "0.50 %)"
    )


def test_what_is_not_there_is_not_judged() -> None:
    failed = Evidence(runs=[a_run(status="failed", error="it died")], label_maps=LABEL_MAPS)
    nobody_knows = Evidence(runs=[a_run(label_map="of another zoo")], label_maps=LABEL_MAPS)
    broken_off = counted(1000, 0, 0, status="failed", error="it died")
    for evidence in (failed, broken_off, nobody_knows, counted(0, 0, 0), Evidence(label_maps=LABEL_MAPS)):
        assert not list(MakesSense().judge(evidence))
        assert not [found for run in evidence.runs for found in symptoms(run, evidence)]


# --- guessing ------------------------------------------------------------------------------------


def test_few_images_prove_nothing() -> None:
    """None of 61 is right once in 870,000 runs of a network that is right in a fifth, none of 62 in a million."""
    found = verdict(counted(8, 0, 0))
    assert found.outcome == "inconclusive"
    assert found.reason == (
        "top-1 of 0.00 % (0 of 8 images) and top-5 of 0.00 % are not surely better than guessing (any class: 0.10 and "
        "0.50 %), and the images are too few to call them nonsense"
    )
    assert [outcome(counted(n, 0, 0)) for n in (1, 61, 62)] == ["inconclusive", "inconclusive", "fail"]
    assert [outcome(counted(n, n, n)) for n in (1, 2, 8)] == ["pass"] * 3
    assert outcome(counted(8, 1, 1)) == "inconclusive"  # p = 0.008
    assert outcome(counted(8, 1, 3)) == "pass"


def test_shuffled_labels_are_guessed() -> None:
    labels = every_class(1000)
    found = verdict(answered(right_in(0.9, labels), random().permutation(labels)))
    assert found.outcome == "fail"
    assert found.reason.startswith("nonsense: top-1 of 0.")
    assert " are no better than guessing (any class: 0.10 and 0.50 %); likely: labels of other images" in found.reason
    assert "--numeric" in found.reason


@pytest.mark.parametrize(
    ("n", "top1", "top5", "expected"),
    [
        (1000, 1, 5, "fail"),
        (1000, 5, 5, "fail"),  # p = 0.0037
        (1000, 6, 6, "pass"),  # p = 0.0006
        (1000, 1, 13, "fail"),  # p = 0.0019
        (1000, 1, 14, "pass"),  # p = 0.0007
        (7500, 150, 600, "pass"),  # the hardest known sets leave a good network 2 %
        (50_000, 75, 300, "pass"),
        (50_000, 50, 250, "fail"),
    ],
)
def test_what_is_better_than_guessing_is_no_nonsense(n: int, top1: int, top5: int, expected: str) -> None:
    assert outcome(counted(n, top1, top5)) == expected


def test_what_is_not_better_and_not_worse_stays_open() -> None:
    two = LabelMap(id="two", outputs=2, classes=2, first=0)

    def of_two(n: int, right: int) -> str:
        run = a_run(label_map="two", n=n, top1_correct=right, top5_correct=n)
        return outcome(Evidence(runs=[run], label_maps={"two": two}))

    assert [of_two(300, right) for right in (0, 150, 165, 190)] == ["fail", "inconclusive", "inconclusive", "pass"]
    assert [of_two(600, right) for right in (300, 310, 340)] == ["fail", "inconclusive", "pass"]
    one = LabelMap(id="two", outputs=1, classes=1, first=0)  # nothing to guess
    run = a_run(label_map="two", n=300, top1_correct=300, top5_correct=300)
    assert not list(MakesSense().judge(Evidence(runs=[run], label_maps={"two": one})))


@pytest.mark.parametrize("classes", [2, 10, 24, 1000])
def test_a_network_that_is_of_use_fails_less_than_once_in_a_million(classes: int) -> None:
    """Exact: the most right images that are called nonsense, and how likely a network of use has no more of them."""
    label_map = LabelMap(id="some", outputs=classes, classes=classes, first=0)
    share = 1 / classes + USEFUL * (1 - 1 / classes)
    for n in [*range(1, 80, 3), 128, 500, 1000, 5000, 50_000]:

        def fails(right: int, n: int = n) -> bool:
            run = a_run(
                label_map="some", n=n, top1_correct=right, top5_correct=max(right, min(5, classes) * n // classes)
            )
            return bool(symptoms(run, Evidence(runs=[run], label_maps={"some": label_map})))

        low, high = -1, n  # fails(low) or low is -1; not fails(high)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fails(middle) else (low, middle)
        assert low == -1 or binom.cdf(low, n, share) <= SURE


def test_few_classes_in_play_do_not_hide_shuffled_labels() -> None:
    """Of images of ten classes a tenth is right by chance, a hundred times what guessing gives."""
    labels = every_class(400, 10) * 97
    assert outcome(answered(right_in(0.9, labels), labels)) == "pass"
    found = verdict(answered(right_in(0.9, labels), random(8).permutation(labels)))
    assert found.outcome == "fail"
    assert "(these answers, dealt to the images at random: " in found.reason


def test_image_sets_of_one_or_two_classes_are_judged_by_their_accuracy() -> None:
    one, two = np.full(500, 620), np.repeat([620, 681], 250)
    for labels in (one, two):
        for share in (0.05, 0.3, 0.9):
            assert outcome(answered(right_in(share, labels), labels)) == "pass"
    assert outcome(answered(one, one)) == "pass"
    # Laptop and notebook: nearly all are called notebooks, and of half of the images that is true.
    mistaken = np.where(random().random(500) < 0.97, 681, 620)
    assert outcome(answered(mistaken, two)) == "pass"
    assert outcome(answered(mistaken, one)) == "pass"
    assert outcome(answered(np.full(500, 3), one)) == "fail"  # not one image right
    assert outcome(answered(np.full(50, 3), one[:50])) == "inconclusive"


def test_healthy_networks_on_sets_of_few_classes_of_any_mixture_pass() -> None:
    """Simulated: 2 to 20 classes, shares of every unevenness, confusions within the set, 20 to 2,000 images."""
    generator = random(11)
    alarms: list[Symptom] = []
    for _ in range(600):
        count, n = int(generator.integers(2, 21)), int(generator.integers(20, 2001))
        classes = generator.choice(1000, count, replace=False)
        shares = generator.dirichlet(np.full(count, generator.choice([0.3, 1.0, 10.0])))
        drawn = generator.choice(count, n, p=shares)
        right = generator.random(n) < generator.uniform(0.35, 1.0)
        confused = generator.choice(count, n, p=generator.dirichlet(np.full(count, 0.5)))
        outside = generator.random(n) < 0.3
        wrong = np.where(outside, generator.integers(0, 1000, n), classes[confused])
        labels = classes[drawn]
        evidence = answered(np.where(right, labels, wrong), labels)
        alarms += symptoms(evidence.runs[0], evidence)
    assert alarms == []


def test_labels_in_another_order_are_told_from_labels_of_other_images() -> None:
    labels = every_class(2000)
    given = right_in(0.8, labels)
    order = random(9).permutation(1000)
    reason = verdict(answered(given, order[labels])).reason
    assert "likely: the classes in another order, or a last layer that was not trained or not loaded" in reason
    assert "any two in 0.07 %" in reason
    assert "likely: labels of other images" in verdict(answered(given, random(6).permutation(labels))).reason
    # With one image of each class nobody can tell.
    assert "likely: labels of other images" in verdict(answered(order, np.arange(1000))).reason
    assert "likely: labels of other images" in verdict(counted(1000, 1, 5)).reason


# --- answers that do not tell images apart -------------------------------------------------------


def test_one_class_for_all() -> None:
    labels = every_class(480, 24)
    found = verdict(answered(np.full(480, 7), labels, "embedded"))
    assert found.outcome == "fail"
    assert found.reason.startswith(
        "nonsense: one class (7 medium lime disc) is the answer to 480 of 480 images (100.00 %), which are of 24 "
        "classes; top-1 of 4.17 % (20 of 480 images) and top-5 of "
    )
    assert "likely: weights that were not trained or not loaded" in found.reason


def test_one_class_of_few_in_play() -> None:
    """Accuracy alone would not tell: a tenth, a third is right of ten, of three classes."""
    for count in (10, 3):
        labels = every_class(600, count)
        found = verdict(answered(np.full(600, 1), labels))
        assert (found.outcome, found.measured) == ("fail", 1 / count)
        assert "no better than guessing" not in found.reason
    halves = every_class(600, 2)
    assert outcome(answered(np.full(600, 1), halves)) == "pass"
    # More than half of the images have one label: that they get one answer, be it the wrong one, can be their fault.
    mostly = np.where(np.arange(600) < 301, 1, np.arange(600) % 50 + 2)
    exactly = np.where(np.arange(600) < 300, 1, np.arange(600) % 50 + 2)
    wrong = np.where(np.arange(600) % 60 == 0, exactly, 60)
    assert [outcome(answered(wrong, labels)) for labels in (mostly, exactly)] == ["pass", "fail"]


@pytest.mark.parametrize(("others", "expected"), [(0, "fail"), (20, "fail"), (50, "pass"), (100, "pass")])
def test_nearly_all_is_more_than_nine_in_ten(others: int, expected: str) -> None:
    labels = every_class(600, 10)
    given = np.where(np.arange(600) < others, labels, 1)
    assert outcome(answered(given, labels)) == expected


@pytest.mark.parametrize(
    ("ties", "expected"), [(0, "pass"), (500, "pass"), (574, "pass"), (576, "fail"), (1000, "fail")]
)
def test_ties_in_more_than_half(ties: int, expected: str) -> None:
    """Whatever the accuracy: it is that of an order of outputs."""
    labels = every_class(1000)
    found = verdict(answered(right_in(0.9, labels), labels, ties=ties))
    assert found.outcome == expected
    if expected == "fail":
        assert f"shared by several classes in {ties:,} of 1,000 images" in found.reason
        assert "likely: weights that are empty" in found.reason
    assert outcome(counted(19, 19, 19, top1_ties=19)) == "pass"
    assert outcome(counted(20, 20, 20, top1_ties=20)) == "fail"


def test_all_symptoms_are_in_one_sentence() -> None:
    found = verdict(answered(np.zeros(480, int), every_class(480, 24), "embedded", ties=480))
    parts = [
        found.reason.index(words) for words in ("best score is shared", "one class (0 ", "no better than", "likely:")
    ]
    assert parts == sorted(parts)
    assert found.reason.count("likely:") == 1


# --- labels that are not those of the answers ----------------------------------------------------


@pytest.mark.parametrize(
    ("named", "offset", "fitting"),
    [
        (
            "trailing_unused",
            1,
            "label map 'background_first' fits (class 0 is output 1), not 'trailing_unused' (output 0)",
        ),
        (
            "background_first",
            -1,
            "label map 'trailing_unused' fits (class 0 is output 0), not 'background_first' (output 1)",
        ),
    ],
)
def test_a_label_map_that_is_off_by_one_is_named(named: str, offset: int, fitting: str) -> None:
    labels = every_class(1000)
    given = np.clip(right_in(0.7, labels) + offset, 0, 999)
    found = verdict(answered(given, labels, named))
    assert found.outcome == "fail"
    assert found.reason.startswith(
        f"nonsense: the answers fit other labels: with label {'+' if offset > 0 else '-'} 1, "
    )
    assert f"likely: {fitting}; or labels that are 1 too {'low' if offset > 0 else 'high'}" in found.reason
    assert "no better than guessing" not in found.reason
    fewer = {name: each for name, each in LABEL_MAPS.items() if name == named}
    evidence = answered(given, labels, named)
    alone = verdict(Evidence(runs=evidence.runs, label_maps=fewer, answers=evidence.answers))
    assert f"likely: another label map would fit (class 0 is output {int(offset > 0)}), not {named!r}" in alone.reason


@pytest.mark.parametrize(
    ("offset", "cause"), [(1, "1 too low"), (-1, "1 too high (counted from 1 in place of 0?)"), (7, "7 too low")]
)
def test_labels_that_are_off(offset: int, cause: str) -> None:
    """A network of as many outputs as classes has no other label map."""
    labels = every_class(960, 24)
    found = verdict(answered((right_in(0.7, labels, 24) + offset) % 24, labels, "embedded"))
    assert found.outcome == "fail"
    assert found.reason.endswith(f"; likely: labels that are {cause}")


def test_shares_of_both_readings_are_said() -> None:
    labels = every_class(1000)
    given = np.where(labels < 930, labels + 1, labels)
    found = verdict(answered(given, labels))
    assert "with label + 1, 930 of 1,000 images (93.00 %) are right, as labelled 70 (7.00 %)" in found.reason


def test_labels_that_slip_in_the_middle_of_the_list() -> None:
    """Most are still right, and the accuracy alone looks like that of a poor network."""
    labels = np.arange(1000)
    given = np.where(labels < 600, labels, labels - 1)
    found = verdict(answered(given, labels))
    assert (found.outcome, found.measured) == ("fail", 0.6)
    assert outcome(answered(np.where(labels < 850, labels, labels - 1), labels)) == "pass"  # a fifth is not reached


def test_confusions_with_a_neighbour_are_no_offset() -> None:
    """Of healthy networks 1.4 % of the classes lose to the next one; here one in ten does, or few classes are there."""
    labels = every_class(5000)
    lost = (labels % 10 == 0) | (random().random(5000) < 0.15)
    assert outcome(answered(np.where(lost, labels + 1, labels), labels)) == "pass"
    few = every_class(500, 8) * 100
    assert outcome(answered(few + 1, few)) != "pass"  # no image is right
    most = np.where(random().random(500) < 0.7, few + 1, few)
    assert outcome(answered(most, few)) == "pass"  # three in ten are, and eight classes may be confused so
    ten = every_class(500, 10) * 97
    found = verdict(answered(np.where(random().random(500) < 0.7, ten + 1, ten), ten))
    assert found.outcome == "fail"


READINGS = {
    "the labels read as ILSVRC2012_ID, ": lambda index: TO_ID[index] % 1000,
    "the labels read as ILSVRC2012_ID less one, ": lambda index: TO_ID[index] - 1,
    "the classes numbered by ILSVRC2012_ID, ": lambda index: BY_ID.get(index, 0),
    "the classes numbered by ILSVRC2012_ID less one, ": lambda index: BY_ID[index + 1],
}


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("n", [1000, 3000])
def test_the_other_numbering_is_recognised(reading: str, n: int) -> None:
    classes = every_class(n)
    labels = np.array([READINGS[reading](int(index)) for index in classes])
    found = verdict(answered(right_in(0.7, classes), labels))
    assert found.outcome == "fail"
    assert f"with {reading}" in found.reason
    assert "likely: labels in the other numbering of ILSVRC2012, or a network that was trained with it" in found.reason


AS_TEXT = sorted(range(1000), key=str)  # as torchvision's ImageFolder numbers the folders 0 to 999


@pytest.mark.parametrize(
    ("reading", "label"),
    [
        ("the labels read as places among the numbers sorted as text, ", AS_TEXT.index),
        ("the classes in the order of their numbers as text, ", AS_TEXT.__getitem__),
    ],
)
@pytest.mark.parametrize("label_map", ["imagenet1000", "background_first"])
def test_folders_sorted_as_text_are_recognised(reading: str, label: Callable[[int], int], label_map: str) -> None:
    classes = every_class(1000)
    labels = np.array([label(int(index)) for index in classes])
    found = verdict(answered(right_in(0.7, classes), labels, label_map))
    assert found.outcome == "fail"
    assert f"with {reading}" in found.reason
    assert "likely: classes that were numbered in the order of their folders' names as text" in found.reason


def test_other_classes_have_no_other_numbering() -> None:
    labels = every_class(1000)
    own = LabelMap(id="own", outputs=1000, classes=1000, first=0)
    evidence = answered(right_in(0.7, labels), np.array([TO_ID[int(index)] - 1 for index in labels]))
    moved = Evidence(runs=evidence.runs, label_maps={"imagenet1000": own}, answers=evidence.answers)
    assert "no better than guessing" in verdict(moved).reason


def test_background_answers_are_no_class() -> None:
    """Output 0 of 1001 for everything: one answer, and none of the classes."""
    labels = every_class(1000)
    found = verdict(answered(np.full(1000, -1), labels, "background_first"))
    assert "one class (no class) is the answer to 1,000 of 1,000 images" in found.reason
    for stray in (1000, 4000):  # a label that is none of the classes
        assert outcome(answered(labels, np.where(labels == 999, stray, labels))) == "pass"


# --- beside documented numbers -------------------------------------------------------------------


def beside(
    evidence: Evidence, population: str = "shapes_test", value: str = "68.30", images: int = 1000
) -> list[Verdict]:
    claim = a_claim(population=population, value=value)
    known = Population(id=population, title="the images", images=images, digest="ef" * 32)
    return judge(
        Evidence(
            evidence.runs,
            [claim],
            populations={population: known},
            label_maps=LABEL_MAPS,
            answers=evidence.answers,
            tolerance=0.001,
        ),
        (Top1(), MakesSense()),
    )


def nonsense(**changes: Any) -> Evidence:
    labels = every_class(1000)
    return answered(random(7).permutation(labels), labels, **changes)


def test_nonsense_fails_where_nothing_is_comparable() -> None:
    evidence = nonsense()
    accuracy, sense = beside(evidence)
    assert (accuracy.outcome, sense.outcome) == ("not_comparable", "fail")
    assert accuracy.reason.endswith("; the answers are nonsense (rule A201)")
    assert exit_code(evidence.runs, [accuracy, sense]) == DEVIATES
    assert exit_code(evidence.runs, [accuracy]) != DEVIATES


def test_a_refuted_claim_points_to_the_nonsense() -> None:
    accuracy, _ = beside(nonsense(population="full", population_id="shapes_test"))
    assert accuracy.outcome == "refuted"
    assert accuracy.reason.endswith("with a tolerance of 0.1 points; the answers are nonsense (rule A201)")
    labels = every_class(1000)
    sound, _ = beside(answered(right_in(0.9, labels), labels, population="full", population_id="shapes_test"))
    assert "nonsense" not in sound.reason


def test_nonsense_is_never_inconclusive() -> None:
    """More images decide nothing, and none are asked for."""
    labels = every_class(200)
    tied = answered(right_in(0.7, labels), labels, ties=200, population="random_sample", population_id="imagenet_val")
    share = f"{tied.runs[0].top1_correct / 2:.2f}"
    accuracy, sense = beside(tied, "imagenet_val", share, 50_000)
    assert (accuracy.outcome, sense.outcome) == ("not_comparable", "fail")
    assert accuracy.reason.endswith(
        f"documented {share} %, but the answers are nonsense (rule A201), and more images would decide nothing"
    )
    sound = answered(right_in(0.7, labels), labels, population="random_sample", population_id="imagenet_val")
    accuracy, sense = beside(sound, "imagenet_val", share, 50_000)
    assert (accuracy.outcome, sense.outcome) == ("inconclusive", "pass")
    assert "to decide it, take" in accuracy.reason


def test_a_run_that_stopped_early_is_nonsense_after_one_look() -> None:
    labels = every_class(128)
    changes: dict[str, Any] = {"population": "random_sample", "population_id": "imagenet_val", "look_every": 128}
    accuracy, sense = beside(answered((labels + 500) % 1000, labels, **changes), "imagenet_val", "71.80", 50_000)
    assert (accuracy.outcome, accuracy.decided_at, sense.outcome) == ("refuted", 128, "fail")


def test_p_values_of_claims_are_adjusted_without_those_of_nonsense() -> None:
    evidence = nonsense(population="random_sample", population_id="imagenet_val")
    accuracy, sense = beside(evidence, "imagenet_val", "71.80", 50_000)
    assert accuracy.p_adjusted == accuracy.p_value
    assert (sense.p_value, sense.p_adjusted) == (None, None)


def test_runs_of_one_report_are_told_apart() -> None:
    first, second = nonsense(), answered(every_class(1000), every_class(1000), key="2e" * 32, framework="torch")
    (one,), (other,) = first.runs, second.runs

    def answers(run: Run) -> Predictions | None:
        return (first if run.key == one.key else second).answers(run)

    found = MakesSense().judge(Evidence(runs=[one, other], label_maps=LABEL_MAPS, answers=answers))
    assert [(each.run, each.outcome) for each in found] == [(one.key, "fail"), (other.key, "pass")]
