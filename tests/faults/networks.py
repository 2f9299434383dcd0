"""Networks whose file is not what the record says, or whose tensors are not those that were trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.by_hand import onnx_edits, weight_edits
from tests.by_hand.weight_edits import BIAS, CLASSIFIER
from tests.faults import plants
from tests.faults.base import ALONE, BESIDE, EITHER, TOGETHER, Fault, Form, Plant

GRAPH, TENSORS = "architecture", "tensors"
NEEDS = (BESIDE, ALONE)  # what tells is the original; alone it can only be seen that something is wrong
SIX = np.float32(6)


def _graph(
    name: str, what: str, plant: Plant, *expected: str, forms: Sequence[Form] = EITHER, moves: bool = True
) -> Fault:
    return Fault(name, GRAPH, plant, frozenset(expected), what, tuple(forms), moves)


def _tensors(
    name: str, what: str, edit: weight_edits.Edit, *expected: str, forms: Sequence[Form] = NEEDS, moves: bool = True
) -> Fault:
    return Fault(name, TENSORS, plants.tensors(edit), frozenset(expected), what, tuple(forms), moves)


def _in(fmt: str, beside: bool = False) -> Form:
    return Form(fmt, beside)


def _bn(layer: str) -> str:
    """The ONNX value behind a batch norm."""
    return f"{layer}.out"


def _sum(block: int) -> str:
    """The ONNX value behind a block's addition."""
    return f"features.{block}.conv.3.sum"


def no_residual(*blocks: int) -> Plant:
    return plants.graph(*(onnx_edits.without(_sum(block), 1) for block in blocks))


def _epsilon_of(*layers: str, value: float) -> Plant:
    return plants.graph(*(onnx_edits.with_attribute(_bn(layer), "epsilon", value) for layer in layers))


ARCHITECTURE = (
    _graph("epsilon_1e-1", "batch norms with an epsilon of 0.1", plants.built(bn_epsilon=0.1), "file.epsilon",
           forms=(ALONE, BESIDE, _in("saved_model"), _in("mxnet_symbol"))),
    _graph("epsilon_1e-2", "batch norms with an epsilon of 0.01", plants.built(bn_epsilon=1e-2), "file.epsilon",
           forms=(ALONE, _in("openvino_ir", beside=True), _in("tflite", beside=True))),
    _graph("epsilon_of_some", "three batch norms with an epsilon of 1",
           _epsilon_of("features.2.conv.0.1", "features.9.conv.1.1", "features.18.1", value=1.0), "file.epsilon"),
    _graph("padding_same", "TensorFlow's padding", plants.built(padding="same"), "file.padding",
           forms=(ALONE, BESIDE, _in("tflite"), _in("frozen_graph"), _in("openvino_ir"))),
    _graph("padding_of_one", "TensorFlow's padding in the first layer alone",
           plants.graph(onnx_edits.with_attribute("features.0.0.out", "pads", [0, 0, 1, 1])), "file.padding"),
    _graph("only_relu", "ReLU in place of ReLU6", plants.built(activation="relu"), "file.activation",
           forms=(ALONE, BESIDE, _in("openvino_ir"), _in("mxnet_symbol"), _in("tflite")), moves=False),
    _graph("clip_at_1_5", "a limit of 1.5 in place of 6",
           plants.graph(*(onnx_edits.with_constant(f"features.{block}.conv.0.1.relu6", 2, np.float32(1.5))
                          for block in range(2, 15))), "file.activation"),
    _graph("no_activation_8", "no activation behind the expansion of block 8",
           plants.graph(onnx_edits.without("features.8.conv.0.1.relu6")), "file.activation"),
    _graph("no_activation_last", "no activation behind the last convolution",
           plants.graph(onnx_edits.without("features.18.1.relu6")), "file.activation"),
    _graph("one_activation_more", "an activation behind the projection of block 5",
           plants.graph(onnx_edits.behind("features.5.conv.3.out", "Clip", np.float32(0), SIX)), "file.activation"),
    _graph("no_residual_3", "block 3 without its addition", no_residual(3), "file.residual"),
    _graph("no_residual_12", "block 12 without its addition", no_residual(12), "file.residual"),
    _graph("no_residual_many", "six blocks without their addition", no_residual(5, 6, 8, 9, 10, 15), "file.residual"),
    _graph("without_block_9", "block 9 is missing", plants.graph(onnx_edits.without(_sum(9), 0)),
           "file.layers", "file.residual"),
    _graph("stride_11", "block 14 with a stride of 1",
           plants.graph(onnx_edits.with_attribute("features.14.conv.1.0.out", "strides", [1, 1])), "file.stride"),
    _graph("stride_4", "block 4 with a stride of 1",
           plants.graph(onnx_edits.with_attribute("features.4.conv.1.0.out", "strides", [1, 1])), "file.stride"),
    _graph("largest_in_place_of_mean", "the largest value of each channel in place of the mean",
           plants.graph(onnx_edits.with_operator("pool", "GlobalMaxPool")), "file.layers", "layer.parts"),
    _graph("sum_of_another", "block 10 adds the input of block 9 again",
           plants.graph(onnx_edits.reading(_sum(10), 0, _sum(8))), "file.residual"),
)  # fmt: skip

