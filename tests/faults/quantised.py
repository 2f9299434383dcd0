"""Quantised networks: levels that producer and consumer read differently, and scales that are wrong."""

from __future__ import annotations

import numpy as np
import onnx

from tests.by_hand import onnx_edits
from tests.faults import plants
from tests.faults.base import ALONE, BESIDE, EITHER, Fault, Form

KIND = "quantised"


def _nth(model: onnx.ModelProto, op: str, number: int) -> onnx.NodeProto:
    """The operator of this kind and number, of those that read data and not weights."""
    stored = {each.name for each in model.graph.initializer}
    return [node for node in model.graph.node if node.op_type == op and node.input[0] not in stored][number]


def other_value(op: str, number: int, place: int, factor: float = 1, shift: int = 0) -> onnx_edits.Edit:
    """The operator reads its own constant in this place: the stored one times a factor and moved."""

    def edit(model: onnx.ModelProto) -> None:
        node = _nth(model, op, number)
        value = onnx_edits.stored(model)[node.input[place]]
        moved = value.astype(np.float64) * factor + shift
        if value.dtype != np.float32:
            limits = np.iinfo(value.dtype)
            moved = np.clip(moved, limits.min, limits.max)
        onnx_edits.with_constant(node.output[0], place, moved.astype(value.dtype))(model)

    return edit


def _fault(
    name: str, what: str, form: str, edit: onnx_edits.Edit, *expected: str, forms: tuple[Form, ...] = EITHER
) -> Fault:
    return Fault(name, KIND, plants.graph(edit), frozenset(expected), what, forms, base=form)


READ = ("file.zero_points",)  # of scale and zero point: producer and consumer disagree
FAULTS = (
    _fault("zero_point_read_20", "one value is read with a zero point that is 40 too high", "QDQ",
           other_value("DequantizeLinear", 20, 2, shift=40), *READ),
    _fault("zero_point_read_46", "one value is read with a zero point that is 25 too low", "QDQ",
           other_value("DequantizeLinear", 46, 2, shift=-25), *READ),
    _fault("scale_read_30", "one value is read with twice its scale", "QDQ",
           other_value("DequantizeLinear", 30, 1, factor=2), *READ),
    _fault("zero_point_of_conv_12", "one convolution reads its input with a zero point that is 40 too high",
           "QOperator", other_value("QLinearConv", 12, 2, shift=40), *READ),
    _fault("scale_of_conv_25", "one convolution reads its input with half its scale", "QOperator",
           other_value("QLinearConv", 25, 1, factor=0.5), *READ),
    _fault("weights_of_conv_8", "one convolution reads its weights with twice their scale", "QOperator",
           other_value("QLinearConv", 8, 4, factor=2), "file.scaled_layer", "file.layers_differ",
           forms=(BESIDE, ALONE)),
)  # fmt: skip
