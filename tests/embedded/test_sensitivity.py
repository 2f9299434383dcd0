"""The embedded zoo notices the mistakes that real zoos make: each lowers top-1 beyond chance (exact McNemar)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.by_hand.built import built
from tests.by_hand.commands import zoo
from zoo import disk, stats
from zoo.records import Report
from zoo.records.predictions import Predictions

DECODE = '{ op = "decode", library = "pil", exif = "ignore" }'
PIL = 'library = "pil", interpolation = "bilinear", antialias = true'
CROP = '{ op = "centre_crop", size = 96, offset = "round_half_even" }'
DIVIDE = '{ op = "divide", by = 255 }'
IMAGENET = '{ op = "normalise", mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }'
HALF = '{ op = "normalise", mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5] }'
NCHW = '{ op = "layout", order = "nchw" }'


def short(size: int) -> str:
    return f'{{ op = "resize_short", size = {size}, {PIL}, long_side = "truncate" }}'


# name -> (geometry steps, numeric steps); the first is the documented recipe
RECIPES = {
    "right": ([DECODE, short(110), CROP], [DIVIDE, IMAGENET, NCHW]),
    "red_and_blue_swapped": (
        [DECODE, short(110), CROP],
        ['{ op = "channels", order = "bgr" }', DIVIDE, IMAGENET, NCHW],
    ),
    "mean_and_std_of_a_half": ([DECODE, short(110), CROP], [DIVIDE, HALF, NCHW]),
    "no_mean_and_std": ([DECODE, short(110), CROP], [DIVIDE, NCHW]),
    "squashed": ([DECODE, f'{{ op = "resize_exact", size = 96, {PIL} }}'], [DIVIDE, IMAGENET, NCHW]),
    "without_margin": ([DECODE, short(96), CROP], [DIVIDE, IMAGENET, NCHW]),
    "too_large_a_margin": ([DECODE, short(128), CROP], [DIVIDE, IMAGENET, NCHW]),
}


def write_zoo(folder: Path) -> None:
    """The embedded weights once per recipe."""
    recipes, checkpoints = [], []
    for name, (geometry, numeric) in RECIPES.items():
        recipes.append(
            f'[[geometry]]\nid = "{name}"\nsteps = [{", ".join(geometry)}]\n'
            f'[[numeric]]\nid = "{name}"\nsteps = [{", ".join(numeric)}]\n'
            f'[[recipe]]\nid = "{name}"\ngeometry = "{name}"\nnumeric = "{name}"\n'
        )
        checkpoints.append(
            f'[[checkpoint]]\nid = "wrong/{name}"\nframework = "onnxruntime"\nformat = "onnx"\nrecipe = "{name}"\n'
            f'label_map = "shapes"\nexport_from = "{disk.EMBEDDED / "weights.safetensors"}"\n'
            "network = { alpha = 0.35, resolution = 96, classes = 24 }\n"
        )
    folder.mkdir()
    (folder / "recipes.toml").write_text("\n".join(recipes))
    (folder / "checkpoints.toml").write_text("\n".join(checkpoints))
    (folder / "label_maps.toml").write_text('[[label_map]]\nid = "shapes"\noutputs = 24\nclasses = 24\nfirst = 0\n')


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    built("onnxruntime")
    folder = tmp_path_factory.mktemp("sensitivity")
    write_zoo(folder / "zoo")
    images = disk.EMBEDDED / "images"
    done = zoo("validate", "--zoo", folder / "zoo", "--images", images, "--out", folder / "run", timeout=600)
    assert done.returncode == 1, done.stderr
    return folder / "run", Report.from_json(json.loads((folder / "run" / "report.json").read_text()))


@pytest.fixture(scope="module")
def answers(judged: tuple[Path, Report]) -> dict[str, Predictions]:
    folder, report = judged
    return {
        run.checkpoint.removeprefix("wrong/"): Predictions.read(folder / "predictions" / f"{run.key}.npz")
        for run in report.runs
    }


def test_a_poor_recipe_is_not_called_nonsense(judged: tuple[Path, Report]) -> None:
    """Neighbouring classes are alike here: a worse network takes many of them for the next one."""
    said = {each.subject.partition("@")[0]: each.outcome for each in judged[1].verdicts if each.rule == "A201"}
    sound = {"right", "squashed", "without_margin", "too_large_a_margin"}
    assert {name.removeprefix("wrong/") for name, outcome in said.items() if outcome == "pass"} == sound
    assert said["wrong/red_and_blue_swapped"] == "fail"


def test_documented_recipe_leaves_room(answers: dict[str, Predictions]) -> None:
    top1, top5 = answers["right"].top1.mean(), answers["right"].top5.mean()
    assert 0.60 < top1 < 0.95
    assert top5 > top1 + 0.05


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "right"])
def test_mistake_lowers_top1(answers: dict[str, Predictions], name: str) -> None:
    right, wrong = answers["right"].top1, answers[name].top1
    assert wrong.mean() < right.mean()
    assert stats.mcnemar(int((right & ~wrong).sum()), int((wrong & ~right).sum())) < 0.01
