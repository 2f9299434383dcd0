"""Files that only MindSpore can write, for tests: `python mindspore_files.py <command> ...` in its Python."""

from __future__ import annotations

import sys
from collections.abc import Callable

import mindspore as ms
import numpy as np


def add(source: str, target: str, *names: str) -> None:
    """The same tensors and scalars of these names."""
    entries = [{"name": name, "data": value} for name, value in ms.load_checkpoint(source).items()]
    entries += [{"name": name, "data": ms.Tensor(3)} for name in names]
    ms.save_checkpoint(entries, target)


def halve(source: str, target: str, name: str) -> None:
    """The same tensors, one of them in float16."""
    tensors = {key: value.asnumpy() for key, value in ms.load_checkpoint(source).items()}
    tensors[name] = tensors[name].astype(np.float16)
    ms.save_checkpoint([{"name": key, "data": ms.Tensor(value)} for key, value in tensors.items()], target)


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"add": add, "halve": halve}
    commands[sys.argv[1]](*sys.argv[2:])
