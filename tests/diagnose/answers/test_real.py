"""The embedded network's own answers, with labels and outputs mistaken in many ways; and networks that are hurt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.by_hand import variations
from tests.by_hand.answers import case_of, causes, labelled, part, relative
from tests.by_hand.built import built
from tests.by_hand.commands import validated
from tests.by_hand.variations import CLASSES, HEALTHY, SICK
from zoo.diagnose.answers import look
from zoo.diagnose.base import Case
from zoo.documents.load import Zoo, load_zoo
from zoo.records import Run
from zoo.records.predictions import Predictions

HURT = ("block_zeroed", "statistics_not_loaded", "four_bits", "other_padding", "red_and_blue", "mean_of_a_half")
MOVED = ("classes_backwards", "two_classes_exchanged", "map_off_by_one")
SOUND = ("as_exported", "two_softmaxes", "weights_through_halves", "background_first", "unused_behind")
ILL = HURT + MOVED
pytestmark = pytest.mark.slow
Rows = np.ndarray


class Runs:
    """Runs over the embedded images of variations of the embedded network, in ONNX Runtime."""

    def __init__(self, folder: Path) -> None:
        built("onnxruntime")
        chosen = [each for each in (*HEALTHY, *SICK) if each.name in (*SOUND, *ILL)]
        self.zoo: Zoo = load_zoo(str(variations.write_zoo(folder / "zoo", chosen)))
        report = validated(folder / "zoo", folder / "run", images=str(variations.IMAGES))
        self.runs: dict[str, Run] = {run.checkpoint.partition("/")[2]: run for run in report.runs}
        self.answers = {
            name: Predictions.read(folder / "run" / "predictions" / f"{run.key}.npz") for name, run in self.runs.items()
        }

    def case(self, name: str, *kin: str) -> Case:
        """Of one variation, beside others."""
        run = self.runs[name]
        label_map = self.zoo.label_maps[run.label_map]
        others = [relative(self.answers[each], self.zoo.label_maps[self.runs[each].label_map]) for each in kin]
        claims = [claim for claim in self.zoo.claims.values() if claim.checkpoint == run.checkpoint]
        case = case_of(self.answers[name], label_map, others, claims, top1_ties=run.top1_ties)
        return replace(case, label_maps=self.zoo.label_maps)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("answers"))


# --- networks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_network_has_no_cause(runs: Runs, name: str) -> None:
    for kin in ([], ["as_exported"], ["classes_backwards"], ["map_off_by_one"], ["red_and_blue"], ["mean_of_a_half"]):
        found = look(runs.case(name, *kin))
        assert not found.candidates, kin
        assert not found.ties


@pytest.mark.parametrize("name", HURT)
def test_what_is_hurt_elsewhere_is_not_said_of_labels_and_outputs(runs: Runs, name: str) -> None:
    """Exchanged red and blue permute the embedded classes; a relative tells that it is not the labels."""
    found = look(runs.case(name, "as_exported"))
    assert not [cause for cause in causes(found) if cause not in ("answers.one_class", "answers.near_chance")]
    alone = look(runs.case(name))
    assert not [each for each in alone.candidates if each.certainty == "shown"]
    if name == "red_and_blue":
        (cause,) = alone.candidates
        assert (cause.cause, cause.certainty) == ("labels.permutation", "possible")
        assert ("labels.permutation", "recipe.channel_order") in [tie.causes for tie in alone.ties]


def test_dead_networks(runs: Runs) -> None:
    assert causes(look(runs.case("statistics_not_loaded"))) == ["answers.one_class"]
    assert causes(look(runs.case("mean_of_a_half"))) == ["answers.near_chance"]


@pytest.mark.parametrize(
    ("name", "cause", "share"),
    [
        ("classes_backwards", "answers.outputs_permuted", 0.7385),
        ("two_classes_exchanged", "answers.outputs_permuted", 0.025),
        ("map_off_by_one", "labels.background", 0.7063),
    ],
)  # fmt: skip
def test_outputs_of_a_file(runs: Runs, name: str, cause: str, share: float) -> None:
    (found,) = look(runs.case(name, "as_exported")).candidates
    assert (found.cause, found.certainty, found.images) == (cause, "shown", 960)
    assert found.explains == pytest.approx(share, abs=0.002)
    assert "960 of 960 images (100.00 %)" in found.evidence


# --- labels --------------------------------------------------------------------------------------

BY_TEXT = np.argsort(np.array(sorted(range(CLASSES), key=str)))
ANY = np.random.default_rng(5).permutation(CLASSES)
EXCHANGED = np.array([0, 1, 2, 9, 4, 5, 6, 7, 8, 3, *range(10, CLASSES)])
TURNED = np.array([0, 1, 2, 3, 9, 4, 5, 6, 7, 8, *range(10, CLASSES)])
ROTATED = np.array([0, 1, 9, *range(3, 9), 14, 10, 11, 12, 13, 20, *range(15, 20), 2, 21, 22, 23])
MISTAKEN: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "counted from 1": (lambda classes: classes + 1, "labels.offset"),
    "one too low, around": (lambda classes: (classes - 1) % CLASSES, "labels.offset"),
    "seven too high, around": (lambda classes: (classes + 7) % CLASSES, "labels.offset"),
    "from class 7 on": (lambda classes: np.where(classes >= 7, classes + 1, classes), "labels.offset_from"),
    "sorted as text": (lambda classes: BY_TEXT[classes], "labels.text_order"),
    "backwards": (lambda classes: CLASSES - 1 - classes, "labels.permutation"),
    "any order": (lambda classes: ANY[classes], "labels.permutation"),
    "two exchanged": (lambda classes: EXCHANGED[classes], "labels.permutation"),
    "a block turned": (lambda classes: TURNED[classes], "labels.permutation"),
    "four rotated": (lambda classes: ROTATED[classes], "labels.permutation"),
    "of other images": (lambda classes: np.random.default_rng(1).permutation(classes), "labels.shuffled"),
}


@pytest.mark.parametrize("mistake", MISTAKEN)
def test_mistaken_labels(runs: Runs, mistake: str) -> None:
    """Alone, beside another run that has the same labels, and beside one that has the right ones."""
    good, sound = runs.answers["as_exported"], runs.case("as_exported")
    move, cause = MISTAKEN[mistake]
    bad = labelled(good, move(good.classes), sound.label_map)
    for kin, certainties in (
        ([], {"labels.text_order": {"shown"}, "labels.offset": {"likely"}}.get(cause, {"likely", "possible"})),
        ([relative(bad, sound.label_map)], {"shown"}), ([relative(good, sound.label_map)], {"shown"}),
    ):  # fmt: skip
        (found,) = look(case_of(bad, sound.label_map, kin, sound.claims)).candidates
        assert found.cause == cause
        assert found.certainty in certainties
        assert found.explains is None or found.explains == pytest.approx(
            np.mean(good.top1) - np.mean(bad.top1), abs=0.02
        )


def test_classes_are_named(runs: Runs) -> None:
    good, sound = runs.answers["as_exported"], runs.case("as_exported")
    bad = labelled(good, EXCHANGED[good.classes], sound.label_map)
    (found,) = look(case_of(bad, sound.label_map)).candidates
    assert found.title == "2 classes are permuted: 3 fine azure disc and 9 fine mint disc are exchanged"
    assert found.change.splitlines()[1:] == ["class_index 3 -> 9", "class_index 9 -> 3"]


@pytest.mark.parametrize("n", [64, 100, 200, 400])
def test_parts_of_the_images(runs: Runs, n: int) -> None:
    """No cause in any part, however small; an offset is told by 64 images, if need be with what is not sure yet."""
    good, sound = runs.answers["as_exported"], runs.case("as_exported")
    for seed in range(20):
        some = part(good, np.sort(np.random.default_rng(seed).choice(960, n, replace=False)))
        assert not look(case_of(some, sound.label_map, [relative(good, sound.label_map)], sound.claims)).candidates
        assert not look(case_of(some, sound.label_map, [], sound.claims)).candidates
        bad = labelled(some, (some.classes + 1) % CLASSES, sound.label_map)
        assert causes(look(case_of(bad, sound.label_map, [relative(good, sound.label_map)]))) == ["labels.offset"]
        alone = look(case_of(bad, sound.label_map))
        unsure = not alone.candidates and n < 100 and any("fit label - 1: " in each for each in alone.not_looked)
        assert causes(alone) == ["labels.offset"] or unsure
