"""What changed between two runs: conditions, numbers, verdicts, and labels image by image. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from zoo import stats
from zoo.documents.classes import class_name
from zoo.records import Claim, Conditions, LabelMap, LatencyRun, Recognition, Record, Report, Run, Verdict
from zoo.records.predictions import Predictions
from zoo.runs import medians

T = TypeVar("T")
_RunPair = tuple[Run | None, Run | None]
_VerdictPair = tuple[Verdict | None, Verdict | None]
Direction = Literal["worsened", "improved", "changed", "new", "gone"]

# How bad an outcome is. Equal ranks differ in kind: no image decides between "inconclusive" and "not comparable".
RANK = {
    "refuted": 0, "fail": 0, "not_run": 1, "inconclusive": 2, "not_comparable": 2, "known": 3, "confirmed": 4,
    "pass": 4,
}  # fmt: skip
ORDER: tuple[Direction, ...] = ("worsened", "improved", "changed", "new", "gone")


@dataclass(frozen=True, kw_only=True)
class Side:
    """One run folder's part in a comparison. answers: per-image answers of a run, None where they were not kept."""

    name: str
    report: Report
    claims: Sequence[Claim]
    label_maps: Mapping[str, LabelMap]
    answers: Callable[[Run], Predictions | None]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field that is not the same."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Relabelled:
    """An image whose best class or whose true class changed; classes in words. before, after: the best class."""

    image: str
    truth: str
    before: str
    after: str
    effect: Literal["gained", "lost", "neither"]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Labels of the images that both runs have. p: exact McNemar test of gained against lost; None where a reference
    drew the images of one run, as those that are hard, or on which two runs differ, came first (rules X2 have a test).

    differ: images whose best class changed; corrected: images whose true class is another one now.
    """

    compared: int
    unshared: int
    differ: int
    corrected: int
    gained: int
    lost: int
    p: float | None
    images: tuple[Relabelled, ...]


@dataclass(frozen=True, kw_only=True)
class RunChange:
    """A run in both folders, or in one; differences: conditions, status and counts, not times."""

    subject: str
    before: Run | None
    after: Run | None
    differences: tuple[Difference, ...] = ()
    labels: Labels | None = None

    @property
    def is_the_same(self) -> bool:
        """Nothing differs but times."""
        relabelled = self.labels is not None and bool(self.labels.images or self.labels.unshared)
        return self.before is not None and self.after is not None and not self.differences and not relabelled

    @property
    def stopped(self) -> bool:
        """It was done before and is not now."""
        both = self.before, self.after
        return None not in both and both[0].status == "done" != both[1].status  # type: ignore[union-attr]


@dataclass(frozen=True, kw_only=True)
class LatencyChange:
    """A finished latency run that both folders have; differences: of its conditions, not of its times."""

    before: LatencyRun
    after: LatencyRun
    differences: tuple[Difference, ...]

    @property
    def subject(self) -> str:
        """What was timed."""
        return self.after.subject

    @property
    def ratio(self) -> float | None:
        """p50 after by p50 before."""
        before = medians.p50(self.before)
        return medians.p50(self.after) / before if before > 0 else None


@dataclass(frozen=True, kw_only=True)
class VerdictChange:
    """A verdict whose outcome changed, or that only one folder has."""

    before: Verdict | None
    after: Verdict | None
    claim: Claim | None
    direction: Direction

    @property
    def verdict(self) -> Verdict:
        """The later one, or the only one."""
        either = self.after or self.before
        assert either is not None
        return either


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Everything that is not the same in two run folders."""

    before: Side
    after: Side
    conditions: tuple[Difference, ...]
    runs: tuple[RunChange, ...]
    verdicts: tuple[VerdictChange, ...]
    stood: int  # verdicts with the same outcome in both
    latencies: tuple[LatencyChange, ...] = ()

    @property
    def worsened(self) -> int:
        """Verdicts that worsened, and runs without a verdict that could not be made again."""
        judged = {change.verdict.subject for change in self.verdicts if change.direction == "worsened"}
        stopped = [run for run in self.runs if run.stopped and run.subject not in judged]
        return sum(change.direction == "worsened" for change in self.verdicts) + len(stopped)

    @property
    def relabelled(self) -> int:
        """Labels that differ, over all runs."""
        return sum(run.labels.differ for run in self.runs if run.labels)


