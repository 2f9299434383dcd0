"""Run inside PyTorch's environment by test_torch_formats.py: what no adapter does, but a test needs.

    rewrite FILE NEW_FILE CHANGES   change the tensors of a state dict, or pack it otherwise
    quantised NEW_FILE              the state dict of a small quantised network
    whole NEW_FILE                  a pickled module
    script NEW_FILE                 a TorchScript archive

CHANGES is JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import torch


def rewrite(path: str, new_path: str, changes: str) -> None:
    wanted = json.loads(changes)
    state = torch.load(path, weights_only=True)
    for name in wanted.get("drop", []):
        del state[name]
    for name, shape in wanted.get("add", {}).items():
        state[name] = torch.ones(shape)
    for name in wanted.get("halve", []):
        state[name] = state[name].half()
    for name, shape in wanted.get("reshape", {}).items():
        state[name] = state[name].reshape(shape)
    for old, new in wanted.get("rename", {}).items():
        state = {name.replace(old, new): value for name, value in state.items()}
    if "wrap" in wanted:
        state = {wanted["wrap"] + name: value for name, value in state.items()}
    if "nest" in wanted:
        # best_acc1 as a tensor: what torch.topk gives, and what many training scripts store
        state = {"best_acc1": torch.tensor(71.0), **{key: state for key in wanted["nest"]}}
    torch.save(state, new_path, _use_new_zipfile_serialization=not wanted.get("legacy", False))


def quantised(new_path: str) -> None:
    from torch.ao import quantization

    torch.backends.quantized.engine = "qnnpack"
    network = torch.nn.Sequential(quantization.QuantStub(), torch.nn.Conv2d(3, 4, 1), torch.nn.Flatten())
    network.append(torch.nn.Linear(16, 5)).eval()
    network.qconfig = quantization.get_default_qconfig("qnnpack")
    prepared = quantization.prepare(network)
    prepared(torch.zeros(1, 3, 2, 2))
    torch.save(quantization.convert(prepared).state_dict(), new_path)


def whole(new_path: str) -> None:
    torch.save(torch.nn.Linear(2, 2), new_path)


def script(new_path: str) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(new_path)


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {
        "rewrite": rewrite,
        "quantised": quantised,
        "whole": whole,
        "script": script,
    }
    commands[sys.argv[1]](*sys.argv[2:])
