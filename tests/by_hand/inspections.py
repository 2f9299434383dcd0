"""What is found in the files of a faithful network."""

from __future__ import annotations

from typing import Any

from tests.by_hand.documents import SHA
from zoo.documents import counting
from zoo.records import (
    FileBytes,
    Inspection,
    Measured,
    MobileNetV2,
    Network,
    Port,
)

NETWORK = MobileNetV2(alpha=1.0, resolution=224, classes=1000)


def measured(network: Network = NETWORK, *, folded: bool = False, **changes: Any) -> Measured:
    """What an adapter finds in a faithful file of this network."""
    own, layers = counting.parts(network), counting.layers(network)
    by = {
        "convolutions": own.convolutions,
        "convolution_biases": own.norm_channels * folded,
        "classifier": own.classifier,
        "classifier_biases": own.bias,
        "norms": 2 * own.norm_channels * (not folded),
        "statistics": 2 * own.norm_channels * (not folded),
    }
    fields: dict[str, Any] = {
        "graph": True, "parameters": sum(by.values()), "parameters_by": by, "multiply_adds": own.multiply_adds,
        "convolutions": len(layers.convs), "classes": network.classes,
        "activations": {layers.activation: 35}, "quantised": False, "ops": {"Conv": 52}, "opset": 12,
        "inputs": (Port(name="data", dtype="float32", shape=(-1, 3, 224, 224)),),
        "outputs": (Port(name="scores", dtype="float32", shape=(-1, 1000)),),
    }  # fmt: skip
    return Measured(**(fields | changes))


def inspection(found: Measured | None = None, **changes: Any) -> Inspection:
    """The file of `checkpoint()`, with the published bytes."""
    file = FileBytes(name="net.pth", size_bytes=1000, sha256=SHA["a"], hash="equal", by="sha256")
    fields: dict[str, Any] = {
        "checkpoint": "a/net", "framework": "torch", "sha256": SHA["a"], "files": (file,), "measured": found,
    }  # fmt: skip
    return Inspection(**(fields | changes))
