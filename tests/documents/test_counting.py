"""Counts of the layer table, against counts that publishers print in full."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.documents import counting
from zoo.records import MobileNetV2


def network(alpha: float = 1.0, classes: int = 1000, **changes: object) -> MobileNetV2:
    return MobileNetV2.from_json({"alpha": alpha, "resolution": 224, "classes": classes, **changes})


def parts(*changes: Any) -> counting.Parts:
    return counting.parts(network(*changes))


def values(ways: object) -> list[int]:
    return [way.value for way in ways]  # type: ignore[attr-defined]


def test_usual_counts() -> None:
    assert values(counting.parameters(parts()))[:4] == [3_504_872, 3_538_984, 3_487_816, 3_470_760]
    assert values(counting.parameters(parts(1.0, 1001)))[2] == 3_489_097
    assert values(counting.multiply_adds(parts(1.4, 1001)))[0] == 582_197_616


@pytest.mark.parametrize(("alpha", "count"), [(1.0, 3_539_136), (0.75, 2_653_864), (0.5, 1_983_104), (0.25, 1_526_856)])
def test_counts_of_the_mxnet_form(alpha: float, count: int) -> None:
    form = network(alpha, rounding="truncate", expand_first=True, classifier_bias=False)
    assert values(counting.parameters(counting.parts(form)))[1] == count


@pytest.mark.parametrize(("alpha", "printed"), [(1.0, 0.615), (1.4, 1.183)])
def test_operations_with_everything_counted(alpha: float, printed: float) -> None:
    """GFLOPs that Open Model Zoo prints."""
    assert round(values(counting.operations(parts(alpha, 1001)))[1] / 1e9, 3) == printed
