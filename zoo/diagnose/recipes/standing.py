"""How the recipes of a race stand: who is right on the same images, and who cannot be the answer any more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zoo import stats
from zoo.diagnose.recipes.variant import Variant

Right = NDArray[np.bool_]
ERROR = 0.05  # chance that anything false is said of any variant, whenever one looks
# A recipe that gains less explains no complaint. It is also more than any healthy network was seen to gain.
MATTERS = 0.03


@dataclass
class Runner:
    """One variant: counts against the recipe in effect, over the same images.

    gained, lost: images that only the variant, only the recipe in effect got right; right5: within the best five.
    same: whether every answer was the same. out: why it runs no more, "" while it does. each: bool, of every image.
    """

    variant: Variant
    n: int = 0
    right: int = 0
    right5: int = 0
    gained: int = 0
    lost: int = 0
    same: bool = True
    out: str = ""
    each: list[Right] = field(default_factory=list)

    @property
    def gain(self) -> float:
        """New minus old share of right images, a fraction."""
        return (self.gained - self.lost) / self.n if self.n else 0.0


@dataclass
class Race:
    """All variants and the recipe in effect. Every look is at the images seen so far; at any time with ERROR."""

    runners: Sequence[Runner]
    n: int = 0
    right: int = 0
    right5: int = 0
    looks: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, variants: Sequence[Variant]) -> Race:
        """At the start."""
        return cls([Runner(variant) for variant in variants])

    @property
    def running(self) -> list[Runner]:
        """Those that still ask for images."""
        return [runner for runner in self.runners if not runner.out]

    def seen(self, top1: Right, top5: Right) -> None:
        """What the recipe in effect got right on the next images: bool (n,) each."""
        self.n += len(top1)
        self.right += int(top1.sum())
        self.right5 += int(top5.sum())

    def take(self, runner: Runner, top1: Right, top5: Right, own: Right, alike: bool) -> None:
        """What a variant got right on the next images, and the recipe in effect (`own`).

        alike: whether both gave the same first answer to each of them.
        """
        runner.each.append(top1)
        runner.n += len(top1)
        runner.right += int(top1.sum())
        runner.right5 += int(top5.sum())
        runner.gained += int((top1 & ~own).sum())
        runner.lost += int((own & ~top1).sum())
        runner.same &= alike

    def gain(self, runner: Runner) -> tuple[float, float]:
        """What the variant may gain in truth, fractions: all such intervals of a race hold together."""
        confidence = 1 - ERROR / (2 * max(1, len(self.runners)))  # half of the error; the rest is for `beats`
        low, high = stats.gain_sequence(runner.gained, runner.lost, runner.n, confidence)
        return (max(low, 0.0) if self.beats(runner) else low), high

    def beats(self, runner: Runner) -> bool:
        """Whether the variant is better than the recipe in effect by more than luck, among so many variants."""
        limit = math.log(2 * len(self.runners) / ERROR)
        return stats.log_gain(runner.gained, runner.lost) >= limit

    def leader(self) -> Runner | None:
        """Of those that beat the recipe in effect the one with most right images; the first of equal ones."""
        ahead = [runner for runner in self.runners if runner.n == self.n and self.beats(runner)]
        return max(ahead, key=lambda runner: runner.right, default=None)

    def apart(self, first: Runner, second: Runner) -> tuple[int, int]:
        """Images that only the first got right, and only the second, of those that both were given."""
        n = min(first.n, second.n)
        one, other = (np.concatenate(runner.each)[:n] for runner in (first, second))
        return int((one & ~other).sum()), int((other & ~one).sum())

    def separated(self, first: Runner, second: Runner) -> bool:
        """Whether the first is better than the second by more than luck."""
        return stats.log_gain(*self.apart(first, second)) >= math.log(2 * len(self.runners) / ERROR)

    def look(self, wanted: float = MATTERS) -> None:
        """Take out who cannot gain `wanted` any more, or as much as the leader surely does."""
        self.looks.append(self.n)
        leader = self.leader()
        surely = self.gain(leader)[0] if leader is not None else -1.0
        for runner in self.running:
            high = self.gain(runner)[1]
            most = f"it gains {100 * high:.1f} points at most"
            if high < wanted:
                runner.out = most
            elif leader is not None and runner is not leader and high < surely:
                runner.out = f"{most}, {leader.variant.title} at least {100 * surely:.1f}"
