"""A side of a comparison of two runs."""

from __future__ import annotations

from tests.by_hand.folders import ANIMALS, SHIFTED
from tests.by_hand.records import a_claim
from zoo.records import Report, Run
from zoo.records.predictions import Predictions
from zoo.runs.changes import Side


def side(report: Report, found: dict[str, Predictions] | None = None, name: str = "run") -> Side:
    def answered(run: Run) -> Predictions | None:
        return (found or {}).get(run.key)

    label_maps = {each.id: each for each in (ANIMALS, SHIFTED)}
    return Side(name=name, report=report, claims=[a_claim()], label_maps=label_maps, answers=answered)
