"""Why a number differs: the causes that remain, what was excluded, and what cannot be told apart."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.records.base import Record

Cause = Annotated[str, Field(pattern=r"^[a-z]+\.[a-z0-9_]+$")]  # the look's word, a dot, what is wrong
Certainty = Literal["shown", "likely", "possible"]


class Candidate(Record):
    """One cause that fits what was seen.

    cause: its id, such as "recipe.channel_order"; title: what is wrong, one line.
    certainty: "shown" if nothing else known explains the evidence, "likely" if other causes are less probable,
    "possible" if it only fits.
    evidence: numbers, in sentences; images: how many were looked at for it, 0 where none was needed.
    explains: by how much right answers would change if it were mended, a fraction; None where that is not known.
    change: what to change, as lines of TOML or as a patch; command: shows the cause again.
    """

    cause: Cause
    title: str
    certainty: Certainty
    evidence: str
    images: int = Field(default=0, ge=0)
    explains: float | None = Field(default=None, ge=-1, le=1)
    change: str = ""
    command: str = ""


class Excluded(Record):
    """A cause that does not fit, or several of one kind. title: what was tried; by: the evidence against it."""

    cause: Cause
    title: str
    by: str


class Tie(Record):
    """Causes that cannot be told apart with these images. more: how many more images would; None if not known."""

    causes: tuple[Cause, ...] = Field(min_length=2)
    titles: tuple[str, ...]
    images: int = Field(ge=0)
    more: int | None = Field(default=None, ge=0)


class Findings(Record):
    """What one look found. not_looked: what it could not look at, each with the reason."""

    candidates: tuple[Candidate, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    ties: tuple[Tie, ...] = ()
    not_looked: tuple[str, ...] = ()

    def __add__(self, other: Findings) -> Findings:
        """Both one after the other."""
        return Findings(
            candidates=self.candidates + other.candidates,
            excluded=self.excluded + other.excluded,
            ties=self.ties + other.ties,
            not_looked=self.not_looked + other.not_looked,
        )


class Diagnosis(Record):
    """Why the numbers of one run differ, or that nothing known explains it.

    subject, run: of the run, as verdicts have them; symptoms: what asked for it, in sentences.
    candidates: the causes that remain, best first. images: how many were looked at in all.
    """

    subject: str
    run: str = ""
    symptoms: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    ties: tuple[Tie, ...] = ()
    not_looked: tuple[str, ...] = ()
    images: int = Field(default=0, ge=0)
