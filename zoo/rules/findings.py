"""How serious a finding is: its class, and the error of a reader who trusts the document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import get_args

from zoo.records import Claim, FindingClass, Outcome, SizeUnit, Topic

COMPARED: frozenset[Topic] = frozenset({"same_answers", "image_by_image"})  # rules on two runs that should agree
DIGITS = 6  # of a size, after the point: more is arithmetic, not knowledge


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Class and size, as the fields of a verdict have them.

    habit: what a slip is called that is so common that it is listed last.
    """

    finding_class: FindingClass
    size: Fraction | None = None
    unit: SizeUnit | None = None
    habit: str = ""

    def fields(self) -> dict[str, object]:
        """The fields of a verdict."""
        size = None if self.size is None else round(float(self.size), DIGITS)
        return {"finding_class": self.finding_class, "size": size, "size_unit": self.unit, "habit": self.habit}


def plain(kind: FindingClass) -> Finding:
    """One that makes no number wrong by a known amount."""
    return Finding(finding_class=kind)


def points(kind: FindingClass, difference: Fraction) -> Finding:
    """difference: percentage points of an accuracy; its sign does not matter."""
    return Finding(finding_class=kind, size=abs(difference), unit="points")


def percent(kind: FindingClass, stated: Fraction, true: Fraction, *, habit: str = "") -> Finding:
    """How far a size or a count that is stated is from the true one, in percent of the true one; of 0 nothing is."""
    if not true:
        return plain(kind)
    return Finding(finding_class=kind, size=abs(stated - true) / abs(true) * 100, unit="percent", habit=habit)


def between(kind: FindingClass, one: Claim, other: Claim, gap: Fraction) -> Finding:
    """Two claims of one metric that are `gap` apart, in percent of the smaller where they are counts."""
    if one.is_accuracy:
        return points(kind, gap)
    smaller = min(Fraction(one.value), Fraction(other.value))
    return percent(kind, smaller + gap, smaller)


def measured(
    outcome: Outcome, topic: Topic, unit: str, stated: float | None, found: float | None, *, alike: bool
) -> Finding | None:
    """What follows of a measurement alone: a number that is refuted, or two runs that fail to agree; else None.

    stated, found: what was documented and measured, in `unit` as `Verdict.unit` has it; a difference that is not
    documented should be none. alike: whether what is compared was measured under the same conditions.
    """
    if outcome != "refuted" and not (outcome == "fail" and topic in COMPARED):
        return None
    kind: FindingClass = "contradiction" if alike else "differs_between_documents"
    if unit == "points" and stated is None:
        stated = 0.0
    if unit not in ("fraction", "points") or stated is None or found is None:
        return plain(kind)
    return points(kind, (Fraction(found) - Fraction(stated)) * 100)


def gravest(kinds: Iterable[FindingClass]) -> FindingClass:
    """The most serious of some classes; at least one is needed."""
    return min(kinds, key=get_args(FindingClass).index)
