"""What `zoo.stats` offers to others is typed and explained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from zoo import stats


def offered() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Functions by the names under which others reach them."""
    for name in stats.__all__:
        value = getattr(stats, name)
        if isinstance(value, ModuleType):
            for inner, function in vars(value).items():
                own = getattr(function, "__module__", None) == value.__name__
                if own and _is_function(function) and not inner.startswith("_"):
                    yield f"{name}.{inner}", function
        elif _is_function(value):
            yield name, value


def _is_function(value: object) -> bool:
    return callable(value) and not isinstance(value, type)  # those that remember results are no plain functions


FUNCTIONS = dict(offered())


def test_nothing_else_is_offered() -> None:
    assert {"difference_interval", "finite_totals", "holm", "levels.ratio", "planning.images_needed"} <= set(FUNCTIONS)
    assert {name for name in vars(stats) if not name.startswith("_")} - set(stats.__all__) == {
        "differences", "gains", "intervals", "priors", "quantiles", "totals",
    }  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_typed_and_explained(name: str) -> None:
    signature = inspect.signature(FUNCTIONS[name])
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(each.annotation is not inspect.Parameter.empty for each in signature.parameters.values())
    first, _, rest = inspect.cleandoc(FUNCTIONS[name].__doc__ or "").partition("\n")
    assert first.endswith((".", ":", ";")) or rest
    assert len(first) > 20


@pytest.mark.parametrize("value", [
    stats.Accepted, stats.Quantile, stats.Totals, stats.levels.Ratio,
    stats.weighted.Draw, stats.weighted.Bets, stats.weighted.Watched,
])  # fmt: skip
def test_a_type_is_explained(value: type) -> None:
    assert len(inspect.cleandoc(value.__doc__ or "")) > 60
