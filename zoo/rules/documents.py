"""What the rules on documents alone (rules C) share."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, TypeVar

from zoo.records import Claim, Verdict
from zoo.rules.base import Rule
from zoo.statements import Statement
from zoo.wording import quoted

T = TypeVar("T")
_ROW = re.compile(r"\brow (?:of )?[^,]*(?:, )?")


class DocumentRule(Rule):
    """A rule over what is printed. remedy: what would settle a finding, where the rule says nothing nearer."""

    remedy: ClassVar[str] = "the publisher says which figure stands"

    def found(
        self,
        subject: str,
        holds: bool,
        reason: str,
        claims: Sequence[Claim] = (),
        statements: Sequence[tuple[Statement, str]] = (),
        arithmetic: str = "",
        remedy: str = "",
    ) -> Verdict:
        """A verdict on `subject`, with the printed texts of claims and of statements and their sources."""
        texts = [quoted(claim) for claim in claims] + [stated(*pair) for pair in statements]
        sources = [claim.source for claim in claims] + [statement.source for statement, _ in statements]
        return Verdict(
            rule=self.id,
            subject=subject,
            outcome="pass" if holds else "fail",
            claim_id=claims[0].id if len(claims) == 1 else None,
            documented=claims[0].number() if len(claims) == 1 else None,
            reason=reason,
            sources=tuple(dict.fromkeys(sources)),
            printed=tuple(dict.fromkeys(texts)),
            arithmetic=arithmetic,
            remedy="" if holds else remedy or self.remedy,
        )


def stated(statement: Statement, text: str) -> str:
    """What a statement says, and where."""
    where = f"{statement.source}: {statement.place}" if statement.place else statement.source
    return f"{text} ({where})"


def grouped(items: Iterable[tuple[Hashable, T]]) -> dict[Hashable, list[T]]:
    """Items under their keys, both in the order of first sight."""
    groups: dict[Hashable, list[T]] = {}
    for key, item in items:
        groups.setdefault(key, []).append(item)
    return groups


def table(claim: Claim) -> str:
    """The table of its source a claim stands in: what its place says before the row."""
    return claim.place.partition("row ")[0].rstrip(", ") if "row " in claim.place else ""


def column(claim: Claim) -> str:
    """Its place without the row: two claims of one column have this in common."""
    return _ROW.sub("", claim.place)


def scale(claim: Claim) -> int:
    """What a share of 1 is printed as."""
    return 100 if claim.unit.startswith("percent") else 1


def agree(one: Claim, other: Claim) -> bool:
    """Whether one value can be behind both claims, each rounded as printed."""
    low, high = one.exact_interval()
    other_low, other_high = other.exact_interval()
    return low <= other_high and other_low <= high


def conflicts(claims: Sequence[Claim]) -> list[tuple[Claim, Claim]]:
    """Pairs of claims that one value cannot be behind, equal texts named once."""
    distinct = list({(claim.value, claim.unit): claim for claim in reversed(claims)}.values())[::-1]
    return [
        (one, other) for index, one in enumerate(distinct) for other in distinct[index + 1 :] if not agree(one, other)
    ]


def exact(claim: Claim) -> Fraction:
    """The printed number; accuracies in percent, also where an error is printed."""
    if not claim.is_accuracy:
        return Fraction(claim.value)
    share = Fraction(claim.value) / scale(claim)
    return 100 * (1 - share if claim.is_error else share)


def gap(one: Claim, other: Claim) -> str:
    """The difference of two claims as arithmetic: "71.878 - 71.81 = 0.068"."""
    high, low = sorted((exact(one), exact(other)), reverse=True)
    unit = "points" if one.is_accuracy else one.unit
    return f"{decimal(high)} - {decimal(low)} = {decimal(high - low)} {unit}"


def decimal(value: Fraction, digits: int = 6) -> str:
    """A number without needless zeros."""
    text = f"{float(value):.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def first_of(claims: Sequence[Claim], order: Mapping[str, object]) -> str:
    """The checkpoint that comes first in the zoo among those the claims are about."""
    names = {claim.checkpoint for claim in claims}
    return next((name for name in order if name in names), min(names))
