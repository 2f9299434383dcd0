"""However an ONNX graph is written, its steps are the same; where it is damaged, they say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from adapters.common.canonical import places, steps_of_tensors
from adapters.common.network import Conv
from tests.by_hand import far_side, onnx_edits
from tests.by_hand.far_side import PASS_THROUGH, FarSide
from tests.by_hand.real_networks import NCHW, REAL, real_batch
from tests.by_hand.stepwise import FAR, SMALL, UNEVEN, batch_of, same_graph, same_tensors, tensors_of

COUNTS = Counter(conv=52, add=10, mean=1, classifier=1)

# graphs as publishers write them


def clip_by_attributes(model: onnx.ModelProto) -> None:
    """Bounds as before opset 11."""
    onnx_edits.rewritten(
        model,
        lambda node: [helper.make_node("Clip", node.input[:1], node.output, min=0.0, max=6.0)]
        if node.op_type == "Clip" else None,
    )  # fmt: skip
    model.opset_import[0].version = 9


def pads_as_nodes(model: onnx.ModelProto) -> None:
    """Zeros are put around the image by an operator of its own."""

    def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        pads = next((each for each in node.attribute if each.name == "pads"), None)
        if node.op_type != "Conv" or pads is None or not any(pads.ints):
            return None
        top, left, bottom, right = pads.ints
        around = onnx_edits.store(model, f"{node.name}.around", np.array([0, 0, top, left, 0, 0, bottom, right]))
        name, bare = f"{node.output[0]}.padded", onnx.NodeProto()
        bare.CopyFrom(node)
        bare.input[0] = name
        next(each for each in bare.attribute if each.name == "pads").ints[:] = [0, 0, 0, 0]
        return [helper.make_node("Pad", [node.input[0], around], [name]), bare]

    onnx_edits.rewritten(model, replace)


def norms_as_products_and_sums(model: onnx.ModelProto) -> None:
    """Each batch norm as one multiplication and one addition."""
    tensors = onnx_edits.stored(model)

    def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        if node.op_type != "BatchNormalization":
            return None
        gamma, beta, mean, variance = (tensors[name] for name in node.input[1:])
        factor = gamma / np.sqrt(variance + next(each.f for each in node.attribute if each.name == "epsilon"))
        name, places = node.output[0], (-1, 1, 1)
        scale = onnx_edits.store(model, f"{name}.scale", factor.reshape(places))
        shift = onnx_edits.store(model, f"{name}.shift", (beta - mean * factor).reshape(places))
        product = helper.make_node("Mul", [node.input[0], scale], [f"{name}.scaled"])
        return [product, helper.make_node("Add", [shift, product.output[0]], [name])]

    onnx_edits.rewritten(model, replace)


def channels_last_throughout(model: onnx.ModelProto) -> None:
    """Every convolution between two changes of layout, activations and additions on channels that come last."""
    onnx_edits.folded_norms(model)

    def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        source, target = node.input[0], node.output[0]
        if node.op_type == "GlobalAveragePool":
            return [helper.make_node("ReduceMean", [source], [target], axes=[1, 2], keepdims=1)]
        if node.op_type != "Conv":
            return None
        conv = onnx.NodeProto()
        conv.CopyFrom(node)
        conv.output[0] = f"{target}.nchw"
        before = []
        if source != "input":
            conv.input[0] = f"{target}.from"
            before = [helper.make_node("Transpose", [source], [conv.input[0]], perm=[0, 3, 1, 2])]
        return [*before, conv, helper.make_node("Transpose", [conv.output[0]], [target], perm=[0, 2, 3, 1])]

    onnx_edits.rewritten(model, replace)


def mean_of_means(model: onnx.ModelProto) -> None:
    """The pooling over width, then over height."""

    def replace(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        if node.op_type != "GlobalAveragePool":
            return None
        rows = helper.make_node("ReduceMean", node.input, ["rows"], axes=[3], keepdims=1)
        return [rows, helper.make_node("ReduceMean", ["rows"], node.output, axes=[2], keepdims=1)]

    onnx_edits.rewritten(model, replace)


def as_many_pads_as_needed(model: onnx.ModelProto) -> None:
    """No pads, but that the size is to stay."""
    for node in model.graph.node:
        if node.op_type == "Conv":
            kept = [each for each in node.attribute if each.name != "pads"]
            copies = [onnx.AttributeProto.FromString(each.SerializeToString()) for each in kept]
            del node.attribute[:]
            node.attribute.extend([*copies, helper.make_attribute("auto_pad", "SAME_UPPER")])


WRITTEN: dict[str, onnx_edits.Edit] = {
    "as exported": lambda model: None,
    "folded norms": onnx_edits.folded_norms,
    "norms as products and sums": norms_as_products_and_sums,
    "relu and min": onnx_edits.relu_and_min,
    "product and sum": onnx_edits.product_and_sum,
    "convolution as classifier": onnx_edits.classifier_as_convolution,
    "mean over positions": onnx_edits.mean_over_positions,
    "reshaped": onnx_edits.reshaped,
    "dropout": onnx_edits.with_dropout,
    "constants as nodes": onnx_edits.constants_as_nodes,
    "channels last": onnx_edits.channels_last,
    "renamed": onnx_edits.renamed,
    "fixed batch": onnx_edits.fixed_batch(1),
    "opset 18": onnx_edits.with_opset(18),
    "opset 9": clip_by_attributes,
    "pads as nodes": pads_as_nodes,
    "channels last throughout": channels_last_throughout,
    "mean of means": mean_of_means,
}


@pytest.fixture(scope="module")
def readers() -> Iterator[dict[str, FarSide]]:
    """Both frameworks that read .onnx files."""
    with FarSide("onnxruntime") as runtime, FarSide("openvino") as openvino:
        yield {"onnxruntime": runtime, "openvino": openvino}


@pytest.fixture(scope="module")
def small_onnx(readers: dict[str, FarSide], tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = readers["onnxruntime"].export(tensors_of("small"), SMALL, "onnx", tmp_path_factory.mktemp("small"))
    return path


@pytest.fixture(scope="module")
def small_uneven_onnx(readers: dict[str, FarSide], tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = readers["onnxruntime"].export(tensors_of("uneven"), UNEVEN, "onnx", tmp_path_factory.mktemp("uneven"))
    return path


@pytest.fixture(scope="module")
def reference(readers: dict[str, FarSide], small_onnx: Path) -> dict[int, np.ndarray]:
    """ONNX Runtime's values behind every step of the file as exported."""
    readers["onnxruntime"].load([small_onnx], "onnx")
    return readers["onnxruntime"].values([small_onnx], batch_of(SMALL), NCHW)


