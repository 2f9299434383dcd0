"""Runs that give other answers when they are repeated."""

from __future__ import annotations

from dataclasses import replace

from tests.by_hand import onnx_edits
from tests.faults import plants
from tests.faults.base import ALONE, Fault, Plant
from tests.faults.setups import Setup

KIND = "repeat"


def _fault(name: str, what: str, plant: Plant, *expected: str) -> Fault:
    return Fault(name, KIND, plant, frozenset(expected), what, (ALONE,))


def _stale(good: Setup) -> Setup:
    """The good setup, whose answers were kept for images in another order."""
    return replace(good, stale=True)


FAULTS = (
    _fault("norms_of_the_batch", "all batch norms by the mean and variance of the call",
           plants.graph(onnx_edits.norms_of_the_batch()), "repeat.depends_on_neighbours"),
    _fault("norm_of_the_batch_9", "one batch norm by the mean and variance of the call",
           plants.graph(onnx_edits.norms_of_the_batch("features.9.conv.1.1.out", "features.2.conv.0.1.out")),
           "repeat.depends_on_neighbours"),
    _fault("less_the_mean", "scores less their mean over the call",
           plants.graph(onnx_edits.less_the_mean_of_the_batch("output")), "repeat.depends_on_neighbours"),
    _fault("noise", "noise on the features, drawn anew in every call",
           plants.graph(onnx_edits.noisy("features", 0.6)), "repeat.not_deterministic"),
    _fault("dropout", "a dropout of a half that stays on", plants.graph(onnx_edits.dropping("features", 0.6)),
           "repeat.not_deterministic"),
    _fault("stale_answers", "answers that were kept for images in another order", _stale, "repeat.kept_differ"),
)  # fmt: skip
