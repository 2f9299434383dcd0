"""`zoo plan`: how many images are needed to decide a claim."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import numpy as np
from rich.table import Table

from zoo import drawing
from zoo.documents import library_differences
from zoo.documents.accepted import accepted
from zoo.documents.formatting import as_printed
from zoo.documents.load import Zoo
from zoo.errors import UsageError, known_names
from zoo.images import pixels
from zoo.jobs import references
from zoo.records import Claim, Kinship
from zoo.records.references import Reference
from zoo.report.terminal.console import plain
from zoo.runs.folder import RunFolder
from zoo.stats import Accepted, planning, weighted_planning

LEGEND = (
    "Images that decide with a probability of 80 % (above) and 95 % (below), if the claim is true or off by so many\n"
    "points; auto: images after which half, and 95 %, of evaluations with --sample auto have decided."
)
LEGEND_WITH = (
    "Images after which half (above), and 95 % (below), of evaluations with --sample auto and this reference have\n"
    "decided, if the claim is true or off by so many points; alone: if it is true, without a reference. Simulated:\n"
    "answers differ from the reference's as those of such a relative do; if not related, as those of another training."
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


def table_with(zoo: Zoo, claims: Sequence[Claim], tolerance: float | None, known: Sequence[Reference]) -> Table:
    """Per claim the images after which half / 95 % of evaluations with a reference stop, if it is true or wrong.

    known: answers to choose the nearest relative from. Raises UsageError where no claim is about their images.
    """
    chosen = {claim.id: found for claim in claims if (found := _nearest(zoo, claim, known)) is not None}
    if not chosen:
        there = ", ".join(sorted({f"{len(each.stems):,} images of {each.population!r}" for each in known}))
        wanted = ", ".join(sorted({claim.population for claim in claims}))
        raise UsageError(
            f"--reference: expected answers to all images of {wanted}, got those to {there}; "
            "`zoo answers export RUN` writes those of a run on all images"
        )
    numbers = ["documented", "if true", *(f"off by {by * 100:g}" for by in WRONG_BY), "alone"]
    result = plain(["claim", "reference", *numbers], right=numbers, foldable=["reference"])
    for claim in claims:
        if claim.id not in chosen:
            result.add_row(claim.id, "other images", as_printed(claim))
            continue
        reference, kinship = chosen[claim.id]
        wider = _measured(zoo, claim) if tolerance is None else tolerance
        goal = accepted(claim, wider, len(reference.stems))
        name = f"{reference.subject}\n{_called(kinship)}"
        result.add_row(claim.id, name, as_printed(claim), *_cells_with(claim, goal, reference, kinship))
    return result


def answers_of(path: Path) -> list[Reference]:
    """A file of answers, or those of a run folder. Raises UsageError, RunFolderError."""
    return references.of_folder(RunFolder(path)) if path.is_dir() else [references.read(path)]


def _nearest(zoo: Zoo, claim: Claim, known: Sequence[Reference]) -> tuple[Reference, Kinship] | None:
    """The nearest relative among answers to the claim's images; the first of them if none is related."""
    images = claim.population, zoo.populations[claim.population].images
    fitting = [each for each in known if (each.population, len(each.stems)) == images]
    if not fitting:
        return None
    checkpoint = zoo.checkpoints.get(claim.checkpoint)
    related = references.nearest(zoo, checkpoint, None, fitting) if checkpoint else None
    return related or (fitting[0], "reference")


def _called(kinship: Kinship) -> str:
    return "not related" if kinship == "reference" else kinship


def _cells_with(claim: Claim, goal: Accepted, reference: Reference, kinship: Kinship) -> list[str]:
    stops = [_stops(goal, truth, reference, kinship, claim.metric) for truth in _truths(claim, goal)]
    return [*(_both(each) or "never surely" for each in stops), _alone(claim, goal)]


@lru_cache(maxsize=1024)
def _stops(goal: Accepted, truth: int, reference: Reference, kinship: Kinship, metric: str) -> list[int]:
    """Remembered, as many checkpoints have the same documented accuracy."""
    if not goal.decidable(truth):
        return []
    population = drawing.draw(reference, np.arange(goal.images), drawing.rule_for(kinship), metric)
    return weighted_planning.stopping(goal, truth, population, drawing.way(kinship), pixels.BLOCK)


def _measured(zoo: Zoo, claim: Claim) -> float:
    checkpoint = zoo.checkpoints.get(claim.checkpoint)
    geometry = zoo.recipes[checkpoint.recipe].geometry.id if checkpoint else ""
    images = zoo.populations[claim.population].images
    return library_differences.load().of(geometry, claim.population, claim.metric, images).value


def _cells(claim: Claim, goal: Accepted, sample: int | None) -> list[str]:
    truths = _truths(claim, goal)
    cells = [*(_needed(goal, total) for total in truths), _alone(claim, goal)]
    if sample:
        cells.append(f"{100 * planning.chance_decided(goal, truths[0], min(sample, goal.images)):.0f} %")
    return cells


def _truths(claim: Claim, goal: Accepted) -> list[int]:
    """Totals if the claim is true, and if it is off."""
    truth = round(claim.number() * goal.images)
    return [truth, *(_truth_off(truth, round(by * goal.images), goal.images) for by in WRONG_BY)]


def _alone(claim: Claim, goal: Accepted) -> str:
    """Of `--sample auto` without a reference, if the claim is true."""
    truth = round(claim.number() * goal.images)
    return _both(planning.stopping(goal, truth, pixels.BLOCK)) if goal.decidable(truth) else "never surely"


def _truth_off(truth: int, by: int, images: int) -> int:
    """A claim is usually too high: the truth is so many images lower, or higher where there is no room below."""
    return truth - by if truth >= by else min(truth + by, images)


def _needed(goal: Accepted, truth: int) -> str:
    numbers = [planning.images_needed(goal, truth, chance) for chance in planning.CHANCES]
    return _both([number for number in numbers if number is not None]) or "never surely"


def _both(numbers: Sequence[int]) -> str:
    return "\n".join(f"{number:,}" for number in numbers)
