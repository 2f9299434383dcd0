"""Moves of labels and outputs in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zoo.diagnose.answers.moves import Move, Part
from zoo.diagnose.answers.pairs import Integers
from zoo.documents.classes import class_name
from zoo.documents.formatting import percent
from zoo.records import LabelMap

SHOWN = 6  # cycles or labels that are listed; further ones are counted


def share(count: int, n: int) -> str:
    """`47 of 64 images (73.44 %)`."""
    return f"{count:,} of {n:,} images ({percent(count / n)} %)"


def of_class(label_map: LabelMap) -> Callable[[int], str]:
    """Names an output by its class, by number and name; an output that is no class by its own number."""

    def named(output: int) -> str:
        index = output - label_map.first
        return class_name(label_map, index) if 0 <= index < label_map.classes else f"output {output}, no class"

    return named


def cycles(target: Integers, base: Integers, moved: np.ndarray) -> list[list[int]]:
    """Moved labels as chains: each one's answer is the next one's own. Closed ones come back to the first."""
    following = {int(base[label]): int(target[label]) for label in np.flatnonzero(moved)}
    starts = [each for each in following if each not in set(following.values())]
    chains, left = [], dict(following)
    for start in [*starts, *following]:
        if start not in left:
            continue
        chain = [start]
        while chain[-1] in left:
            chain.append(left.pop(chain[-1]))
        chains.append(chain)
    return chains


def chains_in_words(chains: Sequence[Sequence[int]], named: Callable[[int], str]) -> str:
    """`3 cat and 5 dog are exchanged; 1 owl is answered as 4 fox, ...`."""
    said = [_chain(chain, named) for chain in chains[:SHOWN]]
    more = len(chains) - SHOWN
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


def _chain(chain: Sequence[int], named: Callable[[int], str]) -> str:
    if len(chain) == 3 and chain[0] == chain[2]:
        return f"{named(chain[0])} and {named(chain[1])} are exchanged"
    shown = [named(each) for each in chain[: SHOWN + 1]]
    return " is answered as ".join(shown) + (" and so on" if len(chain) > SHOWN + 1 else "")


def offset_in_words(offset: int) -> str:
    """`label + 1`."""
    return f"label {'+' if offset > 0 else '-'} {abs(offset)}"


def parts_in_words(parts: Sequence[Part], first: int) -> str:
    """`label - 1 from class 7 to class 23`; first: the output of class 0."""
    said = [
        f"{offset_in_words(part.offset)} from class {part.start - first} to class {part.end - first}"
        for part in parts[:SHOWN]
    ]
    more = len(parts) - SHOWN
    return "; ".join(said) + (f"; and {more} more parts" if more > 0 else "")


def move_in_words(move: Move, moved: np.ndarray, label_map: LabelMap) -> str:
    """What a move does, with the classes it is about."""
    if move.what:
        return move.what
    if move.parts:
        return parts_in_words(move.parts, label_map.first)
    chains = cycles(move.target, np.arange(len(move.target)), moved)
    return chains_in_words(chains, of_class(label_map))
