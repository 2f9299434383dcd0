"""The recipes that race: one change away from the one in effect, and those of the base data that fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from zoo.diagnose.recipes import geometries, numerics
from zoo.diagnose.recipes.causes import KNOWN
from zoo.diagnose.recipes.variant import Variant, content, differing
from zoo.records import Divide, Geometry, Numeric, Recipe


def variants(
    recipe: Recipe,
    known: Mapping[str, Recipe],
    numeric_parts: Mapping[str, Numeric],
    documented: Recipe | None = None,
    *,
    takes_floats: bool = True,
    takes_bytes: bool = False,
) -> tuple[Variant, ...]:
    """Recipes that may be the right one in place of `recipe`, the likeliest kinds first; each once by its content.

    All have its side and layout. known, numeric_parts: the base data's recipes and numeric parts by id; documented:
    the recipe of the checkpoint's record, where another one is in effect. takes_floats, takes_bytes: what the
    network's input takes.
    """
    found: dict[object, Variant] = {content(recipe): Variant("", "", recipe)}
    record = _documented(recipe, documented) if documented else ()
    candidates = (*record, *_numeric(recipe, takes_floats), *_geometric(recipe), *_known(recipe, known, numeric_parts))
    for each in candidates:
        if not _fits(each.recipe, recipe, takes_floats, takes_bytes):
            continue
        key = content(each.recipe)
        first = found.setdefault(key, each)
        if _parts_named(each.recipe, known, numeric_parts) > _parts_named(first.recipe, known, numeric_parts):
            found[key] = replace(first, recipe=each.recipe)  # a name that a command line takes
    return tuple(found.values())[1:]


def _parts_named(recipe: Recipe, known: Mapping[str, Recipe], parts: Mapping[str, Numeric]) -> int:
    """How many parts of a recipe the base data have."""
    return (recipe.numeric.id in parts) + any(each.geometry.id == recipe.geometry.id for each in known.values())


def _fits(made: Recipe, recipe: Recipe, takes_floats: bool, takes_bytes: bool) -> bool:
    floats = not made.numeric.keeps_bytes or made.geometry.dtype == "float32"
    same = made.geometry.side == recipe.geometry.side and made.numeric.steps[-1] == recipe.numeric.steps[-1]
    return same and (takes_floats if floats else takes_bytes)


def _documented(recipe: Recipe, record: Recipe) -> Iterator[Variant]:
    for cause in differing(recipe, record)[:1]:
        yield Variant(cause, f"the recipe of the checkpoint's record, {record.id}", record)


def _numeric(recipe: Recipe, takes_floats: bool) -> Iterator[Variant]:
    for cause, title, numeric in numerics.changed(recipe, takes_floats):
        yield Variant(cause, title, _joined(recipe.geometry, numeric))


def _geometric(recipe: Recipe) -> Iterator[Variant]:
    for cause, title, geometry in geometries.changed(recipe.geometry):
        yield Variant(cause, title, _joined(geometry, _rescaled(recipe, geometry)))


def _known(recipe: Recipe, known: Mapping[str, Recipe], parts: Mapping[str, Numeric]) -> Iterator[Variant]:
    """Each part of the base data with the other part of the recipe in effect, then whole recipes."""
    for numeric in parts.values():
        yield from _variant(recipe, f"numeric steps {numeric.id}", _joined(recipe.geometry, numeric))
    for geometry in _once(each.geometry for each in known.values()):
        yield from _variant(recipe, f"geometry {geometry.id}", _joined(geometry, _rescaled(recipe, geometry)))
    for each in known.values():
        yield from (replace(found, title=f"recipe {each.id}", recipe=each) for found in _variant(recipe, each.id, each))


def _variant(recipe: Recipe, title: str, made: Recipe) -> Iterator[Variant]:
    """With the one cause that lies between both; where several do, it is another recipe altogether."""
    causes = differing(recipe, made)
    if causes:
        yield Variant(causes[0] if len(causes) == 1 else KNOWN, title, made)


def _joined(geometry: Geometry, numeric: Numeric) -> Recipe:
    return Recipe(id=f"{geometry.id}+{numeric.id}", geometry=geometry, numeric=numeric)


def _rescaled(recipe: Recipe, geometry: Geometry) -> Numeric:
    """The recipe's numeric steps for pixels that another geometry has divided otherwise."""
    factor = recipe.geometry.divided_by / geometry.divided_by
    if factor == 1:
        return recipe.numeric
    divide = Divide(op="divide", by=factor)
    return Numeric(id=f"{recipe.numeric.id}_by_{factor:g}", steps=(divide, *recipe.numeric.steps))


def _once(all_geometries: Iterable[Geometry]) -> list[Geometry]:
    return list({geometry.id: geometry for geometry in all_geometries}.values())
