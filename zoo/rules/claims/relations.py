"""Rules C: relations between numbers that a document states in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from zoo.documents import rounding
from zoo.documents.formatting import with_unit
from zoo.records import Claim, Verdict
from zoo.records.statements import Comparison, Quantised, Quoted, Within
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims.base import DocumentRule, decimal, exact, interval
from zoo.rules.claims.recipe_steps import kept_side
from zoo.rules.findings import Finding

METRICS = {"top1": "top-1", "top5": "top-5"}
_SIGNS = {"percent": "%", "fraction": ""}
BITS = Fraction(32, 8)  # of a float32 against an int8 value: what an int8 network can gain at most from its bits


class WithinLimit(DocumentRule):
    """Figures said to lie within some percent of another do so, as points or relative to it, within rounding.

    Where another document quotes the other figure differently, and the limit holds for that, the revision that is meant
    is not known.
    """

    id = "C501"
    remedy = "the limit that does hold, or the reference that was meant"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each figure that a limit is stated for."""
        for statement in evidence.stated(Within):
            reference = evidence.claim(statement.reference)
            for claim in (evidence.claim(name) for name in statement.claims):
                if claim is not None and reference is not None and exact(reference):  # of nothing there is no share
                    yield self._verdict(claim, reference, statement, evidence)

    def _verdict(self, claim: Claim, reference: Claim, statement: Within, evidence: Evidence) -> Verdict:
        limit, distance = Fraction(statement.limit), abs(exact(reference) - exact(claim))
        beyond = _beyond(claim, exact(reference), limit, _half(claim) + _half(reference))
        reason = f"{'more than' if beyond else 'within'} {statement.limit} % from {with_unit(reference)}"
        finding: Finding | None = None
        if beyond:
            finding = findings.points("contradiction", beyond)
            for quoted, value in _quoted(reference, evidence):
                if not _beyond(claim, value, limit, _half(claim) + _half_step(quoted)):
                    finding = findings.points("incomplete", beyond)
                    reason += f", but within it from {decimal(value)} %, as {quoted.source} quotes {quoted.document}"
        return self.verdict_on(
            f"{claim.id} against {reference.id}", finding, reason, [claim, reference],
            [(statement, f"at most {statement.limit} % away")],
            arithmetic=f"{decimal(exact(reference))} - {decimal(exact(claim))} = {decimal(distance)} points, "
            f"{float(distance / exact(reference) * 100):.2f} % of {decimal(exact(reference))}",
        )  # fmt: skip


def _beyond(claim: Claim, reference: Fraction, limit: Fraction, slack: Fraction) -> Fraction:
    """Points beyond the limit, read as points or relative to the reference, whichever allows more; 0 within it."""
    distance = abs(reference - exact(claim))
    allowed = max(limit, limit * reference / 100)
    return distance - allowed if distance - slack > allowed else Fraction(0)


def _quoted(reference: Claim, evidence: Evidence) -> Iterator[tuple[Quoted, Fraction]]:
    """Quotations of the figure, with the accuracy in percent that they amount to."""
    about = (reference.source, reference.metric, reference.alpha, reference.resolution)
    for each in evidence.stated(Quoted):
        if (each.document, each.metric, each.alpha, each.resolution) == about:
            yield each, _accuracy(each)


def _half_step(quotation: Quoted) -> Fraction:
    """Half of the last quoted digit, in points."""
    half = rounding.possible(quotation.value)[1] - Fraction(quotation.value)
    return half * (1 if quotation.unit == "percent" else 100)


def _accuracy(quotation: Quoted) -> Fraction:
    """What is quoted, as an accuracy in percent."""
    value = Fraction(quotation.value) * (1 if quotation.unit == "percent" else 100)
    return 100 - value if quotation.is_error else value


