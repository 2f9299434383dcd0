"""What was done to a tensor, seen from it and from the one that it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from zoo.diagnose.network import Double
from zoo.diagnose.tensors.words import number, times

Kind = Literal[
    "scaled", "sign", "zeroed", "offset", "rolled", "reversed", "swapped", "permuted", "input_channels", "kernel",
    "reordered", "few", "other", "not_finite",
]  # fmt: skip

EXACT = 1e-5  # relative error of float32 arithmetic in folding and unfolding, with room
FEW = 0.5  # of the values; where more differ, the whole tensor does
FARTHEST = 1e4  # a larger factor is that of a single value, beside which all others are nothing
BETTER = 0.5  # of the distance that was there; an explanation leaves less
LARGEST = 4096  # rows that are matched one by one


@dataclass(frozen=True)
class Change:
    """How a tensor differs. kind; words: with numbers, to be read behind the tensor's name; size: relative L2."""

    kind: Kind
    words: str
    size: float


def size_of(own: Double, other: Double) -> float:
    """Relative L2 distance; infinite where the other is all zeros and the own is not."""
    length = float(np.linalg.norm(other))
    distance = float(np.linalg.norm(own - other))
    return distance / length if length else (0.0 if distance == 0 else np.inf)


def fits(own: Double, other: Double, noise: Double) -> bool:
    """Whether two tensors are equal within noise, which has one value for each row (out,)."""
    return own.shape == other.shape and bool(_row_fits(own, other, noise).all())


def _row_fits(own: Double, other: Double, noise: Double) -> np.ndarray:
    """bool (out,): whether a row's largest error is within its noise. NaN never is."""
    errors = np.abs(own - other).reshape(len(own), -1).max(axis=1)
    return np.asarray(errors <= noise)


def change(own: Double, other: Double, noise: Double) -> Change | None:
    """What turned `other` into `own`; None where they are equal within noise.

    own, other: float64 of one shape, outputs first; noise: (out,), the error that rounding explains.
    The simplest explanation that leaves nothing but noise is taken.
    """
    if not np.isfinite(own).all():
        count = int((~np.isfinite(own)).sum())
        return Change("not_finite", f"{count} of {own.size} values are NaN or infinite", np.inf)
    if fits(own, other, noise):
        return None
    size = size_of(own, other)
    for explain in EXPLANATIONS:
        found = explain(own, other, noise)
        if found is not None:
            return Change(*found, size)
    return Change(*_otherwise(own, other, noise), size)


Explanation = tuple[Kind, str] | None


def _zeroed(own: Double, other: Double, noise: Double) -> Explanation:
    rows = own.reshape(len(own), -1)
    dead = ~rows.any(axis=1) & (np.abs(other).reshape(len(other), -1).max(axis=1) > noise)
    if not dead.any() or not (dead | _row_fits(own, other, noise)).all():
        return None
    return "zeroed", "is all zeros" if dead.all() else f"is zero in {_places(dead)}"


def _scaled(own: Double, other: Double, noise: Double) -> Explanation:
    """By one factor, or by one for each output; a factor of -1 is a sign."""
    mine, others = own.reshape(len(own), -1), other.reshape(len(other), -1)
    factors = _factors(mine, others)
    room = noise * np.maximum(1, np.abs(factors))
    if not _row_fits(mine, others * factors[:, None], room).all():
        return None
    changed = ~_row_fits(mine, others, noise)
    if not changed.any() or np.abs(factors).max() > FARTHEST:
        return None
    low, high = float(factors[changed].min()), float(factors[changed].max())
    which = "" if changed.all() else f"of {_places(changed)} "
    if np.allclose(factors[changed], -1, rtol=1e-2):
        return "sign", f"{which}has the other sign"
    return "scaled", f"{which}is {times(low, high)} times as large"


def _factors(mine: Double, others: Double) -> Double:
    """By how much each row is larger; one factor for all where a row is one value, which says nothing alone."""
    energy, products = (others**2).sum(axis=1), (mine * others).sum(axis=1)
    if mine.shape[1] == 1:
        whole = products.sum() / energy.sum() if energy.any() else 1.0
        return np.full(len(mine), whole)
    return np.asarray(np.divide(products, energy, out=np.ones(len(energy)), where=energy > 0), np.float64)


def _offset(own: Double, other: Double, noise: Double) -> Explanation:
    """A constant was added to all."""
    if own.ndim > 1 or len(own) < 3:
        return None
    shift = float(np.median(own - other))
    room = noise + EXACT * abs(shift)
    return ("offset", f"is larger by {number(shift)} everywhere") if fits(own - shift, other, room) else None


def _better(own: Double, explained: Double, other: Double, noise: Double) -> bool:
    """Whether an explanation leaves noise alone, and much less than there was: where noise is large, anything fits."""
    return fits(own, explained, noise) and np.linalg.norm(own - explained) < BETTER * np.linalg.norm(own - other)


def _row_order(own: Double, other: Double, noise: Double) -> Explanation:
    order = row_order(own, other, noise)
    return None if order is None else _order_words(order, "")


def _column_order(own: Double, other: Double, noise: Double) -> Explanation:
    if own.ndim < 2 or own.shape[1] < 2:
        return None
    turned = [np.ascontiguousarray(np.moveaxis(each, 1, 0)) for each in (own, other)]
    order = row_order(turned[0], turned[1], np.full(own.shape[1], noise.max()))
    if order is None:
        return None
    return "input_channels", f"input channels are {_order_words(order, 'in ')[1]}"


