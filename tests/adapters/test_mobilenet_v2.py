"""The layer table gives the parameter counts and multiply-adds that the publishers' networks have."""

from __future__ import annotations

import math

import pytest

from adapters.common.mobilenet_v2 import MobileNetV2, scaled
from adapters.common.network import Conv

# alpha: (stem, the seven stages, last, batch-norm channels, trainable parameters at 1000 and at 1001 classes)
WIDTHS = {
    1.4: (48, (24, 32, 48, 88, 136, 224, 448), 1792, 23968, 6_108_776, 6_110_569),
    1.3: (40, (24, 32, 40, 80, 128, 208, 416), 1664, 22128, 5_386_792, 5_388_457),
    1.0: (32, (16, 24, 32, 64, 96, 160, 320), 1280, 17056, 3_504_872, 3_506_153),
    0.75: (24, (16, 24, 24, 48, 72, 120, 240), 1280, 13320, 2_636_424, 2_637_705),
    0.5: (16, (8, 16, 16, 32, 48, 80, 160), 1280, 9272, 1_968_680, 1_969_961),
    0.35: (16, (8, 8, 16, 24, 32, 56, 112), 1280, 7040, 1_677_128, 1_678_409),
}
# millions of multiply-adds at 1001 classes
RESOLUTIONS = (224, 192, 160, 128, 96)
ROWS = {
    1.4: (582.198,),
    1.3: (509.376,),
    1.0: (300.776, 221.318, 154.084, 99.075, 56.290),
    0.75: (209.071, 153.943, 107.296, 69.131, 39.447),
    0.5: (97.133, 71.703, 50.185, 32.580, 18.887),
    0.35: (59.287, 43.898, 30.876, 20.222, 11.935),
}
MULTIPLY_ADDS = {(alpha, RESOLUTIONS[column]): value for alpha, row in ROWS.items() for column, value in enumerate(row)}
# MXNet's page counts running statistics as parameters
MXNET_PARAMETERS = {1.0: 3_539_136, 0.75: 2_653_864, 0.5: 1_983_104, 0.25: 1_526_856}
# OpenVINO's pages count a network whose batch norms are folded into the convolutions, at 1001 classes
FOLDED = {1.4: 6_086_601, 1.3: 5_366_329, 1.0: 3_489_097, 0.75: 2_624_385, 0.5: 1_960_689, 0.35: 1_671_369}
# d-li14's page, millions, 1000 classes
DLI14 = {0.25: (1.519, 37.21), 0.35: (1.677, 59.29), 0.75: (2.636, 209.08)}


def sizes(network: MobileNetV2) -> dict[str, int]:
    """Canonical name -> number of floats."""
    return {name: math.prod(shape) for name, shape in network.layers().tensor_shapes().items()}


def trainable(network: MobileNetV2) -> int:
    """Weights, batch-norm scale and shift, classifier."""
    return sum(size for name, size in sizes(network).items() if not name.endswith(("running_mean", "running_var")))


def bn_channels(network: MobileNetV2) -> int:
    return sum(conv.out_channels for conv in network.layers().convs)


@pytest.mark.parametrize("alpha", WIDTHS)
def test_widths(alpha: float) -> None:
    stem, stages, last, channels, _, _ = WIDTHS[alpha]
    network = MobileNetV2(alpha=alpha)
    blocks = network.layers().blocks
    ends = [blocks[index].convs[-1].out_channels for index in (1, 3, 6, 10, 13, 16, 17)]
    assert blocks[0].convs[0].out_channels == stem
    assert tuple(ends) == stages
    assert network.layers().classifier.in_channels == last
    assert bn_channels(network) == channels


@pytest.mark.parametrize("alpha", WIDTHS)
def test_parameters(alpha: float) -> None:
    counts = [trainable(MobileNetV2(alpha=alpha, classes=classes)) for classes in (1000, 1001)]
    assert tuple(counts) == WIDTHS[alpha][4:]


@pytest.mark.parametrize("alpha", FOLDED)
def test_folded_parameters(alpha: float) -> None:
    network = MobileNetV2(alpha=alpha, classes=1001)
    assert trainable(network) - bn_channels(network) == FOLDED[alpha]


@pytest.mark.parametrize(("alpha", "resolution"), MULTIPLY_ADDS, ids=str)
def test_multiply_adds(alpha: float, resolution: int) -> None:
    network = MobileNetV2(alpha=alpha, resolution=resolution, classes=1001)
    assert round(network.layers().multiply_adds() / 1e6, 3) == MULTIPLY_ADDS[alpha, resolution]


@pytest.mark.parametrize("alpha", MXNET_PARAMETERS)
def test_mxnet_form(alpha: float) -> None:
    network = MobileNetV2(alpha=alpha, rounding="truncate", expand_first=True, classifier_bias=False)
    assert sum(sizes(network).values()) == MXNET_PARAMETERS[alpha]


def test_mxnet_form_multiply_adds() -> None:
    network = MobileNetV2(rounding="truncate", expand_first=True, classifier_bias=False)
    assert round(network.layers().multiply_adds() / 1e6, 3) == 313.619


@pytest.mark.parametrize("alpha", DLI14)
def test_narrow_networks(alpha: float) -> None:
    """d-li14 prints 0.01 M multiply-adds more than convolutions and classifier have."""
    network = MobileNetV2(alpha=alpha)
    parameters, multiply_adds = DLI14[alpha]
    assert round(trainable(network) / 1e6, 3) == parameters
    assert network.layers().multiply_adds() / 1e6 == pytest.approx(multiply_adds, abs=0.02)


def test_convolutions_and_batch_norms() -> None:
    plain, mxnet = MobileNetV2(), MobileNetV2(expand_first=True)
    assert [len(each.layers().convs) for each in (plain, mxnet)] == [52, 53]
    assert len(sizes(plain)) == 262


@pytest.mark.parametrize(
    ("rounding", "channels"),
    [("divisible", [24, 16, 24]), ("truncate", [24, 12, 18]), ("ceil_keep_stem", [32, 16, 24])],
)
def test_rounding(rounding: str, channels: list[int]) -> None:
    network = MobileNetV2(alpha=0.75, rounding=rounding)
    assert [scaled(width, network) for width in (32, 16, 24)] == channels


def test_unknown_rounding() -> None:
    with pytest.raises(ValueError, match="rounding 'up' is not known; known: divisible, truncate, ceil_keep_stem"):
        MobileNetV2(rounding="up").layers()


@pytest.mark.parametrize(
    ("side", "stride", "padding", "expected"),
    [
        (224, 2, "symmetric", (1, 1)),
        (224, 2, "same", (0, 1)),
        (7, 2, "same", (1, 1)),
        (14, 1, "same", (1, 1)),
    ],
)
def test_padding(side: int, stride: int, padding: str, expected: tuple[int, int]) -> None:
    assert Conv("name", "bn", 8, 8, 3, stride, 8, True, side, padding).pads == expected


def test_a_1x1_convolution_is_not_padded() -> None:
    for padding in ("same", "symmetric"):
        assert Conv("name", "bn", 8, 8, 1, 1, 1, True, 14, padding).pads == (0, 0)


@pytest.mark.parametrize(("field", "known"), [("activation", "relu6, relu"), ("padding", "symmetric, same")])
def test_unknown_forms(field: str, known: str) -> None:
    with pytest.raises(ValueError, match=f"{field} 'odd' is not known; known: {known}"):
        MobileNetV2(**{field: "odd"}).layers()  # type: ignore[arg-type]
