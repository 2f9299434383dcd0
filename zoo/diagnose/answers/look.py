"""What kept answers, labels and relatives' answers say about why a number differs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, log2

import numpy as np

from zoo import stats
from zoo.diagnose.answers import labels, other_labels, outputs, spread, wording
from zoo.diagnose.answers.chance import SPREAD, information
from zoo.diagnose.answers.fitting import Fit, Tried, fit
from zoo.diagnose.answers.kin import Beside, nearest
from zoo.diagnose.answers.order import Slip, slip
from zoo.diagnose.answers.other_labels import RARE
from zoo.diagnose.answers.pairs import Pairs, pairs_of
from zoo.diagnose.answers.twice import twice
from zoo.diagnose.answers.weighing import weigh
from zoo.diagnose.base import Case
from zoo.documents.formatting import percent
from zoo.records.diagnoses import Candidate, Certainty, Excluded, Findings, Tie
from zoo.rules.nonsense.guessing import guessed
from zoo.rules.nonsense.seen import Seen

AGREES = 0.8  # share of images with a relative's answer from which on the outputs are beyond doubt
RESTORED = 1e-3  # p-value of "the documented accuracy holds once the labels are mended" below which it does not
NO_RELATIVE = Findings(not_looked=("outputs and labels against a relative's: none has answers for the same images",))
CLEARLY = 20  # images that moved labels make right for each that they make wrong, where labels are too few to be sure
MANY = 100  # classes that no other recipe permutes, as one that exchanges red and blue does with a few coloured ones
CLEAR = {"labels.numbering", "labels.text_order"}  # nothing else puts classes into such an order


def look(case: Case, command: Sequence[str] = ("zoo", "diagnose")) -> Findings:
    """Every cause in labels and outputs that a run's kept answers show, with what was tried and does not fit.

    command: words of the command that shows it again.
    """
    if case.answers is None or not case.answers.ids:
        return Findings(not_looked=("kept answers: the run was not finished, or its answers were not kept",))
    if case.label_map.classes < 2:
        return Findings(not_looked=(f"kept answers: label map {case.label_map.id} has one class",))
    kin = nearest(case)
    pairs = pairs_of(case.answers, case.label_map)
    if case.run.is_estimated and case.drawn is None:
        return Findings(not_looked=("kept answers: the run's images were drawn by a reference, which was not kept",))
    sides = spread.one_sided(case, Seen(case.run, case.label_map, case.answers, case.drawn), pairs)
    found = twice(case.answers) + Findings(candidates=sides)
    if any(each.cause in spread.DEAD_CAUSES for each in sides):
        found += Findings(not_looked=("labels and outputs: the answers do not depend on the images",))
    else:
        found += _alone(case, None, pairs) + NO_RELATIVE if kin is None else _beside(case, kin, pairs)
    told = tuple(each.changed(command=each.command or shlex.join(command)) for each in found.candidates)
    return found.changed(candidates=told)


def _beside(case: Case, kin: Beside, pairs: Pairs) -> Findings:
    """Against a relative first: what it explains is not looked for in the run's own answers."""
    found = other_labels.against(case, kin) + outputs.against(case, kin)
    return found if found.candidates else found + _alone(case, kin, pairs)


def _alone(case: Case, kin: Beside | None, pairs: Pairs) -> Findings:
    """Labels against the run's own answers; kin: a relative that must not contradict."""
    assert case.answers is not None
    read, order = fit(pairs, case.label_map), slip(pairs, case.answers.ids)
    found = Findings(excluded=tuple(labels.excluded(read, pairs)), not_looked=_too_few(read, pairs))
    if read.best is not None:
        return found + _moved(case, kin, read, pairs, order)
    if order is not None and order.sure:
        return found + Findings(candidates=(_slipped(order, pairs, kin),))
    found += Findings(excluded=(_no_other_order(order, pairs),))
    if (near := _restoring(case, read, pairs)) is not None:
        return found + _possible(_moved(case, kin, Fit((near,)), pairs, order))
    return found + _guessed(Seen(case.run, case.label_map, case.answers, case.drawn), pairs, kin)


# --- labels that fit when they are read otherwise ------------------------------------------------


