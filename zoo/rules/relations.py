"""Rules C: relations between numbers that a document states in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from zoo import printed
from zoo.records import CentralFraction, CentreCrop, Claim, Recipe, ResizeExact, ResizeShort, Verdict
from zoo.rules.base import Evidence
from zoo.rules.documents import DocumentRule, decimal, exact, grouped
from zoo.statements import Comparison, Quantised, Quoted, Within
from zoo.wording import with_unit

BITS = Fraction(32, 8)  # of a float32 against an int8 value: what an int8 network can gain at most from its bits


class WithinLimit(DocumentRule):
    """Figures said to lie within some percent of another do so, as points or relative to it, within rounding."""

    id = "C501"
    remedy = "the limit that does hold, or the reference that was meant"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each figure that a limit is stated for."""
        for statement in evidence.stated(Within):
            reference = evidence.claim(statement.reference)
            for claim in (evidence.claim(name) for name in statement.claims):
                if claim is None or reference is None:
                    continue
                points = abs(exact(reference) - exact(claim))
                slack = sum((_half(each) for each in (claim, reference)), Fraction(0))
                limit = Fraction(statement.limit)
                relative = points / exact(reference) * 100
                holds = min(points - slack, (points - slack) / exact(reference) * 100) <= limit
                reason = f"{'within' if holds else 'more than'} {statement.limit} % from {with_unit(reference)}"
                yield self.found(
                    f"{claim.id} against {reference.id}", holds, reason, [claim, reference],
                    [(statement, f"at most {statement.limit} % away")],
                    arithmetic=f"{decimal(exact(reference))} - {decimal(exact(claim))} = {decimal(points)} points, "
                    f"{float(relative):.2f} % of {decimal(exact(reference))}",
                )  # fmt: skip


class QuantisedLoss(DocumentRule):
    """The loss by int8 is the printed one, and a gain in speed is not above the four that narrower numbers can give."""

    id = "C502"
    remedy = "the two figures from one session, with threads and batch"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each pair of a float and an int8 figure."""
        for statement in evidence.stated(Quantised):
            original, quantised = (evidence.claim(name) for name in (statement.original, statement.quantised))
            if original is None or quantised is None:
                continue
            if original.metric == "latency":
                yield self._speed(original, quantised)
            elif statement.drop is not None:
                yield self._drop(statement, original, quantised)

    def _drop(self, statement: Quantised, original: Claim, quantised: Claim) -> Verdict:
        drop = statement.drop or "0"
        lows, highs = zip(*(_ends(each) for each in (original, quantised)), strict=True)
        least, most = 100 * (1 - highs[1] / lows[0]), 100 * (1 - lows[1] / highs[0])
        low, high = printed.possible(drop)
        loss = 100 * (exact(original) - exact(quantised)) / exact(original)
        return self.found(
            quantised.id, least <= high and low <= most,
            f"a loss of {drop} % is printed; the figures give {float(loss):.2f} %",
            [original, quantised], [(statement, f"decline ratio {drop} %")],
            arithmetic=f"({original.value} - {quantised.value}) / {original.value} = {float(loss):.3f} %",
        )  # fmt: skip

    def _speed(self, original: Claim, quantised: Claim) -> Verdict:
        gain = exact(original) / exact(quantised)
        return self.found(
            quantised.id, gain <= BITS, f"int8 is {float(gain):.1f} times as fast as float; its bits explain {BITS}",
            [original, quantised], arithmetic=f"{original.value} / {quantised.value} = {float(gain):.2f}",
        )  # fmt: skip


class Quotation(DocumentRule):
    """A figure quoted from another document stands there."""

    id = "C503"
    remedy = "the table or the revision that was quoted"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each quotation."""
        for statement in evidence.stated(Quoted):
            there = [
                claim for claim in evidence.claims
                if claim.source == statement.document and claim.metric == statement.metric
                and (claim.alpha, claim.resolution) == (statement.alpha, statement.resolution)
            ]  # fmt: skip
            hundred = 100 if statement.unit == "percent" else 1
            value = Fraction(statement.value) / hundred
            share = 1 - value if statement.is_error else value
            half = printed.possible(statement.value)[1] / hundred - value
            holds = any(abs(share - exact(claim) / 100) <= half + _half(claim) / 100 for claim in there)
            what = f"{statement.metric} {'error ' * statement.is_error}{statement.value} %"
            found = " / ".join(with_unit(claim) for claim in there) or f"no {statement.metric}"
            yield self.found(
                statement.id, holds, f"{what} is quoted from {statement.document}, which has {found}", there,
                [(statement, what)], arithmetic=f"{statement.value} as an accuracy is {decimal(share * 100)} %",
            )  # fmt: skip


