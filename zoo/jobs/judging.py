"""Turns runs, answers and documents into a report: judges them, and renders the result into the run folder."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.documents import counting
from zoo.records import Documents, Report
from zoo.report import Extras, render_all
from zoo.report.tables import discordant_csv
from zoo.rules.base import Evidence
from zoo.rules.judge import judge
from zoo.rules.latency import variants
from zoo.rules.pairs.pairing import pairs
from zoo.runs import agreement
from zoo.runs.folder import RunFolder

NO_PICTURES: Mapping[str, str] = {}


def judged(report: Report, documents: Documents, folder: RunFolder) -> Report:
    """The report with the verdicts of today's rules. folder: it holds the answers of the report's runs."""
    return report.changed(verdicts=tuple(judge(evidence(report, documents, folder))))


def evidence(report: Report, documents: Documents, folder: RunFolder) -> Evidence:
    """What rules look at: runs, their answers in the folder, what is in the files, latencies, the documents."""
    return Evidence(
        runs=report.runs,
        inspections=report.inspections,
        samples=report.samples,
        sample_answers=documents.sample_answers,
        claims=documents.claims,
        checkpoints={checkpoint.id: checkpoint for checkpoint in documents.checkpoints},
        populations={population.id: population for population in documents.populations},
        label_maps={label_map.id: label_map for label_map in documents.label_maps},
        answers=folder.predictions,
        references=folder.reference,
        tolerance=report.conditions.tolerance,
        margin=report.conditions.margin,
        margin_quantised=report.conditions.margin_quantised,
        deviations=documents.deviations,
        latencies=report.latencies,
        baseline=documents.baseline,
    )


def write(folder: RunFolder, report: Report, documents: Documents, thumbnails: Mapping[str, str] = NO_PICTURES) -> None:
    """The report in the run folder, and every rendered form of it.

    thumbnails: image id -> data URI of a small JPEG, for discordant images; none unless they are asked for.
    """
    written = folder.write(report, documents)
    for name, text in render_all(written, documents.claims, extras(folder, written, documents, thumbnails)).items():
        folder.write_text(name, text)
    folder.write_text("discordant.csv", discordant_csv(pairs(evidence(written, documents, folder))))


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
