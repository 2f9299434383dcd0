"""An order and scale of channels that one layer changed, and which the layers behind it may take back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.diagnose.network import Double, Layer


@dataclass(frozen=True)
class Order:
    """Of the channels behind a step: own channel c is `scale[c]` times the other network's channel `order[c]`.

    order: int (channels,), None for the same; scale: (channels,), None for 1. origins: numbers of the layers that made
    it so.
    """

    order: np.ndarray | None = None
    scale: Double | None = None
    origins: frozenset[int] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Whether nothing is to be taken back."""
        return self.order is None and self.scale is None

    def inputs_of(self, layer: Layer, weight: Double) -> Double:
        """The layer's weight as it would be if its input were in the other network's order and scale."""
        axis = 0 if layer.is_depthwise else 1
        if weight.shape[axis] != self.channels:
            return weight
        turned = np.moveaxis(weight, axis, 0)
        if self.scale is not None:
            turned = turned * self.scale.reshape(-1, *[1] * (turned.ndim - 1))
        return np.moveaxis(self.back(turned), 0, axis)

    def back(self, rows: Double) -> Double:
        """Rows in the other network's order."""
        if self.order is None:
            return rows
        found = np.empty_like(rows)
        found[self.order] = rows
        return found

    @property
    def channels(self) -> int:
        """How many channels it is an order of; 0 where it is none."""
        known = self.order if self.order is not None else self.scale
        return 0 if known is None else len(known)

    def same(self, other: Order) -> bool:
        """Whether two branches of an addition agree."""
        return _equal(self.order, other.order) and _equal(self.scale, other.scale)


def _equal(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None:
        return first is second
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=1e-4))
