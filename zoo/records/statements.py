"""What documents state besides plain numbers: relations, names, recipes, schedules. Rules C compute on these.

Each kind is a table of statements.toml; texts that are numbers keep their printed digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.records import Claim, Digits, Identifier, Record, Sha256

Day = Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]


class Statement(Record):
    """Something a document says. source: id of a row of sources.csv."""

    id: Identifier
    source: str
    place: str = ""
    note: str = ""


class Within(Statement):
    """`claims` are at most `limit` percent away from the number in `reference`, all ids of claims."""

    claims: tuple[str, ...]
    reference: str
    limit: Digits


class Converted(Statement):
    """The weights of each of `checkpoints` were converted from those of its `converted_from`, nothing trained."""

    checkpoints: tuple[str, ...]


class Quantised(Statement):
    """Claim `quantised` is about the int8 form of the network of claim `original`.

    drop: the printed relative loss, percent of the original.
    """

    original: str
    quantised: str
    drop: Digits | None = None


class Quoted(Statement):
    """The source says that `document` gives this number for `metric` of the network of this width and resolution."""

    document: str
    metric: Literal["top1", "top5"]
    value: Digits
    unit: Literal["percent", "fraction"] = "percent"
    is_error: bool = False
    alpha: float = 1.0
    resolution: int = 224


class Complement(Statement):
    """Beside the accuracy in `claim`, or in place of it, the document prints this error, percent."""

    claim: str
    error: Digits


class Named(Statement):
    """From one day to another, a published name stood for this content.

    publisher: whose name it is; kind: of a file, or of a model that a program or page offers.
    content: a hash (or its published beginning), or the id of a checkpoint. prefix_of: of which hash `prefix` is the
    beginning; "unknown" where nobody says, as of digits in a file's name.
    """

    name: str
    publisher: str
    kind: Literal["file", "model"] = "file"
    sha256: Sha256 | None = None
    prefix: Annotated[str, Field(pattern=r"^[0-9a-f]{6,63}$")] | None = None
    prefix_of: Literal["sha256", "unknown"] = "sha256"
    checkpoint: str | None = None
    size_bytes: int | None = Field(default=None, gt=0)
    since: Day = "0000"
    until: Day = "9999"

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if not (self.sha256 or self.prefix or self.checkpoint):
            raise ValueError("one of sha256, prefix, checkpoint is needed")
        return self

    @property
    def content(self) -> str:
        """What tells this content from another."""
        return self.sha256 or self.prefix or self.checkpoint or ""


class Preprocessing(Statement):
    """For `purpose`, the document prepares images for `checkpoint` by a recipe, or by (x - mean) / scale alone."""

    checkpoint: str
    purpose: str
    recipe: str | None = None
    mean: Digits | None = None
    scale: Digits | None = None

    @model_validator(mode="after")
    def _has_steps(self) -> Self:
        if (self.recipe is None) == (self.mean is None or self.scale is None):
            raise ValueError("a recipe is needed, or else both mean and scale")
        return self


class StatedSetting(Statement):
    """`claims` were measured with this recipe, with a crop that keeps this share of the resized side, on this device.

    For what a document says of several figures at once; it fills the fields of those claims that leave them out.
    """

    claims: tuple[str, ...]
    recipe: str | None = None
    crop: float | None = Field(default=None, gt=0)
    device: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.fields():
            raise ValueError("one of recipe, crop, device is needed")
        return self

    def fields(self) -> dict[str, str | float]:
        """The fields of a claim that it gives."""
        stated = {"recipe": self.recipe, "crop": self.crop, "device": self.device}
        return {name: value for name, value in stated.items() if value is not None}


class Crop(Statement):
    """The source says how much of an image the central crop of `recipe` keeps, percent of each side or of the area."""

    recipe: str
    kept: Digits
    of: Literal["side", "area"]


class Comparison(Statement):
    """The source prints the accuracies of two frameworks' checkpoints beside each other."""

    framework: str
    other: str


class LearningRates(Statement):
    """Printed learning rates of consecutive epochs under a cosine that falls from `base` to zero in `epochs`."""

    base: Digits
    printed: tuple[Digits, ...]
    epochs: int = Field(gt=0)


class Steps(Statement):
    """Printed steps per epoch, for a training set of `images`, by `devices` with `batch` images each."""

    images: int = Field(gt=0)
    batch: int = Field(gt=0)
    devices: int = Field(gt=0)
    printed: int = Field(gt=0)


class EvaluationBatch(Statement):
    """`claims` were evaluated in whole batches of this documented size; what is left over is dropped."""

    claims: tuple[str, ...]
    batch: int = Field(gt=0)


class Label(Statement):
    """The document's own word for the unit of its numbers of one metric."""

    metric: Literal["gflops", "multiply_adds", "size"]
    label: Literal["FLOPs", "MACs", "Mb", "MB", "MiB"]


class Fact(Statement):
    """One plain word about a checkpoint, or about anything else named in `subject`.

    topic "outputs", "activation", "batch", "output_name", "checkpoints" are also known from the checkpoints' own
    records ("checkpoints": how many a publisher has, `subject` being the publisher).
    """

    subject: str
    topic: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_ ]*$")]
    value: Annotated[str, Field(min_length=1)]


KINDS: dict[str, type[Statement]] = {
    "within": Within,
    "converted": Converted,
    "quantised": Quantised,
    "quoted": Quoted,
    "complement": Complement,
    "named": Named,
    "preprocessing": Preprocessing,
    "setting": StatedSetting,
    "crop": Crop,
    "comparison": Comparison,
    "learning_rates": LearningRates,
    "steps": Steps,
    "evaluation_batch": EvaluationBatch,
    "label": Label,
    "fact": Fact,
}

# Which fields hold ids, and of what.
REFERENCES = {
    "source": "source",
    "document": "source",
    "claim": "claim",
    "claims": "claim",
    "reference": "claim",
    "original": "claim",
    "quantised": "claim",
    "checkpoint": "checkpoint",
    "checkpoints": "checkpoint",
    "recipe": "recipe",
}


def with_settings(claims: Mapping[str, Claim], statements: Iterable[Statement]) -> dict[str, Claim]:
    """Claims by id, with what a setting says of how they were measured where their own row says nothing."""
    completed = dict(claims)
    for statement in statements:
        if isinstance(statement, StatedSetting):
            for name in statement.claims:
                missing = {
                    field: value for field, value in statement.fields().items() if not getattr(completed[name], field)
                }
                completed[name] = completed[name].changed(**missing)
    return completed
