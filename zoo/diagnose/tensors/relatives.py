"""What a relative's tensors say about a file's: equal, changed in some layers, or of another training."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.diagnose.base import Kinship
from zoo.diagnose.network import Alignment, FileNetwork, aligned
from zoo.diagnose.tensors import causes
from zoo.diagnose.tensors.compared import Comparison, Difference, compared
from zoo.diagnose.tensors.words import Names, number
from zoo.records import Recipe
from zoo.records.diagnoses import Candidate, Excluded, Findings

OTHER_TRAINING = 0.6  # share of layers that differ in no simple way, from which the whole training is another
TRAINED = 1e-2  # relative distance of a layer's weights from which training is at work, not arithmetic
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
        other = sum(_as_by_training(each) for each in self.comparison.differences)
        return other >= OTHER_TRAINING * max(self.comparison.compared, 1)

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
            return self._other_training(name)
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

    def _other_training(self, name: str) -> Findings:
        differences = self.comparison.differences
        sizes = sorted(each.size for each in differences)
        words = (
            f"{len(differences)} of {self.comparison.compared} layers differ from those of {name}, by "
            f"{number(sizes[0])} to {number(sizes[-1])} of their length, none in a simple way"
        )
        if self.reference.kinship not in BOUND:
            return Findings(not_looked=(f"tensors one by one: {words}: it is of another training",))
        candidate = Candidate(
            cause="file.other_training",
            title="the file is of another training than documented",
            certainty="likely" if self.reference.kinship == "same weights" else "possible",
            evidence=f"{words}.",
            change=f"take the file that holds the weights of {self.reference.name}, or mend `weights` of the record",
        )
        return Findings(candidates=(candidate,))


def held(own: FileNetwork, reference: Reference) -> Held:
    """A file held against a reference."""
    alignment = aligned(own, reference.network)
    return Held(reference, alignment, compared(own, reference.network, alignment))


def _as_by_training(difference: Difference) -> bool:
    """Whether the weights themselves differ, in no simple way, and by more than little."""
    other = [part for part in difference.parts if part.name == "weight" and part.change.kind == "other"]
    return difference.size > TRAINED and bool(other)
