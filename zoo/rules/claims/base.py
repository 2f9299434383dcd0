"""What the rules on documents alone (rules C) share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar

from zoo.documents.formatting import quoted, with_unit
from zoo.records import Claim, Verdict
from zoo.records.statements import Statement
from zoo.rules.base import Rule
from zoo.rules.findings import Finding

MOST = 8  # texts in one sentence
_ROW = re.compile(r"\brow (?:of )?[^,]*(?:, )?")


class DocumentRule(Rule):
    """A rule over what is printed.

    remedy: what would settle a finding, where the rule says nothing nearer. about_checkpoints: whether a verdict is
    about the checkpoints of its claims; if not, it is about a document or a kind of network.
    """

    topic = "documents"
    remedy: ClassVar[str] = "the publisher says which figure stands"
    about_checkpoints: ClassVar[bool] = True

    def verdict_on(
        self,
        subject: str,
        finding: Finding | None,
        reason: str,
        claims: Sequence[Claim] = (),
        statements: Sequence[tuple[Statement, str]] = (),
        *,
        chance: Fraction | None = None,
        **fields: Any,
    ) -> Verdict:
        """A verdict on `subject`, with the printed texts of claims and of statements and their sources.

        finding: what is wrong; None where the rule holds. chance, fields: as `Rule.verdict` takes them.
        """
        texts = [quoted(claim) for claim in claims] + [stated(*pair) for pair in statements]
        sources = [claim.source for claim in claims] + [statement.source for statement, _ in statements]
        judged = claims if self.about_checkpoints or len(claims) == 1 else ()
        documents = {
            "sources": tuple(dict.fromkeys(sources)),
            "printed": tuple(dict.fromkeys(texts)),
            "checkpoints": tuple(dict.fromkeys(claim.checkpoint for claim in judged if claim.checkpoint)),
            "remedy": self.remedy if finding else "",
            "chance": None if chance is None else float(chance),
        }
        return self.verdict(
            subject,
            fields.pop("outcome", "fail" if finding else "pass"),
            reason,
            claim=claims[0] if len(claims) == 1 else None,
            finding=finding,
            **(documents | fields),
        )


def side_by_side(claims: Iterable[Claim]) -> str:
    """Printed texts, each once, the first few: "71.85 % / 70.20 %"."""
    return shortened(dict.fromkeys(with_unit(claim) for claim in claims), " / ")


def shortened(texts: Iterable[str], between: str) -> str:
    """The first MOST of some texts, and how many more there are: a sentence has to be read."""
    listed = list(texts)
    more = [f"{len(listed) - MOST} more"] if len(listed) > MOST else []
    return between.join([*listed[:MOST], *more])


def stated(statement: Statement, text: str) -> str:
    """What a statement says, and where."""
    where = f"{statement.source}: {statement.place}" if statement.place else statement.source
    return f"{text} ({where})"


def table(claim: Claim) -> str:
    """The table of its source a claim stands in: what its place says before the row."""
    return claim.place.partition("row ")[0].rstrip(", ") if "row " in claim.place else ""


def column(claim: Claim) -> str:
    """Its place without the row: two claims of one column have this in common."""
    return _ROW.sub("", claim.place)


def scale(claim: Claim) -> int:
    """How a share of 1 would be printed: 100 in percent, else 1."""
    return 100 if claim.unit.startswith("percent") else 1


def interval(claim: Claim) -> tuple[Fraction, Fraction]:
    """The lowest and the highest value that round to the printed text, in the unit of `exact`."""
    low, high = claim.exact_interval()
    return (low * 100, high * 100) if claim.is_accuracy else (low, high)


def one_value_fits(one: Claim, other: Claim) -> bool:
    """Whether one value can be behind both claims, each rounded as printed."""
    (low, high), (other_low, other_high) = interval(one), interval(other)
    return low <= other_high and other_low <= high


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
