"""What was judged."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from zoo.records.base import Fraction, Record

Outcome = Literal["confirmed", "refuted", "inconclusive", "not_comparable", "known", "not_run", "pass", "fail"]
FindingClass = Literal["contradiction", "cannot_be", "differs_between_documents", "incomplete", "unit_or_rounding"]
SizeUnit = Literal["points", "percent"]
Topic = Literal[
    "", "documents", "files", "accuracy", "population", "nonsense", "sample_answers", "same_answers", "image_by_image",
    "deviations",
    "quotable_latency", "timed_answers", "timed_conditions", "ranking", "documented_latency", "variants", "baseline",
]  # fmt: skip
LATENCY_TOPICS: frozenset[Topic] = frozenset({
    "quotable_latency", "timed_answers", "timed_conditions", "ranking", "documented_latency", "variants", "baseline",
})  # fmt: skip

# Topic and unit by the beginning of the rule's id, for verdicts that were stored before they had these fields.
_EARLIER: dict[str, tuple[Topic, str]] = {
    "C": ("documents", ""), "P": ("files", ""), "S": ("files", ""), "D": ("deviations", ""),
    "A103": ("population", "fraction"), "A1": ("accuracy", "fraction"), "A2": ("nonsense", "fraction"),
    "X1": ("same_answers", ""), "X2": ("image_by_image", "points"), "X3": ("sample_answers", ""),
    "L101": ("quotable_latency", "seconds"), "L102": ("timed_answers", "share"), "L103": ("timed_conditions", "cores"),
    "L2": ("ranking", "ratio"), "L301": ("documented_latency", "seconds"), "L302": ("variants", "correlation"),
    "L4": ("baseline", "ratio"),
}  # fmt: skip


class Verdict(Record):
    """What a rule says of one subject, with the numbers it used (accuracies as fractions).

    topic: what kind of thing the rule judges. checkpoints: the ids of those that the verdict is about.
    unit: of documented, measured, low and high. "fraction": accuracies; "points": differences of accuracies, fractions
    too; "share": of labels; "seconds", "cores"; "ratio": of two times; "correlation": of two orders. "": the claim's
    own unit, or a plain number.

    p_value: of "the claim is true", of two runs of "their accuracies differ by the margin at most", of two orders of
    "they have nothing to do with each other"; p_adjusted: after Holm, over all of its kind in the report. decided_at:
    images after which a run that was looked at while it grew had decided this; saved: by how many more half of such
    runs in random order would have taken, of a run whose images were drawn by a reference (below 0: by fewer).
    tolerance: fraction added on both sides of a documented accuracy; None where nothing was added.
    against: key of the run that `run` is compared with; margin: by how much their accuracies may differ, a fraction.

    Of documents besides: the ids of their sources (first the one the verdict is about), what is printed there, the
    arithmetic in one line, and what would settle it.

    Of a finding (in documents or files, a number that is refuted, two runs that fail to agree): finding_class, what
    kind it is; size, what a reader is wrong by who trusts the print, in size_unit: percentage points of an accuracy,
    percent of a file size or of a count of parameters or multiply-adds; None where no number is wrong by a known
    amount. habit: what a slip is called that is so common that it is listed last, else "".
    chance: probability that a random number of as many digits would have passed the rule.
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
    saved: int | None = None
    tolerance: Fraction | None = None
    against: str | None = None
    margin: Fraction | None = None
    finding_class: FindingClass | None = None
    size: float | None = Field(default=None, ge=0)
    size_unit: SizeUnit | None = None
    habit: str = ""
    chance: Fraction | None = None
    topic: Topic = ""
    unit: str = ""
    checkpoints: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_earlier_versions(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "topic" in data:
            return data
        rule = str(data.get("rule"))
        topic, unit = next((_EARLIER[rule[:end]] for end in (4, 2, 1) if rule[:end] in _EARLIER), ("", ""))
        return {"topic": topic, "unit": unit} | data

    @model_validator(mode="after")
    def _sized(self) -> Self:
        if (self.size is None) != (self.size_unit is None):
            raise ValueError(f"size is {self.size} and size_unit {self.size_unit}; both are needed, or neither")
        return self

    @property
    def is_latency(self) -> bool:
        """Whether it is about the speed that a bench measured."""
        return self.topic in LATENCY_TOPICS
