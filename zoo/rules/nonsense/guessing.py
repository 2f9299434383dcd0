"""Whether answers are better than guessing, for rule A201."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo import stats
from zoo.documents.formatting import percent
from zoo.records import Run
from zoo.records.predictions import K
from zoo.rules.nonsense.seen import SURE, USEFUL, Seen, Symptom, accuracies

BETTER = 1e-3  # p-value of "they are guessed" at which answers are better than guessing


@dataclass(frozen=True)
class Guess:
    """A way to answer without looking at the images: shares of right answers it gives, and the best in its reach."""

    how: str
    top1: float
    top5: float
    best: float = 1.0

    @property
    def in_words(self) -> str:
        """The way of guessing with its top-1 and top-5."""
        return f"{self.how}: {percent(self.top1)} and {percent(self.top5)} %"

    def is_beaten(self, run: Run) -> bool:
        """Whether a run is surely better, by top-1 or by top-5.

        Who answers any class is right as often on hard images as on all, so this holds for images that were drawn too.
        """
        counts = (run.top1_correct, self.top1), (run.top5_correct, self.top5)
        return any(stats.share_p(count, run.n, share, "greater") <= BETTER for count, share in counts)

    def explains(self, seen: Seen) -> bool:
        """Whether a run is not better than this, and surely worse than a network that is of use."""
        useful = self.top1 + USEFUL * (self.best - self.top1)
        if seen.drawn is not None:
            p_value = seen.share_p(seen.drawn.values > 0, useful, "less")
        else:
            p_value = stats.share_p(seen.run.top1_correct, seen.run.n, useful, "less")
        return p_value <= SURE and not self.is_beaten(seen.run)


def any_class(seen: Seen) -> Guess:
    """Each class is as likely."""
    return Guess("any class", 1 / seen.classes, min(K, seen.classes) / seen.classes)


def _dealt(seen: Seen) -> Guess:
    """The run's own answers, dealt to the images at random: with ten equally frequent classes a tenth is right."""
    n = len(seen.labels)
    size = max(seen.classes, int(seen.labels.max()) + 1) + 1  # the last is no label, but an answer that is no class
    labels, given, ranked = (
        np.bincount(each.ravel(), minlength=size) / n for each in (seen.labels, seen.given, seen.ranked)
    )
    best = float(np.minimum(given, labels).sum())
    return Guess("these answers, dealt to the images at random", float(given @ labels), float(ranked @ labels), best)


def guessed(seen: Seen) -> Symptom | None:
    """Answers that one of the two ways of guessing explains.

    How often dealt answers are right depends on how often each class is there. Of images that a reference drew nobody
    knows that for all, so these are held against any class alone; answers of one class are a symptom of their own.
    """
    dealt = [_dealt(seen)] if seen.answers is not None and seen.drawn is None else []
    guess = next((each for each in [any_class(seen), *dealt] if each.explains(seen)), None)
    if guess is None:
        return None
    return Symptom(f"{accuracies(seen.run)} are no better than guessing ({guess.in_words})", _behind_guessing(seen))


def _behind_guessing(seen: Seen) -> str:
    """The likely cause. If two images with one label often get one answer, the classes are in another order."""
    alike = _alike(seen)
    if alike is None or alike[0] - alike[1] <= USEFUL:
        return (
            "labels of other images or in another order than theirs (look at a few images beside their labels), "
            "weights that were not trained or not loaded, or the numeric steps of another network (--numeric)"
        )
    return (
        f"the classes in another order, or a last layer that was not trained or not loaded: two images with one label "
        f"get the same answer in {percent(alike[0])} % of cases, any two in {percent(alike[1])} %; "
        "label the images by wnid, look at the network's last layer"
    )


def _alike(seen: Seen) -> tuple[float, float] | None:
    """How often two images of one label, and how often any two images, get the same answer; None without such two."""
    if seen.answers is None:
        return None
    _, labels = np.unique(seen.labels, return_counts=True)
    _, given = np.unique(seen.given, return_counts=True)
    _, both = np.unique(np.stack([seen.labels, seen.given]), axis=1, return_counts=True)
    same_label, same_given, same_both = (int((each * (each - 1)).sum()) for each in (labels, given, both))
    n = len(seen.labels)
    return (same_both / same_label, same_given / (n * (n - 1))) if same_label else None
