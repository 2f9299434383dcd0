"""The records that stages hand to each other. Read this file first; it imports nothing of the project.

Every record is frozen and refuses unknown fields. `to_json` / `from_json` are what files hold.
Accuracies are fractions in [0, 1], times are seconds, sizes are bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction as Rational
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FORMAT = 1  # of a run folder's report.json; 1: first version

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Url = Annotated[str, Field(pattern=r"^(https://|http://127\.0\.0\.1[:/])\S+$")]  # plain only on the loopback
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+-]*$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Record(BaseModel):
    """A frozen value with strict fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """Plain dict of JSON types."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`; raises pydantic.ValidationError."""
        return cls.model_validate(dict(data))


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
    size: int = Field(gt=0)
    long_side: Literal["truncate", "round_half_even", "round_half_up"]


class ResizeExact(Resample):
    """Scale to `size` x `size` pixels; the aspect ratio is not kept."""

    op: Literal["resize_exact"]
    size: int = Field(gt=0)


class CentreCrop(Record):
    """Cut the central `size` x `size` pixels.

    offset: "floor" is (side - size) // 2; "round_half_even" is int(round((side - size) / 2)) (torchvision);
    "half_minus_half" is side // 2 - size // 2 (ONNX model zoo).
    """

    op: Literal["centre_crop"]
    size: int = Field(gt=0)
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


