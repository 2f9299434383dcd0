"""Names that publishers of PyTorch checkpoints give to MobileNetV2's tensors: one table, and what is read from it.

A dialect is a row of templates. They are filled in by walking mobilenet_v2.blocks, so a row holds for every alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from contract import AdapterError
from mobilenet_v2 import BATCH_NORM_PARTS, STAGES, Block, Network, blocks, tensor_shapes

Spec = Tuple[Tuple[int, ...], str]  # shape (weights OIHW) and dtype of a tensor, e.g. ((32, 3, 3, 3), "float32")


@dataclass(frozen=True)
class Dialect:
    """One publisher's names. Every template lists convolution and batch norm in turn, separated by spaces.

    `block` is put before each name inside a bottleneck; `expanded` are the names of a bottleneck of three convolutions,
    `plain` of one without expansion. In them {index} counts bottlenecks from 1, {stage} counts rows of
    mobilenet_v2.STAGES from 0, {layer} the same from 1, and {repeat} counts bottlenecks of a row from 0.
    """

    name: str
    stem: str
    block: str
    expanded: str
    plain: str
    last: str
    classifier: str


TABLE = (
    # torchvision/models/mobilenetv2.py; Lornatang/MobileNetV2-PyTorch uses the same names
    Dialect(
        name="torchvision",
        stem="features.0.0 features.0.1",
        block="features.{index}.conv.",
        expanded="0.0 0.1 1.0 1.1 2 3",
        plain="0.0 0.1 1 2",
        last="features.18.0 features.18.1",
        classifier="classifier.1",
    ),
    # tonylins/pytorch-mobilenet-v2 at fa86a85 (the file of Open Model Zoo until 2020-10-20)
    Dialect(
        name="tonylins_2018",
        stem="features.0.0 features.0.1",
        block="features.{index}.conv.",
        expanded="0 1 3 4 6 7",
        plain="0 1 3 4",
        last="features.18.0 features.18.1",
        classifier="classifier.1",
    ),
    # the same at 99f2136: the classifier lost its dropout, and with it its number
    Dialect(
        name="tonylins_2019",
        stem="features.0.0 features.0.1",
        block="features.{index}.conv.",
        expanded="0 1 3 4 6 7",
        plain="0 1 3 4",
        last="features.18.0 features.18.1",
        classifier="classifier",
    ),
    # d-li14/mobilenetv2.pytorch at 1733532, models/imagenet/mobilenetv2.py
    Dialect(
        name="d_li14",
        stem="features.0.0 features.0.1",
        block="features.{index}.conv.",
        expanded="0 1 3 4 6 7",
        plain="0 1 3 4",
        last="conv.0 conv.1",
        classifier="classifier",
    ),
    # huggingface/pytorch-image-models, timm/models/efficientnet.py and _efficientnet_blocks.py
    Dialect(
        name="timm",
        stem="conv_stem bn1",
        block="blocks.{stage}.{repeat}.",
        expanded="conv_pw bn1 conv_dw bn2 conv_pwl bn3",
        plain="conv_dw bn1 conv_pw bn2",
        last="conv_head bn2",
        classifier="classifier",
    ),
    # open-mmlab/mmpretrain, mmpretrain/models/backbones/mobilenet_v2.py
    Dialect(
        name="mmpretrain",
        stem="backbone.conv1.conv backbone.conv1.bn",
        block="backbone.layer{layer}.{repeat}.conv.",
        expanded="0.conv 0.bn 1.conv 1.bn 2.conv 2.bn",
        plain="0.conv 0.bn 1.conv 1.bn",
        last="backbone.conv2.conv backbone.conv2.bn",
        classifier="head.fc",
    ),
)
DIALECTS = {dialect.name: dialect for dialect in TABLE}

# Written by torch itself beside the weights and used by no inference: the last part of the name, or all of it.
EXTRAS = ("num_batches_tracked", "n_averaged")
# torch.nn.DataParallel and torch.optim.swa_utils.AveragedModel wrap a network; every name then starts with this.
WRAPPER = "module."


def published_names(dialect: Dialect, network: Network) -> Dict[str, str]:
    """Published tensor name -> canonical tensor name, for every tensor of the network, in its order."""
    modules: Dict[str, str] = {"classifier.1": dialect.classifier}
    for block, templates in zip(blocks(network), _templates(dialect, network)):
        names = templates.split()
        for conv, name, norm in zip(block.convs, names[::2], names[1::2]):
            modules[conv.name], modules[conv.bn] = name, norm
    canonical = (name.rsplit(".", 1) for name in tensor_shapes(network))
    return {f"{modules[module]}.{part}": f"{module}.{part}" for module, part in canonical}


def batch_norms(dialect: Dialect, network: Network) -> List[str]:
    """Published names of the batch norm modules, where torch adds its `num_batches_tracked`."""
    mean = BATCH_NORM_PARTS[2]
    names = published_names(dialect, network)
    return [name[: -len(mean) - 1] for name in names if name.endswith(f".{mean}")]


def unwrapped(names: Sequence[str]) -> Dict[str, str]:
    """Name in the file -> name without wrapper, of every tensor that is not an extra."""
    kept = [name for name in names if name.rsplit(".", 1)[-1] not in EXTRAS]
    cut = len(WRAPPER) if kept and all(name.startswith(WRAPPER) for name in kept) else 0
    return {name: name[cut:] for name in kept}


def recognise(specs: Mapping[str, Spec], network: Network, wanted: Optional[str] = None) -> Dialect:
    """The dialect of tensors (unwrapped name -> shape and dtype): `wanted`, or the one that fits.

    AdapterError with the nearest dialect and its first five differences where none fits.
    """
    if wanted is not None and wanted not in DIALECTS:
        raise AdapterError(f"dialect {wanted!r} is not known; known: {', '.join(DIALECTS)}")
    asked = [DIALECTS[wanted]] if wanted is not None else list(TABLE)
    found = [(dialect, differences(specs, dialect, network)) for dialect in asked]
    nearest, wrong = min(found, key=lambda pair: len(pair[1]))
    if not wrong:
        return nearest
    which = f"the dialect {wanted!r}" if wanted is not None else f"any known dialect ({', '.join(DIALECTS)})"
    more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    raise AdapterError(
        f"the tensors do not fit {which} of MobileNetV2 alpha {network.alpha}, {network.classes} classes, "
        f"rounding {network.rounding!r}; nearest: {nearest.name!r}, {len(wrong)} differences: "
        + "; ".join(wrong[:5])
        + more
    )


def differences(specs: Mapping[str, Spec], dialect: Dialect, network: Network) -> List[str]:
    """One sentence for each tensor that is missing, not expected, or of another shape or dtype; [] if all fit."""
    shapes = tensor_shapes(network)
    expected = {name: shapes[canonical] for name, canonical in published_names(dialect, network).items()}
    ours = []
    for name, shape in expected.items():
        if name not in specs:
            ours.append(f"missing {name} {shape}")
        elif specs[name] != (shape, "float32"):
            got, dtype = specs[name]
            ours.append(f"{name}: expected float32 {shape}, got {dtype} {got}")
    theirs = [f"not expected {name} {spec[0]}" for name, spec in specs.items() if name not in expected]
    # In turn, so that a renamed tensor shows both of its names among the first.
    return [sentence for sentence in chain(*zip_longest(ours, theirs)) if sentence]


def _templates(dialect: Dialect, network: Network) -> Iterator[str]:
    """The filled-in names of each block of mobilenet_v2.blocks, in order."""
    _, *bottlenecks, _ = blocks(network)
    places = [(stage, repeat) for stage, row in enumerate(STAGES) for repeat in range(row[2])]
    yield dialect.stem
    for index, (block, (stage, repeat)) in enumerate(zip(bottlenecks, places), start=1):
        prefix = dialect.block.format(index=index, stage=stage, layer=stage + 1, repeat=repeat)
        yield " ".join(prefix + name for name in _inner(dialect, block).split())
    yield dialect.last


def _inner(dialect: Dialect, block: Block) -> str:
    return dialect.expanded if len(block.convs) == 3 else dialect.plain