def row_order(own: Double, other: Double, noise: Double) -> np.ndarray | None:
    """int (out,): own row i is other row order[i], within noise; None where no order does that."""
    mine, others = own.reshape(len(own), -1), other.reshape(len(other), -1)
    if len(mine) < 2 or len(mine) > LARGEST:
        return None
    room = noise.max()
    if not np.all(np.abs(np.sort(mine.sum(axis=1)) - np.sort(others.sum(axis=1))) <= 2 * room * mine.shape[1]):
        return None  # quick: whatever the order, the rows' sums are the same
    squares = (mine**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None, :] - 2 * mine @ others.T
    order = np.asarray(linear_sum_assignment(squares)[1])
    identical = _row_fits(own, other, noise)  # rows that are alike in pairs stay where they are
    kept = np.where(identical, np.arange(len(order)), order)
    order = kept if len(set(kept.tolist())) == len(kept) else order
    moved = bool((order != np.arange(len(order))).any())
    return order if moved and _better(own, other[order], other, np.full(len(own), room)) else None


def _order_words(order: np.ndarray, where: str) -> tuple[Kind, str]:
    """A permutation in words. where: "" or "in ", in front of what it is an order of."""
    count = len(order)
    shift = int(order[0])
    if np.array_equal(order, (np.arange(count) + shift) % count):
        shift = shift if shift <= count // 2 else shift - count
        return "rolled", f"rolled by {-shift} (number {(-shift) % count} holds what belongs to number 0)"
    if np.array_equal(order, np.arange(count)[::-1]):
        return "reversed", f"{where}reversed order"
    moved = np.flatnonzero(order != np.arange(count))
    if len(moved) == 2:
        return "swapped", f"numbers {moved[0]} and {moved[1]} exchanged"
    return "permuted", f"{where}another order: {len(moved)} of {count} moved, number {moved[0]} holds {order[moved[0]]}"


TURNS: dict[str, Callable[[Double], Double]] = {
    "height and width exchanged": lambda kernel: kernel.transpose(0, 1, 3, 2),
    "upside down": lambda kernel: kernel[:, :, ::-1],
    "left to right": lambda kernel: kernel[:, :, :, ::-1],
    "turned by 180 degrees (a convolution for a correlation)": lambda kernel: kernel[:, :, ::-1, ::-1],
    "turned by 90 degrees": lambda kernel: np.rot90(kernel, 1, (2, 3)),
    "turned by 270 degrees": lambda kernel: np.rot90(kernel, 3, (2, 3)),
    "height and width exchanged and turned by 180 degrees": lambda kernel: kernel.transpose(0, 1, 3, 2)[
        :, :, ::-1, ::-1
    ],
}


def _kernel(own: Double, other: Double, noise: Double) -> Explanation:
    if own.ndim != 4 or own.shape[2:] == (1, 1):
        return None
    for words, turned in TURNS.items():
        if turned(other).shape == own.shape and _better(own, turned(other), other, noise):
            return "kernel", f"kernels are {words}"
    return None


def _reshaped(own: Double, other: Double, noise: Double) -> Explanation:
    """The values were laid out along the axes in a wrong order, or are those of the other in any order."""
    room = np.full(len(own), noise.max())
    for axes in _orders(own.ndim):
        if _better(own, np.asarray(other.transpose(axes).reshape(own.shape)), other, room):
            return "reordered", f"was read with its axes in the order {axes}, not {tuple(range(own.ndim))}"
    if float(np.abs(np.sort(own.ravel()) - np.sort(other.ravel())).max()) <= noise.min() and noise.max() < np.inf:
        return "reordered", "holds the same values in another order"
    return None


def _orders(dimensions: int) -> Iterator[tuple[int, ...]]:
    """Orders of axes that converters confuse: of matrices and of kernels."""
    if dimensions == 2:
        yield (1, 0)
    if dimensions == 4:
        yield from ((1, 0, 2, 3), (2, 3, 1, 0), (3, 2, 0, 1), (0, 2, 3, 1), (2, 3, 0, 1), (0, 3, 1, 2))


EXPLANATIONS = (_zeroed, _scaled, _offset, _kernel, _row_order, _column_order, _reshaped)


def _otherwise(own: Double, other: Double, noise: Double) -> tuple[Kind, str]:
    """How much differs, and by how much, where nothing simple explains it."""
    errors = np.abs(own - other).reshape(len(own), -1)
    wrong = errors > noise[:, None]
    worst = int(errors.max(axis=1).argmax())
    largest = f"the largest difference is {number(errors.max())}, in number {worst}"
    if wrong.mean() < FEW:
        outputs = f"{int(wrong.any(axis=1).sum())} of {len(own)} outputs"
        return "few", f"{int(wrong.sum())} of {own.size} values in {outputs} differ; {largest}"
    apart = f"{number(size_of(own, other))} of its length (cosine {number(cosine(own, other))})"
    return "other", f"differs by {apart}; {largest}"


def cosine(own: Double, other: Double) -> float:
    """Of the angle between two tensors; 0 where one is all zeros."""
    size = float(np.linalg.norm(own) * np.linalg.norm(other))
    return float((own * other).sum()) / size if size else 0.0


def _places(chosen: np.ndarray) -> str:
    """Which outputs: "2 of 96 outputs (3, 7)"."""
    places = np.flatnonzero(chosen)
    first = ", ".join(str(place) for place in places[:4]) + (", ..." if len(places) > 4 else "")
    return f"{len(places)} of {len(chosen)} outputs ({first})"
