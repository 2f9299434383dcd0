"""A race of recipes with the embedded network: what is planted is named first, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.by_hand.built import built
from tests.by_hand.opened import altered_zoo, opened_alone
from zoo import disk
from zoo.documents.load import load_zoo
from zoo.frameworks import environments
from zoo.images import image_sets, pixels, preprocess
from zoo.images.pixels import Block
from zoo.jobs import race
from zoo.jobs.case import Opened
from zoo.records import Decode, Findings

pytestmark = pytest.mark.slow

RECIPES = (load_zoo("embedded").root / "recipes.toml").read_text(encoding="utf-8")
RESIZE = (
    '{ op = "resize_short", size = 110, library = "pil", interpolation = "bilinear", antialias = true, '
    'long_side = "truncate" }'
)
NORMALISE = "mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225]"
NUMERIC = (
    '\n[[numeric]]\nid = "planted"\nsteps = [\n{}    {{ op = "layout", order = "nchw" }},\n]\n'
    '[[recipe]]\nid = "planted"\ngeometry = "torch_110_96"\nnumeric = "planted"\n'
)


def numeric(*steps: str) -> str:
    """The embedded recipe's first part with other steps."""
    lines = "".join(f"    {{ {step} }},\n" for step in steps)
    written = RECIPES + NUMERIC.format(lines)
    return written.replace('id = "embedded_110_96"\n', 'id = "was_embedded_110_96"\n').replace(
        '[[recipe]]\nid = "planted"', '[[recipe]]\nid = "embedded_110_96"'
    )


PLANTED = {
    "bgr": ("recipe.channel_order", numeric('op = "channels", order = "bgr"', 'op = "divide", by = 255',
                                            f'op = "normalise", {NORMALISE}')),
    "no scale": ("recipe.scale", numeric(f'op = "normalise", {NORMALISE}')),
    "wrong mean": ("recipe.mean_std", numeric('op = "divide", by = 127.5', 'op = "subtract", value = 1')),
    "squash": ("recipe.squash", RECIPES.replace(RESIZE, RESIZE.replace("resize_short", "resize_exact")
                                                .replace(', long_side = "truncate"', ""))),
    "small crop": ("recipe.crop", RECIPES.replace("size = 110", "size = 128")),
}  # fmt: skip


@pytest.fixture
def home(own_home: Path) -> Path:
    """An empty ZOO_HOME; ONNX Runtime is there."""
    built("onnxruntime")
    return own_home


def planted(folder: Path, recipes: str, **request: Any) -> Opened:
    assert recipes != RECIPES
    zoo = altered_zoo(folder / "zoo", recipes)
    return opened_alone(folder / "run", zoo=str(zoo), checkpoints="embedded/onnx", **request)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_recipe_is_named_first(name: str, home: Path, tmp_path: Path) -> None:
    cause, recipes = PLANTED[name]
    found = race.look(planted(tmp_path, recipes))
    first = found.candidates[0]
    assert (first.cause, first.certainty) == (cause, "shown")
    assert "73.85 % of 960 images" in first.evidence
    assert "documented top1 73.85 %" in first.evidence
    assert first.images == 960
    assert first.explains is not None
    assert first.explains > 0.1
    assert "[[recipe]]" in first.change
    assert first.command.startswith("zoo validate --zoo ")
    assert cause not in {each.cause for each in found.excluded}


def test_gross_causes_take_200_images(home: Path, tmp_path: Path) -> None:
    found = race.look(planted(tmp_path, PLANTED["bgr"][1]), budget=200)
    assert (found.candidates[0].cause, found.candidates[0].images) == ("recipe.channel_order", 200)


def test_another_numeric_part_leads_back_to_the_record(home: Path, tmp_path: Path) -> None:
    run = opened_alone(tmp_path / "run", checkpoints="embedded/onnx", numeric="half_nchw", sample=300)
    (first, *_) = race.look(run).candidates
    assert first.cause == "recipe.mean_std"
    assert first.command.endswith(" --numeric imagenet_nchw")


