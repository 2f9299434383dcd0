"""MXNet: Gluon's .params files, and exported symbols with their .params. CPU, oneDNN's fused operators."""

from __future__ import annotations

import ctypes
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import mxnet as mx
import numpy as np

from adapters.common import layers
from adapters.common.canonical import steps_of_tensors
from adapters.common.contract import Adapter, AdapterError, ModelInfo, Options, file_of, listed
from adapters.common.dialects import Table, fitting, recognised
from adapters.common.network import Network
from adapters.common.steps import Step
from adapters.mxnet import steps as symbol_steps
from adapters.mxnet.names import KINDS, bare, tables, variables
from adapters.mxnet.network import INPUT, build, measured

Arrays = Dict[str, Any]  # name -> mx.nd.NDArray
PRECISIONS = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "int8": "int8", "uint8": "int8"}


class MxnetAdapter(Adapter):
    """One executor a batch size, all over the same parameters; the engine runs in the calling thread."""

    formats = ("gluon_params", "mxnet_symbol")
    exports = ("mxnet_symbol", "gluon_params", "gluon_params:prefixed")

    def versions(self) -> Dict[str, str]:
        """oneDNN is compiled into MXNet."""
        return {"mxnet": mx.__version__, "numpy": np.__version__}

    def _load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        threads = _pinned(options.threads)
        symbol, parameters = _graph(files, options)
        self.source, side = _input(symbol, parameters), options.side
        outputs = _outputs(symbol, parameters, {self.source: (1, 3, *[options.blank_side] * 2)})
        given = {name: parameters[name] for name in symbol.list_arguments() if name != self.source}
        self.auxiliary = {name: parameters[name] for name in symbol.list_auxiliary_states()}
        precision = _precision(symbol, parameters)
        # Convolution, batch norm, clip and sum become one oneDNN primitive, in oneDNN's own memory layouts
        if mx.runtime.Features().is_enabled("MKLDNN"):
            symbol = symbol.optimize_for("MKLDNN", given, self.auxiliary)
        self.symbol, self.arguments = symbol, given
        self.executors: Dict[Tuple[int, ...], Any] = {}
        return ModelInfo(
            input_name=self.source,
            input_shape=(-1, 3, side, side),
            input_dtype="float32",
            output_name=symbol.list_outputs()[0],
            outputs=outputs,
            threads=threads,
            precision=precision,
            # its oneDNN has no way to be asked how it adds bytes
            integer_sums="unknown" if precision == "int8" else "none",
            shipped_sums="unknown" if precision == "int8" else "none",
        )

    def _predict(self, batch: np.ndarray) -> np.ndarray:
        executor = self.executors.get(batch.shape)
        if executor is None:
            arguments = {**self.arguments, self.source: mx.nd.zeros(batch.shape)}
            executor = self.symbol.bind(mx.cpu(), arguments, aux_states=self.auxiliary, grad_req="null")
            self.executors[batch.shape] = executor
        executor.arg_dict[self.source][:] = batch
        scores = executor.forward(is_train=False)[0].asnumpy()
        return scores.reshape(len(batch), -1)

    def _inspect(self, files: Sequence[Path], options: Options) -> Dict[str, Any]:
        symbol, parameters = _graph(files, options)
        source, side = _input(symbol, parameters), options.side
        sizes = {name: int(array.size) for name, array in parameters.items()}
        shape = (1, 3, *[options.blank_side] * 2)
        facts: Dict[str, Any] = {
            **measured(symbol, sizes, {source: shape}),
            "graph": options.format == "mxnet_symbol",
            "quantised": _precision(symbol, parameters) == "int8",
            "tensors": len(sizes),
            "inputs": [layers.spec(source, (-1, 3, side, side), "float32")],
        }
        if options.format == "gluon_params":
            facts["dialect"] = _dialect(files[0], _stored(files[0]), options.layers)
            facts["activations"] = {}
        return facts

    def _steps(self, files: Sequence[Path], options: Options) -> List[Step]:
        if options.format == "gluon_params":
            network = options.layers
            stored, names = _published_tensors(files[0], network)
            tensors = {canonical: stored[name].asnumpy() for canonical, name in names.items()}
            matrix = network.classifier.weight
            tensors[matrix] = tensors[matrix].reshape(len(tensors[matrix]), -1)  # Gluon's is a 1x1 convolution
            return steps_of_tensors(tensors, network, names)
        symbol, parameters = _graph(files, options)
        return symbol_steps.read(symbol, parameters, _input(symbol, parameters), options.blank_side)

    def _values(
        self, files: Sequence[Path], options: Options, steps: Sequence[Step], batch: np.ndarray
    ) -> Iterator[Tuple[int, np.ndarray]]:
        """Of tensors without a graph from the symbol that `predict` runs."""
        symbol, parameters = _graph(files, options)
        source = _input(symbol, parameters)
        if options.format == "gluon_params":
            steps = symbol_steps.read(symbol, parameters, source, options.blank_side)
        return symbol_steps.values(symbol, parameters, source, steps, batch)

    def _export(self, tensors: Dict[str, np.ndarray], network: Network, fmt: str, target: Path) -> List[Path]:
        names = next(iter(tables(network).values())) if fmt == "gluon_params" else variables(network)
        arrays = {names[canonical]: mx.nd.array(tensor) for canonical, tensor in tensors.items()}
        classifier = names[network.classifier.weight]
        arrays[classifier] = arrays[classifier].expand_dims(2).expand_dims(3)  # Gluon's is a 1x1 convolution
        if fmt != "mxnet_symbol":
            return [_saved(target / "model.params", arrays)]
        symbol = build(network, names)
        graph, auxiliary = target / "model-symbol.json", set(symbol.list_auxiliary_states())
        symbol.save(str(graph))
        kinds = {f"{KINDS[name in auxiliary]}{name}": array for name, array in arrays.items()}
        return [graph, _saved(target / "model-0000.params", kinds)]


