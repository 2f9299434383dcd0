"""Make the images of the golden test, and what every geometry of the zoos' recipes turns them into.

    python tests/data/make_golden.py            expected pixels alone, from the committed images
    python tests/data/make_golden.py --images   the images too (another Pillow may write other bytes)

golden/golden.json holds per geometry and image: sha256 of the pixels (uint8 only: floats may differ in the
last bit between processors), mean and standard deviation in grey levels; or the error.
golden/thumbnails.npy holds the pixels averaged over a grid, for decoders of other versions: uint8
(geometry, image, GRID, GRID, 3).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from zoo import records  # noqa: E402
from zoo.documents.load import load_zoo  # noqa: E402
from zoo.errors import ImageSetError  # noqa: E402
from zoo.images import preprocess  # noqa: E402

IMAGES = HERE / "images"
GOLDEN = HERE / "golden"
GRID = 6


# --- images --------------------------------------------------------------------------------------


def picture(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """(height, width, 3): waves from broad to fine in three colours and a few discs, nothing symmetric."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    phase = (2 + 15 * x * y) * x
    waves = [np.sin(2 * np.pi * (phase + (1 + colour) * y + colour / 3)) for colour in range(3)]
    pixels = 128 + 70 * np.stack(waves, axis=-1) + 40 * (x - y)[..., None]
    for _ in range(6):
        down, across, radius = rng.uniform((0, 0, 0.03), (y.max(), x.max(), 0.15))
        pixels[(y - down) ** 2 + (x - across) ** 2 < radius**2] = rng.uniform(0, 255, 3)
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def files() -> dict[str, bytes]:
    """Name to content; each under 8 KB."""

    def colour(width: int, height: int, seed: int) -> Image.Image:
        return Image.fromarray(picture(width, height, seed))

    turned, upside_down = Image.Exif(), Image.Exif()
    turned[0x0112], upside_down[0x0112] = 6, 3  # orientation: turn by 90 degrees, by 180 degrees
    return {
        "landscape.jpg": encoded(colour(320, 240, 1), "JPEG", quality=45),
        "portrait.jpg": encoded(colour(233, 341, 2), "JPEG", quality=40),
        "square.jpg": encoded(colour(256, 256, 3), "JPEG", quality=50),
        "odd.jpg": encoded(colour(301, 227, 4), "JPEG", quality=25, subsampling="4:4:4"),
        "small.jpg": encoded(colour(150, 119, 5), "JPEG", quality=80),
        "panorama.jpg": encoded(colour(480, 97, 6), "JPEG", quality=55),
        "progressive.jpg": encoded(colour(257, 255, 7), "JPEG", quality=30, progressive=True, subsampling="4:2:2"),
        "grey.jpg": encoded(colour(260, 301, 8).convert("L"), "JPEG", quality=50),
        "cmyk.jpg": encoded(colour(132, 129, 9).convert("CMYK"), "JPEG", quality=45),
        "exif_turned.jpg": encoded(colour(300, 225, 10), "JPEG", quality=45, exif=turned),
        "exif_upside_down.jpg": encoded(colour(225, 280, 11), "JPEG", quality=45, exif=upside_down),
        "png_inside.JPEG": encoded(colour(120, 98, 12).quantize(12).convert("RGB"), "PNG", optimize=True),
        "palette.png": encoded(colour(240, 232, 13).quantize(6), "PNG", optimize=True),
        "alpha.png": encoded(transparent(colour(90, 110, 14).quantize(8).convert("RGB")), "PNG", optimize=True),
    }


def transparent(image: Image.Image) -> Image.Image:
    """The right half at a quarter of the opacity: every decoder here drops it."""
    alpha = np.full((image.height, image.width), 255, np.uint8)
    alpha[:, image.width // 2 :] = 64
    image.putalpha(Image.fromarray(alpha))
    return image


# --- expected pixels -----------------------------------------------------------------------------


def geometries() -> dict[str, records.Geometry]:
    """Every geometry of the bundled zoos, by id."""
    both = load_zoo("embedded").geometries | load_zoo("published").geometries
    return {name: both[name] for name in sorted(both)}


def grey_levels(pixels: preprocess.Array, geometry: records.Geometry) -> NDArray[np.float64]:
    """Pixels in 0..255, whatever to_float divided them by."""
    factor = 1.0
    for step in geometry.steps:
        factor *= step.divide if isinstance(step, records.ToFloat) else 1.0
    return np.asarray(pixels, np.float64) * factor


def thumbnail(levels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Mean of each field of a GRID x GRID grid."""
    rows = [part.mean(axis=0) for part in np.array_split(levels, GRID, axis=0)]
    fields = [[part.mean(axis=0) for part in np.array_split(row, GRID, axis=0)] for row in rows]
    return np.round(np.asarray(fields)).clip(0, 255).astype(np.uint8)


def entry(geometry: records.Geometry, data: bytes) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """What golden.json and thumbnails.npy hold of one image under one geometry."""
    try:
        pixels = preprocess.apply(geometry, data)
    except ImageSetError as error:
        return {"error": str(error)}, np.zeros((GRID, GRID, 3), np.uint8)
    levels = grey_levels(pixels, geometry)
    found: dict[str, Any] = {"mean": round(float(levels.mean()), 4), "std": round(float(levels.std()), 4)}
    if pixels.dtype == np.uint8:
        found["sha256"] = hashlib.sha256(pixels.tobytes()).hexdigest()
    return found, thumbnail(levels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", action="store_true", help="write the images too")
    if parser.parse_args().images:
        IMAGES.mkdir(exist_ok=True)
        for name, data in files().items():
            (IMAGES / name).write_bytes(data)
    GOLDEN.mkdir(exist_ok=True)
    images = {path.name: path.read_bytes() for path in sorted(IMAGES.iterdir())}
    wanted = geometries()
    expected: dict[str, dict[str, Any]] = {}
    thumbnails = np.zeros((len(wanted), len(images), GRID, GRID, 3), np.uint8)
    for row, (name, geometry) in enumerate(wanted.items()):
        expected[name] = {"steps": [step.to_json() for step in geometry.steps], "images": {}}
        for column, (image, data) in enumerate(images.items()):
            expected[name]["images"][image], thumbnails[row, column] = entry(geometry, data)
    content = {"versions": preprocess.versions(), "geometries": expected}
    (GOLDEN / "golden.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    np.save(GOLDEN / "thumbnails.npy", thumbnails)


if __name__ == "__main__":
    main()