NOT_NUMBERS = (
    _tensors("negative_variance", "a negative variance in block 7",
             weight_edits.with_values("features.7.conv.1.1.running_var", -0.5), "file.negative_variance",
             forms=(ALONE, BESIDE, _in("torch_state_dict"), _in("mindspore_ckpt"))),
    _tensors("nan_weight", "one weight that is not a number",
             weight_edits.with_values("features.12.conv.2.weight", float("nan")), "file.not_finite",
             forms=(ALONE, BESIDE, _in("gluon_params"), _in("torch_state_dict"))),
    _tensors("infinite_bias", "an infinite bias of a class", weight_edits.with_values(BIAS, 0.0, float("inf")),
             "file.not_finite", forms=EITHER),
)  # fmt: skip

PARTS = (
    _tensors("mean_and_variance", "mean and variance of block 6 exchanged",
             weight_edits.exchanged("features.6.conv.0.1.running_mean", "features.6.conv.0.1.running_var"),
             "file.swapped_statistics", "file.negative_variance",
             forms=(BESIDE, ALONE, _in("torch_state_dict", beside=True))),
    _tensors("gamma_and_beta", "scale and shift of block 11 exchanged",
             weight_edits.exchanged("features.11.conv.0.1.weight", "features.11.conv.0.1.bias"),
             "file.swapped_statistics", forms=NEEDS),
    _tensors("gamma_and_variance", "scale and variance of the last layer exchanged",
             weight_edits.exchanged("features.18.1.weight", "features.18.1.running_var"), "file.swapped_statistics"),
    _tensors("statistics_of_another", "the means of two layers in block 9 exchanged",
             weight_edits.exchanged("features.9.conv.0.1.running_mean", "features.9.conv.1.1.running_mean"),
             "file.swapped_statistics", "file.statistics_differ", "file.exchanged_layers"),
    _tensors("statistics_not_loaded", "batch norms as before training", weight_edits.statistics_not_loaded,
             "file.fresh_statistics", "file.statistics_differ",
             forms=(BESIDE, ALONE, _in("slim_ckpt", beside=True))),
    _tensors("means_moved", "running means of the first three layers moved by 0.3",
             weight_edits.added(0.3, "features.0.1.running_mean", "features.1.conv.0.1.running_mean",
                                "features.1.conv.2.running_mean"), "file.statistics_differ"),
)  # fmt: skip

CLASSES = (
    _tensors("rows_reversed", "the classifier's rows in the opposite order",
             weight_edits.rows_of_classes(lambda n: np.arange(n)[::-1]), "file.classifier_rows",
             "answers.outputs_permuted"),
    _tensors("rows_rolled", "the classifier's rows moved on by one",
             weight_edits.rows_of_classes(lambda n: np.roll(np.arange(n), 1)), "file.classifier_rows",
             "answers.outputs_permuted", "labels.offset",
             forms=(BESIDE, ALONE, _in("torch_state_dict", beside=True), _in("tflite", beside=True))),
    _tensors("rows_of_two", "two of the classifier's rows exchanged",
             weight_edits.rows_of_classes(lambda n: np.array([0, 1, 9, 3, 4, 5, 6, 7, 8, 2, *range(10, n)])),
             "file.classifier_rows", "answers.outputs_permuted"),
    _tensors("rows_in_any_order", "the classifier's rows in a random order",
             weight_edits.rows_of_classes(lambda n: np.random.default_rng(4).permutation(n)),
             "file.classifier_rows", "answers.outputs_permuted", forms=(TOGETHER, BESIDE, ALONE)),
    _tensors("bias_not_loaded", "the classifier's bias is 0",
             weight_edits.all_of(weight_edits.zeroed(BIAS)), "file.shifted_bias", "file.dead_layer", moves=False),
    _tensors("bias_moved", "the bias of two classes moved by 3", weight_edits.lifted(3, 4, 13), "file.shifted_bias",
             "answers.favoured_class"),
    _tensors("rows_without_bias", "the classifier's rows moved on, but not the bias",
             lambda tensors: {CLASSIFIER: np.roll(tensors[CLASSIFIER], 2, 0)}, "file.classifier_rows",
             "answers.outputs_permuted", "labels.offset"),
)  # fmt: skip

