"""Rules X2: two runs on the same images, compared image by image, never by their two percentages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from zoo import stats
from zoo.documents.formatting import as_printed, percent
from zoo.records import Outcome, Run, Verdict
from zoo.rules.accuracy import obstacle_to
from zoo.rules.base import Evidence, Rule
from zoo.rules.nonsense.makes_sense import MakesSense, symptoms
from zoo.rules.pairs.pairing import Kind, Pair, pairs
from zoo.rules.pairs.same_answers import named
from zoo.stats import paired_planning

ALLOWED_ERROR = 0.05  # chance of any false "fail" among all comparisons of a report

Interval = tuple[float, float]


class _Compared(Rule):
    topic = "image_by_image"
    unit = "points"
    kind: ClassVar[Kind]

    def _on(self, pair: Pair, interval: Interval, outcome: Outcome, how: str, **fields: Any) -> Verdict:
        """A verdict with the numbers of the pair. how: what they say."""
        low, high = interval
        return self.verdict(
            pair.second, outcome, f"{_compared(pair, interval)}: {how}{_discordant(pair)}", against=pair.first,
            measured=pair.difference, low=low, high=high, n=pair.n, **fields,
        )  # fmt: skip


class _Equivalent(_Compared):
    """The accuracies of two runs differ by no more than a margin. To pass, this must be shown; that no difference was
    found does not show it.
    """

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict per pair of this kind; p-values are adjusted over the pairs of all such kinds."""
        family = [pair for pair in pairs(evidence) if pair.kind != "claimed"]
        plain = [pair.p_value(evidence) for pair in family]
        adjusted = stats.holm([p for p in plain if p is not None])
        rest = iter(adjusted)
        for pair, p in zip(family, plain, strict=True):
            p_adjusted = None if p is None else next(rest)
            if pair.kind == self.kind:
                yield self._verdict(pair, evidence, p, p_adjusted, len(adjusted))

    def _verdict(
        self, pair: Pair, evidence: Evidence, p: float | None, p_adjusted: float | None, family: int
    ) -> Verdict:
        interval, margin = pair.interval(evidence), pair.margin(evidence)
        outcome, how = _side(interval, margin)
        if outcome == "fail" and p_adjusted is not None and p_adjusted > ALLOWED_ERROR:
            outcome, how = "inconclusive", f"{how}, but of {family} comparisons one may be so by chance"
        how += _margin(pair, margin, evidence)
        if outcome == "fail":
            how += f", in favour of {_name(pair.first if pair.difference > 0 else pair.second, pair)}"
        if p is not None:
            test = "p (valid at any stop)" if pair.anytime or pair.drawn else "p"
            how += f"; {test} = {p:.2g}, {p_adjusted:.2g} after Holm over {family}"
        if outcome == "inconclusive":
            how += _more(pair, margin, evidence)
        how += _shown(pair, evidence)
        return self._on(pair, interval, outcome, how, margin=margin, p_value=p, p_adjusted=p_adjusted)


class Frameworks(_Equivalent):
    """The same weights in two frameworks have accuracies that differ by no more than a margin; it must be shown."""

    id = "X201"
    kind = "frameworks"


class Converted(_Equivalent):
    """A converted checkpoint and its original have accuracies that differ by no more than a margin, where no document
    claims a loss; it must be shown.
    """

    id = "X202"
    kind = "converted"


