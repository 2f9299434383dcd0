"""Options that several commands have, and how the words after an option are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

import click

from zoo import disk
from zoo.frameworks.table import framework
from zoo.jobs.request import Request
from zoo.records import Arithmetic

Command = Callable[..., Any]
Option = Callable[[Command], Command]

DEFAULTS = Request()


class Number(click.FloatRange):
    """A number in a range; "nan" and "inf" are none."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """As click does."""
        number: float = super().convert(value, parameter, context)
        if not math.isfinite(number):
            self.fail(f"expected a number, got {value!r}", parameter, context)
        return number


class _Path(click.Path):
    """A path that can be looked at, there or not."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Path:
        """Raises UsageError."""
        super().convert(value, parameter, context)
        return disk.given(value, parameter.get_error_hint(context).strip("'") if parameter else self.name)


PATH, FILE = _Path(), _Path(dir_okay=False)


def framework_names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """A,B as a tuple of known framework names."""
    return None if value is None else tuple(framework(name.strip()).name for name in value.split(","))


def counts(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """1,8 as a tuple of different whole numbers, 1 or more."""
    words = [word.strip() for word in value.split(",")]
    if not all(map(_is_count, words)):
        raise click.BadParameter(f"expected whole numbers, 1 or more, separated by commas, got {value[:40]!r}")
    return tuple(dict.fromkeys(int(word) for word in words))


def words(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """A,B as a tuple."""
    return None if value is None else tuple(word.strip() for word in value.split(","))


def sample_size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    """A number of images, or "auto" as it is."""
    if value is None or value == "auto":
        return value
    if not _is_count(value):
        raise click.BadParameter(f"expected a number of images, 1 or more, or 'auto', got {value[:20]!r}")
    return int(value)


def as_fraction(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """Points or percent as a fraction."""
    return None if value is None else value / 100


def with_commas(numbers: Iterable[int]) -> str:
    """(1, 8) as it is written on the command line."""
    return ",".join(map(str, numbers))


def _is_count(word: str) -> bool:
    """Whether it is a whole number, 1 or more, that a machine can count to."""
    return word.isascii() and word.isdecimal() and len(word) < 20 and int(word) >= 1


def together(*options: Option) -> Option:
    """Several options as one decorator, in this order in the help."""

    def declared(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return declared


def chosen(verb: str) -> Option:
    """Which checkpoints in which frameworks; verb: what is done with them, such as "run"."""
    return together(
        click.option("--zoo", default=DEFAULTS.zoo, help="embedded, published, or a folder with a zoo's data files."),
        click.option(
            "--checkpoints", metavar="GLOB", help=f"Ids to {verb}, such as 'onnx-zoo/*'; several with commas."
        ),
        click.option(
            "--frameworks",
            metavar="A,B",
            callback=framework_names,
            help=f"{verb.capitalize()} in these; default: the publisher's own.",
        ),
    )


def known_zoo(default: str, words: str = "embedded, published, or a folder.") -> Option:
    """The zoo of a command that makes no run."""
    return click.option("--zoo", default=default, show_default=True, help=words)


IMAGES = together(
    click.option("--images", metavar="PATH", help="Folder or ILSVRC2012_img_val.tar; default: the zoo's own."),
    click.option("--labels", metavar="FILE", help="Labels, where they do not lie beside the images."),
)
RECIPE = click.option("--recipe", metavar="ID", help="Decode, resize and crop as this recipe does.")
ARITHMETIC = click.option(
    "--arithmetic",
    type=click.Choice(get_args(Arithmetic)),
    default=DEFAULTS.arithmetic,
    show_default=True,
    help="exact: float32 and integer sums alike on every processor; as-shipped: each framework's defaults.",
)
TOLERANCE = click.option(
    "--tolerance",
    metavar="POINTS",
    type=Number(0, 100),
    callback=as_fraction,
    help="Added to both sides of a documented accuracy; default: as measured for the geometry.",
)


def margins(default: Request | None) -> Option:
    """By how much two runs may differ. default: None for the margins of the run folder."""

    def margin(name: str, unit: str, fraction: float | None, words: str) -> Option:
        return click.option(
            name, metavar=unit, type=Number(0, 100), callback=as_fraction, help=words,
            default=None if fraction is None else 100 * fraction, show_default=default is not None,
        )  # fmt: skip

    of_run = "." if default else "; default: the run's."
    return together(
        margin(
            "--margin", "POINTS", default.margin if default else None,
            f"Two runs that should be right equally often may differ by it{of_run}",
        ),
        margin(
            "--margin-quantised", "PERCENT", default.margin_quantised if default else None,
            f"The same, of the first one's accuracy, where one computes in integers{of_run}",
        ),
    )  # fmt: skip


THUMBNAILS = click.option(
    "--thumbnails", is_flag=True, help="Pictures of discordant images on the page; then keep it to yourself."
)
OUT = click.option("--out", type=PATH, help="Run folder; default: runs/<utc time>-<id>.")
QUIET = click.option("--quiet", is_flag=True, help="No progress.")
