"""`zoo audit`: judges documents, and the published files on this machine. It reads no image and runs no network."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace

from zoo.checkpoints import inspections
from zoo.documents.load import Zoo
from zoo.errors import UsageError, known_names
from zoo.records import Inspection, Verdict
from zoo.report.audit import Audit
from zoo.rules.base import Evidence, Rule
from zoo.rules.claims.causes import possible_causes
from zoo.rules.judge import CLAIM_RULES, FILE_RULES, judge


def audit(zoo: Zoo, prefixes: Sequence[str] = (), files: Sequence[Inspection] = ()) -> Audit:
    """Verdicts of the rules C over all documents of a zoo, and of the rules P and S over `files` (see `look`).

    prefixes: only rules whose ids begin with one of these. Without files the verdicts are the same on every machine.
    Raises UsageError for a prefix that no rule has.
    """
    rules = [rule for rule in select(prefixes) if files or rule not in FILE_RULES]
    evidence = replace(evidence_of(zoo), inspections=files)
    verdicts = tuple(judge(evidence, rules))
    causes = {(each.rule, each.subject): possible_causes(each, evidence) for each in verdicts}
    return Audit(
        zoo=zoo.name,
        verdicts=verdicts,
        sources=zoo.sources,
        messages={rule.id: rule.message() for rule in rules},
        names={rule.id: rule.name() for rule in rules},
        causes={key: found for key, found in causes.items() if found},
    )


def look(zoo: Zoo, prefixes: Sequence[str], say: Callable[[str], None]) -> tuple[Inspection, ...]:
    """The published files that are on this machine, if a chosen rule asks for any; `say` is told how many."""
    if not set(select(prefixes)) & set(FILE_RULES):
        return ()
    looked_at = inspections.look(zoo, say)
    if looked_at.checkpoints:
        say(looked_at.sentence())
    return looked_at.inspections


def about(zoo: Zoo, checkpoints: Container[str]) -> tuple[Verdict, ...]:
    """Findings about some of a zoo's checkpoints, what matters first."""
    findings = audit(zoo).findings()
    return tuple(verdict for verdict in findings if any(name in checkpoints for name in verdict.checkpoints))


def evidence_of(zoo: Zoo) -> Evidence:
    """Everything a zoo's data files say; no run."""
    return Evidence(
        claims=list(zoo.claims.values()),
        checkpoints=zoo.checkpoints,
        populations=zoo.populations,
        label_maps=zoo.label_maps,
        recipes=zoo.recipes,
        sources=zoo.sources,
        statements=list(zoo.statements.values()),
        deviations=list(zoo.deviations.values()),
    )


def select(prefixes: Sequence[str]) -> list[Rule]:
    """Rules by the beginnings of their ids; all where none is asked for."""
    rules = (*CLAIM_RULES, *FILE_RULES)
    for prefix in prefixes:
        if not any(rule.id.startswith(prefix) for rule in rules):
            ids = [rule.id for rule in rules]
            raise UsageError(
                f"--rules: no rule's id begins with {prefix!r}; {known_names(prefix, ids, limit=len(ids))}"
            )
    return [rule for rule in rules if not prefixes or rule.id.startswith(tuple(prefixes))]
