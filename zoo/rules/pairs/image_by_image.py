"""Rules X2: two runs on the same images, compared image by image, never by their two percentages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from zoo import stats
from zoo.documents.formatting import as_printed, percent
from zoo.records import Claim, Outcome, Run, Verdict
from zoo.rules.accuracy import obstacle_to
from zoo.rules.base import Evidence, Rule
from zoo.rules.nonsense.makes_sense import MakesSense, symptoms
from zoo.rules.pairs.same_answers import Answered, answered, named, network

ALLOWED_ERROR = 0.05  # chance of any false "fail" among all comparisons of a report

Metric = Literal["top1", "top5"]
METRICS: tuple[Metric, ...] = ("top1", "top5")
Kind = Literal["frameworks", "converted", "claimed", "recipes"]


@dataclass(frozen=True)
class Pair:
    """Two runs on the same images; differences are those of the first minus the second.

    claims: what one document says of both, where it does.
    """

    kind: Kind
    metric: Metric
    first: Run
    second: Run
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    claims: tuple[Claim, Claim] | None = None

    @property
    def p_value(self) -> float:
        """Of "both are right equally often"; for runs that stopped early one that stays valid."""
        test = stats.mcnemar_anytime if self.first.look_every else stats.mcnemar
        return test(len(self.only_first), len(self.only_second))

    def interval(self, evidence: Evidence) -> tuple[float, float]:
        """Of the difference over the population, fractions; the difference itself where every image was seen."""
        counts, n = (len(self.only_first), len(self.only_second)), self.first.n
        if self.first.population == "full":
            return (counts[0] - counts[1]) / n, (counts[0] - counts[1]) / n
        if self.first.population == "other":
            return stats.difference_interval(*counts, n, None)
        images = evidence.populations[self.first.population_id].images
        totals = stats.sequence_totals if self.first.look_every else stats.finite_totals
        return stats.difference_interval(*counts, n, images, totals)


class _Compared(Rule):
    topic = "image_by_image"
    unit = "points"
    kind: ClassVar[Kind]

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict per pair; p-values are adjusted over the pairs of all kinds."""
        family = pairs(evidence)
        adjusted = stats.holm([pair.p_value for pair in family])
        for pair, p_adjusted in zip(family, adjusted, strict=True):
            if pair.kind == self.kind:
                yield self._verdict(pair, p_adjusted, len(family), evidence)

    def _verdict(self, pair: Pair, p_adjusted: float, family: int, evidence: Evidence) -> Verdict:
        low, high = pair.interval(evidence)
        outcome, how = self._outcome(pair, p_adjusted, (low, high), evidence)
        counts = len(pair.only_first), len(pair.only_second)
        return self.verdict(
            pair.second,
            outcome,
            f"{_compared(pair, (low, high))}: {how}; {_chance(pair, p_adjusted, family)}{_discordant(pair)}",
            against=pair.first,
            claim=pair.claims[1] if pair.claims else None,
            documented=pair.claims[0].number() - pair.claims[1].number() if pair.claims else None,
            measured=(counts[0] - counts[1]) / pair.first.n, low=low, high=high, n=pair.first.n,
            p_value=pair.p_value, p_adjusted=p_adjusted,
        )  # fmt: skip

    def _outcome(
        self, pair: Pair, p_adjusted: float, interval: tuple[float, float], evidence: Evidence
    ) -> tuple[Outcome, str]:
        if p_adjusted > ALLOWED_ERROR:
            return "pass", "no more than chance would do"
        better = pair.first if len(pair.only_first) > len(pair.only_second) else pair.second
        return "fail", f"more than chance would do, in favour of {_name(better, pair)}"


class Frameworks(_Compared):
    """Two frameworks with the same weights are right equally often: what differs between them is chance."""

    id = "X201"
    kind = "frameworks"


class Converted(_Compared):
    """A converted checkpoint is right as often as the one it was converted from, where no document claims a loss."""

    id = "X202"
    kind = "converted"


