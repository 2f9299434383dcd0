"""Answers that say nothing: the images hardly matter for them."""

from __future__ import annotations

import numpy as np

from tests.by_hand import onnx_edits, weight_edits
from tests.by_hand.weight_edits import BIAS, CLASSIFIER, Tensors
from tests.faults import plants
from tests.faults.base import ALONE, BESIDE, Fault, Plant

KIND = "answers"


def _fault(name: str, what: str, plant: Plant, *expected: str) -> Fault:
    return Fault(name, KIND, plant, frozenset(expected), what, (ALONE, BESIDE))


def _untrained(tensors: Tensors) -> Tensors:
    random = np.random.default_rng(9)
    return {
        name: random.normal(0, np.sqrt(2 / max(1, value[0].size)), value.shape).astype(np.float32)
        for name, value in tensors.items()
        if value.ndim > 1
    }


FAULTS = (
    _fault("one_class", "one class has too large a bias", plants.tensors(weight_edits.lifted(60, 11)),
           "answers.one_class", "answers.favoured_class", "file.shifted_bias"),
    _fault("three_classes", "three classes have too large a bias", plants.tensors(weight_edits.lifted(60, 2, 9, 20)),
           "answers.few_classes", "file.shifted_bias"),
    _fault("scores_cut_off", "scores limited to at most a half",
           plants.graph(onnx_edits.after(("Min", [np.float32(0.5)], {}))), "answers.ties", "file.activation"),
    _fault("scores_rounded", "scores rounded to whole numbers",
           plants.graph(onnx_edits.after(("Div", [np.float32(8)], {}), ("Round", (), {}))), "answers.ties"),
    _fault("untrained", "weights as before training", plants.tensors(_untrained), "answers.near_chance",
           "answers.one_class", "answers.few_classes", "file.other_training"),
    _fault("untrained_classifier", "a classifier as before training",
           plants.tensors(lambda tensors: {CLASSIFIER: _untrained(tensors)[CLASSIFIER], BIAS: 0 * tensors[BIAS]}),
           "answers.near_chance", "answers.few_classes", "answers.outputs_permuted", "file.other_training",
           "file.layers_differ", "file.classifier_rows"),
)  # fmt: skip
