"""Functions from a good setup to a bad one, of which the tables of faults are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tests.by_hand import onnx_edits, weight_edits
from tests.faults.base import Plant
from tests.faults.setups import Outputs, Picture, Setup

Labels = np.ndarray  # int64 (N,)


def in_order(*plants: Plant) -> Plant:
    """Several changes, one after another."""

    def plant(good: Setup) -> Setup:
        for each in plants:
            good = each(good)
        return good

    return plant


def tensors(*edits: weight_edits.Edit) -> Plant:
    """Other tensors in the file."""
    edit = weight_edits.all_of(*edits)
    return lambda good: replace(good, tensors={**good.tensors, **edit(good.tensors)})


def graph(*edits: onnx_edits.Edit) -> Plant:
    """Another graph in the ONNX file."""

    def plant(good: Setup) -> Setup:
        return replace(good, graph=onnx_edits.in_order(*filter(None, [good.graph]), *edits))

    return plant


def built(**fields: Any) -> Plant:
    """A file of another architecture than the record says."""
    return lambda good: replace(good, built={**good.built, **fields})


def geometry(*steps: str) -> Plant:
    """A recipe that decodes, resizes and crops otherwise."""
    return lambda good: replace(good, geometry=steps)


def numeric(*steps: str) -> Plant:
    """A recipe with other arithmetic."""
    return lambda good: replace(good, numeric=steps)


def map_of(outputs: int, classes: int, first: int) -> Plant:
    """Another label map, without names."""
    return lambda good: replace(good, outputs=Outputs(outputs, classes, first))


def pictures(chosen: Callable[[Sequence[Picture]], Sequence[Picture]]) -> Plant:
    """Other images, or other labels of them."""
    return lambda good: replace(good, pictures=tuple(chosen(good.pictures)))


def relabelled(edit: Callable[[Labels, int], Labels]) -> Plant:
    """Other labels of the same images. edit: of labels and the number of classes; -1: the image is left out."""

    def plant(good: Setup) -> Setup:
        old = np.array([int(each.label) for each in good.pictures])
        new = edit(old, good.outputs.classes)
        kept = [
            replace(each, label=str(int(label))) for each, label in zip(good.pictures, new, strict=True) if label >= 0
        ]
        return replace(good, pictures=tuple(kept))

    return plant
