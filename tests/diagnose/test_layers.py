"""Two computations of a small network, one of which has a fault at one layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.by_hand.records import a_run
from zoo.diagnose.base import Case
from zoo.diagnose.layers.channels import in_order_of, same_order
from zoo.diagnose.layers.computation import Computation
from zoo.diagnose.layers.look import look
from zoo.diagnose.layers.numeric import Window, activated, value
from zoo.diagnose.network import SOURCE, FileNetwork, Layer, Norm
from zoo.documents.load import load_zoo
from zoo.records import File, Kinship
from zoo.records.diagnoses import Candidate, Findings

ZOO = load_zoo("embedded")
RANDOM = np.random.default_rng(5)
SIDE, CHANNELS, CLASSES, IMAGES = 12, 8, 10, 3
Change = Callable[[list[Layer]], None]


def norm_of(channels: int, random: np.random.Generator) -> Norm:
    gamma, variance = (random.uniform(0.5, 1.5, channels).astype(np.float32) for _ in range(2))
    beta, mean = (random.normal(0, 0.5, channels).astype(np.float32) for _ in range(2))
    return Norm(gamma, beta, mean, variance * np.float32(0.05), 1e-5)


def conv(number: int, source: int, shape: tuple[int, ...], activation: str, seed: int, **window: Any) -> Layer:
    random = np.random.default_rng(seed)
    weight = random.normal(0, np.sqrt(1 / np.prod(shape[1:])), shape).astype(np.float32)
    pad = (shape[2] - 1) // 2
    fields = {"pads": (pad,) * 4, "stride": (1, 1), "groups": shape[0] if shape[1] == 1 else 1, **window}
    norm = norm_of(shape[0], random)
    return Layer(
        number, f"conv{number}", "conv", (source,), f"v{number}", weight, activation=activation, norm=norm,
        kernel=shape[2:], shape=shape, **fields,
    )  # fmt: skip


def some_layers() -> list[Layer]:
    """A first convolution, two blocks with an addition around the second, the mean and the classifier."""
    wide = 2 * CHANNELS
    layers = [conv(0, SOURCE, (CHANNELS, 3, 3, 3), "relu6", 10, stride=(2, 2))]
    for block in range(2):
        first = len(layers)
        source = first - 1
        layers += [
            conv(first, source, (wide, CHANNELS, 1, 1), "relu6", 20 + first),
            conv(first + 1, first, (wide, 1, 3, 3), "relu6", 20 + first + 1),
            conv(first + 2, first + 1, (CHANNELS, wide, 1, 1), "", 20 + first + 2),
        ]
        if block:
            layers.append(Layer(first + 3, "add", "add", (first + 2, source), activation=""))
    last = len(layers)
    weight = np.random.default_rng(9).normal(0, 1, (CLASSES, CHANNELS)).astype(np.float32)
    layers.append(Layer(last, "mean", "mean", (last - 1,), activation=""))
    layers.append(
        Layer(last + 1, "fc", "classifier", (last,), "scores", weight, activation="", shape=weight.shape)
    )  # fmt: skip
    return layers


def given_images(seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (IMAGES, 3, SIDE, SIDE)).astype(np.float32)


def computed(layers: list[Layer], title: str, given: np.ndarray | None = None) -> Computation:
    """Values in float32, as a framework has them."""
    images = given_images() if given is None else given
    values: dict[int, np.ndarray] = {SOURCE: images}
    for layer in layers:
        window = Window(layer.pads or (0, 0, 0, 0), layer.stride or (1, 1), layer.activation)
        found = value(layer, [values[number] for number in layer.inputs], window)
        assert found is not None
        values[layer.number] = found.astype(np.float32)
    del values[SOURCE]
    return Computation(title, FileNetwork(tuple(layers)), values, images)


def silent(computation: Computation) -> Computation:
    """The same, of a file that holds tensors alone and says nothing of its graph."""
    layers = [
        replace(each, pads=None, stride=None, groups=None, activation="?")
        for each in computation.network.layers
    ]  # fmt: skip
    return replace(computation, network=FileNetwork(tuple(layers)))


def a_case() -> Case:
    """Its record documents no network, so that none of the two files is right by its documents."""
    files = (File(name="net.onnx"),)
    checkpoint = ZOO.checkpoints["embedded/onnx"].changed(network=None, export_from=None, files=files)
    recipe = ZOO.recipes[checkpoint.recipe]
    return Case(a_run(), checkpoint, ZOO.label_maps[checkpoint.label_map], recipe)


def at(number: int, **fields: Any) -> Change:
    def change(layers: list[Layer]) -> None:
        layers[number] = replace(layers[number], **fields)

    return change


def with_epsilon(number: int, epsilon: float) -> Change:
    def change(layers: list[Layer]) -> None:
        norm = layers[number].norm
        assert norm is not None
        layers[number] = replace(layers[number], norm=replace(norm, epsilon=epsilon))

    return change


def scaled(number: int, factor: float) -> Change:
    def change(layers: list[Layer]) -> None:
        weight = layers[number].weight
        assert weight is not None
        layers[number] = replace(layers[number], weight=weight * np.float32(factor))

    return change


def without_addition(layers: list[Layer]) -> None:
    """Of the second block; all numbers behind it are one less."""
    del layers[7]
    layers[7:] = [replace(each, number=each.number - 1, inputs=(each.inputs[0] - 1,)) for each in layers[7:]]


def found_for(change: Change, kinship: Kinship = "same weights", hide: bool = False) -> Findings:
    layers = some_layers()
    change(layers)
    other = computed(some_layers(), "the other")
    return look(a_case(), computed(layers, "own"), silent(other) if hide else other, kinship)


def the_candidate(findings: Findings) -> Candidate:
    (candidate,) = findings.candidates
    assert candidate.cause == "layer.parts"
    return candidate


def test_equal_computations_name_nothing() -> None:
    found = found_for(lambda layers: None)
    assert not found.candidates
    assert found.excluded[0].cause == "layer.parts"


FAULTS = {
    "padding 0": (at(0, pads=(0, 0, 1, 1)), 0, "padding"),
    "padding 2": (at(2, pads=(0, 0, 2, 2)), 2, "padding"),
    "padding 5": (at(5, pads=(2, 2, 0, 0)), 5, "padding"),
    "no activation 0": (at(0, activation=""), 0, "activation"),
    "no activation 4": (at(4, activation=""), 4, "activation"),
    "ReLU 2": (at(2, activation="clip(0, 1)"), 2, "activation"),
    "activation where there is none 3": (at(3, activation="relu6"), 3, "activation"),
    "epsilon 1": (with_epsilon(1, 1e-3), 1, "epsilon"),
    "epsilon 6": (with_epsilon(6, 1e-2), 6, "epsilon"),
    "scaled 1": (scaled(1, 1.1), 1, "weights"),
    "scaled 3": (scaled(3, 0.95), 3, "weights"),
    "scaled 6": (scaled(6, 1.02), 6, "weights"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("hide", [False, True])
def test_a_fault_is_named_at_its_layer(name: str, hide: bool) -> None:
    change, number, what = FAULTS[name]
    candidate = the_candidate(found_for(change, hide=hide))
    assert candidate.certainty == "shown"
    assert f"layer {number} (conv{number})" in candidate.title
    assert what in candidate.title
    assert candidate.images == IMAGES


def test_an_addition_that_is_missing_is_named() -> None:
    candidate = the_candidate(found_for(without_addition))
    assert "addition" in candidate.title
    assert "add 'add'" in candidate.evidence


@pytest.mark.parametrize("kinship", ["reference", "converted from"])
def test_only_the_same_weights_show_it(kinship: Kinship) -> None:
    assert the_candidate(found_for(FAULTS["padding 2"][0], kinship)).certainty == "likely"


def test_another_training_is_possible_only() -> None:
    def change(layers: list[Layer]) -> None:
        for number, layer in enumerate(layers):
            if layer.weight is not None:
                noise = np.random.default_rng(number).normal(0, 0.3, layer.weight.shape)
                layers[number] = replace(layer, weight=(layer.weight + noise).astype(np.float32))

    assert the_candidate(found_for(change, "reference")).certainty == "possible"
    assert the_candidate(found_for(change)).certainty == "shown"


def test_what_the_words_do_not_explain_is_likely() -> None:
    other = computed(some_layers(), "the other")
    layers = some_layers()
    at(2, activation="clip(0, 1)")(layers)
    own = replace(computed(layers, "own"), network=other.network)  # the file says relu6, the values do not
    candidate = the_candidate(look(a_case(), own, other, "same weights"))
    assert "layer 2 " in candidate.title
    assert candidate.certainty == "likely"


def test_both_padding_and_activation_of_two_layers_are_told() -> None:
    def change(layers: list[Layer]) -> None:
        at(2, pads=(0, 0, 2, 2))(layers)
        at(5, activation="")(layers)

    candidate = the_candidate(found_for(change))
    assert "layer 2 " in candidate.title
    assert "1 further layer" in candidate.evidence
    assert "layer 5 " in candidate.evidence


def in_halves(layers: list[Layer]) -> None:
    for number, layer in enumerate(layers):
        if layer.weight is not None:
            layers[number] = replace(layer, weight=layer.weight.astype(np.float16).astype(np.float32))


def in_another_order(layers: list[Layer]) -> None:
    """The channels between layers 4, 5 and 6."""
    order = np.random.default_rng(2).permutation(2 * CHANNELS)
    for number in (4, 5):
        norm, weight = layers[number].norm, layers[number].weight
        assert norm is not None
        assert weight is not None
        parts = {name: getattr(norm, name)[order] for name in ("gamma", "beta", "mean", "variance")}
        layers[number] = replace(layers[number], weight=weight[order], norm=replace(norm, **parts))
    weight = layers[6].weight
    assert weight is not None
    layers[6] = replace(layers[6], weight=weight[:, order])


def scores_moved(layers: list[Layer]) -> None:
    at(9, bias=np.full(CLASSES, 7, np.float32))(layers)
    scaled(9, 3)(layers)


@pytest.mark.parametrize("change", [in_halves, in_another_order, scores_moved])
@pytest.mark.parametrize("hide", [False, True])
def test_what_changes_no_answer_is_not_named(change: Change, hide: bool) -> None:
    assert not found_for(change, hide=hide).candidates


def test_another_order_that_is_not_taken_back_is_named_where_it_begins() -> None:
    def change(layers: list[Layer]) -> None:
        behind = layers[6]
        in_another_order(layers)
        layers[6] = behind

    assert "layer 4 " in the_candidate(found_for(change)).title


def of_bgr(given: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(given[:, ::-1])


def of_another_mean(given: np.ndarray) -> np.ndarray:
    return (given * np.float32(0.9) + np.float32(0.1)).astype(np.float32)


@pytest.mark.parametrize(
    ("change", "told"),
    [(of_bgr, "channel 0 here is 1 times channel 2 there"), (of_another_mean, "channel 0 here is 0.9 times channel 0")],
)
def test_another_input_is_named(change: Callable[[np.ndarray], np.ndarray], told: str) -> None:
    other = computed(some_layers(), "the other")
    own = computed(some_layers(), "own", change(given_images()))
    (candidate,) = look(a_case(), own, other, "same weights").candidates
    assert (candidate.cause, candidate.certainty) == ("layer.input", "shown")
    assert told in candidate.evidence


def test_a_mean_that_is_taken_off_inside_is_not_named() -> None:
    """The own network is given other numbers, of which its graph makes the same before its first layer."""
    other = computed(some_layers(), "the other")
    own = replace(computed(some_layers(), "own"), given=of_another_mean(given_images()))
    assert not look(a_case(), own, other, "same weights").candidates


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("", [-1, 7], [-1, 7]),
        ("relu", [-1, 7], [0, 7]),
        ("relu6", [-1, 7], [0, 6]),
        ("clip(-0.5, 3.0)", [-1, 7], [-0.5, 3]),
        ("clip(None, 3)", [-1, 7], [-1, 3]),
        ("hard_swish", [-4, 4], [0, 4]),
    ],
)
def test_activations(name: str, values: list[float], expected: list[float]) -> None:
    assert activated(np.array(values), name).tolist() == expected


def test_orders_and_scales_of_channels_are_found() -> None:
    other = RANDOM.normal(0, 1, (3, 6, 5, 5))
    order = RANDOM.permutation(6)
    own = other[:, order] * np.array([1, 2, 3, 0.5, 1, 7])[:, None, None]
    found = in_order_of(own, other)
    assert found is not None
    assert np.allclose(found, other)
    assert in_order_of(own + RANDOM.normal(0, 0.01, own.shape), other) is None


def test_scores_of_a_growing_function_are_in_the_same_order() -> None:
    scores = RANDOM.normal(0, 3, (4, 20))
    assert same_order(np.exp(scores), scores)
    assert same_order(scores[:, :19], scores)
    assert not same_order(scores[:, ::-1], scores)
