"""Rules C: one pair of figures under two names."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations

from zoo.documents.formatting import with_unit
from zoo.records import Checkpoint, Claim, Verdict
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims import contents
from zoo.rules.claims.base import DocumentRule, exact, interval
from zoo.rules.claims.settings import setting

FINE_STEP = Fraction(1, 100)  # percentage points: figures of at least two decimals in percent
NEAR = Fraction(1, 2)  # percentage points on either side: how dense a zoo's figures are around one of them
RARE = 0.05  # a coincidence that is as likely as this among all figures of the zoo is none


class Repeated(DocumentRule):
    """Different weights, or one network under different preprocessing, do not share top-1 and top-5 to two decimals.

    Unless the zoo has so many figures that one shared pair among them would be no surprise.
    """

    id = "C204"
    remedy = "an evaluation of each of the two; a figure that was copied says so"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each two checkpoints, and one for each whose finely printed figures are its own."""
        figures = _all_figures(evidence)
        shared: set[str] = set()
        for names in grouped((tuple(map(exact, claims)), name) for name, claims in figures.items()).values():
            if len(names) > 1:
                chance = by_chance(figures, names[0], evidence)
                for pair in combinations(names, 2):
                    if verdict := self._verdict(pair, figures, chance, evidence):
                        shared |= set(pair)
                        yield verdict
        for name, claims in figures.items():
            if name not in shared:
                yield self.verdict_on(name, None, "no other weights are documented with this pair of figures", claims)

    def _verdict(
        self, names: tuple[str, str], figures: Mapping[str, Sequence[Claim]], chance: float, evidence: Evidence
    ) -> Verdict | None:
        claims = [claim for name in names for claim in figures[name]]
        how = _difference(names, claims, evidence)
        if not how or chance > RARE:
            return None
        both_figures = " and ".join(with_unit(claim) for claim in figures[names[0]])
        likely = f"{chance:.2g} is the chance of any such pair among the {len(figures)} checkpoints with such figures"
        return self.verdict_on(
            " = ".join(names), findings.plain("incomplete"), f"{both_figures} for both, though {how}", claims,
            arithmetic=f"differences: 0 and 0; {likely}",
        )  # fmt: skip


def by_chance(figures: Mapping[str, Sequence[Claim]], name: str, evidence: Evidence) -> float:
    """The chance that two of a zoo's checkpoints share both figures, printed as those of `name` are, for no reason.

    The pairs that lie within NEAR of each other in both figures are taken to be spread evenly there. Each of them
    coincides with the chance of one printed step (of 1 / n, where that is wider) in twice NEAR, squared; at least one
    of m pairs does so with 1 - exp(-m x chance).
    """
    ordered = sorted((tuple(map(exact, claims)) for claims in figures.values()), key=lambda both: both[0])
    firsts = [both[0] for both in ordered]
    near = sum(
        abs(ordered[other][1] - five) <= NEAR
        for at, (one, five) in enumerate(ordered)
        for other in range(at + 1, bisect_right(firsts, one + NEAR))
    )
    chance = Fraction(1)
    for claim in figures[name]:
        images = setting(claim, evidence).images[1]
        chance *= max(_step(claim), Fraction(100, images) if images else Fraction(0)) / (2 * NEAR)
    return -math.expm1(-near * float(chance))


def _all_figures(evidence: Evidence) -> dict[str, list[Claim]]:
    """Checkpoint -> its first printed top-1 and top-5, where both are printed finely."""
    figures: dict[str, list[Claim]] = {}
    by_checkpoint = evidence.published_by_checkpoint()
    for name in evidence.checkpoints:
        claims = [each for each in by_checkpoint.get(name, ()) if each.is_accuracy and _step(each) <= FINE_STEP]
        by_metric = {claim.metric: claim for claim in reversed(claims)}
        if len(by_metric) == 2:
            figures[name] = [by_metric["top1"], by_metric["top5"]]
    return figures


def _step(claim: Claim) -> Fraction:
    low, high = interval(claim)
    return high - low


def _difference(names: tuple[str, str], claims: Sequence[Claim], evidence: Evidence) -> str:
    """How two checkpoints are known to differ, in words; empty if in nothing that is recorded."""
    one, other = (evidence.checkpoints[name] for name in names)
    same = contents.same(one, other)
    if same or (one.weights and one.weights == other.weights):
        return ""
    ways = []
    known = not (one.network_assumed or other.network_assumed)
    if known and one.network and other.network and one.network != other.network:
        ways.append("the networks differ")
    if same is False:
        ways.append("the files differ")
    if recipes := _recipes(one, other):
        ways.append(f"the recipes differ ({recipes})")
    return " and ".join(ways)


def _recipes(one: Checkpoint, other: Checkpoint) -> str:
    if one.recipe == other.recipe or one.recipe_assumed or other.recipe_assumed:
        return ""
    return f"{one.recipe}, {other.recipe}"
