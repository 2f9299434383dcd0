"""Tensors of an ONNX graph that do not depend on its input: stored, or computed from stored ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from adapters.common.drafts import Stored
from adapters.onnxruntime.facts import Graph

KEEPING = ("Identity", "Cast", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "QuantizeLinear")


class Constants:
    """Looks constants up by name; what is computed is computed once."""

    def __init__(self, model: onnx.ModelProto, graph: Graph) -> None:
        self.graph, self.opsets = graph, list(model.opset_import)
        self.found: Dict[str, Optional[Stored]] = {
            name: Stored.of(array) for name, array in graph.stored.items()
        }  # fmt: skip

    def get(self, name: str) -> Optional[Stored]:
        """A value by name; None where it depends on the input, or is computed by an operator that is not known."""
        if name not in self.found:
            node = self.graph.producers.get(name)
            self.found[name] = None  # a graph that goes in circles ends here
            self.found[name] = None if node is None else self._computed(node, name)
        return self.found[name]

    def of(self, node: onnx.NodeProto, place: int) -> Optional[Stored]:
        """An input of a node; None where it is absent as well."""
        name = node.input[place] if place < len(node.input) else ""
        return self.get(name) if name else None

    def number(self, node: onnx.NodeProto, place: int) -> Optional[float]:
        """A constant input of one number."""
        stored = self.of(node, place)
        return None if stored is None or stored.values.size != 1 else float(stored.flat[0])

    def _computed(self, node: onnx.NodeProto, name: str) -> Optional[Stored]:
        if node.op_type == "Constant":
            attribute = node.attribute[0]
            return Stored.of(np.asarray(helper.get_attribute_value(attribute)))
        inputs = [self.get(each) if each else None for each in node.input]
        if any(stored is None and each for stored, each in zip(inputs, node.input)) or not any(inputs):
            return None
        if node.op_type == "DequantizeLinear":
            axis = next((each.i for each in node.attribute if each.name == "axis"), 1)
            return real(inputs[0], inputs[1], inputs[2] if len(inputs) > 2 else None, axis)
        values = self._evaluated(node, inputs, name)
        if values is None:
            return None
        given = [each for each in inputs if each is not None]
        if node.op_type in KEEPING:
            return replace(given[0], values=values)
        floats = [each.bits for each in given if each.values.dtype.kind == "f"]
        return Stored(values, min(floats)) if floats and values.dtype.kind == "f" else Stored.of(values)

    def _evaluated(self, node: onnx.NodeProto, inputs: List[Optional[Stored]], name: str) -> Optional[np.ndarray]:
        """The node's answer by ONNX's own definition of its operator."""
        feeds: Dict[str, Any] = {each: stored.values for each, stored in zip(node.input, inputs) if stored is not None}
        values = [
            helper.make_tensor_value_info(each, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for each, array in feeds.items()
        ]
        wanted = helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None)
        body = helper.make_graph([node], "constant", values, [wanted])
        try:
            evaluator = ReferenceEvaluator(helper.make_model(body, opset_imports=self.opsets))
            answers: Any = evaluator.run([name], feeds)
        except Exception:  # what an unknown operator raises has no common name; its value is not known then
            return None
        return np.asarray(answers[0])


def real(stored: Optional[Stored], scale: Optional[Stored], zero: Optional[Stored], axis: int = 0) -> Optional[Stored]:
    """Stored integers as real numbers; scale and zero of one value, or one for each place of `axis`."""
    if stored is None or scale is None:
        return stored
    factors = scale.flat
    zeros = np.zeros(1, np.int32) if zero is None else zero.values.astype(np.int32).reshape(-1)
    along = [1] * stored.values.ndim
    if max(factors.size, zeros.size) > 1:
        along[axis] = -1
    apart = [values.reshape(along if values.size > 1 else [1] * len(along)) for values in (zeros, factors)]
    values = (stored.values.astype(np.float32) - apart[0].astype(np.float32)) * apart[1]
    return Stored(values.astype(np.float32), stored.bits, factors, zeros)
