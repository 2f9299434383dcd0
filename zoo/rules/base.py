"""What a rule is, and what it may look at."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from zoo.documents import library_differences
from zoo.documents.library_differences import Tolerance
from zoo.records import (
    Checkpoint,
    Claim,
    Deviation,
    Inspection,
    LabelMap,
    LatencyRun,
    Outcome,
    Population,
    Recipe,
    Run,
    SampleAnswer,
    SampleRun,
    Source,
    Topic,
    Verdict,
)
from zoo.records.predictions import Predictions
from zoo.records.references import Reference
from zoo.records.statements import Statement
from zoo.rules import findings
from zoo.rules.findings import Finding

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
S = TypeVar("S", bound=Statement)


def grouped(items: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    """Items under their keys, both in the order of first sight."""
    groups: dict[K, list[T]] = {}
    for key, item in items:
        groups.setdefault(key, []).append(item)
    return groups


def why_not_run(error: str | None) -> str:
    """The first line of the error of a run that could not be made."""
    return next((line for line in (error or "").splitlines() if line.strip()), "no reason was kept")


@dataclass(frozen=True)
class Evidence:
    """Everything that is judged: stored runs, inspections and documents, never a framework, a weight or an image.

    tolerance: fraction added on both sides of a documented accuracy, None where what was measured of the image
    libraries holds (`tolerated`); margin, margin_quantised: by how much two runs may differ, as `Conditions` has them;
    answers: per-image answers of a run, or None where they were not kept; references: answers by which a run's images
    were drawn, or None where they were equally likely; deviations: what is accepted as explained;
    baseline: latencies of an earlier bench.
    """

    runs: Sequence[Run] = ()
    claims: Sequence[Claim] = ()
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    populations: Mapping[str, Population] = field(default_factory=dict)
    label_maps: Mapping[str, LabelMap] = field(default_factory=dict)
    answers: Callable[[Run], Predictions | None] = lambda run: None
    references: Callable[[Run], Reference | None] = lambda run: None
    tolerance: float | None = None
    margin: float = 0.001
    margin_quantised: float = 0.01
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    statements: Sequence[Statement] = ()
    deviations: Sequence[Deviation] = ()
    inspections: Sequence[Inspection] = ()
    latencies: Sequence[LatencyRun] = ()
    baseline: Sequence[LatencyRun] = ()
    samples: Sequence[SampleRun] = ()
    sample_answers: Sequence[SampleAnswer] = ()

    def claims_on(self, checkpoint: str, metric: str) -> list[Claim]:
        """Documented numbers of one checkpoint: its publishers' and their quoters', no reader's own measurement."""
        return [claim for claim in self.published() if claim.checkpoint == checkpoint and claim.metric == metric]

    def published(self) -> list[Claim]:
        """Claims that are not third parties' re-measurements."""
        return [claim for claim in self.claims if claim.by == "publisher"]

    def published_by_checkpoint(self) -> dict[str, list[Claim]]:
        """`published` by the id of the checkpoint, of those that are known."""
        return grouped((claim.checkpoint, claim) for claim in self.published() if claim.checkpoint in self.checkpoints)

    def tolerated(self, geometry: str, population: str, metric: str) -> Tolerance:
        """What is added on both sides of an accuracy, top1 or top5, over a population; geometry: "" if unknown."""
        if self.tolerance is not None:
            return Tolerance(self.tolerance)
        known = self.populations.get(population)
        images = known.images if known else library_differences.IMAGES
        return library_differences.load().of(geometry, population, metric, images)

    def claim(self, name: str) -> Claim | None:
        """The claim of this id."""
        return next((claim for claim in self.claims if claim.id == name), None)

    def stated(self, kind: type[S]) -> list[S]:
        """Statements of one kind."""
        return [statement for statement in self.statements if isinstance(statement, kind)]


class Rule(ABC):
    """One thing that can be judged. The docstring of a subclass is what a reader sees of it.

    id: family letter and three digits, unique; a rule to which nothing applies returns no verdict.
    topic, unit: as the rule's verdicts have them.
    """

    id: ClassVar[str]
    topic: ClassVar[Topic]
    unit: ClassVar[str] = ""

    @abstractmethod
    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """A verdict for every subject the rule applies to."""

    def verdict(
        self,
        subject: Run | LatencyRun | SampleRun | Inspection | str,
        outcome: Outcome,
        reason: str,
        *,
        claim: Claim | None = None,
        against: Run | LatencyRun | None = None,
        finding: Finding | None = None,
        **fields: Any,
    ) -> Verdict:
        """A verdict of this rule on a run or an inspection, or on anything else by its name.

        claim: the documented number that is judged; against: what a run is compared with; finding: what is wrong, of
        which class and size, where that does not follow from the numbers; fields: further ones of the verdict, which
        win over those that follow from the others.
        """
        own: dict[str, Any] = {"subject": subject} if isinstance(subject, str) else {
            "subject": subject.subject, "checkpoints": (subject.checkpoint,), "run": getattr(subject, "key", None),
        }  # fmt: skip
        if claim is not None:
            own |= {"claim_id": claim.id, "documented": claim.number()}
        if against is not None:
            own |= {"against": against.key}
        shared = {"rule": self.id, "topic": self.topic, "unit": self.unit, "outcome": outcome, "reason": reason}
        known = shared | own | fields
        finding = finding or findings.measured(
            outcome, known["topic"], known["unit"], known.get("documented"), known.get("measured"),
            alike=getattr(subject, "recipe", None) == getattr(against or subject, "recipe", None),
        )  # fmt: skip
        return Verdict(**(shared | own | (finding.fields() if finding else {}) | fields))

    @classmethod
    def name(cls) -> str:
        """What the class is called, as words: "same bytes"."""
        return " ".join(re.findall(r"[A-Z][a-z0-9]*", cls.__name__)).lower()

    @classmethod
    def message(cls) -> str:
        """What the rule demands, one paragraph."""
        return " ".join((cls.__doc__ or "").split())
