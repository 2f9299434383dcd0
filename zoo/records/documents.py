"""What publishers document: checkpoints, label maps, populations, claims; and known deviations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction as Rational
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from zoo.records.base import FILE_NAME, Digits, FileName, Identifier, Images, Outputs, Record, Sha256, Side, Url, Width


class LabelMap(Record):
    """How output indices become classes: output i is class i - first; anything outside 0..classes-1 is never right.

    names: what the classes are called, in their order; "imagenet" for those of ILSVRC2012. For people alone.
    """

    id: Identifier
    outputs: Outputs
    classes: Outputs
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


class MobileNetV2(Record):
    """A network of this family; the meaning of each field is in adapters/common/mobilenet_v2.py, which has the same."""

    family: Literal["mobilenet_v2"] = "mobilenet_v2"
    alpha: Width
    resolution: Side
    classes: Outputs
    rounding: Literal["divisible", "truncate", "ceil_keep_stem"] = "divisible"
    padding: Literal["symmetric", "same"] = "symmetric"
    activation: Literal["relu6", "relu"] = "relu6"
    bn_epsilon: float = Field(default=1e-5, gt=0)
    expand_first: bool = False
    classifier_bias: bool = True

    @property
    def variant(self) -> str:
        """Which network of the family it is, in words."""
        return f"alpha {self.alpha:g}"


class ResNet(Record):
    """A network of this family; the meaning of each field is in adapters/common/resnet.py, which has the same."""

    family: Literal["resnet"]
    depth: Literal[50, 101, 152] = 50
    resolution: Side
    classes: Outputs
    bn_epsilon: float = Field(default=1e-5, gt=0)

    @property
    def variant(self) -> str:
        """Which network of the family it is, in words."""
        return f"ResNet-{self.depth}"


def _family(network: Any) -> str:
    """Of a network, as data or as a record; MobileNetV2's where it is not said."""
    given = network if isinstance(network, Mapping) else vars(network) if isinstance(network, Record) else {}
    return str(given.get("family", "mobilenet_v2"))


# Parameters of an architecture. A family is one record here and one table of layers, in adapters/common/.
Network = Annotated[
    Annotated[MobileNetV2, Tag("mobilenet_v2")] | Annotated[ResNet, Tag("resnet")], Discriminator(_family)
]


class TensorSpec(Record):
    """A documented input or output. A dimension that is free is -1."""

    name: str
    dtype: Literal["float32", "uint8", "int8"]
    shape: Annotated[tuple[Annotated[int, Field(ge=-1)], ...], Field(min_length=1)]


HASHES = ("sha256", "sha384", "sha1", "md5", "sha256_prefix", "sha1_prefix")  # strongest first


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
        values = {name: getattr(self, name) for name in HASHES}
        return {name: value for name, value in values.items() if value is not None}


class Archive(Digests):
    """A published archive that holds the file as `member` (path inside it)."""

    name: FileName
    member: str
    urls: tuple[Url, ...] = ()
    size_bytes: int | None = Field(default=None, gt=0)


class File(Digests):
    """One file of a checkpoint. Its bytes are named by its own hashes, or by those of the archive around it.

    name: as the framework expects it beside the other files, with its folders ("variables/variables.index").
    """

    name: str
    urls: tuple[Url, ...] = ()
    size_bytes: int | None = Field(default=None, gt=0)
    archive: Archive | None = None

    @field_validator("name")
    @classmethod
    def _stays_inside(cls, name: str) -> str:
        for part in name.split("/"):
            if not re.fullmatch(FILE_NAME, part):
                what = "expected a name, with folders or without, that stays inside its folder"
                raise ValueError(f"{what} (no part is empty or begins with a point), got {name!r}")
        return name


