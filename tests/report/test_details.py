"""What the page shows besides the records: agreement, cost, findings, and the command behind each verdict."""

from __future__ import annotations

import pytest

from tests.by_hand.folders import ANIMALS, answers, run_with
from tests.by_hand.latencies import a_bench, quotable
from tests.by_hand.pages import HOSTILE, Page
from tests.by_hand.records import a_claim, a_mixed_report, a_report, a_run, a_verdict, some_conditions
from zoo.documents.load import load_zoo
from zoo.jobs import audit
from zoo.records import Claim, Part, Run, Verdict
from zoo.report import html
from zoo.report.extras import Extras
from zoo.report.html.scatter import against_multiply_adds
from zoo.report.reproduce import command
from zoo.report.run_rows import run_rows
from zoo.runs import agreement

LIMIT = 2_000_000  # bytes of a page


def said(source: str) -> str:
    return " ".join("".join(Page(source).said).split())


def test_discordant_images_are_shown_with_names_and_scores() -> None:
    found = {"1a" * 32: answers([0, 1], [0, 1]), "2b" * 32: answers([0, 4], [0, 1])}
    runs = [run_with(each, key=key, framework=key[:2]) for key, each in found.items()]
    details = Extras(agreement=agreement.groups(runs, lambda run: found[run.key], {ANIMALS.id: ANIMALS}))
    shown = said(html.render(a_report(runs, []), [], details))
    assert "1 of 2 images got more than one label" in shown
    assert "1 bear (5; run 1)" in shown
    assert "4 eel (5; run 2)" in shown


def test_cost_is_drawn_where_it_differs() -> None:
    two = [a_run(), a_run(checkpoint="embedded/big", key="2e" * 32, top1_correct=800)]
    shown = run_rows(a_report(two, []), [])
    assert against_multiply_adds(shown, {"embedded/onnx": 300, "embedded/big": 301}) == []
    assert against_multiply_adds(shown, {"embedded/onnx": 0, "embedded/big": 301}) == []
    (drawn,) = against_multiply_adds(shown, {"embedded/onnx": 58_000_000, "embedded/big": 300_000_000})
    small, big = drawn.dots
    assert small.x < big.x
    assert small.y > big.y
    frame = drawn.frame
    assert all(frame.left <= dot.x <= frame.right and 0 < dot.y < frame.bottom for dot in drawn.dots)
    assert len(frame.x_ticks) >= 2
    assert [label for _, label in frame.y_ticks] == ["68", "70", "72", "74", "76", "78", "80", "82"]


def test_findings_of_the_audit_are_about_the_checkpoints_that_were_run() -> None:
    found = audit.about(load_zoo("published"), {"onnx-zoo/mobilenetv2-12-int8"})
    assert {("C201", "onnx-zoo/mobilenetv2-12-int8 top1"), ("C205", "onnx-zoo-026")} & {
        (verdict.rule, verdict.subject) for verdict in found
    }
    assert {verdict.outcome for verdict in found} <= {"fail", "known"}
    assert not [verdict for verdict in found if "mindspore" in verdict.subject]
    assert found[0].reason in said(html.render(a_report(), [], Extras(findings=found)))
    assert audit.about(load_zoo("embedded"), {"embedded/onnx"}) == ()


def test_hostile_details_are_text() -> None:
    finding = Verdict(rule="C101", subject=HOSTILE, outcome="fail", reason=HOSTILE, printed=(HOSTILE,))
    page = Page(html.render(a_report(), [], Extras(findings=(finding,))))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


