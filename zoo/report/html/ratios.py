"""The plot of documented ratios between variants against ours: two equal logarithmic axes, of fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.report import text
from zoo.report.html.axes import BELOW, LEFT, RIGHT, TOP, WIDTH, Frame, LogAxis
from zoo.rules.latency.variants import Point, VariantTable

_HEIGHT = 420
_LETTER, _LINE = 6.9, 13.0  # about the size of a letter of a label
# Places of a label beside its mark, the best first.
_BESIDE = (("start", 8, 4), ("end", -8, 4), ("start", 6, 16), ("end", -6, -8), ("start", 4, -9), ("end", -4, 17))


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One variant: where it lies, and where its label is."""

    point: Point
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """One drawing. line: x1, y1, x2, y2 of where both ratios are equal."""

    table: VariantTable
    title: str
    rho: str
    marks: tuple[Mark, ...]
    frame: Frame
    line: tuple[float, float, float, float]


def ratio_plots(tables: Sequence[VariantTable]) -> list[Ratios]:
    """A drawing for each column of a document and each framework, batch and threads of ours."""
    return [_drawn(table) for table in tables if table.points]


def _drawn(table: VariantTable) -> Ratios:
    ratios = [ratio for point in table.points for ratio in (point.documented, point.measured)]
    x, y = LogAxis.around(ratios, LEFT, RIGHT), LogAxis.around(ratios, _HEIGHT - BELOW, TOP)
    ours = table.family
    return Ratios(
        table=table,
        title=text.one_line(f"{ours.framework}, batch {ours.batch_size}, {text.counted(ours.threads, 'thread')}"),
        rho=_correlation(table),
        marks=_marks(table.points, [(x.at(point.documented), y.at(point.measured)) for point in table.points]),
        frame=Frame(
            height=_HEIGHT,
            x_ticks=x.ticks(),
            y_ticks=y.ticks(),
            x_title="documented, of the largest variant's time",
            y_title="ours, of the largest variant's time; dashed: equal",
        ),
        line=(x.start, y.start, x.end, y.end),
    )


def _correlation(table: VariantTable) -> str:
    """The rank correlation in words."""
    if table.rho is None:
        return "all times of one side are equal, so that there is no order to compare"
    return f"rank correlation {table.rho:.3f}, p = {text.chance(table.p_value)}"


def _marks(points: Sequence[Point], places: Sequence[tuple[float, float]]) -> tuple[Mark, ...]:
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in places]
    marks = []
    for point, (x, y) in zip(points, places, strict=True):
        anchor, label_x, label_y, box = _placed(point.label, x, y, taken)
        taken.append(box)
        mark = Mark(point=point, x=x, y=y, label_x=round(label_x, 1), label_y=round(label_y, 1), anchor=anchor)
        marks.append(mark)
    return tuple(marks)


Box = tuple[float, float, float, float]


def _placed(label: str, x: float, y: float, taken: Sequence[Box]) -> tuple[str, float, float, Box]:
    """The place beside a mark that covers least of marks and labels: (anchor, x, y, box)."""
    placed = []
    for anchor, right, down in _BESIDE:
        start = x + right - (len(label) * _LETTER if anchor == "end" else 0)
        box = (start, y + down - _LINE + 2, start + len(label) * _LETTER, y + down + 2)
        outside = max(0.0, LEFT - box[0]) + max(0.0, box[2] - WIDTH)
        placed.append((sum(_shared(box, other) for other in taken) + outside * _LINE, anchor, x + right, y + down, box))
    return min(placed, key=lambda each: each[0])[1:]


def _shared(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)
