"""Images of the embedded zoo: one coloured, textured shape on a cluttered ground, drawn from a seed.

A class is shape x hue x stripe period. The three are chosen so that a wrong recipe costs accuracy:

- the hues come in pairs that a swap of red and blue turns into each other (hue h becomes 240 - h);
- neighbouring periods differ by a factor of 1.25 and are counted in the short side of the image, so
  that resizing to another size, or squashing, moves an image towards the neighbouring class;
- shapes of other classes lie outside the central square that the documented crop keeps.

Hue and period of each image scatter around those of its class, far enough to overlap with the
neighbours: no network can be right about all of them. Colours are not equalised, so that the absolute
level of a channel carries information and a wrong mean or scale is felt.

Lengths are in units: 1/110 of the short side, that is one pixel after the documented resize.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]

SHAPES = ("disc", "star")
HUES = {"orange": 30.0, "azure": 210.0, "lime": 80.0, "mint": 160.0}  # degrees; swapped pairs side by side
PERIODS = {"fine": 6.4, "medium": 8.0, "coarse": 10.0}  # units
TRAINING, VALIDATION = 1, 2  # first word of every image's seed: the two sets share no image

UNITS = 110.0
KEPT = 48.0  # half the side of the central square that the documented crop keeps, units
SHORT_SIDE = (118, 150)  # pixels, both ends included
ASPECT = (1.05, 1.4)  # long side / short side
PERIOD_SCATTER = 0.075  # standard deviation of log(period)
HUE_SCATTER = 13.0  # standard deviation, degrees
RADIUS = (27.0, 35.0)  # of the object, units
OFFSET = 6.0  # of the object's centre, units, each axis
DARK, LIGHT = 0.42, 0.92  # HSV values at the bottom and at the top of a stripe
SATURATION = (0.50, 0.75)
GROUND_WAVES, GROUND_CLUTTER, FRONT_CLUTTER, DISTRACTORS = 5, 16, 5, 3
NOISE = 0.02  # half the range of the grey noise on every pixel
JPEG_QUALITY = 72


@dataclass(frozen=True, kw_only=True)
class ShapeClass:
    """What the network has to tell apart: the outline, its hue in degrees, its stripes in units."""

    name: str
    shape: str
    hue: float
    period: float


CLASSES = tuple(
    ShapeClass(name=f"{texture} {colour} {shape}", shape=shape, hue=hue, period=period)
    for shape in SHAPES
    for colour, hue in HUES.items()
    for texture, period in PERIODS.items()
)


def class_of(index: int) -> int:
    """Class of the image with this number: the classes take turns, so any run of images is balanced."""
    return index % len(CLASSES)


def render(split: int, index: int) -> NDArray[np.uint8]:
    """Image number `index` of a split: uint8 (height, width, 3), RGB, before JPEG."""
    rng = np.random.default_rng(np.random.SeedSequence((split, index)))
    x, y = _coordinates(rng)
    canvas = _ground(rng, x, y)
    for _ in range(GROUND_CLUTTER):
        _paint_clutter(rng, canvas, x, y, reach=(x.max(), y.max()))
    for _ in range(DISTRACTORS):
        other = CLASSES[int(rng.integers(len(CLASSES)))]
        _paint_shape(rng, canvas, x, y, other, _outside(rng, x.max(), y.max()))
    centre = (rng.uniform(-OFFSET, OFFSET), rng.uniform(-OFFSET, OFFSET))
    _paint_shape(rng, canvas, x, y, CLASSES[class_of(index)], (*centre, rng.uniform(*RADIUS)))
    for _ in range(FRONT_CLUTTER):
        _paint_clutter(rng, canvas, x, y, reach=(KEPT, KEPT))
    canvas += rng.uniform(-NOISE, NOISE, x.shape)[..., None]
    return np.clip(np.rint(canvas * 255.0), 0, 255).astype(np.uint8)


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """JPEG file of uint8 (height, width, 3) RGB; the bytes depend on Pillow's libjpeg."""
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return target.getvalue()


