"""The order of findings: by the class and the size that the rules gave them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from zoo.records import FindingClass, SizeUnit, Verdict
from zoo.report import text

CLASSES: tuple[FindingClass, ...] = get_args(FindingClass)  # the most serious first
UNITS: tuple[SizeUnit, ...] = get_args(SizeUnit)  # an accuracy is what a checkpoint is chosen by
UNIT_TITLES: dict[SizeUnit, str] = {"points": "accuracies", "percent": "file sizes and counts"}
MEANINGS: dict[FindingClass, str] = {
    "contradiction": "two statements about one thing under the same conditions, of which one is wrong",
    "cannot_be": "a number that no measurement of the kind can give",
    "differs_between_documents": "documents differ about one thing, and may have meant different conditions",
    "incomplete": "what is printed does not suffice to know what the number is",
    "unit_or_rounding": "the number is right under another unit, or cut off instead of rounded",
}
LARGEST = 10


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many findings of one class a rule has. habit: of one common slip alone; accepted: of them as explained."""

    finding_class: FindingClass | None
    rule: str
    habit: str
    findings: int
    accepted: int
    largest: Verdict | None


def sorted_by_importance(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Common slips last, then by class, accuracies before sizes, the largest first."""
    return sorted(verdicts, key=_order)


def _order(verdict: Verdict) -> tuple[object, ...]:
    rank = CLASSES.index(verdict.finding_class) if verdict.finding_class else len(CLASSES)
    unit = UNITS.index(verdict.size_unit) if verdict.size_unit else len(UNITS)
    return verdict.habit != "", rank, unit, -(verdict.size or 0)


def counts(verdicts: Iterable[Verdict]) -> list[Count]:
    """One for each class, rule and habit that occurs, in the order of importance of the largest."""
    groups: dict[tuple[FindingClass | None, str, str], list[Verdict]] = {}
    for verdict in sorted_by_importance(verdicts):
        groups.setdefault((verdict.finding_class, verdict.rule, verdict.habit), []).append(verdict)
    return [
        Count(
            finding_class=kind, rule=rule, habit=habit,
            findings=sum(each.outcome != "known" for each in group),
            accepted=sum(each.outcome == "known" for each in group),
            largest=group[0] if group[0].size is not None else None,
        )
        for (kind, rule, habit), group in groups.items()
    ]  # fmt: skip


def by_class(found: Iterable[Count]) -> dict[FindingClass, list[Count]]:
    """Counts of each class that occurs, the most serious class first."""
    counted = list(found)
    groups = {kind: [each for each in counted if each.finding_class == kind] for kind in CLASSES}
    return {kind: group for kind, group in groups.items() if group}


def largest(verdicts: Iterable[Verdict], unit: SizeUnit) -> list[Verdict]:
    """The ten largest of one unit, whatever their class; common slips last."""
    sized = [verdict for verdict in verdicts if verdict.size_unit == unit]
    return sorted(sized, key=lambda each: (each.habit != "", -(each.size or 0)))[:LARGEST]


def size(verdict: Verdict | None) -> str:
    """ "1.65 points", "71.3 %"; nothing where no number is wrong by a known amount."""
    if verdict is None or verdict.size is None or verdict.size_unit is None:
        return ""
    number = f"{verdict.size:,.0f}" if verdict.size >= 1000 else f"{verdict.size:.3g}"
    return f"{number} {'points' if verdict.size_unit == 'points' else '%'}"


def class_name(kind: FindingClass | None) -> str:
    """ "cannot be"."""
    return text.outcome_name(kind) if kind else text.ABSENT


def remark(verdict: Verdict) -> str:
    """Class and size in a few words: "contradiction, 1.65 points"."""
    return ", ".join(part for part in (class_name(verdict.finding_class), size(verdict)) if part)


def habits(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """Common slips by their name, the largest first."""
    found: dict[str, list[Verdict]] = {}
    for verdict in sorted_by_importance(verdicts):
        if verdict.habit:
            found.setdefault(verdict.habit, []).append(verdict)
    return found
