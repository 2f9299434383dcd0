"""`zoo plan`: how many images are needed to decide a claim."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from rich.table import Table

from zoo.documents import library_differences
from zoo.documents.accepted import accepted
from zoo.documents.formatting import as_printed
from zoo.documents.load import Zoo
from zoo.errors import UsageError, known_names
from zoo.images import pixels
from zoo.records import Claim
from zoo.report.terminal.console import plain
from zoo.stats import Accepted, planning

LEGEND = (
    "Images that decide with a probability of 80 % (above) and 95 % (below), if the claim is true or off by so many\n"
    "points; auto: images after which half, and 95 %, of evaluations with --sample auto have decided."
)
WRONG_BY = (0.005, 0.01, 0.02)  # fractions: how far off a claim may be that is to be found out


def chosen(zoo: Zoo, pattern: str) -> list[Claim]:
    """Documented accuracies whose id, or whose checkpoint's, matches a shell pattern; several with commas."""
    accuracies = [claim for claim in zoo.claims.values() if claim.is_accuracy and claim.population in zoo.populations]
    claims: dict[str, Claim] = {}
    for part in pattern.split(","):
        fitting = [each for each in accuracies if fnmatchcase(each.id, part) or fnmatchcase(each.checkpoint, part)]
        if not fitting:
            names = [name for claim in accuracies for name in (claim.id, claim.checkpoint)]
            raise UsageError(f"no documented accuracy of zoo {zoo.name!r} matches {part!r}; {known_names(part, names)}")
        claims |= {claim.id: claim for claim in fitting}
    return list(claims.values())


def table(zoo: Zoo, claims: Sequence[Claim], tolerance: float | None, sample: int | None = None) -> Table:
    """Per claim the images that decide it with 80 / 95 % probability, if it is true and if it is wrong by so much.

    Exact for samples of a fixed size; of `--sample auto` the images after which half / 95 % of evaluations stop, if
    the claim is true. tolerance: fraction; None for what was measured for the checkpoint's geometry. sample: also the
    probability that so many images decide.
    """
    numbers = ["documented", "if true", *(f"off by {by * 100:g}" for by in WRONG_BY), "auto, if true"]
    numbers += [f"{sample:,} decide"] if sample else []
    result = plain(["claim", *numbers], right=numbers, foldable=["claim"])
    for claim in claims:
        wider = _measured(zoo, claim) if tolerance is None else tolerance
        goal = accepted(claim, wider, zoo.populations[claim.population].images)
        result.add_row(claim.id, as_printed(claim), *_cells(claim, goal, sample))
    return result


def _measured(zoo: Zoo, claim: Claim) -> float:
    checkpoint = zoo.checkpoints.get(claim.checkpoint)
    geometry = zoo.recipes[checkpoint.recipe].geometry.id if checkpoint else ""
    images = zoo.populations[claim.population].images
    return library_differences.load().of(geometry, claim.population, claim.metric, images).value


def _cells(claim: Claim, goal: Accepted, sample: int | None) -> list[str]:
    truth = round(claim.number() * goal.images)
    wrong = [_truth_off(truth, round(by * goal.images), goal.images) for by in WRONG_BY]
    cells = [_needed(goal, total) for total in (truth, *wrong)]
    cells.append(_both(planning.stopping(goal, truth, pixels.BLOCK)) if goal.decidable(truth) else "never surely")
    if sample:
        cells.append(f"{100 * planning.chance_decided(goal, truth, min(sample, goal.images)):.0f} %")
    return cells


def _truth_off(truth: int, by: int, images: int) -> int:
    """A claim is usually too high: the truth is so many images lower, or higher where there is no room below."""
    return truth - by if truth >= by else min(truth + by, images)


def _needed(goal: Accepted, truth: int) -> str:
    numbers = [planning.images_needed(goal, truth, chance) for chance in planning.CHANCES]
    return _both([number for number in numbers if number is not None]) or "never surely"


def _both(numbers: Sequence[int]) -> str:
    return "\n".join(f"{number:,}" for number in numbers)