def compare(before: Side, after: Side) -> Changes:
    """What is not the same in `after`."""
    general = tuple(_condition_differences(before.report.conditions, after.report.conditions))
    runs = paired(before.report.runs, after.report.runs, _RUN_KEYS)
    subjects = {run.subject for run in before.report.runs}
    verdicts = paired(before.report.verdicts, after.report.verdicts, _VERDICT_KEYS)
    known = {claim.id: claim for side in (before, after) for claim in side.claims}
    changed = [_verdict_change(pair, subjects, known) for pair in verdicts if _outcome(pair[0]) != _outcome(pair[1])]
    return Changes(
        before=before,
        after=after,
        conditions=general,
        runs=tuple(_run_change(pair, before, after, general) for pair in runs),
        verdicts=tuple(sorted(changed, key=lambda change: ORDER.index(change.direction))),
        stood=len(verdicts) - len(changed),
        latencies=tuple(_latency_changes(before.report, after.report)),
    )


def _latency_changes(before: Report, after: Report) -> Iterator[LatencyChange]:
    for first, second in paired(before.latencies, after.latencies, _LATENCY_KEYS):
        if first is not None and second is not None and first.status == second.status == "done":
            fields = [*_differing_fields(_LATENCY_COMPARED, first, second)]
            fields += _differing_versions(first.versions, second.versions)
            yield LatencyChange(before=first, after=second, differences=tuple(fields))


_LATENCY_COMPARED = (
    "processor", "threads_read", "precision", "arithmetic", "integer_sums", "kernels", "instruction_sets", "sha256",
    "weights", "settings", "recipe", "image_set",
)  # fmt: skip
_LATENCY_KEYS: tuple[Callable[[LatencyRun], object], ...] = (
    lambda run: (run.subject, run.sha256, run.image_set),
    lambda run: run.subject,
)
_RUN_KEYS: tuple[Callable[[Run], object], ...] = (
    lambda run: run.key or None,
    lambda run: (run.subject, run.recipe, run.image_set, run.threads, run.precision),
    lambda run: (run.subject, run.recipe),
    lambda run: run.subject,
)
_VERDICT_KEYS: tuple[Callable[[Verdict], object], ...] = (
    lambda verdict: (verdict.rule, verdict.subject, verdict.claim_id, verdict.run),
    lambda verdict: (verdict.rule, verdict.subject, verdict.claim_id),
)


def count_differing(before: Sequence[Verdict], after: Sequence[Verdict]) -> int:
    """Verdicts in which anything is not the same, or that only one side has."""
    return sum(one != other for one, other in paired(before, after, _VERDICT_KEYS))


def paired(
    first: Sequence[T], second: Sequence[T], keys: Sequence[Callable[[T], object]]
) -> list[tuple[T | None, T | None]]:
    """Each of `first` with one of `second`: the strictest key that finds a partner decides; then what is left."""
    partners: dict[int, int] = {}
    free = dict(enumerate(second))
    for key in keys:
        for number, item in enumerate(first):
            wanted = key(item)
            if number not in partners and wanted is not None:
                found = next((index for index, other in free.items() if key(other) == wanted), None)
                if found is not None:
                    partners[number] = found
                    del free[found]
    matched: list[tuple[T | None, T | None]] = [
        (item, second[partners[number]] if number in partners else None) for number, item in enumerate(first)
    ]
    return [*matched, *((None, other) for other in free.values())]


def _outcome(verdict: Verdict | None) -> str | None:
    return verdict.outcome if verdict else None


def _verdict_change(pair: _VerdictPair, subjects: set[str], known: Mapping[str, Claim]) -> VerdictChange:
    before, after = pair
    claim_id = (after or before).claim_id  # type: ignore[union-attr]
    return VerdictChange(
        before=before,
        after=after,
        claim=known.get(claim_id) if claim_id else None,
        direction=_direction(before, after, subjects),
    )


def _direction(before: Verdict | None, after: Verdict | None, subjects: set[str]) -> Direction:
    """A new verdict worsens what was there before only if it says that something is wrong with it."""
    if after is None:
        return "gone"
    if before is None:
        return "worsened" if RANK[after.outcome] == 0 and after.subject in subjects else "new"
    difference = RANK[after.outcome] - RANK[before.outcome]
    if after.is_latency and difference < 0 < RANK[after.outcome]:
        return "changed"  # a machine that was not quiet says nothing about what was measured
    return "worsened" if difference < 0 else "improved" if difference > 0 else "changed"


def _condition_differences(before: Conditions, after: Conditions) -> Iterator[Difference]:
    """All but the time and the command, which say which folder it is."""
    apart = ("created", "command", "decoders", "recognition", "more_labels")
    yield from _differing_fields([name for name in Conditions.model_fields if name not in apart], before, after)
    yield from _differing_fields(Recognition.model_fields, before.recognition, after.recognition)
    second = (side.more_labels.label_file if side.more_labels else "none" for side in (before, after))
    yield from _differing("more_labels", *second)
    yield from _differing_versions(before.decoders, after.decoders)


