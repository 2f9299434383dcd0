"""The look at a file alone: its graph, its tensors, and those of its relatives. No image is needed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from zoo.diagnose.base import Case
from zoo.diagnose.network import FileNetwork, aligned
from zoo.diagnose.tensors import levels, norms, relatives, values
from zoo.diagnose.tensors.documented import documented
from zoo.diagnose.tensors.graphs import Graphs
from zoo.diagnose.tensors.relatives import Held, Reference
from zoo.diagnose.tensors.words import Names
from zoo.documents.formatting import counted
from zoo.records import Checkpoint
from zoo.records.diagnoses import Candidate, Certainty, Excluded, Findings

_ORDER: dict[Certainty, int] = {"shown": 0, "likely": 1, "possible": 2}


def look(
    case: Case, own: FileNetwork, references: Sequence[Reference], command: Sequence[str] = ("zoo", "diagnose")
) -> Findings:
    """What the file itself shows. own: its network; references: those of its relatives, the nearest first.

    command: words of the command that shows it again, without a relative.
    """
    expected = _documented(case.checkpoint)
    names = {} if expected is None else {left.number: right.name for left, right in aligned(own, expected).both}
    found = [_alone(case.checkpoint, own, names)]
    sides = [relatives.held(own, reference, case.recipe) for reference in references]
    vouched = any(side.is_equal and side.is_alike for side in sides)
    if expected is not None:
        found.append(_against_record(case.checkpoint, own, expected, names))
    else:
        found.extend(_against_graph(own, side, names) for side in sides[:1])
    found.extend(side.findings(names, vouched) for side in sides)
    joined = sum(found, Findings())
    candidates = _merged(joined.candidates, command, [each.name for each in references])
    return joined.changed(candidates=candidates)


def _documented(checkpoint: Checkpoint) -> FileNetwork | None:
    return None if checkpoint.network is None else documented(checkpoint.network)


def _certainty(checkpoint: Checkpoint) -> Certainty:
    """Of what differs from the record: less where nobody has seen what the record says."""
    return "likely" if checkpoint.network_assumed else "shown"


def _alone(checkpoint: Checkpoint, own: FileNetwork, names: Names) -> Findings:
    """What no file can be, and the batch norms' epsilon against the record."""
    epsilon = None if checkpoint.network is None else checkpoint.network.bn_epsilon
    found = (
        *values.look(own, names),
        *norms.look(own, names, epsilon, _certainty(checkpoint)),
        *levels.look(own, names),
    )
    if found:
        return Findings(candidates=found)
    what = counted(len(own.weighted), "layer")
    by = f"all values of {what} are finite, no layer is constant, no variance is negative, and levels agree."
    return Findings(excluded=(Excluded(cause="file.not_finite", title="values that no file can have", by=by),))


def _against_record(checkpoint: Checkpoint, own: FileNetwork, expected: FileNetwork, names: Names) -> Findings:
    graphs = Graphs(own, expected, aligned(own, expected), names, "the record has", _certainty(checkpoint))
    return _of_graphs(graphs)


def _against_graph(own: FileNetwork, side: Held, names: Names) -> Findings:
    """Where no record says how the network should be, a relative does."""
    if not side.is_alike or side.is_other_training:
        return Findings()
    reference = side.reference
    return _of_graphs(Graphs(own, reference.network, side.alignment, names, f"{reference.name} has", "likely"))


def _of_graphs(graphs: Graphs) -> Findings:
    found = tuple(graphs.candidates())
    if found:
        return Findings(candidates=found)
    convs = [layer for layer in graphs.own.weighted if layer.kind == "conv"]
    if not any(layer.stride is not None for layer in convs):
        missing = "strides, padding and activations: the file holds tensors without a graph"
        return Findings(not_looked=(missing,))
    additions = sum(layer.kind == "add" for layer in graphs.own.layers)
    by = (
        f"{counted(len(convs), 'convolution')} and {counted(additions, 'addition')} are connected as {graphs.whose} "
        "them, with the same strides, padding and activations."
    )
    return Findings(excluded=(Excluded(cause="file.padding", title="another graph", by=by),))


def _merged(found: Iterable[Candidate], words: Sequence[str], others: Sequence[str]) -> tuple[Candidate, ...]:
    """One candidate for each cause, with all the evidence; the surest first."""
    command = shlex.join([*words, *(("--reference", others[0]) if others else ())])
    joined: dict[str, Candidate] = {}
    for each in found:
        known = joined.get(each.cause)
        if known is None:
            joined[each.cause] = each.changed(command=command)
        else:
            best = min(known, each, key=lambda candidate: _ORDER[candidate.certainty])
            joined[each.cause] = best.changed(evidence=f"{known.evidence} {each.evidence}", command=command)
    return tuple(sorted(joined.values(), key=lambda candidate: _ORDER[candidate.certainty]))
