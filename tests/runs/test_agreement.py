"""Labels that differ between any two runs, and the images behind them."""

from __future__ import annotations

from tests.by_hand.folders import ANIMALS, SHIFTED, answers, run_with
from tests.by_hand.records import a_run
from zoo.records import Run
from zoo.records.predictions import Predictions
from zoo.runs import agreement
from zoo.runs.agreement import Group

TRUTH = [0, 1, 2, 3]


def groups(*members: tuple[Run, Predictions | None]) -> tuple[Group, ...]:
    found = {run.key: answers for run, answers in members}
    label_maps = {each.id: each for each in (ANIMALS, SHIFTED)}
    return agreement.groups([run for run, _ in members], lambda run: found[run.key], label_maps)


def a_member(key: str, labels: list[int], **changes: object) -> tuple[Run, Predictions]:
    """A run of its own key; "weights" tells networks apart."""
    first = 1 if changes.get("label_map") == SHIFTED.id else 0
    found = answers(labels, TRUTH, first=first)
    return run_with(found, **{"key": key * 32, **changes}), found


def test_every_two_runs_are_compared() -> None:
    (group,) = groups(
        a_member("1a", [0, 1, 2, 3]),
        a_member("2b", [0, 1, 2, 4], label_map=SHIFTED.id),
        a_member("3c", [0, 5, 2, 5], weights="another"),
    )
    assert group.differ == ((0, 1, 2), (1, 0, 2), (2, 2, 0))
    assert (group.n, group.disagreed, group.is_one_network) == (4, 2, False)


def test_images_on_which_the_same_weights_differ_come_first() -> None:
    (group,) = groups(
        a_member("1a", [0, 1, 2, 3]), a_member("2b", [0, 1, 2, 4]), a_member("3c", [0, 5, 2, 3], weights="another")
    )
    assert [(each.image, each.truth) for each in group.discordant] == [("3.png", "3 dog"), ("1.png", "1 bear")]
    assert [(each.label, each.right) for each in group.discordant[0].answers] == [
        ("3 dog", True),
        ("4 eel", False),
        ("3 dog", True),
    ]


def test_runs_on_other_images_are_no_group() -> None:
    one, two = a_member("1a", TRUTH), a_member("2b", TRUTH, image_set="others")
    assert groups(one, two) == ()
    failed = a_run(key="3c" * 32, status="failed", error="it died")
    assert groups(one, (failed, None)) == ()


def test_many_runs_are_split_by_their_weights() -> None:
    members = [a_member(f"{number:02x}", TRUTH, weights=str(number // 2)) for number in range(30)]
    assert [len(group.runs) for group in groups(*members)] == [2] * 15


def test_no_run_of_many_is_left_out() -> None:
    """The last of fifty runs of one network differs: said, and by the group that it is in."""
    members = [a_member(f"{number:02x}", TRUTH) for number in range(49)]
    odd = a_member("fe", [0, 1, 2, 4])
    found = groups(*members, odd)
    assert all(len(group.runs) <= agreement.MOST_RUNS for group in found)
    assert {run.key for group in found for run in group.runs} == {run.key for run, _ in (*members, odd)}
    assert [group.disagreed for group in found] == [0, 0, 1]
    assert found[-1].runs[-1].key == odd[0].key
    assert {group.runs[0].key for group in found} == {members[0][0].key}
    exactly = groups(*members[: agreement.MOST_RUNS - 1], odd)
    assert [(len(group.runs), group.disagreed) for group in exactly] == [(agreement.MOST_RUNS, 1)]


def test_long_lists_are_cut() -> None:
    count = agreement.MOST_IMAGES + 10
    found = [answers([label] * count, [0] * count) for label in (0, 1)]
    runs = [run_with(each, key=key * 32) for each, key in zip(found, ("1a", "2b"), strict=True)]
    (group,) = groups(*zip(runs, found, strict=True))
    assert (group.disagreed, len(group.discordant)) == (count, agreement.MOST_IMAGES)
