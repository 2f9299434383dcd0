"""Rules C: plain words that documents use of one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from zoo.documents import counting
from zoo.records import FindingClass, Verdict
from zoo.records.statements import Fact
from zoo.rules.base import Evidence
from zoo.rules.claims import findings
from zoo.rules.claims.base import DocumentRule, grouped


class OneAnswer(DocumentRule):
    """Documents say one thing of one subject, and it is what the checkpoint's own record shows."""

    id = "C801"
    remedy = "the file itself, looked into with its framework, or the code that wrote it"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each question that two documents, or a document and a record, answer."""
        facts = evidence.stated(Fact)
        for group in grouped(((fact.subject, fact.topic), fact) for fact in facts).values():
            known = KNOWN[group[0].topic](group[0].subject, evidence) if group[0].topic in KNOWN else None
            if len(group) > 1 or known is not None:
                yield self._verdict(group, known)

    def _verdict(self, group: Sequence[Fact], known: str | None) -> Verdict:
        fact = group[0]
        answers = dict.fromkeys(each.value for each in group)
        said = " / ".join(answers)
        recorded = f"; recorded: {known}" if known is not None else ""
        holds = len(answers) == 1 and known in (None, fact.value)
        values = [*answers, *([known] if known is not None and known not in answers else [])]
        one_document = len({each.source for each in group}) == 1 and len(answers) > 1
        kind: FindingClass = "contradiction" if one_document else "differs_between_documents"
        return self.found(
            f"{fact.subject}: {fact.topic}", None if holds else findings.plain(kind), f"{said}{recorded}",
            statements=[(each, f"{each.topic.replace('_', ' ')}: {each.value}") for each in group],
            arithmetic=" against ".join(map(repr, values)) if not holds else "",
        )  # fmt: skip


def _outputs(subject: str, evidence: Evidence) -> str | None:
    checkpoint = evidence.checkpoints.get(subject)
    label_map = evidence.label_maps.get(checkpoint.label_map) if checkpoint else None
    return str(label_map.outputs) if label_map else None


def _activation(subject: str, evidence: Evidence) -> str | None:
    checkpoint = evidence.checkpoints.get(subject)
    return counting.layers(checkpoint.network).activation if checkpoint and checkpoint.network else None


def _batch(subject: str, evidence: Evidence) -> str | None:
    checkpoint = evidence.checkpoints.get(subject)
    if checkpoint is None or checkpoint.input is None:
        return None
    first = checkpoint.input.shape[0]
    return "any" if first == -1 else str(first)


def _output_name(subject: str, evidence: Evidence) -> str | None:
    checkpoint = evidence.checkpoints.get(subject)
    return checkpoint.output.name if checkpoint and checkpoint.output else None


def _checkpoints(subject: str, evidence: Evidence) -> str | None:
    count = sum(name.partition("/")[0] == subject for name in evidence.checkpoints)
    return str(count) if count else None


# What a checkpoint's own record answers.
KNOWN: dict[str, Callable[[str, Evidence], str | None]] = {
    "outputs": _outputs,
    "activation": _activation,
    "batch": _batch,
    "output_name": _output_name,
    "checkpoints": _checkpoints,
}
