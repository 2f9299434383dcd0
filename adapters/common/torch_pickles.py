"""Reads the tensors of a PyTorch file without PyTorch, for frameworks that convert from it.

It reads both formats of torch.save: today's archive, and the stream of pickles before version 1.6. The pickle may
name only storages and what is in CONTAINERS; anything else is refused before it is called.
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, List, NamedTuple, Tuple

import numpy as np

from adapters.common.contract import AdapterError

DTYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8"}
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


class _Storage(NamedTuple):
    dtype: str
    key: str


class _View(NamedTuple):
    """A tensor before its storage is read: elements, not bytes."""

    storage: _Storage
    offset: int
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]

    def array(self, storages: Dict[str, np.ndarray]) -> np.ndarray:
        """A copy of the tensor; ValueError if it reaches beyond its storage."""
        values = storages[self.storage.key]
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides))
        negative = min((self.offset, *self.shape, *self.strides)) < 0
        if negative or last >= len(values) or math.prod(self.shape) > len(values):
            raise ValueError(f"a tensor of shape {self.shape} reaches beyond its storage")
        steps = [stride * values.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps).copy()


def _tensor(storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> _View:
    return _View(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: _View, *_: Any) -> _View:
    return tensor


CONTAINERS: Dict[Tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        if (module, name) not in CONTAINERS:
            raise AdapterError(f"refused: not a plain tensor file, it asks for {module}.{name}; nothing of it was run")
        return CONTAINERS[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, *_ = pid
        return _Storage(dtype, key)


def read(path: Path) -> Any:
    """What the file holds, each tensor as an array; AdapterError if it is refused or cannot be read."""
    try:
        with path.open("rb") as file:
            return _archive(file) if zipfile.is_zipfile(file) else _stream(file)
    except AdapterError as error:
        raise AdapterError(f"{path}: {error}") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise AdapterError(f"{path} is truncated or not a PyTorch file: {reason}") from error


def _archive(file: BinaryIO) -> Any:
    """An archive of data.pkl and one member for each storage."""
    with zipfile.ZipFile(file) as archive:
        (index,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = index[: -len("data.pkl")]
        with archive.open(index) as member:
            loaded = _Unpickler(member).load()
        used = {view.storage.key: view.storage.dtype for view in _views(loaded)}
        storages = {key: np.frombuffer(archive.read(f"{folder}data/{key}"), dtype) for key, dtype in used.items()}
    return _filled(loaded, storages)


def _stream(file: BinaryIO) -> Any:
    """Pickles in a row: magic number, version, platform, content, keys of storages; then the storages."""
    file.seek(0)
    if _Unpickler(file).load() != LEGACY_MAGIC:
        raise ValueError("no magic number")
    for _ in ("version", "platform"):
        _Unpickler(file).load()
    loaded = _Unpickler(file).load()
    dtypes = {view.storage.key: view.storage.dtype for view in _views(loaded)}
    storages = {}
    for key in _Unpickler(file).load():
        size = int.from_bytes(file.read(8), "little") * np.dtype(dtypes[key]).itemsize
        content = file.read(size)
        if len(content) != size:
            raise ValueError(f"expected {size} bytes of storage {key}, got {len(content)}")
        storages[key] = np.frombuffer(content, dtypes[key])
    return _filled(loaded, storages)


def _views(value: Any) -> List[_View]:
    if isinstance(value, _View):
        return [value]
    nested = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [view for entry in nested for view in _views(entry)]


def _filled(value: Any, storages: Dict[str, np.ndarray]) -> Any:
    if isinstance(value, _View):
        return value.array(storages)
    if isinstance(value, dict):
        return {name: _filled(entry, storages) for name, entry in value.items()}
    return [_filled(entry, storages) for entry in value] if isinstance(value, (list, tuple)) else value
