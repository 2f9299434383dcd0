"""The page: nothing from outside is trusted, nothing is fetched, and every verdict is on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.by_hand.latencies import a_bench, a_latency, quotable, variant_tables
from tests.by_hand.pages import HOSTILE, Page
from tests.by_hand.records import a_claim, a_mixed_report, a_report, a_run, a_verdict, some_conditions
from zoo.records import Claim, LatencyRun, Report
from zoo.report import html, markdown
from zoo.report.extras import Extras
from zoo.report.html.axes import LogAxis
from zoo.report.html.dots import dot_plots
from zoo.report.html.plot import axis_bound, claim_plot
from zoo.report.html.ratios import ratio_plots
from zoo.report.html.run import tiles
from zoo.report.html.scatter import against_latency
from zoo.report.latency_rows import latency_rows
from zoo.report.run_rows import run_rows


def _hostile_report() -> Report:
    run = a_run(checkpoint=HOSTILE, framework=HOSTILE, recipe=HOSTILE, image_set=HOSTILE, precision=HOSTILE)
    failed = a_run(key=HOSTILE, checkpoint=HOSTILE, status="failed", error=f"{HOSTILE}\n{HOSTILE}")
    changes: dict[str, Any] = {
        name: HOSTILE for name in ("created", "platform", "processor", "zoo", "image_set", "population_id")
    }
    verdict = a_verdict(subject=f"{HOSTILE}@x", reason=HOSTILE, outcome="refuted")
    report = a_report([run, failed], [verdict], command=(HOSTILE,), decoders={HOSTILE: HOSTILE}, **changes)
    return report.changed(latencies=_hostile_latencies())


def _hostile_latencies() -> tuple[LatencyRun, ...]:
    names: dict[str, Any] = {name: HOSTILE for name in ("checkpoint", "framework", "recipe", "session", "processor")}
    settings: dict[str, Any] = {"settings": {HOSTILE: HOSTILE}, "versions": {HOSTILE: HOSTILE}, "precision": HOSTILE}
    return a_latency(**names, **settings), a_latency(**names, status="failed", error=f"{HOSTILE}\n{HOSTILE}")


def test_hostile_names_are_text() -> None:
    claims = [a_claim(place=HOSTILE, note=HOSTILE)]
    clean, hostile = Page(html.render(a_report(), claims)), Page(html.render(_hostile_report(), claims))
    assert [tag for tag, _ in hostile.tags].count("script") == [tag for tag, _ in clean.tags].count("script") == 1
    assert not [name for _, attributes in hostile.tags for name in attributes if name.startswith("on")]
    assert "alert(1)" in "".join(hostile.said)


@pytest.mark.parametrize("report", [a_mixed_report()[0], a_report([], []), a_report(), _hostile_report(), a_bench()[0]])
def test_nothing_is_fetched(report: Report) -> None:
    page = Page(html.render(report, a_mixed_report()[1]))
    for value in page.values("src") + page.values("href"):
        assert value.startswith("#"), value
    assert {"link", "img", "iframe", "object"}.isdisjoint(tag for tag, _ in page.tags)
    assert "url(" not in html.render(report, [])
    assert "@import" not in html.render(report, [])


SOURCES = {
    "accuracy": html.render(*a_mixed_report()),
    "latency": html.render(*a_bench(), Extras(variants=variant_tables())),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_ids_are_unique_and_links_lead_somewhere(kind: str) -> None:
    page = Page(SOURCES[kind])
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in page.values("href")} <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)


@pytest.mark.parametrize("kind", SOURCES)
def test_tables_have_captions_and_scopes(kind: str) -> None:
    page = Page(SOURCES[kind])
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption") > 0
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    assert {"header", "main", "nav", "footer", "title"} <= set(tags)
    assert [tag for tag in tags if tag == "h1"] == ["h1"]


@pytest.mark.parametrize(("kind", "made"), [("accuracy", a_mixed_report), ("latency", a_bench)])
def test_every_verdict_and_error_is_there(kind: str, made: Callable[[], tuple[Report, list[Claim]]]) -> None:
    said = "".join(Page(SOURCES[kind]).said)
    assert all(verdict.reason in said for verdict in made()[0].verdicts)
    assert "signal 11" in said


def test_documented_and_measured_stand_side_by_side() -> None:
    said = "".join(Page(SOURCES["accuracy"]).said)
    assert "70 → 68.30 (-1.70)" in " ".join(said.split())


def test_counts_on_the_first_screen() -> None:
    report, _ = a_mixed_report()
    counts = {name: number for _, number, name in tiles(report)}
    assert counts == {
        "confirmed": 2, "refuted": 1, "inconclusive": 1, "not comparable": 1, "known": 1, "not run": 1,
        "runs failed": 1,
    }  # fmt: skip


def test_a_bench_alone_counts_latencies_and_has_no_table_of_runs() -> None:
    report, _ = a_bench()
    counts = {name: number for _, number, name in tiles(report, latency_rows(report))}
    assert counts == {
        "quotable latencies": 5, "not measurable here": 2, "inconclusive": 4, "not comparable": 1, "checks failed": 1,
        "runs failed": 1,
    }  # fmt: skip
    page = Page(SOURCES["latency"])
    assert {"latency", "documented-latencies"} <= set(page.values("id"))
    assert "runs" not in page.values("id")


def test_dots_share_an_axis_with_what_was_asked_for_alike() -> None:
    one, many = dot_plots(latency_rows(a_bench()[0]))
    assert (one.title, many.title) == ("Batch 1, 1 thread", "Batch 8, 2 threads")
    marks = [one.axis.at(row.median * 1000) for row in one.rows]
    assert all(row.spread and row.spread[0] <= row.median <= row.spread[1] for row in one.rows)
    assert marks == sorted(marks)
    assert 3 < marks[0] < 10
    assert 90 < marks[-1] < 97


def test_equal_ratios_are_equally_far_apart_on_every_logarithmic_axis() -> None:
    axis = LogAxis.around([0.3, 120], 56, 624)
    steps = [axis.at(value * 4) - axis.at(value) for value in (0.3, 1, 30)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.02)
    assert 56 < axis.at(0.3) < axis.at(120) < 624
    assert (axis.at(0.0), axis.at(1e9)) == (56, 624)  # off the axis
    assert axis.ticks()[:2] == ((axis.at(0.5), "0.5"), (axis.at(1), "1"))


def test_ratios_lie_on_the_line_where_both_are_equal() -> None:
    (plot,) = ratio_plots(variant_tables())
    x1, y1, x2, y2 = plot.line
    alike, slower = plot.marks[0], plot.marks[2]
    assert alike.point[1:] == (1, 1)
    assert slower.point.measured / slower.point.documented == pytest.approx(1.5)
    assert "1.50×" in SOURCES["latency"]
    on_line = y1 + (alike.x - x1) / (x2 - x1) * (y2 - y1)
    assert alike.y == pytest.approx(on_line, abs=0.2)
    assert slower.y < y1 + (slower.x - x1) / (x2 - x1) * (y2 - y1)  # above it: ours takes longer
    assert "rank correlation 1.000" in SOURCES["latency"]


def test_accuracy_against_the_latency_of_the_same_file_in_the_same_framework() -> None:
    runs = [a_run(), a_run(framework="openvino", key="2e" * 32), a_run(framework="torch", key="3d" * 32)]
    timed = [a_latency(0.004), a_latency(0.002, framework="openvino"), a_latency(0.02, framework="torch")]
    verdicts = [quotable(timed[0]), quotable(timed[1]), quotable(timed[2], outcome="inconclusive")]
    report = a_report(runs, verdicts).changed(latencies=(*timed, a_latency(0.1, batch_size=8)))
    (drawn,) = against_latency(run_rows(report, []), latency_rows(report))
    assert [(dot.row.run.subject, dot.cost) for dot in drawn.dots] == [
        ("embedded/onnx@onnxruntime", "4.000 ms"), ("embedded/onnx@openvino", "2.000 ms"),
    ]  # fmt: skip
    assert drawn.left_out == 1
    page = html.render(report, [])
    assert "top-1 against p50 of batch 1, 1 thread, ms" in page
    assert "1 run left out, as the latency cannot be quoted" in page


def test_runs_are_a_matrix_where_a_checkpoint_has_two_frameworks() -> None:
    two = [a_run(), a_run(key="9a" * 32, framework="openvino")]
    assert 'class="matrix"' in html.render(a_report(two), [a_claim()])
    assert 'class="list"' in html.render(a_report(), [a_claim()])


def test_sources_are_links_only_when_https() -> None:
    def page(source: str) -> Page:
        claim = a_claim().changed(source=source)
        return Page(html.render(a_report(), [claim]))

    assert "https://example.org/table" in page("https://example.org/table").values("href")
    assert not [value for value in page("javascript:alert(1)").values("href") if "alert" in value]


def test_plot_places_bands_and_marks() -> None:
    plot = claim_plot(a_report(tolerance=0.001), [a_claim()])
    assert plot is not None
    ((publisher, (point,)),) = plot.groups.items()
    assert publisher == "embedded"
    assert plot.axis.at(point.measured) == 50
    documented, tolerated = (plot.axis.span(*ends) for ends in (point.printed, point.tolerated))
    assert documented.x + documented.width / 2 == pytest.approx(50, abs=0.02)
    assert tolerated.width > documented.width
    assert [label for _, label in plot.ticks] == ["-0.20", "-0.10", "0", "+0.10", "+0.20"]


def test_plot_keeps_outliers_from_flattening_the_rest() -> None:
    verdicts = [a_verdict(), a_verdict(), a_verdict(), a_verdict(measured=0.2, outcome="refuted")]
    plot = claim_plot(a_report(verdicts=verdicts), [a_claim()])
    assert plot is not None
    (points,) = plot.groups.values()
    assert [plot.beyond(point) for point in points] == ["", "", "", "left"]
    assert axis_bound([0.0]) > 0


def test_plot_leaves_out_what_has_no_number() -> None:
    report = a_report(verdicts=[a_verdict(measured=None)])
    assert claim_plot(report, [a_claim()]) is None
    assert "Documented and measured" not in html.render(report, [a_claim()])


def test_markdown_keeps_hostile_names_as_text() -> None:
    source = markdown.render(_hostile_report(), [])
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    rendered = parser.render(source)
    assert "<script" not in rendered
    assert "<a " not in rendered
    assert "@someone" not in source
    rows = [row.count("<td") for row in rendered.split("<tr>")[1:] if "<td" in row]
    assert set(rows) == {2, 8, 9, 11, 14}


def test_conditions_name_what_reproduces_the_run() -> None:
    report = a_report(command=("zoo", "validate", "--seed", "7"))
    for source in (html.render(report, []), markdown.render(report, [])):
        for value in (
            ">zoo validate --seed 7" if "<html" in source else " zoo validate --seed 7",
            some_conditions().images_digest,
            "13.0.0",
            "1.27.0",
            "ab" * 32,
        ):
            assert value in source
