"""Labels against those that a relative's run had for the same images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log2

import numpy as np

from zoo import stats
from zoo.diagnose.answers import wording
from zoo.diagnose.answers.fitting import Fit, Tried, fit
from zoo.diagnose.answers.kin import Beside
from zoo.diagnose.answers.labels import NUMBERED_ALIKE, Named, named
from zoo.diagnose.answers.order import slip
from zoo.diagnose.answers.pairs import Booleans, Pairs
from zoo.diagnose.answers.weighing import SURE, bits_of_labels
from zoo.diagnose.base import Case
from zoo.documents.formatting import percent
from zoo.records.diagnoses import Candidate, Excluded, Findings

WHOLE = 0.9  # share of the labels that a way of reading has to explain to be the cause by itself
MOST = 0.7  # the same for another order of the images: of a list that slipped, the ends are lost
ALL = 0.95  # share of the labels that can differ by chance from which on all are taken to be at random
RARE = 2  # images of a label on average, below which shuffled and permuted labels look alike
SHOWN = 5  # images that are listed
OWN_LABEL = "give each image its own label, by the name of its file"


@dataclass(frozen=True)
class _Sides:
    """Images whose labels differ, and how many of them each side's label makes right."""

    differing: Booleans
    theirs: int
    ours: int


def against(case: Case, kin: Beside) -> Findings:
    """What happened to the labels, where the relative's fit the answers better."""
    if not kin.one_label_each:
        return Findings(not_looked=("labels against a relative's: images have several right classes",))
    if case.label_map.classes != kin.relative.label_map.classes:
        return Findings()
    own, other = kin.labels
    differing = own != other
    if not differing.any():
        by = f"{kin.name} has the same label for each of {kin.n:,} images"
        return Findings(excluded=(Excluded(cause="labels.wrong_some", title="labels of some images wrong", by=by),))
    given = kin.given - case.label_map.first
    sides = _Sides(differing, *(int((given == each)[differing].sum()) for each in (other, own)))
    p = stats.share_p(sides.theirs, sides.theirs + sides.ours, 0.5, "greater")
    if sides.theirs <= sides.ours or p > 0.05:
        by = (
            f"{kin.name} has another label for {wording.share(int(differing.sum()), kin.n)}, of which the answers are "
            f"right by its labels in {sides.theirs:,}, by these in {sides.ours:,}"
        )
        return Findings(excluded=(Excluded(cause="labels.wrong_some", title="labels of some images wrong", by=by),))
    found = _how(case, kin, differing)
    return Findings(candidates=(_candidate(kin, found, sides, p),))


def _candidate(kin: Beside, found: Named, sides: _Sides, p: float) -> Candidate:
    count = int(sides.differing.sum())
    return Candidate(
        cause=found.cause, title=found.title, certainty="shown" if p <= SURE else "likely", images=kin.n,
        evidence=f"{kin.name} has another label for {wording.share(count, kin.n)}; of these, the answers are right by "
        f"its labels in {sides.theirs:,}, by the labels here in {sides.ours:,}",
        explains=(sides.theirs - sides.ours) / kin.n,
        change=found.change,
    )  # fmt: skip


def _how(case: Case, kin: Beside, differing: Booleans) -> Named:
    """The way from one list of labels to the other: nothing is left to chance where both are there."""
    own, other = kin.labels
    first = case.label_map.first
    pairs = Pairs(own + first, other + first, case.label_map.outputs)
    order = slip(pairs, tuple(kin.own.ids[row] for row in kin.rows))
    read = fit(pairs, case.label_map)
    whole = next((each for each in read.tried if _is_whole(each, kin.n)), None)
    if whole is not None:
        sure = replace(whole, weight=replace(whole.weight, sure=True))
        return named(Fit((sure,)), pairs, case.label_map, case.label_maps.values(), case.checkpoint.id)
    if order is not None and order.sure and order.right >= MOST * kin.n:
        where = "" if order.end - order.start >= WHOLE * kin.n else f", from image {order.start + 1} to {order.end}"
        return Named("labels.image_order", f"labels of other images: {order.what}{where} fits", OWN_LABEL)
    return _permuted(pairs, case) or _at_random(kin, differing)


def _is_whole(tried: Tried, n: int) -> bool:
    """Whether a way of reading explains one list by the other. Permutations are another matter: some fits any list."""
    return tried.weight.right >= WHOLE * n and (tried.weight.sure or tried.move.kind != "permutation")


def _permuted(pairs: Pairs, case: Case) -> Named | None:
    """Every label of the one list is always the same one of the other: more images of a class are not by luck."""
    occurs, numbers = pairs.images > 0, np.arange(pairs.size)
    most, target = pairs.counts.max(axis=1), pairs.counts.argmax(axis=1)
    moved = (target != numbers) & occurs
    if not moved.any() or most.sum() < pairs.n or len(np.unique(target[occurs])) < occurs.sum():
        return None
    if bits_of_labels(int((pairs.images - 1)[moved].sum()), pairs.outputs) < -log2(SURE):
        return None
    said = wording.chains_in_words(wording.cycles(target, numbers, moved), wording.of_class(case.label_map))
    return Named("labels.permutation", f"{int(moved.sum()):,} classes are permuted: {said}", NUMBERED_ALIKE)


def _at_random(kin: Beside, differing: Booleans) -> Named:
    names = [kin.own.ids[kin.rows[row]] for row in np.flatnonzero(differing)]
    listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    share, classes = percent(len(names) / kin.n), len(np.unique(kin.labels[0]))
    if len(names) >= ALL * kin.n * (1 - 1 / max(2, classes)):
        rare = ", or classes permuted, as most labels are there once" if kin.n < RARE * classes else ""
        title = f"labels at random: {share} % differ from the relative's, without any order{rare}"
        return Named("labels.shuffled", title, OWN_LABEL)
    change = "take the labels of these images from the relative's list: " + listed
    return Named("labels.wrong_some", f"{share} % of the labels are wrong ({listed})", change)