class ComparedAlike(DocumentRule):
    """Accuracies that one table prints beside each other were measured on the same part of each image, and rank
    their networks alike by top-1 and by top-5.
    """

    id = "C504"
    remedy = "both columns with one recipe"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each comparison, over all its rows."""
        for statement in evidence.stated(Comparison):
            rows = _rows(statement, evidence)
            if rows:
                yield self._verdict(statement, rows, evidence)

    def _verdict(
        self, statement: Comparison, rows: Sequence[dict[tuple[str, str], Claim]], evidence: Evidence
    ) -> Verdict:
        kept: set[tuple[Fraction | None, ...]] = set()
        crossed, shown = [], []
        for row in rows:
            pair = [row[statement.framework, "top1"], row[statement.other, "top1"]]
            kept.add(tuple(_kept(claim, evidence) for claim in pair))
            signs = [
                _sign(exact(row[statement.framework, metric]) - exact(row[statement.other, metric]))
                for metric in ("top1", "top5")
            ]
            if signs[0] * signs[1] < 0:
                crossed.append(f"{pair[0].alpha:g} at {pair[0].resolution}")
                shown += [row[key] for key in sorted(row)]
        unlike = sorted(pair for pair in kept if None not in pair and len(set(pair)) > 1)
        parts = [f"top-1 and top-5 rank {len(crossed)} of {len(rows)} rows in opposite ways ({', '.join(crossed)})"] * (
            len(crossed) > 0
        )
        parts += [f"{statement.framework} and {statement.other} see different parts of the image"] * (len(unlike) > 0)
        sums = "; ".join(" against ".join(f"{float(end):.3f} of the side" for end in pair if end) for pair in unlike)
        return self.found(
            f"{statement.source}: {statement.framework} and {statement.other}", not parts,
            "; ".join(parts) or f"{len(rows)} rows measured alike", shown or list(rows[0].values()), arithmetic=sums,
        )  # fmt: skip


def _rows(statement: Comparison, evidence: Evidence) -> list[dict[tuple[str, str], Claim]]:
    """The complete rows of a comparison: (framework, metric) -> claim."""
    frameworks = (statement.framework, statement.other)
    claims = [
        claim for claim in evidence.published()
        if claim.source == statement.source and claim.is_accuracy
        and claim.framework in frameworks and "row " in claim.place
    ]  # fmt: skip
    rows = grouped(((claim.alpha, claim.resolution), claim) for claim in claims).values()
    found: list[dict[tuple[str, str], Claim]] = [
        {(claim.framework, claim.metric): claim for claim in row} for row in rows
    ]
    return [row for row in found if len(row) == 4]


def _kept(claim: Claim, evidence: Evidence) -> Fraction | None:
    checkpoint = evidence.checkpoints.get(claim.checkpoint)
    recipe = evidence.recipes.get(checkpoint.recipe) if checkpoint else None
    return kept_side(recipe) if recipe else None


def kept_side(recipe: Recipe) -> Fraction | None:
    """The share of an image's short side that a recipe's crop keeps; None where it is not one number."""
    share, short = Fraction(1), None
    for step in recipe.geometry.steps:
        if isinstance(step, CentralFraction):
            share *= Fraction(str(step.fraction))
        elif isinstance(step, ResizeShort | ResizeExact):
            short = step.size
        elif isinstance(step, CentreCrop):
            share = share * step.size / short if short else share
    return share


def _half(claim: Claim) -> Fraction:
    """Half of the last printed digit, in percent for accuracies."""
    low, high = _ends(claim)
    return (high - low) / 2


def _ends(claim: Claim) -> tuple[Fraction, Fraction]:
    factor = 100 if claim.is_accuracy else 1
    low, high = claim.exact_interval()
    return low * factor, high * factor


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)
