"""Measured accuracy, and inspected files."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from zoo.errors import Cause
from zoo.records.base import Fraction, Record, Sha256

PopulationKind = Literal["full", "random_sample", "other"]
RunStatus = Literal["done", "failed", "not_run"]
Arithmetic = Literal["exact", "as-shipped"]
Kinship = Literal["reference", "same weights", "converted from", "same network"]  # the nearest first
DrawRule = Literal["even", "margin"]
IntegerSums = Literal["", "none", "exact", "saturating", "unknown"]
PARTS = {"convolutions", "convolution_biases", "classifier", "classifier_biases", "norms", "statistics"}


class AsShipped(Record):
    """What a framework's defaults answer on the first images of a run, beside the run's own answers.

    n: images; different: whose best class is another; top1_correct: of them by the run's own answers;
    shipped_correct: by the defaults; gained, lost: images that only the defaults, or only the run, got right.
    """

    n: int = Field(ge=1)
    different: int = Field(ge=0)
    top1_correct: int = Field(ge=0)
    shipped_correct: int = Field(ge=0)
    gained: int = Field(ge=0)
    lost: int = Field(ge=0)

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.shipped_correct - self.top1_correct != self.gained - self.lost:
            raise ValueError(
                f"{self.top1_correct} right, then {self.shipped_correct}: not {self.gained} gained, {self.lost} lost"
            )
        if max(self.different, self.top1_correct, self.shipped_correct, self.gained + self.lost) > self.n:
            raise ValueError(f"more images were counted than the {self.n} that were looked at")
        return self


class Drawn(Record):
    """How the images of a growing sample were drawn, by what another run had answered (zoo/drawing.py).

    reference: `checkpoint@framework`; run: its key; sha256: of its answers; kinship: why it should answer alike
    ("reference": it was named by hand); rule: how likely each image is; seed: of the draw. top1, top5: of the whole
    population, as estimated: shares of the images that were looked at are not, as images were not equally likely.
    """

    reference: str
    run: str
    sha256: Sha256
    kinship: Kinship
    rule: DrawRule
    seed: int
    top1: Fraction
    top5: Fraction


class Run(Record):
    """One checkpoint x framework x recipe x image set, and the conditions it was made under.

    seconds: time inside the worker for numeric steps and network, decoding excluded. key: hash of everything the
    answers depend on. n: images that were counted; left_out: more images, which have no right class. recounts: key of
    the run whose answers these are, counted once more by other labels of the same images. top1_ties / top5_ties: images
    whose decision fell among equal scores (lower index wins).
    cause: of the error, what has to be mended; None where that is not known.
    look_every: images between two looks of a run that was stopped early, in the order of its answers; 0: the number
    of images was fixed beforehand; drawn: how its images were drawn, where they were not all equally likely.
    arithmetic: asked for, "exact" or the framework's defaults; integer_sums: how products of integers were added, as
    read back ("none": the network has none; "saturating": cut off at 16 bits); kernels: chosen for it, in the
    framework's own words; instruction_sets: the processor's that answers can depend on; as_shipped: the defaults'
    answers, where they may differ.
    """

    key: str
    checkpoint: str
    framework: str
    recipe: str
    geometry: str = ""
    label_map: str = ""
    image_set: str
    population: PopulationKind
    population_id: str = ""
    n: int = Field(ge=0)
    left_out: int = Field(default=0, ge=0)
    recounts: str = ""
    top1_correct: int = Field(ge=0)
    top5_correct: int = Field(ge=0)
    top1_ties: int = Field(default=0, ge=0)
    top5_ties: int = Field(default=0, ge=0)
    seconds: float = Field(ge=0)
    images_per_second: float = Field(ge=0)
    threads: int = Field(ge=0)
    precision: str
    batch_size: int = Field(default=0, ge=0)
    sha256: str
    hash_verified: bool = False
    weights: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    reused: bool = False
    status: RunStatus
    error: str | None = None
    cause: Cause | None = None
    look_every: int = Field(default=0, ge=0)
    drawn: Drawn | None = None
    arithmetic: Arithmetic = "exact"
    integer_sums: IntegerSums = ""
    kernels: str = ""
    instruction_sets: tuple[str, ...] = ()
    as_shipped: AsShipped | None = None

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if not self.top1_correct <= self.top5_correct <= self.n:
            raise ValueError(f"top-1 {self.top1_correct}, top-5 {self.top5_correct} and n {self.n} are out of order")
        if (self.status == "done") == (self.error is not None):
            raise ValueError("error is for runs that are not done, and they need one")
        return self

    @property
    def subject(self) -> str:
        """How verdicts name it: `checkpoint@framework`."""
        return f"{self.checkpoint}@{self.framework}"

    def correct(self, metric: str) -> int:
        """Images counted right by `top1` or `top5`."""
        return {"top1": self.top1_correct, "top5": self.top5_correct}[metric]

    @property
    def is_estimated(self) -> bool:
        """Whether shares of its images are no estimate of its accuracy: a reference drew them, and not all were seen.

        Without a population's images at hand nothing could have been drawn; of all of them the order does not matter.
        """
        return self.drawn is not None and self.population != "full" and self.status == "done"

    def accuracy(self, metric: str) -> float:
        """By `top1` or `top5`, a fraction; of images that were not equally likely, as estimated. 0 of no image."""
        if self.drawn is not None and self.is_estimated:
            return {"top1": self.drawn.top1, "top5": self.drawn.top5}[metric]
        return self.correct(metric) / self.n if self.n else 0.0


class FileBytes(Record):
    """One file of a checkpoint, as it lies here.

    hash: whether it has the published one; by: which published hash that was ("sha256", "archive sha256", ...).
    """

    name: str
    size_bytes: int = Field(ge=0)
    sha256: Sha256
    hash: Literal["equal", "different", "unpublished"]
    by: str = ""


class Port(Record):
    """An input or output as a file has it. dtype: numpy's name; shape: -1 where free, None where it is not said."""

    name: str
    dtype: str
    shape: tuple[int, ...] | None = None


