"""What the author of an adapter writes, and the checks that all adapters share.

An adapter subclasses `Adapter` and writes the five underscored methods. The public methods around them refuse a
wrong shape or dtype before the framework sees it, and a NaN or a wrong class count after.
Only numpy and the standard library, so that it runs under the oldest Python any framework needs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Collection, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from adapters.common.network import Network
from adapters.common.steps import Step

ARITHMETICS = ("exact", "as-shipped")
DTYPES = ("float32", "uint8", "int8")  # of an input
BLANK_SIDE = 224  # pixels of a blank image, where no record says the size of the input
SHOWN = 5  # names in an error, the rest is a number


class AdapterError(Exception):
    """A checkpoint or a request does not fit; the message says what, expected, got."""


class OutputError(AdapterError):
    """The framework's answer is not usable: wrong shape, NaN."""


def listed(names: Sequence[str]) -> str:
    """The first names of a list in an error."""
    return "; ".join(names[:SHOWN]) + ("; ..." if len(names) > SHOWN else "")


def refuse_unknown(fmt: str, known: Collection[str], done: str) -> None:
    """Refuse a format that is not among the known ones. done: "read" or "written"."""
    if fmt not in known:
        raise AdapterError(f"format {fmt!r} is not {done} here; known: {', '.join(known)}")


def single(values: Sequence[Any], names: Sequence[str], what: str) -> Any:
    """The only one of `values`; AdapterError with the `names` of all if it is not the only one. what: "input", ..."""
    if len(values) != 1:
        raise AdapterError(f"expected one {what}, got {len(values)}: {listed(names) or 'none'}")
    return values[0]


def file_of(files: Sequence[Path], *suffixes: str) -> Path:
    """The only one of a checkpoint's files whose name ends in one of `suffixes`."""
    fitting = [path for path in files if path.name.endswith(suffixes)]
    if len(fitting) != 1:
        names = [path.name for path in files]
        raise AdapterError(f"expected one {' or '.join(suffixes)} file among the checkpoint's files, got {names}")
    return fitting[0]


def image_input(name: str, shape: Sequence[int], dtype: str) -> None:
    """Refuse an input that takes no images, as floats or bytes."""
    if dtype not in DTYPES or len(shape) != 4:
        expected = f"expected images of one of {', '.join(DTYPES)}"
        raise AdapterError(f"input {name!r}: {expected}, got shape {tuple(shape)} of {dtype}")


def already_started(framework: str, wanted: int, now: object) -> AdapterError:
    """The error where a framework's threads cannot be set any more. now: how many it has."""
    return AdapterError(
        f"threads: wanted {wanted}, but {framework} has already started in this process with {now}; use a fresh worker"
    )


def unlisted(missing: str, file: str, holds: str) -> AdapterError:
    """The error for `missing`, which `file` needs, and which is not among the checkpoint's files."""
    return AdapterError(
        f"{missing} is not among the checkpoint's files; it holds {holds} of {file}: list it in `files` as well"
    )


@dataclass(frozen=True)
class Options:
    """How to run.

    threads: for one operator's work; batch_size: rows per call of the framework; precision: "fp32", the only one that
    is offered; format: which of the adapter's formats the files are in; network: architecture, for formats that hold
    tensors without a graph; extra: the checkpoint's own options.
    arithmetic: "exact" pins float32, and where the framework offers it the kernels that add integer products without
    cutting sums off; "as-shipped" leaves both to the framework's defaults.
    """

    threads: int
    format: str
    batch_size: int = 8
    precision: str = "fp32"
    network: Optional[Network] = None
    extra: Dict[str, Any] = field(default_factory=dict)
    arithmetic: str = "exact"

    @property
    def layers(self) -> Network:
        """The architecture, which a format that holds tensors alone needs."""
        if self.network is None:
            raise AdapterError(f"format {self.format!r} holds tensors without a graph; the option 'network' is missing")
        return self.network

    @property
    def side(self) -> int:
        """Pixels of the input; -1 where no record says it."""
        return self.network.resolution if self.network else -1

    @property
    def blank_side(self) -> int:
        """Pixels of a blank image that shows the size of a graph's layers."""
        return self.network.resolution if self.network else BLANK_SIDE

    @property
    def exact(self) -> bool:
        """Whether the arithmetic is pinned, not left to the framework's defaults."""
        return self.arithmetic == "exact"


