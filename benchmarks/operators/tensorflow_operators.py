"""TensorFlow's own operators, in its environment."""

from __future__ import annotations

import apply
import numpy as np
import tensorflow as tf


def decode_jpeg(data: bytes, dct_method: str) -> np.ndarray:
    """dct_method: "" is TensorFlow's choice."""
    return tf.io.decode_jpeg(data, channels=3, dct_method=dct_method).numpy()


def convert_image_dtype(image: np.ndarray) -> np.ndarray:
    """uint8 to float32 in [0, 1]."""
    return tf.image.convert_image_dtype(image, tf.float32).numpy()


def central_crop(image: np.ndarray, fraction: float) -> np.ndarray:
    """The middle of an image."""
    return tf.image.central_crop(image, fraction).numpy()


def resize_bilinear(image: np.ndarray, size: int) -> np.ndarray:
    """Without half-pixel centres; whole levels for uint8, cut off as TFLite's evaluation program does."""
    resized = _resized(image, size)
    return (resized if image.dtype == np.float32 else tf.cast(resized, tf.uint8)).numpy()


def resize_bilinear_tf2(image: np.ndarray, size: int) -> np.ndarray:
    """tf.image.resize of TensorFlow 2, with half-pixel centres."""
    return tf.image.resize(image, [size, size], "bilinear").numpy()


def slim(data: bytes, fraction: float, size: int, dct_method: str) -> np.ndarray:
    """preprocess_for_eval of inception_preprocessing.py, before (x - 0.5) * 2."""
    image = tf.io.decode_jpeg(data, channels=3, dct_method=dct_method)
    image = tf.image.central_crop(tf.image.convert_image_dtype(image, tf.float32), fraction)
    return _resized(image, size).numpy()


def tflite_evaluation(data: bytes, fraction: float, size: int, whole: bool) -> np.ndarray:
    """image_preprocessing_stage.cc: a central square of a fraction of the short side, then a bilinear resize."""
    image = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE").numpy()
    height, width = image.shape[:2]
    kept = int(np.floor(min(height, width) * fraction + 0.5))
    top, left = (int(np.floor((side - kept) / 2 + 0.5)) for side in (height, width))
    resized = _resized(image[top : top + kept, left : left + kept].astype(np.float32), size)
    return (tf.cast(resized, tf.uint8) if whole else resized).numpy()


def _resized(image: np.ndarray, size: int) -> tf.Tensor:
    kernel = tf.compat.v1.image.resize_bilinear
    return kernel(image[None], [size, size], align_corners=False, half_pixel_centers=False)[0]


if __name__ == "__main__":
    apply.main(globals())
