"""Turns runs, answers and documents into a report: judges them, and renders the result into the run folder."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from zoo import __version__, machine
from zoo.documents import counting
from zoo.documents.load import Zoo
from zoo.images import pixels, preprocess
from zoo.images.image_sets import ImageSet
from zoo.records import (
    Conditions,
    Documents,
    Inspection,
    LatencyRun,
    Part,
    PopulationKind,
    Recognition,
    Report,
    Run,
    Stage,
)
from zoo.report import Extras, render_all
from zoo.report.tables import discordant_csv
from zoo.rules.base import Evidence
from zoo.rules.judge import judge
from zoo.rules.latency import variants
from zoo.rules.pairs.image_by_image import pairs
from zoo.runs import agreement
from zoo.runs.folder import RunFolder

NO_PICTURES: Mapping[str, str] = {}


def conditions(
    command: Sequence[str],
    zoo: Zoo,
    image_set: ImageSet,
    digest: str,
    population: tuple[PopulationKind, str],
    how: Recognition,
) -> Conditions:
    """What holds for everything that is measured now, on these images."""
    kind, name = population
    return Conditions(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=tuple(command),
        suite_version=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        processor=machine.processor(),
        instruction_sets=machine.instruction_sets(),
        variables=machine.variables(),
        cores=pixels.default_jobs(),
        zoo=zoo.name,
        image_set=image_set.name,
        images=len(image_set.images),
        images_digest=digest,
        population=kind,
        population_id=name,
        recognition=how,
        decoders=preprocess.versions(),
    )


def judged(
    conditions: Conditions,
    runs: Sequence[Run],
    found: Sequence[Inspection],
    documents: Documents,
    folder: RunFolder,
    parts: Sequence[Part] = (),
    latencies: Sequence[LatencyRun] = (),
    stages: Sequence[Stage] = (),
) -> Report:
    """A report with the verdicts of today's rules on stored runs, answers, inspections, latencies and documents."""
    looked_at = evidence(folder, runs, documents, conditions.tolerance, found, latencies)
    return Report(
        conditions=conditions,
        parts=tuple(parts),
        runs=tuple(runs),
        verdicts=tuple(judge(looked_at)),
        inspections=tuple(found),
        latencies=tuple(latencies),
        stages=tuple(stages),
    )


def evidence(
    folder: RunFolder,
    runs: Sequence[Run],
    documents: Documents,
    tolerance: float,
    found: Sequence[Inspection] = (),
    latencies: Sequence[LatencyRun] = (),
) -> Evidence:
    """What rules look at: runs, their answers in the folder, what is in the files, latencies, the documents."""
    return Evidence(
        runs=runs,
        inspections=found,
        claims=documents.claims,
        checkpoints={checkpoint.id: checkpoint for checkpoint in documents.checkpoints},
        populations={population.id: population for population in documents.populations},
        label_maps={label_map.id: label_map for label_map in documents.label_maps},
        answers=folder.predictions,
        tolerance=tolerance,
        deviations=documents.deviations,
        latencies=latencies,
        baseline=documents.baseline,
    )


def write(folder: RunFolder, report: Report, documents: Documents, thumbnails: Mapping[str, str] = NO_PICTURES) -> None:
    """The report in the run folder, and every rendered form of it.

    thumbnails: image id -> data URI of a small JPEG, for discordant images; none unless they are asked for.
    """
    written = folder.write(report, documents)
    for name, text in render_all(written, documents.claims, extras(folder, written, documents, thumbnails)).items():
        folder.write_text(name, text)
    found = pairs(evidence(folder, written.runs, documents, written.conditions.tolerance))
    folder.write_text("discordant.csv", discordant_csv(found))


def extras(
    folder: RunFolder, report: Report, documents: Documents, thumbnails: Mapping[str, str] = NO_PICTURES
) -> Extras:
    """What a page shows besides the records: how far the answers agree, what the networks cost, the findings."""
    groups = agreement.groups(report.runs, folder.predictions, {each.id: each for each in documents.label_maps})
    pictured = [image.image for group in groups for image in group.discordant] if thumbnails else []
    costs = {
        each.checkpoint: each.measured.multiply_adds
        for each in report.inspections
        if each.measured is not None and each.measured.multiply_adds is not None
    }
    for checkpoint in documents.checkpoints:
        if checkpoint.network is not None:  # what is documented counts, measured or not
            costs[checkpoint.id] = counting.parts(checkpoint.network).multiply_adds
    return Extras(
        agreement=groups,
        thumbnails={name: uri for name in pictured if (uri := thumbnails.get(name)) is not None},
        multiply_adds=costs,
        findings=documents.findings,
        variants=tuple(
            variants.tables(report.latencies, documents.claims, {each.id: each for each in documents.checkpoints})
        ),
    )
