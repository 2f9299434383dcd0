"""Variants of one network, documented and measured: a phone's times are not ours, but their ratios can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from zoo import stats
from zoo.records import Checkpoint, Claim, LatencyRun
from zoo.rules.base import grouped
from zoo.rules.latency.published import SAME_ARCHITECTURE, column, conditions, in_integers, nearness, seconds, variant
from zoo.runs import medians

FEWEST = 3  # variants
FEWEST_OF_OTHERS = 4  # variants of the same architecture alone: of three no order is rarer than one in six


class Point(NamedTuple):
    """One variant; ratios of its time to that of the table's largest. label: "0.75 160", alpha and resolution."""

    label: str
    documented: float
    measured: float


class Family(NamedTuple):
    """What the results of one table have in common, so that only the variant tells them apart.

    publisher, format: whose networks they are, and in what kind of file; bench: when it was begun; its sessions go
    together, as a document's table may be longer than what is timed in one session.
    """

    framework: str
    publisher: str
    format: str
    batch_size: int
    threads: int
    bench: str
    processor: str
    precision: str


@dataclass(frozen=True, kw_only=True)
class VariantTable:
    """One column of a document beside our results in one framework, batch size and number of threads.

    source: id of the document; device: its words for machine and conditions, nothing where it has none; family: of our
    results. claims, runs, points: in the same order, the largest variant first. rho: Spearman's rank correlation of
    documented and measured times, None where all of one side are equal; p_value: the chance of one as high if the two
    orders had nothing to do with each other.
    """

    title: str
    source: str
    column: str
    device: str
    family: Family
    claims: tuple[Claim, ...]
    runs: tuple[LatencyRun, ...]
    points: tuple[Point, ...]
    rho: float | None
    p_value: float | None


def tables(
    latencies: Sequence[LatencyRun], claims: Sequence[Claim], checkpoints: Mapping[str, Checkpoint]
) -> list[VariantTable]:
    """Every documented column with every family of ours that shares at least `FEWEST` variants with it.

    `FEWEST_OF_OTHERS` where none of ours is what the document speaks of, or holds the same weights.
    Claims other than publishers' latencies are passed over.
    """
    timed = [run for run in latencies if medians.p50(run) > 0]
    families = grouped((_family(run, checkpoints.get(run.checkpoint)), run) for run in timed)
    candidates = [
        _table(family, column_claims, runs, checkpoints)
        for column_claims in _columns(claims, checkpoints)
        for family, runs in families.items()
    ]
    return [table for table in candidates if table is not None]


def _columns(claims: Sequence[Claim], checkpoints: Mapping[str, Checkpoint]) -> list[list[Claim]]:
    """Latencies that one document measured alike: the same column, machine, framework and kind of numbers."""
    latencies = [each for each in claims if each.metric == "latency" and each.by == "publisher" and seconds(each) > 0]
    groups = grouped(
        ((each.source, column(each), conditions(each), each.framework, in_integers(each, checkpoints)), each)
        for each in latencies
        if variant(each, checkpoints) is not None
    )
    return [group for group in groups.values() if len(group) >= FEWEST]


def _family(run: LatencyRun, checkpoint: Checkpoint | None) -> Family:
    return Family(
        run.framework, run.checkpoint.partition("/")[0], checkpoint.format if checkpoint else "",
        run.batch_size, run.threads, run.session.partition("/")[0], run.processor, run.precision,
    )  # fmt: skip


def _table(
    family: Family, claims: Sequence[Claim], runs: Sequence[LatencyRun], checkpoints: Mapping[str, Checkpoint]
) -> VariantTable | None:
    pairs: dict[tuple[float, int], tuple[Claim, LatencyRun]] = {}
    nearest = SAME_ARCHITECTURE
    for claim in claims:
        near = [(distance, run) for run in runs if (distance := nearness(run, claim, checkpoints)) is not None]
        size = variant(claim, checkpoints)
        if near and size is not None:
            distance, run = min(near, key=lambda each: each[0])
            pairs.setdefault(size, (claim, run))
            nearest = min(nearest, distance)
    if len(pairs) < (FEWEST if nearest < SAME_ARCHITECTURE else FEWEST_OF_OTHERS):
        return None
    sizes = sorted(pairs, key=lambda size: (size[0] * size[1], size), reverse=True)
    ordered = [pairs[size] for size in sizes]
    documented, measured = [seconds(claim) for claim, _ in ordered], [medians.p50(run) for _, run in ordered]
    first = claims[0]
    correlation = stats.rank_correlation(documented, measured)
    return VariantTable(
        title=", ".join(part for part in (first.source, column(first)) if part),
        source=first.source,
        column=column(first),
        device=conditions(first),
        family=family,
        claims=tuple(claim for claim, _ in ordered),
        runs=tuple(run for _, run in ordered),
        points=tuple(
            Point(f"{alpha} {resolution}", theirs / documented[0], ours / measured[0])
            for (alpha, resolution), theirs, ours in zip(sizes, documented, measured, strict=True)
        ),
        rho=correlation[0] if correlation else None,
        p_value=correlation[1] if correlation else None,
    )