class Checkpoint(Record):
    """A published set of weight files under one id.

    framework: whose adapter runs it by default; format: one of the formats named in adapters/frameworks.toml.
    files: every file that the framework reads, the one that names the others first; it finds nothing else.
    recipe_assumed: no document says how its accuracies were measured, so `recipe` is this project's choice.
    network_assumed: neither a document nor a file that anybody has seen shows the layers of `network`.
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
    recipe_assumed: bool = False
    label_map: str
    files: tuple[File, ...] = ()
    export_from: str | None = None
    network: Network | None = None
    network_assumed: bool = False
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
        names = [file.name for file in self.files]
        if len(names) != len(set(names)):
            raise ValueError(f"files: expected each name once, got {names}")
        return self


IdPattern = Annotated[str, Field(pattern=r"^[^{}]*\{n(:0[0-9]{1,2}d)?\}[^{}]*$")]


class KnownImage(Record):
    """One image of a population whose bytes are published. stem: its name without folders and suffix."""

    stem: str
    sha256: Sha256 | None = None
    size_bytes: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.sha256 is None and self.size_bytes is None:
            raise ValueError("sha256 or size_bytes is needed")
        return self


class ImageArchive(Record):
    """The published archive of a population: every byte of it is known by its hash."""

    name: str
    size_bytes: int = Field(gt=0)
    sha256: Sha256


class Population(Record):
    """The images a claim speaks of with their labels, and how a set is recognised as them.

    images: how many are counted; without_class: how many more belong to the set, but have no right class and are left
    out of every count. files_of: the population whose files these are, where only the labels are others; what is known
    of the files (id_pattern, known_images, archive) is then stated there.
    digest: sha256 over the sorted lines "id sha256 class" of an image set, several right classes with spaces between
    them. Where it is given, it alone decides.
    labels_digest: sha256 over the sorted lines "stem class" (the name without folders and suffix, the class from 0 or
    all right classes, ascending, a newline after each; the stem alone where no class is right). It decides
    where the bytes of all images are not known, together with what is known of them: known_images, and archive, which
    is looked at only if the set is one.
    id_pattern: the names (`{n}` counts from 1, zero-padded as written). It recognises nothing; of a set that has these
    names and other labels it is said what is wrong.
    """

    id: Identifier
    title: str
    images: Images
    without_class: int = Field(default=0, ge=0)
    files_of: str = ""
    digest: Sha256 | None = None
    labels_digest: Sha256 | None = None
    id_pattern: IdPattern | None = None
    known_images: tuple[KnownImage, ...] = ()
    archive: ImageArchive | None = None
    per_class: int | None = Field(default=None, exclude=True, description="only in older run folders; means nothing")

    @model_validator(mode="after")
    def _recognisable(self) -> Self:
        if self.digest is not None and (self.known_images or self.archive):
            raise ValueError("digest stands for every byte: known_images and archive are for sets without it")
        if self.files_of and (self.digest or self.id_pattern or self.known_images or self.archive):
            raise ValueError("files_of: what is known of the files is stated by that population alone")
        stems = [image.stem for image in self.known_images]
        if len(set(stems)) != len(stems):
            raise ValueError("known_images: a stem occurs twice")
        return self

    def names(self) -> frozenset[str]:
        """The stems of all images; none where id_pattern is not given."""
        pattern = self.id_pattern
        numbers = range(1, self.images + self.without_class + 1)
        return frozenset(pattern.format(n=number) for number in numbers) if pattern else frozenset()


_MOBILENET_V2 = re.compile(r"mobilenet[\s_-]*v2", re.IGNORECASE)
AccuracyMetric = Literal["top1", "top5"]
ACCURACIES: tuple[AccuracyMetric, ...] = ("top1", "top5")
METRICS = (*ACCURACIES, "size", "parameters", "multiply_adds", "gflops", "latency")
UNITS = {
    "top1": ("percent", "fraction", "percent_error", "fraction_error"),
    "top5": ("percent", "fraction", "percent_error", "fraction_error"),
    "size": ("MB", "MiB"),
    "parameters": ("M",),
    "multiply_adds": ("M",),
    "gflops": ("GFLOP", "GMAC"),
    "latency": ("ms",),
}
# Fields that say how a number was measured -> the kinds of number that may have them.
MEASURED_WITH = {
    "crop": ("accuracies",),
    "recipe": ("accuracies",),
    "device": ("accuracies", "latencies"),
    "threads": ("latencies",),
    "batch": ("latencies",),
}


class Source(Record):
    """A document in which numbers were read. publisher: who answers for it."""

    id: Identifier
    title: str
    url: Url | None = None
    revision: str = ""
    note: str = ""
    publisher: str = ""


class Claim(Record):
    """One documented number. `value` is the printed text; `decimals` how many of its digits follow the point.

    unit: of an accuracy also percent_error, fraction_error, where the share of wrong images is printed.
    by: "third_party" for a reader's own measurement of somebody else's file, which no publisher answers for.
    file: sizes only: the name of the file that is meant.

    How it was measured, where the document says so. Two accuracies are compared only where nothing of this differs.
    device: accuracies and latencies: on what machine.
    crop: accuracies: the share of the resized image's side that the central crop keeps, above 1 where it is padded.
    recipe: accuracies: the id of the recipe, where it is not the checkpoint's.
    threads, batch: latencies: how many threads, and how many images at a time.
    """

    id: Identifier
    checkpoint: str = ""
    model: str = ""
    alpha: Width | None = None
    resolution: Side | None = None
    framework: str = ""
    metric: Literal["top1", "top5", "size", "parameters", "multiply_adds", "gflops", "latency"]
    value: Digits
    unit: str
    decimals: int = Field(ge=0)
    population: str = ""
    n_images: Images | None = None
    by: Literal["publisher", "third_party"] = "publisher"
    file: str = ""
    source: str
    place: str = ""
    note: str = ""
    crop: float | None = Field(default=None, gt=0)
    recipe: str = ""
    device: str = ""
    threads: int | None = Field(default=None, gt=0)
    batch: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        printed = len(self.value.partition(".")[2])
        if printed != self.decimals:
            raise ValueError(f"decimals is {self.decimals}, but {self.value!r} has {printed}")
        if self.unit not in UNITS[self.metric]:
            raise ValueError(f"unit {self.unit!r} does not fit {self.metric}; known: {', '.join(UNITS[self.metric])}")
        own_kind = "accuracies" if self.is_accuracy else "latencies" if self.metric == "latency" else ""
        for name, kinds in MEASURED_WITH.items():
            if getattr(self, name) and own_kind not in kinds:
                raise ValueError(f"{name} is for {' and '.join(kinds)}, not for {self.metric}")
        if not self.is_accuracy and not Decimal(self.value):
            raise ValueError(f"value is {self.value}; {self.metric} is more than nothing")
        if self.is_accuracy:
            if not self.population:
                raise ValueError(f"population is needed for {self.metric}")
            if not 0 <= self.number() <= 1:
                raise ValueError(f"value {self.value} {self.unit} is not an accuracy")
        return self

    @property
    def names_mobilenet_v2(self) -> bool:
        """Whether the printed name of the network is that of a MobileNetV2; other families have widths too."""
        return bool(_MOBILENET_V2.search(self.model))

    @property
    def is_accuracy(self) -> bool:
        """Whether the claim is judged by the rules A."""
        return self.metric in ACCURACIES

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


class Deviation(Record):
    """A deviation that is understood and accepted: one rule, one subject, both exact; why, where it is discussed,
    and the day it was accepted (ISO 8601).

    claim: only the verdict on this claim or sample answer; "": every verdict of the rule on the subject.
    """

    id: Identifier
    rule: Annotated[str, Field(pattern=r"^[A-Z]\d{3}$")]
    subject: Annotated[str, Field(min_length=1)]
    claim: str = ""
    reason: Annotated[str, Field(min_length=1)]
    link: Url
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
