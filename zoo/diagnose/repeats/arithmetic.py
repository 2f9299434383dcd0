"""Whether the processor, which may cut off sums of byte products, explains a number."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

from zoo.diagnose.base import Case
from zoo.diagnose.repeats.scores import Repeated, Varied, difference, right
from zoo.diagnose.repeats.words import excluded, named
from zoo.documents.formatting import counted
from zoo.records.diagnoses import Certainty, Findings
from zoo.rules.accuracy import Top1
from zoo.stats import mcnemar

LEVEL = 0.05  # of the tests that ask whether a loss of right answers is more than chance


def arithmetic(case: Case, seen: Repeated) -> Findings:
    """Exact sums against the framework's defaults, which some processors cut off.

    In a run with exact sums the defaults are no fault of its own: they are named only where the documented number may
    have been made with them.
    """
    varied, title = seen.arithmetic, "the processor: sums of byte products are cut off, or floats are shortened"
    if varied is None:
        return Findings()
    found = difference(seen.first, varied.scores, seen.rounding)
    exact = case.run.arithmetic == "exact"
    if not found.labels:
        return excluded("repeat.arithmetic", title, f"with {varied.after} arithmetic no label of {found.n} differs")
    by_defaults = _loss(case, seen, varied, exact)
    if not by_defaults.matters(case):
        return excluded("repeat.arithmetic", title, f"{by_defaults}, which does not explain the documented number")
    what = (
        "The documented number may be that of such a processor: say so beside it, or quantise again with weights of 7 "
        "bits (reduce_range), whose sums fit."
        if exact
        else "Run with --arithmetic exact, or quantise again with weights of 7 bits (reduce_range), whose sums fit."
    )
    evidence = f"With {varied.after} instead of {varied.before} arithmetic, {found}; {by_defaults}."
    certainty: Certainty = "possible" if exact else "shown"
    explains = by_defaults.gain if exact else -by_defaults.gain
    return named(
        seen, "repeat.arithmetic", title, evidence, what, by_defaults.n, "--arithmetic", varied.after,
        certainty=certainty, explains=explains,
    )  # fmt: skip


@dataclass(frozen=True)
class _Loss:
    """Right answers of exact sums and of the framework's defaults on the same n images.

    gained, lost: images that only the defaults, or only exact sums, get right.
    """

    n: int
    exact: int
    gained: int
    lost: int
    of_exact_run: bool

    def __str__(self) -> str:
        """For a sentence."""
        shipped = self.exact - self.lost + self.gained
        right = f"{shipped} instead of {self.exact} of {counted(self.n, 'image')} are right"
        return f"as the framework is shipped, {right}"

    @property
    def gain(self) -> float:
        """What the defaults add, a fraction of right answers; mostly negative."""
        return (self.gained - self.lost) / self.n if self.n else 0.0

    def matters(self, case: Case) -> bool:
        """Whether it explains the run's number: a run with the defaults loses by them, or the documented number lies on
        the defaults' side of an exact run's, beyond chance."""
        if mcnemar(self.gained, self.lost) >= LEVEL:
            return False
        if not self.of_exact_run:
            return True
        return any(self._towards(case, claim) for claim in _documented(case))

    def _towards(self, case: Case, documented: float) -> bool:
        run = case.run
        apart = documented - run.accuracy("top1")
        if run.is_estimated:  # a reference drew its images: no share of them is tested, its verdict has a test
            own = (each for each in case.verdicts if each.rule == Top1.id and each.run == run.key)
            found = [each.p_value for each in own if each.documented == documented and each.p_value is not None]
            by_chance = min(found, default=1.0)
        else:
            by_chance = float(stats.binomtest(run.top1_correct, run.n, documented).pvalue)
        return by_chance < LEVEL and apart * self.gain > 0


def _documented(case: Case) -> list[float]:
    """Documented shares of right answers at top-1."""
    found = (claim.number() for claim in case.claims if claim.metric == "top1" and case.run.n)
    return [share for share in found if 0 <= share <= 1]


def _loss(case: Case, seen: Repeated, varied: Varied, exact: bool) -> _Loss:
    """On the most images for which both are known."""
    if seen.beside is not None:
        beside = seen.beside
        return _Loss(beside.n, beside.top1_correct, beside.gained, beside.lost, of_exact_run=exact)
    mine, other = right(case, seen, seen.first), right(case, seen, varied.scores)
    exact_right, shipped_right = (mine, other) if exact else (other, mine)
    gained, lost = (shipped_right & ~exact_right).sum(), (exact_right & ~shipped_right).sum()
    return _Loss(len(mine), int(exact_right.sum()), int(gained), int(lost), of_exact_run=exact)
