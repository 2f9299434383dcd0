"""Geometries one change away: squash, crop, resize, decoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from zoo.diagnose.recipes import outline
from zoo.diagnose.recipes.causes import CROP, DECODER, RESIZE, SQUASH
from zoo.diagnose.recipes.outline import Outline, Resampling
from zoo.records import Decode, Geometry

Changed = tuple[str, str, Geometry]  # the cause, what it would mean, and the steps

RESAMPLINGS: tuple[Resampling, ...] = (
    ("pil", "bilinear", True), ("pil", "bicubic", True), ("pil", "nearest", False),
    ("opencv", "bilinear", False), ("opencv", "bicubic", False), ("opencv", "area", True), ("opencv", "nearest", False),
    ("tensorflow1", "bilinear", False),
)  # fmt: skip
LIBRARIES = {"pil": "Pillow", "opencv": "OpenCV", "tensorflow1": "TensorFlow 1"}
SHARES = (1.0, 0.95, 0.9, 0.875, 0.8)  # of the shorter side, that publishers keep
LONG_SIDES = ("truncate", "round_half_even", "round_half_up")
OFFSETS = ("floor", "round_half_even", "half_minus_half")


def changed(geometry: Geometry) -> Iterator[Changed]:
    """Geometries that differ in one thing; none for a composition that nobody uses."""
    own = outline.of(geometry)
    if own is None:
        return
    kinds = ((SQUASH, _squashes), (CROP, _crops), (RESIZE, _resamplings), (DECODER, _decoders))
    for cause, kind in kinds:
        for title, other in kind(own):
            try:
                yield cause, title, outline.geometry(other, _name(other))
            except ValidationError:  # such as a side of more pixels than there may be
                continue


def _squashes(own: Outline) -> Iterator[tuple[str, Outline]]:
    size = own.size or round(own.side / own.share)
    if own.shape in ("short", "central"):
        yield (
            f"squash: both sides scaled to {size}, not the aspect ratio kept",
            replace(own.sized(size), shape="squash"),
        )
    if own.shape == "squash":
        yield f"squash: the short side scaled to {size}, not both", replace(own, shape="short")
        if size == own.side:  # what a squash of the whole image should have been may well have had a crop
            for wider in _sizes(own.side):
                yield (
                    f"squash: the short side scaled to {wider}, not both to {size}",
                    replace(own.sized(wider), shape="short"),
                )


def _crops(own: Outline) -> Iterator[tuple[str, Outline]]:
    """Another share of the image, or the same with lengths that are rounded otherwise."""
    if own.shape in ("short", "squash"):
        for size in _sizes(own.side):
            if size != own.size:
                yield f"crop: {own.side} of {size} pixels, not of {own.size}", own.sized(size)
    if own.shape == "central":
        for share in SHARES:
            if share != own.share:
                yield f"crop: {share:g} of each side, not {own.share:g}", replace(own, share=share)
    if own.shape == "short":
        share = own.kept
        central = replace(own, shape="central", size=0, share=share)
        yield f"crop: the central {share:.3g} cut before the resize, not after it", central
        for rounding in LONG_SIDES:
            if rounding != own.long_side:
                yield f"crop: long side rounded by {rounding}, not {own.long_side}", replace(own, long_side=rounding)
    if own.shape == "central":
        yield (
            "crop: after the resize of the short side, not before it",
            replace(own.sized(round(own.side / own.share)), shape="short"),
        )
    if own.shape in ("short", "cut") or own.size > own.side:
        for offset in OFFSETS:
            if offset != own.offset:
                yield f"crop: offset rounded by {offset}, not {own.offset}", replace(own, offset=offset)


def _sizes(side: int) -> list[int]:
    """Lengths that publishers scale to before they crop `side`, pixels; each once."""
    found = [size for share in SHARES for size in (int(side / share), round(side / share))]
    found += [side * 256 // 224, round(side * 232 / 224), side + 32]
    return list(dict.fromkeys(found))


def _resamplings(own: Outline) -> Iterator[tuple[str, Outline]]:
    if own.resample is None:
        for size in _sizes(own.side):
            resized = replace(own.sized(size), shape="short", resample=RESAMPLINGS[0])
            yield f"resize: the short side scaled to {size}, not left as it is", resized
        return
    for wanted in RESAMPLINGS:
        if wanted != own.resample:
            yield f"resize: {_words(wanted)}, not {_words(own.resample)}", replace(own, resample=wanted)
    if own.divide is None:
        yield "resize: of floats, not of bytes", replace(own, divide=1.0)
    else:
        yield "resize: of bytes, not of floats", replace(own, divide=None)


def _decoders(own: Outline) -> Iterator[tuple[str, Outline]]:
    for library in ("pil", "opencv"):
        for exif in ("ignore", "apply"):
            wanted = Decode.model_validate({"op": "decode", "library": library, "exif": exif})
            if wanted != own.decode:
                old = f"{LIBRARIES[own.decode.library]} ({own.decode.exif} EXIF)"
                yield f"decoder: {LIBRARIES[library]} ({exif} EXIF), not {old}", replace(own, decode=wanted)


def _words(resample: Resampling) -> str:
    library, interpolation, antialias = resample
    return f"{LIBRARIES[library]} {interpolation} {'with' if antialias else 'without'} antialias"


def _name(own: Outline) -> str:
    lengths = own.share if own.shape == "central" else own.size
    parts = [own.shape, f"{lengths:g}" if lengths else "", str(own.side), *(own.resample or ())[:2]]
    parts += [own.decode.library, own.decode.exif, own.rounding if own.shape == "central" else own.offset]
    parts += [own.long_side if own.shape == "short" else "", "" if own.divide is None else f"float{own.divide:g}"]
    return "_".join(str(part) for part in parts if part)