@pytest.mark.parametrize(("framework", "checkpoint"), [("onnxruntime", "onnx"), ("torch", "torch_state_dict")])
def test_nothing_is_named_where_all_is_well(framework: str, checkpoint: str, home: Path, tmp_path: Path) -> None:
    built(framework)
    found = race.look(opened_alone(tmp_path / "run", checkpoints=f"embedded/{checkpoint}"))
    assert (found.candidates, found.ties, found.not_looked) == ((), (), ())
    assert {"recipe.channel_order", "recipe.scale", "recipe.mean_std", "recipe.squash"} <= {
        each.cause for each in found.excluded
    }
    assert all("gives the documented number (73.85 %)" in each.by for each in found.excluded)


def test_nothing_is_named_where_all_is_well_and_nothing_is_documented(home: Path, tmp_path: Path) -> None:
    run = opened_alone(tmp_path / "run", checkpoints="embedded/onnx")
    found = race.look(replace(run, case=replace(run.case, claims=())))
    assert found.candidates == ()
    told = {each.cause for each in found.excluded} | {cause for tie in found.ties for cause in tie.causes}
    assert {"recipe.channel_order", "recipe.mean_std", "recipe.squash", "recipe.crop", "recipe.resize"} <= told
    assert all(tie.causes[0] == "recipe.in_effect" and tie.images == 960 for tie in found.ties)


def test_wrong_labels_are_no_recipes_fault(home: Path, tmp_path: Path) -> None:
    """Every answer is one class off; no recipe can mend that."""
    zoo = altered_zoo(tmp_path / "zoo", RECIPES)
    header, *rows = (zoo / "labels.csv").read_text(encoding="utf-8").splitlines()
    moved = [f"{name},{(int(label) + 1) % 24},{rest}" for name, label, rest in (row.split(",", 2) for row in rows)]
    (zoo / "labels.csv").write_text("\n".join([header, *moved]) + "\n", encoding="utf-8")
    found = race.look(opened_alone(tmp_path / "run", zoo=str(zoo), checkpoints="embedded/onnx"))
    assert found.candidates == ()


def test_pixels_of_variants_are_not_left_behind(home: Path, tmp_path: Path) -> None:
    run = opened_alone(tmp_path / "run", checkpoints="embedded/onnx")
    before = sorted((disk.home() / "pixels").rglob("*.npy"))
    race.look(run, budget=64)
    assert sorted((disk.home() / "pixels").rglob("*.npy")) == before


def test_a_second_race_decodes_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = opened_alone(tmp_path / "run", checkpoints="embedded/onnx", numeric="half_nchw")
    first = race.look(run, budget=128)
    monkeypatch.setattr(environments, "started", None)  # no worker either
    monkeypatch.setattr(preprocess, "apply_all", None)
    assert race.look(run, budget=128) == first


def test_no_images_are_told(home: Path, tmp_path: Path) -> None:
    run = opened_alone(tmp_path / "run", checkpoints="embedded/onnx", sample=10)
    told = race.look(replace(run, source=None, absent="the folder is gone"))
    assert told == Findings(not_looked=("recipes were not raced: the folder is gone",))


def test_all_geometries_of_an_image_come_from_one_decode(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    zoo = load_zoo("embedded")
    image_set = image_sets.open_image_set(zoo.root / "images").first(3)
    block = Block(0, image_set.images, tuple(image.sha256() for image in image_set.images))
    geometries = [recipe.geometry for recipe in zoo.recipes.values() if recipe.geometry.side == 96]
    expected = {each.id: [preprocess.apply(each, image.read()) for image in image_set.images] for each in geometries}
    ways = {each.steps[0] for each in geometries}
    decoded: list[Decode] = []
    decode = preprocess.decode

    def counted(step: Decode, data: bytes) -> preprocess.Picture:
        decoded.append(step)
        return decode(step, data)

    monkeypatch.setattr(preprocess, "decode", counted)
    assert pixels.decode_block_by_all(geometries, block, threads=2) == []
    assert len(decoded) == 3 * len(ways) < 3 * len({each.id for each in geometries})
    for each in geometries:
        np.testing.assert_array_equal(np.load(pixels.block_path(each, block)), np.stack(expected[each.id]))
