"""Which checkpoints of a zoo should answer alike, and why."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.documents.load import Zoo
from zoo.records import Checkpoint, Kinship


def related(zoo: Zoo, checkpoint: Checkpoint) -> Iterator[tuple[Checkpoint, Kinship]]:
    """Checkpoints of a zoo by why they should answer as this one does, the nearest first; one may come several times.

    It comes itself, where its record names its weights or its network.
    """
    others = list(zoo.checkpoints.values())
    for other in others:
        if checkpoint.weights and other.weights == checkpoint.weights:
            yield other, "same weights"
    for other in others:
        if other.id == checkpoint.converted_from or other.converted_from == checkpoint.id:
            yield other, "converted from"
    for other in others:
        if checkpoint.network is not None and other.network == checkpoint.network:
            yield other, "same network"
