"""Outputs against a relative's: permuted columns, another label map, outputs that are never the answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import binom

from zoo import stats
from zoo.diagnose.answers import columns, wording
from zoo.diagnose.answers.columns import Columns
from zoo.diagnose.answers.fitting import Fit, fit
from zoo.diagnose.answers.kin import Beside
from zoo.diagnose.answers.weighing import SURE
from zoo.diagnose.base import Case
from zoo.documents.formatting import percent
from zoo.records import LabelMap
from zoo.records.diagnoses import Candidate, Excluded, Findings

AGREES = 0.8  # share of images to which two runs give one answer if their networks are one
WORSE = 1e-3  # p-value at which the relative's answers are the better ones
SOUND = 0.9  # share of the other images to which a network that is sound but for these outputs gives the same answers
OFTEN = 12  # images to which a relative gives an answer that is never given here
MOST = 0.6  # share of the differing answers that are one output


def against(case: Case, kin: Beside) -> Findings:
    """What differs between the outputs of both, where the relative fits the labels better."""
    found = Findings()
    matched = columns.match(*kin.standing()) if kin.same_outputs else None
    moved = fit(kin.pairs, _numbered(case.label_map))
    other_map = _label_map(case, kin)
    if other_map is not None:
        return Findings(candidates=(other_map,))
    permuted = _permuted(case, kin, matched, moved)
    if permuted is not None:
        found += Findings(candidates=(permuted,))
    else:
        found += Findings(excluded=(_not_permuted(kin, matched),))
        found += Findings(candidates=tuple(_one_sided(case, kin)))
    return found


def _numbered(label_map: LabelMap) -> LabelMap:
    """The outputs as classes without names: how the classes are numbered is no question between two networks."""
    return label_map.changed(classes=label_map.outputs, first=0, names=())


def _is_worse(kin: Beside) -> bool:
    """Whether the relative is right where they differ, surely more often than the run itself."""
    own, other = kin.right
    better, worse = int((other & ~own).sum()), int((own & ~other).sum())
    return better > worse and stats.share_p(better, better + worse, 0.5, "greater") <= WORSE


# --- another label map ---------------------------------------------------------------------------


def _label_map(case: Case, kin: Beside) -> Candidate | None:
    """Outputs that are the relative's one by one, counted from another first class; or so many further on."""
    own, other = case.label_map, kin.relative.label_map
    if not _is_worse(kin):
        return None
    if kin.same_outputs and own.first != other.first and own.classes == other.classes:
        agreed = int(kin.agreeing.sum())
        offset = other.first - own.first
    elif not kin.same_outputs and own.classes == other.classes:
        agreed, offset = _commonest_offset(kin)
    else:
        return None
    if offset == 0 or agreed < AGREES * kin.n:
        return None
    wanted = own.first + offset
    if not 0 <= wanted <= own.outputs - own.classes:
        return None
    name = other.id if kin.same_outputs else f"{own.id}_from_{wanted}"
    known = next((each for each in case.label_maps.values() if _is_map(each, own, wanted)), None)
    name = known.id if known else name
    table = "" if known or kin.same_outputs else _table(name, own, wanted)
    own_right, other_right = (percent(float(each.mean())) for each in kin.right)
    return Candidate(
        cause="labels.background", certainty="shown", images=kin.n,
        title=f"another label map fits ({name}): class 0 is output {wanted}, not {own.first} as in {own.id}",
        evidence=f"read so, {wording.share(agreed, kin.n)} have the answer of {kin.name}, which is right in "
        f"{other_right} %; as it is, this run is right in {own_right} %",
        explains=float(kin.right[1].mean() - kin.right[0].mean()),
        change=f'[[checkpoint]]\nid = "{case.checkpoint.id}"\nlabel_map = "{name}"{table}',
    )  # fmt: skip


def _is_map(label_map: LabelMap, own: LabelMap, first: int) -> bool:
    return (label_map.outputs, label_map.classes, label_map.first) == (own.outputs, own.classes, first)


def _table(name: str, own: LabelMap, first: int) -> str:
    return f'\n\n[[label_map]]\nid = "{name}"\noutputs = {own.outputs}\nclasses = {own.classes}\nfirst = {first}'


def _commonest_offset(kin: Beside) -> tuple[int, int]:
    found, counts = np.unique(kin.given - kin.expected, return_counts=True)
    best = int(counts.argmax())
    return int(counts[best]), int(found[best])


# --- permuted outputs ----------------------------------------------------------------------------


