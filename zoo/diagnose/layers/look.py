"""Names the layer at which a run and its nearest relative part, or the input that they are given differently."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from zoo.diagnose.base import Case
from zoo.diagnose.layers.compared import Comparison, Point, compared, matched
from zoo.diagnose.layers.computation import Computation, relative
from zoo.diagnose.layers.numeric import Values
from zoo.diagnose.layers.parting import OTHER, Explanation, Parting, feeds_from_source, partings, usual
from zoo.diagnose.network import SOURCE, FileNetwork, Layer
from zoo.diagnose.tensors.documented import documented
from zoo.documents.formatting import counted
from zoo.records import Kinship
from zoo.records.diagnoses import Candidate, Certainty, Excluded, Findings

INPUT = 1e-3  # relative difference of two inputs that are given differently; rounding makes 1e-7
WORDS = {
    "pads": "the padding is another",
    "stride": "the stride is another",
    "activation": "the activation is another",
    "epsilon": "the batch norm's epsilon is another",
    "addition": "an addition is there on one side alone",
    "source": "it is fed by other layers",
    "weights": "the weights are others",
}


def look(
    case: Case, own: Computation, other: Computation, kinship: Kinship, command: Sequence[str] = ("zoo", "diagnose")
) -> Findings:
    """Where the run's network and another computation of it part, on the same images.

    kinship: why the two should compute the same; command: words of the command that shows it again.
    """
    comparison = compared(own, other)
    if not comparison.points:
        return Findings(not_looked=(f"layer by layer: {own.title} and {other.title} have no layer in common",))
    return _Look(case, comparison, kinship, tuple(command)).findings()


@dataclass(frozen=True)
class _Look:
    case: Case
    comparison: Comparison
    kinship: Kinship
    command: tuple[str, ...]

    def findings(self) -> Findings:
        """What is named, and what that excludes."""
        found = partings(self.comparison)
        named = [parting for parting in found if not self._as_documented(parting)]
        given = self._given_differently()
        candidates = [*([given] if given is not None else []), *([self._candidate(named)] if named else [])]
        excluded = [self._follows_documents(parting) for parting in found if parting not in named][:1]
        if not found:
            excluded.append(self._agree())
        return Findings(candidates=tuple(candidates), excluded=tuple(excluded))

    # the layer

    def _candidate(self, found: Sequence[Parting]) -> Candidate:
        first = found[0]
        why = first.explained
        what = WORDS[why.what] if why is not None else "the layer computes something else"
        return Candidate(
            cause="layer.parts",
            title=f"it parts from {self.comparison.other.title} at {self._place(first.point)}: {what}",
            certainty=self._certainty(why),
            evidence=" ".join(self._evidence(first, found[1:])),
            images=self.comparison.images,
            change=self._change(first.point, why),
            command=shlex.join(self.command),
        )

    def _evidence(self, first: Parting, further: Sequence[Parting]) -> list[str]:
        point, ordinary = first.point, usual(self.comparison)
        images = counted(self.comparison.images, "image")
        sentences = [
            f"On {images} the values behind {self._place(point)} ({point.other.name!r} there) differ by "
            f"{point.apart:.2g} of their size, after {point.before:.2g} before it; given the same input, this "
            f"layer alone adds {point.parting:.2g}, where most add {ordinary:.2g}."
        ]
        for each in first.explanations:
            if np.isfinite(each.left) or each is first.explained:
                sentences.append(f"{_capital(str(each))}; done alike, {each.left:.2g} is left.")
        if not first.explanations:
            sentences.append("What the two files say of this layer is the same.")
        if further:
            places = ", ".join(self._place(each.point) for each in further[:3])
            sentences.append(
                f"{counted(len(further), 'further layer')} part them as well: {places}{'...' * (len(further) > 3)}."
            )
        return sentences

    def _certainty(self, why: Explanation | None) -> Certainty:
        same = self.kinship == "same weights"
        if not same and why is not None and why.what == "weights" and usual(self.comparison) > OTHER:
            return "possible"  # most layers differ: the other one may be of another training
        return "shown" if same and why is not None else "likely" if same or why is not None else "possible"

    def _place(self, point: Point) -> str:
        canonical = self._names.get(point.own.number, "")
        known = "" if canonical in ("", point.own.name) else f", {canonical}"
        return f"layer {point.own.number} ({point.own.name}{known})"

    def _change(self, point: Point, why: Explanation | None) -> str:
        name = point.own.name
        if why is None:
            return f"compare the operators of {name!r} with those of {point.other.name!r}; their parameters are equal"
        if why.what in ("pads", "epsilon") and not _says(point.own):
            return self._record(why)
        return {
            "pads": f"set the padding of {name!r} to {why.other} (top, left, bottom, right)",
            "stride": f"set the stride of {name!r} to {why.other}",
            "activation": f"put this activation behind {name!r}: {why.other}",
            "epsilon": f"set epsilon of the batch norm behind {name!r} to {why.other}",
            "addition": f"before {name!r}, have what the other has: {why.other}",
            "source": f"feed {name!r} as the other does: {why.other}",
            "weights": f"take the tensors of {name!r} from {self.comparison.other.title}",
        }[why.what]

    def _record(self, why: Explanation) -> str:
        """A line of the record's `network`, for a file that holds tensors alone."""
        if why.what == "epsilon":
            return f"network.bn_epsilon = {why.other}"
        sides = why.other.strip("()").split(", ")
        return f'network.padding = "{"symmetric" if sides[:2] == sides[2:] else "same"}"'

    # what is documented

    @cached_property
    def _documented(self) -> FileNetwork | None:
        network = self.case.checkpoint.network
        return None if network is None else documented(network)

    @cached_property
    def _expected(self) -> dict[int, Layer]:
        """Own numbers -> the documented layers."""
        if self._documented is None:
            return {}
        layers = self._documented.layers
        return {mine: layers[theirs] for mine, theirs in matched(self.comparison.own.network, self._documented)}

    @cached_property
    def _names(self) -> dict[int, str]:
        return {number: layer.name for number, layer in self._expected.items()}

    def _as_documented(self, parting: Parting) -> bool:
        """Whether the own file says in its own words what is documented, so that the other one is at fault."""
        why, own = parting.explained, parting.point.own
        expected = self._expected.get(own.number)
        if why is None or expected is None or not _says(own):
            return False
        network = self.case.checkpoint.network
        if why.what == "epsilon":
            return own.norm is not None and _near(own.norm.epsilon, getattr(network, "bn_epsilon", None))
        if why.what in ("addition", "source"):
            return self._fed_by(own) == set(expected.inputs)
        return bool(why.what != "weights" and getattr(own, why.what) == getattr(expected, why.what))

    def _fed_by(self, own: Layer) -> set[int]:
        """Documented numbers of what feeds an own layer; -2 for what is not documented."""
        known = {SOURCE: SOURCE} | {number: layer.number for number, layer in self._expected.items()}
        return {known.get(number, -2) for number in own.inputs}

    def _follows_documents(self, parting: Parting) -> Excluded:
        why = parting.explained
        where = f"{self.comparison.other.title} at {self._place(parting.point)}"
        return Excluded(cause="layer.parts", title=f"it parts from {where}", by=f"what it does is documented; {why}")

    def _agree(self) -> Excluded:
        points = self.comparison.points
        most = max((point.apart for point in points if point.own.kind != "classifier"), default=0.0)
        alone = max(point.parting for point in points)
        return Excluded(
            cause="layer.parts",
            title=f"a layer that computes something else than in {self.comparison.other.title}",
            by=f"behind {counted(len(points), 'layer')} values differ by at most {most:.1g} of their size, and no "
            f"layer adds more than {alone:.1g}",
        )

    # the input

    def _given_differently(self) -> Candidate | None:
        """The input, where the same first layer gives other values only because it is given others."""
        own, other = self.comparison.own.given, self.comparison.other.given
        first = next((point for point in self.comparison.points if feeds_from_source(point)), None)
        if first is None or own.shape != other.shape or first.alone is None:
            return None
        apart = relative(own, other)
        if apart < INPUT or first.apart < INPUT or first.alone > min(OTHER, first.apart / 2):
            return None
        return Candidate(
            cause="layer.input",
            title=f"it is given another input than {self.comparison.other.title}",
            certainty=self._certainty(Explanation("pads", "", "", 0)),
            evidence=f"On {counted(len(own), 'image')} the input differs by {apart:.2g} of its size, and the first "
            f"layer's values by {first.apart:.2g}, though that layer is the same (given the same input it adds "
            f"{first.alone:.2g}). {_channels(own, other)}.",
            images=len(own),
            change=f"give it the input of {self.comparison.other.title}: its recipe's numeric steps",
            command=shlex.join(self.command),
        )