class BytePairs(Record):
    """Neighbouring weights of one layer that are signed bytes (adapters/common/saturation.py).

    pairs: how many; beyond: those whose products with unsigned bytes can add up to more than 16 bits hold.
    """

    layer: str
    pairs: int = Field(ge=1)
    beyond: int = Field(ge=0)


class Measured(Record):
    """What an adapter measured in the files themselves; adapters/common/layers.py says how.

    graph: whether the files hold one; of files of tensors alone, inputs and outputs are the adapter's own words.
    parameters: every stored value of convolutions, batch norms (running statistics too) and classifier;
    parameters_by: what it consists of; multiply_adds: of convolutions and classifier for one image, None where the
    file leaves a size open; convolutions: how many before the classifier; activations: by kind ("relu6", "relu");
    ops: by the framework's own type names; opset: of ONNX's own operators; byte_pairs: of the layers that x86
    processors without VNNI may add in 16 bits.
    """

    graph: bool
    parameters: int = Field(ge=0)
    parameters_by: dict[str, int]
    multiply_adds: int | None
    convolutions: int
    classes: int | None
    activations: dict[str, int]
    quantised: bool
    ops: dict[str, int]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opset: int | None = None
    byte_pairs: tuple[BytePairs, ...] = ()

    @model_validator(mode="after")
    def _consists(self) -> Self:
        if missing := PARTS - self.parameters_by.keys():
            raise ValueError(f"parameters_by: {', '.join(sorted(missing))} is missing")
        return self


class Inspection(Record):
    """What was found in the files of one checkpoint, by one framework's adapter.

    sha256: of the file, or over the files' hashes if there are several; measured: None where nothing was looked at
    but the bytes; error: why the adapter could not look.
    """

    checkpoint: str
    framework: str
    sha256: str
    files: tuple[FileBytes, ...]
    measured: Measured | None = None
    error: str | None = None

    @property
    def subject(self) -> str:
        """How verdicts name it: `checkpoint@framework`, as a run."""
        return f"{self.checkpoint}@{self.framework}"