def _pinned(threads: int) -> int:
    """Set OpenMP's threads for the calling thread; what OpenMP then says."""
    # The threaded engine computes in threads of its own, whose OpenMP settings cannot be reached from here
    if os.environ.get("MXNET_ENGINE_TYPE") != "NaiveEngine":
        raise AdapterError(
            "MXNet's threaded engine ignores a thread count that is set from inside; expected a worker with "
            f"MXNET_ENGINE_TYPE=NaiveEngine, got {os.environ.get('MXNET_ENGINE_TYPE')!r}"
        )
    # A symbol is also looked for in the libraries that libmxnet needs, so this is the OpenMP that MXNet uses
    openmp = ctypes.CDLL(mx.libinfo.find_lib_path()[0])
    openmp.omp_set_num_threads(threads)
    return int(openmp.omp_get_max_threads())


def _graph(files: Sequence[Path], options: Options) -> Tuple[Any, Arrays]:
    """The symbol, and its parameters by the names they have in it."""
    return _published(files) if options.format == "mxnet_symbol" else _built(files[0], options.layers)


def _published(files: Sequence[Path]) -> Tuple[Any, Arrays]:
    """A stored symbol with stored parameters, in either order of files, as they are."""
    symbol, store = _symbol(file_of(files, ".json")), file_of(files, ".params")
    parameters = _stored(store)
    strange = [name for name in parameters if name not in set(symbol.list_inputs())]
    if strange:
        raise AdapterError(f"{store.name}: {len(strange)} tensors are not in the symbol: {listed(strange)}")
    return symbol, parameters


def _symbol(path: Path) -> Any:
    """The graph of a -symbol.json; checked here first, as MXNet's own messages on bad JSON are garbled."""
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(graph, dict) or "nodes" not in graph:
            raise AdapterError(f"{path.name}: not a readable MXNet symbol: expected an object with 'nodes'")
        return mx.sym.load_json(json.dumps(graph))
    except (ValueError, mx.base.MXNetError) as error:
        raise AdapterError(f"{path.name}: not a readable MXNet symbol: {_told(error)}") from error


