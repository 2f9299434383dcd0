"""Published variants, as if they had been timed here."""

from __future__ import annotations

from typing import Any

from tests.by_hand.records import a_latency_run
from zoo.documents.load import load_zoo
from zoo.records import LatencyRun, MobileNetV2

ZOO = load_zoo("published")


CLAIMS = list(ZOO.claims.values())


def measured(checkpoint: str, seconds: float, **changes: Any) -> LatencyRun:
    record = ZOO.checkpoints[checkpoint]
    fields = {"framework": record.framework, "key": checkpoint, "weights": record.weights or "", "untrained": True}
    return a_latency_run([seconds] * 6, checkpoint=checkpoint, **{**fields, **changes})


def by_size(publisher: str, **changes: Any) -> list[LatencyRun]:
    """A time for each network of a publisher that grows with it."""
    return [
        measured(name, 1e-7 * record.network.alpha * record.network.resolution**2, **changes)
        for name, record in ZOO.checkpoints.items()
        if name.startswith(f"{publisher}/") and isinstance(record.network, MobileNetV2) and not name.endswith("-frozen")
    ]
