"""Networks and runs with nothing wrong: no cause may be named for them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from tests.by_hand import variations, weight_edits
from tests.by_hand.variations import Variation
from tests.faults import plants
from tests.faults.base import ALONE, BESIDE, FORMATS, Fault, Form, Plant
from tests.faults.setups import Outputs, Picture, Setup, divide, normalise

KIND = "healthy"
# label maps and recipes of the variations, as setups have them: (outputs, first), numeric steps
MAPS = {"a_background_first": (variations.CLASSES + 1, 1), "unused_behind": (variations.CLASSES + 3, 0)}
INSIDE = {"without_mean": (divide(255),)}  # the graph does the rest


def _healthy(name: str, what: str, plant: Plant, *forms: Form, base: str = "embedded") -> Fault:
    return Fault(name, KIND, plant, frozenset(), what, forms or (ALONE,), moves=False, base=base)


def _as_planted(variation: Variation) -> Plant:
    """A healthy variation of the controls as a change of a setup."""

    def plant(good: Setup) -> Setup:
        if variation.weights:
            good = plants.tensors(variation.weights)(good)
        if variation.graph:
            good = plants.graph(variation.graph)(good)
        if variation.label_map in MAPS:
            outputs, first = MAPS[variation.label_map]
            good = replace(good, outputs=Outputs(outputs, good.outputs.classes, first))
        return replace(
            good,
            built={**good.built, **variation.network},
            documented={**good.documented, **variation.network},
            numeric=INSIDE.get(variation.recipe, good.numeric),
            layout="nhwc" if variation.recipe.endswith("_nhwc") else "nchw",
            external=variation.external,
            words=_words(variation),
        )

    return plant


def _words(variation: Variation) -> tuple[str, ...]:
    asked = {name: value for name, value in variation.request.items() if name != "images"}
    return tuple(word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", str(value)))


def _backwards(given: Sequence[Picture]) -> list[Picture]:
    """Other names, which put the images into the opposite order."""
    return [replace(each, name=f"{number:04d}.jpg") for number, each in enumerate(reversed(given))]


def _as_png(data: bytes) -> bytes:
    """The same pixels without loss."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("RGB").save(out, "PNG")
    return out.getvalue()


def _without_loss(given: Sequence[Picture]) -> list[Picture]:
    return [replace(each, name=f"{each.name}.png", edit=_as_png) for each in given]


def _from_controls(variation: Variation) -> Fault:
    plant = _as_planted(variation)
    if variation.request.get("images") == "backwards":
        plant = plants.pictures(_backwards)
    return _healthy(variation.name, variation.what, plant, Form(variation.fmt), BESIDE)


def _other_format(fmt: str) -> Fault:
    return _healthy(f"as_{fmt}", f"the same tensors as {fmt}", lambda good: good, Form(fmt, beside=True), Form(fmt))


def _in_other_reader(fmt: str, reader: str) -> Fault:
    return _healthy(f"{fmt}_in_{reader}", f"{fmt} read by {reader}", lambda good: good,
                    Form(fmt, beside=True, reader=reader))  # fmt: skip


def _sampled(given: Sequence[Picture]) -> list[Picture]:
    """Every second image of each class; the documented number is of all."""
    return [each for number, each in enumerate(given) if number // 24 % 2]


CONTROLS = tuple(
    _from_controls(each)
    for each in variations.HEALTHY
    if each.framework == "onnxruntime"
)  # fmt: skip
OTHERS = (
    *(_other_format(fmt) for fmt in FORMATS if fmt != "onnx"),
    _in_other_reader("onnx", "openvino"),
    _in_other_reader("frozen_graph", "openvino"),
    _in_other_reader("tflite", "openvino"),
    _healthy("in_bytes", "quantised, as QuantizeLinear and DequantizeLinear", lambda good: good, ALONE, BESIDE,
             base="QDQ"),
    _healthy("in_bytes_operators", "quantised, as QLinearConv", lambda good: good, ALONE, BESIDE, base="QOperator"),
    _healthy("folders_as_labels", "labels by the names of folders",
             lambda good: replace(good, labels_as="folders")),
    _healthy("without_loss", "the same pixels as PNG", plants.pictures(_without_loss)),
    _healthy("fixed_sample", "300 of the images", lambda good: replace(good, words=("--sample", "300"))),
    _healthy("until_decided", "as many images as decide",
             lambda good: replace(good, words=("--sample", "auto"))),
    _healthy("half_of_the_images", "every second image of each class", lambda good: replace(
             good, pictures=tuple(_sampled(good.pictures)), accuracy=None)),
    _healthy("mean_in_other_words", "the same arithmetic in other steps", lambda good: replace(
             good, numeric=(normalise((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),))),
    _healthy("bias_lifted", "the same constant added to the bias of every class", plants.tensors(
             lambda tensors: {weight_edits.BIAS: tensors[weight_edits.BIAS] + np.float32(2)})),
)  # fmt: skip

HEALTHY = (*CONTROLS, *OTHERS)
