"""Possible causes of contradictions in documents: of made-up ones, and of those in the published zoo."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.by_hand.documents import RULES, SHA, checkpoint, claim, evidence, recipe
from tests.by_hand.inspections import inspection, measured
from zoo.documents.load import load_zoo
from zoo.jobs.audit import audit
from zoo.records import BytePairs, Deviation, Verdict
from zoo.records.diagnoses import Candidate
from zoo.records.statements import Converted, Preprocessing
from zoo.report.audit import FORMATS, Audit
from zoo.rules.base import Evidence
from zoo.rules.claims.causes import possible_causes


@pytest.fixture(scope="module")
def found() -> Audit:
    return audit(load_zoo("published"), ["C"])


def of(rule: str, documents: Evidence) -> list[str]:
    """Causes of the findings of one rule, the likelier first."""
    verdicts = list(RULES[rule].judge(documents))
    return [each.cause for verdict in verdicts for each in possible_causes(verdict, documents)]


# --- the published documents ---------------------------------------------------------------------


def causes(found: Audit, rule: str, subject: str) -> dict[str, Candidate]:
    (verdict,) = (each for each in found.findings() if (each.rule, each.subject) == (rule, subject))
    return {each.cause: each for each in found.causes_of(verdict)}


def test_a_reader_of_an_int8_file(found: Audit) -> None:
    """64.346 % where 68.30 % is documented: the processor comes first."""
    named = causes(found, "C205", "onnx-zoo-026")
    first = next(iter(named.values()))
    assert (first.cause, first.certainty) == ("repeat.saturation", "likely")
    assert "64.346 % is 3.95 points below 68.30 %" in first.evidence
    assert "6.90 points lower (75.80 in place of 82.70 % of 1,000 images)" in first.evidence
    assert "--arithmetic as-shipped" in first.command
    assert "recipe.unstated" in named


def test_every_contradiction_about_one_network_has_a_cause(found: Audit) -> None:
    asked = [
        each for each in found.findings()
        if each.rule == "C602" or (each.rule in ("C201", "C203", "C205") and each.size_unit == "points")
    ]  # fmt: skip
    assert len(asked) > 20
    assert [each.subject for each in asked if not found.causes_of(each)] == []


def test_causes_of_some(found: Audit) -> None:
    assert causes(found, "C201", "omz/mobilenet-v2-1.0-224 top1")["documents.superseded"].certainty == "likely"
    assert "recipe.squash" in causes(found, "C602", "omz/mobilenet-v2")
    assert "file.moving_averages" in causes(found, "C205", "tf-slim-166")
    assert "file.moving_averages" not in causes(found, "C203", "keras/mobilenet_v2_1.4_224 top1")  # Keras has more
    assert "recipe.mean_std" in causes(found, "C602", "tf-slim/mobilenet_v2_1.0_224")


def test_they_are_shown_in_every_form(found: Audit) -> None:
    text, markdown, html, data = (FORMATS[name](found) for name in ("text", "md", "html", "json"))
    what = "a processor without VNNI, which cuts sums off"
    assert f"\n    possible causes: {what} (repeat.saturation, likely); " in text
    assert f"  - possible cause, likely: {what} (`repeat.saturation`): " in markdown
    assert f"<dt>possible causes</dt><dd><div>{what}" in html
    kept = {(each["rule"], each["subject"]): each["causes"] for each in json.loads(data)["possible_causes"]}
    assert tuple(map(Candidate.from_json, kept["C205", "onnx-zoo-026"])) == found.causes["C205", "onnx-zoo-026"]


def test_what_is_in_order_has_no_cause(found: Audit) -> None:
    assert not [each for each in found.of("pass", "not_comparable") if possible_causes(each, Evidence())]
    open_ones = {(each.rule, each.subject) for each in found.findings()}
    assert set(found.causes) <= open_ones
    assert not possible_causes(Verdict(rule="C101", subject="x", outcome="fail", reason="r"), Evidence())


# --- made up -------------------------------------------------------------------------------------


def test_a_figure_of_another_network() -> None:
    others = (checkpoint(), checkpoint("b/net", SHA["b"]))
    mine = [claim("one", value="71.83"), claim("two", value="70.21")]
    assert "documents.copied" in of(
        "C201", evidence(*mine, claim("three", value="70.21", checkpoint="b/net"), checkpoints=others)
    )
    assert "documents.copied" not in of(
        "C201", evidence(*mine, claim("three", value="70.22", checkpoint="b/net"), checkpoints=others)
    )
    short = [claim("one", value="71.8"), claim("two", value="70.2")]  # many networks have one digit in common
    assert "documents.copied" not in of(
        "C201", evidence(*short, claim("three", value="70.2", checkpoint="b/net"), checkpoints=others)
    )


def test_an_int8_file_with_the_figure_of_its_original() -> None:
    quantised = checkpoint("a/int8", SHA["b"], converted_from="a/net", quantised=True)
    documents = evidence(
        claim("one", value="71.83"), claim("two", value="71.83", checkpoint="a/int8"),
        claim("three", value="68.40", checkpoint="a/int8"), checkpoints=(checkpoint(), quantised),
    )  # fmt: skip
    assert "documents.figure_of_original" in of("C201", documents)


def test_a_processor_that_cuts_off() -> None:
    known = Deviation(
        id="d",
        rule="S105",
        subject="a/net@torch",
        reason="weights of 8 bits",
        link="https://example.org/1",
        date="2026-01-01",
    )
    mine = [claim("one", value="71.83"), claim("two", value="66.21", by="third_party")]
    assert of("C205", evidence(*mine, deviations=[known]))[0] == "repeat.saturation"
    assert "repeat.saturation" not in of("C205", evidence(*mine))
    quantised = evidence(*mine, checkpoints=(checkpoint(quantised=True, framework="onnxruntime"),))
    assert "repeat.saturation" in of("C205", quantised)
    for beyond, named in ((30, True), (0, False)):
        pairs = (BytePairs(layer="first", pairs=100, beyond=beyond),)
        here = replace(quantised, inspections=[inspection(measured(byte_pairs=pairs))], deviations=[known])
        assert ("repeat.saturation" in of("C205", here)) == named


def test_recipes_that_differ() -> None:
    recipes = {each.id: each for each in (recipe("r"), recipe("wide", 224), recipe("blue", bgr=True))}
    uses = tuple(
        Preprocessing(id=name, source="page", checkpoint="a/net", purpose=name, recipe=name) for name in recipes
    )
    named = of("C602", evidence(statements=uses, recipes=recipes))
    assert set(named) == {"recipe.crop", "recipe.channel_order"}
    conversion = checkpoint("b/net", SHA["b"], converted_from="a/net", recipe="blue")
    documents = evidence(
        claim("one", value="71.83"), claim("two", value="70.21", checkpoint="b/net"), recipes=recipes,
        checkpoints=(checkpoint(), conversion),
        statements=(Converted(id="c", source="page", checkpoints=("b/net",)),),
    )  # fmt: skip
    assert of("C203", documents) == ["recipe.channel_order"]


def test_close_figures_may_be_of_two_libraries() -> None:
    near, far = claim("two", value="71.72"), claim("two", value="70.21")
    assert "recipe.library" in of("C201", evidence(claim(value="71.83"), near))
    assert "recipe.library" not in of("C201", evidence(claim(value="71.83"), far))
