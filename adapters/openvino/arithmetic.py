"""How OpenVINO adds integer products on this processor, found by small networks whose answers are known.

By default quantised graphs are computed in bytes, and oneDNN cuts their sums off at 16 bits on x86 processors without
VNNI. Without OpenVINO's low-precision transformations, the same graph is computed in float32 on rounded values. Only
this gives the same labels on every processor. By default, float graphs may also be computed in bfloat16, if the
processor can.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple

import numpy as np
import openvino as ov
import openvino.opset8 as ops

EXACT: Dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "LP_TRANSFORMS_MODE": "NO"}
AS_SHIPPED: Dict[str, Any] = {}

DEPTH, CHANNELS, SIDE = 32, 32, 5  # of the small networks: as wide as the kernels' widest step
TOLERANCE = 0.02  # of a sum, in a network that rounds to its 128th part; a sum that was cut off is half as large
# lowest level of 256 steps of data -> values of all data and of all weights whose sums are largest
EXTREMES = [(0, 255, 127), (0, 255, -128), (-128, 127, 127), (-128, 127, -128)]


class Chosen(NamedTuple):
    """settings: of the compiled model; sums, shipped_sums: see contract.ModelInfo; kernels: the settings in words."""

    settings: Dict[str, Any]
    sums: str
    shipped_sums: str
    kernels: str


def chosen(core: ov.Core, quantised: bool, arithmetic: str) -> Chosen:
    """The settings for `arithmetic`, and how integer products are added with them and as the framework comes."""
    shipped = _sums(core, AS_SHIPPED) if quantised else "none"
    if arithmetic != "exact":
        return Chosen(AS_SHIPPED, shipped, shipped, "")
    sums = _sums(core, EXACT) if quantised else "none"
    kernels = f"LP_TRANSFORMS_MODE={EXACT['LP_TRANSFORMS_MODE']}" if quantised else ""
    return Chosen(EXACT, sums, shipped, kernels)


def _sums(core: ov.Core, settings: Dict[str, Any]) -> str:
    return "exact" if all(_is_exact(core, settings, *each) for each in EXTREMES) else "saturating"


def _is_exact(core: ov.Core, settings: Dict[str, Any], lowest: int, data: int, weight: int) -> bool:
    """Whether a quantised convolution of data and weights that are all alike gives their true sum."""
    true = float(data * weight * DEPTH)
    shape = [1, DEPTH, SIDE, SIDE]
    source = ops.parameter(shape, np.float32, name="data")
    stored = ops.convert(ops.constant(np.full((CHANNELS, DEPTH, 1, 1), weight, np.int8)), np.float32)
    scales = ops.constant(np.ones((CHANNELS, 1, 1, 1), np.float32))
    levels = _levels(source, lowest, lowest + 255)
    sums = ops.convolution(levels, ops.multiply(stored, scales), [1, 1], [0, 0], [0, 0], [1, 1])
    network = ov.Model([ops.result(_levels(sums, -abs(true), abs(true)))], [source], "product")
    compiled = core.compile_model(network, "CPU", {"INFERENCE_NUM_THREADS": 1, **settings})
    (answers,) = compiled([np.full(shape, data, np.float32)]).values()
    return bool(np.abs(answers / true - 1).max() <= TOLERANCE)


def _levels(node: Any, low: float, high: float) -> Any:
    """Rounded to 256 levels between two ends."""
    ends = [ops.constant(np.float32(end)) for end in (low, high)]
    return ops.fake_quantize(node, *ends, *ends, 256)
