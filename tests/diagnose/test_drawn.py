"""Runs whose images were drawn by a reference: no look holds a share of hard images against a documented number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.by_hand import drawn as made
from tests.by_hand.answers import ZOO, case_of
from tests.by_hand.drawn import LABEL_MAP, World
from tests.by_hand.records import a_claim, a_verdict
from zoo.diagnose.answers.look import look
from zoo.diagnose.base import Case
from zoo.diagnose.repeats.arithmetic import _Loss
from zoo.rules.drawn import looked

WORLD = World.of(4000)
REFERENCE = WORLD.reference
RELATIVE = WORLD.relative(0.5, bias=-0.3)
CLAIM = a_claim(value="66.1", decimals=1)  # what is true of all images, and of those that were looked at far from it


def case(drawn: bool = True, **changes: Any) -> Case:
    run, answers = WORLD.drawn(RELATIVE, 1024, REFERENCE, checkpoint="embedded/onnx")
    evidence = made.evidence(WORLD, [(run, answers)], [REFERENCE])
    found = case_of(answers, LABEL_MAP, claims=[CLAIM])
    by = looked(run, "top1", evidence) if drawn else None
    return replace(found, run=run, checkpoint=ZOO.checkpoints["embedded/onnx"], drawn=by, **changes)


def test_hard_images_are_no_cause() -> None:
    found = look(case())
    assert not found.candidates
    assert any("labels" in each.title or "labels" in each.cause for each in found.excluded)


def test_without_the_reference_the_look_is_left_out() -> None:
    found = look(case(drawn=False))
    assert not found.candidates
    assert found.not_looked == ("kept answers: the run's images were drawn by a reference, which was not kept",)


@pytest.mark.parametrize(("p_value", "matters"), [(0.001, True), (0.8, False), (None, False)])
def test_a_loss_by_arithmetic_is_held_against_the_verdict(p_value: float | None, matters: bool) -> None:
    """The documented number lies on the side of the defaults; whether beyond chance the verdict of all images tells."""
    documented = a_claim(value="60.0", decimals=1)
    loss = _Loss(n=512, exact=430, gained=19, lost=43, of_exact_run=True)
    own = case(claims=[documented])
    verdict = a_verdict(run=own.run.key, documented=documented.number(), p_value=p_value, outcome="refuted")
    assert loss.matters(replace(own, verdicts=[verdict])) == matters
    assert not loss.matters(replace(own, verdicts=[verdict.changed(run="77" * 32)]))
