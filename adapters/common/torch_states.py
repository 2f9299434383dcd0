"""Converts the content of a PyTorch file to canonical tensors.

It needs no PyTorch: anything with a shape and a dtype counts as a tensor.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from adapters.common.contract import AdapterError
from adapters.common.dialects import all_float32, fitting, recognised
from adapters.common.network import Network
from adapters.common.torch_names import DIALECTS, Dialect, known_for, names, unwrapped


def canonical(loaded: Any, path: Path, network: Network, extra: Mapping[str, Any]) -> Tuple[str, Dict[str, Any]]:
    """Dialect of what was `loaded` from `path`, and its tensors by canonical name.

    extra: the checkpoint's options; state_dict_key (which of several state dicts) and dialect are read.
    """
    state = _chosen(loaded, path, extra.get("state_dict_key"))
    stored = {short: state[name] for name, short in unwrapped(state).items()}
    if any("_packed_params" in name for name in stored):
        raise AdapterError(f"{path}: a quantised state dict (packed int8 weights); only float32 ones are read")
    all_float32({name: _kind(value) for name, value in stored.items()}, str(path))
    shapes = {name: tuple(tensor.shape) for name, tensor in stored.items()}
    tables = {dialect.name: names(dialect, network) for dialect in _wanted(path, network, extra.get("dialect"))}
    dialect = recognised(stored, tables, str(path))
    fitting(shapes, tables[dialect], network, f"{path} (dialect {dialect!r})")
    # a classifier may be stored as a 1x1 convolution
    shaped = network.tensor_shapes().items()
    return dialect, {name: stored[tables[dialect][name]].reshape(shape) for name, shape in shaped}


def _wanted(path: Path, network: Network, name: Optional[str]) -> List[Dialect]:
    """The dialect that the checkpoint's record names, else all that know the network's family."""
    if name is None:
        return known_for(network)
    if name not in DIALECTS:
        raise AdapterError(f"{path}: dialect {name!r} is not known; known: {', '.join(DIALECTS)}")
    return [DIALECTS[name]]


def _chosen(loaded: Any, path: Path, key: Optional[str]) -> Mapping[str, Any]:
    """The state dict of a file: at `key`, else the file itself, else the only one nested in it."""
    if not isinstance(loaded, dict):
        raise AdapterError(f"{path}: expected a dict of tensors, got {type(loaded).__name__}")
    if key is None and _is_state_dict(loaded):
        return loaded
    nested = [str(name) for name, value in loaded.items() if _is_state_dict(value)]
    if key is None and len(nested) == 1:
        key = nested[0]
    if key in nested:
        chosen: Dict[str, Any] = loaded[key]
        return chosen
    wanted = "which of its state dicts is not said" if key is None else f"{key!r} is not a state dict of it"
    known = ", ".join(str(name) for name in loaded) or "none"
    raise AdapterError(
        f"{path}: {wanted}; its keys: {known}; state dicts among them: {', '.join(nested) or 'none'}; "
        "the option state_dict_key names one"
    )


def _is_state_dict(value: Any) -> bool:
    """A flat dict with tensors in it; what else it holds is shown as an error later."""
    if not isinstance(value, dict) or any(isinstance(entry, dict) for entry in value.values()):
        return False
    return any(hasattr(entry, "dtype") for entry in value.values())


def _kind(value: Any) -> str:
    """ "float32" of a tensor, of torch or numpy; else the type's name."""
    return str(getattr(value, "dtype", type(value).__name__)).replace("torch.", "")
