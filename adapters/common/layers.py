"""Counts of parameters and multiply-adds, from the layers that an adapter found in a file.

Only the standard library. An adapter finds the layers in its own format; the sums are made here, so that the same
network gives the same numbers in every format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from adapters.common.network import Network

# Names that libraries give to element types -> numpy's.
DTYPES = {
    "f32": "float32", "f16": "float16", "u8": "uint8", "i8": "int8", "i32": "int32", "i64": "int64",
    "float": "float32", "double": "float64",
}  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """A convolution, or a product with a stored matrix.

    weights, biases: numbers of stored values; channels: of its output; positions: height x width of its output
    for one image (1 of a matrix product), None where the file leaves it open.
    """

    weights: int
    biases: int
    channels: int
    positions: Optional[int] = 1


@dataclass(frozen=True)
class Norm:
    """A batch norm that is not folded away: stored scales and shifts, stored means and variances."""

    learned: int
    statistics: int


def facts(layers: Sequence[Layer], norms: Sequence[Norm] = ()) -> Dict[str, Any]:
    """Sums over layers in network order, the last of which is the classifier.

    "parameters": every stored value of these layers and batch norms, running statistics included, but nothing
    besides (no clip bounds, no quantisation scales); "parameters_by" is what it consists of.
    "multiply_adds": of convolutions and classifier for one image, None if a size is open.
    "convolutions": how many before the classifier; "classes": the classifier's outputs.
    """
    before, last = layers[:-1], layers[-1:]
    parts = {
        "convolutions": sum(layer.weights for layer in before),
        "convolution_biases": sum(layer.biases for layer in before),
        "classifier": sum(layer.weights for layer in last),
        "classifier_biases": sum(layer.biases for layer in last),
        "norms": sum(norm.learned for norm in norms),
        "statistics": sum(norm.statistics for norm in norms),
    }
    # a kernel is applied once a position, whatever its groups
    products = [None if layer.positions is None else layer.weights * layer.positions for layer in layers]
    known = [product for product in products if product is not None]
    return {
        "parameters": sum(parts.values()),
        "parameters_by": parts,
        "multiply_adds": sum(known) if len(known) == len(products) else None,
        "convolutions": len(before),
        "classes": last[0].channels if last and last[0].channels > 0 else None,
    }


def of_tensors(sizes: Mapping[str, int], network: Network) -> Dict[str, Any]:
    """`facts` of a file of tensors without a graph. sizes: canonical name -> stored values.

    The file says how many values there are, the table of layers at how many positions they are used.
    """
    layers: List[Layer] = []
    norms: List[Norm] = []
    for conv in network.convs:
        layers.append(Layer(sizes[conv.weight], 0, conv.out_channels, conv.out_side**2))
        parts = [sizes[name] for name in conv.norm]
        norms.append(Norm(sum(parts[:2]), sum(parts[2:])))
    classifier = network.classifier
    layers.append(Layer(sizes[classifier.weight], sizes.get(classifier.bias, 0), classifier.classes))
    return {**facts(layers, norms), "graph": False, "activations": {}, "quantised": False}


def spec(name: str, shape: Optional[Sequence[Any]], dtype: str) -> Dict[str, Any]:
    """An input or output in the same words for every framework: numpy's dtype, -1 for a free dimension."""
    axes = None if shape is None else [size if isinstance(size, int) and size > 0 else -1 for size in shape]
    lower = dtype.lower()
    return {"name": name, "shape": axes, "dtype": DTYPES.get(lower, lower)}


def clipped(low: Optional[float], high: Optional[float]) -> str:
    """Name of the activation that keeps values between two bounds: "relu6", "relu", or the bounds themselves."""
    if low == 0 and high == 6:
        return "relu6"
    return "relu" if low == 0 and high is None else f"clip({low}, {high})"


def shape_of_one(shape: Sequence[int], channel_axis: int) -> Tuple[int, Optional[int]]:
    """(channels, positions) of a layer's output of `shape`, whose first axis is the batch; -1 is free."""
    others = [size for axis, size in enumerate(shape) if axis not in (0, channel_axis % len(shape))]
    positions: Optional[int] = 1
    for size in others:
        positions = None if positions is None or size < 1 else positions * size
    return shape[channel_axis], positions