def _coordinates(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """x and y of every pixel in units from the image's centre: float64 (height, width) each."""
    short = int(rng.integers(SHORT_SIDE[0], SHORT_SIDE[1] + 1))
    long = int(short * rng.uniform(*ASPECT))
    width, height = (long, short) if rng.random() < 0.5 else (short, long)
    across = (np.arange(width) + 0.5 - width / 2) * (UNITS / short)
    down = (np.arange(height) + 0.5 - height / 2) * (UNITS / short)
    x, y = np.meshgrid(across, down)
    return x, y


def _ground(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """Slow waves of muted colour: float64 (height, width, 3), RGB, about 0.1 to 0.9."""
    canvas = np.empty((*x.shape, 3))
    canvas[:] = rng.uniform(0.35, 0.65, 3)
    for _ in range(GROUND_WAVES):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        turns = (x * np.cos(angle) + y * np.sin(angle)) / rng.uniform(25, 90)
        canvas += np.sin(2 * np.pi * turns + phase)[..., None] * rng.uniform(-0.1, 0.1, 3)
    return canvas


def _outside(rng: np.random.Generator, x_end: float, y_end: float) -> tuple[float, float, float]:
    """x, y, radius of a shape that lies beyond the kept square and at least partly in the image."""
    radius = rng.uniform(14, 26)
    beyond = KEPT + radius + 1
    along = rng.uniform(-1, 1)
    # the long axis has more room beyond the square, but both axes get their share
    if rng.random() < 0.7 * (x_end > y_end) + 0.3 * (x_end <= y_end):
        return rng.choice((-1, 1)) * min(beyond, x_end + radius - 5), along * y_end, radius
    return along * x_end, rng.choice((-1, 1)) * min(beyond, y_end + radius - 5), radius


def _paint_shape(
    rng: np.random.Generator,
    canvas: Floats,
    x: Floats,
    y: Floats,
    kind: ShapeClass,
    place: tuple[float, float, float],
) -> None:
    """Draw one striped shape at (x, y, radius) into canvas: float64 (height, width, 3)."""
    across, down, radius = place
    angle, phase, turn = rng.uniform(0, 2 * np.pi, 3)
    period = kind.period * np.exp(rng.normal(0, PERIOD_SCATTER))
    hue = kind.hue + rng.normal(0, HUE_SCATTER)
    saturation = rng.uniform(*SATURATION)
    window = _window(x, y, across, down, 1.2 * radius)
    canvas, dx, dy = canvas[window], x[window] - across, y[window] - down
    wave = np.sin(2 * np.pi * (dx * np.cos(angle) + dy * np.sin(angle)) / period + phase)
    value = DARK + (LIGHT - DARK) * (0.5 + 0.5 * wave)
    cover = np.clip(0.5 - _distance(kind.shape, dx, dy, radius, turn), 0, 1)[..., None]
    canvas += cover * (value[..., None] * _tint(hue, saturation) - canvas)


def _distance(shape: str, dx: Floats, dy: Floats, radius: float, turn: float) -> Floats:
    """Signed distance to the outline, units, negative inside: float64 like dx. `turn` in radians."""
    far = np.hypot(dx, dy)
    if shape == "disc":
        return far - 0.9 * radius
    # five rounded points: the outline's radius swings between 0.65 and 1.15 of the nominal one
    return far - radius * (0.9 + 0.25 * np.cos(5 * (np.arctan2(dy, dx) - turn)))


def _paint_clutter(rng: np.random.Generator, canvas: Floats, x: Floats, y: Floats, reach: tuple[float, float]) -> None:
    """Draw one small plain ellipse of any colour into canvas, its centre within +-reach."""
    across, down = rng.uniform(-1, 1) * reach[0], rng.uniform(-1, 1) * reach[1]
    turn, longer, shorter = rng.uniform(0, np.pi), rng.uniform(5, 13), rng.uniform(2, 5)
    window = _window(x, y, across, down, 1.3 * longer)
    canvas, dx, dy = canvas[window], x[window] - across, y[window] - down
    along, aside = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    cover = np.clip((1 - np.hypot(along / longer, aside / shorter)) * shorter + 0.5, 0, 1)[..., None]
    colour = rng.uniform(0.25, 0.95) * _tint(rng.uniform(0, 360), rng.uniform(0.1, 0.8))
    canvas += cover * (colour - canvas)


def _window(x: Floats, y: Floats, across: float, down: float, reach: float) -> tuple[slice, slice]:
    """Rows and columns within `reach` units of a point: only they need drawing."""
    rows = np.searchsorted(y[:, 0], (down - reach, down + reach))
    columns = np.searchsorted(x[0], (across - reach, across + reach))
    return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))


def _tint(hue: float, saturation: float) -> Floats:
    """RGB of a hue in degrees at HSV value 1: float64 (3,), 0 to 1."""
    sector = (np.array([5.0, 3.0, 1.0]) + hue / 60.0) % 6.0
    return 1.0 - saturation * np.clip(np.minimum(sector, 4.0 - sector), 0.0, 1.0)