def _permuted(case: Case, kin: Beside, matched: Columns | None, moved: Fit) -> Candidate | None:
    """Outputs that are other outputs of the relative: by whole score vectors, or by the answers where none are kept."""
    if not kin.same_outputs:
        return None
    numbers = np.arange(case.label_map.outputs)
    if matched is not None:
        target, which = matched.target, np.isin(numbers, matched.moved)
    elif moved.best is not None:
        target, which = moved.best.move.target[numbers], moved.best.move.target[numbers] != numbers
    else:
        return None
    expected = np.where(which[kin.expected], target[kin.expected], kin.expected)
    touched = which[kin.expected] | which[kin.given]
    agreed, before = int((expected == kin.given).sum()), int(kin.agreeing.sum())
    if not which.any() or not _restores(kin, touched, expected):
        return None
    chains = wording.cycles(target, numbers, which)
    said = wording.chains_in_words(chains, wording.of_class(case.label_map))
    turned = _turned(target, which)
    evidence = f"with this, {wording.share(agreed, kin.n)} have the answer of {kin.name}, as it is {before:,}"
    if matched is not None:
        evidence += (
            f"; over {matched.images} whole score vectors the moved columns correlate with the relative's at "
            f"{matched.after:.4f} as matched, {matched.before:.4f} as they are numbered"
        )
    rows = f"{int(which.sum()):,} of {len(numbers):,} outputs"
    own, other = kin.right
    return Candidate(
        cause="answers.outputs_permuted", certainty="shown" if matched is not None else "likely", images=kin.n,
        title=f"{rows} are permuted against the relative's{turned}: {said}", evidence=evidence,
        explains=float(other[touched].sum() - own[touched].sum()) / kin.n,
        change="put the rows of the last layer, weight and bias, back into this order:\n" + _order(target, which),
    )  # fmt: skip


def _restores(kin: Beside, touched: np.ndarray, expected: np.ndarray) -> bool:
    """Whether the answers agree once the outputs are put back, and the labels take the relative's side.

    Where no image is touched, as with few images of 1000 classes, it is the side that was named as the good one.
    """
    own, other = (each[touched] for each in kin.right)
    if not touched.any():
        return kin.relative.kinship == "reference"
    agreed = int((expected == kin.given)[touched].sum())
    return agreed >= AGREES * int(touched.sum()) and int(other.sum()) > int(own.sum())


def _turned(target: np.ndarray, which: np.ndarray) -> str:
    """`, turned by 3`, where all are."""
    outputs = len(target)
    offsets = np.unique((target - np.arange(outputs)) % outputs)
    return f", rolled by {int(offsets[0])}" if which.all() and len(offsets) == 1 else ""


def _order(target: np.ndarray, which: np.ndarray) -> str:
    moved = np.flatnonzero(which)
    lines = [f"row {int(target[output])} -> row {int(output)}" for output in moved[:24]]
    return "\n".join(lines + ([f"... and {len(moved) - 24} more"] if len(moved) > 24 else []))


def _not_permuted(kin: Beside, matched: Columns | None) -> Excluded:
    agreed = f"{wording.share(int(kin.agreeing.sum()), kin.n)} have the answer of {kin.name}"
    if matched is not None:
        agreed += f"; no column of {matched.images} whole score vectors fits another output better"
    return Excluded(cause="answers.outputs_permuted", title="outputs in another order", by=agreed)


# --- outputs that win too rarely or too often ----------------------------------------------------


def _one_sided(case: Case, kin: Beside) -> Iterator[Candidate]:
    """Outputs that are never the answer though they often are the relative's; one that takes the others' answers."""
    if not kin.same_outputs or not _is_worse(kin):
        return
    named = wording.of_class(case.label_map)
    pairs = kin.pairs
    never = np.flatnonzero((pairs.images >= OFTEN) & (pairs.answers == 0))
    agreeing = _mean(kin.agreeing[~np.isin(kin.expected, never)])
    own, other = kin.right
    if len(never) and agreeing >= SOUND:
        lost = int(pairs.images[never].sum())
        listed = ", ".join(named(int(each)) for each in never[: wording.SHOWN])
        more = f" and {len(never) - wording.SHOWN} more" if len(never) > wording.SHOWN else ""
        touched = np.isin(kin.expected, never)
        yield Candidate(
            cause="answers.few_classes", certainty="likely", images=kin.n,
            title=f"{len(never):,} of {pairs.outputs:,} classes are never the answer: {listed}{more}",
            evidence=f"{kin.name} gives them to {wording.share(lost, kin.n)}, this run to none; of the other images "
            f"{percent(agreeing)} % have the same answer",
            explains=float(other[touched].sum() - own[touched].sum()) / kin.n,
            change="look at the rows of the last layer for these classes, weight and bias",
        )  # fmt: skip
    yield from _favoured(case, kin)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _favoured(case: Case, kin: Beside) -> Iterator[Candidate]:
    differing = kin.given[~kin.agreeing]
    counts = np.bincount(differing, minlength=case.label_map.outputs)
    best, most = int(counts.argmax()), int(counts.max(initial=0))
    # As often as half of the differences fall to it by chance: far more than a healthy network's commonest confusion.
    if most < OFTEN or binom.sf(most - 1, len(differing), 0.3) > SURE or most < MOST * len(differing):
        return
    if _mean(kin.agreeing[kin.given != best]) < SOUND:
        return  # not this output alone
    named = wording.of_class(case.label_map)
    own, other = kin.right
    touched = kin.given == best
    yield Candidate(
        cause="answers.favoured_class", certainty="likely", images=kin.n,
        title=f"{named(best)} takes the place of other classes",
        evidence=f"{wording.share(len(differing), kin.n)} have another answer than {kin.name} gives, and {most:,} of "
        f"these are {named(best)}, which {kin.name} gives to {int((kin.expected == best).sum()):,} images, this run to "
        f"{int(touched.sum()):,}",
        explains=float(other[touched].sum() - own[touched].sum()) / kin.n,
        change=f"look at row {best} of the last layer: its bias or its weights are too large",
    )  # fmt: skip
