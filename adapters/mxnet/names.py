"""How MXNet's and GluonCV's files name the tensors of MobileNetV2.

    structural  features.0.weight, features.3.out.1.gamma, ..., output.0.weight
                (Block.save_parameters; attributes of the Python blocks)
    prefixed    mobilenetv20_features_linearbottleneck0_conv0_weight, ..., mobilenetv20_output_pred_weight
                (HybridBlock.export, and Block.save_params of older versions, which left "mobilenetv20_" out)

Both exist for MXNet's own network, whose first bottleneck expands although t=1, and for GluonCV's since May
2019, whose first bottleneck does not (`Network.expand_first`): the numbering inside that bottleneck follows.
"""

from __future__ import annotations

from typing import Collection, Dict, Tuple

from adapters.common.dialects import Table, canonical, in_sequence, table
from adapters.common.mobilenet_v2 import FAMILY
from adapters.common.network import Network

PARTS = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_var"}
PREFIX = "mobilenetv20_"  # the 0 counts the networks that a process has built: other numbers occur
KINDS = ("arg:", "aux:")  # what Module and HybridBlock.export put before a name: argument, auxiliary state


def structural(network: Network) -> Table:
    """Gluon's names by structure; a convolution is three entries of a sequence (itself, norm, activation)."""
    return in_sequence(network, FAMILY, "out", PARTS, ("output.0.weight", "output.0.bias"))


def prefixed(network: Network, prefix: str = PREFIX) -> Table:
    """Gluon's names by scope, which are also the names in an exported symbol."""
    last = len(network.blocks) - 1

    def layer(block: int, position: int) -> Tuple[str, str]:
        if block in (0, last):
            scope, number = f"{prefix}features_", int(block == last)
        else:
            scope, number = f"{prefix}features_linearbottleneck{block - 1}_", position
        return f"{scope}conv{number}_weight", f"{scope}batchnorm{number}_"

    return table(network, FAMILY, layer, PARTS, (f"{prefix}output_pred_weight", f"{prefix}output_pred_bias"))


def variables(network: Network) -> Table:
    """Canonical name -> the variable of an exported symbol."""
    return prefixed(network) if network.family == FAMILY else canonical(network)


def tables(network: Network, stored_names: Collection[str] = ()) -> Dict[str, Table]:
    """Every dialect of the network's family by its title; the prefix is the one that `stored_names` use."""
    if network.family != FAMILY:
        return {"canonical": canonical(network)}
    first = "features_conv0_weight"
    prefix = next((name[: -len(first)] for name in stored_names if name.endswith(first)), PREFIX)
    return {"structural": structural(network), "prefixed": prefixed(network, prefix)}


def bare(name: str) -> str:
    """A stored name without "arg:" or "aux:"."""
    return name[4:] if name.startswith(KINDS) else name