def _built(path: Path, network: Network) -> Tuple[Any, Arrays]:
    """The network that the options describe, with the tensors of a .params file."""
    stored, names = _published_tensors(path, network)
    own = variables(network)
    dense = stored[names[network.classifier.weight]].ndim == 2
    return build(network, own, dense), {own[key]: stored[name] for key, name in names.items()}


def _published_tensors(path: Path, network: Network) -> Tuple[Arrays, Table]:
    """Tensors of a .params file that fit the network by the file's own names, and canonical -> own name."""
    stored = _stored(path)
    names = tables(network, stored)[_dialect(path, stored, network)]
    fitting({name: array.shape for name, array in stored.items()}, names, network, path.name)
    return stored, names


def _dialect(path: Path, stored: Arrays, network: Network) -> str:
    return recognised(stored, tables(network, stored), path.name)


def _stored(path: Path) -> Arrays:
    """Tensors of a .params file by bare name; it is MXNet's own list of arrays, so nothing is unpickled."""
    try:
        loaded = mx.nd.load(str(path))
    except mx.base.MXNetError as error:
        raise AdapterError(f"{path.name}: not a readable MXNet .params file: {_told(error)}") from error
    if not isinstance(loaded, dict):
        raise AdapterError(f"{path.name}: expected tensors with names, got {len(loaded)} without")
    stored = {bare(name): array for name, array in loaded.items()}
    if len(stored) != len(loaded):
        twice = [name for name, count in Counter(map(bare, loaded)).items() if count > 1]
        raise AdapterError(f"{path.name}: {len(twice)} names occur as arg: and as aux: {listed(twice)}")
    return stored


def _told(error: Exception) -> str:
    """MXNet's errors begin with its own stack; the sentence is the last line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else repr(error)


def _input(symbol: Any, parameters: Arrays) -> str:
    """The one variable that no parameter fills."""
    missing = [name for name in symbol.list_inputs() if name not in parameters]
    if len(missing) == 1:
        return str(missing[0])
    if INPUT in missing:
        missing.remove(INPUT)
        raise AdapterError(f"{len(missing)} tensors of the symbol are missing among the .params: {listed(missing)}")
    raise AdapterError(f"expected a symbol with one input, got {listed(missing)}")


def _outputs(symbol: Any, parameters: Arrays, sample: Dict[str, Tuple[int, ...]]) -> int:
    """Scores per image of a symbol with one output, whose tensors have the shapes that `sample` leads to."""
    try:
        arguments, targets, auxiliary = symbol.infer_shape(**sample)
    except mx.base.MXNetError as error:
        raise AdapterError(f"the symbol does not fit an input {sample}: {_told(error)}") from error
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    expected = {name: shape for name, shape in zip(names, [*arguments, *auxiliary]) if name in parameters}
    wrong = [
        f"{name}: expected {list(shape)}, got {list(parameters[name].shape)}"
        for name, shape in expected.items()
        if parameters[name].shape != shape
    ]
    if wrong:
        raise AdapterError(f"{len(wrong)} tensors of another shape than in the symbol ({listed(wrong)})")
    if len(targets) != 1:
        raise AdapterError(f"expected a symbol with one output, got {symbol.list_outputs()}")
    return int(np.prod(targets[0][1:]))


def _precision(symbol: Any, parameters: Arrays) -> str:
    """MXNet computes in the types that a graph states; what its operators and tensors say."""
    quantised = any("quantize" in name for name in symbol.get_internals().list_outputs())
    types = {PRECISIONS.get(np.dtype(array.dtype).name, "other") for array in parameters.values()}
    return "int8" if quantised else "+".join(sorted(types))


def _saved(path: Path, arrays: Arrays) -> Path:
    mx.nd.save(str(path), arrays)
    return path


ADAPTER = MxnetAdapter