class Normalise(Record):
    """(x - mean) / std, per channel in the order of the channels at this point."""

    op: Literal["normalise"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


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


# --- checkpoints, label maps, populations, claims ----------------------------------------------


class LabelMap(Record):
    """How output indices become classes: output i is class i - first; anything outside 0..classes-1 is never right.

    names: what the classes are called, in their order; "imagenet" for those of ILSVRC2012. For people alone.
    """

    id: Identifier
    outputs: int = Field(gt=0)
    classes: int = Field(gt=0)
    first: int = Field(ge=0, description="output index of class 0")
    names: Literal["imagenet"] | tuple[str, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.first + self.classes > self.outputs:
            raise ValueError(f"first + classes is {self.first + self.classes}, more than outputs ({self.outputs})")
        named = 1000 if self.names == "imagenet" else len(self.names)
        if named not in (0, self.classes):
            raise ValueError(f"names: expected one for each of {self.classes} classes, got {named}")
        return self


class Network(Record):
    """Architecture parameters; the meaning of each is in adapters/mobilenet_v2.py, which has the same fields."""

    alpha: float = Field(gt=0)
    resolution: int = Field(gt=0)
    classes: int = Field(gt=0)
    rounding: Literal["divisible", "truncate", "ceil_keep_stem"] = "divisible"
    padding: Literal["symmetric", "same"] = "symmetric"
    activation: Literal["relu6", "relu"] = "relu6"
    bn_epsilon: float = Field(default=1e-5, gt=0)
    expand_first: bool = False
    classifier_bias: bool = True


class TensorSpec(Record):
    """A documented input or output. A dimension that is free is -1."""

    name: str
    dtype: Literal["float32", "uint8", "int8"]
    shape: tuple[int, ...]


class Digests(Record):
    """Published hashes, lower-case hex; `sha256_prefix` is for publishers who print only its beginning."""

    sha256: Sha256 | None = None
    sha384: Annotated[str, Field(pattern=r"^[0-9a-f]{96}$")] | None = None
    sha1: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    sha256_prefix: Annotated[str, Field(pattern=r"^[0-9a-f]{6,63}$")] | None = None
    sha1_prefix: Annotated[str, Field(pattern=r"^[0-9a-f]{6,39}$")] | None = None

    def published(self) -> dict[str, str]:
        """The hashes that are known, by field name, strongest first."""
        names = ("sha256", "sha384", "sha1", "md5", "sha256_prefix", "sha1_prefix")
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}


class Archive(Digests):
    """A published archive that holds the file as `member` (path inside it)."""

    name: str
    member: str
    urls: tuple[Url, ...] = ()
    size_bytes: int | None = Field(default=None, gt=0)


class File(Digests):
    """One file of a checkpoint. Its bytes are named by its own hashes, or by those of the archive around it."""

    name: str
    urls: tuple[Url, ...] = ()
    size_bytes: int | None = Field(default=None, gt=0)
    archive: Archive | None = None


class Checkpoint(Record):
    """A published set of weight files under one id.

    framework: whose adapter runs it by default; format: one of the formats named in adapters/frameworks.toml.
    weights: an id shared by checkpoints that hold the same weights (rules X compare these).
    export_from: a safetensors file with canonical tensor names from which the framework's adapter writes the files
    (the embedded zoo); `files` is empty then.
    opset: documented version of ONNX's operators; quantised: whether it is documented to compute in integers, None
    where nothing is said.
    unavailable: why nobody can run it (file lost, address unknown); such a checkpoint is listed, never run.
    """

    id: Identifier
    framework: str
    format: str
    recipe: str
    label_map: str
    files: tuple[File, ...] = ()
    export_from: str | None = None
    network: Network | None = None
    input: TensorSpec | None = None
    output: TensorSpec | None = None
    opset: int | None = Field(default=None, gt=0)
    quantised: bool | None = None
    options: dict[str, str | bool | int | float] = Field(default_factory=dict)
    licence: str | None = None
    weights: str | None = None
    converted_from: str | None = None
    quirks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    unavailable: str | None = None

    @model_validator(mode="after")
    def _has_bytes(self) -> Self:
        if bool(self.files) == bool(self.export_from) and not self.unavailable:
            raise ValueError("exactly one of files, export_from is needed (or `unavailable` with the reason)")
        if self.export_from and self.network is None:
            raise ValueError("export_from needs network")
        return self


class Population(Record):
    """The images a claim speaks of.

    digest: sha256 over the sorted lines "id sha256 class" of an image set; or id_pattern + per_class: how a set is
    recognised whose bytes we may not know (`{n}` counts from 1, zero-padded as written).
    """

    id: Identifier
    title: str
    images: int = Field(gt=0)
    digest: Sha256 | None = None
    id_pattern: str | None = None
    per_class: int | None = None

    @model_validator(mode="after")
    def _recognisable(self) -> Self:
        if (self.digest is None) == (self.id_pattern is None):
            raise ValueError("exactly one of digest, id_pattern is needed")
        return self


METRICS = ("top1", "top5", "size", "parameters", "multiply_adds", "gflops", "latency")
UNITS = {
    "top1": ("percent", "fraction", "percent_error", "fraction_error"),
    "top5": ("percent", "fraction", "percent_error", "fraction_error"),
    "size": ("MB", "MiB"),
    "parameters": ("M",),
    "multiply_adds": ("M",),
    "gflops": ("GFLOP", "GMAC"),
    "latency": ("ms",),
}


class Source(Record):
    """A document in which numbers were read."""

    id: Identifier
    title: str
    url: Url | None = None
    revision: str = ""
    note: str = ""


class Claim(Record):
    """One documented number. `value` is the printed text; `decimals` how many of its digits follow the point.

    unit: of an accuracy also percent_error, fraction_error, where the share of wrong images is printed.
    by: "third_party" for a reader's own measurement of somebody else's file, which no publisher answers for.
    file: sizes only: the name of the file that is meant.
    """

    id: Identifier
    checkpoint: str = ""
    model: str = ""
    alpha: float | None = None
    resolution: int | None = None
    framework: str = ""
    metric: Literal["top1", "top5", "size", "parameters", "multiply_adds", "gflops", "latency"]
    value: Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]
    unit: str
    decimals: int = Field(ge=0)
    population: str = ""
    n_images: int | None = None
    by: Literal["publisher", "third_party"] = "publisher"
    file: str = ""
    source: str
    place: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        printed = len(self.value.partition(".")[2])
        if printed != self.decimals:
            raise ValueError(f"decimals is {self.decimals}, but {self.value!r} has {printed}")
        if self.unit not in UNITS[self.metric]:
            raise ValueError(f"unit {self.unit!r} does not fit {self.metric}; known: {', '.join(UNITS[self.metric])}")
        if self.is_accuracy:
            if not self.population:
                raise ValueError(f"population is needed for {self.metric}")
            if not 0 <= self.number() <= 1:
                raise ValueError(f"value {self.value} {self.unit} is not an accuracy")
        return self

    @property
    def is_accuracy(self) -> bool:
        """Whether the claim is judged by the rules A."""
        return self.metric in ("top1", "top5")

    @property
    def is_error(self) -> bool:
        """Whether the share of wrong images is printed, not that of right ones."""
        return self.unit.endswith("_error")

    def _exact(self, value: Decimal) -> Rational:
        """A printed number in data units: a fraction of right images for accuracies."""
        scaled = Rational(value) / (100 if self.unit.startswith("percent") else 1)
        return 1 - scaled if self.is_error else scaled

    def number(self) -> float:
        """The value in data units: a fraction for accuracies, else as printed."""
        return float(self._exact(Decimal(self.value)))

    def exact_interval(self) -> tuple[Rational, Rational]:
        """[low, high) that rounds to the printed text: 71.8 % is [0.7175, 0.7185). Of an error, (low, high]."""
        half, value = Decimal(1).scaleb(-self.decimals) / 2, Decimal(self.value)
        ends = self._exact(value - half), self._exact(value + half)
        return min(ends), max(ends)

    def interval(self) -> tuple[float, float]:
        """`exact_interval` as floats."""
        low, high = self.exact_interval()
        return float(low), float(high)


