"""PyTorch on the CPU: state dicts (.pth, .pt, .pth.tar) of every known naming dialect; see common/torch_names.py.

Files are read as tensors only (`weights_only=True`): a pickle that would run code is refused, never executed.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import numpy as np
import torch
from torch import nn

from adapters.common import layers
from adapters.common.canonical import as_value, steps_of_tensors
from adapters.common.contract import Adapter, AdapterError, ModelInfo, Options
from adapters.common.network import Network
from adapters.common.steps import Step
from adapters.common.torch_names import DIALECTS, EXTRAS, WRAPPER, Dialect, counters, names
from adapters.common.torch_states import canonical
from adapters.torch.network import Layers, Observed, build, settle_padding

FORMAT = "torch_state_dict"
# How publishers pack a state dict: name of an export -> (dialect, file name)
EXPORTS = {
    **{dialect: (dialect, "model.pth") for dialect in DIALECTS},
    "lornatang": ("torchvision", "model.pth.tar"),
}
# torch's names for full float32 arithmetic, and for what its defaults make of it; the others are "tf32" and "bf16"
FULL, UNDECIDED = "ieee", "none"

Tensors = Dict[str, torch.Tensor]


class TorchAdapter(Adapter):
    """The network as a frozen graph that oneDNN runs in its own layouts; threads only within an operator.

    Export `torch_state_dict` writes torchvision's names, `torch_state_dict:NAME` those of one of EXPORTS.
    """

    formats = (FORMAT,)
    exports = (FORMAT, *(f"{FORMAT}:{name}" for name in EXPORTS))
    inner: Any = None  # a graph that gives the values of all steps

    def versions(self) -> Dict[str, str]:
        """PyTorch computes, by way of oneDNN."""
        return {"torch": torch.__version__, "numpy": np.__version__}

    def _load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        network = options.layers
        _configure(options)
        blank = _blank(options)
        self.graph, self.inner = _optimised(_loaded(files, options), blank), None
        return ModelInfo(
            input_name="input",
            input_shape=(-1, *blank.shape[1:]),
            input_dtype="float32",
            output_name="output",
            outputs=network.classes,
            threads=torch.get_num_threads(),
            precision=effective_precision(),
        )

    def _predict(self, batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            scores: np.ndarray = self.graph(torch.from_numpy(batch)).numpy()
        return scores

    def _inspect(self, files: Sequence[Path], options: Options) -> Dict[str, Any]:
        network = options.layers
        dialect, tensors = canonical(_read(files[0]), files[0], network, options.extra)
        leaves = [module for module in build(network, dropout=0.0).modules() if not list(module.children())]
        side = network.resolution
        return {
            **layers.of_tensors({name: tensor.numel() for name, tensor in tensors.items()}, network),
            "tensors": len(tensors),
            "ops": dict(Counter(type(module).__name__ for module in leaves)),
            "inputs": [layers.spec("input", (-1, 3, side, side), "float32")],
            "outputs": [layers.spec("output", (-1, network.classes), "float32")],
            "dialect": dialect,
        }

    def _steps(self, files: Sequence[Path], options: Options) -> List[Step]:
        network = options.layers
        dialect, tensors = canonical(_read(files[0]), files[0], network, options.extra)
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        return steps_of_tensors(arrays, network, names(DIALECTS[dialect], network))

    def _values(
        self, files: Sequence[Path], options: Options, steps: Sequence[Step], batch: np.ndarray
    ) -> Iterator[Tuple[int, np.ndarray]]:
        """From a graph of the same network that is frozen in the same way, and that answers with all of them."""
        if self.inner is None:
            self.inner = _optimised(Observed(_loaded(files, options)), _blank(options))
        with torch.inference_mode():
            found = self.inner(torch.from_numpy(batch))
        for number, (step, value) in enumerate(zip(steps, found)):
            yield number, as_value(step, value.numpy())

    def _export(self, tensors: Dict[str, np.ndarray], network: Network, fmt: str, target: Path) -> List[Path]:
        layout = fmt.partition(":")[2] or "torchvision"
        dialect, file_name = EXPORTS[layout]
        state = _state(tensors, DIALECTS[dialect], network)
        torch.save(_packed(state, layout), target / file_name)
        return [target / file_name]


def effective_precision() -> str:
    """ "fp32" if torch is not set to less and a sum shows it, as oneDNN obeys variables of its own too.

    The summands need 13 bits of mantissa, so tf32 and bf16 lose their last bit.
    """
    backend: Any = torch.backends.mkldnn  # torch's own types know nothing of `conv` and `matmul`
    if not {backend.conv.fp32_precision, backend.matmul.fp32_precision} <= {FULL, UNDECIDED}:
        return "narrowed fp32"
    summand, one = 1 + 2**-12, torch.ones(16, 16, 1, 1)
    with torch.inference_mode():
        convolved = nn.functional.conv2d(torch.full((1, 16, 8, 8), summand), one)
        multiplied = torch.full((8, 16), summand) @ one[:, :, 0, 0]
    exact = bool((convolved == 16 * summand).all() and (multiplied == 16 * summand).all())
    return "fp32" if exact else "narrowed fp32"


def _configure(options: Options) -> None:
    """Threads and float32 arithmetic, for the whole process."""
    torch.set_num_threads(options.threads)
    if torch.get_num_interop_threads() != 1:  # may be set only once in a process
        torch.set_num_interop_threads(1)
    if options.exact:
        backends: Any = torch.backends
        for operators in (backends, backends.mkldnn.conv, backends.mkldnn.matmul):
            operators.fp32_precision = FULL


def _loaded(files: Sequence[Path], options: Options) -> Layers:
    """The network with a file's tensors."""
    module = build(options.layers, dropout=0.0)
    _fill(module, canonical(_read(files[0]), files[0], options.layers, options.extra)[1])
    settle_padding(module)
    return module