def _moved(case: Case, kin: Beside | None, read: Fit, pairs: Pairs, order: Slip | None) -> Findings:
    """The best way of reading the labels, unless a relative fits them as they are."""
    best = read.best
    assert best is not None
    named = labels.named(read, pairs, case.label_map, case.label_maps.values(), case.checkpoint.id)
    against = kin and _contradiction(kin, best, case)
    right, n = best.weight.right, pairs.n
    evidence = (
        f"{wording.share(right, n)} are right so, as labelled {pairs.right:,}; {best.weight.gained:,} become right and "
        f"{best.weight.lost:,} wrong, in {best.weight.labels:,} classes{_documented(case, right, n)}"
    )
    if against:
        return Findings(excluded=(Excluded(cause=named.cause, title=named.title, by=f"{evidence}; but {against}"),))
    agreed = float(kin.agreeing.mean()) if kin else 0.0
    if kin and agreed >= AGREES:
        evidence += f"; {percent(agreed)} % of {kin.n:,} images have the answer of {kin.name}: the labels are at fault"
    candidate = Candidate(
        cause=named.cause, title=named.title, certainty=_certainty(case, named.cause, best, pairs, agreed), images=n,
        evidence=evidence, explains=(right - pairs.right) / n, change=named.change,
    )  # fmt: skip
    return Findings(candidates=(candidate,), ties=_ties(candidate, pairs, order, agreed, _is_apart(best, pairs)))


def _restoring(case: Case, read: Fit, pairs: Pairs) -> Tried | None:
    """The best of what few images do not make sure, if it gives the documented accuracy and the labels do not."""
    if not read.tried:
        return None
    best = read.tried[0]
    weight, known = best.weight, best.move.kind in ("offsets", "numbering", "text order", "reverse")
    clear = weight.gained >= CLEARLY * max(1, weight.lost) and weight.right - pairs.right >= CLEARLY
    restores = _is_restored(case, weight.right, pairs.n) and not _is_restored(case, pairs.right, pairs.n)
    return replace(best, weight=replace(weight, sure=True)) if known and clear and restores else None


def _possible(found: Findings) -> Findings:
    """The same without being sure of it."""
    return found.changed(candidates=tuple(each.changed(certainty="possible") for each in found.candidates))


def _contradiction(kin: Beside, best: Tried, case: Case) -> str:
    """What a relative has against labels that are at fault: it is right by them as they are. "" if it has nothing."""
    wanted = kin.labels[0] + case.label_map.first
    theirs = Pairs(wanted, kin.expected, case.label_map.outputs)
    target = np.arange(theirs.size)
    known = min(len(best.move.target), theirs.size)
    target[:known] = best.move.target[:known]
    again = weigh(theirs, target, np.arange(theirs.size), best.move.bits)
    if again.gained > again.lost:
        return ""
    return f"{kin.name} is right in {wording.share(theirs.right, kin.n)} with the labels as they are"


def _certainty(case: Case, cause: str, best: Tried, pairs: Pairs, agreed: float) -> Certainty:
    if agreed >= AGREES or cause in CLEAR:
        return "shown"
    if cause in ("labels.offset", "labels.background"):
        return "likely"
    return "likely" if _is_apart(best, pairs) and _is_restored(case, best.weight.right, pairs.n) else "possible"


def _is_apart(best: Tried, pairs: Pairs) -> bool:
    """Whether no recipe would move just these classes: they are too many, or most others are where they were."""
    classes = int((pairs.images > 0).sum())
    return classes >= MANY or 2 * best.weight.labels <= classes


def _is_restored(case: Case, right: int, n: int) -> bool:
    """Whether a documented top-1 holds for the labels as they would be; not known where a reference drew the images."""
    if case.run.is_estimated:
        return False
    numbers = [float(claim.number()) for claim in case.claims if claim.metric == "top1"]
    return any(
        min(stats.share_p(right, n, number, side) for side in ("less", "greater")) > RESTORED / 2 for number in numbers
    )


def _documented(case: Case, right: int, n: int) -> str:
    numbers = sorted({float(claim.number()) for claim in case.claims if claim.metric == "top1"})
    if not numbers:
        return ""
    if case.run.is_estimated:
        return "; that is no accuracy, as the images were drawn by a reference"
    return f"; {percent(right / n)} %, and {' or '.join(map(percent, numbers))} % is documented"


def _ties(candidate: Candidate, pairs: Pairs, order: Slip | None, agreed: float, apart: bool) -> tuple[Tie, ...]:
    """What one run's answers cannot tell apart: labels against outputs, classes against places in the list."""
    found = []
    if agreed < AGREES and candidate.cause not in CLEAR:
        rows = "the rows of the last layer moved in the same way, which a relative's answers or the file would tell"
        causes = (candidate.cause, "answers.outputs_permuted")
        found.append(Tie(causes=causes, titles=(candidate.title, rows), images=pairs.n))
    if agreed < AGREES and candidate.cause == "labels.permutation" and not apart:
        colours = "red and blue exchanged, where colours tell the classes, which other recipes would tell"
        causes = (candidate.cause, "recipe.channel_order")
        found.append(Tie(causes=causes, titles=(candidate.title, colours), images=pairs.n))
    gained = round((candidate.explains or 0) * pairs.n)
    if order is not None and order.sure and order.right - order.before >= 0.9 * gained:
        titles = (candidate.title, f"labels of other images: {order.what}")
        found.append(Tie(causes=(candidate.cause, "labels.image_order"), titles=titles, images=pairs.n))
    return tuple(found)


