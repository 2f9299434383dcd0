"""`--margin` and `--margin-quantised` as a user gives them: to `zoo validate`, and to `zoo compare` afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.by_hand import folders as folders_by_hand
from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of, zoo
from tests.by_hand.folders import answers, run_with
from zoo.cli import commands
from zoo.images import image_sets
from zoo.images.digests import file_digests, listing_digest
from zoo.records import Verdict


@pytest.fixture
def lossy(folder: Path, own_home: Path) -> Path:
    """The little zoo, all of whose images are known, and a conversion that is wrong on four of the twelve."""
    image_set = image_sets.open_image_set(folder / "images")
    digest = listing_digest(image_set, file_digests(image_set, own_home / "digests"))
    little_zoo.claim_accuracy(folder, "little/good", "100.0", digest, 12)
    little_zoo.add_checkpoint(folder, "converted", misbehave="change_mind", misbehave_at=1)
    _say(folder, 'converted_from = "little/good"')
    return folder


def _say(folder: Path, line: str) -> None:
    """A line more for the last checkpoint."""
    toml = folder / "checkpoints.toml"
    toml.write_text(f"{toml.read_text(encoding='utf-8').rstrip()}\n{line}\n", encoding="utf-8")


def _equivalence(out: Path) -> Verdict:
    """On the top-1 of a conversion and its original."""
    (found,) = [each for each in report_of(out).verdicts if each.rule == "X202" and "top-1" in each.reason]
    return found


@pytest.mark.parametrize(
    ("options", "outcome", "said"),
    [
        ((), "fail", "outside the margin of one image of 12"),
        (("--margin", 33), "fail", "outside the margin of 33 points"),
        (("--margin", 34), "pass", "inside the margin of 34 points"),
        (("--margin-quantised", 34), "fail", "outside the margin of one image of 12"),  # neither computes in integers
    ],
)
def test_a_margin_decides(lossy: Path, out: Path, options: tuple[object, ...], outcome: str, said: str) -> None:
    done = zoo("validate", "--zoo", lossy, "--out", out, *options)
    assert done.returncode == (0 if outcome == "pass" else 1), done.stderr
    found = _equivalence(out)
    assert (found.outcome, said in found.reason) == (outcome, True)


@pytest.mark.parametrize(
    ("options", "outcome", "said"),
    [
        ((), "fail", "outside the margin of one image of 12"),
        (("--margin", 34), "fail", "outside the margin of one image of 12"),
        (("--margin-quantised", 34), "pass", "inside the margin of 34 points (34 % of 100.00 %)"),
    ],
)
def test_integers_have_a_margin_of_their_own(
    lossy: Path, out: Path, options: tuple[object, ...], outcome: str, said: str
) -> None:
    _say(lossy, "quantised = true")
    zoo("validate", "--zoo", lossy, "--out", out, *options)
    found = _equivalence(out)
    assert (found.outcome, said in found.reason) == (outcome, True)


def test_a_run_folder_keeps_its_margins_and_compare_takes_others(lossy: Path, out: Path) -> None:
    zoo("validate", "--zoo", lossy, "--out", out, "--margin", 20, "--margin-quantised", 5)
    conditions = report_of(out).conditions
    assert (conditions.margin, conditions.margin_quantised) == (0.2, 0.05)
    stands, other = zoo("compare", out), zoo("compare", out, "--margin", 34)
    assert (stands.returncode, "the stored verdicts stand" in stands.stdout) == (1, True)
    assert (other.returncode, "differ from what is stored" in other.stdout) == (0, True)
    assert report_of(out).conditions.margin == 0.2  # nothing was written
    assert _equivalence(out).outcome == "fail"


@pytest.mark.parametrize(
    ("options", "precision", "said"),
    [
        ((), "", "partly outside the margin of 0.1 points"),
        (("--margin", 2), "", "inside the margin of 2 points"),
        (("--margin-quantised", 2), "", "partly outside the margin of 0.1 points"),
        ((), "int8", "partly outside the margin of 0.5 points (1 % of 50.00 %)"),
        (("--margin-quantised", 4), "int8", "inside the margin of 2 points (4 % of 50.00 %)"),
    ],
)
def test_two_run_folders_are_compared_with_a_margin(
    tmp_path: Path, options: tuple[object, ...], precision: str, said: str
) -> None:
    """Of 400 images like others, none differs; that shows a margin of 2 points, and none of 0.1."""
    found = answers([0, 1] * 200, [0, 2] * 200)
    folders = []
    for name in ("one", "two"):
        run = run_with(found, recipe=name, key=name.encode().hex().ljust(64, "0"), precision=precision or "float32")
        folders.append(folders_by_hand.write(tmp_path / name, [(run, found)]).path)
    done = zoo("compare", *folders, *options)
    assert done.returncode == 0, done.stderr
    _, _, images = done.stdout.partition("Image by image:")
    assert said in " ".join(images.split())


@pytest.mark.parametrize("command", [["validate"], ["compare", "."]])
@pytest.mark.parametrize("option", ["--margin", "--margin-quantised"])
def test_what_is_no_margin(command: list[str], option: str, capsys: pytest.CaptureFixture[str]) -> None:
    for value in ("-1", "101", "nan", "a"):
        assert commands.run([*command, option, value]) == 2
        assert f"'{option}'" in capsys.readouterr().err
