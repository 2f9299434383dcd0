"""What repeating the first images says: answers that change where nothing that should matter was changed.

Every other look takes the answers for the network's own. If the same file gives other answers to the same pixels in
another process, beside other images, with another number of threads, or with other sums of byte products, then that is
the cause, or at least no other can be named before it is mended.
"""

from __future__ import annotations

from zoo.diagnose.base import Case
from zoo.diagnose.repeats.arithmetic import arithmetic
from zoo.diagnose.repeats.scores import Repeated, difference, right
from zoo.diagnose.repeats.words import excluded, largest, named
from zoo.records.diagnoses import Findings


def look(case: Case, seen: Repeated) -> Findings:
    """Every cause that the repeated answers show."""
    if not len(seen.first):
        return Findings(not_looked=("no image was answered again",))
    missing = Findings(not_looked=seen.missing)
    changing = _not_deterministic(seen)
    if changing.candidates:
        rest = "neighbours, threads, arithmetic and kept answers: answers change by themselves, which hides the rest"
        return changing + missing + Findings(not_looked=(rest,))
    return changing + _neighbours(seen) + _threads(seen) + arithmetic(case, seen) + _kept(case, seen) + missing


def _not_deterministic(seen: Repeated) -> Findings:
    """From call to call of one process, or from one process to the next."""
    within = difference(seen.first, seen.again, seen.rounding)
    between = difference(seen.first, seen.afresh, seen.rounding)
    title = "the network gives other answers each time"
    if not (within.beyond or between.beyond):
        return excluded("repeat.not_deterministic", title, largest(within, between))
    calls, processes = f"from call to call of one process: {within}", f"from process to process: {between}"
    return named(
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
        return excluded("repeat.depends_on_neighbours", title, largest(found))
    return named(
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
        return excluded("repeat.threads", title, largest(found))
    return named(
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


def _kept(case: Case, seen: Repeated) -> Findings:
    """The answers that the run's number was counted from, against those that its file gives now."""
    title = "the run's own answers are not those that its file gives now"
    if seen.kept is None or not len(seen.rows):
        return Findings()
    now = seen.first[seen.rows]
    found = difference(seen.kept, now, seen.rounding)
    if not found.beyond:
        return excluded("repeat.kept_differ", title, largest(found))
    known = "; ".join(seen.changed)
    why = f"Since then: {known}" if known else "File, versions and processor are the run's, as far as it says"
    before = 0 if case.answers is None else int(case.answers.top1[: len(seen.rows)].sum())
    now_right = int(right(case, seen, seen.first).sum())
    return named(
        seen,
        "repeat.kept_differ",
        title,
        f"Against the answers of the run, {found}; {now_right} instead of {before} are right now. {why}.",
        "Make the run again; --fresh takes nothing that was kept."
        + ("" if known else " The images, or the kept answers themselves, may have been changed."),
        found.n,
        explains=(now_right - before) / found.n,
    )
