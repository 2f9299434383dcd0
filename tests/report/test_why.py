"""What reports say of a diagnosis, in every form."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from tests.by_hand.pages import HOSTILE, Page
from tests.by_hand.records import a_candidate, a_diagnosis, a_report, a_verdict
from zoo.records import Diagnosis, Report
from zoo.report import html, junit, markdown, terminal, why


def reported(*diagnoses: Diagnosis) -> Report:
    return a_report().changed(diagnoses=diagnoses)


def said(report: Report) -> str:
    return " ".join("".join(Page(html.render(report, [])).said).split())


def as_markdown(report: Report) -> str:
    return markdown.render(report, [])


@pytest.mark.parametrize("render", [said, as_markdown])
def test_every_part_of_a_diagnosis_is_shown(render: Callable[[Report], str]) -> None:
    shown = render(reported(a_diagnosis()))
    flat = shown.replace("\\", "")
    for words in (
        "the network takes BGR, it is given RGB",
        "With BGR 141 of 200 images are right",
        'op = "channels", order = "bgr"',
        "zoo validate --checkpoints embedded/onnx --numeric bgr_127_5",
        "does not meet",
        "labels off by one: 1 of 200 images fits",
        "cannot be told apart with these 200 images: a crop of 0.9, no antialias; about 900 more would tell",
        "values between the layers: no file of the same weights is here",
        "+21.50 points",
        "none needed",
    ):
        assert words in flat, words
    assert flat.index("BGR, it is") < flat.index("turned round")


def test_a_report_without_a_diagnosis_says_nothing_of_it() -> None:
    assert 'id="why"' not in html.render(a_report(), [])
    assert "### Why" not in markdown.render(a_report(), [])
    assert "why " not in terminal.summary(a_report())


def test_the_terminal_has_one_line_with_the_best_cause() -> None:
    (line,) = [each for each in terminal.summary(reported(a_diagnosis())).splitlines() if each.startswith("why ")]
    assert "embedded/onnx@onnxruntime: the network takes BGR, it is given RGB (shown): With BGR 141" in line
    assert line.endswith("1 other cause below it")


def test_where_nothing_is_named_the_tie_or_what_was_excluded_is_said() -> None:
    bare = a_diagnosis(candidates=())
    assert why.headline(bare).startswith("cannot be told apart with these 200 images: a crop of 0.9")
    words = why.headline(bare.changed(ties=()))
    assert words.startswith("nothing known explains it; 1 cause excluded; not looked at: values between the layers")
    assert "nothing known explains it" in said(reported(bare)).lower()


def test_outside_text_stays_text() -> None:
    candidate = a_candidate(title=HOSTILE, evidence=HOSTILE, change=f"{HOSTILE}\n```\n# x", command=HOSTILE)
    hostile = a_diagnosis(candidates=(candidate,), symptoms=(HOSTILE,), not_looked=(HOSTILE,))
    page = Page(html.render(reported(hostile), []))
    assert not any("onload" in attributes for _, attributes in page.tags)
    assert [tag for tag, _ in page.tags].count("script") == 1  # the page's own
    text = markdown.render(reported(hostile), [])
    assert "````\n" in text, "a fence that the three of the text cannot end"
    assert "<script>" not in text.split("````")[0]
    assert "\n" not in why.headline(hostile.changed(candidates=(a_candidate(title="a\nb"),)))


def test_a_ci_system_reads_why_under_what_failed() -> None:
    verdicts = [a_verdict(outcome="refuted"), a_verdict(rule="A102")]
    report = a_report(verdicts=verdicts).changed(diagnoses=(a_diagnosis(),))
    refuted, confirmed = ElementTree.fromstring(junit.render(report)).iter("testcase")
    (failure,) = refuted
    assert (failure.text or "").startswith("why: the network takes BGR, it is given RGB (shown)")
    assert not len(confirmed)