@pytest.mark.parametrize(
    ("made_by", "verdict", "expected"),
    [
        (("zoo", "validate"), a_verdict(), "zoo validate --checkpoints embedded/onnx"),
        (
            ("zoo", "validate", "--checkpoints", "embedded/*", "--frameworks", "onnxruntime,torch", "--seed", "7"),
            a_verdict(),
            "zoo validate --seed 7 --checkpoints embedded/onnx --frameworks onnxruntime",
        ),
        (("zoo", "validate", "--images", "my images"), a_verdict(), "'my images' --checkpoints embedded/onnx"),
        (("zoo", "validate", "--zoo", "mine"), a_verdict(rule="C101"), "zoo audit --zoo mine --rules C101"),
        (
            ("zoo", "validate"),
            a_verdict(rule="P101", subject="a/b@torch", checkpoints=("a/b",), run=None),
            "--checkpoints a/b",
        ),
        (
            ("zoo", "validate"),
            a_verdict(rule="X101", subject="embedded/ir@openvino", run="9a" * 32, against="1f" * 32),
            "--checkpoints embedded/onnx,embedded/ir",
        ),
    ],
)
def test_command_behind_a_verdict(made_by: tuple[str, ...], verdict: Verdict, expected: str) -> None:
    second = a_run(checkpoint="embedded/ir", framework="openvino", key="9a" * 32)
    report = a_report([a_run(), second], [verdict], command=made_by)
    assert command(verdict, report).endswith(expected)
    assert expected.split()[-1] in said(html.render(report, []))


def test_command_is_that_of_the_part_a_run_came_from() -> None:
    other = a_report(command=("zoo", "validate", "--seed", "7")).conditions
    report = a_report().changed(parts=(Part(folder="b", conditions=other, runs=("1f" * 32,)),))
    assert "--seed 7" in command(report.verdicts[0], report)


def test_a_page_of_a_whole_zoo_stays_small() -> None:
    checkpoints = [f"publisher/mobilenet_v2_{number}_a_long_name" for number in range(160)]
    runs: list[Run] = []
    verdicts: list[Verdict] = []
    claims: list[Claim] = []
    for number, name in enumerate(checkpoints):
        runs.append(a_run(checkpoint=name, key=f"{number:064x}"))
        for metric, rule in (("top1", "A101"), ("top5", "A102"), ("top1", "A101"), ("top5", "A102")):
            claims.append(a_claim(id=f"claim-{len(claims)}", checkpoint=name, metric=metric))
            subject = f"{name}@onnxruntime"
            verdicts.append(a_verdict(rule=rule, subject=subject, claim_id=claims[-1].id, run=runs[-1].key))
    findings = [a_verdict(rule="C101", outcome="fail", reason="a sentence of some length " * 6)] * 150
    page = html.render(a_report(runs, verdicts), claims, Extras(findings=tuple(findings)))
    assert len(page.encode()) < LIMIT


def test_rows_can_be_filtered_and_sorted() -> None:
    page = Page(html.render(*a_mixed_report()))
    tables = {attributes.get("id") for tag, attributes in page.tags if tag == "table"}
    assert {"runs-table", "verdicts-table"} <= tables
    assert {value for value in page.values("data-table")} == {"runs-table", "verdicts-table"}
    assert len(page.values("data-outcome")) == 4 + 8


def test_the_command_behind_a_latency_is_a_bench_of_its_cells() -> None:
    report, _ = a_bench()
    by_rule = {verdict.rule: command(verdict, report) for verdict in report.verdicts}
    assert by_rule["L201"] == (
        "zoo bench --checkpoints embedded/onnx --frameworks openvino,mindspore --batch 1 --threads 1"
    )
    assert by_rule["L102"] == "zoo bench --checkpoints embedded/onnx --frameworks openvino --batch 8 --threads 2"
    assert by_rule["L302"] == "zoo bench --batch 1,8 --threads 1,2"  # of many cells: all of it


def test_the_command_behind_a_latency_of_a_merged_report_is_that_of_its_part() -> None:
    report, _ = a_bench()
    cell = report.latencies[0]
    bench = some_conditions(command=("zoo", "bench", "--zoo", "mine"))
    part = Part(folder="b", conditions=bench, runs=(), latencies=(cell.key,))
    merged = report.changed(conditions=some_conditions(), parts=(part,))
    assert command(quotable(cell), merged).startswith("zoo bench --zoo mine --checkpoints embedded/onnx ")
