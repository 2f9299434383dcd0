"""What changed between two runs is said, and nothing else; a worsened verdict is told from any other change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.by_hand import folders as folders_by_hand
from tests.by_hand import little_zoo
from tests.by_hand.commands import zoo
from tests.by_hand.folders import ANIMALS, SHIFTED, answers, run_with
from tests.by_hand.latencies import a_latency, quotable, same_answers
from tests.by_hand.records import a_claim, a_latency_run, a_report, a_run, a_verdict
from tests.by_hand.sides import side
from zoo.cli import commands
from zoo.images import image_sets
from zoo.images.digests import file_digests, listing_digest
from zoo.records import Population, Recognition, Report
from zoo.report import changes as rendered
from zoo.runs.changes import Changes, Side, compare, count_differing
from zoo.runs.folder import RunFolder

TRUTH = [0, 1, 2, 3]


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
        ("inconclusive", "not_run", "worsened", 1),
        ("known", "inconclusive", "worsened", 1),
        ("pass", "known", "worsened", 1),
        ("confirmed", "known", "worsened", 1),
        ("refuted", "confirmed", "improved", 0),
        ("refuted", "not_run", "improved", 0),
        ("known", "confirmed", "improved", 0),
        ("not_comparable", "inconclusive", "changed", 0),
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
    assert rendered.times(change) == ("4.000", "6.000", "1.50×")
    page = rendered.to_html(found)
    assert "zoo bench --baseline RUN" in page
    assert "Other CPU" in page
    assert "Latencies" not in rendered.to_html(between(a_report(), a_report()))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("processor", "Other CPU"), ("threads_read", 4), ("precision", "int8"), ("sha256", "cd" * 32),
        ("weights", "other"), ("settings", {"OMP_NUM_THREADS": "9"}), ("recipe", "other"), ("image_set", "other"),
    ],
)  # fmt: skip
def test_under_what_a_latency_was_measured_is_compared(field: str, value: object) -> None:
    cell = a_latency(0.004)
    one, two = (a_report([], []).changed(latencies=(each,)) for each in (cell, cell.changed(**{field: value})))
    (change,) = between(one, two).latencies
    assert [(each.field, each.after) for each in change.differences] == [(field, str(value))]


def test_versions_of_a_latency_are_compared() -> None:
    cell = a_latency(0.004)
    later = cell.changed(versions={"onnxruntime": "2.0", "numpy": "3"})
    one, two = (a_report([], []).changed(latencies=(each,)) for each in (cell, later))
    (change,) = between(one, two).latencies
    assert [(each.field, each.before, each.after) for each in change.differences] == [
        ("version of numpy", "none", "3"), ("version of onnxruntime", "1.2.3", "2.0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipe", "other"), ("geometry", "other"), ("label_map", "shifted"), ("image_set", "other"),
        ("population", "other"), ("n", 999), ("top1_correct", 682), ("top5_correct", 883), ("threads", 4),
        ("precision", "int8"), ("batch_size", 9), ("sha256", "cd" * 32), ("hash_verified", False),
        ("weights", "other"),
    ],
)  # fmt: skip
def test_under_what_a_run_was_made_is_compared(field: str, value: object) -> None:
    one = a_run(geometry="g")
    two = one.changed(key="2e" * 32, **{field: value})
    (change,) = between(a_report([one], []), a_report([two], [])).runs
    assert [(each.field, each.after) for each in change.differences] == [(field, str(value))]
    assert not change.is_the_same


@pytest.mark.parametrize("field", ["status", "recipe", "geometry", "label_map", "image_set"])
def test_what_was_asked_for_is_compared_of_failed_runs_too(field: str) -> None:
    failed = a_run(status="failed", error="it died", geometry="g")
    other = failed.changed(key="2e" * 32, **{field: "not_run" if field == "status" else "other"})
    (change,) = between(a_report([failed], []), a_report([other], [])).runs
    assert [each.field for each in change.differences] == [field]


def test_another_recipe_has_another_geometry_of_course() -> None:
    one, two = a_run(geometry="g"), a_run(geometry="h", recipe="other", key="2e" * 32)
    (change,) = between(a_report([one], []), a_report([two], [])).runs
    assert [each.field for each in change.differences] == ["recipe"]


def test_what_only_one_folder_has_is_new_or_gone() -> None:
    run, verdict = a_run(checkpoint="other/one", key="9a" * 32), a_verdict(subject="other/one@onnxruntime")
    more = a_report([a_run(), run], [a_verdict(outcome="refuted"), verdict])
    found = between(more, a_report([a_run()], [a_verdict()]))
    assert [(each.direction, each.verdict.subject) for each in found.verdicts] == [
        ("improved", "embedded/onnx@onnxruntime"), ("gone", "other/one@onnxruntime"),
    ]  # fmt: skip
    assert [(each.before is None, each.after is None) for each in found.runs] == [(False, False), (False, True)]
    assert [each.is_the_same for each in found.runs] == [True, False]
    assert (found.worsened, found.stood) == (0, 0)
    back = between(a_report([a_run()], [a_verdict()]), more)
    assert [each.direction for each in back.verdicts] == ["worsened", "new"]
    assert rendered.also_differs(back.runs[1]) == ["only in the second"]
    assert rendered.also_differs(found.runs[1]) == ["only in the first"]


def test_new_verdicts_worsen_only_what_was_there() -> None:
    refuted = a_verdict(outcome="refuted")
    assert between(a_report(verdicts=[]), a_report(verdicts=[refuted])).worsened == 1
    elsewhere = a_run(checkpoint="other/one", key="9a" * 32)
    more = a_report([a_run(), elsewhere], [a_verdict(), refuted.changed(subject=elsewhere.subject)])
    found = between(a_report(), more)
    assert [change.direction for change in found.verdicts] == ["new"]
    assert found.worsened == 0


@pytest.mark.parametrize(
    ("rule", "before", "after", "direction"),
    [
        ("L103", "pass", "fail", "worsened"),
        ("L401", "known", "fail", "worsened"),
        ("L101", "pass", "inconclusive", "changed"),
        ("L301", "pass", "not_comparable", "changed"),
        ("L101", "pass", "not_run", "changed"),
        ("L103", "fail", "pass", "improved"),
        ("L101", "inconclusive", "pass", "improved"),
        ("L101", "inconclusive", "inconclusive", None),
        ("X201", "pass", "inconclusive", "worsened"),
        ("X201", "pass", "not_run", "worsened"),
    ],
)
def test_a_latency_worsens_only_where_something_is_wrong_with_it(
    rule: str, before: str, after: str, direction: str | None
) -> None:
    one, two = (a_report(verdicts=[a_verdict(rule=rule, claim_id=None, outcome=each)]) for each in (before, after))
    found = between(one, two)
    assert [change.direction for change in found.verdicts] == ([direction] if direction else [])
    assert found.worsened == (direction == "worsened")


def test_a_latency_that_fails_ends_with_1(tmp_path: Path) -> None:
    cells = [a_latency_run(), a_latency_run(different=1)]
    for name, cell in zip(("one", "two"), cells, strict=True):
        outcome = "fail" if cell.different else "pass"
        folders_by_hand.write(tmp_path / name, [], [same_answers(cell, outcome=outcome)], latencies=[cell])
    folders = [str(tmp_path / name) for name in ("one", "two")]
    assert commands.run(["compare", *folders]) == 1
    assert commands.run(["compare", *reversed(folders)]) == 0


def test_of_a_run_that_failed_only_what_was_asked_for_is_compared(tmp_path: Path, own_home: Path) -> None:
    """What is known only of a finished run stands in its record as a zero or as "other"."""
    folder = little_zoo.make(tmp_path / "little")
    image_set = image_sets.open_image_set(folder / "images")
    digest = listing_digest(image_set, file_digests(image_set, own_home / "digests"))
    little_zoo.claim_accuracy(folder, "little/good", "100.0", digest, 12)
    assert commands.run(["validate", "--zoo", str(folder), "--out", str(tmp_path / "one")]) == 0
    (folder / "good.json").unlink()
    assert commands.run(["validate", "--zoo", str(folder), "--out", str(tmp_path / "two")]) == 3
    reports = [RunFolder(tmp_path / name).report() for name in ("one", "two")]
    assert [each.runs[0].population for each in reports] == ["full", "other"]
    for pair in (reports, reversed(reports)):
        (change,) = between(*pair).runs
        assert [each.field for each in change.differences] == ["status"]


def test_a_run_that_cannot_be_made_any_more_worsens_without_a_verdict() -> None:
    failed = a_report([a_run(status="failed", error="it died")], [])
    assert between(a_report(verdicts=[]), failed).worsened == 1
    assert between(failed, a_report(verdicts=[])).worsened == 0


def test_versions_and_numbers_are_named() -> None:
    newer = a_run(key="2e" * 32, versions={"numpy": "2.4.6", "onnxruntime": "1.28.0"}, top1_correct=680)
    (change,) = between(a_report(), a_report([newer])).runs
    words = {(each.field, each.before, each.after) for each in change.differences}
    assert words == {("version of onnxruntime", "1.27.0", "1.28.0"), ("top1_correct", "683", "680")}
    assert rendered.numbers(change, "top1") == "68.30 → 68.00 (-0.30)"
    assert rendered.also_differs(change) == ["version of onnxruntime: 1.27.0 → 1.28.0"]


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


def test_true_classes_that_changed_are_said(tmp_path: Path) -> None:
    """The answers are the same, and every one is right in the first and wrong in the second."""
    for name, truth in (("one", [0, 1, 2, 3]), ("two", [1, 2, 3, 0])):
        given = answers([0, 1, 2, 3], truth)
        folders_by_hand.write(tmp_path / name, [(run_with(given), given)], [])
    one, two = (RunFolder(tmp_path / name) for name in ("one", "two"))
    label_maps = {each.id: each for each in (ANIMALS, SHIFTED)}
    sides = [
        Side(name="", report=each.report(), claims=[], label_maps=label_maps, answers=each.predictions)
        for each in (one, two)
    ]
    found = compare(*sides)
    labels = found.runs[0].labels
    assert labels is not None
    assert (labels.differ, labels.corrected, labels.gained, labels.lost) == (0, 4, 0, 4)
    assert [each.truth for each in labels.images[:2]] == ["0 ant → 1 bear", "1 bear → 2 cat"]
    assert not found.runs[0].is_the_same
    assert rendered.labels(found.runs[0]) == (
        "all 4 answers the same, 0 gained, 4 lost, p = 0.12; the true class of 4 images is another one"
    )
    assert "0 labels differ" in rendered.headline(found)
    assert "0 ant → 1 bear" in rendered.to_html(found)
    same = compare(sides[0], sides[0])
    assert rendered.labels(same.runs[0]) == "all 4 the same"


def test_a_class_that_is_called_by_another_name_has_not_changed() -> None:
    found = answers([0, 1], [0, 1])
    one, two = run_with(found), run_with(found, key="2e" * 32, label_map=SHIFTED.id)
    moved = answers([0, 1], [0, 1], first=1)
    changed = compare(side(a_report([one], []), {one.key: found}), side(a_report([two], []), {two.key: moved}))
    assert changed.runs[0].labels is not None
    assert changed.runs[0].labels.corrected == 0


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


def test_a_verdict_that_changed_is_counted_once() -> None:
    one, two = a_verdict(), a_verdict(rule="A102")
    assert count_differing([one, two], [one, two]) == 0
    assert count_differing([one, two], [one, two.changed(outcome="refuted")]) == 1
    assert count_differing([one, two], [one.changed(reason="another"), two.changed(run="2e" * 32)]) == 2
    assert count_differing([one, two], [two]) == 1
    assert count_differing([one], [two, one]) == 1


def test_judged_again_it_says_how_many_verdicts_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answers([0, 1, 2, 3], TRUTH)
    run = run_with(found, population="full", population_id="shapes_test", n=4)
    claim = a_claim(value="100.0", decimals=1, population="own")
    own = Population(id="own", title="four", images=4, digest="ab" * 32)
    documents = {"claims": (claim,), "populations": (own,)}
    run = run.changed(population_id="own")
    stored = a_verdict(outcome="refuted", run=run.key)
    path = folders_by_hand.write(tmp_path / "again", [(run, found)], [stored], documents).path
    assert commands.run(["compare", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 verdicts differ from what is stored"  # one is of A201


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
