"""A recipe that may be the right one, and what it would change in the one in effect."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.diagnose.recipes import affine, outline
from zoo.diagnose.recipes.causes import CAUSES, MEAN, ORDER, SCALE
from zoo.records import Recipe


@dataclass(frozen=True)
class Variant:
    """One recipe of the race.

    cause: what would be wrong with the recipe in effect if this were the right one; title: that as a line.
    """

    cause: str
    title: str
    recipe: Recipe


def content(recipe: Recipe) -> tuple[object, ...]:
    """Equal for recipes that give the same pixels but for the rounding of floats."""
    return recipe.geometry.steps, affine.of(recipe).rounded(), recipe.numeric.steps[-1]


def differing(old: Recipe, new: Recipe) -> tuple[str, ...]:
    """The causes that lie between two recipes, in the order of CAUSES."""
    first, second = affine.of(old), affine.of(new)
    found = set()
    if first.order != second.order:
        found.add(ORDER)
    if not first.alike(second):
        found.add(SCALE if first.scaled_as(second) else MEAN)
    found |= outline.differing(old.geometry, new.geometry)
    return tuple(cause for cause in CAUSES if cause in found)
