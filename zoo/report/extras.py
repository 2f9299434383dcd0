"""What a page shows besides the records. It is computed before rendering, so that rendering stays a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zoo.records import Verdict
from zoo.rules.latency.variants import VariantTable
from zoo.runs.agreement import Group


@dataclass(frozen=True, kw_only=True)
class Extras:
    """agreement: of runs on the same images; multiply_adds: of a checkpoint's network, by its id; findings: what the
    audit of the documents says about the checkpoints that were run; variants: documented columns of latencies beside
    ours; thumbnails: data URIs of small JPEGs by the id of the image, empty unless they were asked for.
    """

    agreement: tuple[Group, ...] = ()
    multiply_adds: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Verdict, ...] = ()
    variants: tuple[VariantTable, ...] = ()
    thumbnails: Mapping[str, str] = field(default_factory=dict)


NO_EXTRAS = Extras()
