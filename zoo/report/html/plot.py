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
from zoo.report.html.axes import Axis, Span, Ticks
from zoo.report.verdict_rows import by_id, claim_of, is_accuracy

_MARGIN = 6.0  # percent of the width kept free at both ends
_FAR = 4.0  # a row that reaches further than this many medians is drawn as an arrow at the edge


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
    ticks: Ticks


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
    axis = Axis(-bound, bound, _MARGIN, 100 - _MARGIN)
    groups: dict[str, list[Point]] = {}
    for verdict, claim, deltas in found:
        publisher = text.one_line(verdict.subject.partition("/")[0])
        groups.setdefault(publisher, []).append(_point(verdict, claim, deltas, axis))
    return Plot(groups=tuple((name, tuple(points)) for name, points in groups.items()), ticks=_ticks(axis))


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


def _point(verdict: Verdict, claim: Claim | None, deltas: _Deltas, axis: Axis) -> Point:
    beyond = "" if abs(deltas.measured) <= axis.high else "left" if deltas.measured < 0 else "right"
    return Point(
        verdict=verdict,
        claim=claim,
        documented=axis.span(*deltas.printed),
        tolerated=axis.span(*deltas.tolerated),
        interval=axis.span(*deltas.interval) if deltas.interval else None,
        mark=axis.at(deltas.measured),
        beyond=beyond,
        difference=text.points(deltas.measured),
    )


def _ticks(axis: Axis) -> Ticks:
    decimals = max(0, 1 - math.floor(math.log10(axis.high * 100)))
    deltas = (axis.low, axis.low / 2, 0.0, axis.high / 2, axis.high)
    return tuple((axis.at(delta), f"{delta * 100:+.{decimals}f}" if delta else "0") for delta in deltas)