def edited(path: Path, edit: onnx_edits.Edit, target: Path) -> Path:
    model = onnx.load(str(path))
    onnx.save(edit(model) or model, str(target / "edited.onnx"))
    return target / "edited.onnx"


@pytest.mark.parametrize("name", WRITTEN)
def test_however_a_graph_is_written_its_steps_are_the_same(
    name: str,
    readers: dict[str, FarSide],
    small_onnx: Path,
    tmp_path: Path,
    reference: dict[int, np.ndarray],
) -> None:
    path = edited(small_onnx, WRITTEN[name], tmp_path)
    network, batch = SMALL.layers(), batch_of(SMALL)
    expected = steps_of_tensors(tensors_of("small"), network)
    for framework, far in readers.items():
        steps = far.steps([path], "onnx")
        assert [(step.kind, step.inputs) for step in steps] == [(step.kind, step.inputs) for step in expected]
        for step, want in zip(steps, expected, strict=True):
            same_tensors(step, want)
            assert (step.before, step.behind, step.bits) == ((), (), 32), framework
        same_graph(steps, network)
        info = far.load([path], "onnx", batch_size=3)
        values = far.values([path], batch, PASS_THROUGH if info["input_shape"][-1] == 3 else NCHW)
        for number, want_value in reference.items():
            assert values[number].shape == want_value.shape, (framework, number)
            assert np.abs(values[number] - want_value).max() <= FAR * np.abs(want_value).max(), (framework, number)


def test_pads_that_follow_from_the_size(readers: dict[str, FarSide], small_uneven_onnx: Path, tmp_path: Path) -> None:
    path = edited(small_uneven_onnx, as_many_pads_as_needed, tmp_path)
    for far in readers.values():
        same_graph(far.steps([path], "onnx"), UNEVEN.layers())


