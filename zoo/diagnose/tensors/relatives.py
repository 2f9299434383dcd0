"""What a relative's tensors say about a file's: equal, changed in some layers, or of another training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.diagnose.network import Alignment, FileNetwork, aligned
from zoo.diagnose.tensors import causes
from zoo.diagnose.tensors.compared import LOOSE, Comparison, compared
from zoo.diagnose.tensors.words import Names, listed, name_of, number
from zoo.records import Kinship, Recipe
from zoo.records.diagnoses import Candidate, Excluded, Findings

OTHER_TRAINING = 0.6  # share of layers that differ in no simple way, from which the whole training is another
TRAINED_ON = 0.8  # cosine of the angle between two layers of one origin, in the middle of all layers
ALIKE = 0.5  # share of equal layers from which two networks without a documented kinship hold the same weights
BOUND: tuple[Kinship, ...] = ("same weights", "converted from")  # kinships that say that the weights are the same


@dataclass(frozen=True)
class Reference:
    """A network to hold the file against. name: of its checkpoint; recipe: in effect for it, None if not known."""

    name: str
    kinship: Kinship
    network: FileNetwork
    recipe: Recipe | None = None


@dataclass(frozen=True)
class Held:
    """A file held against a reference. alignment: of their layers."""

    own: FileNetwork
    reference: Reference
    alignment: Alignment
    comparison: Comparison

    @property
    def is_equal(self) -> bool:
        """Whether every layer is the reference's, but for rounding, and none is missing or too many."""
        whole = not (self.alignment.missing or self.alignment.extra)
        return whole and self.comparison.compared > 0 and not self.comparison.differences

    @property
    def is_other_training(self) -> bool:
        """Whether most layers differ as only training makes them differ."""
        differences = self.comparison.differences
        vague = sum(each.is_as_by_training for each in differences)
        return len(differences) >= OTHER_TRAINING * max(self.comparison.compared, 1) and 2 * vague >= len(differences)

    @property
    def is_trained_on(self) -> bool:
        """Whether the other training began with the same weights, as that of a network that learns to be quantised."""
        angles = [each.cosine for each in self.comparison.differences]
        return bool(angles) and float(np.median(angles)) > TRAINED_ON

    @property
    def is_alike(self) -> bool:
        """Whether the two hold the same weights, by documents or by the weights themselves."""
        if self.reference.kinship in BOUND:
            return True
        equal = self.comparison.compared - len(self.comparison.differences)
        return equal >= ALIKE * max(self.comparison.compared, 1)

    def findings(self, names: Names, vouched: bool) -> Findings:
        """What differs. vouched: another relative holds the very tensors of the file."""
        name = f"{self.reference.name} ({self.reference.kinship})"
        if not self.comparison.compared:
            return Findings(not_looked=(f"tensors against {name}: no layer of one shape",))
        if (self.is_equal and not self.comparison.coarse) or vouched:
            return self._equal(name, vouched)
        if self.is_other_training:
            return self._other_training(name, names)
        doubtful = not self.is_alike
        found = tuple(causes.causes(self.comparison, self.reference.name, names, doubtful))
        return Findings(candidates=found) if found else self._equal(name, vouched)

    def _equal(self, name: str, vouched: bool) -> Findings:
        comparison = self.comparison
        count = comparison.compared - len(comparison.differences)
        rounded = [f"{many} of them to {what}" for what, many in comparison.rounded.items() if what]
        by = f"{count} of {comparison.compared} layers equal those of {name} to {number(comparison.largest)}"
        if rounded:
            by += " (" + ", ".join(rounded) + ")"
        if comparison.harmless:
            by += f"; channels come in another order in {len(comparison.harmless)} layers, and later ones take it back"
        if vouched and comparison.differences:
            by += "; the others are as in another relative, so that the difference is not the file's"
        return Findings(excluded=(Excluded(cause="file.layers_differ", title="the tensors are others", by=f"{by}."),))

    def _other_training(self, name: str, names: Names) -> Findings:
        differences = self.comparison.differences
        sizes = sorted(each.size for each in differences)
        words = (
            f"{len(differences)} of {self.comparison.compared} layers differ from those of {name}, by "
            f"{number(sizes[0])} to {number(sizes[-1])} of their length, most in no simple way"
        )
        quantised = self.reference.network.is_quantised or self.own.is_quantised
        learned = quantised and self.is_trained_on
        if self.reference.kinship not in BOUND or learned:
            why = "it was trained further, as for quantisation" if learned else "it is of another training"
            note = Findings(not_looked=(f"tensors one by one: {words}: {why}",))
            return note + Findings(candidates=tuple(self._strangers(name, names)))
        candidate = Candidate(
            cause="file.other_training",
            title="the file is of another training than documented",
            certainty="likely" if self.reference.kinship == "same weights" else "possible",
            evidence=f"{words}.",
            change=f"take the file that holds the weights of {self.reference.name}, or mend `weights` of the record",
        )
        return Findings(candidates=(candidate,))

    def _strangers(self, name: str, names: Names) -> Iterator[Candidate]:
        """Layers that have nothing to do with the reference's, where all others come from the same weights."""
        odd = [each for each in self.comparison.differences if abs(each.cosine) < LOOSE]
        if not odd or not self.is_trained_on:
            return
        angles = [each.cosine for each in self.comparison.differences]
        items = [f"{name_of(each.own, names)}: cosine {number(each.cosine)}" for each in odd]
        yield Candidate(
            cause="file.layers_differ",
            title=f"{len(odd)} of {self.comparison.compared} layers hold other values",
            certainty="likely",
            evidence=f"Cosines with the layers of {name} are {number(float(np.median(angles)))} in the middle; "
            f"{listed(items)}.",
            change=f"take these tensors from {self.reference.name}: " + listed([repr(each.own.name) for each in odd]),
        )


def held(own: FileNetwork, reference: Reference, recipe: Recipe) -> Held:
    """A file held against a reference. recipe: in effect for the file.

    Where two recipes feed other numbers, the first layers take them differently: that one is then not compared.
    """
    alignment = aligned(own, reference.network)
    comparison = compared(own, reference.network, alignment)
    if reference.recipe is not None and numbers_of(recipe) != numbers_of(reference.recipe):
        first = own.weighted[0].number
        comparison.differences[:] = [each for each in comparison.differences if each.own.number != first]
    return Held(own, reference, alignment, comparison)


def numbers_of(recipe: Recipe) -> list[dict[str, Any]]:
    """The steps of a recipe that make numbers of pixels, without the order of axes."""
    return [step.to_json() for step in recipe.numeric.steps if step.op != "layout"]
