"""A run folder's report.json, and the conditions that it was made under."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zoo.records.base import Fraction, Record
from zoo.records.latency import LatencyRun, Stage
from zoo.records.runs import Inspection, PopulationKind, Run, Verdict

FORMAT = 1  # of a run folder's report.json; 1: first version


class Conditions(Record):
    """Under what a run folder was made; what a reader needs to make it again.

    created: UTC, ISO 8601; command: the command line; decoders: versions of the image libraries; tolerance:
    fraction added on both sides of a documented accuracy, for differences between preprocessing libraries.
    instruction_sets: the processor's that answers can depend on; variables: those of the user's environment that
    frameworks take their arithmetic or threads from.
    """

    created: str
    command: tuple[str, ...]
    suite_version: str
    python: str
    platform: str
    processor: str
    instruction_sets: tuple[str, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)
    cores: int
    zoo: str
    image_set: str
    images: int
    images_digest: str
    population: PopulationKind
    population_id: str = ""
    decoders: dict[str, str] = Field(default_factory=dict)
    tolerance: Fraction = 0.001


class Part(Record):
    """One of the run folders that a report was merged from.

    runs: the key of each run that came from it, or its subject where it has none; latencies: the same of those.
    """

    folder: str
    conditions: Conditions
    runs: tuple[str, ...]
    latencies: tuple[str, ...] = ()


class Report(Record):
    """A run folder's report.json: everything that was measured and judged.

    latencies, stages: of benches; their speed is not that of `runs`, which is a by-product of measuring accuracy.
    parts: the run folders it was merged from; none where it is of one. `conditions` are then the latest part's.
    """

    format: Literal[1] = 1
    conditions: Conditions
    parts: tuple[Part, ...] = ()
    runs: tuple[Run, ...]
    verdicts: tuple[Verdict, ...]
    inspections: tuple[Inspection, ...] = ()
    latencies: tuple[LatencyRun, ...] = ()
    stages: tuple[Stage, ...] = ()
