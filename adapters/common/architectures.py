"""The families of architectures: a new one is a module like these two, and a line here."""

from __future__ import annotations

from typing import Any, Mapping

from . import mobilenet_v2, resnet
from .network import Network

FAMILIES = {mobilenet_v2.FAMILY: mobilenet_v2.MobileNetV2, resnet.FAMILY: resnet.ResNet}
DEFAULT = mobilenet_v2.FAMILY  # of records and messages that name none


def network(fields: Mapping[str, Any]) -> Network:
    """The layers of a network, as a checkpoint's record or a request describes it: its family and its parameters."""
    given = dict(fields)
    family = given.pop("family", DEFAULT)
    if family not in FAMILIES:
        raise ValueError(f"family {family!r} is not known; known: {', '.join(FAMILIES)}")
    return FAMILIES[family](**given).layers()
