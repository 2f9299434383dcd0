"""What is compared: accuracies with one set of images, resolution, crop, recipe and device; bytes by their hashes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.by_hand.documents import RULES, SHA, checkpoint, claim, evidence, recipe
from zoo.records import Archive, Checkpoint, File, Recipe, Verdict
from zoo.records.statements import Converted
from zoo.rules.base import Evidence
from zoo.rules.claims import contents

RECIPES = {
    "r": recipe("r"), "renamed": recipe("renamed"), "tight": recipe("tight", short=300),
    "dark": recipe("dark", std=0.5),
    "opencv": Recipe.from_json(
        {
            "id": "opencv",
            "geometry": {"id": "g", "steps": [
                {"op": "decode", "library": "opencv", "exif": "apply"},
                {"op": "resize_short", "size": 256, "library": "pil", "interpolation": "bilinear", "antialias": True,
                 "long_side": "round_half_even"},
                {"op": "centre_crop", "size": 224, "offset": "half_minus_half"},
            ]},
            "numeric": recipe("r").numeric.to_json(),
        }
    ),
}  # fmt: skip


def bytes_of(first: str, second: str, other: dict[str, Any] | None = None, **changes: Any) -> Verdict:
    """C201 on two claims about one checkpoint, or on two checkpoints of the same bytes."""
    both = (checkpoint(), checkpoint("b/net", **(other or {})))
    claims = (
        claim("one", value=first),
        claim("two", **({"checkpoint": "b/net"} if other else {}), **({"value": second} | changes)),
    )
    (verdict,) = RULES["C201"].judge(evidence(*claims, checkpoints=both, recipes=RECIPES))
    return verdict


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"resolution": 256}, "224 and 256 pixels"),
        ({"crop": 1.0}, "crops of 0.875 and 1 of the side"),
        ({"recipe": "tight"}, "crops of 0.875 and 0.747 of the side"),
        ({"recipe": "dark"}, "recipes r and dark"),
        ({"n_images": 49_920}, "50,000 and 49,920 images"),
    ],
)
def test_one_file_under_two_conditions_is_not_comparable(changes: dict[str, Any], why: str) -> None:
    verdict = bytes_of("71.8", "71.2", **changes)
    assert verdict.outcome == "not_comparable"
    assert verdict.reason == f"71.8 % / 71.2 %: {why}"
    assert verdict.finding_class is None


def test_two_devices_are_not_comparable_and_one_device_is() -> None:
    for other, outcome in (("phone", "not_comparable"), ("board", "fail"), ("", "fail")):
        both = claim("one", value="71.8", device="board"), claim("two", value="71.2", device=other)
        (verdict,) = RULES["C201"].judge(evidence(*both, recipes=RECIPES))
        assert verdict.outcome == outcome


def test_another_name_for_the_same_steps_is_the_same_recipe() -> None:
    verdict = bytes_of("71.8", "71.2", {"recipe": "renamed"})
    assert (verdict.outcome, verdict.finding_class, verdict.size) == ("fail", "contradiction", 0.6)
    assert bytes_of("71.8", "71.2", {"recipe": "tight"}).outcome == "not_comparable"


def test_the_crop_of_a_whole_number_of_pixels_is_the_stated_one() -> None:
    """192 of 219 pixels are 0.8767, and what a publisher means by 0.875."""
    both = claim("one", value="71.8", crop=0.875), claim("two", value="71.2", crop=0.8767, resolution=192)
    same = [both[0].changed(resolution=192), both[1]]
    (verdict,) = RULES["C201"].judge(evidence(*same, recipes=RECIPES))
    assert verdict.outcome == "fail"


@pytest.mark.parametrize(("second", "outcome"), [("71.72", "pass"), ("71.5", "fail")])
def test_another_image_library_explains_a_tenth_of_a_point(second: str, outcome: str) -> None:
    verdict = bytes_of("71.80", second, {"recipe": "opencv"})
    assert verdict.outcome == outcome
    assert bytes_of("71.80", second).outcome == "fail"  # the same recipe: nothing explains it
    if outcome == "fail":
        assert verdict.finding_class == "differs_between_documents"
        assert "another image library" in verdict.arithmetic


def test_an_assumed_recipe_explains_nothing_and_is_said() -> None:
    verdict = bytes_of("71.8", "71.2", {"recipe": "tight", "recipe_assumed": True})
    assert (verdict.outcome, verdict.finding_class) == ("fail", "differs_between_documents")
    assert verdict.reason == "71.8 % / 71.2 % for the same bytes; no recipe is documented for 71.2 %"


def test_all_figures_of_a_contradiction_are_shown_and_no_other() -> None:
    claims = [
        claim("one", value="71.8"), claim("two", value="71.2"), claim("three", value="70.1", resolution=192),
        claim("four", value="69.0", resolution=192),
    ]  # fmt: skip
    (verdict,) = RULES["C201"].judge(evidence(*claims[:3], recipes=RECIPES))
    assert verdict.reason == "71.8 % / 71.2 % for the same bytes"
    (verdict,) = RULES["C201"].judge(evidence(*claims, recipes=RECIPES))
    assert verdict.size == 1.1  # the widest


def conversion(second: str, **changes: Any) -> Verdict:
    both = checkpoint(), checkpoint("b/net", SHA["b"], converted_from="a/net", **changes)
    claims = claim("one", value="71.8"), claim("two", checkpoint="b/net", value=second)
    stated = Converted(id="c", source="page", checkpoints=("b/net",))
    (verdict,) = RULES["C203"].judge(evidence(*claims, checkpoints=both, statements=(stated,), recipes=RECIPES))
    return verdict


def test_a_conversion_takes_other_numbers_and_sees_the_same_image() -> None:
    assert conversion("71.2", recipe="dark").finding_class == "contradiction"  # its mean and scale are inside
    assert conversion("71.2", recipe="tight").outcome == "not_comparable"


def test_weights_in_two_files_may_differ_within_one_file() -> None:
    """71.2 and 71.8 of the first file are the matter of C201; the second file's fits one of them."""
    both = checkpoint(weights="w"), checkpoint("b/net", SHA["b"], weights="w")
    claims = [claim("one", value="71.8"), claim("old", value="71.2"), claim("two", checkpoint="b/net", value="71.83")]
    (verdict,) = RULES["C202"].judge(evidence(*claims, checkpoints=both, recipes=RECIPES))
    assert verdict.outcome == "pass"
    assert "each file has a figure that fits" in verdict.reason