LAYERS = (
    _tensors("half_of_10", "the depthwise weights of block 10 halved",
             weight_edits.scaled(0.5, "features.10.conv.1.0.weight"), "file.scaled_layer",
             forms=(BESIDE, ALONE, _in("openvino_ir", beside=True))),
    _tensors("double_of_3", "the projection of block 3 doubled", weight_edits.scaled(2, "features.3.conv.2.weight"),
             "file.scaled_layer"),
    _tensors("sign_of_6", "the expansion of block 6 with the opposite sign",
             weight_edits.scaled(-1, "features.6.conv.0.0.weight"), "file.sign", "file.scaled_layer"),
    _tensors("sign_of_classifier", "the classifier with the opposite sign", weight_edits.scaled(-1, CLASSIFIER, BIAS),
             "file.sign", "file.scaled_layer"),
    _tensors("double_shift_13", "the shift behind block 13 moved by 0.5",
             weight_edits.added(0.5, "features.13.conv.1.1.bias"), "file.shifted_bias"),
    _tensors("channels_of_7", "the projection of block 7 in another order of its channels",
             weight_edits.reordered("features.7.conv.2.weight", 0), "file.permuted_channels"),
    _tensors("channels_into_15", "the expansion of block 15 with its inputs in another order",
             weight_edits.reordered("features.15.conv.0.0.weight", 1), "file.permuted_channels", "file.input_channels"),
    _tensors("depthwise_order_4", "the depthwise kernels of block 4 in another order",
             weight_edits.reordered("features.4.conv.1.0.weight", 0), "file.permuted_channels"),
    _tensors("first_layer_bgr", "the first layer made for blue, green, red",
             weight_edits.turned_round("features.0.0.weight", 1), "file.input_channels", "recipe.channel_order",
             forms=(BESIDE, ALONE, _in("mindspore_ckpt", beside=True))),
    _tensors("kernels_turned", "height and width of all kernels exchanged", weight_edits.kernels_turned,
             "file.transposed_kernel", forms=(BESIDE, ALONE, _in("gluon_params", beside=True))),
    _tensors("kernels_of_5_turned", "height and width of the kernels of blocks 2 and 5 exchanged",
             weight_edits.all_of(weight_edits.turned("features.2.conv.1.0.weight"),
                                 weight_edits.turned("features.5.conv.1.0.weight")), "file.transposed_kernel"),
    _tensors("kernels_mirrored", "the first layer's kernels mirrored",
             weight_edits.turned_round("features.0.0.weight", 2, 3), "file.transposed_kernel"),
    _tensors("nothing_in_16", "the projection of block 16 is all zeros",
             weight_edits.zeroed("features.16.conv.2.weight"), "file.dead_layer",
             forms=(ALONE, BESIDE, _in("torch_state_dict"))),
    _tensors("nothing_in_gamma", "the scales behind block 12 are all zeros",
             weight_edits.zeroed("features.12.conv.3.weight"), "file.dead_layer", forms=EITHER),
    _tensors("four_bits", "all weights in four bits", weight_edits.coarse, "file.quantised", "file.layers_differ"),
    _tensors("three_bits_of_two", "two layers in three bits", weight_edits.rounded_to_steps(
             3, "features.17.conv.2.weight", "features.14.conv.0.0.weight"), "file.quantised", "file.layers_differ",
             moves=False),
    _tensors("copied_8_to_9", "block 9 has the weights of block 8",
             weight_edits.copied("features.8.", "features.9."), "file.exchanged_layers", "file.layers_differ"),
    _tensors("another_training", "all weights of another training",
             weight_edits.trained_otherwise(0.3), "file.other_training",
             forms=(BESIDE, _in("mxnet_symbol", beside=True))),
    _tensors("another_training_of_2", "the weights of block 2 of another training",
             weight_edits.trained_otherwise(0.5, only="features.2."), "file.other_training", "file.layers_differ"),
    _tensors("channels_zeroed", "four channels of one convolution lost", weight_edits.channels_zeroed,
             "file.dead_layer", "file.layers_differ", moves=False),
)  # fmt: skip

FAULTS = (*ARCHITECTURE, *NOT_NUMBERS, *PARTS, *CLASSES, *LAYERS)
