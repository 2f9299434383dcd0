"""Turns the bytes of an image file into pixels by a geometry (a list of steps); one small function per step.

Each step does what the publishers' own operator does, to the pixel where that operator is Pillow or OpenCV:

decode
    pil, ignore       `PIL.Image.open(...).convert("RGB")`: torchvision's `pil_loader`, timm, transformers
    pil, apply        the same behind `PIL.ImageOps.exif_transpose`
    opencv, apply     `cv2.imread` or `cv2.imdecode(IMREAD_COLOR)`, then BGR to RGB: Open Model Zoo's OpenCV
                      reader, Lornatang's dataset
    opencv, ignore    with IMREAD_IGNORE_ORIENTATION: `mx.image.imread` and MindSpore's `vision.Decode`, whose
                      pixels are OpenCV's but which turn nothing
to_float              `x / divide` in float32 (`tf.image.convert_image_dtype` multiplies by 1/255: one ulp)
central_fraction
    tensorflow        `tf.image.central_crop`
    truncate          `central_fraction` of Open Model Zoo's accuracy checker
    round_square      the cropping of TFLite's image_preprocessing_stage.cc
resize_short
    truncate          torchvision `Resize(int)`, transformers' `shortest_edge`, Gluon's `keep_ratio`,
                      MindSpore 2.10's `vision.Resize(int)`
    round_half_even   `image_resize` of the ONNX model zoo's imagenet_preprocess.py
    round_half_up     MindSpore's resize_op.cc until 2023, which computes in float32
resize_short, resize_exact
    pil               `PIL.Image.resize` without `reducing_gap`; floats one channel at a time in mode "F"
    opencv            `cv2.resize`: MXNet's `imresize`, MindSpore, Open Model Zoo, Neural Compressor
    tensorflow1       `tf.compat.v1.image.resize_bilinear(align_corners=False, half_pixel_centers=False)`
centre_crop
    floor             transformers' and MXNet's `center_crop`, MindSpore, Neural Compressor
    round_half_even   torchvision `CenterCrop`
    half_minus_half   `crop_center` of the ONNX model zoo's imagenet_preprocess.py

Pillow's draft mode (a JPEG decoded at a fraction of its size) changes pixels, and no publisher uses it.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image, ImageOps, features

from zoo import records
from zoo.errors import ImageSetError

Array = npt.NDArray[np.uint8] | npt.NDArray[np.float32]  # (height, width, 3), RGB
Indices = npt.NDArray[np.intp]
Picture = Image.Image | Array  # what travels between steps; a Pillow image stays one until an array is needed

# Pillow would try every plugin it has; one of them hands the file to another program (EPS).
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_ENDS = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG": b"IEND\xaeB`\x82"}
_TAIL = 64  # bytes at the end of a file among which its end marker is looked for
_PIL = {name: Image.Resampling[name.upper()] for name in ("bilinear", "bicubic", "nearest")}
_OPENCV = {
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
}


def apply(geometry: records.Geometry, data: bytes) -> Array:
    """Pixels of one image file: (side, side, 3), RGB, `geometry.dtype`, contiguous; uint8 in 0..255.

    Raises ImageSetError where the bytes are no complete image or the image is smaller than a crop; the caller
    knows the file's name and adds it.
    """
    return apply_all([geometry], data)[0]


def apply_all(geometries: Sequence[records.Geometry], data: bytes) -> list[Array]:
    """Pixels of one image file by each geometry, as `apply` gives them; geometries that begin alike share that work.

    Decoding takes most of the time, so it is done once for each way to decode; so is a resize that several crops
    follow. Raises as `apply` does, for the first geometry that cannot be applied.
    """
    done: dict[tuple[records.GeometryStep, ...], Picture] = {}
    return [cast(Array, np.ascontiguousarray(_array(_after(each.steps, data, done)))) for each in geometries]


def _after(
    steps: tuple[records.GeometryStep, ...], data: bytes, done: dict[tuple[records.GeometryStep, ...], Picture]
) -> Picture:
    """What stands behind the last of these steps; no step writes into what it is given."""
    if steps not in done:
        *before, last = steps
        if before:
            done[steps] = apply_step(last, _after(tuple(before), data, done))
        else:
            assert isinstance(last, records.Decode)
            done[steps] = decode(last, data)
    return done[steps]


def versions() -> dict[str, str]:
    """Versions of everything pixels depend on, for the keys of stored pixels and runs."""
    jpeg = re.search(r"JPEG:.*?\(ver ([^)]*)\)", cv2.getBuildInformation())
    return {
        "pillow": PIL.__version__,
        "libjpeg_turbo": str(features.version("libjpeg_turbo") or f"not turbo, {features.version('jpg')}"),
        "opencv": cv2.__version__,
        "opencv_jpeg": jpeg[1] if jpeg else "unknown",
        "numpy": np.__version__,
    }


def apply_step(step: records.GeometryStep, picture: Picture) -> Picture:
    """One step behind `decode`."""
    match step:
        case records.ToFloat():
            return to_float(step, _array(picture))
        case records.CentralFraction():
            return central_fraction(step, _array(picture))
        case records.ResizeShort():
            return resize_short(step, picture)
        case records.ResizeExact():
            return _resize(step, picture, step.size, step.size)
        case records.CentreCrop():
            return centre_crop(step, _array(picture))
        case _:
            raise AssertionError(f"decode can only be the first step: {step}")


# --- decode --------------------------------------------------------------------------------------


def decode(step: records.Decode, data: bytes) -> Picture:
    """A whole image file to RGB uint8; grey, CMYK, palette and 16-bit files as the library converts them."""
    return _decode_pil(step, data) if step.library == "pil" else _decode_opencv(step, data)


def _decode_pil(step: records.Decode, data: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            upright = ImageOps.exif_transpose(image) if step.exif == "apply" else image
            return upright.convert("RGB")
    except Exception as error:  # Pillow's plugins raise many kinds
        raise ImageSetError(_unreadable("Pillow", data, str(error))) from error


def _decode_opencv(step: records.Decode, data: bytes) -> npt.NDArray[np.uint8]:
    flags = cv2.IMREAD_COLOR | (cv2.IMREAD_IGNORE_ORIENTATION if step.exif == "ignore" else 0)
    _complete(data)
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageSetError(_unreadable("OpenCV", data, str(error).strip())) from error
    if bgr is None:
        raise ImageSetError(_unreadable("OpenCV", data, "nothing it can decode"))
    return cast(npt.NDArray[np.uint8], cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def _complete(data: bytes) -> None:
    """Raise where the file breaks off: OpenCV would fill the rest with grey and only print a warning.

    No end marker can occur inside a JPEG's compressed data, so one near the end of the file settles it.
    """
    for start, end in _ENDS.items():
        if data.startswith(start) and end in data[-_TAIL:]:
            return
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            image.load()
    except Exception as error:  # as in _decode_pil
        raise ImageSetError(_unreadable("OpenCV", data, str(error))) from error


def _unreadable(library: str, data: bytes, got: str) -> str:
    begins = f"beginning {data[:8].hex(' ')}" if data else "(an empty file)"
    got = re.sub(r"cannot identify image file <.*>", "no image format that is known", got)
    return (
        f"{library} cannot decode the image: expected a complete image file (JPEG, PNG), "
        f"got {len(data):,} bytes {begins}: {got}"
    )


# --- arithmetic and crops ------------------------------------------------------------------------


def to_float(step: records.ToFloat, image: Array) -> npt.NDArray[np.float32]:
    """uint8 to float32, divided."""
    return np.divide(image, np.float32(step.divide), dtype=np.float32)


def central_fraction(step: records.CentralFraction, image: Array) -> Array:
    """A view of the middle."""
    height, width = image.shape[:2]
    if step.rounding == "round_square":
        kept = _half_up(min(height, width) * step.fraction)
        return _cut(image, _half_up((height - kept) / 2), _half_up((width - kept) / 2), kept, kept)
    if step.rounding == "tensorflow":
        top, left = (int((side - side * step.fraction) / 2) for side in (height, width))
        return _cut(image, top, left, height - 2 * top, width - 2 * left)
    kept_height, kept_width = int(height * step.fraction), int(width * step.fraction)
    return _cut(image, (height - kept_height) // 2, (width - kept_width) // 2, kept_height, kept_width)


def centre_crop(step: records.CentreCrop, image: Array) -> Array:
    """A view of the central size x size pixels."""
    height, width = image.shape[:2]
    if min(height, width) < step.size:
        raise ImageSetError(
            f"the image is smaller than the crop: expected at least {step.size} x {step.size} pixels, got "
            f"{width} x {height} (width x height); choose a recipe that resizes first"
        )
    top, left = (_offset(step, side) for side in (height, width))
    return _cut(image, top, left, step.size, step.size)


def _offset(step: records.CentreCrop, side: int) -> int:
    if step.offset == "floor":
        return (side - step.size) // 2
    if step.offset == "round_half_even":
        return round((side - step.size) / 2)
    return side // 2 - step.size // 2


def _cut(image: Array, top: int, left: int, height: int, width: int) -> Array:
    if height < 1 or width < 1:
        raise ImageSetError(
            f"nothing is left of the image after the crop: got {image.shape[1]} x {image.shape[0]} pixels"
        )
    return image[top : top + height, left : left + width]


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)


# --- resize --------------------------------------------------------------------------------------


def resize_short(step: records.ResizeShort, picture: Picture) -> Picture:
    """Scale to `size` on the short side."""
    width, height = _size(picture)
    long = long_side(step, min(width, height), max(width, height))
    return _resize(step, picture, *((step.size, long) if width <= height else (long, step.size)))


def long_side(step: records.ResizeShort, short: int, long: int) -> int:
    """Length of the long side after scaling, pixels; the order of the operations is the publishers'."""
    if step.long_side == "truncate":
        return int(step.size * long / short)
    if step.long_side == "round_half_up":
        return _half_up(float(np.float32(long) / np.float32(short) * np.float32(step.size)))
    return round(step.size / short * long)


