"""Numeric steps one change away: channel order, scale, mean and standard deviation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.diagnose.recipes import affine
from zoo.diagnose.recipes.causes import MEAN, ORDER, SCALE
from zoo.records import Channels, Divide, Layout, Normalise, Numeric, NumericStep, Recipe, Subtract

Three = tuple[float, float, float]
Changed = tuple[str, str, Numeric]  # the cause, what it would mean, and the steps

UNITS = (1.0, 127.5, 255.0, 256.0)  # what pixels are divided by before a mean is subtracted
# Mean and standard deviation by which publishers prepare pixels of 0 to 255: red, green, blue.
FAMILIES: dict[str, tuple[Three, Three]] = {
    "ImageNet's mean and standard deviation": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "-1 to 1": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "0 to 1": ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "pixels as they are, as floats": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "Caffe's mean and scale 0.017": ((123.68, 116.78, 103.94), (58.8235294117647,) * 3),
    "Caffe's mean alone": ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
    "ImageNet's mean alone, of pixels in 0 to 1": ((123.675, 116.28, 103.53), (255.0, 255.0, 255.0)),
    "ImageNet's standard deviation alone": ((0.0, 0.0, 0.0), (58.395, 57.12, 57.375)),
    "-0.5 to 0.5": ((127.5, 127.5, 127.5), (255.0, 255.0, 255.0)),
    "(x - 128) / 128": ((128.0, 128.0, 128.0), (128.0, 128.0, 128.0)),
    "CIFAR-10's mean and standard deviation": ((125.307, 122.9505, 113.865), (51.5865, 50.847, 51.255)),
    "CIFAR-10's mean, 0.2 as standard deviation": ((125.307, 122.9505, 113.865), (51.0, 51.0, 51.0)),
    "CLIP's mean and standard deviation": ((122.7709, 116.7460, 104.0937), (68.5005, 66.6322, 70.3232)),
}


def changed(recipe: Recipe, takes_floats: bool) -> Iterator[Changed]:
    """Numeric steps that differ from the recipe's in one thing. takes_floats: whether the network's input does."""
    body, layout = recipe.numeric.steps[:-1], recipe.numeric.steps[-1]
    assert isinstance(layout, Layout)
    kinds = [(ORDER, _orders(body))]
    if takes_floats:
        kinds += [(SCALE, _scales(recipe, body)), (MEAN, _means(recipe, body))]
    for cause, kind in kinds:
        for title, steps in kind:
            yield cause, title, made(steps, layout)


def made(steps: Sequence[NumericStep], layout: Layout) -> Numeric:
    """With an id that says what the steps do."""
    return Numeric(id=_name([*steps, layout]), steps=(*steps, layout))


def _means(recipe: Recipe, body: Sequence[NumericStep]) -> Iterator[tuple[str, Sequence[NumericStep]]]:
    if any(_coloured(step) for step in body):
        yield "mean and standard deviation in the other order of channels", [_turned(step) for step in body]
    yield from _families(recipe)


def _orders(body: Sequence[NumericStep]) -> Iterator[tuple[str, Sequence[NumericStep]]]:
    """The other order; constants stay at their place, or with their colour."""
    swapped = any(isinstance(step, Channels) for step in body)
    what = "RGB in place of BGR" if swapped else "BGR in place of RGB"
    steps: list[NumericStep] = [] if swapped else [Channels(op="channels", order="bgr")]
    steps += [step for step in body if not isinstance(step, Channels)]
    if any(_coloured(step) for step in body):
        yield f"channel order: {what}, mean and standard deviation as they are", steps
        yield f"channel order: {what}, mean and standard deviation with it", [_turned(step) for step in steps]
    else:
        yield f"channel order: {what}", steps


def _scales(recipe: Recipe, body: Sequence[NumericStep]) -> Iterator[tuple[str, Sequence[NumericStep]]]:
    """Pixels in another unit when the mean is subtracted; the mean and the standard deviation stay."""
    constants = next((i for i, step in enumerate(body) if isinstance(step, Subtract | Normalise)), len(body))
    before, behind = body[:constants], body[constants:]
    rest = [step for step in before if not isinstance(step, Divide)]
    unit = recipe.geometry.divided_by
    for step in before:
        unit *= step.by if isinstance(step, Divide) else 1
    where = "before the mean is subtracted" if behind else "and nothing more"
    for wanted in UNITS:
        if abs(wanted / unit - 1) > 1e-6:
            divide = Divide(op="divide", by=wanted / recipe.geometry.divided_by)
            yield f"scale: pixels divided by {wanted:g}, not by {unit:g}, {where}", [*rest, divide, *behind]


def _families(recipe: Recipe) -> Iterator[tuple[str, Sequence[NumericStep]]]:
    swapped = affine.of(recipe).order == "bgr"
    for name, (mean, std) in FAMILIES.items():
        step = _normalise(mean, std, recipe.geometry.divided_by)
        placed = _turned(step) if swapped else step
        start: list[NumericStep] = [Channels(op="channels", order="bgr")] if swapped else []
        yield f"mean and standard deviation: {name}", [*start, placed]
        if _coloured(step):
            yield f"mean and standard deviation: {name}, in the other order", [*start, _turned(placed)]


def _normalise(mean: Three, std: Three, divided_by: float) -> Normalise:
    """For pixels that the geometry has divided already."""
    return Normalise(op="normalise", mean=_over(mean, divided_by), std=_over(std, divided_by))


def _over(values: Three, by: float) -> Three:
    red, green, blue = (float(f"{value / by:.9g}") for value in values)
    return red, green, blue


def _coloured(step: NumericStep) -> bool:
    """Whether its constants differ from channel to channel."""
    return isinstance(step, Normalise) and (len({*step.mean}) > 1 or len({*step.std}) > 1)


def _turned(step: NumericStep) -> NumericStep:
    if not isinstance(step, Normalise):
        return step
    return Normalise(op="normalise", mean=step.mean[::-1], std=step.std[::-1])


def _name(steps: Sequence[NumericStep]) -> str:
    words = []
    for step in steps:
        match step:
            case Channels():
                words.append("bgr")
            case Divide():
                words.append(f"by{step.by:g}")
            case Subtract():
                words.append(f"less{step.value:g}")
            case Normalise():
                words.append("norm" + "-".join(f"{value:.4g}" for value in (*step.mean, *step.std)))
            case Layout():
                words.append(step.order)
    return "_".join(words)
