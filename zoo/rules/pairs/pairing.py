"""Which two runs are compared image by image, and what is known of their difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from zoo import stats
from zoo.records import ACCURACIES, AccuracyMetric, Claim, Run
from zoo.rules.base import Evidence
from zoo.rules.pairs import drawn_pairs
from zoo.rules.pairs.answered import Answered, answered, images_of, network
from zoo.rules.pairs.drawn_pairs import Compared

Kind = Literal["frameworks", "converted", "claimed", "recipes"]


@dataclass(frozen=True)
class Pair:
    """Two runs on the same images; differences are those of the first minus the second.

    n: images that both saw. claims: what one document says of both, where it does. drawn: what is known of all images
    where a reference drew those of one or both: counts of such images say nothing of all.
    """

    kind: Kind
    metric: AccuracyMetric
    first: Run
    second: Run
    n: int
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    claims: tuple[Claim, Claim] | None = None
    drawn: Compared | None = None

    @property
    def counts(self) -> tuple[int, int]:
        """Images that only the first, and only the second run got right."""
        return len(self.only_first), len(self.only_second)

    @property
    def difference(self) -> float:
        """On the images that were seen, a fraction; as estimated of all where they were not equally likely."""
        return self.drawn.estimate if self.drawn else (self.counts[0] - self.counts[1]) / self.n

    @property
    def anytime(self) -> bool:
        """Whether they were looked at until something was decided."""
        return bool(self.first.look_every or self.second.look_every)

    @property
    def is_exact(self) -> bool:
        """Whether every image of the population was seen."""
        return self.first.population == self.second.population == "full"

    def population(self, evidence: Evidence) -> int | None:
        """How many images these were drawn from; None: images like these, without end."""
        return None if self.first.population == "other" else evidence.populations[self.first.population_id].images

    def interval(self, evidence: Evidence) -> tuple[float, float]:
        """Of the difference over the population, fractions; the difference itself where every image was seen."""
        if self.is_exact:
            return self.difference, self.difference
        if self.drawn:
            return self.drawn.interval
        images = self.population(evidence)
        if self.anytime and images is not None:
            return stats.difference_sequence(*self.counts, self.n, images)
        return stats.difference_interval(*self.counts, self.n, images)

    def p_value(self, evidence: Evidence) -> float | None:
        """Of "the accuracies differ by the margin at most"; None where every image was seen and nothing is tested."""
        if self.is_exact:
            return None
        images, margin = self.population(evidence), self.margin(evidence)
        if self.drawn:
            return self.drawn.p_value(margin)
        if self.anytime and images is not None:
            return stats.difference_sequence_p(*self.counts, self.n, images, margin)
        return stats.difference_p(*self.counts, self.n, images, margin)

    def is_quantised(self, evidence: Evidence) -> bool:
        """Whether one of the two computes in integers."""
        return any(_is_quantised(run, evidence) for run in (self.first, self.second))

    def margin(self, evidence: Evidence) -> float:
        """By how much the accuracies may differ, a fraction; of a whole population at least by one image."""
        margin = evidence.margin
        if self.is_quantised(evidence):
            margin = evidence.margin_quantised * self.first.accuracy(self.metric)
        return max(margin, 1 / self.n) if self.is_exact and margin else margin


def pairs(evidence: Evidence) -> list[Pair]:
    """Every two finished runs on the same images that a rule compares, top-1 before top-5.

    Of a group of equals each is compared with the first, so that n runs make n - 1 comparisons. Runs whose images a
    reference drew are compared on those that both saw, with others of the same draw and with runs on all images.
    """
    plain = [each for group in _same_images(evidence).values() for each in _in_group(group, evidence)]
    of_drawn = [
        (kind, first, second)
        for group in drawn_pairs.groups(evidence)
        for kind, first, second in _in_group(group, evidence)
        if first.run.is_estimated or second.run.is_estimated
    ]
    return [pair for each in (*plain, *of_drawn) for pair in _by_metric(*each, evidence)]


def _in_group(group: Sequence[Answered], evidence: Evidence) -> Iterator[tuple[Kind, Answered, Answered]]:
    for index, second in enumerate(group):
        for kind, first in _partners(group, index, evidence).items():
            if first is not None:
                yield kind, first, second


def _partners(group: Sequence[Answered], index: int, evidence: Evidence) -> dict[Kind, Answered | None]:
    """What a run is compared with; an original may come after what was made from it."""
    second, earlier = group[index], group[:index]
    twins = [one for one in earlier if network(one.run, evidence) == network(second.run, evidence)]
    originals = [one for one in group if _is_original(one.run, second.run, evidence)]
    return {
        "frameworks": _nearest(twins, second),
        "converted": _nearest(originals, second),
        "recipes": next((one for one in earlier if _other_recipe(one.run, second.run)), None),
    }


def _same_images(evidence: Evidence) -> dict[object, list[Answered]]:
    """Finished runs by their images; of two with one key, as two run folders may hold, the first."""
    groups: dict[object, dict[str, Answered]] = {}
    for one in answered(evidence):
        if not one.run.is_estimated:
            groups.setdefault(images_of(one), {}).setdefault(one.run.key, one)
    return {images: list(group.values()) for images, group in groups.items()}


def _other_recipe(run: Run, other: Run) -> bool:
    same = (run.checkpoint, run.framework, run.sha256) == (other.checkpoint, other.framework, other.sha256)
    return same and run.recipe != other.recipe


def _is_original(run: Run, converted: Run, evidence: Evidence) -> bool:
    """Whether `converted` runs what was made from what `run` runs; the same weights under two names are twins."""
    checkpoint = evidence.checkpoints.get(converted.checkpoint)
    origin = checkpoint.converted_from if checkpoint else None
    return origin is not None and run.checkpoint == origin and run.weights != converted.weights


def _nearest(candidates: Sequence[Answered], second: Answered) -> Answered | None:
    """The same checkpoint or else the same framework if it is there, else the first."""

    def distance(one: Answered) -> tuple[bool, bool]:
        return one.run.subject != second.run.subject, one.run.framework != second.run.framework

    return min(candidates, key=distance, default=None)


def _by_metric(kind: Kind, first: Answered, second: Answered, evidence: Evidence) -> Iterator[Pair]:
    """A pair for each metric. A conversion is judged by the loss that one document has for it, each run with its own
    documented recipe; where none has, it should cost nothing, if both runs look at the same part of an image.
    """
    claims = {metric: _both_claimed(first.run, second.run, metric, evidence) for metric in ACCURACIES}
    loss_claimed = kind == "converted" and any(claims.values())
    if kind == "converted" and not loss_claimed and first.run.geometry != second.run.geometry:
        return
    for metric in ACCURACIES:
        if loss_claimed and claims[metric] is None:
            continue  # a loss that is documented by its top-1 alone is not denied for top-5
        made = _pair("claimed" if loss_claimed else kind, metric, first, second, evidence)
        if made is not None:
            yield replace(made, claims=claims[metric] if loss_claimed else None)


def _pair(kind: Kind, metric: AccuracyMetric, first: Answered, second: Answered, evidence: Evidence) -> Pair | None:
    """None of runs whose images were drawn, where what was kept does not fit together."""
    known, both = None, (first.answers, second.answers)
    if first.run.is_estimated or second.run.is_estimated:
        known, alike = drawn_pairs.compared(first, second, metric, evidence), drawn_pairs.aligned(first, second)
        if known is None or alike is None:
            return None
        both = alike[0].answers, alike[1].answers
    right, right_second = (each.correct(metric) for each in both)
    only_first, only_second = (
        tuple(both[0].ids[row] for row in np.flatnonzero(rows))
        for rows in (right & ~right_second, right_second & ~right)
    )
    return Pair(kind, metric, first.run, second.run, len(right), only_first, only_second, drawn=known)


def _both_claimed(first: Run, second: Run, metric: AccuracyMetric, evidence: Evidence) -> tuple[Claim, Claim] | None:
    """What one source documents of both checkpoints."""
    for claim in evidence.claims_on(second.checkpoint, metric):
        for original in evidence.claims_on(first.checkpoint, metric):
            if original.source == claim.source and original.population == claim.population:
                return original, claim
    return None


def _is_quantised(run: Run, evidence: Evidence) -> bool:
    """Whether it computes in integers: documented, or read back from the framework."""
    checkpoint = evidence.checkpoints.get(run.checkpoint)
    documented = checkpoint is not None and bool(checkpoint.quantised)
    return documented or run.precision == "int8" or run.integer_sums not in ("", "none")
