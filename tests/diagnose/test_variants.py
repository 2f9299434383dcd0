"""Which recipes race: one change away, each once, all of them fitting, and any planted change is undone by one."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from adapters.common import numeric as adapter
from zoo.diagnose.recipes import affine, lines, outline
from zoo.diagnose.recipes.causes import CAUSES
from zoo.diagnose.recipes.variant import content, differing
from zoo.diagnose.recipes.variants import variants
from zoo.documents.load import load_zoo
from zoo.records import Geometry, Numeric, Recipe

PUBLISHED = load_zoo("published")
OWN = load_zoo("embedded")
Step = dict[str, Any]
RECIPES = PUBLISHED.recipes | OWN.recipes
# of the good recipe's steps, what stands there -> what is planted; the cause that should be found
NUMERIC_FAULTS: dict[str, tuple[str, list[Step]]] = {
    "bgr": ("recipe.channel_order", [{"op": "channels", "order": "bgr"}, {"op": "divide", "by": 255}]),
    "no scale": ("recipe.scale", [{"op": "divide", "by": 1}]),
    "scale 256": ("recipe.scale", [{"op": "divide", "by": 256}]),
    "scale 127.5": ("recipe.scale", [{"op": "divide", "by": 127.5}]),
    "scale twice": ("recipe.scale", [{"op": "divide", "by": 255}, {"op": "divide", "by": 255}]),
}
IMAGENET: Step = {"op": "normalise", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
OTHER_CONSTANTS: dict[str, Step] = {
    "half": {"op": "normalise", "mean": [0.5] * 3, "std": [0.5] * 3},
    "none": {"op": "subtract", "value": 0},
    "other order": {"op": "normalise", "mean": [0.406, 0.456, 0.485], "std": [0.225, 0.224, 0.229]},
    "no mean": {"op": "normalise", "mean": [0, 0, 0], "std": [0.229, 0.224, 0.225]},
    "no std": {"op": "normalise", "mean": [0.485, 0.456, 0.406], "std": [1, 1, 1]},
    "a slip": {"op": "normalise", "mean": [0.485, 0.456, 0.306], "std": [0.229, 0.224, 0.225]},
}
LAYOUT: Step = {"op": "layout", "order": "nchw"}
SHORT: Step = {
    "op": "resize_short", "size": 256, "library": "pil", "interpolation": "bilinear", "antialias": True,
    "long_side": "truncate",
}  # fmt: skip
EXACT: Step = {"op": "resize_exact", "size": 256, "library": "pil", "interpolation": "bilinear", "antialias": True}
CROP: Step = {"op": "centre_crop", "size": 224, "offset": "round_half_even"}
DECODE: Step = {"op": "decode", "library": "pil", "exif": "ignore"}
GEOMETRY_FAULTS: dict[str, tuple[str, list[Step]]] = {
    "squash": ("recipe.squash", [DECODE, EXACT, CROP]),
    "squash to the side": ("recipe.squash", [DECODE, EXACT | {"size": 224}]),
    "whole": ("recipe.crop", [DECODE, SHORT | {"size": 224}, CROP]),
    "small": ("recipe.crop", [DECODE, SHORT | {"size": 280}, CROP]),
    "offset": ("recipe.crop", [DECODE, SHORT, CROP | {"offset": "floor"}]),
    "nearest": ("recipe.resize", [DECODE, SHORT | {"interpolation": "nearest", "antialias": False}, CROP]),
    "opencv": ("recipe.resize", [DECODE, SHORT | {"library": "opencv", "antialias": False}, CROP]),
    "exif": ("recipe.decoder", [DECODE | {"exif": "apply"}, SHORT, CROP]),
}


def recipe_of(geometry: Geometry, steps: Sequence[Step]) -> Recipe:
    numeric = Numeric.model_validate({"id": "planted", "steps": [*steps, LAYOUT]})
    return Recipe(id="planted", geometry=geometry, numeric=numeric)


def cause_that_mends(planted: Recipe, good: Recipe) -> str | None:
    """The cause of the variant that is the good recipe; the base data's recipes are left out, to make it harder."""
    return next((each.cause for each in variants(planted, {}, {}) if content(each.recipe) == content(good)), None)


@pytest.mark.parametrize("name", NUMERIC_FAULTS)
def test_a_planted_order_or_scale_is_undone(name: str) -> None:
    good = RECIPES["torch_256_224"]
    cause, steps = NUMERIC_FAULTS[name]
    assert cause_that_mends(recipe_of(good.geometry, [*steps, IMAGENET]), good) == cause


