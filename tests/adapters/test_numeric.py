"""Numeric steps (adapters/common/numeric.py) against numpy written out, in both layouts."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.documents.load import load_zoo

PIXELS = np.random.default_rng(1).integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
Steps = list[dict[str, Any]]
Apply = Callable[[Steps, NDArray[Any]], NDArray[Any]]


@pytest.fixture(scope="module")
def apply() -> Apply:
    module = importlib.import_module("adapters.common.numeric")
    found: Apply = module.apply
    return found


def layout(order: str) -> dict[str, Any]:
    return {"op": "layout", "order": order}


def as_nhwc(values: NDArray[Any], order: str) -> NDArray[Any]:
    return values.transpose(0, 2, 3, 1) if order == "nchw" else values


@pytest.mark.parametrize("order", ["nchw", "nhwc"])
def test_arithmetic_is_float32_in_the_order_given(apply: Apply, order: str) -> None:
    steps: Steps = [{"op": "divide", "by": 255}, {"op": "normalise", "mean": MEAN, "std": STD}, layout(order)]
    wanted: NDArray[Any] = PIXELS.astype(np.float32) / np.float32(255)
    wanted = (wanted - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    found = apply(steps, PIXELS)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert np.array_equal(as_nhwc(found, order), wanted)


@pytest.mark.parametrize("order", ["nchw", "nhwc"])
def test_channels_are_reordered_before_what_follows(apply: Apply, order: str) -> None:
    steps: Steps = [
        {"op": "channels", "order": "bgr"},
        {"op": "normalise", "mean": [1, 2, 3], "std": [1, 1, 1]},
        layout(order),
    ]
    wanted = PIXELS[..., ::-1].astype(np.float32) - np.array([1, 2, 3], np.float32)
    assert np.array_equal(as_nhwc(apply(steps, PIXELS), order), wanted)


@pytest.mark.parametrize("order", ["nchw", "nhwc"])
def test_pixels_stay_bytes_without_arithmetic(apply: Apply, order: str) -> None:
    found = apply([layout(order)], PIXELS)
    assert found.dtype == np.uint8
    assert np.array_equal(as_nhwc(found, order), PIXELS)


def test_the_store_is_never_written_to(apply: Apply) -> None:
    store = np.random.default_rng(2).random((2, 4, 4, 3), dtype=np.float32)
    store.flags.writeable = False
    before = store.copy()
    apply([{"op": "subtract", "value": 0.5}, layout("nhwc")], store)
    assert np.array_equal(store, before)


def test_unknown_step_is_named(apply: Apply) -> None:
    with pytest.raises(ValueError, match="numeric step 'sqrt' is not known"):
        apply([{"op": "sqrt"}, layout("nhwc")], PIXELS)


@pytest.mark.parametrize("name", list(load_zoo("published").numerics))
def test_every_numeric_part_can_be_applied(apply: Apply, name: str) -> None:
    steps = [step.to_json() for step in load_zoo("published").numerics[name].steps]
    found = apply(steps, PIXELS)
    assert np.isfinite(found.astype(np.float32)).all()
    assert found.size == PIXELS.size
