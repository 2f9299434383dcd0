"""Naming dialects: which published tensor name stands for which canonical one, and whether a file fits.

A table maps every canonical name of a network (see Network.tensor_shapes) to the name a publisher gave
it, in network order. Only the standard library.
"""

from __future__ import annotations

from typing import Callable, Collection, Dict, Mapping, Sequence, Tuple

from adapters.common.contract import SHOWN, AdapterError, listed
from adapters.common.network import BATCH_NORM_PARTS, Network

Shape = Tuple[int, ...]
Table = Dict[str, str]


def of_family(network: Network, family: str) -> None:
    """Refuse a network of another family than the one whose names a dialect has."""
    if network.family != family:
        raise AdapterError(
            f"expected a network of the family {family!r}, whose tensor names in this format are known here, got one "
            f"of {network.family!r}; use a format that holds a graph, or add the names that its publisher gives"
        )


def canonical(network: Network) -> Table:
    """The dialect of a family for which no publisher's names are known: the canonical ones."""
    return {name: name for name in network.tensor_shapes()}


def table(
    network: Network,
    family: str,
    layer: Callable[[int, int], Tuple[str, str]],
    parts: Mapping[str, str],
    classifier: Tuple[str, str],
) -> Table:
    """A dialect of one `family`, spelt out for one network; AdapterError if that is of another family.

    layer: (block, convolution in it) -> (name of the weight, what precedes a batch-norm part); block 0 is the
    stem, the last one the last convolution. parts: canonical batch-norm part -> published.
    classifier: (weight, bias).
    """
    of_family(network, family)
    names: Table = {}
    for index, block in enumerate(network.blocks):
        for position, conv in enumerate(block.every_conv):
            weight, norm = layer(index, position)
            names[conv.weight] = weight
            names.update(zip(conv.norm, (norm + parts[part] for part in BATCH_NORM_PARTS)))
    names[network.classifier.weight] = classifier[0]
    if network.classifier.biased:
        names[network.classifier.bias] = classifier[1]
    return names


def in_sequence(
    network: Network, family: str, inner: str, parts: Mapping[str, str], classifier: Tuple[str, str]
) -> Table:
    """A `table` in which each convolution is three entries of a sequence (itself, batch norm, activation).

    The stem and the last convolution lie flat in the outer sequence. inner: name of a block's own sequence.
    """
    last = len(network.blocks) - 1

    def layer(block: int, position: int) -> Tuple[str, str]:
        if block in (0, last):
            at = 0 if block == 0 else last + 2  # the stem takes three places in the sequence
            return f"features.{at}.weight", f"features.{at + 1}."
        stem = f"features.{block + 2}.{inner}"
        return f"{stem}.{3 * position}.weight", f"{stem}.{3 * position + 1}."

    return table(network, family, layer, parts, classifier)


def recognised(stored_names: Collection[str], tables: Mapping[str, Table], where: str) -> str:
    """The dialect that a file with the names `stored_names` is written in: the one with most names in common.

    Below half of its names the file speaks another one, which is an error that shows the nearest.
    """
    common = {title: len(set(names.values()) & set(stored_names)) for title, names in tables.items()}
    nearest = max(common, key=lambda title: common[title])
    expected = list(tables[nearest].values())
    if 2 * common[nearest] >= len(expected):
        return nearest
    missing = [name for name in expected if name not in stored_names]
    strange = [name for name in stored_names if name not in expected]
    pairs = [f"expected {want}, got {got}" for want, got in zip(missing, [*strange, *["nothing"] * SHOWN])]
    raise AdapterError(
        f"{where}: the names of its {len(stored_names)} tensors fit no known dialect ({', '.join(tables)}); "
        f"nearest is {nearest!r} with {common[nearest]} of {len(expected)} names in common; "
        f"first differences: {'; '.join(pairs[:SHOWN])}"
    )


def fitting(
    shapes: Mapping[str, Shape], names: Table, network: Network, where: str, extras: Collection[str] = ()
) -> None:
    """`checked` against a network's own shapes, under the dialect's `names`.

    The classifier may be a dense layer (classes, C) or a 1x1 convolution (classes, C, 1, 1).
    """
    expected = {names[name]: shape for name, shape in network.tensor_shapes().items()}
    matrix = names[network.classifier.weight]
    if shapes.get(matrix) == (*expected[matrix], 1, 1):
        expected[matrix] = shapes[matrix]
    checked(shapes, expected, where, extras)


def checked(
    found: Mapping[str, Sequence[int]],
    expected: Mapping[str, Sequence[int]],
    where: str,
    extras: Collection[str] = (),
) -> None:
    """Refuse a file whose tensors (name -> shape) are not exactly the expected ones, `extras` aside."""
    shapes = [(name, list(shape), list(found[name])) for name, shape in expected.items() if name in found]
    problems = {
        "missing": [name for name in expected if name not in found],
        "not of this network": [name for name in found if name not in expected and name not in extras],
        "of another shape": [f"{name}: expected {want}, got {got}" for name, want, got in shapes if want != got],
    }
    sentences = [f"{len(names)} {what} ({listed(names)})" for what, names in problems.items() if names]
    if sentences:
        raise AdapterError(f"{where}: tensors {', '.join(sentences)}")


def all_float32(types: Mapping[str, str], where: str) -> None:
    """Refuse a file with tensors (name -> type) of another type than float32."""
    other = [f"{name} ({kind})" for name, kind in types.items() if kind != "float32"]
    if other:
        raise AdapterError(f"{where}: expected float32 tensors only, got {len(other)} others: {listed(other)}")
