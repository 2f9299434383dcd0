"""The steps of a .tflite file, and the values behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from adapters.common.contract import AdapterError, single
from adapters.common.steps import Level, Step
from adapters.common.walk import START, UNPADDED, Bounds, Pads, Value, Walk, same_pads
from adapters.tensorflow import lite
from adapters.tensorflow.steps import arranged

TYPES = {
    schema.TensorType.FLOAT32: "float32", schema.TensorType.FLOAT16: "float16", schema.TensorType.INT8: "int8",
    schema.TensorType.UINT8: "uint8", schema.TensorType.INT16: "int16", schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
}  # fmt: skip
LEVELS = ("uint8", "int8", "int16")
KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
FUSED: Mapping[int, Bounds] = {
    schema.ActivationFunctionType.RELU: (0, None),
    schema.ActivationFunctionType.RELU6: (0, 6),
    schema.ActivationFunctionType.RELU_N1_TO_1: (-1, 1),
}
ALONE: Mapping[str, Bounds] = {"RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1)}
# What changes no value that is compared, or only where it stands
PASSING = (
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SOFTMAX", "LOG_SOFTMAX", "QUANTIZE", "DEQUANTIZE", "CAST",
    "SHAPE", "STRIDED_SLICE", "PACK",
)  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """A constant. real: its values as real numbers; integers: with shapes and axes as they are."""

    real: np.ndarray
    bits: int
    scale: Optional[np.ndarray] = None
    zero: Optional[np.ndarray] = None


def read(path: Path) -> List[Step]:
    """Steps of the file. Where no activation is stated, the range of a quantised output tells it (walk.implied)."""
    return _Reader(path).steps()


def values(path: Path, threads: int, batch: np.ndarray) -> Iterator[Tuple[int, np.ndarray]]:
    """What stands behind the steps, from one run of a copy of the file in which all of them are outputs.

    Kernels are the ones that `predict` uses, XNNPACK's where it takes an operator over. It may fuse fewer operators,
    as it has to tell what stands between them; a last digit can differ by that.
    batch: as the network takes it -> float32 (N, channels, height, width), of the classifier (N, classes).
    """
    reader = _Reader(path)
    steps = reader.steps()
    wanted = [reader.indices[step.output] for step in steps]
    interpreter = lite.exposed(path, threads, len(batch), wanted)
    (source,) = interpreter.get_input_details()
    interpreter.set_tensor(source["index"], batch)
    interpreter.invoke()
    for number, (index, step) in enumerate(zip(wanted, steps)):
        value = interpreter.get_tensor(index)
        if value.dtype.kind != "f":
            level = _level(reader.tensors[index])
            if level is None:
                continue
            value = (value.astype(np.float32) - np.float32(level.zero)) * np.float32(level.scale)
        yield number, arranged(value, step)


class _Reader:
    """Reads the operators of a file's graph."""

    def __init__(self, path: Path) -> None:
        self.model = lite.parsed(path)
        graph = self.model.subgraphs[0]
        self.tensors, self.operators = graph.tensors, graph.operators
        self.target = int(single(graph.outputs, [_name(self.tensors[index]) for index in graph.outputs], "output"))
        self.shapes = lite.shapes(path)
        self.walk = Walk()
        self.values: Dict[int, Value] = {int(index): START for index in graph.inputs}
        self.constants: Dict[int, Stored] = {}
        self.indices: Dict[str, int] = {}  # of tensors by name

    def steps(self) -> List[Step]:
        """Steps that lead to the output."""
        for operator in self.operators:
            self._read(operator)
        return self.walk.finished(self.values[self.target])

    def _read(self, operator: Any) -> None:
        code = self.model.operatorCodes[operator.opcodeIndex]
        kind = KINDS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "an unknown one")
        inputs = [int(index) for index in operator.inputs]
        output = int(operator.outputs[0])
        fed = [self.values[index] for index in inputs if index in self.values]
        if not fed:
            self._fold(kind, inputs, output)
            return
        if kind in PASSING:
            self.values[output] = fed[0]
            return
        if len(fed) > (2 if kind == "ADD" else 1):
            raise AdapterError(f"{self._name(output)}: an operator {kind} of {len(fed)} computed values is no step")
        self.indices[self._name(output)] = output
        value = self._step(kind, operator, inputs, output, fed)
        self.walk.produces(value, _level(self.tensors[output]))
        self.values.update((int(index), value) for index in operator.outputs)

    def _step(self, kind: str, operator: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        name = self._name(output)
        if kind in READERS:
            value = READERS[kind](self, operator.builtinOptions, inputs, output, fed)
        elif kind in ALONE:
            return self.walk.clip(fed[0], ALONE[kind], name)
        else:
            return self.walk.other(fed[0], kind, name)
        function = getattr(operator.builtinOptions, "fusedActivationFunction", 0)
        if function in FUSED:
            return self.walk.clip(value, FUSED[function], name)
        return value if not function else self.walk.other(value, f"function {function}", name)

    def _fold(self, kind: str, inputs: List[int], output: int) -> None:
        """An operator on constants: those that unpack them leave their values as they are."""
        stored = self.constant(inputs[0])
        if kind not in PASSING:
            raise AdapterError(f"{self._name(output)}: an operator {kind} of constants cannot be read")
        self.constants[output] = stored

    def conv(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """CONV_2D of OHWI, DEPTHWISE_CONV_2D of (1, height, width, channels)."""
        stored = self.constant(inputs[1])
        depthwise = isinstance(given, schema.DepthwiseConv2DOptionsT)
        weight = stored.real.transpose(3, 0, 1, 2) if depthwise else stored.real.transpose(0, 3, 1, 2)
        kernel = (int(weight.shape[2]), int(weight.shape[3]))
        apart = (given.dilationHFactor, given.dilationWFactor)
        reach = [1 + (side - 1) * step for side, step in zip(kernel, apart)]
        channels = self.shapes[inputs[0]][3]
        step = Step(
            name=self._name(output),
            kind="conv",
            inputs=(),
            output=self._name(output),
            weight=np.ascontiguousarray(weight, np.float32),
            bias=self._bias(inputs),
            weight_scale=stored.scale,
            weight_zero=stored.zero,
            bits=stored.bits,
            stride=_stride(given),
            pads=self._pads(given, inputs, reach),
            groups=channels // weight.shape[1],
            kernel=kernel,
            consumed=self._consumed(inputs[:1]),
        )
        return self.walk.add_step(fed, step)

    def matrix(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """FULLY_CONNECTED by (classes, in)."""
        stored = self.constant(inputs[1])
        step = Step(
            name=self._name(output),
            kind="classifier",
            inputs=(),
            output=self._name(output),
            weight=stored.real,
            bias=self._bias(inputs),
            weight_scale=stored.scale,
            weight_zero=stored.zero,
            bits=stored.bits,
            consumed=self._consumed(inputs[:1]),
        )
        return self.walk.add_step(fed, step)

    def total(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """ADD of two values, or of a constant."""
        name = self._name(output)
        if len(fed) == 2:
            return self.walk.add_step(fed, Step(name, "add", (), name, consumed=self._consumed(inputs)))
        return self.walk.shift(fed[0], self._only_constant(inputs), name)

    def difference(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """SUB: a constant is taken away, or a constant less the value."""
        name, constant = self._name(output), self._only_constant(inputs)
        if inputs[0] in self.values:
            return self.walk.shift(fed[0], -constant, name)
        return self.walk.shift(self.walk.scale(fed[0], np.array([-1], np.float32), name), constant, name)

    def product(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """MUL by a constant."""
        return self.walk.scale(fed[0], self._only_constant(inputs), self._name(output))

    def quotient(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """DIV by a constant."""
        name = self._name(output)
        if inputs[0] not in self.values:
            return self.walk.other(fed[0], "1 / x", name)
        return self.walk.scale(fed[0], 1 / self._only_constant(inputs), name)

    def least(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """MINIMUM with a constant."""
        bound, name = self._only_constant(inputs), self._name(output)
        if bound.size != 1:
            return self.walk.other(fed[0], "MINIMUM", name)
        return self.walk.clip(fed[0], (None, float(bound.ravel()[0])), name)

    def largest(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """MAXIMUM with a constant."""
        bound, name = self._only_constant(inputs), self._name(output)
        if bound.size != 1:
            return self.walk.other(fed[0], "MAXIMUM", name)
        return self.walk.clip(fed[0], (float(bound.ravel()[0]), None), name)

    def padding(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """PAD, PADV2 and MIRROR_PAD."""
        around = self.constant(inputs[1]).real.astype(int)
        (top, bottom), (left, right) = around[1], around[2]
        return self.walk.pad(fed[0], (top, left, bottom, right))

    def pool(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """MAX_POOL_2D."""
        return self.walk.add_step(fed, self._pooled("max_pool", given, inputs, output))

    def average(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """AVERAGE_POOL_2D; over the whole of its input it is a mean."""
        if [given.filterHeight, given.filterWidth] != list(self.shapes[inputs[0]][1:3]):
            return self.walk.add_step(fed, self._pooled("mean", given, inputs, output))
        return self.mean(given, inputs, output, fed)

    def mean(self, given: Any, inputs: List[int], output: int, fed: List[Value]) -> Value:
        """Over both axes of the image."""
        name = self._name(output)
        return self.walk.add_step(fed, Step(name, "mean", (), name, consumed=self._consumed(inputs[:1])))

    def _pooled(self, kind: str, given: Any, inputs: List[int], output: int) -> Step:
        name, kernel = self._name(output), (given.filterHeight, given.filterWidth)
        pads, consumed = self._pads(given, inputs, kernel), self._consumed(inputs[:1])
        return Step(name, kind, (), name, stride=_stride(given), pads=pads, kernel=kernel, consumed=consumed)

    def constant(self, index: int) -> Stored:
        """A stored tensor; AdapterError if it is computed."""
        if index not in self.constants:
            tensor = self.tensors[index]
            data = self.model.buffers[tensor.buffer].data
            if data is None or tensor.type not in TYPES:
                raise AdapterError(f"{_name(tensor)}: expected a stored tensor of a known type, got none")
            shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
            values = np.frombuffer(bytes(bytearray(data)), TYPES[tensor.type]).reshape(shape)
            self.constants[index] = _stored(values, tensor)
        return self.constants[index]

    def _only_constant(self, inputs: Sequence[int]) -> np.ndarray:
        return next(self.constant(index).real for index in inputs if index not in self.values)

    def _bias(self, inputs: Sequence[int]) -> Optional[np.ndarray]:
        return self.constant(inputs[2]).real if len(inputs) > 2 and inputs[2] >= 0 else None

    def _pads(self, given: Any, inputs: Sequence[int], reach: Sequence[int]) -> Pads:
        if given.padding != schema.Padding.SAME:
            return UNPADDED
        return same_pads(self.shapes[inputs[0]][1:3], reach, _stride(given))

    def _consumed(self, inputs: Sequence[int]) -> Tuple[Level, ...]:
        found = [_level(self.tensors[index]) for index in inputs]
        return tuple(level for level in found if level is not None)

    def _name(self, index: int) -> str:
        return _name(self.tensors[index])


READERS: Mapping[str, Callable[..., Value]] = {
    "CONV_2D": _Reader.conv,
    "DEPTHWISE_CONV_2D": _Reader.conv,
    "FULLY_CONNECTED": _Reader.matrix,
    "ADD": _Reader.total,
    "SUB": _Reader.difference,
    "MUL": _Reader.product,
    "DIV": _Reader.quotient,
    "MINIMUM": _Reader.least,
    "MAXIMUM": _Reader.largest,
    "PAD": _Reader.padding,
    "PADV2": _Reader.padding,
    "MIRROR_PAD": _Reader.padding,
    "MAX_POOL_2D": _Reader.pool,
    "AVERAGE_POOL_2D": _Reader.average,
    "MEAN": _Reader.mean,
}


def _stored(values: np.ndarray, tensor: Any) -> Stored:
    """A constant as real numbers: scale * (integer - zero), along the axis that the tensor names."""
    scales, zeros = _quantised(tensor)
    bits = 8 * values.dtype.itemsize
    if scales is None or zeros is None or values.dtype.kind == "f":
        real = values if values.dtype.kind != "f" else values.astype(np.float32)
        return Stored(real, bits)
    axes = [1] * values.ndim
    if len(scales) > 1:
        axes[tensor.quantization.quantizedDimension] = len(scales)
    real = (values.astype(np.float64) - zeros.reshape(axes)) * scales.astype(np.float64).reshape(axes)
    return Stored(real.astype(np.float32), bits, scales, zeros)


def _quantised(tensor: Any) -> Tuple[Optional[np.ndarray], Optional[np.ndarray]]:
    """Scales float32 and zero points int64 of a tensor, one or one for each channel; None of others."""
    given = tensor.quantization
    if given is None or given.scale is None or not len(given.scale):
        return None, None
    scales = np.asarray(given.scale, np.float32)
    zeros = np.zeros(len(scales)) if given.zeroPoint is None else given.zeroPoint
    return scales, np.broadcast_to(np.asarray(zeros, np.int64), scales.shape)


def _level(tensor: Any) -> Optional[Level]:
    """How the integers of a tensor are read; None of floats."""
    scales, zeros = _quantised(tensor)
    kind = TYPES.get(tensor.type, "")
    if scales is None or zeros is None or kind not in LEVELS:
        return None
    return Level(float(scales[0]), int(zeros[0]), kind)


def _stride(given: Any) -> Tuple[int, int]:
    return int(given.strideH), int(given.strideW)


def _name(tensor: Any) -> str:
    return tensor.name.decode() if isinstance(tensor.name, bytes) else str(tensor.name)