def _resize(step: records.Resample, picture: Picture, width: int, height: int) -> Picture:
    if step.library == "opencv":
        flag = _OPENCV[step.interpolation]
        return cast(Array, cv2.resize(_array(picture), (width, height), interpolation=flag))
    if step.library == "tensorflow1":
        return resize_tensorflow1(_array(picture), width, height)
    if isinstance(picture, np.ndarray) and picture.dtype == np.float32:
        return _resize_pil_float(step, picture, width, height)
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    return image.resize((width, height), _PIL[step.interpolation])


def _resize_pil_float(step: records.Resample, image: Array, width: int, height: int) -> Array:
    channels = [
        np.asarray(Image.fromarray(channel).resize((width, height), _PIL[step.interpolation]))
        for channel in np.ascontiguousarray(image.transpose(2, 0, 1))
    ]
    return np.stack(channels, axis=-1)


def resize_tensorflow1(image: Array, width: int, height: int) -> Array:
    """Bilinear without half-pixel centres, in float32, operation by operation as TensorFlow's CPU kernel.

    uint8 goes in, uint8 comes out, truncated: what TFLite's evaluation program feeds a quantised network.
    """
    y_low, y_high, y_part = _weights(height, image.shape[0])
    x_low, x_high, x_part = _weights(width, image.shape[1])
    pixels = image.reshape(-1, 3)  # one index per pixel: faster than rows and columns
    across = image.shape[1]
    top = _along_x(pixels, y_low * across, x_low, x_high, x_part)
    bottom = _along_x(pixels, y_high * across, x_low, x_high, x_part)
    bottom -= top
    bottom *= y_part[:, None, None]
    bottom += top
    return bottom if image.dtype == np.float32 else bottom.astype(np.uint8)


def _weights(out: int, size: int) -> tuple[Indices, Indices, npt.NDArray[np.float32]]:
    """Lower and upper source index and the share of the upper one, per output index."""
    at = np.arange(out, dtype=np.float32) * (np.float32(size) / np.float32(out))
    low = np.floor(at)
    upper = np.minimum(np.ceil(at), size - 1)
    return low.astype(np.intp), upper.astype(np.intp), at - low


def _along_x(
    pixels: Array, rows: Indices, low: Indices, high: Indices, part: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """low + (high - low) * part in the rows that begin at `rows`: (rows, columns, 3)."""
    left = pixels.take(rows[:, None] + low, axis=0).astype(np.float32, copy=False)
    step = pixels.take(rows[:, None] + high, axis=0).astype(np.float32, copy=False)
    step -= left
    step *= part[:, None]
    step += left
    return step


def _array(picture: Picture) -> Array:
    return picture if isinstance(picture, np.ndarray) else np.asarray(picture)


def _size(picture: Picture) -> tuple[int, int]:
    """Width and height."""
    return (picture.shape[1], picture.shape[0]) if isinstance(picture, np.ndarray) else picture.size
