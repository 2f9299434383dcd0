"""MindSpore: .ckpt files (protobuf lists of tensors), in graph mode on the CPU."""

from __future__ import annotations

import ctypes
import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import mindspore as ms
import numpy as np

from adapters.common import layers
from adapters.common.canonical import as_value, steps_of_tensors
from adapters.common.contract import Adapter, AdapterError, ModelInfo, Options, already_started
from adapters.common.dialects import Table, all_float32, fitting, recognised
from adapters.common.network import Network
from adapters.common.steps import Step
from adapters.mindspore.names import OPTIMIZER_STATE, extras, tables, trainable
from adapters.mindspore.network import Layers, Residual

FORMAT = "mindspore_ckpt"
POOL = ("ActorThread_", "KernelThread_")  # names of the threads that compute
STRICT = 0  # oneDNN's floating-point mode that never computes float32 in a shorter type


class MindsporeAdapter(Adapter):
    """The network is compiled for the options' batch size; a smaller batch is filled up (see contract.py)."""

    formats = (FORMAT,)
    exports = (FORMAT, f"{FORMAT}:moments", f"{FORMAT}:mindcv")
    configured: Optional[int] = None  # threads; MindSpore lets them be set once a process

    def versions(self) -> Dict[str, str]:
        """With oneDNN's version and instruction set, on which the last digits of an answer depend."""
        return {"mindspore": ms.__version__, "onednn": _onednn_version(), "numpy": np.__version__}

    def _load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        self._configure(options.threads)
        network = options.layers
        self.cell = _filled(_stored(files[0]), network, files[0].name)
        shape = (options.batch_size, 3, network.resolution, network.resolution)
        outputs = self._predict(np.zeros(shape, np.float32)).shape[1]  # compiles, and starts the threads
        return ModelInfo(
            input_name="x",
            input_shape=shape,
            input_dtype="float32",
            output_name="logits",
            outputs=outputs,
            threads=_pool_threads() or options.threads,
            precision=_precision(self.cell),
        )

    def _configure(self, threads: int) -> None:
        """Graph mode; `threads` for one operator; one actor, which is one of them.

        A second actor only waits busily for the first: the layers stand in a row. MindSpore wants at least
        one kernel thread beside the actor, so two threads are the fewest.
        """
        if self.configured not in (None, threads):
            raise already_started("MindSpore", threads, self.configured)
        if self.configured is None:
            ms.set_device("CPU")
            ms.set_context(mode=ms.GRAPH_MODE)
            ms.runtime.dispatch_threads_num(1)
            ms.device_context.cpu.op_tuning.threads_num(max(1, threads - 1))
            MindsporeAdapter.configured = threads
        library = _onednn()
        if library is not None:
            library.dnnl_set_default_fpmath_mode(STRICT)

    def _predict(self, batch: np.ndarray) -> np.ndarray:
        return self.cell(ms.Tensor(batch)).asnumpy()

    def _inspect(self, files: Sequence[Path], options: Options) -> Dict[str, Any]:
        network, stored = options.layers, _stored(files[0])
        names = _names(stored, network, files[0].name)
        cell = _filled(stored, network, files[0].name)
        sizes = {canonical: int(stored[name].size) for canonical, name in names.items()}
        side = network.resolution
        return {
            **layers.of_tensors(sizes, network),
            "tensors": len(sizes),
            "extras": [name for name in stored if name not in names.values()],
            "dialect": recognised(stored, tables(network), files[0].name),
            "ops": _ops(cell),
            "inputs": [layers.spec("x", (-1, 3, side, side), "float32")],
            "outputs": [layers.spec("logits", (-1, network.classes), "float32")],
        }

    def _steps(self, files: Sequence[Path], options: Options) -> List[Step]:
        network, stored = options.layers, _stored(files[0])
        names = _names(stored, network, files[0].name)
        tensors = {canonical: stored[name] for canonical, name in names.items()}
        matrix = network.classifier.weight
        tensors[matrix] = tensors[matrix].reshape(len(tensors[matrix]), -1)  # mindvision's is a 1x1 convolution
        return steps_of_tensors(tensors, network, names)

    def _values(
        self, files: Sequence[Path], options: Options, steps: Sequence[Step], batch: np.ndarray
    ) -> Iterator[Tuple[int, np.ndarray]]:
        """From the network that `predict` runs, cell by cell: in the compiled graph no cell's output can be seen."""
        ms.set_context(mode=ms.PYNATIVE_MODE)
        cell = _filled(_stored(files[0]), options.layers, files[0].name)
        found: Dict[int, np.ndarray] = {}
        mean, classifier = len(cell.told), len(cell.told) + 1

        def keep(number: int, output: Any) -> None:
            found[number] = output.asnumpy()

        for number, each in enumerate(cell.told):
            each.register_forward_hook(lambda _, given, output, number=number: keep(number, output))
        # the mean is no cell: it is what the classifier is given
        cell.classifier.register_forward_pre_hook(lambda _, given: keep(mean, given[0]))
        cell.classifier.register_forward_hook(lambda _, given, output: keep(classifier, output))
        cell(ms.Tensor(batch))
        return ((number, as_value(steps[number], value)) for number, value in sorted(found.items()))

    def _export(self, tensors: Dict[str, np.ndarray], network: Network, fmt: str, target: Path) -> List[Path]:
        known = tables(network)
        dialect = "mindcv" if fmt == f"{FORMAT}:mindcv" else next(iter(known))
        names = known[dialect]
        arrays = {names[canonical]: tensor for canonical, tensor in tensors.items()}
        if dialect == "mindvision":
            classifier = names[network.classifier.weight]
            arrays[classifier] = arrays[classifier][:, :, None, None]  # mindvision's is a 1x1 convolution
        if fmt == f"{FORMAT}:moments":
            for name in trainable(list(arrays)):
                arrays[OPTIMIZER_STATE.format(name=name)] = np.zeros_like(arrays[name])
        path = target / "model.ckpt"
        entries = [{"name": name, "data": ms.Tensor(array)} for name, array in arrays.items()]
        ms.save_checkpoint(entries, str(path))
        path.chmod(0o644)  # MindSpore leaves it without write permission
        return [path]


