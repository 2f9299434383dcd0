"""Two real networks and a quantised one on 300 real images of ImageNet: sparse labels of a thousand classes."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.by_hand.answers import LABEL_MAPS, case_of, causes, labelled, part, permuted_outputs, relative
from tests.by_hand.built import built
from tests.by_hand.commands import validated
from zoo.diagnose.answers import look
from zoo.documents.classes import imagenet_classes
from zoo.records.predictions import Predictions

pytestmark = pytest.mark.slow
N = 300
FILES = {
    "plain": ("reconstructed/mobilenetv2-12_fp32-backbone_int8-classifier.onnx", "imagenet1000", "symmetric"),
    "quantised": ("checkpoints/mobilenetv2-12-int8.onnx", "imagenet1000", "symmetric"),
    "background": (
        "reconstructed/mobilenet_v2_1.0_224_fp32-backbone_int8-classifier.onnx", "background_first", "same",
    ),
}  # fmt: skip
NUMERIC = {
    "symmetric": "{ op = 'divide', by = 255 }, "
    "{ op = 'normalise', mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }",
    "same": "{ op = 'divide', by = 127.5 }, { op = 'subtract', value = 1 }",
}
TO_ID = {index: number for number, index in imagenet_classes().by_ilsvrc2012_id.items()}


@pytest.fixture(scope="module")
def answers(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Predictions]:
    """Of each network, over the same images."""
    built("onnxruntime")
    folder = tmp_path_factory.mktemp("real")
    images = folder / "images"
    images.mkdir()
    source = assets / "images" / "imagenet_sample_1000"
    with (source / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[: 3 * N : 3]
    with (images / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for row in rows:
            (images / row["file"]).parent.mkdir(parents=True, exist_ok=True)
            (images / row["file"]).symlink_to(source / row["file"])
            writer.writerow(row)
    report = validated(write_zoo(folder / "zoo", assets), folder / "run", images=str(images))
    assert {run.checkpoint: run.error for run in report.runs if run.error} == {}
    return {
        run.checkpoint.partition("/")[2]: Predictions.read(folder / "run" / "predictions" / f"{run.key}.npz")
        for run in report.runs
    }


def write_zoo(folder: Path, assets: Path) -> Path:
    folder.mkdir()
    recipes, checkpoints = [], []
    for name, steps in NUMERIC.items():
        recipes.append(
            f"[[numeric]]\nid = 'own_{name}'\nsteps = [{steps}, {{ op = 'layout', order = 'nchw' }}]\n"
            f"[[recipe]]\nid = 'own_{name}'\ngeometry = 'torch_256_224'\nnumeric = 'own_{name}'\n"
        )
    for name, (path, label_map, recipe) in FILES.items():
        shutil.copy(assets / path, folder)
        checkpoints.append(
            f"[[checkpoint]]\nid = 'real/{name}'\nframework = 'onnxruntime'\nformat = 'onnx'\n"
            f"recipe = 'own_{recipe}'\nlabel_map = '{label_map}'\nfiles = [{{ name = '{Path(path).name}' }}]\n"
        )
    (folder / "recipes.toml").write_text("\n".join(recipes))
    (folder / "checkpoints.toml").write_text("\n".join(checkpoints))
    return folder


@pytest.mark.parametrize("name", FILES)
def test_no_healthy_run_has_a_cause(answers: dict[str, Predictions], name: str) -> None:
    """Alone and beside each other network, all images and many parts of them."""
    label_map = LABEL_MAPS[FILES[name][1]]
    others = [relative(answers[other], LABEL_MAPS[FILES[other][1]], "same network") for other in FILES if other != name]
    for seed in range(30):
        some = np.sort(np.random.default_rng(seed).choice(N, (N, 200, 64)[seed % 3], replace=False))
        for kin in ([], *([each] for each in others)):
            found = look(case_of(part(answers[name], some), label_map, kin))
            assert not found.candidates, (seed, kin, found.candidates)
            assert not found.ties


@pytest.mark.parametrize("name", FILES)
def test_mistaken_labels(answers: dict[str, Predictions], name: str) -> None:
    good, label_map = answers[name], LABEL_MAPS[FILES[name][1]]
    for labels, cause in (
        (good.classes + 1, "labels.offset"), ((good.classes - 5) % 1000, "labels.offset"),
        (np.where(good.classes >= 400, good.classes + 1, good.classes), "labels.offset_from"),
        (np.array([TO_ID[index] - 1 for index in good.classes.tolist()]), "labels.numbering"),
        (np.argsort(np.array(sorted(range(1000), key=str)))[good.classes], "labels.text_order"),
        (np.random.default_rng(0).permutation(good.classes), "labels.shuffled"),
    ):  # fmt: skip
        bad = labelled(good, labels, label_map)
        expected = "labels.background" if cause == "labels.offset" and label_map.first and labels[0] > 0 else cause
        for kin in ([], [relative(bad, label_map)], [relative(good, label_map)]):
            found = causes(look(case_of(bad, label_map, kin)))
            assert found in ([cause], [expected]), (cause, len(kin), found)


def test_a_list_in_the_order_of_the_classes_that_slipped(answers: dict[str, Predictions]) -> None:
    """Every third class once: one image further on is three classes further on, and no image can tell."""
    good, label_map = answers["plain"], LABEL_MAPS["imagenet1000"]
    found = look(case_of(labelled(good, np.roll(good.classes, 1), label_map), label_map))
    assert causes(found) == ["labels.offset"]
    assert ("labels.offset", "labels.image_order") in [tie.causes for tie in found.ties]


def test_outputs_in_another_order(answers: dict[str, Predictions]) -> None:
    """Against the quantised file of the same network: its scores are not the same, but alike."""
    label_map, kin = LABEL_MAPS["imagenet1000"], relative(answers["quantised"], LABEL_MAPS["imagenet1000"])
    good = answers["plain"]
    any_order = np.random.default_rng(0).permutation(1000)
    for order in (np.roll(np.arange(1000), 1), any_order):
        bad = labelled(permuted_outputs(good, order), good.classes, label_map)
        (cause,) = look(case_of(bad, label_map, [kin])).candidates
        assert (cause.cause, cause.certainty) == ("answers.outputs_permuted", "shown")


def test_background_on_the_wrong_side(answers: dict[str, Predictions]) -> None:
    right, wrong = LABEL_MAPS["background_first"], LABEL_MAPS["trailing_unused"]
    good = answers["background"]
    bad = labelled(good, good.classes, wrong)
    for kin in ([], [relative(good, right)], [relative(answers["plain"], LABEL_MAPS["imagenet1000"], "same network")]):
        (cause,) = look(case_of(bad, wrong, kin)).candidates
        assert cause.cause == "labels.background"
        assert 'label_map = "background_first"' in cause.change
