"""The order of the causes that several looks found."""

from __future__ import annotations

from typing import Any

from tests.by_hand.records import a_candidate
from zoo.diagnose.ranking import diagnosis
from zoo.records import Candidate, Diagnosis, Excluded, Findings, Tie


def of(*candidates: Candidate, **others: Any) -> Diagnosis:
    return diagnosis("embedded/onnx@onnxruntime", "1f", ["refuted"], Findings(candidates=candidates, **others))


def causes(*candidates: Candidate) -> list[str]:
    return [each.cause for each in of(*candidates).candidates]


def test_the_surest_comes_first() -> None:
    ordered = causes(
        a_candidate(cause="file.padding", certainty="possible"),
        a_candidate(cause="labels.offset", certainty="likely"),
        a_candidate(cause="answers.near_chance", certainty="shown"),
    )
    assert ordered == ["answers.near_chance", "labels.offset", "file.padding"]


def test_the_nearest_to_the_root_comes_before_what_follows_from_it() -> None:
    names = ["answers.one_class", "layer.parts", "recipe.scale", "labels.offset", "file.padding", "repeat.threads"]
    assert causes(*(a_candidate(cause=name) for name in names)) == names[::-1]


def test_of_two_recipes_the_one_that_explains_more_comes_first() -> None:
    small, large = a_candidate(cause="recipe.crop", explains=0.01), a_candidate(cause="recipe.scale", explains=0.3)
    assert causes(small, large) == ["recipe.scale", "recipe.crop"]


def test_a_cause_stands_once_as_the_surest_look_says_it() -> None:
    found = of(a_candidate(certainty="possible"), a_candidate(certainty="shown", evidence="the surer"))
    assert [each.evidence for each in found.candidates] == ["the surer"]


def test_what_is_named_is_neither_excluded_nor_tied_with_itself() -> None:
    excluded = tuple(
        Excluded(cause=cause, title="tried", by="it fits 1 of 64") for cause in ("recipe.channel_order", "recipe.crop")
    )
    tie = Tie(causes=("recipe.channel_order", "file.input_channels"), titles=("a", "b"), images=64)
    both = of(a_candidate(), a_candidate(cause="file.input_channels"), excluded=excluded, ties=(tie,))
    assert [each.cause for each in both.excluded] == ["recipe.crop"]
    assert both.ties == ()
    assert of(a_candidate(), ties=(tie,)).ties == (tie,)


def test_images_are_those_of_the_look_that_took_most() -> None:
    assert of(a_candidate(images=64), a_candidate(cause="recipe.crop", images=900)).images == 900
    assert of().images == 0