@dataclass(frozen=True)
class ModelInfo:
    """What was loaded, read back from the framework.

    input_shape: (batch, ...) with -1 where free; input_dtype: "float32", "uint8" or "int8"; outputs: number of
    scores per image; quantisation: (scale, zero point) of an integer input; threads, precision: in effect.
    integer_sums: how products of integers are added here, "exact", "saturating" (cut off at 16 bits), "unknown", or
    "none" where there are no such products; shipped_sums: the same with the framework's defaults; kernels: which ones
    were chosen, in the framework's own words, "" where there is no choice.
    """

    input_name: str
    input_shape: Tuple[int, ...]
    input_dtype: str
    output_name: str
    outputs: int
    threads: int
    precision: str
    quantisation: Optional[Tuple[float, int]] = None
    integer_sums: str = "none"
    shipped_sums: str = "none"
    kernels: str = ""


class Adapter(ABC):
    """One framework. `load` once, then `predict` as often as wanted; one model per process.

    formats: what it reads; exports: what it writes. Other formats are refused before the underscored methods see them.
    """

    formats: ClassVar[Sequence[str]]
    exports: ClassVar[Sequence[str]]
    info: Optional[ModelInfo] = None

    @abstractmethod
    def versions(self) -> Dict[str, str]:
        """Versions of everything that can change an answer: {"onnxruntime": "1.31.1", "numpy": ...}."""

    @abstractmethod
    def _load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        """Load the checkpoint's files (in the record's order); raise AdapterError naming what does not fit."""

    @abstractmethod
    def _predict(self, batch: np.ndarray) -> np.ndarray:
        """Scores float32 (N, outputs) of a batch whose shape and dtype equal `info`'s; integer outputs dequantised."""

    @abstractmethod
    def _inspect(self, files: Sequence[Path], options: Options) -> Dict[str, Any]:
        """Static facts of the files, in a process that has loaded them or has loaded nothing.

        What layers.facts gives (parameters, multiply-adds), "graph" (whether the files hold one: if not, inputs,
        outputs and activations are this adapter's own), "activations" {"relu6" or "relu" or ...: count},
        "quantised", "ops" {the framework's type: count}, "inputs" and "outputs" (lists of layers.spec), for ONNX
        "opset"; anything else an adapter has to tell.
        """

    def _steps(self, files: Sequence[Path], options: Options) -> List[Step]:
        """The network as the files have it, step by step in network order (see common/steps.py).

        In a process that has loaded them or has loaded nothing.
        """
        raise AdapterError(f"format {options.format!r}: its network cannot be read step by step here")

    def _values(
        self, files: Sequence[Path], options: Options, steps: Sequence[Step], batch: np.ndarray
    ) -> Iterator[Tuple[int, np.ndarray]]:
        """The value behind each step that can be told: its number, and float32 (N, channels, height, width) or
        (N, outputs); integers are read as real numbers.

        steps: what `_steps` gave; batch: as `_predict` takes it. In a process that has loaded the files, and that is
        asked for nothing else afterwards.
        """
        raise AdapterError(f"format {options.format!r}: the values inside the network cannot be read here")

    @abstractmethod
    def _export(self, tensors: Dict[str, np.ndarray], network: Network, fmt: str, target: Path) -> List[Path]:
        """Write canonical tensors (see Network.tensor_shapes) into the folder `target` in the published format."""

    def load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        """Load and remember; see `_load`."""
        for path in files:
            if not path.exists():
                raise AdapterError(f"{path} does not exist")
        refuse_unknown(options.format, self.formats, "read")
        if options.precision != "fp32":
            raise AdapterError(f"precision {options.precision!r} is not offered; known: fp32")
        if options.arithmetic not in ARITHMETICS:
            known = " and ".join(ARITHMETICS)
            raise AdapterError(f"arithmetic {options.arithmetic!r} is not offered; known: {known}")
        self.info = self._load(files, options)
        return self.info

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """Scores of any number of rows, float32 (N, outputs), finite.

        A network with a fixed batch gets the rows in pieces of its size, the last one filled up with its own last
        row; the surplus answers are dropped.
        """
        if self.info is None:
            raise AdapterError("predict before load")
        batch = self._fitted(batch, self.info)
        fixed = self.info.input_shape[0]
        if fixed in (-1, len(batch)):
            scores = self._predict(batch)
        else:
            scores = np.concatenate([self._predict_piece(piece, fixed) for piece in _pieces(batch, fixed)])
        return _checked(scores, (len(batch), self.info.outputs))

    def fitted(self, batch: np.ndarray) -> np.ndarray:
        """The batch as `call` takes it: in the network's shape and dtype, with as many rows as it takes at once."""
        if self.info is None:
            raise AdapterError("fitted before load")
        fixed = self.info.input_shape[0]
        if fixed not in (-1, len(batch)):
            raise AdapterError(f"the network takes {fixed} images a call, so {len(batch)} cannot be timed as one")
        return np.ascontiguousarray(self._fitted(batch, self.info))

    def call(self, fitted: np.ndarray) -> np.ndarray:
        """The framework's own work on a `fitted` batch, and nothing else: what is timed. Scores are not checked."""
        return self._predict(fitted)

    def inspect(self, files: Sequence[Path], options: Options) -> Dict[str, Any]:
        """Static facts of the files; see `_inspect`."""
        refuse_unknown(options.format, self.formats, "read")
        return self._inspect(files, options)

    def steps(self, files: Sequence[Path], options: Options) -> List[Step]:
        """The network as the files have it; see `_steps`."""
        refuse_unknown(options.format, self.formats, "read")
        return self._steps(files, options)

    def values(self, files: Sequence[Path], options: Options, batch: np.ndarray) -> Dict[int, np.ndarray]:
        """What stands behind each step for a batch, by the step's number; see `_values`.

        A network with a fixed batch is given the rows one call after the other.
        """
        if self.info is None:
            raise AdapterError("values before load")
        steps, batch = self._steps(files, options), self._fitted(batch, self.info)
        fixed = self.info.input_shape[0]
        size = len(batch) if fixed == -1 else fixed
        if len(batch) % size:
            raise AdapterError(f"the network takes {fixed} images a call; expected a multiple of it, got {len(batch)}")
        found: Dict[int, List[np.ndarray]] = {}
        for piece in _pieces(batch, size):
            for number, value in self._values(files, options, steps, piece):
                found.setdefault(number, []).append(np.asarray(value, np.float32))
        return {number: np.concatenate(values) for number, values in found.items()}

    def export(self, tensors: Dict[str, np.ndarray], network: Network, fmt: str, target: Path) -> List[Path]:
        """Write tensors in a published format; the files written. See `_export`."""
        refuse_unknown(fmt, self.exports, "written")
        target.mkdir(parents=True, exist_ok=True)
        return self._export(tensors, network, fmt, target)

    def _predict_piece(self, piece: np.ndarray, fixed: int) -> np.ndarray:
        missing = fixed - len(piece)
        if not missing:
            return self._predict(piece)
        filled = np.concatenate([piece, np.repeat(piece[-1:], missing, axis=0)])
        return self._predict(filled)[: len(piece)]

    @staticmethod
    def _fitted(batch: np.ndarray, info: ModelInfo) -> np.ndarray:
        """The batch in the network's dtype; float rows are quantised for an integer input.

        Pixels 0..255 are levels already. For int8 they move down by 128, as every converter does between the two: an
        int8 network and its uint8 twin have one scale, and zero points 128 apart.
        """
        expected = info.input_shape[1:]
        got = batch.shape[1:]
        same_rank = len(expected) == len(got)
        if not same_rank or any(want not in (-1, have) for want, have in zip(expected, got)):
            raise AdapterError(
                f"input {info.input_name!r}: expected rows of shape {expected}, got {got}; "
                "the recipe's size or layout does not fit this network"
            )
        if str(batch.dtype) == info.input_dtype:
            return batch
        if batch.dtype == np.float32 and info.quantisation is not None:
            scale, zero = info.quantisation
            limits = np.iinfo(info.input_dtype)
            levels = np.rint(batch / np.float32(scale)) + zero
            return np.clip(levels, limits.min, limits.max).astype(info.input_dtype)
        if batch.dtype == np.uint8 and info.input_dtype == "int8":
            return (batch ^ np.uint8(0x80)).view(np.int8)
        raise AdapterError(
            f"input {info.input_name!r}: expected {info.input_dtype}, got {batch.dtype}; "
            "the recipe's numeric steps do not fit this network"
        )


def _pieces(batch: np.ndarray, size: int) -> List[np.ndarray]:
    return [batch[start : start + size] for start in range(0, len(batch), size)]


def _checked(scores: np.ndarray, expected: Tuple[int, int]) -> np.ndarray:
    if scores.shape != expected:
        raise OutputError(f"scores: expected shape {expected}, got {scores.shape}")
    scores = np.ascontiguousarray(scores, dtype=np.float32)
    bad = ~np.isfinite(scores).all(axis=1)
    if bad.any():
        raise OutputError(f"scores of {int(bad.sum())} of {len(scores)} rows hold NaN or infinity")
    return scores


def live_threads() -> int:
    """Threads of this process as the kernel counts them; 0 where /proc is missing."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 0


def info_as_json(info: ModelInfo) -> Dict[str, Any]:
    """ModelInfo as JSON types."""
    return asdict(info)
