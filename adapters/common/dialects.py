"""Naming dialects: which published tensor name stands for which canonical one, and whether a file fits.

A table maps every canonical name of a network (see mobilenet_v2.tensor_shapes) to the name a publisher gave
it, in network order. Only the standard library.
"""

from __future__ import annotations

from typing import Callable, Collection, Dict, List, Mapping, Tuple

from adapters.common.contract import AdapterError
from adapters.common.mobilenet_v2 import BATCH_NORM_PARTS, Network, blocks, tensor_shapes

Shape = Tuple[int, ...]
Table = Dict[str, str]
SHOWN = 5  # names in an error, the rest is a number


def table(
    network: Network,
    layer: Callable[[int, int], Tuple[str, str]],
    parts: Mapping[str, str],
    classifier: Tuple[str, str],
) -> Table:
    """A dialect, spelt out for one network.

    layer: (block, convolution in it) -> (name of the weight, what precedes a batch-norm part); block 0 is the
    stem, the last one the last 1x1. parts: canonical batch-norm part -> published.
    classifier: (weight, bias).
    """
    names: Table = {}
    for index, block in enumerate(blocks(network)):
        for position, conv in enumerate(block.convs):
            weight, norm = layer(index, position)
            names[f"{conv.name}.weight"] = weight
            names.update({f"{conv.bn}.{part}": norm + parts[part] for part in BATCH_NORM_PARTS})
    names["classifier.1.weight"] = classifier[0]
    if network.classifier_bias:
        names["classifier.1.bias"] = classifier[1]
    return names


def recognised(found: Collection[str], tables: Mapping[str, Table], where: str) -> str:
    """The dialect that a file with the names `found` is written in: the one with most names in common.

    Below half of its names the file speaks another one, which is an error that shows the nearest.
    """
    common = {title: len(set(names.values()) & set(found)) for title, names in tables.items()}
    nearest = max(common, key=lambda title: common[title])
    expected = list(tables[nearest].values())
    if 2 * common[nearest] >= len(expected):
        return nearest
    missing = [name for name in expected if name not in found]
    strange = [name for name in found if name not in expected]
    pairs = [f"expected {want}, got {got}" for want, got in zip(missing, [*strange, *["nothing"] * SHOWN])]
    raise AdapterError(
        f"{where}: the names of its {len(found)} tensors fit no known dialect ({', '.join(tables)}); "
        f"nearest is {nearest!r} with {common[nearest]} of {len(expected)} names in common; "
        f"first differences: {'; '.join(pairs[:SHOWN])}"
    )


def checked(
    found: Mapping[str, Shape], names: Table, network: Network, where: str, extras: Collection[str] = ()
) -> None:
    """Refuse a file whose tensors (name -> shape) are not exactly the network's, `extras` aside.

    The classifier may be a dense layer (classes, C) or a 1x1 convolution (classes, C, 1, 1).
    """
    known = {*names.values(), *extras}
    shapes = {names[canonical]: shape for canonical, shape in tensor_shapes(network).items()}
    misshapen = [
        f"{name}: expected {list(shape)}, got {list(found[name])}"
        for name, shape in shapes.items()
        if name in found and not _fits(found[name], shape)
    ]
    problems = {
        "missing": [name for name in shapes if name not in found],
        "not of this network": [name for name in found if name not in known],
        "of another shape": misshapen,
    }
    told = [f"{len(names)} {what} ({_listed(names)})" for what, names in problems.items() if names]
    if told:
        raise AdapterError(f"{where}: tensors {', '.join(told)}")


def _fits(got: Shape, expected: Shape) -> bool:
    return got == expected or (len(expected) == 2 and got == (*expected, 1, 1))


def _listed(names: List[str]) -> str:
    return "; ".join(names[:SHOWN]) + ("; ..." if len(names) > SHOWN else "")