class ClaimedLoss(_Compared):
    """The accuracy that a conversion or quantisation costs is what the two documented numbers say it costs."""

    id = "X203"
    kind = "claimed"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict per pair of this kind."""
        for pair in pairs(evidence):
            if pair.claims is not None:
                first, second = pair.claims
                interval = pair.interval(evidence)
                outcome, how = self._outcome(pair, interval, evidence)
                documented = first.number() - second.number()
                yield self._on(pair, interval, outcome, how, claim=second, documented=documented)

    def _outcome(self, pair: Pair, interval: Interval, evidence: Evidence) -> tuple[Outcome, str]:
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


class Recipes(_Equivalent):
    """Two recipes of one network have accuracies that differ by no more than a margin; it must be shown."""

    id = "X204"
    kind = "recipes"


def _side(interval: Interval, margin: float) -> tuple[Outcome, str]:
    """On which side of the margin the possible differences lie; a difference of just the margin is inside."""
    low, high = interval
    if -margin <= low and high <= margin:
        return "pass", "inside the margin"
    if low > margin or high < -margin:
        return "fail", "outside the margin"
    return "inconclusive", "partly outside the margin"


def _margin(pair: Pair, margin: float, evidence: Evidence) -> str:
    if pair.is_exact and margin == 1 / pair.n:
        return f" of one image of {pair.n:,}"
    relative = f" ({evidence.margin_quantised * 100:g} % of {percent(margin / evidence.margin_quantised)} %)"
    return f" of {_points(margin)} points{relative if pair.is_quantised(evidence) and margin else ''}"


def _more(pair: Pair, margin: float, evidence: Evidence) -> str:
    """How many images would decide."""
    population = pair.population(evidence)
    if pair.drawn is not None:  # with what a reference answered: no number of them is known beforehand
        return f"; to decide it, look at more images, at most at all {pair.drawn.images:,}"
    needed = paired_planning.images_to_decide(*pair.counts, pair.n, population, margin)
    if needed is None:
        return "; no number of such images would decide it if the measured difference is the true one"
    needed = paired_planning.rounded_up(max(needed, pair.n + 1), population)
    if needed == population:
        return f"; to decide it, take all {needed:,} images"
    return f"; to decide it, take {needed:,} images (80 % chance) if the measured difference is the true one"


def _shown(pair: Pair, evidence: Evidence) -> str:
    """What these images could have shown, were it true; of images that were not equally likely nobody knows that."""
    if pair.is_exact or pair.drawn is not None:
        return ""
    discordant, n = sum(pair.counts), pair.n
    smallest = paired_planning.detectable(discordant, n, pair.population(evidence), anytime=pair.anytime)
    return f"; the smallest difference that these images could have shown is {_points(smallest)} points"


def _name(run: Run, pair: Pair) -> str:
    if pair.kind == "recipes":
        return f"recipe {run.recipe}"
    return f"{run.subject} (run {run.key[:8]})" if pair.first.subject == pair.second.subject else run.subject


def _points(difference: float) -> str:
    points = percent(difference).rstrip("0").rstrip(".") if difference else "0"
    return "0" if points == "-0" else points


def _compared(pair: Pair, interval: tuple[float, float]) -> str:
    """The numbers, in words: who was right how often where the other was wrong."""
    counts, n = pair.counts, pair.n
    of = "for images like these" if pair.first.population == "other" else "over all"
    over_all = "" if pair.is_exact else f" ({_points(interval[0])} to {_points(interval[1])} {of})"
    metric = "top-1" if pair.metric == "top1" else "top-5"
    names = _name(pair.first, pair), _name(pair.second, pair)
    if pair.drawn is not None:
        return (
            f"{metric} of {n:,} images drawn by what {pair.drawn.by.drawn.reference} answered: {counts[0]:,} are right "
            f"only with {names[0]}, {counts[1]:,} only with {names[1]}; over all, a difference of "
            f"{_points(pair.difference)} points is estimated ({_points(interval[0])} to {_points(interval[1])})"
        )
    return (
        f"{metric} of {n:,} images: {counts[0]:,} are right only with {names[0]}, {counts[1]:,} only with {names[1]}, "
        f"a difference of {_points(pair.difference)} points{over_all}"
    )


def _discordant(pair: Pair) -> str:
    names = named([*pair.only_first, *pair.only_second], " in discordant.csv")
    return f"; images: {names}" if names else ""