@pytest.mark.parametrize("name", OTHER_CONSTANTS)
def test_planted_constants_are_undone(name: str) -> None:
    good = RECIPES["torch_256_224"]
    planted = recipe_of(good.geometry, [{"op": "divide", "by": 255}, OTHER_CONSTANTS[name]])
    assert cause_that_mends(planted, good) == "recipe.mean_std"


@pytest.mark.parametrize("name", GEOMETRY_FAULTS)
def test_a_planted_geometry_is_undone(name: str) -> None:
    good = RECIPES["torch_256_224"]
    cause, steps = GEOMETRY_FAULTS[name]
    geometry = Geometry.model_validate({"id": "planted", "steps": steps})
    assert cause_that_mends(Recipe(id="planted", geometry=geometry, numeric=good.numeric), good) == cause


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_variants_of_every_recipe_fit_and_are_different(name: str) -> None:
    recipe = RECIPES[name]
    floats = not recipe.numeric.keeps_bytes
    found = variants(
        recipe, PUBLISHED.recipes, PUBLISHED.numerics, takes_floats=floats, takes_bytes=not floats
    )  # fmt: skip
    assert len(found) > (25 if floats else 5)
    contents = [content(each.recipe) for each in found]
    assert len(set(contents)) == len(contents)
    assert content(recipe) not in contents
    for each in found:
        assert each.cause in CAUSES
        assert each.recipe.geometry.side == recipe.geometry.side
        assert each.recipe.numeric.steps[-1] == recipe.numeric.steps[-1]
        assert (each.recipe.numeric.keeps_bytes and each.recipe.geometry.dtype == "uint8") is not floats
        assert differing(recipe, each.recipe)


def test_the_recipe_of_the_record_comes_first() -> None:
    good = OWN.recipes["embedded_110_96"]
    planted = Recipe(id="x", geometry=good.geometry, numeric=PUBLISHED.numerics["caffe_bgr_nchw"])
    first = variants(planted, PUBLISHED.recipes, PUBLISHED.numerics, good)[0]
    assert (first.cause, first.recipe) == ("recipe.channel_order", good)
    assert "embedded_110_96" in first.title
    assert not [each for each in variants(good, {}, {}, good) if "record" in each.title]


def test_parts_that_have_a_name_keep_it() -> None:
    good = OWN.recipes["embedded_110_96"]
    found = variants(good, OWN.recipes, OWN.numerics)
    names = {each.recipe.numeric.id for each in found} | {each.recipe.geometry.id for each in found}
    assert {"half_nchw", "torch_109_96", "hf_128_96", "slim_central_96"} <= names


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_line_of_a_recipe_is_what_the_adapters_compute(name: str) -> None:
    recipe = RECIPES[name]
    pixels = np.random.default_rng(0).integers(0, 256, (1, 4, 4, 3), np.uint8)
    steps = [step.to_json() for step in recipe.numeric.steps]
    stored = pixels if recipe.geometry.dtype == "uint8" else pixels.astype(np.float32) / recipe.geometry.divided_by
    got = adapter.apply(steps, stored.astype(recipe.geometry.dtype)).astype(np.float64)
    got = got.transpose(0, 2, 3, 1) if steps[-1]["order"] == "nchw" else got
    line = affine.of(recipe)
    expected = pixels * line.factor + line.offset
    np.testing.assert_allclose(got, expected if line.order == "rgb" else expected[..., ::-1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", sorted({recipe.geometry.id for recipe in RECIPES.values()}))
def test_every_geometry_of_the_base_data_has_an_outline(name: str) -> None:
    geometry = next(recipe.geometry for recipe in RECIPES.values() if recipe.geometry.id == name)
    own = outline.of(geometry)
    assert own is not None
    assert outline.geometry(own, geometry.id).steps == geometry.steps


def test_lines_are_toml_that_makes_the_recipe() -> None:
    old = OWN.recipes["embedded_110_96"]
    for each in variants(old, PUBLISHED.recipes, PUBLISHED.numerics):
        parsed = tomllib.loads(lines.of(old, each.recipe))
        (row,) = parsed["recipe"]
        for kind, part, known in (
            ("geometry", each.recipe.geometry, old.geometry), ("numeric", each.recipe.numeric, old.numeric),
        ):  # fmt: skip
            model: type[Geometry] | type[Numeric] = Geometry if kind == "geometry" else Numeric
            made = [model.model_validate(table) for table in parsed.get(kind, [])]
            assert [table.steps for table in made] == ([] if part.steps == known.steps else [part.steps])
            assert row[kind] == part.id
