"""What changed between two runs is said, and nothing else; a worsened verdict is told from any other change."""

from __future__ import annotations

from pathlib import Path

import folders_by_hand
import pytest
from folders_by_hand import ANIMALS, SHIFTED, answers, run_with
from latencies_by_hand import a_latency, quotable
from records_by_hand import a_claim, a_report, a_run, a_verdict
from test_validate import zoo

from zoo.changes import Changes, Side, compare
from zoo.predictions import Predictions
from zoo.records import Recognition, Report, Run
from zoo.report import changes as rendered

TRUTH = [0, 1, 2, 3]


def side(report: Report, found: dict[str, Predictions] | None = None, name: str = "run") -> Side:
    def answered(run: Run) -> Predictions | None:
        return (found or {}).get(run.key)

    label_maps = {each.id: each for each in (ANIMALS, SHIFTED)}
    return Side(name=name, report=report, claims=[a_claim()], label_maps=label_maps, answers=answered)


def between(before: Report, after: Report) -> Changes:
    return compare(side(before), side(after))


def test_the_same_run_has_not_changed() -> None:
    found = between(a_report(), a_report(created="2026-01-01T00:00:00Z", command=("other",)))
    assert (found.conditions, found.verdicts, found.stood, found.worsened) == ((), (), 1, 0)
    assert [change.is_the_same for change in found.runs] == [True]
    assert rendered.next_step(found) == "nothing changed"


@pytest.mark.parametrize(
    ("before", "after", "direction", "worsened"),
    [
        ("confirmed", "refuted", "worsened", 1),
        ("confirmed", "not_run", "worsened", 1),
        ("pass", "fail", "worsened", 1),
        ("known", "refuted", "worsened", 1),
        ("refuted", "confirmed", "improved", 0),
        ("inconclusive", "confirmed", "improved", 0),
        ("inconclusive", "not_comparable", "changed", 0),
    ],
)
def test_direction(before: str, after: str, direction: str, worsened: int) -> None:
    one, two = (a_report(verdicts=[a_verdict(outcome=outcome)]) for outcome in (before, after))
    found = between(one, two)
    assert [change.direction for change in found.verdicts] == [direction]
    assert found.worsened == worsened


def test_latencies_are_shown_and_not_judged() -> None:
    before, after = a_latency(0.004), a_latency(0.006, processor="Other CPU")
    failed = a_latency(framework="mxnet", status="failed", error="it died")
    verdicts = [quotable(before), quotable(after, outcome="inconclusive")]
    one, two = (
        a_report([], [verdict]).changed(latencies=(cell, failed))
        for verdict, cell in zip(verdicts, (before, after), strict=True)
    )
    found = between(one, two)
    (change,) = found.latencies
    assert change.ratio == pytest.approx(1.5, abs=0.01)
    assert [each.field for each in change.differences] == ["processor"]
    assert [each.direction for each in found.verdicts] == ["changed"]  # nothing worsened: the machine was not quiet
    assert found.worsened == 0
    (row,) = rendered.latency_rows(found)
    assert (row.before, row.after, row.ratio) == ("4.000", "5.999", "1.50×")
    page = rendered.to_html(found)
    assert "zoo bench --baseline RUN" in page
    assert "Other CPU" in page
    assert "Latencies" not in rendered.to_html(between(a_report(), a_report()))


def test_new_verdicts_worsen_only_what_was_there() -> None:
    refuted = a_verdict(outcome="refuted")
    assert between(a_report(verdicts=[]), a_report(verdicts=[refuted])).worsened == 1
    elsewhere = a_run(checkpoint="other/one", key="9a" * 32)
    more = a_report([a_run(), elsewhere], [a_verdict(), refuted.changed(subject=elsewhere.subject)])
    found = between(a_report(), more)
    assert [change.direction for change in found.verdicts] == ["new"]
    assert found.worsened == 0


def test_a_run_that_cannot_be_made_any_more_worsens_without_a_verdict() -> None:
    failed = a_report([a_run(status="failed", error="it died")], [])
    assert between(a_report(verdicts=[]), failed).worsened == 1
    assert between(failed, a_report(verdicts=[])).worsened == 0


def test_versions_and_numbers_are_named() -> None:
    newer = a_run(key="2e" * 32, versions={"numpy": "2.4.6", "onnxruntime": "1.28.0"}, top1_correct=680)
    (change,) = between(a_report(), a_report([newer])).runs
    words = {(each.field, each.before, each.after) for each in change.differences}
    assert words == {("version of onnxruntime", "1.27.0", "1.28.0"), ("top1_correct", "683", "680")}
    (row,) = rendered.run_rows(between(a_report(), a_report([newer])))
    assert row.top1 == "68.30 → 68.00 (-0.30)"
    assert row.differences == ("version of onnxruntime: 1.27.0 → 1.28.0",)


