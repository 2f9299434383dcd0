"""The arguments of `zoo validate` and `zoo bench` with their defaults, which the command line takes from here."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from zoo import machine
from zoo.records import Arithmetic, Fraction, Record

Count = Annotated[int, Field(ge=1)]


class JobRequest(Record):
    """The arguments that both commands have. Fields are named like the options."""

    command: ClassVar[str]

    zoo: str = "embedded"
    checkpoints: str | None = None
    frameworks: tuple[str, ...] | None = None
    images: str | None = None
    labels: str | None = None
    recipe: str | None = None
    arithmetic: Arithmetic = "exact"

    def arguments(self, **shown: str) -> tuple[str, ...]:
        """The command line that makes this request; options at their default are left out.

        shown: what stands for a value that the command line writes otherwise.
        """
        words, default = ["zoo", self.command], type(self)()
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value == getattr(default, name):
                continue
            words.append(f"--{name.replace('_', '-')}")
            if value is not True:
                text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
                words.append(shown.get(name, text))
        return tuple(words)


class Request(JobRequest):
    """The arguments of `zoo validate`; see there. It is kept in the run folder for --resume."""

    command = "validate"

    sample: Count | Literal["auto"] | None = None  # of so many images; "auto": of as many as it takes
    reference: str = "auto"  # of sample "auto": a run folder, a file of answers, a checkpoint; "none"
    seed: int = 0
    more_labels: str | None = None
    numeric: str | None = None
    threads: Count = Field(default_factory=machine.cores)
    batch_size: Count = 8
    jobs: Count = Field(default_factory=machine.cores)
    tolerance: Fraction | None = None  # as measured, geometry by geometry
    margin: Fraction = 0.001
    margin_quantised: Fraction = 0.01
    thumbnails: bool = False
    diagnose: bool = False

    def asks_for_images(self) -> bool:
        """Whether an option is given that is about images; sample answers need none."""
        names = ("images", "labels", "more_labels", "sample", "thumbnails", "recipe", "numeric")
        return any(getattr(self, name) for name in names)

    def arguments(self, **shown: str) -> tuple[str, ...]:
        """The command line; it has fractions in points and percent."""
        values = {name: getattr(self, name) for name in ("tolerance", "margin", "margin_quantised")}
        fractions = {name: f"{value * 100:g}" for name, value in values.items() if value is not None}
        return super().arguments(**(fractions | shown))


class BenchRequest(JobRequest):
    """The arguments of `zoo bench`; see there. It is kept in the run folder."""

    command = "bench"

    batch: tuple[int, ...] = (1,)
    threads: tuple[int, ...] = Field(default_factory=lambda: (machine.cores(),))
    budget: float = 20.0  # seconds
    untrained: bool = False
    baseline: str | None = None