# --- what was measured, what was judged --------------------------------------------------------

PopulationKind = Literal["full", "random_sample", "other"]
RunStatus = Literal["done", "failed", "not_run"]
Outcome = Literal["confirmed", "refuted", "inconclusive", "not_comparable", "known", "not_run", "pass", "fail"]


class Run(Record):
    """One checkpoint x framework x recipe x image set, and the conditions it was made under.

    seconds: time inside the worker for numeric steps and network, decoding excluded. key: hash of everything the
    answers depend on. top1_ties / top5_ties: images whose decision fell among equal scores (lower index wins).
    look_every: images between two looks of a run that was stopped early, in the order of its answers; 0: the number
    of images was fixed beforehand.
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
    look_every: int = Field(default=0, ge=0)

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


class Measured(Record):
    """What an adapter measured in the files themselves; adapters/layers.py says how.

    graph: whether the files hold one; of files of tensors alone, inputs and outputs are the adapter's own words.
    parameters: every stored value of convolutions, batch norms (running statistics too) and classifier;
    parameters_by: what it consists of; multiply_adds: of convolutions and classifier for one image, None where the
    file leaves a size open; convolutions: how many before the classifier; activations: by kind ("relu6", "relu");
    ops: by the framework's own type names; opset: of ONNX's own operators.
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


class Verdict(Record):
    """What a rule says of one subject, with the numbers it used (accuracies as fractions).

    p_value: of "the claim is true", of two runs of "they are right equally often"; p_adjusted: after Holm, over all of
    its kind in the report. decided_at: images after which a run that was looked at while it grew had decided this.
    against: key of the run that `run` is compared with.

    Of documents besides: the ids of their sources (first the one the verdict is about), what is printed there, the
    arithmetic in one line, and what would settle it.
    """

    rule: Annotated[str, Field(pattern=r"^[A-Z]\d{3}$")]
    subject: str
    outcome: Outcome
    claim_id: str | None = None
    documented: float | None = None
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    reason: str
    run: str | None = None
    sources: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()
    arithmetic: str = ""
    remedy: str = ""
    p_value: Fraction | None = None
    p_adjusted: Fraction | None = None
    decided_at: int | None = None
    against: str | None = None


class Deviation(Record):
    """A deviation that is understood and accepted: one rule, one subject, both exact; why, where it is discussed,
    and the day it was accepted (ISO 8601).
    """

    id: Identifier
    rule: Annotated[str, Field(pattern=r"^[A-Z]\d{3}$")]
    subject: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    link: Url
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Conditions(Record):
    """Under what a run folder was made; what a reader needs to make it again.

    created: UTC, ISO 8601; command: the command line; decoders: versions of the image libraries; tolerance:
    fraction added on both sides of a documented accuracy, for differences between preprocessing libraries.
    """

    created: str
    command: tuple[str, ...]
    suite_version: str
    python: str
    platform: str
    processor: str
    cores: int
    zoo: str
    image_set: str
    images: int
    images_digest: str
    population: PopulationKind
    population_id: str = ""
    decoders: dict[str, str] = Field(default_factory=dict)
    tolerance: Fraction = 0.001


class Part(Record):
    """One of the run folders that a report was merged from.

    runs: the key of each run that came from it, or its subject where it has none.
    """

    folder: str
    conditions: Conditions
    runs: tuple[str, ...]


class Report(Record):
    """A run folder's report.json: everything that was measured and judged.

    parts: the run folders it was merged from; none where it is of one. `conditions` are then the latest part's.
    """

    format: Literal[1] = 1
    conditions: Conditions
    parts: tuple[Part, ...] = ()
    runs: tuple[Run, ...]
    verdicts: tuple[Verdict, ...]
    inspections: tuple[Inspection, ...] = ()
