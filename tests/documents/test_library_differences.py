"""The measured differences between image libraries, and the tolerances that follow from them."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from benchmarks import libraries
from zoo.documents import library_differences
from zoo.documents.library_differences import Difference, Family, Flips, LibraryDifferences, load, outline
from zoo.documents.load import load_zoo
from zoo.errors import ManifestError
from zoo.stats import flips

FAMILIES = load().family


def a_difference(**changes: Any) -> Difference:
    fields = {"variant": "another", "network": "n", "identical": 0, "top1": Flips(gained=5, lost=6),
              "top5": Flips(gained=1, lost=1)}  # fmt: skip
    return Difference(**fields | changes)


def a_family(*differences: Difference, **changes: Any) -> Family:
    fields = {"geometry": "g", "date": "2026-01-01", "processor": "p", "suite": {"numpy": "2"},
              "geometries": ("g", "g2"), "images": 1_000, "difference": differences}  # fmt: skip
    return Family(**fields | changes)


def a_file(*families: Family) -> LibraryDifferences:
    return LibraryDifferences(family=families)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.geometry)
@pytest.mark.parametrize("metric", ["top1", "top5"])
def test_each_tolerance_follows_from_the_counts(family: Family, metric: str) -> None:
    """The stated formula, worked out here once more."""
    reaches = []
    for each in family.difference:
        counted = getattr(each, metric)
        q = (counted.gained + counted.lost + 1) / (family.images + 2)
        chance = flips.shown_shift(counted.gained, counted.lost, family.images) + 2 * math.sqrt(q / 50_000)
        exact = abs(counted.gained - counted.lost) / family.images
        reaches.append(0 if each.identical == family.images else exact if family.population else chance)
    tolerance = family.tolerance(metric)
    assert max(reaches) <= tolerance < max(reaches) + 0.0001
    assert float(f"{tolerance:.4f}") == tolerance


def test_a_family_holds_every_geometry_of_both_zoos_that_does_the_same_steps() -> None:
    known = load_zoo("published").geometries | load_zoo("embedded").geometries
    names = [name for family in FAMILIES for name in family.geometries]
    assert len(names) == len(set(names))
    for family in FAMILIES:
        alike = {name for name in known if outline(known[name]) == outline(known[family.geometry])}
        assert set(family.geometries) == ({family.geometry} if family.population else alike - {"torch_110_96"})


def test_a_population_that_was_measured_whole_is_one_of_the_suite() -> None:
    """And is found by the claims about it, with its number of images."""
    known = load_zoo("embedded").populations
    whole = [family for family in FAMILIES if family.population]
    assert [family.population for family in whole] == ["embedded_val"]
    assert [known[family.population].images for family in whole] == [family.images for family in whole]
    assert load().of("torch_110_96", "embedded_val", "top1").source == "measured"


def test_every_geometry_can_be_measured() -> None:
    """Each is in the family of one that has a plan."""
    known = load_zoo("published").geometries | load_zoo("embedded").geometries
    planned = {plan.geometry for plan in libraries.PLANS}
    assert {family.geometry for family in FAMILIES} <= planned
    assert {outline(geometry) for geometry in known.values()} == {outline(known[name]) for name in planned}


def test_the_file_is_what_its_script_writes() -> None:
    assert libraries.toml(load()) == library_differences.FILE.read_text(encoding="utf-8")


def test_the_largest_difference_decides() -> None:
    small, large = a_difference(top1=Flips(gained=1, lost=1)), a_difference()
    assert a_family(small, large).tolerance("top1") == a_family(large).tolerance("top1")
    assert a_family(small).tolerance("top1") < a_family(large).tolerance("top1")
    assert a_family(large).tolerance("top5") < a_family(large).tolerance("top1")


def test_of_fewer_images_a_larger_share_changes_by_chance() -> None:
    """ImageNet-V2 has 10,000 images: the same libraries move its accuracy further than that over 50,000."""
    family, own = a_family(a_difference()), a_family(a_difference(), population="p")
    wide, narrow = family.tolerance("top1", 10_000), family.tolerance("top1", 50_000)
    assert wide / narrow == pytest.approx(math.sqrt(5), abs=0.05)
    assert a_file(family).of("g", "x", "top1", 10_000).value == wide
    assert a_file(family).of("g", "x", "top1", 60).value == wide
    assert own.tolerance("top1", 10_000) == own.tolerance("top1", 50_000)  # all of its images were measured


def test_equal_pixels_need_no_tolerance() -> None:
    none = Flips(gained=0, lost=0)
    assert a_family(a_difference(identical=1_000, top1=none, top5=none)).tolerance("top1") == 0
    assert a_family(a_difference(identical=999, top1=none, top5=none)).tolerance("top1") > 0


def test_a_family_serves_its_geometries_and_the_largest_serves_the_rest() -> None:
    small = a_family(a_difference(top1=Flips(gained=1, lost=1)))
    large = a_family(a_difference(), geometry="h", geometries=("h",))
    whole = a_family(a_difference(top1=Flips(gained=90, lost=0)), geometry="own", geometries=("own",), population="p")
    found = a_file(small, large, whole)
    assert found.of("g", "x", "top1").source == "measured"
    assert found.of("g2", "x", "top1").source == "measured with g"
    assert found.of("g2", "x", "top1").value == small.tolerance("top1")
    unknown = "the geometry is not known"
    for geometry, population, why in [
        ("z", "x", "z was not measured"),
        ("", "x", unknown),
        ("own", "x", "own was not measured"),
    ]:
        other = found.of(geometry, population, "top1")
        assert other.value == large.tolerance("top1")
        assert other.source == f"the largest measured one, as {why}"
    assert found.of("own", "p", "top1").value == 0.09


@pytest.mark.parametrize(
    "wrong",
    [
        {"geometry": "elsewhere"},
        {"images": 10},
        {"difference": ()},
        {"images": 0},
    ],
)
def test_impossible_counts_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_family(a_difference(), **wrong)


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "library_differences.toml"
    monkeypatch.setattr(library_differences, "FILE", path)
    load.cache_clear()
    try:
        for text in ("family = ", 'date = "2026-01-01"\n'):
            path.write_text(text, encoding="utf-8")
            with pytest.raises(ManifestError, match=r"library_differences\.toml: expected what benchmarks/libraries"):
                load()
    finally:
        load.cache_clear()


def test_what_is_written_can_be_read() -> None:
    found = a_file(a_family(a_difference()), a_family(a_difference(), geometry="g2", population="p"))
    assert LibraryDifferences.from_json(tomllib.loads(libraries.toml(found))) == found
