"""The arguments of a command, and the command line that repeats it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.images import pixels
from zoo.records import (
    Arithmetic,
    Fraction,
    Record,
)


def command_line(command: str, request: Record, **shown: str) -> tuple[str, ...]:
    """`zoo COMMAND --option value ...` of a record whose fields are named like the options.

    Options at their default are left out. shown: what stands for a value that the command line writes otherwise.
    """
    words, default = ["zoo", command], type(request)()
    for name in type(request).model_fields:
        value = getattr(request, name)
        if value == getattr(default, name):
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words.append(shown.get(name, text))
    return tuple(words)


Count = Annotated[int, Field(ge=1)]


class Request(Record):
    """The arguments of `zoo validate`; see there. It is kept in the run folder for --resume."""

    zoo: str = "embedded"
    checkpoints: str | None = None
    frameworks: tuple[str, ...] | None = None
    images: str | None = None
    labels: str | None = None
    sample: Count | Literal["auto"] | None = None  # of so many images; "auto": of as many as it takes
    seed: int = 0
    recipe: str | None = None
    numeric: str | None = None
    threads: Count = Field(default_factory=pixels.default_jobs)
    batch_size: Count = 8
    arithmetic: Arithmetic = "exact"
    jobs: Count = Field(default_factory=pixels.default_jobs)
    tolerance: Fraction = 0.001
    thumbnails: bool = False

    def arguments(self) -> tuple[str, ...]:
        """The command line that makes this request; options at their default are left out."""
        return command_line("validate", self, tolerance=f"{self.tolerance * 100:g}")


BUDGET = 20.0  # seconds


class BenchRequest(Record):
    """The arguments of `zoo bench`; see there. It is kept in the run folder."""

    zoo: str = "embedded"
    checkpoints: str | None = None
    frameworks: tuple[str, ...] | None = None
    batch: tuple[int, ...] = (1,)
    threads: tuple[int, ...] = Field(default_factory=lambda: (pixels.default_jobs(),))
    images: str | None = None
    labels: str | None = None
    recipe: str | None = None
    arithmetic: Arithmetic = "exact"
    budget: float = BUDGET
    untrained: bool = False
    baseline: str | None = None

    def arguments(self) -> tuple[str, ...]:
        """The command line that makes this request; options at their default are left out."""
        return command_line("bench", self)