def test_halves_are_told(readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path) -> None:
    path = edited(small_onnx, onnx_edits.stored_in_halves, tmp_path)
    for far in readers.values():
        steps = far.steps([path], "onnx")
        assert {step.bits for step in steps if step.weight is not None} == {16}
        for step, want in zip(steps, steps_of_tensors(tensors_of("small"), SMALL.layers()), strict=True):
            same_tensors(step, want, 1e-3)


def test_what_belongs_to_no_step_is_told(readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path) -> None:
    path = edited(small_onnx, onnx_edits.normalising, tmp_path)
    for far in readers.values():
        steps = far.steps([path], "onnx")
        assert steps[0].before == ("sub(0.485, 0.456, 0.406)", "div(0.229, 0.224, 0.225)")
        assert not any(step.before for step in steps[1:])
        same_graph(steps, SMALL.layers())


def test_what_follows_the_scores_is_told(readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path) -> None:
    path = edited(small_onnx, onnx_edits.after(("Softmax", [], {"axis": 1}), ("Mul", [np.float32(3)], {})), tmp_path)
    for far in readers.values():
        last = far.steps([path], "onnx")[-1]
        assert (last.kind, last.activation, last.behind) == ("classifier", "softmax", ("mul(3)",))


# networks that are damaged


def at(kind: str, number: int, change: Callable[[onnx.NodeProto], list[onnx.NodeProto]]) -> onnx_edits.Edit:
    """One of a kind of operators changed."""

    def edit(model: onnx.ModelProto) -> None:
        chosen = [node for node in model.graph.node if node.op_type == kind][number]
        onnx_edits.rewritten(model, lambda node: change(node) if node is chosen else None)

    return edit


def test_a_residual_that_is_missing(readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path) -> None:
    path = edited(small_onnx, at("Add", 3, lambda n: [helper.make_node("Identity", n.input[1:], n.output)]), tmp_path)
    for far in readers.values():
        assert Counter(step.kind for step in far.steps([path], "onnx")) == COUNTS | {"add": 9}


def test_activations_that_differ(readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path) -> None:
    high = ["", "high"]
    changes: dict[str, list[tuple[str, list[str]]]] = {
        "": [("Identity", [])], "relu": [("Relu", [])], "clip(0.0, 3.0)": [("Clip", ["zero", "high"])],
        "clip(None, 3.0)": [("Clip", high)], "hard_sigmoid": [("HardSigmoid", [])],
        "relu6+sigmoid": [("Clip", ["zero", "six"]), ("Sigmoid", [])],
    }  # fmt: skip
    expected = [place.activated for place in places(SMALL.layers())]
    for name, operators in changes.items():

        def change(node: onnx.NodeProto, chain: list[tuple[str, list[str]]] = operators) -> list[onnx.NodeProto]:
            names = [node.input[0], *(f"{node.output[0]}.{each}" for each in range(len(chain) - 1)), node.output[0]]
            return [
                helper.make_node(op, [names[each], *more], [names[each + 1]]) for each, (op, more) in enumerate(chain)
            ]

        def edit(model: onnx.ModelProto) -> None:
            onnx_edits.store(model, "high", np.float32(3))
            at("Clip", 7, change)(model)

        for far in readers.values():
            steps = far.steps([edited(small_onnx, edit, tmp_path)], "onnx")
            chosen = [number for number, activated in enumerate(expected) if activated][7]
            assert [step.activation for number, step in enumerate(steps) if number != chosen] == [
                "relu6" if activated else "" for number, activated in enumerate(expected) if number != chosen
            ]
            assert steps[chosen].activation == name


def test_a_gate_is_an_activation(readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path) -> None:
    for gate, name in (("Sigmoid", "swish"), ("HardSigmoid", "hard_swish"), ("Tanh", "gated tanh")):

        def change(node: onnx.NodeProto, gate: str = gate) -> list[onnx.NodeProto]:
            opened = helper.make_node(gate, node.input[:1], ["gate"])
            return [opened, helper.make_node("Mul", [node.input[0], "gate"], node.output)]

        path = edited(small_onnx, at("Clip", 0, change), tmp_path)
        for far in readers.values():
            steps = far.steps([path], "onnx")
            assert [step.activation for step in steps[:2]] == [name, "relu6"]
            assert not any(step.before for step in steps)


