"""MXNet's own operators, in its environment."""

from __future__ import annotations

import apply
import mxnet as mx
import numpy as np
from mxnet.gluon.data.vision import transforms


def decode(data: bytes) -> np.ndarray:
    """mx.image.imdecode(data)."""
    return mx.image.imdecode(data).asnumpy()


def imresize(image: np.ndarray, size: int, interpolation: int) -> np.ndarray:
    """mx.image.imresize(image, size, size); interpolation 1 is bilinear, 2 is bicubic."""
    return mx.image.imresize(_array(image), size, size, interp=interpolation).asnumpy()


def resize(image: np.ndarray, size: int, keep_ratio: bool) -> np.ndarray:
    """gluon's transforms.Resize."""
    return transforms.Resize(size, keep_ratio=keep_ratio)(_array(image)).asnumpy()


def centre_crop(image: np.ndarray, size: int) -> np.ndarray:
    """gluon's transforms.CenterCrop."""
    return transforms.CenterCrop(size)(_array(image)).asnumpy()


def gluon(data: bytes, size: int, crop: int, keep_ratio: bool) -> np.ndarray:
    """Compose([Resize(size, keep_ratio), CenterCrop(crop)])."""
    image = mx.image.imdecode(data)
    steps = transforms.Compose([transforms.Resize(size, keep_ratio=keep_ratio), transforms.CenterCrop(crop)])
    return steps(image).asnumpy()


def _array(image: np.ndarray) -> mx.nd.NDArray:
    return mx.nd.array(image, dtype=image.dtype)


if __name__ == "__main__":
    apply.main(globals())
