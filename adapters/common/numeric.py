"""The numeric steps of a recipe: stored pixels to the network's input, in float32, in the order given.

Steps are dicts as in recipes.toml: divide {by}, subtract {value}, normalise {mean, std}, channels {order: "bgr"},
layout {order: "nchw" | "nhwc"} (always last). Without arithmetic the pixels stay uint8.
"""

from __future__ import annotations

from typing import Any, Dict, Sequence

import numpy as np

Step = Dict[str, Any]


def apply(steps: Sequence[Step], pixels: np.ndarray) -> np.ndarray:
    """Input of the network for `pixels`.

    pixels: uint8 or float32 (N, H, W, 3), NHWC, RGB, 0..255 (or as the recipe's geometry left it).
    Returns a contiguous array (N, 3, H, W) or (N, H, W, 3), uint8 if no step computes, else float32.
    """
    planar = steps[-1]["order"] == "nchw"
    values = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)) if planar else np.ascontiguousarray(pixels)
    axis = 1 if planar else 3
    for step in steps[:-1]:
        values = _applied(step, values, axis)
    return np.ascontiguousarray(values)


def _applied(step: Step, values: np.ndarray, axis: int) -> np.ndarray:
    op = step["op"]
    if op == "channels":
        return np.flip(values, axis)
    if values.dtype == np.uint8:
        values = values.astype(np.float32)
    if not values.flags.c_contiguous or not values.flags.writeable:
        values = values.copy()
    if op == "divide":
        values /= np.float32(step["by"])
    elif op == "subtract":
        values -= np.float32(step["value"])
    elif op == "normalise":
        for operator, constants in ((np.subtract, step["mean"]), (np.divide, step["std"])):
            _by_channel(operator, values, np.asarray(constants, np.float32), axis)
    else:
        raise ValueError(f"numeric step {op!r} is not known; known: divide, subtract, normalise, channels, layout")
    return values


def _by_channel(operator: np.ufunc, values: np.ndarray, constants: np.ndarray, axis: int) -> None:
    """`operator` in place with one constant a channel."""
    if axis == 1:
        operator(values, constants[:, None, None], out=values)
        return
    # A broadcast over a last axis of length 3 makes numpy loop three elements at a time; whole rows are much faster.
    n, height, width, channels = values.shape
    rows = values.reshape(n, height, width * channels)
    operator(rows, np.tile(constants, width), out=rows)