def test_an_activation_on_one_of_two_branches_is_not_the_steps(
    readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path
) -> None:
    """A value goes to an addition as it is, and through an activation to a convolution."""

    def edit(model: onnx.ModelProto) -> None:
        users = [node for node in model.graph.node if node.op_type == "Add"][1].input[0]
        (conv,) = (node for node in model.graph.node if node.op_type == "Conv" and node.input[0] == users)
        at("Conv", [n.op_type for n in model.graph.node[: list(model.graph.node).index(conv)]].count("Conv"), through)(
            model
        )

    def through(node: onnx.NodeProto) -> list[onnx.NodeProto]:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[0] = "extra"
        return [helper.make_node("Relu", node.input[:1], ["extra"]), copy]

    for far in readers.values():
        steps = far.steps([edited(small_onnx, edit, tmp_path)], "onnx")
        assert [step.before for step in steps if step.before] == [("relu(0)",)]
        same_graph(steps, SMALL.layers())


def test_numbers_are_read_as_they_are(readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path) -> None:
    def edit(model: onnx.ModelProto) -> None:
        tensors = onnx_edits.stored(model)
        norm = [node for node in model.graph.node if node.op_type == "BatchNormalization"][4]
        next(each for each in norm.attribute if each.name == "epsilon").f = 0.01
        onnx_edits.store(model, norm.input[4], -tensors[norm.input[4]])
        broken = tensors["features.5.conv.0.0.weight"].copy()
        broken[3] = np.nan
        onnx_edits.store(model, "features.5.conv.0.0.weight", broken)
        for node in model.graph.node:
            if node.name == "features.4.conv.1.0.out":
                next(each for each in node.attribute if each.name == "pads").ints[:] = [0, 0, 2, 2]

    table = [place.name for place in places(SMALL.layers())]
    for far in readers.values():
        steps = far.steps([edited(small_onnx, edit, tmp_path)], "onnx")
        norms = [step.norm for step in steps if step.norm is not None]
        assert [round(norm.epsilon, 5) for norm in norms] == [1e-5] * 4 + [0.01] + [1e-5] * 47
        assert [bool((norm.variance < 0).all()) for norm in norms] == [number == 4 for number in range(52)]
        broken = steps[table.index("features.5.conv.0.0")].weight
        assert broken is not None
        assert np.flatnonzero(np.isnan(broken).all((1, 2, 3))).tolist() == [3]
        assert steps[table.index("features.4.conv.1.0")].pads == (0, 0, 2, 2)


# quantised and published files


# how the runtime's own converter quantises -> values of one scale for all channels, and whether OpenVINO reads it
QUANTISED = {
    "u8s8 dequantised": (False, True),
    "s8s8 dequantised": (True, True),
    "u8u8 operators": (True, False),
    "s8s8 operators": (False, False),
}


@pytest.mark.parametrize("kind", QUANTISED)
def test_quantised_graphs(
    readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path, kind: str, reference: dict[int, np.ndarray]
) -> None:
    one_scale, openvino = QUANTISED[kind]
    source, path = edited(small_onnx, onnx_edits.folded_norms, tmp_path), tmp_path / "quantised.onnx"
    far_side.run_inside("onnxruntime", "quantised", source, kind, path)
    network, batch = SMALL.layers(), batch_of(SMALL)
    expected = steps_of_tensors(tensors_of("small"), network)
    for far in (each for name, each in readers.items() if openvino or name == "onnxruntime"):
        steps = far.steps([path], "onnx")
        for step, want, place in zip(steps, expected, places(network), strict=True):
            same_tensors(step, want, 0.01)
            assert (step.kind, step.inputs, step.before) == (want.kind, want.inputs, ())
            assert step.activation == ("?" if place.activated else "")
            assert step.consumed == step.written
            assert [step.consumed[at] for at, one in enumerate(step.inputs) if one >= 0] == [
                steps[one].produced for one in step.inputs if one >= 0
            ]
            if step.weight is not None and step.weight_scale is not None:
                assert (step.bits, len(step.weight_scale)) == (8, 1 if one_scale else len(step.weight))
        far.load([path], "onnx")
        values = far.values([path], batch, NCHW)
        for number, want_value in reference.items():
            assert np.abs(values[number] - want_value).mean() < 0.05 * np.abs(want_value).mean(), number


