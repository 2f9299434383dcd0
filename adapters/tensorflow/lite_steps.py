"""The steps of a .tflite file, and the values behind them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from adapters.common.canonical import as_value
from adapters.common.contract import AdapterError, single
from adapters.common.drafts import NO_PADS, Draft, Pads, Stored
from adapters.common.steps import SOURCE, Level, Step
from adapters.common.walk import Walk, Window
from adapters.tensorflow import lite
from adapters.tensorflow.steps import pads_of, plain

TYPES = {
    schema.TensorType.FLOAT32: "float32", schema.TensorType.FLOAT16: "float16", schema.TensorType.INT8: "int8",
    schema.TensorType.UINT8: "uint8", schema.TensorType.INT16: "int16", schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
}  # fmt: skip
LEVELS = ("uint8", "int8", "int16")
KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
# What changes no value, or only where it stands, or how it is stored
PASSED = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST", "DEQUANTIZE")
ASKING = ("SHAPE", "RANK")  # they give numbers about a value, not the value
ACTIVATIONS = {
    "LOGISTIC": "sigmoid", "TANH": "tanh", "HARD_SWISH": "hard_swish", "LEAKY_RELU": "leaky_relu", "ELU": "elu",
    "GELU": "gelu", "PRELU": "prelu",
}  # fmt: skip
CLIPS: Mapping[str, Tuple[float, Optional[float]]] = {
    "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1),
}  # fmt: skip
FUSED = {
    schema.ActivationFunctionType.RELU: "RELU",
    schema.ActivationFunctionType.RELU6: "RELU6",
    schema.ActivationFunctionType.RELU_N1_TO_1: "RELU_N1_TO_1",
}


def read(path: Path) -> List[Step]:
    """Steps of the file. A softmax at the end belongs to no step."""
    return _Reader(path).steps()


def values(path: Path, threads: int, batch: np.ndarray) -> Iterator[Tuple[int, np.ndarray]]:
    """What stands behind the steps, from one run of a copy of the file in which all of them are outputs.

    The kernels are those of `predict`: XNNPACK's, where it takes an operator over. It may fuse fewer operators than
    there, as it has to tell what stands between them, so that last digits can differ.
    batch: as the network takes it. See canonical.as_value.
    """
    reader = _Reader(path)
    told = {number: step for number, step in enumerate(reader.steps()) if step.output}
    places = [reader.places[step.output] for step in told.values()]
    interpreter = lite.exposed(path, threads, len(batch), places)
    (source,) = interpreter.get_input_details()
    interpreter.set_tensor(source["index"], batch)
    interpreter.invoke()
    for place, (number, step) in zip(places, told.items()):
        yield number, as_value(step, interpreter.get_tensor(place))


class _Reader:
    """Reads the operators of a file's graph; tensors go by their names, with their number where two have one name."""

    def __init__(self, path: Path) -> None:
        self.model = lite.parsed(path)
        graph = self.model.subgraphs[0]
        self.operators = graph.operators
        self.names = _names(graph.tensors)
        self.places = {name: place for place, name in enumerate(self.names)}
        self.tensors = dict(zip(self.names, graph.tensors))
        self.shapes = {
            self.names[place]: shape for place, shape in lite.shapes(path).items() if place < len(self.names)
        }
        self.unpacked: Dict[str, Stored] = {}  # constants that come out of an operator
        source, self.target = (
            self.names[single(places, [self.names[place] for place in places], what)]
            for places, what in ((graph.inputs, "input"), (graph.outputs, "output"))
        )
        asked = (set(self._inputs(each)) for each in self.operators if self._kind(each) not in ASKING)
        self.walk = Walk(Counter(name for names in asked for name in names))
        height, width = self.shapes[source][1:3]
        self.walk.source(source, "NHWC", (height, width))
        self._levelled(source)

    def steps(self) -> List[Step]:
        """Steps that lead to the output."""
        for operator in self.operators:
            kind = self._kind(operator)
            names, target = self._inputs(operator), self.names[operator.outputs[0]]
            flowing = self.walk.known(names)
            if flowing and kind not in ASKING:
                self._read(kind, operator.builtinOptions, names, flowing, target)
                self._rounded(kind, flowing[0], target)
            elif not flowing and kind in PASSED and names:
                stored = self.constant(names[0])
                self.unpacked.update({} if stored is None else {target: stored})
        return self.walk.steps(self.target)

    def _kind(self, operator: Any) -> str:
        code = self.model.operatorCodes[operator.opcodeIndex]
        # files from before 2020 have the operator in a byte of its own
        return KINDS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "unknown")

    def _inputs(self, operator: Any) -> List[str]:
        """Names of an operator's inputs, "" where one is left out."""
        return ["" if place < 0 else self.names[place] for place in operator.inputs]

    def _read(self, kind: str, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        source = flowing[0]
        if kind in OPERATORS:
            OPERATORS[kind](self, given, names, flowing, target)
        elif kind in CLIPS:
            self.walk.clipped(source, target, *CLIPS[kind], kind.lower())
        elif kind in ACTIVATIONS:
            self.walk.activated(source, target, ACTIVATIONS[kind])
        elif kind in PASSED:
            self.walk.passed(source, target)
        else:
            self.walk.noted(source, target, kind.lower())
        function = getattr(given, "fusedActivationFunction", 0)
        if function:
            self._activated(target, function)

    def _activated(self, target: str, function: int) -> None:
        """The function in an operator's own options, which everyone who reads its output gets."""
        flow, name = self.walk.flows[target], FUSED.get(function)
        if flow.step == SOURCE or flow.before:
            self.walk.noted(target, target, (name or f"function {function}").lower())
        elif name is None:
            draft = self.walk.drafts[flow.step]
            draft.other = (*draft.other, f"function {function}")
        else:
            self.walk.drafts[flow.step].clip(*CLIPS[name])

    def _rounded(self, kind: str, source: str, target: str) -> None:
        """The integers of an operator's output, which are the step's output if the operator computes at all."""
        level = self._level(target)
        if level is None:
            return
        if kind == "QUANTIZE" or kind not in (*PASSED, "PAD", "PADV2", "TRANSPOSE", "MAX_POOL_2D"):
            self.walk.quantised(target, target, level)
        self._levelled(target)

    def _levelled(self, name: str) -> None:
        """Everyone reads the integers of a tensor by the tensor's own scale and zero point."""
        level = self._level(name)
        if level is not None:
            self.walk.dequantised(name, name, level)

    # weighted

    def conv(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """CONV_2D of OHWI."""
        self._convolved(given, names, flowing[0], target, self.stored(names, (0, 3, 1, 2)))

    def depthwise(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """DEPTHWISE_CONV_2D of (1, height, width, channels)."""
        self._convolved(given, names, flowing[0], target, self.stored(names, (3, 0, 1, 2)))

    def _convolved(self, given: Any, names: List[str], source: str, target: str, weight: Optional[Stored]) -> None:
        height, width = (1, 1) if weight is None else weight.values.shape[2:]
        groups = 1 if weight is None else self.shapes[names[0]][3] // weight.values.shape[1]
        reach = ((height - 1) * given.dilationHFactor + 1, (width - 1) * given.dilationWFactor + 1)
        window = self._window(given, names[0], reach)
        self._biased(self.walk.layer(target, source, target, weight, window, groups), names)

    def matrix(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """FULLY_CONNECTED by (classes, in)."""
        self._biased(self.walk.product(target, flowing[0], target, self.stored(names, (0, 1))), names)

    def _biased(self, draft: Draft, names: List[str]) -> None:
        bias = self.constant(names[2]) if len(names) > 2 and names[2] else None
        draft.bias = None if bias is None else bias.flat

    # sums and products

    def total(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """ADD of two values, or of a constant."""
        constant = self.only_constant(names)
        if len(flowing) > 1:
            self.walk.summed(target, flowing, target)
        else:
            self.walk.shifted(flowing[0], target, np.zeros(1) if constant is None else constant)

    def arithmetic(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """SUB, MUL and DIV with a constant as the second; MUL with one as either."""
        kind, constant = type(given).__name__[:3].lower(), self.only_constant(names)
        if kind == "mul" and len(flowing) > 1:
            self.walk.multiplied(flowing, target)
        elif len(flowing) > 1 or constant is None or (kind != "mul" and flowing[0] != names[0]):
            self.walk.noted(flowing[0], target, kind)
        elif kind == "sub":
            self.walk.shifted(flowing[0], target, constant, "sub")
        else:
            self.walk.scaled(flowing[0], target, constant, kind)

    # bounds

    def least(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """MINIMUM with a constant."""
        self._bound("minimum", names, flowing, target)

    def most(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """MAXIMUM with a constant."""
        self._bound("maximum", names, flowing, target)

    def _bound(self, words: str, names: List[str], flowing: List[str], target: str) -> None:
        constant = self.only_constant(names)
        if len(flowing) > 1 or constant is None or constant.size != 1:
            self.walk.noted(flowing[0], target, words)
            return
        limit = plain(constant)
        low, high = (None, limit) if words == "minimum" else (limit, None)
        self.walk.clipped(flowing[0], target, low, high, words)

    # pooling and layout

    def padding(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """PAD and PADV2 with zeros, or with the lowest value before a max pooling."""
        around, filled = self.constant(names[1]), self.constant(names[2]) if len(names) > 2 else None
        axes = self.walk.flows[flowing[0]].axes
        value = 0.0 if filled is None else float(filled.flat[0])
        if around is None or len(around.values) != len(axes) or not (value == 0 or value <= np.finfo(np.float32).min):
            self.walk.noted(flowing[0], target, f"pad({value:.6g})")
        else:
            self.walk.padded(flowing[0], target, pads_of(around.values, axes))

    def largest(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """MAX_POOL_2D."""
        window = self._window(given, names[0], (given.filterHeight, given.filterWidth))
        self.walk.largest(target, flowing[0], target, window)

    def average(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """AVERAGE_POOL_2D."""
        self.walk.averaged(target, flowing[0], target, (given.filterHeight, given.filterWidth))

    def mean(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """MEAN over both axes of the image."""
        axes, chosen = self.walk.flows[flowing[0]].axes, self.constant(names[1])
        over = {axes[int(at)] for at in chosen.flat} if chosen is not None and len(axes) == 4 else set()
        if over != {"H", "W"}:
            self.walk.noted(flowing[0], target, f"mean over {''.join(sorted(over))}")
        else:
            self.walk.averaged(target, flowing[0], target)

    def turned(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """TRANSPOSE."""
        order = self.constant(names[1])
        self.walk.turned(flowing[0], target, [] if order is None else [int(axis) for axis in order.flat])

    def again(self, given: Any, names: List[str], flowing: List[str], target: str) -> None:
        """QUANTIZE: to integers, or to those of another scale."""
        self.walk.passed(flowing[0], target)

    def _window(self, given: Any, source: str, reach: Tuple[int, int]) -> Window:
        stride = (int(given.strideH), int(given.strideW))
        pads: Optional[Pads] = NO_PADS
        if given.padding == schema.Padding.SAME:
            height, width = self.shapes[source][1:3]
            pads = Window(reach, stride, None).pads_of((height, width))
        return Window(reach, stride, pads)

    # constants

    def stored(self, names: List[str], axes: Sequence[int]) -> Optional[Stored]:
        """The weights of an operator, with their axes in another order."""
        found = self.constant(names[1])
        if found is None:
            return None
        return Stored(np.ascontiguousarray(found.values.transpose(axes)), found.bits, found.scale, found.zero)

    def only_constant(self, names: Sequence[str]) -> Optional[np.ndarray]:
        """The one input that is stored."""
        found = (self.constant(name) for name in names if name)
        return next((stored.flat for stored in found if stored is not None), None)

    def constant(self, name: str) -> Optional[Stored]:
        """A stored tensor as real numbers; None of a computed one."""
        if name in self.unpacked or name in self.walk.flows:
            return self.unpacked.get(name)
        tensor = self.tensors[name]
        data = self.model.buffers[tensor.buffer].data
        if data is None:
            return None
        if tensor.type not in TYPES:
            raise AdapterError(f"{name}: expected a stored tensor of {', '.join(TYPES.values())}, got {tensor.type}")
        shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
        return _real(np.frombuffer(bytes(bytearray(data)), TYPES[tensor.type]).reshape(shape), tensor)

    def _level(self, name: str) -> Optional[Level]:
        """How the integers of a tensor are read; None of floats."""
        tensor = self.tensors[name]
        scales, zeros = _quantised(tensor)
        kind = TYPES.get(tensor.type, "")
        if scales is None or zeros is None or kind not in LEVELS:
            return None
        return Level(float(scales[0]), int(zeros[0]), kind)


OPERATORS = {
    "CONV_2D": _Reader.conv,
    "DEPTHWISE_CONV_2D": _Reader.depthwise,
    "FULLY_CONNECTED": _Reader.matrix,
    "ADD": _Reader.total,
    **dict.fromkeys(("SUB", "MUL", "DIV"), _Reader.arithmetic),
    "MINIMUM": _Reader.least,
    "MAXIMUM": _Reader.most,
    **dict.fromkeys(("PAD", "PADV2"), _Reader.padding),
    "MAX_POOL_2D": _Reader.largest,
    "AVERAGE_POOL_2D": _Reader.average,
    "MEAN": _Reader.mean,
    "TRANSPOSE": _Reader.turned,
    "QUANTIZE": _Reader.again,
}


def _real(stored: np.ndarray, tensor: Any) -> Stored:
    """A constant as real numbers: scale * (integer - zero), along the axis that the tensor names."""
    scales, zeros = _quantised(tensor)
    if scales is None or zeros is None or stored.dtype.kind == "f":
        return Stored(stored.astype(np.float32) if stored.dtype.kind == "f" else stored, 8 * stored.dtype.itemsize)
    axes = [1] * stored.ndim
    if len(scales) > 1:
        axes[tensor.quantization.quantizedDimension] = len(scales)
    real = (stored.astype(np.float64) - zeros.reshape(axes)) * scales.astype(np.float64).reshape(axes)
    return Stored(real.astype(np.float32), 8 * stored.dtype.itemsize, scales, zeros)


def _quantised(tensor: Any) -> Tuple[Optional[np.ndarray], Optional[np.ndarray]]:
    """Scales float32 and zero points int64 of a tensor, one or one for each channel; None of others."""
    given = tensor.quantization
    if given is None or given.scale is None or not len(given.scale):
        return None, None
    scales = np.asarray(given.scale, np.float32)
    zeros = np.zeros(len(scales)) if given.zeroPoint is None else given.zeroPoint
    return scales, np.broadcast_to(np.asarray(zeros, np.int64), scales.shape)


def _names(tensors: Sequence[Any]) -> List[str]:
    names = [tensor.name.decode() if isinstance(tensor.name, bytes) else str(tensor.name) for tensor in tensors]
    twice = {name for name, count in Counter(names).items() if count > 1 or not name}
    return [f"{name}#{place}" if name in twice else name for place, name in enumerate(names)]