def _too_few(read: Fit, pairs: Pairs) -> tuple[str, ...]:
    """What so few images cannot show."""
    said = []
    classes = int((pairs.images > 0).sum())
    each = ceil(1.5 * log2(max(2, pairs.outputs)))  # a bit for each binary digit of an output, some images are wrong
    if read.best is None and pairs.n < each * classes:
        said.append(
            f"permutations of single classes: that takes about {each} images of each class, here are "
            f"{pairs.n / max(1, classes):.1f}; a relative's answers would need none"
        )
    near = read.tried[0] if read.tried and read.best is None else None
    if near is not None and near.weight.more is not None and near.weight.gained > 2 * near.weight.lost + 2:
        what = near.move.what or (wording.offset_in_words(near.move.main.offset) if near.move.main else "")
        if what:
            said.append(
                f"whether the answers fit {what}: {near.weight.gained} images become right and {near.weight.lost} "
                f"wrong; about {near.weight.more:,} more images would tell"
            )
    return tuple(said)


# --- labels of other images, and labels without any order ----------------------------------------


def _slipped(order: Slip, pairs: Pairs, kin: Beside | None) -> Candidate:
    whole = order.end - order.start >= 0.95 * pairs.n
    where = "" if whole else f", from image {order.start + 1:,} to {order.end:,} of the list"
    agreed = f"; {wording.share(int(kin.agreeing.sum()), kin.n)} have the answer of {kin.name}" if kin else ""
    return Candidate(
        cause="labels.image_order", certainty="shown", images=pairs.n,
        title=f"labels of other images: the answers fit {order.what}{where}",
        evidence=f"{wording.share(order.right, pairs.n)} are right so, as labelled {order.before:,}{agreed}",
        explains=(order.right - order.before) / pairs.n,
        change="sort labels and images in the same way, or name each image in the label file",
    )  # fmt: skip


def _no_other_order(order: Slip | None, pairs: Pairs) -> Excluded:
    best = f"{wording.share(order.right, pairs.n)} would be right with {order.what}, " if order else ""
    return Excluded(cause="labels.image_order", title="labels of other images", by=f"{best}as labelled {pairs.right:,}")


def _guessed(seen: Seen, pairs: Pairs, kin: Beside | None) -> Findings:
    """Answers no better than guessing. If a relative that is alive answers alike, the labels are at fault."""
    if guessed(seen) is None:
        chance = f"{wording.share(pairs.right, pairs.n)} are right"
        return Findings(excluded=(Excluded(cause="answers.near_chance", title="no better than guessing", by=chance),))
    known = information(pairs)
    candidates = tuple(spread.near_chance(seen, known))
    rare = pairs.n < RARE * int((pairs.images > 0).sum())
    agreed = int(kin.agreeing.sum()) if kin else 0
    if kin is not None and agreed >= AGREES * kin.n and not known.tells and known.spread >= SPREAD:
        said = f"{wording.share(agreed, kin.n)} have the answer of {kin.name}"
        certainty: Certainty = "likely" if rare else "shown"
        candidates = tuple(_shown_by(each, said, certainty) for each in candidates)
    return Findings(candidates=candidates, ties=_shuffled_or_permuted(candidates, pairs) if rare else ())


def _shuffled_or_permuted(candidates: tuple[Candidate, ...], pairs: Pairs) -> tuple[Tie, ...]:
    """Where most labels are there once, a permutation of classes is as good as no order."""
    each = ceil(1.5 * log2(max(2, pairs.outputs)))
    more = each * int((pairs.images > 0).sum()) - pairs.n
    titles = ("labels of other images", "the classes permuted, in an order that is none of the known ones")
    return tuple(
        Tie(causes=("labels.shuffled", "labels.permutation"), titles=titles, images=pairs.n, more=more)
        for candidate in candidates
        if candidate.cause == "labels.shuffled"
    )


def _shown_by(candidate: Candidate, more: str, certainty: Certainty) -> Candidate:
    """The same cause, with a relative's answers for it."""
    return candidate.changed(certainty=certainty, evidence=f"{candidate.evidence}; {more}")
