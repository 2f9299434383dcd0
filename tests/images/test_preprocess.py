"""Each step against a slow, obvious reference; every geometry against committed pixels."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin

from tests.by_hand.built import REPOSITORY
from zoo import records
from zoo.documents.load import load_zoo
from zoo.errors import ImageSetError
from zoo.images import preprocess

DATA = REPOSITORY / "tests" / "data"
IMAGES = sorted((DATA / "images").iterdir())
PIL = {"op": "decode", "library": "pil", "exif": "ignore"}
BILINEAR = {"library": "pil", "interpolation": "bilinear", "antialias": True}
OPENCV = {"library": "opencv", "interpolation": "bilinear", "antialias": False}
TENSORFLOW = {"library": "tensorflow1", "interpolation": "bilinear", "antialias": False}
GEOMETRIES = load_zoo("embedded").geometries | load_zoo("published").geometries


def geometry(*steps: dict[str, Any]) -> records.Geometry:
    return records.Geometry.from_json({"id": "test", "steps": steps})


def decode_step(library: str, exif: str) -> records.Decode:
    return records.Decode.from_json({"op": "decode", "library": library, "exif": exif})


def decoded(library: str, data: bytes, exif: str = "ignore") -> NDArray[np.uint8]:
    return np.asarray(preprocess.decode(decode_step(library, exif), data))


def file(name: str) -> bytes:
    return (DATA / "images" / name).read_bytes()


def encoded(pixels: NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


# --- golden --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def make_golden() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_golden", DATA / "make_golden.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_golden"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    content = dict(json.loads((DATA / "golden" / "golden.json").read_text(encoding="utf-8")))
    content["thumbnails"] = np.load(DATA / "golden" / "thumbnails.npy")
    return content


@pytest.mark.parametrize("name", sorted(GEOMETRIES))
def test_golden(name: str, golden: dict[str, Any], make_golden: ModuleType) -> None:
    """To the pixel where the libraries are those that made the file, else by eye: a coarse grid of means."""
    again = "run python tests/data/make_golden.py"
    assert name in golden["geometries"], again
    expected = golden["geometries"][name]
    assert expected["steps"] == [step.to_json() for step in GEOMETRIES[name].steps], again
    thumbnails = golden["thumbnails"][list(golden["geometries"]).index(name)]
    same_libraries = golden["versions"] == preprocess.versions()
    for path, thumbnail in zip(IMAGES, thumbnails, strict=True):
        wanted = expected["images"][path.name]
        found, small = make_golden.entry(GEOMETRIES[name], path.read_bytes())
        assert ("error" in found) == ("error" in wanted), path.name
        if "error" in found:
            continue
        if same_libraries:
            assert found.get("sha256") == wanted.get("sha256"), f"{path.name}: {found} {wanted}"
        tolerance = 0.01 if same_libraries else 2.0
        assert found["mean"] == pytest.approx(wanted["mean"], abs=tolerance), path.name
        assert found["std"] == pytest.approx(wanted["std"], abs=tolerance), path.name
        difference = np.abs(small.astype(int) - thumbnail)
        assert difference.mean() < 2, path.name
        assert difference.max() <= (1 if same_libraries else 8), path.name


def test_golden_images_are_small_and_all_there(golden: dict[str, Any], make_golden: ModuleType) -> None:
    assert {path.name for path in IMAGES} == set(make_golden.files())
    assert all(path.stat().st_size < 8192 for path in IMAGES)
    assert set(golden["geometries"]) == set(GEOMETRIES)


@pytest.mark.parametrize("name", sorted(GEOMETRIES))
def test_shape_type_and_range(name: str, make_golden: ModuleType) -> None:
    wanted = GEOMETRIES[name]
    pixels = preprocess.apply(wanted, file("landscape.jpg"))
    assert pixels.shape == (wanted.side, wanted.side, 3)
    assert pixels.dtype == wanted.dtype
    assert pixels.flags.c_contiguous
    levels = make_golden.grey_levels(pixels, wanted)
    assert levels.min() >= 0
    assert 200 < levels.max() < 255.01


@pytest.mark.parametrize("name", sorted(GEOMETRIES))
def test_colours_stay_in_their_channels(name: str, make_golden: ModuleType) -> None:
    picture = np.full((300, 260, 3), (200, 20, 90), np.uint8)
    pixels = preprocess.apply(GEOMETRIES[name], encoded(picture))
    assert np.allclose(make_golden.grey_levels(pixels, GEOMETRIES[name]), (200, 20, 90), atol=0.01)


def test_different_steps_give_different_pixels(golden: dict[str, Any]) -> None:
    """Else a step would be without effect."""
    pixels: dict[str, str] = {}
    for entry in golden["geometries"].values():
        hashes = [image.get("sha256", "float") for image in entry["images"].values() if "mean" in image]
        if len(hashes) == len(IMAGES) and "float" not in hashes:
            steps = pixels.setdefault(" ".join(hashes), json.dumps(entry["steps"]))
            assert steps == json.dumps(entry["steps"])
    assert len(pixels) > 20


def test_versions_name_every_library() -> None:
    versions = preprocess.versions()
    assert list(versions) == ["pillow", "libjpeg_turbo", "opencv", "opencv_jpeg", "numpy"]
    assert versions["opencv"] == cv2.__version__
    assert all(version and version != "unknown" for version in versions.values())


# --- decode --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_decoders_agree_but_for_rounding(path: Path) -> None:
    data = path.read_bytes()
    difference = np.abs(decoded("pil", data).astype(int) - decoded("opencv", data))
    assert difference.mean() < 1
    assert difference.max() <= (2 if path.name == "cmyk.jpg" else 1)


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_decode_is_the_librarys_own(path: Path) -> None:
    data = path.read_bytes()
    with Image.open(path) as image:
        assert np.array_equal(decoded("pil", data), np.asarray(image.convert("RGB")))
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert bgr is not None
    assert np.array_equal(decoded("opencv", data, "apply"), bgr[..., ::-1])


@pytest.mark.parametrize("library", ["pil", "opencv"])
@pytest.mark.parametrize(("name", "quarters"), [("exif_turned.jpg", 3), ("exif_upside_down.jpg", 2)])
def test_exif(library: str, name: str, quarters: int) -> None:
    ignored = decoded(library, file(name), "ignore")
    applied = decoded(library, file(name), "apply")
    assert np.array_equal(applied, np.rot90(ignored, quarters))
    with Image.open(io.BytesIO(file(name))) as image:
        assert applied.shape[:2] == ImageOps.exif_transpose(image).size[::-1]


def test_grey_becomes_three_equal_channels() -> None:
    for library in ("pil", "opencv"):
        pixels = decoded(library, file("grey.jpg"))
        assert (pixels == pixels[..., :1]).all()


def test_sixteen_bits_as_each_library_reads_them() -> None:
    deep = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    ok, data = cv2.imencode(".png", deep)
    assert ok
    assert np.array_equal(decoded("opencv", data.tobytes())[..., 0], deep >> 8)
    with Image.open(io.BytesIO(data.tobytes())) as image:
        assert np.array_equal(decoded("pil", data.tobytes()), np.asarray(image.convert("RGB")))


def test_no_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would decode a large JPEG at half its size: faster, and other pixels."""

    def refuse(*_: object) -> None:
        raise AssertionError("draft was called")

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", refuse)
    step = {"op": "resize_exact", "size": 40, **BILINEAR}
    preprocess.apply(geometry(PIL, step), file("landscape.jpg"))


