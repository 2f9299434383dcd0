"""Recipes: how an image becomes the network's input. Geometry steps first, then numeric steps."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from zoo.records.base import Identifier, Record, Side

# --- recipes: geometry -------------------------------------------------------------------------


class Decode(Record):
    """File bytes to uint8 (H, W, 3) RGB.

    exif: what the decoder does with an EXIF orientation tag. PIL ignores it, OpenCV's `imread` applies it.
    """

    op: Literal["decode"]
    library: Literal["pil", "opencv"]
    exif: Literal["ignore", "apply"]


class ToFloat(Record):
    """uint8 to float32, divided by `divide`; later geometry steps then work on floats."""

    op: Literal["to_float"]
    divide: float = Field(gt=0)


class CentralFraction(Record):
    """Keep the central `fraction` of each side.

    rounding: "tensorflow" (start = int((side - side * fraction) / 2), as tf.image.central_crop),
    "truncate" (kept = int(side * fraction), start = (side - kept) // 2) or
    "round_square" (a square: kept = fraction of the shorter side, start = (side - kept) / 2, both rounded half up;
    TFLite's evaluation program).
    """

    op: Literal["central_fraction"]
    fraction: float = Field(gt=0, le=1)
    rounding: Literal["tensorflow", "truncate", "round_square"]


class Resample(Record):
    """How pixels are interpolated.

    library "tensorflow1": bilinear without half-pixel centres (tf.compat.v1.image.resize_bilinear, align_corners
    False). antialias is a property of the library: PIL always widens its filter when it shrinks, OpenCV only for
    "area", TensorFlow 1 never.
    """

    library: Literal["pil", "opencv", "tensorflow1"]
    interpolation: Literal["bilinear", "bicubic", "area", "nearest"]
    antialias: bool

    @model_validator(mode="after")
    def _possible(self) -> Self:
        possible = {
            "pil": {("bilinear", True), ("bicubic", True), ("nearest", False)},
            "opencv": {("bilinear", False), ("bicubic", False), ("area", True), ("nearest", False)},
            "tensorflow1": {("bilinear", False)},
        }[self.library]
        if (self.interpolation, self.antialias) not in possible:
            choices = ", ".join(f"{name} with antialias={str(on).lower()}" for name, on in sorted(possible))
            raise ValueError(f"{self.library} resizes with: {choices}")
        return self


class ResizeShort(Resample):
    """Scale so that the short side is `size` pixels, aspect ratio kept.

    long_side: "truncate" is int(long * size / short) (torchvision), "round_half_even" is Python's round() (ONNX model
    zoo), "round_half_up" is C's lround() of a product in float32 (MindSpore until 2023).
    """

    op: Literal["resize_short"]
    size: Side
    long_side: Literal["truncate", "round_half_even", "round_half_up"]


class ResizeExact(Resample):
    """Scale to `size` x `size` pixels; the aspect ratio is not kept."""

    op: Literal["resize_exact"]
    size: Side


class CentreCrop(Record):
    """Cut the central `size` x `size` pixels.

    offset: "floor" is (side - size) // 2; "round_half_even" is int(round((side - size) / 2)) (torchvision);
    "half_minus_half" is side // 2 - size // 2 (ONNX model zoo).
    """

    op: Literal["centre_crop"]
    size: Side
    offset: Literal["floor", "round_half_even", "half_minus_half"]


GeometryStep = Annotated[
    Decode | ToFloat | CentralFraction | ResizeShort | ResizeExact | CentreCrop, Field(discriminator="op")
]


class Geometry(Record):
    """Decode, resize, crop: one image file to a (side, side, 3) RGB array, uint8, or float32 after `to_float`."""

    id: Identifier
    steps: tuple[GeometryStep, ...]
    sources: tuple[str, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if not self.steps or not isinstance(self.steps[0], Decode):
            raise ValueError("the first step must be decode")
        if any(isinstance(step, Decode) for step in self.steps[1:]):
            raise ValueError("decode can only be the first step")
        if not isinstance(self.steps[-1], ResizeExact | CentreCrop):
            raise ValueError("the last step must be resize_exact or centre_crop, which fix the size")
        return self

    @property
    def side(self) -> int:
        """Height and width of the result, pixels."""
        last = self.steps[-1]
        assert isinstance(last, ResizeExact | CentreCrop)
        return last.size

    @property
    def dtype(self) -> Literal["uint8", "float32"]:
        """Element type of the result."""
        return "float32" if any(isinstance(step, ToFloat) for step in self.steps) else "uint8"

    @property
    def divided_by(self) -> float:
        """What 0..255 has been divided by in the result."""
        return math.prod(step.divide for step in self.steps if isinstance(step, ToFloat))


# --- recipes: numeric --------------------------------------------------------------------------


class Divide(Record):
    """x / by."""

    op: Literal["divide"]
    by: float = Field(gt=0)


class Subtract(Record):
    """x - value."""

    op: Literal["subtract"]
    value: float


Positive = Annotated[float, Field(gt=0)]


class Normalise(Record):
    """(x - mean) / std, per channel in the order of the channels at this point."""

    op: Literal["normalise"]
    mean: tuple[float, float, float]
    std: tuple[Positive, Positive, Positive]


class Channels(Record):
    """Reorder the channels; the store is RGB."""

    op: Literal["channels"]
    order: Literal["bgr"]


class Layout(Record):
    """Arrange the axes; the last step."""

    op: Literal["layout"]
    order: Literal["nchw", "nhwc"]


NumericStep = Annotated[Divide | Subtract | Normalise | Channels | Layout, Field(discriminator="op")]


class Numeric(Record):
    """Pixels to the network's input: arithmetic in float32, in the order given; uint8 where there is none."""

    id: Identifier
    steps: tuple[NumericStep, ...]
    sources: tuple[str, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if not self.steps or not isinstance(self.steps[-1], Layout):
            raise ValueError("the last step must be layout")
        if any(isinstance(step, Layout) for step in self.steps[:-1]):
            raise ValueError("layout can only be the last step")
        return self

    @property
    def keeps_bytes(self) -> bool:
        """Whether no step computes, so that uint8 pixels reach the network as they are."""
        return all(isinstance(step, Channels | Layout) for step in self.steps)


class Recipe(Record):
    """A geometry and a numeric part under one id, as a publisher uses them together."""

    id: Identifier
    geometry: Geometry
    numeric: Numeric
    sources: tuple[str, ...] = ()
    note: str = ""

    def content(self) -> dict[str, Any]:
        """What a run's key holds of it: the steps alone, so that renaming or annotating changes no result."""
        return {
            "geometry": [step.to_json() for step in self.geometry.steps],
            "numeric": [step.to_json() for step in self.numeric.steps],
        }
