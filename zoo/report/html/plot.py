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
from zoo.report.html.axes import Axis, Ticks
from zoo.report.verdict_rows import by_id, claim_of, is_accuracy

_MARGIN = 6.0  # percent of the width kept free at both ends
_FAR = 4.0  # a row that reaches further than this many medians is drawn as an arrow at the edge


@dataclass(frozen=True, kw_only=True)
class Point:
    """One claim. Numbers are distances from the documented value, as fractions; printed: what rounds to its text."""

    verdict: Verdict
    claim: Claim | None
    measured: float
    printed: tuple[float, float]
    tolerated: tuple[float, float]
    interval: tuple[float, float] | None

    def reach(self) -> float:
        """The largest distance."""
        ends: tuple[float, ...] = (self.measured, *self.tolerated, *(self.interval or ()))
        return max(map(abs, ends))


@dataclass(frozen=True, kw_only=True)
class Plot:
    """groups: points by publisher, in the order of the verdicts; ticks: (position, label)."""

    axis: Axis
    groups: dict[str, list[Point]]
    ticks: Ticks

    def beyond(self, point: Point) -> str:
        """ "left" or "right" if the measured value is off the axis."""
        return "" if abs(point.measured) <= self.axis.high else "left" if point.measured < 0 else "right"


def claim_plot(report: Report, claims: Sequence[Claim]) -> Plot | None:
    """The plot of all measured verdicts on documented accuracies; None where there are none."""
    known = by_id(claims)
    pairs = [(verdict, claim_of(verdict, known)) for verdict in report.verdicts]
    judged = [_point(*pair, report.conditions.tolerance) for pair in pairs if is_accuracy(*pair)]
    points = [point for point in judged if point is not None]
    if not points:
        return None
    bound = axis_bound([point.reach() for point in points])
    axis = Axis(-bound, bound, _MARGIN, 100 - _MARGIN)
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(text.one_line(point.verdict.subject.partition("/")[0]), []).append(point)
    return Plot(axis=axis, groups=groups, ticks=_ticks(axis))


def axis_bound(reaches: Sequence[float]) -> float:
    """Half the length of the axis, as a fraction: 1, 2 or 5 times a power of ten that holds all but outliers.

    >>> axis_bound([0.001, 0.0012, 0.0018])
    0.002
    """
    wanted = max(1e-6, min(max(reaches), _FAR * statistics.median(reaches)))
    exponent = math.floor(math.log10(wanted))
    steps = [float(f"{digit}e{exponent + more}") for more in (0, 1) for digit in (1, 2, 5)]
    return min(step for step in steps if step >= wanted * (1 - 1e-9))


def _point(verdict: Verdict, claim: Claim | None, tolerance: float) -> Point | None:
    """None where there is no number."""
    centre = claim.number() if claim else verdict.documented
    numbers = [value for value in (centre, verdict.measured) if value is not None and math.isfinite(value)]
    if len(numbers) < 2:
        return None
    centre, measured = numbers
    low, high = claim.interval() if claim else (centre, centre)
    interval = None
    if verdict.low is not None and verdict.high is not None:
        interval = (verdict.low - centre, verdict.high - centre)
    return Point(
        verdict=verdict,
        claim=claim,
        measured=measured - centre,
        printed=(low - centre, high - centre),
        tolerated=(low - centre - tolerance, high - centre + tolerance),
        interval=interval if interval and all(map(math.isfinite, interval)) else None,
    )


def _ticks(axis: Axis) -> Ticks:
    decimals = max(0, 1 - math.floor(math.log10(axis.high * 100)))
    deltas = (axis.low, axis.low / 2, 0.0, axis.high / 2, axis.high)
    return tuple((axis.at(delta), f"{delta * 100:+.{decimals}f}" if delta else "0") for delta in deltas)
