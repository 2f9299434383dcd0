"""What all looks found, in one order: the causes that remain, best first."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.records import Candidate, Diagnosis, Excluded, Findings

_CERTAINTY = {"shown": 0, "likely": 1, "possible": 2}
# What is nearer to the root comes first: a file that is wrong makes labels and recipes look wrong, and two
# computations part; what only describes the answers explains nothing if anything else does.
_ROOTS = ("repeat", "file", "labels", "recipe", "layer", "answers")


def diagnosis(subject: str, run: str, symptoms: Sequence[str], found: Findings) -> Diagnosis:
    """One record of everything that the looks found. run: its key."""
    candidates = _ranked(found.candidates)
    named = {candidate.cause for candidate in candidates}
    return Diagnosis(
        subject=subject,
        run=run,
        symptoms=tuple(symptoms),
        candidates=candidates,
        excluded=tuple(_once([each for each in found.excluded if each.cause not in named])),
        ties=tuple(tie for tie in found.ties if not named.issuperset(tie.causes)),
        not_looked=tuple(dict.fromkeys(found.not_looked)),
        images=max((candidate.images for candidate in found.candidates), default=0),
    )


def _ranked(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The surest first; of those that are as sure, the nearest to the root, then the one that explains most.

    A cause that several looks name stands once, as the surest of them says it.
    """
    best: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=_order):
        best.setdefault(candidate.cause, candidate)
    return tuple(best.values())


def _order(candidate: Candidate) -> tuple[int, int, float]:
    look = candidate.cause.split(".")[0]
    root = _ROOTS.index(look) if look in _ROOTS else len(_ROOTS)
    return _CERTAINTY[candidate.certainty], root, -abs(candidate.explains or 0)


def _once(excluded: Sequence[Excluded]) -> list[Excluded]:
    return list({(each.cause, each.title): each for each in excluded}.values())
