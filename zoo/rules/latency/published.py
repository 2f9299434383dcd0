"""Documented latencies: how they were measured, and which of our results are of the same network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from zoo.records import Checkpoint, Claim, LatencyRun, MobileNetV2

OWN, SAME_WEIGHTS, SAME_ARCHITECTURE = 0, 1, 2  # how near a result is to what a claim is about, nearest first

_INTEGERS = re.compile(r"quant|int8|ptq|edgetpu", re.IGNORECASE)


def seconds(claim: Claim) -> float:
    """A documented latency in seconds."""
    return float(Decimal(claim.value) / 1000)  # 73.8 ms is 0.0738, not 0.07379999...


def conditions(claim: Claim) -> str:
    """Device, batch size and threads as documented: "Pixel 3, CPU, 4 threads"; "" where none of them is stated."""
    batch = f"batch {claim.batch}" if claim.batch else ""
    threads = f"{claim.threads} thread{'s' * (claim.threads > 1)}" if claim.threads else ""
    return ", ".join(part for part in (batch, claim.device, threads) if part)


def column(claim: Claim) -> str:
    """Which column of its table a number stands in: "Mobile CPU (ms) Pixel 1"."""
    _, marked, name = claim.place.partition("column ")
    return name.strip() if marked else claim.place.rpartition(",")[2].strip()


def in_integers(claim: Claim, checkpoints: Mapping[str, Checkpoint]) -> bool:
    """Whether a quantised network was timed, by its record or else by the names in the document."""
    checkpoint = checkpoints.get(claim.checkpoint)
    if checkpoint is not None and checkpoint.quantised is not None:
        return checkpoint.quantised
    return bool(_INTEGERS.search(f"{claim.model} {column(claim)}"))


def variant(claim: Claim, checkpoints: Mapping[str, Checkpoint]) -> tuple[float, int] | None:
    """(alpha, resolution) of the MobileNetV2 that a claim is about; None where it is about another or unknown one.

    The checkpoint's record says what network it is, or else the printed name.
    """
    checkpoint = checkpoints.get(claim.checkpoint)
    network = checkpoint.network if checkpoint else None
    if not (claim.names_mobilenet_v2 if network is None else isinstance(network, MobileNetV2)):
        return None
    if claim.alpha is not None and claim.resolution is not None:
        return claim.alpha, claim.resolution
    return _built(claim.checkpoint, checkpoints)


def nearness(run: LatencyRun, claim: Claim, checkpoints: Mapping[str, Checkpoint]) -> int | None:
    """OWN, SAME_WEIGHTS or SAME_ARCHITECTURE, or None where a result is of another network."""
    if run.checkpoint == claim.checkpoint:
        return OWN
    meant = checkpoints.get(claim.checkpoint)
    if meant is not None and meant.weights and meant.weights == run.weights:
        return SAME_WEIGHTS
    built = _built(run.checkpoint, checkpoints)
    same = built is not None and built == variant(claim, checkpoints)
    return SAME_ARCHITECTURE if same and ("int" in run.precision) == in_integers(claim, checkpoints) else None


def _built(name: str, checkpoints: Mapping[str, Checkpoint]) -> tuple[float, int] | None:
    checkpoint = checkpoints.get(name)
    network = checkpoint.network if checkpoint else None
    return (network.alpha, network.resolution) if isinstance(network, MobileNetV2) else None
