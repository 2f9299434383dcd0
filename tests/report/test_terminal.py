"""The terminal: fits its width, takes no orders from outside text, and ends with what to do."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tests.by_hand.latencies import BUSY, a_bench, a_latency, quotable
from tests.by_hand.records import a_claim, a_mixed_report, a_report, a_run, a_verdict
from zoo.documents import formatting
from zoo.records import Claim, Report
from zoo.report import markdown, terminal, text
from zoo.report.baseline import baseline_rows
from zoo.report.run_rows import run_rows
from zoo.report.verdict_rows import verdict_rows


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
        (a_report([a_run(status="not_run", error="x", cause="setup")], []), "run `zoo doctor` and mend what it names"),
        (a_report([a_run(status="failed", error="x", cause="framework")], []), "read what the framework said"),
        (a_report([a_run(status="failed", error="x")], []), "read what could not be run and why, and mend it; repeat"),
        (
            a_report([a_run(status="not_run", error="x", cause="interrupted")], []),
            "complete what was interrupted; repeat",
        ),
        (a_report(verdicts=[a_verdict(outcome="not_run")]), "read what could not be run"),
        (a_report(verdicts=[a_verdict(rule="A201", outcome="fail"), a_verdict(outcome="refuted")]), "nonsense"),
        (a_report(verdicts=[a_verdict(outcome="inconclusive")]), "--sample"),
        (a_report(verdicts=[a_verdict(outcome="not_comparable")]), "--images"),
    ],
)
def test_the_last_line_says_what_to_do(report: Report, expected: str) -> None:
    last = terminal.summary(report).splitlines()[-1]
    assert last.startswith("Next: ")
    assert expected in last


def test_each_cause_has_its_advice_and_doctor_its_zoo() -> None:
    runs = [a_run(status="failed", error="x", cause=cause) for cause in ("answers", "setup", "answers")]
    assert text.next_step(a_report(runs, [], zoo="my zoo")) == (
        "run `zoo doctor --zoo 'my zoo'` and mend what it names; look at the file and the numeric steps of the network "
        "whose scores are of no use; repeat the command; finished runs are reused"
    )


def test_of_the_refuted_the_largest_comes_first() -> None:
    sized = {"outcome": "refuted", "finding_class": "contradiction", "size_unit": "points"}
    small = a_verdict(**sized, size=0.3, reason="A little off.")
    large = a_verdict(**sized, size=4.0, reason="Far off.", rule="A102")
    earlier = a_verdict(outcome="refuted", reason="Stored before verdicts had sizes.")
    report = a_report(verdicts=[earlier, small, large])
    lines = [line.rpartition(": ")[2] for line in terminal.summary(report).splitlines() if line.startswith("refuted")]
    assert lines == ["Far off.", "A little off.", "Stored before verdicts had sizes."]
    assert [verdict.size for verdict, _ in verdict_rows(report, [])] == [4.0, 0.3, None]


def test_nonsense_comes_first() -> None:
    verdicts = [
        a_verdict(outcome="refuted"),
        a_verdict(rule="A201", outcome="fail", claim_id=None, reason="nonsense: x"),
    ]
    report = a_report(verdicts=verdicts)
    assert terminal.summary(report).splitlines()[0] == "fail: embedded/onnx@onnxruntime: nonsense: x"
    assert _shown(report, [a_claim()]).index("nonsense") < _shown(report, [a_claim()]).index("refuted")
    sound = a_report(verdicts=[a_verdict(), a_verdict(rule="A201", outcome="pass", claim_id=None)])
    assert "nonsense" not in _shown(sound, [a_claim()])
    assert [row.verdicts for row in run_rows(sound, [a_claim()])] == [(("confirmed", "confirmed"),)]


def test_latencies_fit_and_have_their_rank() -> None:
    report, claims = a_bench()
    long = a_latency(checkpoint="mindspore/mobilenet_v2_0.75_192_of_somebody", framework="onnxruntime", threads=2)
    report = report.changed(latencies=(*report.latencies, long))
    lines = _shown(report, claims).splitlines()
    assert max(map(len, lines)) <= 100
    places = {line.split()[0]: line.split()[-1] for line in lines if " b1t1 " in line and "embedded/onnx" in line}
    assert places["openvino"] in ("1", "MB")
    first = {line.split()[0]: line.split()[-1] for line in reversed(lines[:8])}
    assert first["onnxruntime"] == first["tensorflow"] == "2"
    assert (first["openvino"], first["torch"], first["mindspore"], first["mxnet"]) == ("1", "4", "?", "failed")
    assert "n  top-1" not in "\n".join(lines)  # no table of runs where there are none
    assert [line for line in _shown(report, claims, 160).splitlines() if "of_somebody" in line]


def test_p99_where_all_have_it() -> None:
    report, _ = a_bench()
    assert " p90 " in _shown(report, []).splitlines()[0]
    enough = report.changed(latencies=report.latencies[:4])
    assert " p99 " in _shown(enough, []).splitlines()[0]


def test_a_bench_is_counted_and_says_what_to_do() -> None:
    report, _ = a_bench()
    summary = terminal.summary(report)
    assert "; 1 of 9 latency runs could not be done." in summary
    assert f"inconclusive: embedded/onnx@mindspore/b1t1, embedded/onnx@onnxruntime/b8t2: {BUSY}" in summary
    assert "not comparable: 1 documented latency of other devices" in summary
    assert "failed: embedded/onnx@mxnet/b1t1: the worker died (signal 11)" in summary
    assert "not to be quoted" in text.next_step(report)
    cell = a_latency()
    verdicts = {
        "--budget": quotable(cell, outcome="inconclusive", reason=BUSY),
        "repeat the bench before": quotable(cell, rule="L401", outcome="fail"),
        "nothing to mend": quotable(cell, rule="L301", outcome="not_comparable"),
    }
    for expected, verdict in verdicts.items():
        made = a_report([], [verdict]).changed(latencies=(cell,))
        assert expected in text.next_step(made)
        assert "--sample" not in text.next_step(made)
        assert text.headline(made).endswith("; 1 latency run")


def test_ratios_to_a_baseline_have_a_table() -> None:
    report, claims = a_bench()
    lines = [" ".join(line.split()) for line in _shown(report, claims).splitlines()]
    assert "embedded/onnx@openvino/b1t1 0.99× [0.96×, 1.02×] no slower" in lines
    assert f"embedded/onnx@mindspore/b1t1 {text.ABSENT} {text.ABSENT} not compared" in lines
    cell = a_latency()
    for outcome, ratio, p_adjusted, words in (
        ("fail", 1.2, 0.01, "slower"),
        ("pass", 0.8, 0.01, "faster"),
        ("pass", 0.8, 0.2, "no slower"),
        ("pass", 0.8, None, "faster"),  # stored before the p-values were
        ("pass", 1.2, 0.2, "no slower"),
    ):
        verdict = quotable(
            cell, rule="L401", outcome=outcome, measured=ratio, low=ratio - 0.1, high=ratio + 0.1, p_adjusted=p_adjusted
        )
        (row,) = baseline_rows(a_report([], [verdict]))
        assert (row.words, row.outcome) == (words, outcome)


def test_many_doubts_are_cut_short_and_failures_are_not() -> None:
    cells = [a_latency(checkpoint=f"a/{number}") for number in range(20)]
    doubts = [quotable(cell, outcome="inconclusive", reason=f"{BUSY} {cell.key}") for cell in cells]
    failures = [quotable(cell, rule="L102", outcome="fail", reason=f"Other answers: {cell.key}") for cell in cells]
    report = a_report([], [*doubts, *failures]).changed(latencies=tuple(cells))
    summary = terminal.summary(report)
    assert (summary.count(BUSY), summary.count("Other answers")) == (8, 20)
    assert "12 more of the bench are in report.html" in summary
    shown = _shown(report, [])
    assert "8 more are in latency.csv" in shown
    assert "Why 20 cannot be quoted" in markdown.render(report, [])


def test_both_kinds_of_runs_are_counted() -> None:
    both = a_report().changed(latencies=a_bench()[0].latencies)
    assert text.headline(both) == "1 confirmed; 1 run; 1 of 9 latency runs could not be done"
    assert text.next_step(both) == "read what the framework said (report.html, “Could not be run”); repeat the command"
    assert "top-1" in _shown(both, []).splitlines()[0]


def test_quantities_of_latency_verdicts() -> None:
    cell = a_latency()
    expected = {
        "L101": (0.004, "4.000 ms"), "L102": (3 / 64, "4.69 %"), "L103": (1.99, "1.99 cores"), "L201": (1.417, "1.42×"),
        "L301": (0.134, "134.0 ms"), "L302": (0.98612, "rho 0.986"), "L401": (0.97, "0.97×"),
    }  # fmt: skip
    for rule, (value, words) in expected.items():
        assert text.quantity(value, quotable(cell, rule=rule), None) == words
    assert text.interval(quotable(cell, rule="L201", low=1.34, high=1.41), None) == "[1.34×, 1.41×]"


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
    assert formatting.precise_milliseconds(0.0125) == "12.50 ms"
    assert [formatting.ms(x) for x in (1.5, 0.99996, 0.134, 0.0004, 0.00002, None)] == [
        "1500", "1000", "134.0", "0.400", "0.0200", text.ABSENT,
    ]  # fmt: skip
    assert [formatting.ms(x, like=0.02) for x in (0.0099, 0.0201)] == ["9.90", "20.10"]
    assert [formatting.duration(x) for x in (0.0, 0.21, 1.234)] == [text.ABSENT, "210.0 ms", "1.23 s"]
    assert [formatting.megabytes(x) for x in (0, 13_964_571, 131_000_000)] == [text.ABSENT, "14.0 MB", "131 MB"]
    fraction = a_claim(value="0.718", unit="fraction", decimals=3)
    assert [text.printed(claim) for claim in (a_claim(), fraction)] == ["68.30", "71.8"]


def test_interval_is_shown_where_there_is_one() -> None:
    exact, sample = a_verdict(low=0.683, high=0.683), a_verdict(low=0.661, high=0.702)
    assert [text.interval(verdict, None) for verdict in (exact, sample)] == [text.ABSENT, "[66.10, 70.20]"]


def test_documented_without_a_verdict_comes_from_the_claims() -> None:
    claims = [a_claim(), a_claim(id="two", value="68.1", decimals=1)]
    assert "68.30, 68.1 / –" in _shown(a_report(verdicts=[]), claims)