def test_scales_that_are_found_for_each_image(readers: dict[str, FarSide], small_onnx: Path, tmp_path: Path) -> None:
    source, path = edited(small_onnx, onnx_edits.folded_norms, tmp_path), tmp_path / "quantised.onnx"
    far_side.run_inside("onnxruntime", "quantised", source, "dynamic", path)
    steps = readers["onnxruntime"].steps([path], "onnx")
    for step, want in zip(steps, steps_of_tensors(tensors_of("small"), SMALL.layers()), strict=True):
        same_tensors(step, want, 0.01)
        assert (step.inputs, step.before, step.consumed) == (want.inputs, (), ())
        assert step.bits == (32 if step.weight is None else 8)
    same_graph(steps, SMALL.layers())


def test_the_published_quantised_file(readers: dict[str, FarSide], assets: Path) -> None:
    """Every weight within half a step of the float network's, every input read as it was written."""
    far = readers["onnxruntime"]
    steps = far.steps([assets / "checkpoints" / "mobilenetv2-12-int8.onnx"], "onnx")
    floats = far.steps([assets / "reconstructed" / REAL["symmetric"][0]], "onnx")
    assert [(step.kind, step.inputs) for step in steps] == [(step.kind, step.inputs) for step in floats]
    assert Counter(step.kind for step in steps) == COUNTS
    for step, want in zip(steps, floats, strict=True):
        assert (step.stride, step.pads, step.groups) == (want.stride, want.pads, want.groups)
        assert step.consumed == step.written
        assert step.activation == ("?" if want.activation else "")
        if step.weight is not None and want.weight is not None and step.weight_scale is not None:
            assert (step.bits, len(step.weight_scale)) == (8, len(step.weight))
            apart = np.abs(step.weight - want.weight).reshape(len(step.weight), -1).max(axis=1)
            assert (apart <= 0.5001 * step.weight_scale + 1e-7).all(), step.name


def test_a_zero_point_on_which_two_disagree(readers: dict[str, FarSide], assets: Path, tmp_path: Path) -> None:
    def edit(model: onnx.ModelProto) -> None:
        convs = [node for node in model.graph.node if node.op_type == "QLinearConv"]
        zero = onnx_edits.stored(model)[convs[3].input[2]]
        convs[3].input[2] = onnx_edits.store(model, "another zero", zero + np.uint8(1))

    path = edited(assets / "checkpoints" / "mobilenetv2-12-int8.onnx", edit, tmp_path)
    steps = readers["onnxruntime"].steps([path], "onnx")
    (wrong,) = [step for step in steps if step.consumed != step.written]
    assert wrong is steps[3]
    assert wrong.written == (steps[2].produced,)
    assert wrong.consumed[0].zero == 1 + steps[2].produced.zero if steps[2].produced else False


@pytest.mark.parametrize("padding", REAL)
def test_real_networks_read_by_two_frameworks(readers: dict[str, FarSide], assets: Path, padding: str) -> None:
    name, network, (mean, std) = REAL[padding]
    path, batch = assets / "reconstructed" / name, real_batch(assets, mean, std, 2)
    found = []
    for far in readers.values():
        steps = far.steps([path], "onnx")
        assert [(step.kind, step.inputs) for step in steps] == [
            (place.kind, place.inputs) for place in places(network.layers())
        ]
        same_graph(steps, network.layers())
        far.load([path], "onnx")
        found.append(far.values([path], batch, NCHW))
    for number, value in found[0].items():
        assert np.abs(value - found[1][number]).max() <= FAR * np.abs(value).max(), number


def test_published_tflite_read_by_openvino(readers: dict[str, FarSide], assets: Path) -> None:
    path = assets / "checkpoints" / "mobilenet_v2_1.0_224_quant.tflite"
    far = readers["openvino"]
    steps = far.steps([path], "tflite")
    assert Counter(step.kind for step in steps) == COUNTS
    network = REAL["same"][1].layers()
    for step, place in zip(steps, places(network), strict=True):
        assert step.inputs == place.inputs
        assert step.consumed == step.written
        if isinstance(place.layer, Conv):
            before, after = place.layer.pads
            assert (step.pads, step.bits) == ((before, before, after, after), 8)
    pixels = np.random.default_rng(1).integers(0, 256, (1, 224, 224, 3), np.uint8)
    far.load([path], "tflite")
    scores, values = far.predict(pixels), far.values([path], pixels)
    assert np.abs(values[63] - scores).max() == 0
    assert {number: value.shape for number, value in values.items() if number in (0, 62)} == {
        0: (1, 32, 112, 112),
        62: (1, 1280),
    }