class ClaimedLoss(_Compared):
    """The accuracy that a conversion or quantisation costs is what the two documented numbers say it costs."""

    id = "X203"
    kind = "claimed"

    def _outcome(
        self, pair: Pair, p_adjusted: float, interval: tuple[float, float], evidence: Evidence
    ) -> tuple[Outcome, str]:
        assert pair.claims is not None
        first, second = pair.claims
        for run, claim in ((pair.first, first), (pair.second, second)):
            obstacle = obstacle_to(run, claim, evidence)
            if obstacle is None and symptoms(run, evidence):
                obstacle = f"the answers of {run.subject} are nonsense (rule {MakesSense.id})"
            if obstacle is not None:
                return "not_comparable", f"documented {as_printed(first)} and {as_printed(second)}, but {obstacle}"
        (low, high), (other_low, other_high) = first.exact_interval(), second.exact_interval()
        tolerance = evidence.tolerated(pair.second.geometry, second.population, pair.metric)
        start, end = float(low - other_high) - tolerance.value, float(high - other_low) + tolerance.value
        claimed = (
            f"loss from {as_printed(first)} to {as_printed(second)}, that is {_points(start)} to {_points(end)} points "
            f"with {tolerance.text}"
        )
        # Both ends are open: no two numbers that round as printed are exactly so far apart.
        if start < interval[0] and interval[1] < end:
            return "confirmed", f"inside the documented {claimed}"
        if interval[1] <= start or interval[0] >= end:
            return "refuted", f"{'less' if interval[1] <= start else 'more'} than the documented {claimed}"
        return "inconclusive", f"partly outside the documented {claimed}"


class Recipes(_Compared):
    """Two recipes make one network right equally often: what differs between them is chance."""

    id = "X204"
    kind = "recipes"


def pairs(evidence: Evidence) -> list[Pair]:
    """Every two finished runs on the same images that a rule compares, top-1 before top-5.

    Of a group of equals each is compared with the first, so that n runs make n - 1 comparisons.
    """
    return [
        pair
        for group in _same_images(evidence).values()
        for index, second in enumerate(group)
        for kind, first in _partners(group, index, evidence).items()
        if first is not None
        for pair in _by_metric(kind, first, second, evidence)
    ]


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
        groups.setdefault((one.run.image_set, one.answers.ids), {}).setdefault(one.run.key, one)
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
    claims = {metric: _both_claimed(first.run, second.run, metric, evidence) for metric in METRICS}
    loss_claimed = kind == "converted" and any(claims.values())
    if kind == "converted" and not loss_claimed and first.run.geometry != second.run.geometry:
        return
    for metric in METRICS:
        if loss_claimed and claims[metric] is None:
            continue  # a loss that is documented by its top-1 alone is not denied for top-5
        right, right_second = (each.answers.correct(metric) for each in (first, second))
        only_first, only_second = (
            tuple(first.answers.ids[row] for row in np.flatnonzero(rows))
            for rows in (right & ~right_second, right_second & ~right)
        )
        own_claims = claims[metric] if loss_claimed else None
        own_kind: Kind = "claimed" if loss_claimed else kind
        yield Pair(own_kind, metric, first.run, second.run, only_first, only_second, own_claims)


def _both_claimed(first: Run, second: Run, metric: Metric, evidence: Evidence) -> tuple[Claim, Claim] | None:
    """What one source documents of both checkpoints."""
    for claim in evidence.claims_on(second.checkpoint, metric):
        for original in evidence.claims_on(first.checkpoint, metric):
            if original.source == claim.source and original.population == claim.population:
                return original, claim
    return None


def _name(run: Run, pair: Pair) -> str:
    if pair.kind == "recipes":
        return f"recipe {run.recipe}"
    return f"{run.subject} (run {run.key[:8]})" if pair.first.subject == pair.second.subject else run.subject


def _points(difference: float) -> str:
    return percent(difference).rstrip("0").rstrip(".") if difference else "0"


def _compared(pair: Pair, interval: tuple[float, float]) -> str:
    """The numbers, in words: who was right how often where the other was wrong."""
    counts, n = (len(pair.only_first), len(pair.only_second)), pair.first.n
    difference = (counts[0] - counts[1]) / n
    over_all = "" if interval[0] == interval[1] else f" ({_points(interval[0])} to {_points(interval[1])} over all)"
    metric = "top-1" if pair.metric == "top1" else "top-5"
    names = _name(pair.first, pair), _name(pair.second, pair)
    return (
        f"{metric} of {n:,} images: {counts[0]:,} are right only with {names[0]}, {counts[1]:,} only with {names[1]}, "
        f"a difference of {_points(difference)} points{over_all}"
    )


def _chance(pair: Pair, p_adjusted: float, family: int) -> str:
    test = "McNemar p" if not pair.first.look_every else "McNemar p (valid at any stop)"
    return f"{test} = {pair.p_value:.2g}, {p_adjusted:.2g} after Holm over {family}"


def _discordant(pair: Pair) -> str:
    names = named([*pair.only_first, *pair.only_second], " in discordant.csv")
    return f"; images: {names}" if names else ""
