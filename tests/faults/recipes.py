"""Recipes that differ from the one the network was trained and documented with."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from tests.faults import plants
from tests.faults.base import ALONE, BESIDE, Fault, Form, Plant
from tests.faults.setups import IMAGENET, Picture, crop, decode, divide, exact, normalise, resample, short

KIND = "recipe"
BGR = '{ op = "channels", order = "bgr" }'
MEAN, STD = IMAGENET
NONE, ONES = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
HALF = (0.5, 0.5, 0.5)
ORIENTATION = 0x0112  # EXIF
# EXIF orientation -> how the stored pixels lie, so that a reader who obeys it sees the picture upright
STORED = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def _fault(
    name: str, what: str, plant: Plant, *expected: str, forms: Sequence[Form] = (ALONE,), moves: bool = True
) -> Fault:
    return Fault(name, KIND, plant, frozenset(expected), what, tuple(forms), moves)


def _means(mean: Sequence[float], std: Sequence[float], by: float = 255) -> Plant:
    return plants.numeric(divide(by), normalise(tuple(mean), tuple(std)))


def _resized(*steps: str) -> Plant:
    return plants.geometry(decode(), *steps)


def lying(orientation: int, every: int) -> Plant:
    """Every so many-th image is stored lying, with an EXIF tag that says so."""

    def lain(data: bytes) -> bytes:
        with Image.open(io.BytesIO(data)) as image:
            turned = image.convert("RGB").transpose(STORED[orientation])
        tags = Image.Exif()
        tags[ORIENTATION] = orientation
        out = io.BytesIO()
        turned.save(out, "JPEG", quality=97, subsampling=0, exif=tags)
        return out.getvalue()

    def chosen(given: Sequence[Picture]) -> list[Picture]:
        return [replace(each, edit=lain) if not number % every else each for number, each in enumerate(given)]

    return plants.pictures(chosen)


def _sizes() -> tuple[Fault, ...]:
    return (
        _fault("squash_96", "both sides to 96, no crop", _resized(exact(96)), "recipe.squash", forms=(ALONE, BESIDE)),
        _fault("squash_110", "both sides to 110, then the crop", _resized(exact(110), crop(96)), "recipe.squash"),
        _fault("no_margin", "short side to 96, as large as the crop", _resized(short(96), crop(96)), "recipe.crop"),
        _fault("margin_128", "short side to 128", _resized(short(128), crop(96)), "recipe.crop"),
        _fault("margin_160", "short side to 160", _resized(short(160), crop(96)), "recipe.crop"),
        _fault("no_resize", "a crop of the picture as it is", _resized(crop(96)), "recipe.resize", "recipe.crop"),
        _fault("nearest", "nearest neighbour", _resized(short(110, resample("pil", "nearest", False)), crop(96)),
               "recipe.resize"),
        _fault("no_antialias", "OpenCV's bilinear, without antialias",
               _resized(short(110, resample("opencv", "bilinear", False)), crop(96)), "recipe.resize", moves=False),
        _fault("tensorflow_1", "TensorFlow 1's bilinear, without half-pixel centres",
               _resized(short(110, resample("tensorflow1", "bilinear", False)), crop(96)), "recipe.resize",
               moves=False),
    )  # fmt: skip


FAULTS = (
    _fault("bgr", "red and blue exchanged", plants.numeric(BGR, divide(255), normalise(*IMAGENET)),
           "recipe.channel_order", forms=(ALONE, BESIDE)),
    _fault("bgr_after", "red and blue exchanged after the mean", plants.numeric(divide(255), normalise(*IMAGENET), BGR),
           "recipe.channel_order"),
    _fault("not_divided", "pixels from 0 to 255", plants.numeric(normalise(*IMAGENET)), "recipe.scale"),
    _fault("divided_twice", "divided by 255 twice", plants.numeric(divide(255), divide(255), normalise(*IMAGENET)),
           "recipe.scale"),
    _fault("by_half", "divided by 127.5 in place of 255", _means(MEAN, STD, 127.5), "recipe.scale"),
    _fault("no_mean_no_std", "only divided by 255", plants.numeric(divide(255)), "recipe.mean_std"),
    _fault("mean_of_a_half", "mean and deviation of a half", _means(HALF, HALF), "recipe.mean_std",
           forms=(ALONE, BESIDE)),
    _fault("minus_one_to_one", "from -1 to 1, as TensorFlow's networks have it",
           plants.numeric(divide(127.5), '{ op = "subtract", value = 1 }'), "recipe.mean_std", "recipe.scale"),
    _fault("no_std", "a mean but no deviation", _means(MEAN, ONES), "recipe.mean_std"),
    _fault("no_mean", "a deviation but no mean", _means(NONE, STD), "recipe.mean_std"),
    _fault("mean_and_std_exchanged", "mean and deviation exchanged", _means(STD, MEAN), "recipe.mean_std"),
    _fault("means_in_bytes", "the means of 0 to 255, no deviation", plants.numeric(
           normalise((123.68, 116.779, 103.939), ONES)), "recipe.mean_std", "recipe.scale"),
    _fault("normalised_twice", "mean and deviation twice",
           plants.numeric(divide(255), normalise(*IMAGENET), normalise(*IMAGENET)), "recipe.mean_std"),
    _fault("mean_of_cifar", "mean and deviation of CIFAR-10",
           _means((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)), "recipe.mean_std", moves=False),
    _fault("mean_in_other_order", "mean and deviation in the order of blue, green, red",
           _means(MEAN[::-1], STD[::-1]), "recipe.mean_std", moves=False),
    *_sizes(),
    _fault("lying_all", "every image stored lying with an EXIF tag that is not obeyed", lying(6, 1), "recipe.decoder"),
    _fault("lying_half", "every second image stored upside down with an EXIF tag that is not obeyed", lying(3, 2),
           "recipe.decoder"),
)  # fmt: skip