def test_a_readers_recipe_is_not_the_publishers() -> None:
    claims = claim("one", value="71.8"), claim("two", value="70.0", by="third_party")
    (verdict,) = RULES["C205"].judge(evidence(*claims, recipes=RECIPES))
    assert verdict.outcome == "fail"
    other = claims[0], claims[1].changed(recipe="tight")
    assert list(RULES["C205"].judge(evidence(*other, recipes=RECIPES))) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "contradiction"),
        ({"source": "other"}, "differs_between_documents"),
        ({"resolution": 192}, None),
        ({"crop": 0.9}, None),
        ({"recipe": "tight"}, None),
        ({"device": "phone"}, None),
        ({"framework": "mxnet"}, None),
    ],
)
def test_one_name_at_two_settings_is_two_things(changes: dict[str, Any], kind: str | None) -> None:
    own = {"checkpoint": "", "recipe": "r", "crop": 0.875, "device": "board"}
    both = claim("one", **own), claim("two", **(own | {"value": "71.2"} | changes))
    found = [each.finding_class for each in RULES["C206"].judge(evidence(*both, recipes=RECIPES)) if each.finding_class]
    assert found == ([kind] if kind else [])


def of_files(*files: File) -> Checkpoint:
    return checkpoint(f"{'-'.join(file.name for file in files)}/{id(files)}", files=files)


PREFIX = {"a": "aaaaaaaa", "b": "bbbbbbbb"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"sha256": SHA["a"]}, {"sha256": SHA["a"]}, True),
        ({"sha256": SHA["a"]}, {"sha256": SHA["b"]}, False),
        ({"sha256": SHA["a"]}, {"sha256_prefix": PREFIX["a"]}, True),
        ({"sha256": SHA["a"]}, {"sha256_prefix": PREFIX["b"]}, False),
        ({"sha256_prefix": PREFIX["a"]}, {"sha256_prefix": PREFIX["a"][:6]}, True),
        ({"sha1": "a" * 40}, {"sha1_prefix": "aaaaaaa"}, True),
        ({"sha1": "a" * 40}, {"sha256": SHA["a"]}, None),
        ({"md5": "a" * 32}, {"md5": "b" * 32}, False),
        ({}, {"sha256": SHA["a"]}, None),
    ],
)
def test_bytes_are_told_by_every_hash(one: dict[str, str], other: dict[str, str], same: bool | None) -> None:
    first, second = (
        checkpoint("a/net", files=(File(name="x", **one),)),
        checkpoint("b/net", files=(File(name="y", **other),)),
    )
    assert contents.same(first, second) is same
    assert contents.same(second, first) is same
    assert len(contents.grouped([first, second])) == (1 if same else 2)