class QuantisedLoss(DocumentRule):
    """The loss by int8 is the printed one, and a gain in speed is not above the four that narrower numbers can give."""

    id = "C502"
    remedy = "the two figures from one session, with threads and batch"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each pair of a float and an int8 figure."""
        for statement in evidence.stated(Quantised):
            original, quantised = (evidence.claim(name) for name in (statement.original, statement.quantised))
            if original is None or quantised is None or not exact(original):
                continue
            if original.metric == "latency":
                yield self._speed(original, quantised)
            elif statement.drop is not None:
                yield self._drop(statement, original, quantised)

    def _drop(self, statement: Quantised, original: Claim, quantised: Claim) -> Verdict:
        drop = statement.drop or "0"
        lows, highs = zip(*(interval(each) for each in (original, quantised)), strict=True)
        least, most = 100 * (1 - highs[1] / lows[0]), 100 * (1 - lows[1] / highs[0])
        low, high = rounding.possible(drop)
        loss = 100 * (exact(original) - exact(quantised)) / exact(original)
        wrong = least > high or low > most
        missed = (loss - Fraction(drop)) / 100 * exact(original)  # in points of the accuracy
        return self.verdict_on(
            quantised.id, findings.points("contradiction", missed) if wrong else None,
            f"a loss of {drop} % is printed; the figures give {float(loss):.2f} %",
            [original, quantised], [(statement, f"decline ratio {drop} %")],
            arithmetic=f"({original.value} - {quantised.value}) / {original.value} = {float(loss):.3f} %",
        )  # fmt: skip

    def _speed(self, original: Claim, quantised: Claim) -> Verdict:
        gain = exact(original) / exact(quantised)
        reason = f"int8 is {float(gain):.1f} times as fast as float; numbers of a quarter of the bits explain {BITS}"
        return self.verdict_on(
            quantised.id, findings.plain("incomplete") if gain > BITS else None, reason,
            [original, quantised], arithmetic=f"{original.value} / {quantised.value} = {float(gain):.2f}",
        )  # fmt: skip


class Quotation(DocumentRule):
    """A figure quoted from another document stands there."""

    id = "C503"
    about_checkpoints = False
    remedy = "the table or the revision that was quoted"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each quotation."""
        for statement in evidence.stated(Quoted):
            there = [
                claim for claim in evidence.claims
                if claim.source == statement.document and claim.metric == statement.metric
                and (claim.alpha, claim.resolution) == (statement.alpha, statement.resolution)
            ]  # fmt: skip
            yield self._verdict(statement, there)

    def _verdict(self, statement: Quoted, there: Sequence[Claim]) -> Verdict:
        share = _accuracy(statement)
        half = _half_step(statement)
        holds = any(abs(share - exact(claim)) <= half + _half(claim) for claim in there)
        finding: Finding | None = findings.plain("incomplete")
        if there:
            nearest = min(abs(share - exact(claim)) for claim in there)
            finding = None if holds else findings.points("differs_between_documents", nearest)
        what = f"{METRICS[statement.metric]} {'error ' * statement.is_error}{statement.value} {_SIGNS[statement.unit]}"
        texts = " / ".join(with_unit(claim) for claim in there)
        has = f"which has {texts}" if there else f"of which no {METRICS[statement.metric]} is recorded"
        return self.verdict_on(
            statement.id, finding, f"{what.strip()} is quoted from {statement.document}, {has}", there,
            [(statement, what.strip())], arithmetic=f"{statement.value} as an accuracy is {decimal(share)} %",
        )  # fmt: skip


class ComparedAlike(DocumentRule):
    """Accuracies that one table prints beside each other were measured on the same part of each image, and rank
    their networks alike by top-1 and by top-5.
    """

    id = "C504"
    about_checkpoints = False
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
            top1, top5 = (
                exact(row[statement.framework, metric]) - exact(row[statement.other, metric]) for metric in METRICS
            )
            if top1 * top5 < 0:
                crossed.append(f"{pair[0].alpha:g} at {pair[0].resolution}")
                shown += [row[key] for key in sorted(row)]
        unlike = sorted(pair for pair in kept if None not in pair and len(set(pair)) > 1)
        parts = [f"top-1 and top-5 rank {len(crossed)} of {len(rows)} rows in opposite ways ({', '.join(crossed)})"] * (
            len(crossed) > 0
        )
        parts += [f"{statement.framework} and {statement.other} see different parts of the image"] * (len(unlike) > 0)
        sums = "; ".join(" against ".join(f"{float(end):.3f} of the side" for end in pair if end) for pair in unlike)
        return self.verdict_on(
            f"{statement.source}: {statement.framework} and {statement.other}",
            findings.plain("incomplete") if parts else None,
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
    by_column: list[dict[tuple[str, str], Claim]] = [
        {(claim.framework, claim.metric): claim for claim in row} for row in rows
    ]
    return [row for row in by_column if len(row) == 4]


def _kept(claim: Claim, evidence: Evidence) -> Fraction | None:
    checkpoint = evidence.checkpoints.get(claim.checkpoint)
    recipe = evidence.recipes.get(checkpoint.recipe) if checkpoint else None
    return kept_side(recipe) if recipe else None


def _half(claim: Claim) -> Fraction:
    """Half of the last printed digit, in percent for accuracies."""
    low, high = interval(claim)
    return (high - low) / 2
