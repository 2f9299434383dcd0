"""The look at a file alone names what was planted in tensors and graphs, and nothing in a healthy file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.by_hand import weight_edits
from tests.by_hand.file_networks import (
    Tensors,
    a_case,
    edited,
    embedded_checkpoint,
    embedded_tensors,
    folded,
    made,
    norm_name,
    quantised,
)
from zoo.diagnose.network import FileNetwork, Layer, Level
from zoo.diagnose.tensors import Reference, look
from zoo.records import Kinship
from zoo.records.diagnoses import Candidate, Findings
from zoo.records.documents import Network

Edit = Callable[[Tensors], Tensors]
Form = Callable[[FileNetwork], FileNetwork]

STEM, LAST = "features.0.0", "features.18.0"
EARLY, MIDDLE, LATE = "features.2.conv.0.0", "features.9.conv.0.0", "features.17.conv.0.0"
DEPTHWISE, PROJECT = "features.5.conv.1.0", "features.14.conv.2"
FORMS: dict[str, Form] = {"apart": lambda network: network, "folded": folded}
QUANTISED: Form = quantised


def network_of(*edits: Edit) -> FileNetwork:
    """The embedded network with other tensors."""
    tensors = dict(embedded_tensors())
    for edit in edits:
        tensors |= edit(tensors)
    return made(tensors, _network())


def _network() -> Network:
    network = embedded_checkpoint().network
    assert network is not None
    return network


def found(own: FileNetwork, *others: FileNetwork, kinship: Kinship = "same weights") -> Findings:
    references = [Reference(f"zoo/other{place}", kinship, other) for place, other in enumerate(others)]
    return look(a_case(embedded_checkpoint()), own, references)


def causes(findings: Findings) -> list[str]:
    return [candidate.cause for candidate in findings.candidates]


def first(findings: Findings) -> Candidate:
    return findings.candidates[0]


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Edit:
    return lambda tensors: {name: change(tensors[name]).astype(np.float32)}


def shuffled(name: str, axis: int) -> Edit:
    random = np.random.default_rng(5)
    return changed(name, lambda values: np.take(values, random.permutation(values.shape[axis]), axis))


def part(conv: str, name: str) -> str:
    """Canonical name of a tensor of the batch norm behind a convolution."""
    return f"{norm_name(conv)}.{name}"


def exchanged(conv: str, one: str, other: str) -> Edit:
    return lambda tensors: {part(conv, one): tensors[part(conv, other)], part(conv, other): tensors[part(conv, one)]}


def rows(chosen: Callable[[int], np.ndarray]) -> Edit:
    return weight_edits.rows_of_classes(chosen)


# what was planted -> edit, cause, words of the evidence
PLANTED: dict[str, tuple[Edit, str, str]] = {
    "rows rolled by one": (rows(lambda count: np.roll(np.arange(count), 1)), "file.classifier_rows", "rolled by 1 "),
    "rows rolled back by three": (
        rows(lambda count: np.roll(np.arange(count), -3)), "file.classifier_rows", "rolled by -3 ",
    ),
    "rows reversed": (rows(lambda count: np.arange(count)[::-1]), "file.classifier_rows", "reversed"),
    "two rows exchanged": (
        rows(lambda count: np.array([0, 7, 2, 3, 4, 5, 6, 1, *range(8, count)])), "file.classifier_rows",
        "numbers 1 and 7 exchanged",
    ),
    "rows shuffled": (rows(np.random.default_rng(4).permutation), "file.classifier_rows", "another order: "),
    "rows without their biases": (
        changed(weight_edits.CLASSIFIER, lambda values: np.roll(values, 2, 0)), "file.classifier_rows", "rolled by 2",
    ),
    "stem doubled": (changed(f"{STEM}.weight", lambda values: values * 2), "file.scaled_layer", "is 2 times"),
    "a layer halved": (changed(f"{LATE}.weight", lambda values: values / 2), "file.scaled_layer", "is 0.5 times"),
    "a layer a tenth larger": (
        changed(f"{PROJECT}.weight", lambda values: values * 1.1), "file.scaled_layer", "is 1.1 times",
    ),
    "channels scaled": (
        changed(f"{EARLY}.weight", lambda values: np.concatenate([values[:3] * 4, values[3:]])),
        "file.scaled_layer", "3 of 48 outputs (0, 1, 2) is 4 times",
    ),
    "a layer negated": (changed(f"{MIDDLE}.weight", np.negative), "file.sign", "other sign"),
    "a layer zeroed": (weight_edits.zeroed(f"{DEPTHWISE}.weight"), "file.dead_layer", "is all zeros"),
    "channels zeroed": (weight_edits.channels_zeroed, "file.dead_layer", "is zero in 4 of 144 outputs"),
    "outputs shuffled": (shuffled(f"{LATE}.weight", 0), "file.permuted_channels", "of 336 moved"),
    "inputs shuffled": (shuffled(f"{PROJECT}.weight", 1), "file.permuted_channels", "input channels"),
    "depthwise rolled": (
        changed(f"{DEPTHWISE}.weight", lambda values: np.roll(values, 5, 0)), "file.permuted_channels", "rolled by 5",
    ),
    "colours reversed": (
        changed(f"{STEM}.weight", lambda values: values[:, ::-1]), "file.input_channels", "reversed order",
    ),
    "colours rolled": (
        changed(f"{STEM}.weight", lambda values: np.roll(values, 1, 1)), "file.input_channels", "rolled by 1",
    ),
    "kernel transposed": (
        changed(f"{DEPTHWISE}.weight", lambda values: values.transpose(0, 1, 3, 2)), "file.transposed_kernel",
        "height and width",
    ),
    "kernel turned": (
        changed(f"{STEM}.weight", lambda values: values[:, :, ::-1, ::-1]), "file.transposed_kernel", "180 degrees",
    ),
    "every kernel transposed": (weight_edits.kernels_turned, "file.transposed_kernel", "height and width"),
    "axes in another order": (
        changed(weight_edits.CLASSIFIER, lambda values: values.T.reshape(values.shape)), "file.reordered_values",
        "axes in the order (1, 0)",
    ),
    "bias raised": (changed(weight_edits.BIAS, lambda values: values + 0.5), "file.shifted_bias", "larger by 0.5"),
    "bias rolled": (changed(weight_edits.BIAS, lambda values: np.roll(values, 1)), "file.shifted_bias", "rolled by 1"),
    "bias missing": (weight_edits.zeroed(weight_edits.BIAS), "file.shifted_bias", "all zeros"),
    "shift raised": (changed(part(LATE, "bias"), lambda values: values + 0.3), "file.shifted_bias", "larger by 0.3"),
    "noise": (
        changed(f"{MIDDLE}.weight", lambda values: values + np.random.default_rng(2).normal(0, 0.03, values.shape)),
        "file.layers_differ", "of its length",
    ),
    "few values": (
        changed(f"{MIDDLE}.weight", lambda values: np.where(values > np.quantile(values, 0.99), 0, values)),
        "file.layers_differ", "values in",
    ),
    "another layer's weights": (
        lambda tensors: {f"{MIDDLE}.weight": tensors["features.8.conv.0.0.weight"]}, "file.layers_differ", "cosine",
    ),
    "weights never trained": (
        lambda tensors: {
            name: np.random.default_rng(len(name)).normal(0, values.std(), values.shape).astype(np.float32)
            for name, values in tensors.items()
            if values.ndim > 1
        },
        "file.other_training", "53 of 53",
    ),
    "weights trained further": (
        lambda tensors: {
            name: (values * (1 + np.random.default_rng(len(name)).normal(0, 0.1, values.shape))).astype(np.float32)
            for name, values in tensors.items()
        },
        "file.other_training", "53 of 53",
    ),
    "statistics not loaded": (weight_edits.statistics_not_loaded, "file.statistics_differ", "52"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_named_beside_a_relative(name: str, form: str) -> None:
    edit, cause, words = PLANTED[name]
    findings = found(FORMS[form](network_of(edit)), network_of())
    best = first(findings)
    assert best.cause == cause, findings.candidates
    assert words in best.evidence + best.title
    assert best.change
    assert "--reference zoo/other0" in best.command


# what is seen also where the file holds bytes: rounding is far smaller
ROUNDED = ("rows rolled by one", "rows shuffled", "stem doubled", "a layer negated", "colours reversed",
           "depthwise rolled", "every kernel transposed", "a layer zeroed", "noise")  # fmt: skip


@pytest.mark.parametrize("name", ROUNDED)
def test_what_was_planted_is_named_in_a_file_of_bytes(name: str) -> None:
    edit, cause, _ = PLANTED[name]
    findings = found(quantised(network_of(edit)), network_of(), kinship="converted from")
    assert first(findings).cause == cause, findings.candidates


INSIDE: dict[str, tuple[Edit, str]] = {
    "mean and variance exchanged": (exchanged(MIDDLE, "running_mean", "running_var"), "file.swapped_statistics"),
    "scale and shift exchanged": (exchanged(LATE, "weight", "bias"), "file.swapped_statistics"),
    "a negative variance": (
        changed(part(DEPTHWISE, "running_var"), lambda values: np.where(np.arange(len(values)) == 5, -0.5, values)),
        "file.negative_variance",
    ),
    "NaN": (changed(f"{PROJECT}.weight", lambda values: np.where(values == values.max(), np.nan, values)),
            "file.not_finite"),
    "infinite": (changed(weight_edits.BIAS, lambda values: np.where(values == values.max(), np.inf, values)),
                 "file.not_finite"),
    "a flipped bit": (changed(f"{EARLY}.weight", lambda values: np.where(values == values.max(), 1e30, values)),
                      "file.outlier"),
    "a layer of zeros": (weight_edits.zeroed(f"{LAST}.weight"), "file.dead_layer"),
    "a layer of ones": (changed(f"{LATE}.weight", np.ones_like), "file.dead_layer"),
    "statistics not loaded": (weight_edits.statistics_not_loaded, "file.fresh_statistics"),
    "four bits": (weight_edits.coarse, "file.quantised"),
}  # fmt: skip


@pytest.mark.parametrize("name", INSIDE)
def test_what_no_file_can_be_is_named_without_a_relative(name: str) -> None:
    edit, cause = INSIDE[name]
    findings = found(network_of(edit))
    assert causes(findings) == [cause]


@pytest.mark.parametrize("pair", [("weight", "bias"), ("weight", "running_var"), ("bias", "running_mean")])
def test_exchanged_parts_of_a_batch_norm_are_named_beside_a_relative(pair: tuple[str, str]) -> None:
    findings = found(network_of(exchanged(PROJECT, *pair)), folded(network_of()), network_of())
    assert "file.swapped_statistics" in causes(findings)


def test_layers_in_each_others_place_are_named() -> None:
    one, other = f"{MIDDLE}.weight", "features.8.conv.0.0.weight"
    own = network_of(lambda tensors: {one: tensors[other], other: tensors[one]})
    best = first(found(own, network_of()))
    assert best.cause == "file.exchanged_layers"
    assert "'features.8.conv.0.0'" in best.evidence


SMALL_VARIANCES = ("features.6.conv.1.0", "features.12.conv.1.0")


@pytest.mark.parametrize("epsilon", [1e-2, 1e-3, 3e-4])
@pytest.mark.parametrize("where", ["one", "all"])
@pytest.mark.parametrize("form", ["apart", "folded", "the other folded"])
def test_another_epsilon_is_named(epsilon: float, where: str, form: str) -> None:
    good = network_of()
    own = FileNetwork(
        tuple(
            replace(layer, norm=replace(layer.norm, epsilon=epsilon))
            if layer.norm is not None and (where == "all" or layer.name in SMALL_VARIANCES)
            else layer
            for layer in good.layers
        )
    )  # fmt: skip
    if form == "folded":
        best = first(found(folded(own), good))
        assert f"epsilon is {epsilon:.3g}, not 1e-05" in best.evidence
    else:
        best = first(found(own, *([folded(good)] if form != "apart" else [])))
    assert (best.cause, best.certainty) == ("file.epsilon", "shown")


def _without_addition(network: FileNetwork) -> FileNetwork:
    """The third addition is passed by; the numbers of what stands behind it move up by one."""
    gone = [layer for layer in network.layers if layer.kind == "add"][2]

    def moved(number: int) -> int:
        return gone.inputs[0] if number == gone.number else number - (number > gone.number)

    kept = [layer for layer in network.layers if layer is not gone]
    return FileNetwork(
        tuple(
            replace(layer, number=moved(layer.number), inputs=tuple(map(moved, layer.inputs))) for layer in kept
        )
    )  # fmt: skip


def _without_layer(network: FileNetwork) -> FileNetwork:
    """Without the first convolution of the tenth block."""
    gone = next(layer for layer in network.layers if layer.name == "features.10.conv.0.0")

    def moved(number: int) -> int:
        return gone.inputs[0] if number == gone.number else number - (number > gone.number)

    kept = [layer for layer in network.layers if layer is not gone]
    return FileNetwork(
        tuple(replace(layer, number=moved(layer.number), inputs=tuple(map(moved, layer.inputs))) for layer in kept)
    )


def _fed_from_elsewhere(network: FileNetwork) -> FileNetwork:
    layer = next(layer for layer in network.layers if layer.name == LATE)
    before = network.layers[layer.inputs[0]]
    return edited(network, LATE, inputs=before.inputs[:1])


GRAPHS: dict[str, tuple[Callable[[FileNetwork], FileNetwork], str, str]] = {
    "padding": (lambda network: edited(network, STEM, pads=(0, 0, 1, 1)), "file.padding", "(0, 0, 1, 1), not 1"),
    "stride": (lambda network: edited(network, "features.4.conv.1.0", stride=(1, 1)), "file.stride", ": 1, not 2"),
    "relu": (lambda network: edited(network, MIDDLE, activation="relu"), "file.activation", "relu, not relu6"),
    "no activation": (lambda network: edited(network, LAST, activation=""), "file.activation", "none, not relu6"),
    "one too many": (lambda network: edited(network, PROJECT, activation="relu6"), "file.activation", "not none"),
    "no addition": (_without_addition, "file.residual", "missing features"),
    "no layer": (_without_layer, "file.layers", "missing: features.10.conv.0.0"),
    "operators between": (lambda network: edited(network, LATE, before=("mul(0.5)",)), "file.operators", "mul(0.5)"),
    "fed from elsewhere": (_fed_from_elsewhere, "file.residual", LATE),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_another_graph_than_the_record_has_is_named(name: str) -> None:
    change, cause, words = GRAPHS[name]
    findings = found(change(network_of()), network_of())
    best = first(findings)
    assert best.cause == cause, findings.candidates
    assert best.certainty == ("likely" if cause == "file.operators" else "shown")
    assert words in best.evidence
    assert causes(findings) == [cause]


def test_without_a_record_a_relative_tells_the_graph() -> None:
    case = a_case(embedded_checkpoint())
    case = replace(case, checkpoint=case.checkpoint.changed(network=None, export_from=None, unavailable="no network"))
    own = edited(network_of(), STEM, pads=(0, 0, 1, 1))
    findings = look(case, own, [Reference("zoo/other", "same weights", network_of())])
    assert causes(findings) == ["file.padding"]
    assert first(findings).certainty == "likely"


def levelled(network: FileNetwork) -> FileNetwork:
    """Every value that flows is written as bytes, and read as it was written."""
    level = Level(6 / 255, 0, "uint8")
    signed = Level(8 / 255, 128, "uint8")

    def made_of(layer: Layer) -> Level:
        return level if layer.activation == "relu6" else signed

    return FileNetwork(
        tuple(
            replace(
                layer,
                produced=made_of(layer),
                consumed=tuple(made_of(network.layers[max(each, 0)]) for each in layer.inputs),
                written=tuple(made_of(network.layers[max(each, 0)]) for each in layer.inputs),
            )
            for layer in network.layers
        )
    )


@pytest.mark.parametrize("change", [{"zero": 5}, {"scale": 0.03}])
def test_levels_that_two_layers_disagree_on_are_named(change: dict[str, float]) -> None:
    good = levelled(quantised(network_of()))
    layer = next(layer for layer in good.layers if layer.name == LATE)
    wrong = replace(layer.consumed[0], **change)  # type: ignore[arg-type]
    findings = found(edited(good, LATE, consumed=(wrong,)), network_of(), kinship="converted from")
    assert causes(findings) == ["file.zero_points"]
    assert str(next(iter(change.values()))) in first(findings).evidence


def test_the_largest_value_in_place_of_the_mean_is_named() -> None:
    layers = network_of().layers
    bad = FileNetwork(tuple(replace(layer, kind="max_pool") if layer.kind == "mean" else layer for layer in layers))
    findings = found(bad)
    assert causes(findings) == ["file.layers"]
    assert first(findings).title == "the largest value stands in place of the mean"


def test_a_summand_whose_levels_have_one_sign_is_named() -> None:
    good = levelled(quantised(network_of()))
    cut = Level(8 / 255, 0, "uint8")
    assert causes(found(edited(good, PROJECT, produced=cut), kinship="converted from")) == ["file.saturated_scale"]


def _bare(network: FileNetwork) -> FileNetwork:
    """Activations left to the range of the levels, as some tools quantise."""
    return FileNetwork(
        tuple(replace(layer, activation="") if layer.activation == "relu6" else layer for layer in network.layers)
    )


def _as_integers_of_the_other_kind(network: FileNetwork) -> FileNetwork:
    """What was written as uint8 is read as int8: all numbers 128 lower, and the same reals."""

    def moved(level: Level) -> Level:
        return Level(level.scale, level.zero - 128, "int8")

    return FileNetwork(
        tuple(replace(layer, consumed=tuple(map(moved, layer.consumed))) for layer in network.layers)
    )  # fmt: skip


def _with_background(tensors: Tensors) -> Tensors:
    return weight_edits.with_other_outputs(1, 0)(tensors)


def _behind_the_classifier(activation: str) -> FileNetwork:
    layers = network_of().layers
    return FileNetwork(
        tuple(replace(layer, activation=activation) if layer.kind == "classifier" else layer for layer in layers)
    )


HEALTHY: dict[str, tuple[Callable[[], FileNetwork], Callable[[], FileNetwork]]] = {
    "equal": (network_of, network_of),
    "folded": (lambda: folded(network_of()), network_of),
    "beside a folded one": (network_of, lambda: folded(network_of())),
    "half precision": (lambda: network_of(weight_edits.through(np.float16)), network_of),
    "half precision folded": (lambda: folded(network_of(weight_edits.through(np.float16))), network_of),
    "bytes": (lambda: quantised(network_of()), network_of),
    "bytes with one step a layer": (lambda: quantised(network_of(), False), network_of),
    "beside bytes": (network_of, lambda: quantised(network_of(), False)),
    "bytes beside bytes": (lambda: quantised(network_of()), lambda: quantised(network_of(), False)),
    "bytes read as floats": (
        lambda: FileNetwork(tuple(
            replace(layer, weight_scale=None, weight_zero=None, bits=32)
            for layer in quantised(network_of()).layers
        )),
        network_of,
    ),
    "levels": (lambda: levelled(quantised(network_of())), network_of),
    "levels for activations": (lambda: _bare(levelled(quantised(network_of()))), network_of),
    "signed levels": (lambda: _as_integers_of_the_other_kind(levelled(quantised(network_of()))), network_of),
    "channels in another order": (lambda: network_of(weight_edits.channels_in_another_order), network_of),
    "channels in another order, folded": (
        lambda: folded(network_of(weight_edits.channels_in_another_order)), network_of,
    ),
    "channels in another order, bytes": (
        lambda: quantised(network_of(weight_edits.channels_in_another_order)), network_of,
    ),
    "scaled before a norm": (lambda: network_of(weight_edits.scaled_before_a_norm), network_of),
    "softmax": (lambda: _behind_the_classifier("softmax"), network_of),
    "two softmaxes": (lambda: _behind_the_classifier("softmax+softmax"), network_of),
    "one output more": (lambda: network_of(_with_background), network_of),
    "one output less": (network_of, lambda: network_of(_with_background)),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("kinship", ["converted from", "same network"])
def test_nothing_is_named_in_a_healthy_file(name: str, kinship: Kinship) -> None:
    own, other = HEALTHY[name]
    findings = found(own(), other(), kinship=kinship)
    assert findings.candidates == ()
    assert "53 of 53 layers equal those of zoo/other0" in findings.excluded[-1].by


@pytest.mark.parametrize("kinship", ["reference", "same network"])
def test_another_training_is_no_fault_where_none_is_documented(kinship: Kinship) -> None:
    findings = found(network_of(), network_of(PLANTED["weights never trained"][0]), kinship=kinship)
    assert findings.candidates == ()
    assert "another training" in findings.not_looked[0]


def test_bytes_that_were_trained_further_are_no_fault() -> None:
    own = quantised(network_of(PLANTED["weights trained further"][0]))
    findings = found(own, network_of(), kinship="converted from")
    assert findings.candidates == ()
    assert "trained further" in findings.not_looked[0]


def test_a_strange_layer_among_bytes_that_were_trained_further_is_named() -> None:
    own = quantised(network_of(PLANTED["weights trained further"][0], PLANTED["another layer's weights"][0]))
    assert causes(found(own, network_of(), kinship="converted from")) == ["file.layers_differ"]


def test_a_relative_that_holds_the_same_tensors_vouches_for_them() -> None:
    wrong = network_of(PLANTED["a layer halved"][0])
    findings = found(network_of(), wrong, folded(network_of()))
    assert findings.candidates == ()
    assert "as in another relative" in findings.excluded[-2].by


def test_a_first_layer_for_other_numbers_is_no_fault() -> None:
    case = a_case(embedded_checkpoint())
    own = network_of(PLANTED["colours reversed"][0])
    steps = case.recipe.numeric.steps
    other = case.recipe.changed(
        numeric=case.recipe.numeric.changed(steps=(*steps[:-1], {"op": "channels", "order": "bgr"}, steps[-1]))
    )
    assert look(case, own, [Reference("zoo/other", "same weights", network_of(), other)]).candidates == ()
    same = look(case, own, [Reference("zoo/other", "same weights", network_of(), case.recipe)])
    assert causes(same) == ["file.input_channels"]