def test_members_of_an_archive() -> None:
    def member(name: str, sha: str) -> Checkpoint:
        archive = Archive(name="net.zip", member=name, sha256=sha)
        return checkpoint(f"{sha[:1]}/{name}", files=(File(name=name, archive=archive),))

    assert contents.same(member("x", SHA["a"]), member("x", SHA["a"]).changed(id="other")) is True
    assert contents.same(member("x", SHA["a"]), member("y", SHA["a"])) is False
    assert contents.same(member("x", SHA["a"]), member("x", SHA["b"])) is None  # packed twice, perhaps


def figures(*names: str, top5: str = "89.99", **files: Any) -> Evidence:
    """The same top-1 and top-5 for checkpoints whose hashes are published in part."""
    both = tuple(checkpoint(name, files=(File(name="net.pth", **files[name[0]]),)) for name in names)
    claims = [
        claim(f"{name}{metric}", checkpoint=name, metric=metric, value=value)
        for name in names
        for metric, value in (("top1", "70.94"), ("top5", top5))
    ]
    return evidence(*claims, checkpoints=both)


def test_repeated_figures_of_files_known_by_the_beginning_of_a_hash() -> None:
    hashes: dict[str, Any] = {"a": {"sha256_prefix": PREFIX["a"]}, "b": {"sha256": SHA["b"]}}
    (verdict,) = (each for each in RULES["C204"].judge(figures("a/net", "b/net", **hashes)) if each.outcome == "fail")
    assert "though the files differ" in verdict.reason
    hashes["b"] = {"sha256": SHA["a"]}
    assert {each.outcome for each in RULES["C204"].judge(figures("a/net", "b/net", **hashes))} == {"pass"}


def test_among_many_figures_a_shared_pair_is_no_surprise() -> None:
    """Two hundred networks within one point: two pairs of figures of two decimals among them are likely to be equal."""
    pairs = [(f"{70 + (7 * at % 50) / 100:.2f}", f"{90 + (11 * at % 47) / 100:.2f}") for at in range(198)]
    pairs += [("70.94", "89.99")] * 2
    checkpoints = tuple(checkpoint(f"n{at}/net", f"{at:064x}") for at in range(200))
    claims = [
        claim(f"{at}{metric}", checkpoint=f"n{at}/net", metric=metric, value=value)
        for at, pair in enumerate(pairs)
        for metric, value in zip(("top1", "top5"), pair, strict=True)
    ]
    few = evidence(*claims[-4:], checkpoints=checkpoints[-2:])
    assert [each.outcome for each in RULES["C204"].judge(few)] == ["fail"]
    many = evidence(*claims, checkpoints=checkpoints)
    assert {each.outcome for each in RULES["C204"].judge(many)} == {"pass"}


@pytest.mark.parametrize(
    ("second", "changes", "kind"),
    [
        ("71.2", {"crop": None}, "incomplete"),
        ("71.2", {"resolution": None}, "incomplete"),
        ("71.2", {"device": "", "source": "other"}, "differs_between_documents"),
        ("71.878", {}, "unit_or_rounding"),
        ("0.71878", {"unit": "fraction", "source": "other"}, "unit_or_rounding"),
        ("28.122", {"unit": "percent_error"}, "contradiction"),
        ("71.90", {}, "contradiction"),
        ("71.72", {}, "contradiction"),
    ],
)
def test_what_is_not_said_of_both_and_what_is_cut_off_is_no_contradiction(
    second: str, changes: dict[str, Any], kind: str
) -> None:
    own = {"checkpoint": "", "recipe": "", "crop": 0.875, "device": "board"}
    both = claim("one", **own), claim("two", **(own | {"value": second} | changes))
    (verdict,) = RULES["C206"].judge(evidence(*both))
    assert verdict.finding_class == kind
    assert ("cut off instead of rounded" in verdict.reason) == (kind == "unit_or_rounding")
    assert ("stated of only one" in verdict.reason) == (kind == "incomplete")


def test_class_and_size_of_a_name_are_of_one_pair() -> None:
    """0.5 points apart in one document are graver than 1.5 in two, and it is the contradiction's size that is said."""
    own = {"checkpoint": "", "recipe": ""}
    figures = claim("one", **own), claim("two", **own, value="71.3"), claim("three", **own, value="70.3", source="far")
    (verdict,) = RULES["C206"].judge(evidence(*figures))
    assert (verdict.finding_class, verdict.size) == ("contradiction", 0.5)


def test_a_figure_cut_off_is_so_for_one_file_and_for_a_conversion_too() -> None:
    assert bytes_of("71.8", "71.878").finding_class == "unit_or_rounding"
    assert bytes_of("71.8", "71.978").finding_class == "contradiction"
    assert conversion("71.878").finding_class == "unit_or_rounding"
