"""`zoo compare RUN RUN`: compares the runs of one folder with those of another, image by image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from zoo.jobs import judging
from zoo.records import Run, Verdict
from zoo.records.predictions import Predictions
from zoo.records.references import Reference
from zoo.rules.judge import PAIR_RULES, judge
from zoo.rules.pairs.same_answers import SameLabels, SameScores
from zoo.runs.folder import RunFolder


def between(first: RunFolder, second: RunFolder, margins: Mapping[str, float]) -> list[Verdict]:
    """Verdicts of the rules X on pairs of a run in `first` and another in `second`.

    margins: fractions by the names of `Conditions`; the others are those of the second folder.

    None where no two such runs saw the same images, or where they are the very same. Raises RunFolderError.
    """
    report, other = first.report(), second.report()
    documents, more = first.documents(), second.documents()
    together = other.changed(runs=(*report.runs, *other.runs), conditions=other.conditions.changed(**margins))

    def answers(run: Run) -> Predictions | None:
        return (first if run in report.runs else second).predictions(run)

    def references(run: Run) -> Reference | None:
        return (first if run in report.runs else second).reference(run)

    evidence = replace(
        judging.evidence(together, documents, first),
        answers=answers,
        references=references,
        claims=tuple({claim.id: claim for claim in (*documents.claims, *more.claims)}.values()),
        checkpoints={record.id: record for record in (*more.checkpoints, *documents.checkpoints)},
        label_maps={record.id: record for record in (*more.label_maps, *documents.label_maps)},
        populations={record.id: record for record in (*more.populations, *documents.populations)},
        deviations=(),
    )
    here, there = ({run.key for run in side.runs} for side in (report, other))
    return [
        verdict
        for verdict in judge(evidence, (SameLabels(), SameScores(), *PAIR_RULES))
        if (verdict.run in there - here and verdict.against in here)
        or (verdict.run in here and verdict.against in there - here)
    ]
