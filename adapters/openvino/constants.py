"""Tensors of an OpenVINO graph that do not depend on its input: stored, or computed from stored ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np
import openvino as ov

from adapters.common.drafts import Stored
from adapters.common.steps import Level


class Range(NamedTuple):
    """What a FakeQuantize rounds to. scale, zero: float32 and int32, one number or one for each channel.

    raw: whether its answers are the integers themselves, not the real numbers that they stand for; signed: and whether
    these begin below zero.
    """

    scale: np.ndarray
    zero: np.ndarray
    raw: bool
    signed: bool

    @property
    def level(self) -> Optional[Level]:
        """None where it differs by channel."""
        if self.scale.size != 1 or self.zero.size != 1:
            return None
        return Level(float(self.scale[0]), int(self.zero[0]), "int8" if self.signed else "uint8")


class Constants:
    """Looks constants up by the port that gives them; what is computed is computed once."""

    def __init__(self) -> None:
        self.found: Dict[str, Optional[Stored]] = {}

    def get(self, port: Any) -> Optional[Stored]:
        """What a port gives; None where it depends on the input, or is computed by an operator that is not known."""
        node = port.get_node()
        name = f"{node.get_name()}:{port.get_index()}"
        if name not in self.found:
            self.found[name] = self._computed(node, port.get_index())
        return self.found[name]

    def of(self, node: Any) -> List[Stored]:
        """The constants among a node's inputs, in their order."""
        return [stored for port in node.input_values() if (stored := self.get(port)) is not None]

    def range_of(self, node: Any) -> Optional[Range]:
        """The levels of a FakeQuantize; None where its bounds are computed."""
        bounds = [self.get(port) for port in node.input_values()[1:]]
        if any(stored is None for stored in bounds):
            return None
        low, high, least, most = (stored.flat.astype(np.float64) for stored in bounds if stored is not None)
        steps = node.get_attributes()["levels"] - 1
        scale = (high - low) / steps
        with np.errstate(divide="ignore", invalid="ignore"):
            zero = np.nan_to_num(np.rint(least - low / scale))
            raw = bool(np.all(least == np.rint(least)) and np.all(most - least == steps) and np.any(scale != 1))
            if not raw:
                zero = np.nan_to_num(np.rint(-least / ((most - least) / steps)))
                scale = (most - least) / steps
        return Range(scale.astype(np.float32), zero.astype(np.int32), raw, raw and bool(np.any(least < 0)))

    def _computed(self, node: Any, place: int) -> Optional[Stored]:
        """The answer of a node at one of its places."""
        kind = node.get_type_name()
        if kind == "Constant":
            return _stored(node)
        if kind == "ShapeOf":
            shape = node.get_input_partial_shape(0)
            return Stored(np.array(shape.to_shape(), np.int64), 64) if shape.is_static else None
        inputs = [self.get(port) for port in node.input_values()]
        if not inputs or any(stored is None for stored in inputs):
            return None
        given = [stored for stored in inputs if stored is not None]
        values = _evaluated(node, given, place)
        if values is None:
            return None
        largest = max(given, key=lambda stored: stored.values.size)
        found = replace(largest, values=values)
        if kind == "FakeQuantize":
            levels = self.range_of(node)
            return found if levels is None else replace(found, scale=levels.scale, zero=levels.zero)
        if kind in ("Subtract", "Multiply") and largest.bits == 8:
            return _read(found, kind, given[1] if largest is given[0] else given[0])
        return found


def _read(found: Stored, kind: str, other: Stored) -> Stored:
    """Integers on their way to real numbers: first the zero point is subtracted, then the scale is multiplied."""
    if kind == "Subtract":
        return replace(found, zero=np.rint(other.flat).astype(np.int32))
    if found.scale is not None:
        return replace(found, scale=found.scale * other.flat)
    return replace(found, scale=other.flat, zero=np.zeros(1, np.int32) if found.zero is None else found.zero)


def _stored(node: Any) -> Stored:
    kind = node.get_element_type()
    if kind.to_string() in ("bf16", "u4", "i4"):
        return Stored(np.asarray(node.get_data(dtype=np.float32)), kind.bitwidth)
    return Stored.of(np.array(node.get_data()))


def _evaluated(node: Any, inputs: List[Stored], place: int) -> Optional[np.ndarray]:
    """The node's answer by OpenVINO's own definition of its operator."""
    kinds = [port.get_element_type() for port in node.input_values()]
    tensors = [_tensor(stored.values, kind) for stored, kind in zip(inputs, kinds)]
    answers = [ov.Tensor(node.get_output_element_type(each), ov.Shape([])) for each in range(node.get_output_size())]
    try:
        if not node.evaluate(answers, tensors):
            return None
    except RuntimeError:
        return None
    return np.array(answers[place].data)


def _tensor(values: np.ndarray, kind: Any) -> ov.Tensor:
    wanted = np.float32 if kind.to_string() == "bf16" else kind.to_dtype()
    return ov.Tensor(np.ascontiguousarray(values, wanted))
