"""Of runs whose images were drawn by a reference: what drew them, and how many images that saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.records import Drawn, Report, Run, Verdict
from zoo.report import text

TITLE = "Images drawn by a reference"
HEADS = ("run", "drawn by the answers of", "which is", "their sha256", "rule", "seed", "images seen", "images saved")
NUMBERS = ("seed", "images seen", "images saved")
EXPLAINED = (
    "Such images come with known chances, first those that a relative may answer otherwise, so that shares of them are "
    "not shares of all. Verdicts reckon with these chances, and hold whatever the reference answered."
)
KINSHIPS = {
    "reference": "named by hand",
    "same weights": "the same weights elsewhere",
    "converted from": "what it was converted from",
    "same network": "another training of the network",
}
RULES = {
    "even": "even: as many images that the reference has right as wrong, near ties up to six times as often",
    "margin": "margin: the smaller the reference's margin the likelier, by a factor of ten at most",
}


@dataclass(frozen=True, kw_only=True)
class DrawnRow:
    """One such run; every cell is text, in the order of HEADS."""

    cells: tuple[str, ...]


def drawn_rows(report: Report) -> list[DrawnRow]:
    """The runs in their order; of those that saw all images in the end nothing is estimated."""
    runs = [(run, run.drawn) for run in report.runs if run.drawn is not None and run.is_estimated]
    return [DrawnRow(cells=_cells(run, drawn, report.verdicts)) for run, drawn in runs]


def sentence(report: Report) -> str:
    """By what images were drawn and what that saved, in one line; "" where none were."""
    estimated = [run for run in report.runs if run.is_estimated]
    if not estimated:
        return ""
    names = text.listed(list(dict.fromkeys(text.one_line(run.drawn.reference) for run in estimated if run.drawn)))
    known = [saved for run in estimated if (saved := images_saved(run, report.verdicts)) is not None]
    fewer = f"; {sum(known):,} images saved" if sum(known) > 0 else ""
    are = "is" if len(estimated) == 1 else "are"
    runs = text.counted(len(estimated), "run")
    return f"{text.ESTIMATED}: {runs} {are} estimated from images drawn by what {names} answered{fewer}"


def images_saved(run: Run, verdicts: Sequence[Verdict]) -> int | None:
    """By how many images half of the evaluations in random order would have been longer, until all claims were decided.

    None where no claim was decided. Below 0 where the reference was no help.
    """
    own = [each for each in verdicts if each.run == run.key and each.saved is not None and each.decided_at is not None]
    return max((each.saved or 0) + (each.decided_at or 0) for each in own) - run.n if own else None


def _cells(run: Run, drawn: Drawn, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    saved = images_saved(run, verdicts)
    cells = (
        run.subject, drawn.reference, KINSHIPS[drawn.kinship], drawn.sha256[:12], RULES[drawn.rule], str(drawn.seed),
        str(run.n), text.ABSENT if saved is None else str(saved),
    )  # fmt: skip
    return tuple(text.one_line(cell) for cell in cells)
