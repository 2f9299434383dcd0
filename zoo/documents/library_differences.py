"""What another image library changes in an accuracy: measured counts, and the tolerance that follows from them.

The counts are in zoo/data/base/library_differences.toml, which benchmarks/libraries.py writes.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Self

from pydantic import Field, ValidationError, model_validator

from zoo import disk
from zoo.errors import ManifestError
from zoo.records import Geometry, Identifier, Record, Resample
from zoo.stats import flips

FILE = disk.DATA / "base" / "library_differences.toml"
IMAGES = 50_000  # of ImageNet's validation set, where the population is not known
FEWEST = 10_000  # a smaller set has the tolerance of so many: a wider one would hide that an answer of few changed
STEP = 10_000  # tolerances are whole hundredths of a point, rounded up
HEAD = """\
# How many answers change if another library decodes or resizes the images. `benchmarks/libraries.py ASSETS --write`
# measures again and writes this file. A family of geometries has the same steps with other sizes; `geometry` is the
# one that was measured, on so many `images`. A difference is one library beside the suite's own pixels, with one
# network: `identical` images have the same pixels; of the others so many answers became right (gained) or wrong (lost).
# With `population`, the images are the whole of it; without, they are images like ImageNet's. zoo/stats/flips.py makes
# a tolerance of the counts."""


class Flips(Record):
    """Images whose answer became right, and images whose answer became wrong."""

    gained: int = Field(ge=0)
    lost: int = Field(ge=0)


class Difference(Record):
    """One library in place of the suite's, with one network. identical: images whose pixels are the suite's."""

    variant: str
    network: str
    identical: int = Field(ge=0)
    top1: Flips
    top5: Flips


class Family(Record):
    """Geometries that do the same steps, and what was measured with one of them, `geometry`, on so many `images`.

    population: the id of the one whose every image was measured; "": the images are like those of ImageNet.
    date: of the measurement, ISO 8601; suite: versions of the libraries that made the suite's own pixels and answers.
    """

    geometry: Identifier
    date: str
    processor: str
    suite: dict[str, str]
    population: str = ""
    geometries: tuple[Identifier, ...]
    images: int = Field(gt=0)
    difference: tuple[Difference, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.geometry not in self.geometries:
            raise ValueError(f"geometries: expected {self.geometry} among them, got {', '.join(self.geometries)}")
        for each in self.difference:
            for counted in (each.top1, each.top5):
                if each.identical + counted.gained + counted.lost > self.images:
                    raise ValueError(f"{each.variant}: more images were counted than the {self.images} there are")
        return self

    def tolerance(self, metric: str, images: int = IMAGES) -> float:
        """The largest of its differences in top1 or top5, a fraction, rounded up to a hundredth of a point.

        images: how many the accuracy is about; a family with a population of its own has them all.
        """
        largest = max(self.reach(each, metric, images) for each in self.difference)
        return math.ceil(round(largest * STEP, 6)) / STEP

    def reach(self, difference: Difference, metric: str, images: int = IMAGES) -> float:
        """What one library may change in an accuracy over so many images, a fraction; 0 for equal pixels."""
        if difference.identical == self.images:
            return 0.0
        counted: Flips = getattr(difference, metric)
        predicted = self.images if self.population else max(images, FEWEST)
        return flips.tolerance(counted.gained, counted.lost, self.images, predicted)


class LibraryDifferences(Record):
    """The data file."""

    family: tuple[Family, ...] = Field(min_length=1)

    def of(self, geometry: str, population: str, metric: str, images: int = IMAGES) -> Tolerance:
        """The tolerance of an accuracy over a population of so many images, which a geometry prepared.

        Of fewer images a larger share changes by chance, down to FEWEST. Where the geometry was never measured, it is
        the largest of those that were.
        """
        own = [each for each in self.family if geometry in each.geometries and each.population in ("", population)]
        if own:
            with_another = "" if own[0].geometry == geometry else f" with {own[0].geometry}"
            return Tolerance(own[0].tolerance(metric, images), f"measured{with_another}")
        why = f"{geometry} was not measured" if geometry else "the geometry is not known"
        return Tolerance(self.largest(metric, images), f"the largest measured one, as {why}")

    def largest(self, metric: str, images: int = IMAGES) -> float:
        """Of all families that are about images like ImageNet's, a fraction."""
        return max(each.tolerance(metric, images) for each in self.family if not each.population)


@dataclass(frozen=True)
class Tolerance:
    """value: a fraction, which is added on both sides of a documented accuracy; source: in words, "" if it was given.

    >>> Tolerance(0.001, "measured").text
    'a tolerance of 0.1 points for image libraries (measured)'
    """

    value: float
    source: str = ""

    @property
    def text(self) -> str:
        """In a sentence."""
        points = f"a tolerance of {self.value * 100:g} points"
        return f"{points} for image libraries ({self.source})" if self.source else points


def outline(geometry: Geometry) -> tuple[str, ...]:
    """The steps of a geometry without their sizes: two with the same outline are of one family."""
    return tuple(
        " ".join((step.op, getattr(step, "library", ""), step.interpolation if isinstance(step, Resample) else ""))
        for step in geometry.steps
    )


@cache
def load() -> LibraryDifferences:
    """The data file. Raises ManifestError."""
    try:
        return LibraryDifferences.from_json(tomllib.loads(FILE.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise ManifestError(f"{FILE}: expected what benchmarks/libraries.py writes, got: {error}") from error
