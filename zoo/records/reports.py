"""A run folder's report.json, and the conditions of its runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zoo.records.base import Fraction, Record
from zoo.records.diagnoses import Diagnosis
from zoo.records.documents import Checkpoint, Claim, Deviation, LabelMap, Population
from zoo.records.latency import LatencyRun, Stage
from zoo.records.runs import Inspection, PopulationKind, Run
from zoo.records.samples import SampleAnswer, SampleRun
from zoo.records.verdicts import Verdict

FORMAT = 2  # of a run folder's report.json; 1: first version, without digests


class Recognition(Record):
    """How the whole image set was recognised as a population, or why it was not, and what else its bytes say.

    labels_digest: sha256 over the sorted lines "stem class", as a population states it.
    bytes_by: what shows that the bytes are those of the population. Of all images: their "digest", or the published
    hash of the "archive"; of some: "known_images", so many as the field of that name says; else "nothing". "" where
    the set is no population.
    doubt: what is wrong with a set that resembles a population and is none.
    without_class: images of the set that have no right class, so that they are left out of every count.
    copies: images with the bytes of another one before them; copies_relabelled: those of them with another label;
    copies_listed: the first of them, in words.
    """

    labels_digest: str = ""
    bytes_by: Literal["", "digest", "archive", "known_images", "nothing"] = ""
    known_images: int = Field(default=0, ge=0)
    doubt: str = ""
    without_class: int = Field(default=0, ge=0)
    copies: int = Field(default=0, ge=0)
    copies_relabelled: int = Field(default=0, ge=0)
    copies_listed: tuple[str, ...] = ()


class MoreLabels(Record):
    """Other labels of the same images, by which the answers were counted a second time.

    label_file: its name; image_set: what the runs that count by them call the images.
    """

    label_file: str
    image_set: str
    images_digest: str
    population: PopulationKind
    population_id: str = ""
    recognition: Recognition = Recognition()


class Conditions(Record):
    """Under what a run folder was made; what a reader needs to make it again.

    created: UTC, ISO 8601; command: the command line; decoders: versions of the image libraries; tolerance:
    fraction added on both sides of a documented accuracy, for differences between preprocessing libraries; None where
    each verdict has the one that was measured for its geometry.
    margin: two runs that should be right equally often may differ by so much, a fraction; margin_quantised: where one
    computes in integers, a fraction of the first one's accuracy.
    instruction_sets: the processor's that answers can depend on; variables: those of the user's environment that
    frameworks take their arithmetic or threads from.
    population: what the images are of the population that recognition is about.
    more_labels: the second labels, where there were any.
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
    recognition: Recognition = Recognition()
    more_labels: MoreLabels | None = None
    decoders: dict[str, str] = Field(default_factory=dict)
    tolerance: Fraction | None = None
    margin: Fraction = 0.001
    margin_quantised: Fraction = 0.01


class Part(Record):
    """One of the run folders that a report was merged from.

    runs: the key of each run that came from it, or its subject where it has none; latencies: the same of those.
    """

    folder: str
    conditions: Conditions
    runs: tuple[str, ...]
    latencies: tuple[str, ...] = ()


class Seal(Record):
    """Shows whether a file is whole: key, the sha256 of what the file is of; xxh3_128, of its content; both in hex."""

    key: str
    xxh3_128: str


class Report(Record):
    """A run folder's report.json: everything that was measured and judged.

    samples: what was answered to the inputs of published sample answers.
    latencies, stages: of benches; their speed is not that of `runs`, which is a by-product of measuring accuracy.
    diagnoses: why numbers differ, of the runs for which that was asked.
    parts: the run folders it was merged from; none where it is of one. `conditions` are then the latest part's.
    answers: xxh3 of the answers of each run, by its key; documents: of documents.json; seal: of this file's other
    fields. Reports of format 1 have none of the three.
    """

    format: Literal[1, 2] = 2
    conditions: Conditions
    parts: tuple[Part, ...] = ()
    runs: tuple[Run, ...]
    samples: tuple[SampleRun, ...] = ()
    verdicts: tuple[Verdict, ...]
    inspections: tuple[Inspection, ...] = ()
    latencies: tuple[LatencyRun, ...] = ()
    stages: tuple[Stage, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    answers: dict[str, str] = Field(default_factory=dict)
    documents: str = ""
    seal: Seal | None = None


class Documents(Record):
    """What verdicts were made from besides the runs, so that a run folder can be judged again anywhere.

    findings: what the audit of the whole zoo's documents says of these checkpoints. baseline: latencies of the
    earlier bench that this one was compared with.
    """

    checkpoints: tuple[Checkpoint, ...]
    claims: tuple[Claim, ...]
    sample_answers: tuple[SampleAnswer, ...] = ()
    populations: tuple[Population, ...]
    label_maps: tuple[LabelMap, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    findings: tuple[Verdict, ...] = ()
    baseline: tuple[LatencyRun, ...] = ()
