"""What to run: checkpoints by pattern, the frameworks that read them, and the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from zoo.documents.load import Zoo
from zoo.errors import UsageError, known_names
from zoo.frameworks.table import Framework, framework, frameworks
from zoo.records import Checkpoint, Divide, Geometry, Numeric, Recipe

T = TypeVar("T")


def checkpoints(zoo: Zoo, pattern: str | None) -> list[Checkpoint]:
    """Those whose id matches a shell pattern (several, separated by commas); all without one.

    Raises UsageError where there is none.
    """
    if not zoo.checkpoints:
        raise UsageError(
            f"zoo {zoo.name!r}: expected a checkpoint, got documents alone; `zoo audit --zoo {zoo.name}` judges them"
        )
    if pattern is None:
        return list(zoo.checkpoints.values())
    chosen: dict[str, Checkpoint] = {}
    for part in pattern.split(","):
        matching = {name: record for name, record in zoo.checkpoints.items() if fnmatchcase(name, part)}
        if not matching:
            near = known_names(part, zoo.checkpoints)
            raise UsageError(f"--checkpoints: no checkpoint of zoo {zoo.name!r} matches {part!r}; {near}")
        chosen.update(matching)
    return list(chosen.values())


def pairs(chosen: Sequence[Checkpoint], names: Sequence[str] | None) -> list[tuple[Checkpoint, Framework]]:
    """Each checkpoint with the frameworks that run it: its publisher's, or of those named all that read its format."""
    if names is None:
        return [(checkpoint, framework(checkpoint.framework)) for checkpoint in chosen]
    wanted = [framework(name) for name in names]
    chosen_pairs = [
        (checkpoint, entry) for checkpoint in chosen for entry in wanted if checkpoint.format in entry.formats
    ]
    if not chosen_pairs:
        formats = ", ".join(sorted({checkpoint.format for checkpoint in chosen}))
        readers = [entry.name for entry in frameworks().values() if {*entry.formats} & {*formats.split(", ")}]
        raise UsageError(
            f"--frameworks: {', '.join(names)} reads none of the chosen checkpoints' formats ({formats}); "
            f"those that do: {', '.join(readers) or 'none'}"
        )
    return chosen_pairs


def recipe_in_effect(zoo: Zoo, checkpoint: Checkpoint, geometry_of: str | None, numeric: str | None) -> Recipe:
    """The checkpoint's documented recipe, or with another geometry or other numeric steps.

    `--recipe ID` changes how an image is decoded, resized and cropped. The numeric steps belong to the network that
    was trained with them and stay the checkpoint's own, unless `--numeric ID` asks for others (to see what a wrong
    mean costs). A combination that has a name gets it.
    """
    own = zoo.recipes[checkpoint.recipe]
    if geometry_of is None and numeric is None:
        return own
    geometry = own.geometry if geometry_of is None else _known(zoo.recipes, geometry_of, "--recipe").geometry
    if numeric is None and own.numeric.keeps_bytes and geometry.dtype != "uint8":
        raise UsageError(
            f"--recipe: {geometry_of!r} gives floats, but {checkpoint.id} takes the pixels' bytes as they are; "
            "choose a recipe without to_float, or name the arithmetic with --numeric"
        )
    steps = (
        _rescaled(own.numeric, own.geometry.divided_by / geometry.divided_by)
        if numeric is None
        else _known(zoo.numerics, numeric, "--numeric")
    )
    made = Recipe(id=f"{geometry.id}+{steps.id}", geometry=geometry, numeric=steps)
    same = (recipe for recipe in (own, *zoo.recipes.values()) if recipe.content() == made.content())
    return next(same, made)


def in_geometry(recipe: Recipe, geometry: Geometry) -> Recipe:
    """A recipe's numeric steps behind another geometry; raises UsageError where they do not fit it."""
    if recipe.geometry.id == geometry.id:
        return recipe
    if recipe.numeric.keeps_bytes and geometry.dtype != "uint8":
        raise UsageError(f"{geometry.id!r} gives floats, but {recipe.id!r} takes the pixels' bytes as they are")
    steps = _rescaled(recipe.numeric, recipe.geometry.divided_by / geometry.divided_by)
    return Recipe(id=f"{geometry.id}+{steps.id}", geometry=geometry, numeric=steps)


def _rescaled(numeric: Numeric, factor: float) -> Numeric:
    """Numeric steps for pixels that arrive `factor` times as large: some geometries have divided by 255 already."""
    if factor == 1.0:
        return numeric
    divide = Divide(op="divide", by=factor)
    return Numeric(id=f"{numeric.id}_by_{factor:g}", steps=(divide, *numeric.steps))


def _known(table: dict[str, T], name: str, option: str) -> T:
    try:
        return table[name]
    except KeyError:
        raise UsageError(f"{option}: {name!r} is not known; {known_names(name, table)}") from None