def _stored(path: Path) -> Dict[str, np.ndarray]:
    """Everything in a .ckpt by its name; a protobuf of names, shapes and bytes: nothing is executed."""
    try:
        loaded = ms.load_checkpoint(str(path))
    except ValueError as error:
        raise AdapterError(f"{path.name}: not a readable MindSpore checkpoint: {error}") from error
    return {
        name: value.asnumpy() if isinstance(value, ms.Parameter) else np.asarray(value)
        for name, value in loaded.items()
    }


def _names(stored: Dict[str, np.ndarray], network: Network, where: str) -> Table:
    """Canonical -> stored name of the network's tensors; every other tensor has to be a documented extra."""
    names = tables(network)[recognised(stored, tables(network), where)]
    shapes = {name: array.shape for name, array in stored.items()}
    fitting(shapes, names, network, where, extras(names.values()))
    return names


def _filled(stored: Dict[str, np.ndarray], network: Network, where: str) -> Layers:
    """The network in inference mode with the stored tensors, as they are."""
    names = _names(stored, network, where)
    all_float32({name: str(stored[name].dtype) for name in names.values()}, where)
    cell = Layers(network, dense=stored[names[network.classifier.weight]].ndim == 2)
    for canonical, parameter in cell.canonical.items():
        parameter.set_data(ms.Tensor(stored[names[canonical]]))
    return cell.set_train(False)


def _ops(cell: Any) -> Dict[str, int]:
    """Layers that compute, by type."""
    cells = [entry for _, entry in cell.cells_and_names()]
    leaves = Counter(type(entry).__name__ for entry in cells if not entry.name_cells())
    return {**leaves, "Add": sum(isinstance(entry, Residual) for entry in cells), "ReduceMean": 1}


def _precision(cell: Any) -> str:
    """float32 if every parameter is and oneDNN may not shorten it."""
    types = {str(parameter.dtype) for parameter in cell.get_parameters()}
    mode, library = ctypes.c_int(STRICT), _onednn()
    if library is not None:
        library.dnnl_get_default_fpmath_mode(ctypes.byref(mode))
    if types == {"Float32"} and mode.value == STRICT:
        return "fp32"
    return f"{'+'.join(sorted(types))}, oneDNN floating-point mode {mode.value}"


def _pool_threads() -> int:
    """Threads that compute, as the kernel lists them by name; 0 where /proc is missing."""
    threads = 0
    for task in Path("/proc/self/task").glob("*/comm"):
        threads += task.read_text(encoding="utf-8").startswith(POOL)
    return threads


class _Version(ctypes.Structure):
    """The beginning of oneDNN's dnnl_version_t."""

    _fields_ = (("major", ctypes.c_int), ("minor", ctypes.c_int), ("patch", ctypes.c_int))


def _onednn() -> Optional[Any]:
    """MindSpore's own oneDNN; None where MindSpore comes without (other processors and systems)."""
    spec = importlib.util.find_spec("mindspore")
    folder = Path(str(spec.origin)).parent if spec else Path()
    libraries = sorted((folder / "lib").glob("libdnnl.so*"))
    return ctypes.CDLL(str(libraries[0])) if libraries else None


def _onednn_version() -> str:
    library = _onednn()
    if library is None:
        return "none"
    library.dnnl_version.restype = ctypes.POINTER(_Version)
    library.dnnl_cpu_isa2str.restype = ctypes.c_char_p
    version = library.dnnl_version().contents
    isa = library.dnnl_cpu_isa2str(library.dnnl_get_effective_cpu_isa()).decode()
    return f"{version.major}.{version.minor}.{version.patch} {isa}"


ADAPTER = MindsporeAdapter
