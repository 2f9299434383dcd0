"""What repeating the first images says: answers that change where nothing that should matter was changed.

Every other look takes the answers for the network's own. If the same file gives other answers to the same pixels in
another process, beside other images, with another number of threads, or with other sums of byte products, then that is
the cause, or at least no other can be named before it is mended.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zoo.diagnose.base import Case
from zoo.documents.formatting import counted
from zoo.records import AsShipped
from zoo.records.diagnoses import Candidate, Certainty, Excluded, Findings
from zoo.stats import mcnemar

# By how much a score may differ for no reason but the order in which floats are added, as a share of the image's
# largest score. Measured over the ten embedded files in six frameworks, batches of 1, 8 and 50 and one and two threads:
# at most 1.1e-6 (PyTorch, alone against eight). A deeper network with larger sums stays below ten times that.
ROUNDING = 1e-4
# Of quantised networks, where one sum that is rounded to the next whole number moves the layers after it.
ROUNDING_QUANTISED = 0.05
LEVEL = 0.05  # of the tests that ask whether a loss of right answers is more than chance

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Varied:
    """The answers with one condition changed. before, after: what it was and became; scores: float32 (n, outputs)."""

    before: str
    after: str
    scores: Scores


@dataclass(frozen=True)
class Repeated:
    """The same n images answered again and again, float32 (n, outputs) each.

    first: under the run's own conditions, in a fresh worker; again: by that worker a second time; afresh: by another.
    kept: the run's own answers to the images number `rows` (int (m,)), None where they were not kept.
    alone, threads, arithmetic: with that one condition changed, None where it could not be.
    quantised: whether the network multiplies integers; beside: the defaults' answers beside exact ones, on more images.
    changed: what is known to be other than when the run was made; command: words of the command that makes it again.
    missing: what could not be tried, each with the reason.
    """

    first: Scores
    again: Scores
    afresh: Scores
    kept: Scores | None = None
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    alone: Varied | None = None
    threads: Varied | None = None
    arithmetic: Varied | None = None
    quantised: bool = False
    beside: AsShipped | None = None
    changed: tuple[str, ...] = ()
    command: tuple[str, ...] = ("zoo", "validate")
    missing: tuple[str, ...] = ()

    @property
    def rounding(self) -> float:
        """The largest relative difference that is no cause."""
        return ROUNDING_QUANTISED if self.quantised else ROUNDING


@dataclass(frozen=True)
class Difference:
    """How two answers to the same n images differ.

    relative: the largest difference of a score, as a share of the largest score of its image; beyond: images where
    that is more than rounding explains; labels: images among these whose best output is another one.
    """

    n: int
    relative: float
    beyond: int
    labels: int

    def __str__(self) -> str:
        """For a sentence."""
        images = f"{self.beyond} of {counted(self.n, 'image')}"
        return f"scores of {images} differ by up to {self.relative:.2g} of the largest, {self.labels} change the label"


def difference(first: Scores, second: Scores, rounding: float) -> Difference:
    """Between answers to the same images, float32 (n, outputs) each; rounding: relative, what is none."""
    size = np.maximum(np.abs(first).max(axis=1), np.abs(second).max(axis=1)).astype(np.float64)
    apart = np.abs(first.astype(np.float64) - second).max(axis=1)
    relative = np.divide(apart, size, out=np.zeros(len(size)), where=size > 0)
    beyond = relative > rounding
    labels = beyond & (first.argmax(axis=1) != second.argmax(axis=1))
    return Difference(len(first), float(relative.max(initial=0)), int(beyond.sum()), int(labels.sum()))


def look(case: Case, seen: Repeated) -> Findings:
    """Every cause that the repeated answers show."""
    if not len(seen.first):
        return Findings(not_looked=("no image was answered again",))
    missing = Findings(not_looked=seen.missing)
    changing = _not_deterministic(seen)
    if changing.candidates:
        rest = "neighbours, threads, arithmetic and kept answers: answers change by themselves, which hides the rest"
        return changing + missing + Findings(not_looked=(rest,))
    return changing + _neighbours(seen) + _threads(seen) + _arithmetic(case, seen) + _kept(case, seen) + missing


def _not_deterministic(seen: Repeated) -> Findings:
    """From call to call of one process, or from one process to the next."""
    within = difference(seen.first, seen.again, seen.rounding)
    between = difference(seen.first, seen.afresh, seen.rounding)
    title = "the network gives other answers each time"
    if not (within.beyond or between.beyond):
        return _excluded("repeat.not_deterministic", title, _largest(within, between))
    calls, processes = f"from call to call of one process: {within}", f"from process to process: {between}"
    return _named(
        seen,
        "repeat.not_deterministic",
        title,
        f"The same pixels were given three times. {calls}; {processes}.",
        "Take out what is random when the network answers: a dropout or noise that is on outside of training, weights "
        "that no file gives and that are drawn at random, a state that a call leaves behind for the next.",
        within.n,
    )


def _neighbours(seen: Repeated) -> Findings:
    title = "an answer depends on the images that are answered with it"
    if seen.alone is None:
        return Findings()
    found = difference(seen.first, seen.alone.scores, seen.rounding)
    if not found.beyond:
        return _excluded("repeat.depends_on_neighbours", title, _largest(found))
    return _named(
        seen,
        "repeat.depends_on_neighbours",
        title,
        f"With {seen.alone.after} instead of {seen.alone.before} images a call, {found}; the pixels are the same.",
        "Let no operator mix images: batch norms must use their running statistics (training_mode = 0, eval()), and a "
        "mean, a softmax or a reshape must leave the first axis alone.",
        found.n,
        "--batch-size",
        seen.alone.after,
    )


def _threads(seen: Repeated) -> Findings:
    title = "an answer depends on the number of threads"
    if seen.threads is None:
        return Findings()
    found = difference(seen.first, seen.threads.scores, seen.rounding)
    if not found.beyond:
        return _excluded("repeat.threads", title, _largest(found))
    return _named(
        seen,
        "repeat.threads",
        title,
        f"With {seen.threads.after} instead of {seen.threads.before} threads, {found}.",
        "Sums in another order explain the last digits alone: another version of the framework, or another kernel of "
        "the operator at fault, is to be tried. Until then quote the number with its threads.",
        found.n,
        "--threads",
        seen.threads.after,
    )


def _arithmetic(case: Case, seen: Repeated) -> Findings:
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
        return _excluded("repeat.arithmetic", title, f"with {varied.after} arithmetic no label of {found.n} differs")
    by_defaults = _loss(case, seen, varied, exact)
    if not by_defaults.matters(case):
        return _excluded("repeat.arithmetic", title, f"{by_defaults}, which does not explain the documented number")
    what = (
        "The documented number may be that of such a processor: say so beside it, or quantise again with weights of 7 "
        "bits (reduce_range), whose sums fit."
        if exact
        else "Run with --arithmetic exact, or quantise again with weights of 7 bits (reduce_range), whose sums fit."
    )
    evidence = f"With {varied.after} instead of {varied.before} arithmetic, {found}; {by_defaults}."
    certainty: Certainty = "possible" if exact else "shown"
    explains = by_defaults.gain if exact else -by_defaults.gain
    return _named(
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
        apart = documented - run.top1_correct / run.n
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
    mine, other = _right(case, seen, seen.first), _right(case, seen, varied.scores)
    exact_right, shipped_right = (mine, other) if exact else (other, mine)
    gained, lost = (shipped_right & ~exact_right).sum(), (exact_right & ~shipped_right).sum()
    return _Loss(len(mine), int(exact_right.sum()), int(gained), int(lost), of_exact_run=exact)


def _right(case: Case, seen: Repeated, scores: Scores) -> NDArray[np.bool_]:
    """Which of the images whose right class is known are right, bool (m,), m = len(seen.rows)."""
    if case.answers is None:
        return np.empty(0, np.bool_)
    given = scores[seen.rows].argmax(axis=1) - case.label_map.first
    return np.array([int(label) in case.answers.right_classes(row) for row, label in enumerate(given)], np.bool_)


def _kept(case: Case, seen: Repeated) -> Findings:
    """The answers that the run's number was counted from, against those that its file gives now."""
    title = "the run's own answers are not those that its file gives now"
    if seen.kept is None or not len(seen.rows):
        return Findings()
    now = seen.first[seen.rows]
    found = difference(seen.kept, now, seen.rounding)
    if not found.beyond:
        return _excluded("repeat.kept_differ", title, _largest(found))
    known = "; ".join(seen.changed)
    why = f"Since then: {known}" if known else "File, versions and processor are the run's, as far as it says"
    before = 0 if case.answers is None else int(case.answers.top1[: len(seen.rows)].sum())
    right = int(_right(case, seen, seen.first).sum())
    return _named(
        seen,
        "repeat.kept_differ",
        title,
        f"Against the answers of the run, {found}; {right} instead of {before} are right now. {why}.",
        "Make the run again; --fresh takes nothing that was kept."
        + ("" if known else " The images, or the kept answers themselves, may have been changed."),
        found.n,
        explains=(right - before) / found.n,
    )


def _largest(*found: Difference) -> str:
    worst = max(found, key=lambda each: each.relative)
    return f"scores of {counted(worst.n, 'image')} differ by at most {worst.relative:.1g} of the largest"


def _excluded(cause: str, title: str, by: str) -> Findings:
    return Findings(excluded=(Excluded(cause=cause, title=title, by=by),))


def _named(
    seen: Repeated, cause: str, title: str, evidence: str, change: str, images: int, *options: str, **more: Any
) -> Findings:
    fields: dict[str, Any] = {"certainty": "shown", "command": shlex.join([*seen.command, "--fresh", *options]), **more}
    named = Candidate(cause=cause, title=title, evidence=evidence, change=change, images=images, **fields)
    return Findings(candidates=(named,))
