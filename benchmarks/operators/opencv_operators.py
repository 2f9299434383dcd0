"""OpenCV, composed as Open Model Zoo's accuracy checker, OpenCV Zoo, Neural Compressor and Lornatang compose it."""

from __future__ import annotations

import io

import apply
import cv2
import numpy as np
from PIL import Image

FLAGS = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "area": cv2.INTER_AREA}


def decode(data: bytes) -> np.ndarray:
    """cv2.imread's pixels, as RGB."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def resize(image: np.ndarray, size: int, interpolation: str) -> np.ndarray:
    """To size x size."""
    return cv2.resize(image, (size, size), interpolation=FLAGS[interpolation])


def resize_short(image: np.ndarray, size: int) -> np.ndarray:
    """Short side to `size`, the long one cut to whole pixels."""
    height, width = image.shape[:2]
    new = (size, int(size * height / width)) if width <= height else (int(size * width / height), size)
    return cv2.resize(image, new)


def squash(data: bytes, resize: int, crop: int) -> np.ndarray:
    """OpenCV Zoo's ImageNet dataset; the accuracy checker's resize and crop."""
    return _cropped(cv2.resize(decode(data), (resize, resize)), (crop, crop))


def short(data: bytes, resize: int, crop: int) -> np.ndarray:
    """Aspect ratio kept, centre cut out."""
    return _cropped(resize_short(decode(data), resize), (crop, crop))


def central(data: bytes, fraction: float, size: int) -> np.ndarray:
    """The accuracy checker's crop with central_fraction, then its resize."""
    image = decode(data)
    kept = (int(image.shape[0] * fraction), int(image.shape[1] * fraction))
    return cv2.resize(_cropped(image, kept), (size, size))


def neural_compressor(data: bytes, resize: int, crop: int) -> np.ndarray:
    """The quantisation example's own main.py: floats in [0, 1] before the resize, Pillow as its reader."""
    with Image.open(io.BytesIO(data)) as opened:
        image = np.asarray(opened.convert("RGB")).astype(np.float32) / 255.0
    return _cropped(cv2.resize(image, (resize, resize), interpolation=cv2.INTER_AREA), (crop, crop))


def lornatang(data: bytes, resize: int, crop: int) -> np.ndarray:
    """dataset.py in mode "Test": cv2 reads, torchvision on Pillow resizes and crops."""
    image = Image.fromarray(decode(data))
    width, height = image.size
    new = (resize, int(resize * height / width)) if width <= height else (int(resize * width / height), resize)
    image = image.resize(new, Image.Resampling.BILINEAR)
    left, top = (round((length - crop) / 2.0) for length in image.size)
    return np.asarray(image.crop((left, top, left + crop, top + crop)))


def lornatang_squash(data: bytes, size: int) -> np.ndarray:
    """inference.py: cv2 reads, Resize([size, size]) on Pillow."""
    return np.asarray(Image.fromarray(decode(data)).resize((size, size), Image.Resampling.BILINEAR))


def _cropped(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    top, left = ((have - want) // 2 for have, want in zip(image.shape[:2], size, strict=True))
    return image[top : top + size[0], left : left + size[1]]


if __name__ == "__main__":
    apply.main(globals())
