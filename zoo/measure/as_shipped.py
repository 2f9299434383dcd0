"""The answers of a framework's defaults on the first images of a run, if these add integer products differently."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zoo.images.pixels import BLOCK
from zoo.measure import ranking
from zoo.measure.accuracy import Evaluation, Material
from zoo.records import AsShipped
from zoo.records.predictions import Predictions

IMAGES = 4 * BLOCK  # enough for a loss of two or three points to show


def beside(evaluation: Evaluation, material: Material, predictions: Predictions) -> AsShipped | None:
    """The defaults' answers beside those of a run with exact arithmetic; None where both add alike on this processor.

    They are kept like any other answers. Raises WorkerError.
    """
    facts, settings = evaluation.check(), evaluation.settings
    if settings.arithmetic != "exact" or facts["shipped_sums"] == facts["integer_sums"]:
        return None
    blocks = material.blocks[: IMAGES // BLOCK]
    counted = [bool(image.classes) for block in blocks for image in block.images]
    with Evaluation(evaluation.task, replace(settings, arithmetic="as-shipped")) as shipped:
        indices = np.concatenate([shipped.answers(block).indices for block in blocks])[counted]
    n = len(indices)
    if not n:
        return None
    classes = ranking.table([predictions.right_classes(row) for row in range(n)])
    right, _ = ranking.correct(indices, classes, evaluation.first_class)
    before = predictions.top1[:n]
    return AsShipped(
        n=n,
        different=int((indices[:, 0] != predictions.indices[:n, 0]).sum()),
        top1_correct=int(before.sum()),
        shipped_correct=int(right.sum()),
        gained=int((right & ~before).sum()),
        lost=int((before & ~right).sum()),
    )