def _blank(options: Options) -> torch.Tensor:
    """A batch of black images, NCHW."""
    return torch.zeros(options.batch_size, 3, options.layers.resolution, options.layers.resolution)


def _optimised(module: nn.Module, blank: torch.Tensor) -> Any:
    """Frozen graph of the module: batch norms folded, weights in oneDNN's layouts; nearly twice as fast.

    torch.compile, which replaces torch.jit, needs a C++ compiler on the user's machine.
    """
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
        traced = torch.jit.trace(module.eval(), blank, check_trace=False)
        return torch.jit.optimize_for_inference(traced)


def _read(path: Path) -> Any:
    """What the file holds, on the CPU; tensors and plain containers only."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise nearly anything
        # Only the name of what was refused: torch's own text goes on to explain how to run the code all the same.
        code = re.search(r"GLOBAL (\S+)|TorchScript", str(error))
        if code is None:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise AdapterError(f"{path} is truncated or not a PyTorch file: {reason}") from error
        raise AdapterError(
            f"{path}: refused: not a plain tensor file, it asks for {code[1] or code[0]}; nothing of it was "
            "run. Expected a state dict as torch.save(model.state_dict(), ...) writes it"
        ) from error


def _fill(module: nn.Module, tensors: Tensors) -> None:
    """Load canonical tensors; the only entries of the module that they leave out are torch's own counters."""
    left = module.load_state_dict(tensors, strict=False)
    wrong = [*left.unexpected_keys, *(name for name in left.missing_keys if not name.endswith(EXTRAS))]
    if wrong:
        raise AdapterError(f"tensors that the built network and its table do not share: {', '.join(wrong)}")


def _state(tensors: Dict[str, np.ndarray], dialect: Dialect, network: Network) -> Tensors:
    """State dict of canonical tensors in a dialect, with the counters that torch adds to each batch norm."""
    table = names(dialect, network)
    state = {published: torch.from_numpy(np.array(tensors[name])) for name, published in table.items()}
    return {**state, **{name: torch.tensor(0) for name in counters(dialect, network)}}


def _packed(state: Tensors, layout: str) -> Dict[str, Any]:
    """The state dict as its publisher saves it: bare, beside `meta`, or in a training checkpoint."""
    if layout == "mmpretrain":
        return {"meta": {}, "state_dict": state}
    if layout == "lornatang":
        average = {"n_averaged": torch.tensor(0), **{WRAPPER + name: value for name, value in state.items()}}
        training: Dict[str, Any] = {"epoch": 0, "best_acc1": 0.0, "optimizer": {}, "scheduler": {}}
        return {**training, "state_dict": state, "ema_state_dict": average}
    return dict(state)


ADAPTER = TorchAdapter
