"""Names that publishers of PyTorch checkpoints give to tensors.

The canonical names are torchvision's, whatever the family. The other rows are of MobileNetV2: each is a row of
templates, which the table of layers fills in, so a row is valid for every alpha.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Tuple

from adapters.common.dialects import Table, canonical, of_family, table
from adapters.common.mobilenet_v2 import FAMILY, STAGES
from adapters.common.network import BATCH_NORM_PARTS, Network


@dataclass(frozen=True)
class Dialect:
    """One publisher's names; without templates, the canonical ones.

    Every template lists convolution and batch norm in turn, separated by spaces.

    `expanded` are the names inside a bottleneck of three convolutions, `plain` of one without expansion, and
    `block` is put before each of them. In it {index} counts bottlenecks from 1, {stage} counts rows of
    STAGES from 0, {layer} the same from 1, and {repeat} counts bottlenecks of a row from 0.
    """

    name: str
    stem: str = ""
    block: str = ""
    expanded: str = ""
    plain: str = ""
    last: str = ""
    classifier: str = ""


# tonylins/pytorch-mobilenet-v2 at fa86a85 (the file of Open Model Zoo until 2020-10-20)
TONYLINS = Dialect(
    name="tonylins_2018",
    stem="features.0.0 features.0.1",
    block="features.{index}.conv.",
    expanded="0 1 3 4 6 7",
    plain="0 1 3 4",
    last="features.18.0 features.18.1",
    classifier="classifier.1",
)
TABLE = (
    # torchvision/models/; Lornatang/MobileNetV2-PyTorch uses the same names
    Dialect(name="torchvision"),
    TONYLINS,
    # the same at 99f2136: the classifier lost its dropout, and with it its number
    replace(TONYLINS, name="tonylins_2019", classifier="classifier"),
    # d-li14/mobilenetv2.pytorch at 1733532, models/imagenet/mobilenetv2.py
    replace(TONYLINS, name="d_li14", last="conv.0 conv.1", classifier="classifier"),
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

# Last parts of names that torch itself writes beside the weights, and that no inference uses
EXTRAS = ("num_batches_tracked", "n_averaged")
# What torch.nn.DataParallel and torch.optim.swa_utils.AveragedModel put before every name
WRAPPER = "module."


def names(dialect: Dialect, network: Network) -> Table:
    """Canonical tensor name -> the dialect's, for every tensor of the network, in its order."""
    if not dialect.stem:
        return canonical(network)
    of_family(network, FAMILY)
    rows = _filled(dialect, network)

    def layer(block: int, position: int) -> Tuple[str, str]:
        conv, norm = rows[block][2 * position : 2 * position + 2]
        return f"{conv}.weight", f"{norm}."

    classifier = (f"{dialect.classifier}.weight", f"{dialect.classifier}.bias")
    return table(network, FAMILY, layer, {part: part for part in BATCH_NORM_PARTS}, classifier)


def known_for(network: Network) -> List[Dialect]:
    """The dialects that have names for a network's family."""
    return [dialect for dialect in TABLE if network.family == FAMILY or not dialect.stem]


def counters(dialect: Dialect, network: Network) -> List[str]:
    """The names of what torch counts beside each batch norm."""
    mean, counter = BATCH_NORM_PARTS[2], EXTRAS[0]
    return [name.replace(mean, counter) for name in names(dialect, network).values() if name.endswith(mean)]


def unwrapped(stored: Iterable[str]) -> Dict[str, str]:
    """Name in the file -> name without wrapper, of every tensor that is not an extra."""
    kept = [name for name in stored if name.rsplit(".", 1)[-1] not in EXTRAS]
    cut = len(WRAPPER) if all(name.startswith(WRAPPER) for name in kept) else 0
    return {name: name[cut:] for name in kept}


def _filled(dialect: Dialect, network: Network) -> List[List[str]]:
    """Module names of each block: convolution, batch norm, convolution, ..."""
    _, *bottlenecks, _ = network.blocks
    places = [(stage, repeat) for stage, row in enumerate(STAGES) for repeat in range(row[2])]
    rows = [dialect.stem.split()]
    for index, (block, (stage, repeat)) in enumerate(zip(bottlenecks, places), start=1):
        prefix = dialect.block.format(index=index, stage=stage, layer=stage + 1, repeat=repeat)
        inner = dialect.expanded if len(block.convs) == 3 else dialect.plain
        rows.append([prefix + name for name in inner.split()])
    return [*rows, dialect.last.split()]