def test_times_are_no_change() -> None:
    slower = a_report([a_run(seconds=9.0, images_per_second=111.0, reused=True)])
    assert between(a_report(), slower).runs[0].is_the_same


def test_what_whole_folders_differ_in_is_said_once() -> None:
    one, two = (a_report([a_run(image_set=name)], image_set=name) for name in ("a", "b"))
    found = between(one, two)
    assert [each.field for each in found.conditions] == ["image_set"]
    assert found.runs[0].differences == ()


def test_what_was_verified_of_the_images_is_named_field_by_field() -> None:
    one = a_report(recognition=Recognition(labels_digest="ab" * 32, bytes_by="nothing"))
    two = a_report(recognition=Recognition(labels_digest="ab" * 32, bytes_by="archive"))
    (found,) = between(one, two).conditions
    assert (found.field, found.before, found.after) == ("bytes_by", "nothing", "archive")


def test_labels_are_compared_image_by_image_whatever_the_numbering() -> None:
    first, second = answers([0, 1, 5, 4], TRUTH), answers([0, 2, 2, 5], TRUTH, first=1)
    one, two = run_with(first), run_with(second, label_map=SHIFTED.id, key="2e" * 32)
    found = compare(
        side(a_report([one], []), {one.key: first}), side(a_report([two], []), {two.key: second})
    )  # fmt: skip
    labels = found.runs[0].labels
    assert labels is not None
    assert (labels.compared, labels.gained, labels.lost, labels.p) == (4, 1, 1, 1.0)
    assert [(each.image, each.truth, each.before, each.after, each.effect) for each in labels.images] == [
        ("1.png", "1 bear", "1 bear", "2 cat", "lost"),
        ("2.png", "2 cat", "5 fox", "2 cat", "gained"),
        ("3.png", "3 dog", "4 eel", "5 fox", "neither"),
    ]


def test_images_of_one_run_only_are_counted() -> None:
    first, second = answers([0, 1], TRUTH[:2]), answers([0, 1, 2], TRUTH[:3])
    one, two = run_with(first), run_with(second, key="2e" * 32)
    found = compare(side(a_report([one], []), {one.key: first}), side(a_report([two], []), {two.key: second}))
    labels = found.runs[0].labels
    assert labels is not None
    assert (labels.compared, labels.unshared, labels.images) == (2, 1, ())


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two run folders; in the second, one label is worse and a verdict with it."""
    for name, labels, outcome in (("one", [0, 1, 2, 3], "confirmed"), ("two", [0, 1, 2, 4], "refuted")):
        found = answers(labels, TRUTH)
        run = run_with(found, key=("1f" if name == "one" else "2e") * 32)
        folders_by_hand.write(tmp_path / name, [(run, found)], [a_verdict(outcome=outcome, run=run.key)])
    return tmp_path / "one", tmp_path / "two"


def test_command_says_it_and_exits_1(folders: tuple[Path, Path], tmp_path: Path) -> None:
    done = zoo("compare", *folders, "--html", tmp_path / "page.html")
    assert done.returncode == 1, done.stderr
    assert "1 worsened" in done.stdout
    assert "100.00 → 75.00" in done.stdout
    assert "4 eel" in done.stdout
    tables = done.stdout.partition("Image by image")[0].splitlines()  # sentences are left to the terminal to wrap
    assert max(map(len, tables)) <= 100
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(words in page for words in ("worsened", "3.png", "3 dog", "4 eel", "100.00 → 75.00 (-25.00)"))
    assert zoo("compare", *reversed(folders)).returncode == 0
    assert zoo("compare", folders[0], folders[0]).stdout.splitlines()[-1] == "Next: nothing changed."


def test_wrong_use_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    done = zoo("compare", folders[0], tmp_path / "none")
    assert (done.returncode, "is not a run folder" in done.stderr) == (2, True)
    assert zoo("compare", folders[0], "--html", tmp_path / "page.html").returncode == 2


def test_page_takes_no_orders_from_names() -> None:
    hostile = "<script>alert(1)</script>\"' onload=x"
    one = a_report([a_run(checkpoint=hostile)], [a_verdict(subject=hostile, reason=hostile)])
    two = a_report([a_run(checkpoint=hostile, recipe=hostile)], [a_verdict(subject=hostile, outcome="refuted")])
    page = rendered.to_html(compare(side(one, name=hostile), side(two, name=hostile)))
    assert "<script" not in page
    assert "alert(1)" in page
