"""The loop that every `<library>_operators.py` runs: named operators over stored inputs, in that library's Python.

    python <library>_operators.py FOLDER

FOLDER/request.json: {"calls": [{"operator", "arguments", "inputs": [file, ...], "outputs": [file, ...]}]}. An input is
an image file as it is, or a .npy of pixels; an output is a .npy. Needs numpy and the standard library only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Operator = Callable[..., np.ndarray]


def main(operators: dict[str, Any]) -> None:
    """Answer the request in the folder that the command line names. operators: among others, by name."""
    request = json.loads((Path(sys.argv[1]) / "request.json").read_text(encoding="utf-8"))
    for call in request["calls"]:
        operator: Operator = operators[call["operator"]]
        for source, target in zip(call["inputs"], call["outputs"], strict=True):
            np.save(target, operator(_read(Path(source)), **call["arguments"]))


def _read(path: Path) -> Any:
    """The bytes of an image file, or an array."""
    return np.load(path, allow_pickle=False) if path.suffix == ".npy" else path.read_bytes()
