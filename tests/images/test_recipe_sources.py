"""Every geometry step against the operator it stands for, in that library's own environment."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

import pytest

from benchmarks import recipes
from benchmarks.recipes import Difference, Row
from tests.by_hand.built import REPOSITORY, built
from zoo import records
from zoo.documents.load import load_zoo

COMMITTED = REPOSITORY / "tests" / "data" / "images"
ROWS = recipes.rows()
LIBRARIES = tuple(dict.fromkeys(row.library for row in ROWS))


def name(row: Row) -> str:
    what = row.geometry or f"{row.operator} as {recipes.told(row.steps)}"
    return f"{row.library} {what}"


@cache
def images() -> tuple[Path, ...]:
    """The committed JPEG files, and 50 files of ImageNet where there are any."""
    assets = Path(os.environ.get("ZOO_ASSETS", REPOSITORY.parent / "shared" / "assets"))
    real = assets / "images" / "imagenet_sample_1000"
    small = sorted(path for path in COMMITTED.glob("*.jpg") if path != recipes.CMYK)
    return (*small, *(recipes.chosen(real) if real.is_dir() else ()))


@cache
def measured(library: str) -> dict[str, Difference]:
    """All rows of a library, in one process of its own."""
    python = Path(sys.executable) if library in recipes.CORE else built(library).python
    wanted = [row for row in ROWS if row.library == library]
    return {name(found.row): found for found in recipes.measure(library, python, wanted, images())}


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_step_equals_its_source(row: Row) -> None:
    found = measured(row.library)[name(row)]
    assert found.images > 0
    if row.largest == 0:
        assert found.identical == found.images - found.other_size
    assert (found.other_size > 0) == row.other_size
    assert found.largest <= row.largest
    assert found.mean <= row.mean


@pytest.mark.parametrize("row", [row for row in ROWS if row.largest], ids=name)
def test_a_difference_that_is_gone_is_noticed(row: Row) -> None:
    """Else the page would go on explaining it."""
    found = measured(row.library)[name(row)]
    assert found.identical < found.images


def test_every_geometry_is_compared() -> None:
    assert {row.geometry for row in ROWS if row.geometry} == set(load_zoo("published").geometries)


def test_every_way_of_resizing_is_compared() -> None:
    def ways(steps: recipes.Steps) -> set[tuple[str, str]]:
        return {(step.library, step.interpolation) for step in steps if isinstance(step, records.Resample)}

    used = {way for geometry in load_zoo("published").geometries.values() for way in ways(geometry.steps)}
    assert used <= {way for row in ROWS if not row.geometry for way in ways(row.steps)}


def test_the_page_names_every_operator() -> None:
    page = recipes.PAGE.read_text(encoding="utf-8")
    for row in ROWS:
        assert f"`{row.geometry or row.operator}`" in page
        assert row.meaning in page
