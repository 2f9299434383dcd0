"""Which runs of a growing sample are drawn by which reference, and which ones look at all images first, to be one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from zoo import drawing
from zoo.checkpoints import files
from zoo.documents.load import Zoo
from zoo.errors import FileUnavailableError, UsageError, known_names
from zoo.jobs import references
from zoo.jobs.case import kin_of
from zoo.jobs.image_source import ImageSource
from zoo.measure.preparation import Planned
from zoo.progress import Talk
from zoo.records import DrawRule, Kinship, Run
from zoo.records.references import Reference
from zoo.runs.folder import RunFolder

AUTO, NONE = "auto", "none"
# How much of N images is looked at until a true claim is confirmed, by what is known of them: k / (1 + k) with
# k = KNOWN * N / gap^2, the gap in images being half of what the claim accepts. As for an ordinary sample, k is the
# variance over what is left; the constants give the shares that docs/statistics.md has for 50,000 images and a gap of
# 75: 97, 9, 55 and 80 %. However alike two networks are, it takes the share FEW / gap of the images to show it.
ALONE = 3.6
KNOWN: dict[Kinship, float] = {"same weights": 0.011, "converted from": 0.137, "same network": 0.45, "reference": 0.45}
FEW = 6.4
NAMED = 4  # runs, in a sentence
WORTH = 0.05  # of a population: what has to be saved at least for a run to look at all images


@dataclass(frozen=True)
class Chosen:
    """A reference for a run, and why it should answer alike."""

    reference: Reference
    kinship: Kinship

    @property
    def rule(self) -> DrawRule:
        """How likely each image is."""
        return drawing.rule_for(self.kinship)

    @property
    def sentence(self) -> str:
        """Who answered what images are drawn by, and why that helps."""
        why = "" if self.kinship == "reference" else f" ({self.kinship})"
        return f"images are drawn by what {self.reference.subject} answered{why}"

    @property
    def key(self) -> tuple[str, DrawRule]:
        """Runs with the same one look at the same images in the same order."""
        return self.reference.digest, self.rule


class Draws:
    """The references at hand for one job, by what `--reference` says. source: its images, every one that counts."""

    def __init__(self, zoo: Zoo, asked: str, source: ImageSource, folder: RunFolder, talk: Talk) -> None:
        """folder: its references are taken before all others, so that what goes on goes on as it began.

        Raises UsageError for a reference that cannot be had, or is one for other images.
        """
        self.zoo, self.asked, self.talk = zoo, asked, talk
        # A reference knows images by their stems: where two have the same, there can be none.
        unique = len({image.stem for image in source.set.images}) == len(source.set.images)
        self._population = source.population[1] if source.population[0] == "full" and unique else ""
        self._labels, self.images = source.labels_digest, len(source.set.counted)
        self.candidates = folder.references() or self._at_hand()

    def _at_hand(self) -> list[Reference]:
        return self._named() if self.asked not in (AUTO, NONE) else self._found()

    @property
    def is_foreign(self) -> bool:
        """Whether the reference is a file that somebody else may have made."""
        return self._is_path and Path(self.asked).is_file()

    def add(self, run: Run, folder: RunFolder) -> None:
        """A run of this job: if it is on all images, the next ones may be drawn by it."""
        answers = folder.predictions(run)
        if answers is None or run.population != "full" or not self._population or self.asked == NONE:
            return
        reference = references.of_run(run, answers, self.zoo.label_maps[run.label_map])
        if self.asked == AUTO or reference.checkpoint == self.asked:
            self.candidates.append(reference)

    def of(self, planned: Planned) -> Chosen | None:
        """The nearest reference; one that was named serves runs that are no relatives, too."""
        found = references.nearest(self.zoo, planned.checkpoint, _sha256(planned, self.zoo), self.candidates)
        if found is not None:
            return Chosen(*found)
        if self.asked not in (AUTO, NONE) and self.candidates:
            return Chosen(self.candidates[0], "reference")
        return None

    def first(self, plan: Sequence[Planned], gaps: Sequence[float], is_kept: Callable[[Planned], bool]) -> list[int]:
        """Numbers of runs that look at all images first: all their answers are kept, or they save more than they take.

        gaps: half of what the narrowest claim on each run accepts, in images, 0 without a claim. is_kept: whether
        all answers of a run on all images are kept.
        """
        known = {candidate.subject for candidate in self.candidates}
        kept = [number for number, each in enumerate(plan) if _subject(each) in known and is_kept(each)]
        if self.wanted is not None:
            return [number for number, each in enumerate(plan) if each.checkpoint.id == self.wanted][:1]
        if self.asked != AUTO or not self._population:
            return kept
        costs = _Costs(self, plan, gaps, kept)
        found = []
        while (best := costs.best()) is not None:
            found.append(best)
        if found:
            self.talk.say(costs.sentence(found))
        return [*kept, *found]

    def groups(self, plan: Sequence[Planned], numbers: Sequence[int]) -> Iterator[tuple[Chosen | None, list[int]]]:
        """Those runs of a plan that look at the same images in the same order, and by what they are drawn."""
        chosen = {number: self.of(plan[number]) for number in numbers}
        keys = {number: each.key if each else None for number, each in chosen.items()}
        for key in dict.fromkeys(keys.values()):
            together = [number for number in numbers if keys[number] == key]
            yield chosen[together[0]], together

    @property
    def wanted(self) -> str | None:
        """The checkpoint that is to be the reference, where one is named and no run of it is known yet."""
        named = self.asked not in (AUTO, NONE) and not self._is_path
        return self.asked if named and not self.candidates else None

    @cached_property
    def _is_path(self) -> bool:
        return Path(self.asked).exists()

    def _found(self) -> list[Reference]:
        if self.asked == NONE or not self._population:
            return []
        return references.remembered(self._population, self._labels)

    def _named(self) -> list[Reference]:
        if not self._population:
            raise UsageError(
                f"--reference {self.asked}: the images are no documented set, or two have the same name, so that no "
                "run on all of them can be a reference; leave --reference out"
            )
        if not self._is_path:
            return self._of_checkpoint()
        path = Path(self.asked)
        found = references.of_folder(RunFolder(path)) if path.is_dir() else [references.read(path)]
        for reference in found:
            references.check_fits(reference, self._population, self._labels)
        return found

    def _of_checkpoint(self) -> list[Reference]:
        if self.asked not in self.zoo.checkpoints:
            known = known_names(self.asked, self.zoo.checkpoints)
            raise UsageError(
                f"--reference {self.asked}: neither a run folder, nor a file of answers, nor a checkpoint of zoo "
                f"{self.zoo.name!r}; {known}"
            )
        return [each for each in references.remembered(self._population, self._labels) if each.checkpoint == self.asked]


class _Costs:
    """What a job costs if all claims are true, in populations, and what it would if some looked at all images first."""

    def __init__(self, draws: Draws, plan: Sequence[Planned], gaps: Sequence[float], kept: Sequence[int]) -> None:
        self._plan, self._images = plan, draws.images
        # A run without a claim goes along with the others, and asks for no image itself.
        self._gaps = [0.0 if number in kept else gap for number, gap in enumerate(gaps)]
        chosen = [draws.of(planned) for planned in plan]
        self._costs = [self._share(number, each.kinship if each else None) for number, each in enumerate(chosen)]
        self._open = {number for number, cost in enumerate(self._costs) if cost and _is_here(plan[number], draws.zoo)}
        self._kin = [
            {kin.planned.checkpoint.id: kin.kinship for kin in kin_of(draws.zoo, planned.checkpoint)}
            | {planned.checkpoint.id: "same weights"}
            for planned in plan
        ]
        self._before = sum(self._costs)

    def best(self) -> int | None:
        """Number of the run that saves most, which then counts as done; None where none is worth it."""
        saved = {number: self._saved(number) for number in self._open}
        number = max(saved, key=lambda each: saved[each], default=None)
        if number is None or saved[number] < WORTH:
            return None
        self._costs = [min(cost, self._with(each, number)) for each, cost in enumerate(self._costs)]
        self._costs[number] = 1.0
        self._open.remove(number)
        return number

    def sentence(self, found: Sequence[int]) -> str:
        """Who looks at all images, and what that saves."""
        names = ", ".join(self._plan[number].title for number in found[:NAMED])
        names += f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        share = 100 * sum(self._costs) / self._before
        verb = "looks" if len(found) == 1 else "look"
        return (
            f"{names} {verb} at all images first, so that relatives need fewer: if all claims are true, together about "
            f"{share:.0f} % of the images that they would need otherwise (--reference none: each by itself)"
        )

    def _saved(self, number: int) -> float:
        """Populations; the run itself takes one."""
        others = [cost - self._with(each, number) for each, cost in enumerate(self._costs) if each != number]
        return sum(max(0.0, each) for each in others) + self._costs[number] - 1.0

    def _with(self, number: int, leader: int) -> float:
        """What a run costs once another one has looked at all images."""
        return self._share(number, self._kin[number].get(self._plan[leader].checkpoint.id))

    def _share(self, number: int, kinship: Kinship | None) -> float:
        """Of the population, what a run looks at until its claims are decided."""
        if not self._gaps[number]:
            return 0.0
        spread = (ALONE if kinship is None else KNOWN[kinship]) * self._images / self._gaps[number] ** 2
        return min(1.0, max(spread / (1 + spread), FEW / self._gaps[number]))


def _subject(planned: Planned) -> str:
    return f"{planned.checkpoint.id}@{planned.framework.name}"


def _is_here(planned: Planned, zoo: Zoo) -> bool:
    """Whether its files are, as far as that can be seen without a framework."""
    return bool(planned.checkpoint.export_from) or _sha256(planned, zoo) is not None


def _sha256(planned: Planned, zoo: Zoo) -> str | None:
    """Over its files; None of files that are not here, or that a framework has yet to write."""
    try:
        return None if planned.checkpoint.export_from else files.locate(planned.checkpoint, zoo.root).sha256
    except FileUnavailableError:
        return None
