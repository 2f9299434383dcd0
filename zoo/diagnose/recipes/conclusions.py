"""What a race says: the recipe that is the right one, or that the one in effect is, or that it cannot be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zoo import stats
from zoo.diagnose.recipes import lines
from zoo.diagnose.recipes.causes import IN_EFFECT, KNOWN
from zoo.diagnose.recipes.goals import Goals
from zoo.diagnose.recipes.standing import ERROR, MATTERS, Race, Runner
from zoo.diagnose.recipes.variant import Variant
from zoo.documents.formatting import as_printed, counted, percent
from zoo.records import Candidate, Excluded, Findings, Recipe, Tie
from zoo.records.diagnoses import Certainty

LARGE = 0.10  # a sure gain that is told as shown where no documented number can be held against it
NAMED = 3  # causes at most
Command = Callable[[Variant], str]


@dataclass(frozen=True)
class Outcome:
    """A finished race, what it is held against, and how a variant is run again."""

    recipe: Recipe
    race: Race
    goals: Goals
    command: Command

    def findings(self) -> Findings:
        """What the race says."""
        named = self._named()
        candidates = [self._candidate(runner, named, rank) for rank, runner in enumerate(named)]
        told = {candidate.cause for candidate in candidates}
        ties = [*self._between(named), *self._with_recipe_in_effect(told)]
        told |= {cause for tie in ties for cause in tie.causes}
        return Findings(candidates=tuple(candidates), excluded=tuple(self._excluded(told)), ties=tuple(ties))

    # --- who is named ----------------------------------------------------------------------------

    def _named(self) -> list[Runner]:
        """The best variant of each cause that cannot be told from the leader, the best first."""
        leader = self._leader()
        if leader is None:
            return []
        level = [runner for runner in self._eligible() if runner is leader or not self.race.separated(leader, runner)]
        best: dict[str, Runner] = {}
        for runner in sorted(level, key=lambda each: self._rank(each, leader)):
            best.setdefault(runner.variant.cause, runner)
        return list(best.values())[:NAMED]

    def _leader(self) -> Runner | None:
        eligible = self._eligible()
        if not eligible:
            return None
        most = max(eligible, key=lambda runner: runner.right)
        return min(eligible, key=lambda runner: self._rank(runner, most))

    def _eligible(self) -> list[Runner]:
        """Variants that may be the right one. None where the recipe in effect gives the documented number."""
        reached = self.goals.own_reached
        if reached == "confirmed":
            return []
        better = [
            each for each in self.race.runners
            if each.n == self.race.n and self._plausible(each) and self.race.beats(each)
        ]  # fmt: skip
        if reached == "refuted":
            if hits := [each for each in better if self._reached(each) != "refuted"]:
                return hits
            if not better and self._whole():
                return [each for each in self.race.running if each.gain > 0 and self._reached(each) == "confirmed"]
        return [each for each in better if self.race.gain(each)[0] >= MATTERS]

    def _rank(self, runner: Runner, most: Runner) -> tuple[bool, bool, int]:
        """Whole other recipes come last where a single change does as well."""
        return self.race.separated(most, runner), runner.variant.cause == KNOWN, -runner.right

    def _reached(self, runner: Runner) -> str:
        return self.goals.reached(runner.right, runner.right5, runner.n)

    def _plausible(self, runner: Runner) -> bool:
        return self.goals.plausible(runner.right, runner.n)

    def _whole(self) -> bool:
        """Whether the race saw every documented image."""
        return all(goal.accepted.images == self.race.n for goal in self.goals.goals)

    # --- how it is told --------------------------------------------------------------------------

    def _candidate(self, runner: Runner, named: Sequence[Runner], rank: int) -> Candidate:
        return Candidate(
            cause=runner.variant.cause,
            title=runner.variant.title,
            certainty=self._certainty(runner, named) if rank == 0 else "possible",
            evidence=self._evidence(runner),
            images=runner.n,
            explains=max(-1.0, min(1.0, runner.gain)),
            change=lines.of(self.recipe, runner.variant.recipe),
            command=self.command(runner.variant),
        )

    def _certainty(self, runner: Runner, named: Sequence[Runner]) -> Certainty:
        if not self.race.beats(runner) or (self.goals.goals and self._reached(runner) == "refuted"):
            return "possible"
        reproduced = bool(self.goals.goals) and self._reached(runner) == "confirmed"
        clear = reproduced or self.race.gain(runner)[0] >= LARGE
        return "shown" if clear and len(named) == 1 else "likely"

    def _evidence(self, runner: Runner) -> str:
        low, high = (100 * end for end in self.race.gain(runner))
        n, race = runner.n, self.race
        sentences = [
            f"{percent(runner.right / n)} % of {n:,} images are right, with the recipe in effect "
            f"{percent(race.right / race.n)} %: {100 * runner.gain:+.1f} points [{low:.1f}, {high:.1f}]",
            f"{counted(runner.gained, 'image')} won, {runner.lost:,} lost",
        ]
        if self.goals.goals:
            documented = " and ".join(f"{goal.claim.metric} {as_printed(goal.claim)}" for goal in self.goals.goals)
            how = {"refuted": "that is not", "inconclusive": "that may be", "confirmed": "that is"}
            sentences.append(f"{how[self._reached(runner)]} the documented {documented}")
        return "; ".join(sentences)

    # --- what cannot be told ---------------------------------------------------------------------

    def _between(self, named: Sequence[Runner]) -> list[Tie]:
        if len(named) < 2:
            return []
        first = named[0]
        more = [self._images_for(*self.race.apart(first, other)) for other in named[1:]]
        known = [each for each in more if each is not None]
        return [_tie(named, self.race.n, max(known) if known else None)]

    def _with_recipe_in_effect(self, told: set[str]) -> list[Tie]:
        """Variants that may gain more than was excluded, where no documented number settles it."""
        if told or self.goals.own_reached == "confirmed":
            return []
        open_ones: dict[str, Runner] = {}
        for runner in sorted(self._open(), key=lambda each: -each.gain):
            open_ones.setdefault(runner.variant.cause, runner)
        if not open_ones:
            return []
        more = [self._images_for(runner.gained, runner.lost) for runner in open_ones.values()]
        known = [each for each in more if each is not None]
        causes = (IN_EFFECT, *open_ones)
        titles = ("the recipe in effect", *(runner.variant.title for runner in open_ones.values()))
        return [Tie(causes=causes, titles=titles, images=self.race.n, more=min(known) if known else None)]

    def _open(self) -> list[Runner]:
        """Those still running that give other answers, and miss no documented number of which all images were seen."""
        settled = self.goals.goals and self._whole()
        return [
            runner for runner in self.race.running
            if not runner.same and self._plausible(runner) and not (settled and self._reached(runner) == "refuted")
        ]  # fmt: skip

    def _images_for(self, gained: int, lost: int) -> int | None:
        ways = 2 * len(self.race.runners)
        wanted = stats.images_for_gain(gained, lost, self.race.n, ways, ERROR)
        return None if wanted is None else max(0, wanted - self.race.n)

    # --- what is excluded ------------------------------------------------------------------------

    def _excluded(self, told: set[str]) -> list[Excluded]:
        """One line for each cause that is neither named nor open."""
        by_cause: dict[str, list[Runner]] = defaultdict(list)
        for runner in self.race.runners:
            by_cause[runner.variant.cause].append(runner)
        return [
            Excluded(cause=cause, title=_titles(runners), by=self._by(runners))
            for cause, runners in by_cause.items()
            if cause not in told
        ]

    def _by(self, runners: Sequence[Runner]) -> str:
        best = max(runners, key=lambda each: self.race.gain(each)[1])
        high = 100 * self.race.gain(best)[1]
        gains = f"the best gains {100 * best.gain:+.1f} points, {high:.1f} at most, on {counted(best.n, 'image')}"
        if all(runner.same for runner in runners):
            gains = f"they give the same answers on {counted(best.n, 'image')}"
        elif len(runners) == 1:
            gains = gains.replace("the best", "it", 1)
        if self.goals.own_reached == "confirmed":
            right, n = self.goals.own
            return f"the recipe in effect gives the documented number ({percent(right['top1'] / n)} %); {gains}"
        expected = self.goals.expected
        if expected is not None and not self._plausible(best):
            return f"{gains}; {percent(best.right / best.n)} % is far from the documented {percent(expected)} %"
        if self.goals.goals and self.goals.missing is not None and self.goals.missing > 0:
            return f"{gains}; {100 * self.goals.missing:.1f} are missing"
        return gains


def _tie(runners: Sequence[Runner], images: int, more: int | None) -> Tie:
    causes = tuple(runner.variant.cause for runner in runners)
    return Tie(causes=causes, titles=tuple(runner.variant.title for runner in runners), images=images, more=more)


def _titles(runners: Sequence[Runner]) -> str:
    first = runners[0].variant.title
    return first if len(runners) == 1 else f"{first}; and {len(runners) - 1} more"
