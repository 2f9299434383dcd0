"""Pillow, composed as torchvision, transformers, timm and the ONNX model zoo's imagenet_preprocess.py compose it."""

from __future__ import annotations

import io
from typing import Any

import apply
import numpy as np
from PIL import Image

Given = bytes | np.ndarray
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def decode(data: bytes) -> np.ndarray:
    """torchvision's pil_loader."""
    return np.asarray(_opened(data))


def torchvision_resize(given: Given, size: int, interpolation: str) -> np.ndarray:
    """transforms.Resize(size) of a PIL image."""
    return np.asarray(_torchvision_resize(_opened(given), size, interpolation))


def torchvision_centre_crop(given: Given, size: int) -> np.ndarray:
    """transforms.CenterCrop(size) of a PIL image that is no smaller."""
    return np.asarray(_torchvision_centre_crop(_opened(given), size))


def torchvision(given: Given, resize: int, crop: int, interpolation: str = "bilinear") -> np.ndarray:
    """Resize, then CenterCrop."""
    resized = _torchvision_resize(_opened(given), resize, interpolation)
    return np.asarray(_torchvision_centre_crop(resized, crop))


def transformers(data: bytes, resize: int, crop: int) -> np.ndarray:
    """MobileNetV2ImageProcessor: shortest_edge, then center_crop, which floors its offset."""
    resized = np.asarray(_torchvision_resize(_opened(data), resize, "bilinear"))
    return _cropped_floor(resized, crop)


def centre(data: bytes, crop: int) -> np.ndarray:
    """No resize."""
    return _cropped_floor(decode(data), crop)


def onnx_zoo_resize(given: Given, size: int) -> np.ndarray:
    """image_resize of imagenet_preprocess.py."""
    image = _opened(given)
    ratio = float(size) / min(image.size)
    wide = image.size[0] > image.size[1]
    new = (round(ratio * image.size[0]), size) if wide else (size, round(ratio * image.size[1]))
    return np.asarray(image.resize(new, Image.Resampling.BILINEAR))


def onnx_zoo_crop(given: np.ndarray, size: int) -> np.ndarray:
    """crop_center of imagenet_preprocess.py."""
    rows, columns = given.shape[:2]
    left, top = columns // 2 - size // 2, rows // 2 - size // 2
    return given[top : top + size, left : left + size]


def onnx_zoo(data: bytes, resize: int, crop: int) -> np.ndarray:
    """preprocess() of imagenet_preprocess.py, as far as it moves pixels."""
    return onnx_zoo_crop(onnx_zoo_resize(data, resize), crop)


def squash(given: Given, size: int, interpolation: str = "bilinear") -> np.ndarray:
    """transforms.Resize((size, size)) of a PIL image."""
    return np.asarray(_opened(given).resize((size, size), FILTERS[interpolation]))


def _opened(given: Given) -> Image.Image:
    if isinstance(given, np.ndarray):
        return Image.fromarray(given)
    with Image.open(io.BytesIO(given)) as image:
        return image.convert("RGB")


def _torchvision_resize(image: Image.Image, size: int, interpolation: str) -> Image.Image:
    width, height = image.size
    short, long = (width, height) if width <= height else (height, width)
    new_short, new_long = size, int(size * long / short)
    new = (new_short, new_long) if width <= height else (new_long, new_short)
    return image if new == image.size else image.resize(new, FILTERS[interpolation])


def _torchvision_centre_crop(image: Image.Image, size: int) -> Image.Image:
    corner: tuple[Any, ...] = tuple(round((length - size) / 2.0) for length in image.size)
    left, top = corner
    return image.crop((left, top, left + size, top + size))


def _cropped_floor(image: np.ndarray, size: int) -> np.ndarray:
    top, left = ((length - size) // 2 for length in image.shape[:2])
    return image[top : top + size, left : left + size]


if __name__ == "__main__":
    apply.main(globals())
