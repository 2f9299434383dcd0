"""An order and scale of channels that one layer changed, and which the layers behind it may take back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zoo.diagnose.network import Array, Double, Layer, Norm


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

    def taken_back(self, layer: Layer) -> Layer:
        """The layer as it would be if its input were in the other network's order and scale.

        A depthwise layer keeps its channels' order, so its outputs are put in that order as well.
        """
        axis = 0 if layer.is_depthwise else 1
        known = self.order if self.order is not None else self.scale
        if layer.weight is None or known is None or layer.weight.shape[axis] != len(known):
            return layer
        weight = np.moveaxis(layer.weight, axis, 0)
        if self.scale is not None:
            weight = (weight * self.scale.reshape(-1, *[1] * (weight.ndim - 1))).astype(np.float32)
        weight = np.moveaxis(self._back(weight), 0, axis)
        if not layer.is_depthwise or self.order is None:
            return replace(layer, weight=weight)
        return replace(self._outputs_back(layer), weight=weight)

    def _outputs_back(self, layer: Layer) -> Layer:
        """With everything that there is one of for each output in the other network's order."""
        norm = layer.norm
        if norm is not None:
            gamma, beta, mean, variance = map(self._back, (norm.gamma, norm.beta, norm.mean, norm.variance))
            norm = Norm(gamma, beta, mean, variance, norm.epsilon)
        stored = (layer.bias, layer.weight_scale, layer.weight_zero)
        bias, scale, zero = (None if each is None or each.size == 1 else self._back(each.ravel()) for each in stored)
        return replace(
            layer,
            norm=norm,
            bias=bias,
            weight_scale=layer.weight_scale if scale is None else scale,
            weight_zero=layer.weight_zero if zero is None else zero,
        )

    def _back(self, rows: Array) -> Array:
        """Rows in the other network's order."""
        if self.order is None:
            return rows
        found = np.empty_like(rows)
        found[self.order] = rows
        return found

    def same(self, other: Order) -> bool:
        """Whether two branches of an addition agree."""
        return _equal(self.order, other.order) and _equal(self.scale, other.scale)


def _equal(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None:
        return first is second
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=1e-4))
