"""MindSpore's own operators, in its environment."""

from __future__ import annotations

import apply
import numpy as np
from mindspore.dataset import vision


def decode(data: bytes) -> np.ndarray:
    """vision.Decode()."""
    return vision.Decode()(np.frombuffer(data, np.uint8))


def resize(image: np.ndarray, size: int | list[int]) -> np.ndarray:
    """vision.Resize(size): the short side, or [height, width]."""
    return vision.Resize(size if isinstance(size, int) else tuple(size))(image)


def resize_lround(image: np.ndarray, size: int) -> np.ndarray:
    """vision.Resize to the height and width that resize_op.cc computed until 2023 (float32, halves up)."""
    height, width = image.shape[:2]
    ratio = np.float32(max(height, width)) / np.float32(min(height, width))
    long = int(np.floor(np.float64(np.float32(ratio * np.float32(size))) + 0.5))
    return vision.Resize((size, long) if height < width else (long, size))(image)


def centre_crop(image: np.ndarray, size: int) -> np.ndarray:
    """vision.CenterCrop(size)."""
    return vision.CenterCrop(size)(image)


def mindvision(data: bytes, resize: int, crop: int) -> np.ndarray:
    """The validation path of mindvision's imagenet.py."""
    return centre_crop(vision.Resize(resize)(decode(data)), crop)


def mindvision_lround(data: bytes, resize: int, crop: int) -> np.ndarray:
    """The same with the older rule for the long side."""
    return centre_crop(resize_lround(decode(data), resize), crop)


if __name__ == "__main__":
    apply.main(globals())
