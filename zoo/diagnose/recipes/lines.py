"""A recipe as the lines of a zoo's recipes.toml."""

from __future__ import annotations

import json
from typing import Any

from zoo.records import Recipe


def of(old: Recipe, new: Recipe) -> str:
    """The lines that make `new`: the parts that `old` does not have, and the recipe that joins them."""
    where = f"# in the zoo's recipes.toml; then the checkpoint's record takes: recipe = \"{new.id}\""
    tables = []
    for kind, part, known in (("geometry", new.geometry, old.geometry), ("numeric", new.numeric, old.numeric)):
        if part.steps != known.steps:
            steps = "".join(f"    {_inline(step.to_json())},\n" for step in part.steps)
            tables.append(f'[[{kind}]]\nid = "{part.id}"\nsteps = [\n{steps}]\n')
    joined = f'[[recipe]]\nid = "{new.id}"\ngeometry = "{new.geometry.id}"\nnumeric = "{new.numeric.id}"\n'
    return "\n".join([where, *tables, joined])


def _inline(values: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items()) + " }"
