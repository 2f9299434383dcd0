"""Rules C: plain words that documents use of one thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.documents import counting
from zoo.records import FindingClass, Verdict
from zoo.records.statements import Fact
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims.base import DocumentRule


class OneAnswer(DocumentRule):
    """Documents say one thing of one subject, and it is what the checkpoint's own record shows."""

    id = "C801"
    remedy = "the file itself, looked into with its framework, or the code that wrote it"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each question that two documents, or a document and a record, answer."""
        facts = evidence.stated(Fact)
        for group in grouped(((fact.subject, fact.topic), fact) for fact in facts).values():
            known = recorded(group[0].subject, group[0].topic, evidence)
            if len(group) > 1 or known is not None:
                yield self._verdict(group, known, evidence)

    def _verdict(self, group: Sequence[Fact], known: str | None, evidence: Evidence) -> Verdict:
        fact = group[0]
        answers = dict.fromkeys(each.value for each in group)
        by_record = f"; recorded: {known}" if known is not None else ""
        values = list(dict.fromkeys([*answers, *([known] if known is not None else [])]))
        holds = len(values) == 1
        one_document = len({each.source for each in group}) == 1 and len(answers) > 1
        kind: FindingClass = "contradiction" if one_document else "differs_between_documents"
        return self.verdict_on(
            f"{fact.subject}: {fact.topic}",
            None if holds else findings.plain(kind),
            " / ".join(answers) + by_record,
            statements=[(each, f"{each.topic.replace('_', ' ')}: {each.value}") for each in group],
            arithmetic=" against ".join(map(repr, values)) if not holds else "",
            checkpoints=(fact.subject,) if fact.subject in evidence.checkpoints else (),
        )  # fmt: skip


def recorded(subject: str, topic: str, evidence: Evidence) -> str | None:
    """What a checkpoint's own record answers, or the zoo itself on how many checkpoints a publisher has; else None."""
    if topic == "checkpoints":
        count = sum(name.partition("/")[0] == subject for name in evidence.checkpoints)
        return str(count) if count else None
    checkpoint = evidence.checkpoints.get(subject)
    if checkpoint is None:
        return None
    if topic == "outputs" and checkpoint.label_map in evidence.label_maps:
        return str(evidence.label_maps[checkpoint.label_map].outputs)
    if topic == "activation" and checkpoint.network:
        return str(counting.layers(checkpoint.network).activation)
    if topic == "batch" and checkpoint.input:
        return "any" if checkpoint.input.shape[0] == -1 else str(checkpoint.input.shape[0])
    return checkpoint.output.name if topic == "output_name" and checkpoint.output else None
