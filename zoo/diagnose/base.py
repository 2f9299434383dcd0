"""What a look may know of the run that it explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zoo.records import Checkpoint, Claim, Kinship, LabelMap, Recipe, Run, Verdict
from zoo.records.predictions import Predictions
from zoo.rules.drawn import Looked


@dataclass(frozen=True)
class Relative:
    """A run that should answer alike. kinship: why; answers: None where they were not kept."""

    run: Run
    checkpoint: Checkpoint
    label_map: LabelMap
    kinship: Kinship
    answers: Predictions | None = None


@dataclass(frozen=True)
class Case:
    """A run whose numbers are to be explained.

    recipe: the one in effect; claims: the documented accuracies of its checkpoint, publishers' own; verdicts: those on
    this run; answers: per image, None where the run was not finished; relatives: the nearest first. drawn: where a
    reference drew the run's images, how likely they were: shares of them are not held against documented numbers.
    """

    run: Run
    checkpoint: Checkpoint
    label_map: LabelMap
    recipe: Recipe
    claims: Sequence[Claim] = ()
    verdicts: Sequence[Verdict] = ()
    answers: Predictions | None = None
    relatives: Sequence[Relative] = field(default_factory=tuple)
    label_maps: Mapping[str, LabelMap] = field(default_factory=dict)
    drawn: Looked | None = None