def _differing_fields(names: Iterable[str], before: Record, after: Record) -> Iterator[Difference]:
    for name in names:
        yield from _differing(name, getattr(before, name), getattr(after, name))


def _differing(field: str, before: object, after: object) -> Iterator[Difference]:
    if before != after:
        yield Difference(field=field, before=str(before), after=str(after))


def _differing_versions(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        yield from _differing(f"version of {name}", before.get(name, "none"), after.get(name, "none"))


_COMPARED = (
    "status", "recipe", "geometry", "label_map", "image_set", "population", "population_id", "n", "left_out",
    "top1_correct", "top5_correct",
    "threads", "precision", "arithmetic", "integer_sums", "kernels", "instruction_sets", "batch_size",
    "sha256", "hash_verified", "weights",
)  # fmt: skip
_EFFECTS: dict[int, Literal["gained", "lost", "neither"]] = {1: "gained", -1: "lost", 0: "neither"}
_ASKED_FOR = {"status", "recipe", "geometry", "label_map", "image_set"}  # what is known of a run that was not finished


def _run_change(pair: _RunPair, first: Side, second: Side, general: Sequence[Difference]) -> RunChange:
    """What the whole folders differ in is not said again of every run."""
    before, after = pair
    subject = (after or before).subject  # type: ignore[union-attr]
    if before is None or after is None:
        return RunChange(subject=subject, before=before, after=after)
    differences = [each for each in _run_differences(before, after) if each not in general]
    labels = _labels((before, first), (after, second))
    return RunChange(subject=subject, before=before, after=after, differences=tuple(differences), labels=labels)


def _run_differences(before: Run, after: Run) -> Iterator[Difference]:
    finished = before.status == after.status == "done"
    follows = {"geometry"} if before.recipe != after.recipe else set()
    names = [name for name in _COMPARED if (finished or name in _ASKED_FOR) and name not in follows]
    yield from _differing_fields(names, before, after)
    yield from _differing("images drawn by", _drawn_by(before), _drawn_by(after))
    if finished:
        yield from _differing_versions(before.versions, after.versions)


def _drawn_by(run: Run) -> str:
    """How its images were drawn, in words."""
    by = run.drawn
    if by is None or not run.is_estimated:
        return "no reference"
    return f"{by.reference} (answers {by.sha256[:12]}), rule {by.rule}, seed {by.seed}"


def _labels(first: tuple[Run, Side], second: tuple[Run, Side]) -> Labels | None:
    """None where a run's answers are not at hand, or its label map is not."""
    sides = [(run, side.answers(run), side.label_maps.get(run.label_map)) for run, side in (first, second)]
    (_, before, map_before), (_, after, map_after) = sides
    if before is None or after is None or map_before is None or map_after is None:
        return None
    rows_after = {image: row for row, image in enumerate(after.ids)}
    shared = [(row, rows_after[image]) for row, image in enumerate(before.ids) if image in rows_after]
    old, new = (np.array(column, dtype=np.int64) for column in (zip(*shared, strict=True) if shared else ((), ())))
    labels_old, labels_new = before.indices[old, 0] - map_before.first, after.indices[new, 0] - map_after.first
    truth_old, truth_new = before.classes[old], after.classes[new]
    right_old, right_new = before.top1[old], after.top1[new]
    differ, corrected = labels_old != labels_new, truth_old != truth_new
    changed = [
        Relabelled(
            image=before.ids[old[row]],
            truth=_in_words((map_before, int(truth_old[row])), (map_after, int(truth_new[row]))),
            before=class_name(map_before, int(labels_old[row])),
            after=class_name(map_after, int(labels_new[row])),
            effect=_EFFECTS[int(right_new[row]) - int(right_old[row])],
        )
        for row in np.flatnonzero(differ | corrected)
    ]  # fmt: skip
    gained, lost = (sum(image.effect == effect for image in changed) for effect in ("gained", "lost"))
    return Labels(
        compared=len(shared),
        unshared=len(before.ids) + len(after.ids) - 2 * len(shared),
        differ=int(differ.sum()),
        corrected=int(corrected.sum()),
        gained=gained,
        lost=lost,
        p=None if first[0].is_estimated or second[0].is_estimated else stats.mcnemar(gained, lost),
        images=tuple(changed),
    )


def _in_words(before: tuple[LabelMap, int], after: tuple[LabelMap, int]) -> str:
    """The true class, or both where it is another one now."""
    old, new = class_name(*before), class_name(*after)
    return new if before[1] == after[1] else f"{old} → {new}"
