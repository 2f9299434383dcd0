"""Rule A201: answers that make no sense, whether or not a documented number is there to compare them with.

docs/statistics.md says what the thresholds are, and how rarely a useful network is called nonsense.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo import stats
from zoo.documents.classes import class_name
from zoo.documents.formatting import percent
from zoo.records import Outcome, Run, Verdict
from zoo.rules.base import Evidence, Rule
from zoo.rules.nonsense.guessing import any_class, guessed
from zoo.rules.nonsense.moved import moved
from zoo.rules.nonsense.seen import SURE, Seen, Symptom, accuracies, seen_of

ONE_CLASS = 0.9  # share of images with one answer that is too many for images of several classes
TIED = 0.5  # share of images with a shared best score from which on the order of the outputs decides


class MakesSense(Rule):
    """Answers are better than guessing, differ between images, do not hang on ties, and fit the labels as they are.

    Fails where a network that is of use would give such answers in one of a million runs at most. Of use is one that
    is right in a fifth at least of what guessing leaves over. Nonsense is: top-1 below that, and neither top-1 nor
    top-5 better than guessing (any class, or the same answers dealt to the images at random); one class for more than
    nine in ten images, of which less than half are right and no more than half have one label; a best score that
    several classes share in more than half of the images; or labels that fit far better in the other numbering of
    ILSVRC2012, with the numbers sorted as text, or so many classes further on. Inconclusive where the images are too
    few to tell.
    """

    id = "A201"
    topic = "nonsense"
    unit = "fraction"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each finished run whose label map is known and has more than one class."""
        for run in evidence.runs:
            seen = None if run.recounts else seen_of(run, evidence)  # its answers are judged where they were made
            if seen is not None:
                outcome, reason = _outcome(seen, _symptoms(seen, evidence))
                yield self.verdict(run, outcome, reason, measured=run.accuracy("top1"), n=run.n)


def symptoms(run: Run, evidence: Evidence) -> tuple[Symptom, ...]:
    """Everything that makes a run's answers nonsense, the most telling first; nothing where they may be sound.

    Where per-image answers were not kept, the run's counts alone are looked at.
    """
    seen = seen_of(run, evidence)
    return () if seen is None else _symptoms(seen, evidence)


def _symptoms(seen: Seen, evidence: Evidence) -> tuple[Symptom, ...]:
    """All symptoms. Of answers that fit other labels this is the only one that is named."""
    other = moved(seen, evidence)
    tried = (tied(seen), one_class(seen), guessed(seen)) if other is None else (other,)
    return tuple(symptom for symptom in tried if symptom is not None)


def _outcome(seen: Seen, signs: tuple[Symptom, ...]) -> tuple[Outcome, str]:
    if signs:
        return "fail", f"nonsense: {'; '.join(symptom.what for symptom in signs)}; likely: {signs[0].likely}"
    run, chance = seen.run, any_class(seen)
    if chance.is_beaten(run):
        return "pass", f"{accuracies(run)} are better than guessing ({chance.in_words})"
    return "inconclusive", (
        f"{accuracies(run)} are not surely better than guessing ({chance.in_words}), and the images are too few to "
        "call them nonsense"
    )


def tied(seen: Seen) -> Symptom | None:
    """Near ties come first among images that a reference drew, so whole scores tell which of these count how much."""
    ties, n = seen.run.top1_ties, seen.run.n
    if seen.drawn is not None:
        assert seen.answers is not None
        p_value = seen.share_p(seen.answers.scores[:, 0] == seen.answers.scores[:, 1], TIED, "greater")
    else:
        p_value = stats.share_p(ties, n, TIED, "greater")
    if p_value > SURE:
        return None
    return Symptom(
        f"the best score is shared by several classes in {ties:,} of {n:,} images ({percent(ties / n)} %), so that the "
        "order of the outputs decides",
        "weights that are empty or were not loaded, or scores that were cut off or rounded before they came out",
    )


def one_class(seen: Seen) -> Symptom | None:
    """Images of one class, or of two that are hard to tell apart, may rightly get one answer."""
    if seen.answers is None:
        return None
    run, labels = seen.run, np.unique(seen.labels, return_counts=True)[1]
    given, counts = np.unique(seen.given, return_counts=True)
    most = int(counts.max())
    mixed = 2 * int(labels.max()) <= run.n
    if not mixed or seen.share_p(seen.given == given[counts.argmax()], ONE_CLASS, "greater") > SURE:
        return None
    if seen.share_p(seen.answers.top1, 0.5, "less") > SURE:
        return None
    name = class_name(seen.label_map, int(given[counts.argmax()]))
    return Symptom(
        f"one class ({name}) is the answer to {most:,} of {run.n:,} images ({percent(most / run.n)} %), which are of "
        f"{len(labels):,} classes",
        "weights that were not trained or not loaded, or the numeric steps of another network (--numeric)",
    )
