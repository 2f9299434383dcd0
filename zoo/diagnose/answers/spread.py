"""Answers that hardly depend on the images: one class, few classes, equal scores, chance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import binom

from zoo.diagnose.answers.chance import NARROW, SPREAD, Information
from zoo.diagnose.answers.pairs import Pairs
from zoo.diagnose.base import Case
from zoo.records.diagnoses import Candidate
from zoo.records.predictions import K, Predictions
from zoo.rules.nonsense.guessing import guessed
from zoo.rules.nonsense.makes_sense import one_class, tied
from zoo.rules.nonsense.seen import SURE, Seen

LEAST = 16  # images
CONSTANT = 1e-6  # of a score's size: what is less is no difference
FEW = 0.1  # share of classes that a healthy network may never answer, however many images they have
NARROWED = 0.25  # of the classes that have images: the most that are few answers

DEAD_CAUSES = ("answers.constant_scores", "answers.one_class")  # of which nothing else can be told by the answers
DEAD = (
    "look at the weights (were they loaded? NaN, zeros, a batch norm's statistics) and at the numeric steps of the "
    "recipe: zoo diagnose looks at both"
)


def one_sided(case: Case, seen: Seen, pairs: Pairs) -> tuple[Candidate, ...]:
    """Constant scores or one class, and nothing else; or ties and few classes."""
    assert case.answers is not None
    looks = _constant(case.answers), _one_class(seen), _ties(seen), _few_classes(case.answers, pairs)
    found = [candidate for candidate in looks if candidate is not None]
    only = [each for each in found if each.cause in DEAD_CAUSES]
    return tuple(only[:1] or found)


def _constant(answers: Predictions) -> Candidate | None:
    scores = answers.first_scores.astype(np.float64)
    if len(scores) < LEAST:
        return None
    size = float(np.abs(scores).max())
    moved = float((scores.max(axis=0) - scores.min(axis=0)).max())
    if moved > CONSTANT * max(size, 1e-30) or len(np.unique(answers.indices[:, 0])) > 1:
        return None
    return Candidate(
        cause="answers.constant_scores", certainty="likely", images=len(answers.ids),
        title="all images get the same scores: the network does not look at them",
        evidence=f"over {len(scores)} images, no score moves by more than {moved:.2g}, where the largest is {size:.3g}",
        change=DEAD,
    )  # fmt: skip


def _one_class(seen: Seen) -> Candidate | None:
    symptom = one_class(seen)
    return None if symptom is None else Candidate(
        cause="answers.one_class", certainty="likely", images=seen.run.n, title="one class is the answer to nearly all",
        evidence=symptom.what, change=DEAD,
    )  # fmt: skip


def _ties(seen: Seen) -> Candidate | None:
    symptom = tied(seen)
    return None if symptom is None else Candidate(
        cause="answers.ties", certainty="likely", images=seen.run.n, title="many images have several best scores",
        evidence=symptom.what, change=symptom.likely,
    )  # fmt: skip


def _few_classes(answers: Predictions, pairs: Pairs) -> Candidate | None:
    """Classes that are never among the five best, or at least never the best, though there are images of them."""
    if pairs.outputs <= K:
        return None
    looks = (_missing(answers, pairs, ranks) for ranks in (K, 1))
    return next((candidate for candidate in looks if candidate is not None), None)


def _missing(answers: Predictions, pairs: Pairs, ranks: int) -> Candidate | None:
    """Classes that are never among so many best.

    A class with n images is missed by chance with (1 - a / 2)^n, a being the accuracy, within these ranks, of the
    classes that are answered at all; a tenth of all classes may be beyond a healthy network.
    """
    known = np.unique(answers.indices[:, :ranks])
    labels = np.flatnonzero(pairs.images[: pairs.outputs] > 0)
    missing = labels[~np.isin(labels, known)]
    # Where labels are moved, many classes with one image are the answer to none; that leaves many answers.
    if not len(missing) or (ranks == 1 and len(known) > NARROWED * len(labels)):
        return None
    answered, right = ~np.isin(pairs.wanted, missing), answers.top5 if ranks == K else answers.top1
    reached = float(right[answered].mean()) if answered.any() else 0.0
    by_chance = FEW + (1 - FEW) * (1 - reached / 2) ** pairs.images[labels]
    if binom.sf(len(missing) - 1, len(labels), float(by_chance.mean())) > SURE:
        return None
    where = "one of them among the five best" if ranks == K else "one of them as its answer"
    return Candidate(
        cause="answers.few_classes", certainty="possible", images=pairs.n,
        title=f"{len(missing):,} of {len(labels):,} classes are never an answer",
        evidence=f"none of their {int(pairs.images[missing].sum()):,} images, nor any other, has {where}; "
        f"by chance {by_chance.sum():.1f} classes would be missing",
        change="look at the rows of the last layer for these classes, and as a network that is dead: " + DEAD,
    )  # fmt: skip


def near_chance(seen: Seen, known: Information) -> Iterator[Candidate]:
    """Answers no better than guessing, told apart by whether they know anything of the labels, and how they spread."""
    symptom = guessed(seen)
    if symptom is None:
        return
    in_use = f"{known.effective[0]:.1f} classes are in use among the answers, {known.effective[1]:.1f} among the labels"
    information = (
        f"two images of one label get one answer in {known.alike:,} pairs, {known.by_chance:,.1f} with shuffled labels "
        f"({known.deviations:+.1f} standard deviations)"
    )
    evidence = f"{symptom.what}; {information}; {in_use}"
    if known.tells and known.spread >= SPREAD:
        yield Candidate(
            cause="labels.permutation", certainty="possible", images=seen.run.n, evidence=evidence,
            title="the classes are permuted, in a way that these images are too few to show",
            change="label the images by wnid or by the classes' names; look at the order of the last layer's rows",
        )  # fmt: skip
    elif known.tells:
        yield Candidate(
            cause="answers.near_chance", certainty="possible", images=seen.run.n, evidence=evidence,
            title="no better than guessing, though the answers know the labels: other classes, or a hurt network",
            change="label the images by wnid; look at the last layer, the numeric steps and the weights",
        )  # fmt: skip
    elif known.spread >= SPREAD:
        yield Candidate(
            cause="labels.shuffled", certainty="possible", images=seen.run.n, evidence=evidence,
            title="the labels have nothing to do with the answers, which differ from image to image as labels do",
            change="look at a few images beside their labels; give each image its own label",
        )  # fmt: skip
    if not known.tells and known.spread < SPREAD:
        dead = "the network hardly looks at the images" if known.spread <= NARROW else "no class carries information"
        yield Candidate(
            cause="answers.near_chance", certainty="possible", images=seen.run.n, evidence=evidence,
            title=f"no better than guessing: {dead}", change=DEAD,
        )  # fmt: skip