@pytest.mark.parametrize("library", ["pil", "opencv"])
@pytest.mark.parametrize("name", ["landscape.jpg", "progressive.jpg", "exif_turned.jpg", "palette.png"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.9, 0.98])
def test_truncated_files_are_refused(library: str, name: str, part: float) -> None:
    data = file(name)
    with pytest.raises(ImageSetError, match="expected a complete image file"):
        decoded(library, data[: int(len(data) * part)])


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_jpeg_without_its_end_is_refused_or_whole(missing: int) -> None:
    """Where all pixels are there, a decoder may read it; never a picture filled up with grey."""
    data = file("landscape.jpg")[:-missing]
    for library in ("pil", "opencv"):
        try:
            pixels = decoded(library, data)
        except ImageSetError:
            continue
        assert np.array_equal(pixels, decoded(library, file("landscape.jpg")))


@pytest.mark.parametrize("library", ["pil", "opencv"])
def test_bytes_behind_the_end_do_no_harm(library: str) -> None:
    data = file("landscape.jpg")
    assert np.array_equal(decoded(library, data + b"\0" * 1000), decoded(library, data))


@pytest.mark.parametrize("library", ["pil", "opencv"])
@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\xff\xd8\xff\xd9", b"\x89PNG\r\n\x1a\nIEND\xaeB`\x82", b"%!PS-Adobe-3.0 EPSF-3.0\n"],
    ids=["empty", "text", "bare JPEG", "bare PNG", "EPS"],
)
def test_what_is_no_image_is_refused(library: str, data: bytes) -> None:
    with pytest.raises(ImageSetError) as raised:
        decoded(library, data)
    message = str(raised.value)
    assert "cannot decode the image: expected a complete image file (JPEG, PNG), got" in message
    assert f"got {len(data)} bytes" in message
    assert "0x" not in message  # no addresses of objects


def test_a_plugin_that_starts_programs_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *a, **k: pytest.fail("Ghostscript was started"))
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    for library in ("pil", "opencv"):
        with pytest.raises(ImageSetError):
            decoded(library, page)


# --- arithmetic and crops ------------------------------------------------------------------------


def test_to_float_divides_in_float32() -> None:
    step = records.ToFloat(op="to_float", divide=255)
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    found = preprocess.to_float(step, pixels)
    assert found.dtype == np.float32
    assert np.array_equal(found, pixels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    ("rounding", "side", "kept", "start"),
    [
        ("tensorflow", 375, 329, 23),  # sizes as tf.image.central_crop of TensorFlow 2.21 gives them
        ("tensorflow", 374, 328, 23),
        ("tensorflow", 500, 438, 31),
        ("tensorflow", 333, 293, 20),
        ("tensorflow", 8, 8, 0),
        ("truncate", 375, 328, 23),
        ("truncate", 500, 437, 31),
        ("truncate", 333, 291, 21),
        ("round_square", 375, 328, 24),  # 328.125, (375 - 328) / 2 = 23.5
        ("round_square", 500, 438, 31),  # 437.5
        ("round_square", 333, 291, 21),
    ],
)
def test_central_fraction(rounding: str, side: int, kept: int, start: int) -> None:
    step = records.CentralFraction.from_json({"op": "central_fraction", "fraction": 0.875, "rounding": rounding})
    image = np.arange(side, dtype=np.float32)[:, None, None] + np.zeros((1, side, 3), np.float32)
    found = preprocess.central_fraction(step, image)
    assert found.shape == (kept, kept, 3)
    assert found[0, 0, 0] == start
    across = preprocess.central_fraction(step, image.transpose(1, 0, 2))
    assert across[0, 0, 0] == start


def test_central_square_of_a_rectangle() -> None:
    """The kept square is measured on the short side and centred on both."""
    step = records.CentralFraction(op="central_fraction", fraction=0.875, rounding="round_square")
    y, x = np.mgrid[0:375, 0:500]
    found = preprocess.central_fraction(step, np.stack([y, x, x], axis=-1).astype(np.float32))
    assert found.shape == (328, 328, 3)
    assert found[0, 0].tolist() == [24, 86, 86]


def test_a_fraction_that_leaves_nothing_is_refused() -> None:
    step = records.CentralFraction(op="central_fraction", fraction=0.1, rounding="truncate")
    with pytest.raises(ImageSetError, match="nothing is left of the image after the crop: got 5 x 4 pixels"):
        preprocess.central_fraction(step, noise(4, 5))


@pytest.mark.parametrize(
    ("offset", "side", "start"),
    [
        ("floor", 256, 16),
        ("floor", 257, 16),
        ("floor", 259, 17),
        ("round_half_even", 256, 16),
        ("round_half_even", 257, 16),  # 16.5 to the even 16
        ("round_half_even", 259, 18),  # 17.5 to the even 18
        ("half_minus_half", 257, 16),
        ("half_minus_half", 259, 17),
    ],
)
def test_crop_offsets(offset: str, side: int, start: int) -> None:
    step = records.CentreCrop.from_json({"op": "centre_crop", "size": 224, "offset": offset})
    image = noise(side, 230)
    assert np.array_equal(preprocess.centre_crop(step, image)[:, :4], image[start : start + 224, 3:7])


def test_offsets_of_an_odd_crop_differ() -> None:
    """An even side and an odd crop: 256 // 2 - 109 // 2 is 74, (256 - 109) // 2 is 73."""
    image = noise(256, 109)
    starts = {"floor": 73, "round_half_even": 74, "half_minus_half": 74}
    for offset, start in starts.items():
        step = records.CentreCrop.from_json({"op": "centre_crop", "size": 109, "offset": offset})
        assert np.array_equal(preprocess.centre_crop(step, image), image[start : start + 109])


def test_an_image_smaller_than_the_crop_is_refused() -> None:
    steps = geometry(PIL, {"op": "centre_crop", "size": 224, "offset": "floor"})
    with pytest.raises(ImageSetError) as raised:
        preprocess.apply(steps, file("small.jpg"))
    assert "smaller than the crop: expected at least 224 x 224 pixels, got 150 x 119" in str(raised.value)


# --- resize --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "short", "long", "size", "expected"),
    [
        ("truncate", 375, 500, 256, 341),  # 341.33
        ("truncate", 332, 500, 256, 385),  # 385.54
        ("round_half_even", 332, 500, 256, 386),
        ("round_half_even", 375, 500, 256, 341),
        ("round_half_even", 512, 513, 256, 256),  # 256.5 to the even 256
        ("round_half_even", 512, 515, 256, 258),  # 257.5 to the even 258
        ("round_half_up", 375, 500, 256, 341),
        ("round_half_up", 332, 500, 256, 386),
        ("round_half_up", 512, 513, 256, 257),  # 256.5
        ("round_half_up", 512, 515, 256, 258),  # 257.5
        ("round_half_up", 448, 461, 224, 230),  # 230.5, but 230.49998 in float32
        ("truncate", 512, 515, 256, 257),
        ("truncate", 256, 256, 256, 256),
        ("truncate", 100, 3000, 256, 7680),
    ],
)
def test_long_side(rule: str, short: int, long: int, size: int, expected: int) -> None:
    step = records.ResizeShort.from_json({"op": "resize_short", "size": size, "long_side": rule, **BILINEAR})
    assert preprocess.long_side(step, short, long) == expected
    tall = preprocess.resize_short(step, Image.new("RGB", (short, long)))
    wide = preprocess.resize_short(step, Image.new("RGB", (long, short)))
    assert isinstance(tall, Image.Image)
    assert isinstance(wide, Image.Image)
    assert tall.size == (size, expected)
    assert wide.size == (expected, size)


@pytest.mark.parametrize("name", ["landscape.jpg", "portrait.jpg", "odd.jpg", "square.jpg"])
def test_torchvision_geometry_is_its_composition(name: str) -> None:
    """Resize(256) and CenterCrop(224) as torchvision does them on PIL images."""
    with Image.open(DATA / "images" / name) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new = (256, int(256 * long / short)) if width <= height else (int(256 * long / short), 256)
    image = image.resize(new, Image.Resampling.BILINEAR)
    top, left = round((image.height - 224) / 2.0), round((image.width - 224) / 2.0)
    expected = np.asarray(image.crop((left, top, left + 224, top + 224)))
    assert np.array_equal(preprocess.apply(GEOMETRIES["torch_256_224"], file(name)), expected)


def test_onnx_zoo_geometry_is_its_composition() -> None:
    image = Image.open(io.BytesIO(file("odd.jpg"))).convert("RGB")
    ratio = 256.0 / min(image.size)
    assert image.width > image.height
    image = image.resize((round(ratio * image.width), 256), Image.Resampling.BILINEAR)
    top, left = image.height // 2 - 112, image.width // 2 - 112
    expected = np.asarray(image)[top : top + 224, left : left + 224]
    assert np.array_equal(preprocess.apply(GEOMETRIES["onnx_zoo_256_224"], file("odd.jpg")), expected)


def test_pil_shrinks_with_a_wide_filter_and_opencv_does_not() -> None:
    """Stripes one pixel wide: a filter that widens gives their mean, one that does not gives stripes."""
    stripes = np.zeros((64, 66, 3), np.uint8)
    stripes[:, ::2] = 255
    shrunk = {
        library: preprocess.apply(
            geometry(
                {"op": "decode", "library": library, "exif": "ignore"},
                {"op": "resize_exact", "size": 22, **how},
            ),
            encoded(stripes),
        )
        for library, how in (("pil", BILINEAR), ("opencv", OPENCV))
    }
    assert shrunk["pil"].std() < 30
    assert shrunk["opencv"].std() > 100


def test_pil_on_floats_resizes_each_channel() -> None:
    step = {"op": "resize_exact", "size": 31, **BILINEAR}
    data = encoded(noise(50, 47))
    floats = preprocess.apply(geometry(PIL, {"op": "to_float", "divide": 255}, step), data)
    bytes_ = preprocess.apply(geometry(PIL, step), data)
    assert floats.dtype == np.float32
    assert np.abs(floats * 255 - bytes_).max() < 1.01  # uint8 rounds after each of the two passes


def test_opencv_area_is_the_mean_of_whole_fields() -> None:
    picture = noise(60, 90)
    step = {"op": "resize_exact", "size": 30, "library": "opencv", "interpolation": "area", "antialias": True}
    found = preprocess.apply(geometry(PIL, {"op": "to_float", "divide": 255}, step), encoded(picture))
    expected = (picture / 255).reshape(30, 2, 30, 3, 3).mean(axis=(1, 3))
    assert np.allclose(found, expected, atol=1e-6)


def resize_tensorflow1_slowly(image: NDArray[Any], width: int, height: int) -> NDArray[np.float32]:
    """Pixel by pixel, as the kernel's own loop."""
    f = np.float32
    out = np.zeros((height, width, 3), f)
    for y in range(height):
        at_y = f(y) * (f(image.shape[0]) / f(height))
        top, bottom = math.floor(at_y), min(math.floor(at_y) + 1, image.shape[0] - 1)
        for x in range(width):
            at_x = f(x) * (f(image.shape[1]) / f(width))
            left, right = math.floor(at_x), min(math.floor(at_x) + 1, image.shape[1] - 1)
            part_x, part_y = at_x - f(left), at_y - f(top)
            for c in range(3):
                a, b = f(image[top, left, c]), f(image[top, right, c])
                d, e = f(image[bottom, left, c]), f(image[bottom, right, c])
                above, below = a + (b - a) * part_x, d + (e - d) * part_x
                out[y, x, c] = above + (below - above) * part_y
    return out


@pytest.mark.parametrize(("height", "width"), [(9, 13), (16, 16), (31, 7), (1, 5), (40, 33)])
def test_tensorflow1_equals_the_loop(height: int, width: int) -> None:
    image = noise(height, width)
    for source in (image, image.astype(np.float32) / np.float32(255)):
        found = preprocess.resize_tensorflow1(source, 11, 14)
        expected = resize_tensorflow1_slowly(source, 11, 14)
        assert found.dtype == source.dtype
        assert np.array_equal(found, expected.astype(source.dtype))


def test_tensorflow1_equals_tensorflow() -> None:
    """Printed by tf.compat.v1.image.resize_bilinear of TensorFlow 2.21."""
    image = np.array([[0, 10, 40, 90], [200, 150, 30, 20], [7, 255, 128, 64]], np.float32)
    expected = [
        [
            0.0,
            5.714285850524902,
            14.28571605682373,
            31.42857551574707,
            54.28572082519531,
            82.85714721679688,
            90.0,
        ],
        [120.00000762939453, 105.14286804199219, 85.4285659790039, 51.142852783203125, 38.0, 46.0, 48.0],
    ]
    found = preprocess.resize_tensorflow1(np.repeat(image[..., None], 3, axis=2), 7, 5)
    assert np.allclose(found[:2, :, 1], expected, rtol=1e-6)


def test_tensorflow1_takes_a_view() -> None:
    """A central fraction hands over a view with strides."""
    image = noise(20, 24)
    found = preprocess.resize_tensorflow1(image[3:17, 5:20], 9, 9)
    assert np.array_equal(found, preprocess.resize_tensorflow1(image[3:17, 5:20].copy(), 9, 9))


def test_resizing_to_the_same_size_changes_nothing() -> None:
    picture = noise(40, 40)
    for how in (BILINEAR, OPENCV, TENSORFLOW):
        found = preprocess.apply(geometry(PIL, {"op": "resize_exact", "size": 40, **how}), encoded(picture))
        assert hashlib.sha256(found.tobytes()).digest() == hashlib.sha256(picture.tobytes()).digest()
