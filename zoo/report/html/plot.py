"""The plot of measured against documented accuracies: positions in percent of its width.

The axis is measured minus documented, in percentage points, so that claims of any height share one scale.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from zoo.records import Claim, Report, Verdict
from zoo.report import text
from zoo.report.rows import by_id, claim_of, is_accuracy

_MARGIN = 6.0  # percent of the width kept free at both ends
_FAR = 4.0  # a row that reaches further than this many medians is drawn as an arrow at the edge


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of the axis: where it begins and how wide it is, in percent of the width."""

    x: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Point:
    """One claim. mark: where the measured value lies; beyond: "left" or "right" if off the axis."""

    verdict: Verdict
    claim: Claim | None
    documented: Span
    tolerated: Span
    interval: Span | None
    mark: float
    beyond: str
    difference: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """points: by publisher, in the order of the verdicts; ticks: (position, label)."""

    groups: tuple[tuple[str, tuple[Point, ...]], ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, kw_only=True)
class _Deltas:
    """Distances from the documented value, as fractions; printed: what rounds to the printed text."""

    measured: float
    printed: tuple[float, float]
    tolerated: tuple[float, float]
    interval: tuple[float, float] | None

    def reach(self) -> float:
        ends: tuple[float, ...] = (self.measured, *self.tolerated, *(self.interval or ()))
        return max(map(abs, ends))


def claim_plot(report: Report, claims: Sequence[Claim]) -> Plot | None:
    """The plot of all measured verdicts on documented accuracies; None where there are none."""
    known = by_id(claims)
    found = [
        (verdict, claim, deltas)
        for verdict in report.verdicts
        if is_accuracy(verdict, claim := claim_of(verdict, known))
        and (deltas := _deltas(verdict, claim, report.conditions.tolerance))
    ]
    if not found:
        return None
    bound = axis_bound([deltas.reach() for _, _, deltas in found])
    groups: dict[str, list[Point]] = {}
    for verdict, claim, deltas in found:
        publisher = text.one_line(verdict.subject.partition("/")[0])
        groups.setdefault(publisher, []).append(_point(verdict, claim, deltas, bound))
    return Plot(groups=tuple((name, tuple(points)) for name, points in groups.items()), ticks=_ticks(bound))


def axis_bound(reaches: Sequence[float]) -> float:
    """Half the length of the axis, as a fraction: 1, 2 or 5 times a power of ten that holds all but outliers.

    >>> axis_bound([0.001, 0.0012, 0.0018])
    0.002
    """
    wanted = max(1e-6, min(max(reaches), _FAR * statistics.median(reaches)))
    exponent = math.floor(math.log10(wanted))
    steps = [float(f"{digit}e{exponent + more}") for more in (0, 1) for digit in (1, 2, 5)]
    return min(step for step in steps if step >= wanted * (1 - 1e-9))


def _deltas(verdict: Verdict, claim: Claim | None, tolerance: float) -> _Deltas | None:
    centre = claim.number() if claim else verdict.documented
    numbers = [value for value in (centre, verdict.measured) if value is not None and math.isfinite(value)]
    if len(numbers) < 2:
        return None
    centre, measured = numbers
    low, high = claim.interval() if claim else (centre, centre)
    interval = None
    if verdict.low is not None and verdict.high is not None:
        interval = (verdict.low - centre, verdict.high - centre)
    return _Deltas(
        measured=measured - centre,
        printed=(low - centre, high - centre),
        tolerated=(low - centre - tolerance, high - centre + tolerance),
        interval=interval if interval and all(map(math.isfinite, interval)) else None,
    )


def _point(verdict: Verdict, claim: Claim | None, deltas: _Deltas, bound: float) -> Point:
    beyond = "" if abs(deltas.measured) <= bound else "left" if deltas.measured < 0 else "right"
    return Point(
        verdict=verdict,
        claim=claim,
        documented=_span(deltas.printed, bound),
        tolerated=_span(deltas.tolerated, bound),
        interval=_span(deltas.interval, bound) if deltas.interval else None,
        mark=_position(deltas.measured, bound),
        beyond=beyond,
        difference=text.points(deltas.measured),
    )


def _position(delta: float, bound: float) -> float:
    clipped = min(max(delta, -bound), bound)
    return round(50 + clipped / bound * (50 - _MARGIN), 2)


def _span(ends: tuple[float, float], bound: float) -> Span:
    left, right = (_position(end, bound) for end in ends)
    return Span(x=left, width=round(right - left, 2))


def _ticks(bound: float) -> tuple[tuple[float, str], ...]:
    deltas = (-bound, -bound / 2, 0.0, bound / 2, bound)
    decimals = max(0, 1 - math.floor(math.log10(bound * 100)))
    labels = (f"{delta * 100:+.{decimals}f}" if delta else "0" for delta in deltas)
    return tuple((_position(delta, bound), label) for delta, label in zip(deltas, labels, strict=True))
