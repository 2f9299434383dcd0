"""`zoo audit`: what the documents alone give away. No framework, no file of weights, no image, no network."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.errors import UsageError, known_names
from zoo.judge import CLAIM_RULES, judge
from zoo.manifest import Zoo
from zoo.report.audit import Audit
from zoo.rules.base import Evidence, Rule


def audit(zoo: Zoo, prefixes: Sequence[str] = ()) -> Audit:
    """Verdicts of the rules C, or of those whose ids begin with one of `prefixes`, over all documents of a zoo.

    Raises UsageError for a prefix that no rule has.
    """
    rules = select(prefixes)
    return Audit(
        zoo=zoo.name,
        verdicts=tuple(judge(evidence_of(zoo), rules)),
        sources=zoo.sources,
        messages={rule.id: rule.message() for rule in rules},
    )


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
    for prefix in prefixes:
        if not any(rule.id.startswith(prefix) for rule in CLAIM_RULES):
            ids = [rule.id for rule in CLAIM_RULES]
            raise UsageError(
                f"--rules: no rule's id begins with {prefix!r}; {known_names(prefix, ids, limit=len(ids))}"
            )
    return [rule for rule in CLAIM_RULES if not prefixes or rule.id.startswith(tuple(prefixes))]
