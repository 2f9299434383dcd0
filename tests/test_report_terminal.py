"""The terminal: fits its width, takes no orders from outside text, and ends with what to do."""

from __future__ import annotations

import io

import pytest
from records_by_hand import a_claim, a_mixed_report, a_report, a_run, a_verdict
from rich.console import Console

from zoo.records import Claim, Report
from zoo.report import terminal, text


def _shown(report: Report, claims: list[Claim], width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(terminal.table(report, claims, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_long_ids_fold_at_separators_and_the_table_fits() -> None:
    long = "openvino/mobilenetv2-int8-tf-0001-quantized-v10"
    shown = _shown(a_report([a_run(checkpoint=long)], [a_verdict(outcome="not_comparable")]), [a_claim()])
    assert max(map(len, shown.splitlines())) <= 100
    assert [part for part in terminal.fold(long, 30) if part not in shown] == []


@pytest.mark.parametrize("name", ["a" * 45, "x/" + "b_" * 30, "/", "a//b", "plain"])
@pytest.mark.parametrize("width", [20, 30])
def test_folding_loses_nothing(name: str, width: int) -> None:
    lines = terminal.fold(name, width)
    assert "".join(lines) == name
    assert all(0 < len(line) <= width for line in lines)


def test_outside_text_is_neither_markup_nor_escape_sequence() -> None:
    run = a_run(checkpoint="a/b", status="failed", error="[red]\x1b]0;title\x07\x1b[2Jgone\rover[/red]\nmore")
    report = a_report([run], [a_verdict(subject="[bold]x", outcome="fail", reason="\x9b31m\u202ereversed")])
    summary = terminal.summary(report)
    assert not [character for character in summary if ord(character) < 32 and character != "\n"]
    assert "\u202e" not in summary
    assert "failed: a/b@onnxruntime: [red]gone" in summary
    assert "[bold]x" in summary


def test_equal_reasons_are_said_once() -> None:
    reason = "These are not the documented images."
    verdicts = [a_verdict(subject=f"a/{n}", outcome="not_comparable", reason=reason) for n in "12345"]
    summary = terminal.summary(a_report([], verdicts))
    assert summary.count(reason) == 1
    assert "not comparable: a/1, a/2, a/3 and 2 more: " in summary


def test_worst_comes_first_in_a_cell() -> None:
    report, claims = a_mixed_report()
    shown = _shown(report, claims)
    assert shown.index("refuted top-1") < shown.index("inconclusive top-5")


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (a_report(), "nothing to mend"),
        (a_report(verdicts=[a_verdict(outcome="refuted")]), "known_deviations.toml"),
        (a_report([a_run(status="failed", error="x")], []), "zoo doctor"),
        (a_report(verdicts=[a_verdict(outcome="inconclusive")]), "--sample"),
        (a_report(verdicts=[a_verdict(outcome="not_comparable")]), "--images"),
    ],
)
def test_the_last_line_says_what_to_do(report: Report, expected: str) -> None:
    last = terminal.summary(report).splitlines()[-1]
    assert last.startswith("Next: ")
    assert expected in last


def test_color_only_where_the_console_has_it() -> None:
    console = Console(width=100, file=io.StringIO(), color_system="standard", force_terminal=True, no_color=True)
    console.print(terminal.table(a_report(), [a_claim()]))
    assert isinstance(console.file, io.StringIO)
    assert "\x1b[32m" not in console.file.getvalue()


def test_numbers_in_words() -> None:
    assert [text.percent(x) for x in (0.71875, 0.68305, 1.0, 0.0)] == ["71.88", "68.31", "100.00", "0.00"]
    assert [text.rate(x) for x in (390.2, 64.04, 8.125, 0.0)] == ["390", "64.0", "8.12", text.ABSENT]
    assert [text.points(x) for x in (0.0012, -0.3, -0.00001)] == ["+0.12", "-30.00", "0.00"]
    assert text.percent(float("nan")) == text.ABSENT
    assert text.milliseconds(0.0125) == "12.50 ms"
    fraction = a_claim(value="0.718", unit="fraction", decimals=3)
    assert [text.printed(claim) for claim in (a_claim(), fraction)] == ["68.30", "71.8"]


def test_interval_is_shown_where_there_is_one() -> None:
    exact, sample = a_verdict(low=0.683, high=0.683), a_verdict(low=0.661, high=0.702)
    assert [text.interval(verdict, None) for verdict in (exact, sample)] == [text.ABSENT, "[66.10, 70.20]"]


def test_documented_without_a_verdict_comes_from_the_claims() -> None:
    claims = [a_claim(), a_claim(id="two", value="68.1", decimals=1)]
    assert "68.30, 68.1 / –" in _shown(a_report(verdicts=[]), claims)
