"""Published sample answers: what a network answered to one input, as printed; and what it answers here."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.errors import Cause
from zoo.records.base import Identifier, Record
from zoo.records.documents import File
from zoo.records.runs import Arithmetic, IntegerSums, RunStatus

Output = Annotated[int, Field(ge=0, le=10_000_000)]
Decimals = Annotated[str, Field(pattern=r"^-?[0-9]{1,10}(\.[0-9]{1,17})?$")]
TENSORS = (".npy", ".pb")  # names of inputs that are tensors end so; all others are pictures


class PrintedScore(Record):
    """One score as it is printed. output: its index among the network's outputs, from 0."""

    output: Output
    value: Decimals

    def number(self, unit: str) -> float:
        """The value in data units: of percent, a fraction."""
        return float(Decimal(self.value) / (100 if unit == "percent" else 1))

    def half_unit(self, unit: str) -> float:
        """Half a unit of the last printed digit, in data units: 24.90 percent leaves 0.00005 open."""
        digits = len(self.value.partition(".")[2]) + (2 if unit == "percent" else 0)
        return float(Decimal(1).scaleb(-digits) / 2)


class SampleAnswer(Record):
    """What a publisher says that a checkpoint answers to one picture or tensor.

    input: a picture, which `recipe` turns into the network's input; or a tensor (.npy, or .pb as in the ONNX model
    zoo), which is that input already, so that no recipe is named.
    What is printed, one or more of: scores; best, the outputs said to have the highest scores, the highest first;
    output, the file of a tensor of all scores.
    of: what the scores are: "logits", "probabilities" (softmax), or "outputs", whatever the network gives.
    unit: "percent" where 24.90 stands for 0.2490.
    tolerance, relative_tolerance: as stated, by how much scores may differ, of a score x by tolerance +
    relative_tolerance * |x|. Where neither is stated, by half a unit of the last printed digit.
    integer_sums: how the processor on which the scores were made added products of bytes, where that is known; needed
    for networks that compute in integers. processor: what is said of it, in words.
    options: those of the checkpoint that were others for this answer.
    unavailable: why nobody can look at it, such as a picture that nobody names.
    """

    id: Identifier
    checkpoint: str
    source: str
    place: str = ""
    input: File | None = None
    recipe: str = ""
    scores: tuple[PrintedScore, ...] = ()
    best: tuple[Output, ...] = ()
    output: File | None = None
    of: Literal["logits", "probabilities", "outputs"] = "outputs"
    unit: Literal["", "percent"] = ""
    tolerance: float | None = Field(default=None, gt=0)
    relative_tolerance: float | None = Field(default=None, gt=0, lt=1)
    integer_sums: Literal["", "exact", "saturating"] = ""
    processor: str = ""
    options: dict[str, str | bool | int | float] = Field(default_factory=dict)
    note: str = ""
    unavailable: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.input is None and not self.unavailable:
            raise ValueError("input is needed (or `unavailable` with the reason)")
        if not (self.scores or self.best or self.output):
            raise ValueError("one of scores, best, output is needed")
        if self.scores and self.output:
            raise ValueError("scores and output: expected one of them, got both")
        if self.output and not self.has_stated_tolerance:
            raise ValueError("output needs tolerance or relative_tolerance: a tensor has no printed digits")
        outputs = [score.output for score in self.scores]
        for name, found in (("scores", outputs), ("best", list(self.best))):
            if len(set(found)) != len(found):
                raise ValueError(f"{name}: expected each output once, got {found}")
        if not self.unavailable and self.is_tensor == bool(self.recipe):
            raise ValueError("expected a recipe for a picture and none for a tensor, which needs no preparation")
        return self

    @property
    def is_tensor(self) -> bool:
        """Whether the input is the network's own, not a picture."""
        return self.input is not None and self.input.name.endswith(TENSORS)

    @property
    def has_stated_tolerance(self) -> bool:
        """Whether the publisher says by how much scores may differ."""
        return not (self.tolerance is None and self.relative_tolerance is None)

    def allowed(self, value: float) -> float:
        """The stated tolerance for a score of this value, in data units."""
        return (self.tolerance or 0.0) + (self.relative_tolerance or 0.0) * abs(value)


class SampleRun(Record):
    """What a checkpoint answered here to the input of a published sample answer.

    sample: the answer's id; input_sha256: of the picture or tensor; input_verified: whether a published hash says that
    it is the right one; sha256, hash_verified: the same of the checkpoint's files.
    outputs: every score of the network, as it gives them; published: those in the publisher's file, if there is one.
    key: hash of everything that the scores depend on. The other fields are those of a Run.
    """

    key: str = ""
    sample: str
    checkpoint: str
    framework: str
    recipe: str = ""
    label_map: str = ""
    input: str = ""
    input_sha256: str = ""
    input_verified: bool = False
    sha256: str = ""
    hash_verified: bool = False
    versions: dict[str, str] = Field(default_factory=dict)
    threads: int = Field(default=0, ge=0)
    precision: str = ""
    arithmetic: Arithmetic = "exact"
    integer_sums: IntegerSums = ""
    kernels: str = ""
    instruction_sets: tuple[str, ...] = ()
    seconds: float = Field(default=0.0, ge=0)
    outputs: tuple[float, ...] = ()
    published: tuple[float, ...] = ()
    status: RunStatus
    error: str | None = None
    cause: Cause | None = None

    @model_validator(mode="after")
    def _answered(self) -> Self:
        done = self.status == "done"
        if done == (self.error is not None):
            raise ValueError("error is for sample answers that are not done, and they need one")
        if done != bool(self.outputs):
            raise ValueError("outputs are for sample answers that are done, and they need them")
        return self

    @property
    def subject(self) -> str:
        """How verdicts name it: `checkpoint@framework`, as a run."""
        return f"{self.checkpoint}@{self.framework}"