def _says(layer: Layer) -> bool:
    """Whether the file itself says what the layer does; one of tensors alone takes that from the record."""
    return layer.pads is not None or layer.activation != "?"


def _near(first: float, second: float | None) -> bool:
    return second is not None and bool(np.isclose(first, second, rtol=1e-3))


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _channels(own: Values, other: Values) -> str:
    """Which channel of one input is which of the other's, and by what line they are connected."""
    mine, theirs = (each.transpose(1, 0, 2, 3).reshape(each.shape[1], -1).astype(np.float64) for each in (own, other))
    orders = list(permutations(range(len(mine))))

    def misfit(order: tuple[int, ...]) -> float:
        return sum(_line(theirs[channel], mine[row])[2] for row, channel in enumerate(order))

    order = min(orders, key=misfit) if len(mine) <= 3 else orders[0]
    lines = []
    for row, channel in enumerate(order):
        scale, shift, _ = _line(theirs[channel], mine[row])
        lines.append(f"channel {row} here is {scale:.4g} times channel {channel} there {shift:+.4g}")
    return "; ".join(lines)


def _line(source: Values, target: Values) -> tuple[float, float, float]:
    """(scale, shift, what is left) of target = scale * source + shift, by least squares."""
    spread = float(np.var(source))
    scale = float(np.mean((source - source.mean()) * (target - target.mean()))) / spread if spread else 0.0
    shift = float(target.mean() - scale * source.mean())
    return scale, shift, float(np.mean(np.square(target - scale * source - shift)))
