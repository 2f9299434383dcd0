"""Faults in real networks: the two reconstructed ones and the published int8 file, on real images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.by_hand import onnx_edits, weight_edits
from tests.faults import labels, networks, plants, quantised, recipes
from tests.faults.base import ALONE, BESIDE, Fault, Form, Plant
from tests.faults.setups import IMAGENET, crop, decode, divide, exact, normalise, resample, short
from zoo.documents.classes import imagenet_classes


def _real(name: str, base: str, what: str, plant: Plant, *expected: str, forms: tuple[Form, ...] = (ALONE,)) -> Fault:
    return Fault(f"{base}_{name}", "real", plant, frozenset(expected), what, forms, base=base)


def _devkit(given: plants.Labels, _: int) -> plants.Labels:
    """The devkit's own numbers less one, in place of the sorted synsets'."""
    number = {index: own - 1 for own, index in imagenet_classes().by_ilsvrc2012_id.items()}
    return np.array([number[int(each)] for each in given])


def _symmetric() -> tuple[Fault, ...]:
    base = "symmetric"
    return (
        _real("devkit", base, "labels in the devkit's numbering", plants.relabelled(_devkit), "labels.numbering"),
        _real("offset", base, "every label one too high", labels.moved(1), "labels.offset"),
        _real("text_order", base, "folders 0 to 999 sorted as text", plants.relabelled(labels.as_text),
              "labels.text_order"),
        _real("bgr", base, "red and blue exchanged", plants.numeric(
              recipes.BGR, divide(255), normalise(*IMAGENET)), "recipe.channel_order"),
        _real("mean_of_a_half", base, "mean and deviation of a half", plants.numeric(
              divide(255), normalise(recipes.HALF, recipes.HALF)), "recipe.mean_std"),
        _real("squash", base, "both sides to 224", plants.geometry(decode(), exact(224)), "recipe.squash"),
        _real("not_divided", base, "pixels from 0 to 255", plants.numeric(normalise(*IMAGENET)),
              "recipe.scale"),
        _real("margin_320", base, "short side to 320", plants.geometry(decode(), short(320), crop(224)),
              "recipe.crop"),
        _real("nearest", base, "nearest neighbour", plants.geometry(
              decode(), short(256, resample("pil", "nearest", False)), crop(224)), "recipe.resize"),
        _real("padding_same", base, "TensorFlow's padding", plants.built(padding="same"), "file.padding"),
        _real("only_relu", base, "ReLU in place of ReLU6", plants.built(activation="relu"), "file.activation"),
        _real("no_residual_6", base, "block 6 without its addition", networks.no_residual(6), "file.residual"),
        _real("half_of_11", base, "the expansion of block 11 halved", plants.tensors(
              weight_edits.scaled(0.5, "features.11.conv.0.0.weight")), "file.scaled_layer", forms=(BESIDE, ALONE)),
    )  # fmt: skip


def _same() -> tuple[Fault, ...]:
    base = "same"
    return (
        _real("padding_symmetric", base, "PyTorch's padding", plants.built(padding="symmetric"), "file.padding"),
        _real("epsilon_1e-1", base, "batch norms with an epsilon of 0.1", plants.built(bn_epsilon=0.1),
              "file.epsilon"),
        _real("mean_of_imagenet", base, "ImageNet's mean and deviation", plants.numeric(
              divide(255), normalise(*IMAGENET)), "recipe.mean_std"),
        _real("background", base, "a map without the background first", lambda good: replace(
              good, outputs=replace(good.outputs, first=0)), "labels.background"),
        _real("rows_rolled", base, "the classifier's rows moved on by one", plants.tensors(
              weight_edits.rows_of_classes(lambda n: np.roll(np.arange(n), 1))), "file.classifier_rows",
              "answers.outputs_permuted", "labels.offset", "labels.background", forms=(BESIDE, ALONE)),
    )  # fmt: skip


def _published() -> tuple[Fault, ...]:
    base = "published"
    return (
        _real("zero_point", base, "one value is read with a zero point that is 40 too high", plants.graph(
              quantised.other_value("QLinearConv", 14, 2, shift=40)), *quantised.READ),
        _real("bgr", base, "red and blue exchanged", plants.numeric(
              recipes.BGR, divide(255), normalise(*IMAGENET)), "recipe.channel_order"),
        _real("scores_rounded", base, "scores rounded to tens", plants.graph(
              onnx_edits.after(("Div", [np.float32(10)], {}), ("Round", (), {}))), "answers.ties"),
    )  # fmt: skip


def _healthy() -> tuple[Fault, ...]:
    return tuple(
        Fault(f"{base}_as_it_is", "healthy", lambda good: good, frozenset(), "as it is", (ALONE,), False, base)
        for base in ("symmetric", "same", "published")
    )


FAULTS = (*_symmetric(), *_same(), *_published())
HEALTHY = _healthy()
