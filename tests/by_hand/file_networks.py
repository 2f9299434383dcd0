"""Networks as files have them, made from canonical tensors without any file or framework."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from safetensors.numpy import load_file

from tests.by_hand.records import a_run
from zoo import disk
from zoo.diagnose.base import Case
from zoo.diagnose.network import FileNetwork, Layer, Norm
from zoo.diagnose.tensors.documented import documented
from zoo.documents.load import load_zoo
from zoo.records import Checkpoint
from zoo.records.documents import Network

Tensors = dict[str, np.ndarray]


@cache
def embedded_tensors() -> Tensors:
    """Canonical tensors of the embedded network; not to be changed in place."""
    return load_file(disk.EMBEDDED / "weights.safetensors")


@cache
def embedded_checkpoint(name: str = "embedded/onnx") -> Checkpoint:
    """A checkpoint of the embedded zoo."""
    return load_zoo("embedded").checkpoints[name]


def made(tensors: Tensors, network: Network) -> FileNetwork:
    """The network that holds these tensors, with batch norms kept apart, connected as the record has it."""
    table = documented(network)
    return FileNetwork(tuple(_filled(layer, tensors, network.bn_epsilon) for layer in table.layers))


def _filled(layer: Layer, tensors: Tensors, epsilon: float) -> Layer:
    if layer.kind not in ("conv", "classifier"):
        return layer
    weight = tensors[f"{layer.name}.weight"]
    if layer.kind == "classifier":
        return replace(layer, weight=weight, bias=tensors.get(f"{layer.name}.bias"), shape=weight.shape)
    norm = norm_name(layer.name)
    gamma, beta, mean, variance = (
        tensors[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return replace(layer, weight=weight, norm=Norm(gamma, beta, mean, variance, epsilon), shape=weight.shape)


def norm_name(conv: str) -> str:
    """Canonical name of the batch norm behind a convolution: the next number."""
    stem, _, number = conv.rpartition(".")
    return f"{stem}.{int(number) + 1}"


def folded(network: FileNetwork) -> FileNetwork:
    """The same with batch norms multiplied into float32 weights, as converters do it."""
    return FileNetwork(tuple(map(_folded, network.layers)))


def _folded(layer: Layer) -> Layer:
    if layer.weight is None:
        return layer
    weight, bias = (values.astype(np.float32) for values in layer.folded)
    return replace(layer, weight=weight, bias=bias, norm=None)


def quantised(network: FileNetwork, per_channel: bool = True) -> FileNetwork:
    """Folded, with weights of 8 bits, symmetric around zero, and one step for each output or for each layer."""
    return FileNetwork(tuple(_quantised(_folded(layer), per_channel) for layer in network.layers))


def _quantised(layer: Layer, per_channel: bool) -> Layer:
    if layer.weight is None:
        return layer
    rows = np.abs(layer.weight).reshape(len(layer.weight), -1).max(axis=1)
    steps = (rows if per_channel else np.full_like(rows, rows.max())) / 127 + np.float32(1e-12)
    shaped = steps.reshape(-1, *[1] * (layer.weight.ndim - 1))
    weight = (np.rint(layer.weight / shaped) * shaped).astype(np.float32)
    return replace(layer, weight=weight, weight_scale=steps, weight_zero=np.zeros(len(steps), np.int8), bits=8)


def edited(network: FileNetwork, name: str, **changes: object) -> FileNetwork:
    """With other fields in one layer."""
    assert any(layer.name == name for layer in network.layers), name
    layers = (replace(layer, **changes) if layer.name == name else layer for layer in network.layers)  # type: ignore[arg-type]
    return FileNetwork(tuple(layers))


def a_case(checkpoint: Checkpoint) -> Case:
    """A case of a checkpoint of the embedded zoo, of which only the file is looked at."""
    zoo = load_zoo("embedded")
    return Case(a_run(checkpoint=checkpoint.id), checkpoint, zoo.label_maps["embedded"], zoo.recipes[checkpoint.recipe])
