"""Every form of label file, the numberings told apart, every refusal."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from zoo import disk
from zoo.documents.classes import imagenet_classes
from zoo.errors import ImageSetError
from zoo.images import labels

CLASSES = imagenet_classes()
TO_ID = {index: number for number, index in CLASSES.by_ilsvrc2012_id.items()}
ANCHORS = [65, 970, 230, 809, 516, 57, 334, 415, 674, 332, 109, 286, 370, 757, 595, 147, 108, 23, 478, 517]
NUMBERINGS: dict[str, Callable[[int], int]] = {
    "sorted synsets from 0": lambda index: index,
    "sorted synsets from 1": lambda index: index + 1,
    "ILSVRC2012_ID from 1": lambda index: TO_ID[index],
}


def validation() -> list[int]:
    """Classes of an invented validation set whose first images are the known ones, 50 of each class."""
    rest = np.repeat(np.arange(1000), [50 - ANCHORS.count(index) for index in range(1000)])
    return [*ANCHORS, *np.random.default_rng(0).permutation(rest).tolist()]


def write(path: Path, lines: Sequence[object]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def classes_of(path: Path) -> dict[str, int]:
    return {key: label.class_index for key, label in labels.read_labels(path).labels.items()}


def refusal(path: Path) -> str:
    with pytest.raises(ImageSetError) as raised:
        labels.read_labels(path)
    message = str(raised.value)
    assert message.startswith(str(path))
    return message


# --- the tables ----------------------------------------------------------------------------------


def test_classes() -> None:
    assert len(CLASSES.wnids) == 1000
    assert list(CLASSES.wnids) == sorted(set(CLASSES.wnids))
    assert sorted(CLASSES.by_ilsvrc2012_id) == list(range(1, 1001))
    assert sorted(CLASSES.by_ilsvrc2012_id.values()) == list(range(1000))
    assert CLASSES.wnids[0] == "n01440764"
    assert CLASSES.names[0] == "tench, Tinca tinca"
    assert CLASSES.wnids[CLASSES.by_ilsvrc2012_id[1]] == "n02119789"  # kit fox


def test_rows_of_classes_csv_are_numbered() -> None:
    with (disk.DATA / "imagenet" / "classes.csv").open(newline="") as stream:
        assert [row["class_index"] for row in csv.DictReader(stream)] == [str(index) for index in range(1000)]


def test_anchors_tell_every_numbering_apart() -> None:
    assert list(labels.anchors().values()) == ANCHORS
    for index in ANCHORS:
        assert len({numbering(index) for numbering in NUMBERINGS.values()}) == 3


# --- lists of numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("numbering", NUMBERINGS)
@pytest.mark.parametrize("with_files", [True, False])
def test_whole_list(tmp_path: Path, numbering: str, with_files: bool) -> None:
    truth = validation()
    lines = [
        f"ILSVRC2012_val_{position:08d}.JPEG {NUMBERINGS[numbering](index)}"
        if with_files
        else str(NUMBERINGS[numbering](index))
        for position, index in enumerate(truth, 1)
    ]
    found = labels.read_labels(write(tmp_path / "val.txt", lines))
    assert [label.class_index for label in found.labels.values()] == truth
    assert found.labels["ILSVRC2012_val_00050000"].line == 50_000


def test_one_known_image_settles_it(tmp_path: Path) -> None:
    lines = ["val/ILSVRC2012_val_00000003.JPEG 822", "val/ILSVRC2012_val_00000030.JPEG 500"]
    assert classes_of(write(tmp_path / "val.txt", [lines[0].replace("822", "171"), lines[1]])) == {
        "ILSVRC2012_val_00000003": 230,
        "ILSVRC2012_val_00000030": CLASSES.by_ilsvrc2012_id[500],
    }


def test_shifted_lines_fit_nothing(tmp_path: Path) -> None:
    truth = validation()
    message = refusal(write(tmp_path / "val.txt", [truth[-1], *truth[:-1]]))
    assert "the numbers fit no known numbering" in message
    assert "sorted synsets from 0: 0 of 20; sorted synsets from 1: 0 of 20" in message
    assert "line 1: ILSVRC2012_val_00000001 is not" in message


def test_one_wrong_line_is_named(tmp_path: Path) -> None:
    truth = validation()
    truth[4] = 12
    message = refusal(write(tmp_path / "val.txt", truth))
    assert "sorted synsets from 0: 19 of 20" in message
    assert message.endswith("line 5: ILSVRC2012_val_00000005 is not 12")


def test_out_of_range_is_listed(tmp_path: Path) -> None:
    numbers = [TO_ID[index] for index in validation()]
    numbers[100:130] = [0] * 15 + [1001] * 15
    message = refusal(write(tmp_path / "ILSVRC2012_validation_ground_truth.txt", numbers))
    assert "30 lines are out of range for ILSVRC2012_ID from 1" in message
    assert "line 101: 0 is outside 1..1000" in message
    assert "and 10 more" in message
    assert "line 121" not in message


@pytest.mark.parametrize("count", [1, 49_999, 50_001])
def test_a_list_of_labels_alone_must_be_whole(tmp_path: Path, count: int) -> None:
    message = refusal(write(tmp_path / "val.txt", [*validation(), 7][:count]))
    assert f"needs 50,000 lines (line k is ILSVRC2012_val_<k>), got {count:,}" in message
    assert "labels.csv" in message


def test_range_decides_where_no_image_is_known(tmp_path: Path) -> None:
    found = labels.read_labels(write(tmp_path / "val.txt", ["a.jpg 0", "b c.jpg 999"]))
    assert {key: label.class_index for key, label in found.labels.items()} == {"a.jpg": 0, "b c.jpg": 999}


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ((1, 999), "could each be sorted synsets from 0, sorted synsets from 1, ILSVRC2012_ID from 1"),
        ((5, 1000), "could each be sorted synsets from 1, ILSVRC2012_ID from 1"),
        ((0, 1000), "hold both 0 and 1000, which no numbering has"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, numbers: tuple[int, int], why: str) -> None:
    lines = [f"ILSVRC2012_val_{100 + n:08d}.JPEG {number}" for n, number in enumerate(numbers)]
    message = refusal(write(tmp_path / "val.txt", lines))
    assert "cannot be told which classes its numbers mean" in message
    assert f"({min(numbers)}..{max(numbers)}) {why}" in message
    assert "add a labels.csv with the columns file,wnid" in message


def test_a_number_beyond_every_numbering(tmp_path: Path) -> None:
    assert "line 2: 1001 is outside 0..1000" in refusal(write(tmp_path / "val.txt", ["a.jpg 1", "b.jpg 1001"]))


# --- lists of wnids ------------------------------------------------------------------------------


def test_wnids_need_no_numbering(tmp_path: Path) -> None:
    truth = validation()
    whole = labels.read_labels(write(tmp_path / "synset_labels.txt", [CLASSES.wnids[index] for index in truth]))
    assert [label.class_index for label in whole.labels.values()] == truth
    few = write(tmp_path / "val.txt", ["a.jpg n01443537", "sub/b.jpg n01440764"])
    assert classes_of(few) == {"a.jpg": 1, "sub/b.jpg": 0}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a.jpg n01443537", "b.jpg n99999999"], "line 2: wnid n99999999 is none of the 1000 classes"),
        (["a.jpg 3", "b.jpg n01443537"], "line 2: expected a number as in the other lines, got n01443537"),
        (
            ["a.jpg 3", "b.jpg fish"],
            "line 2: expected a class number or a wnid such as n01440764, got 'fish'",
        ),
        (["a.jpg 0", "b.jpg -1"], "line 2: expected a class number or a wnid such as n01440764, got '-1'"),
        (["a.jpg 0", "5"], "line 2: expected a file and a label, got '5'"),
        (["a.jpg 0", "", "b.jpg 1"], "line 2: empty"),
        (["a.jpg 0", "b.jpg 1", "a.jpg 0"], "line 3: a.jpg again (first on line 1)"),
        (["../a.jpg 0"], "line 1: file: expected a path inside the image folder, got '../a.jpg'"),
        (["/a.jpg 0"], "line 1: file: expected a path inside the image folder, got '/a.jpg'"),
    ],
)
def test_wrong_lines(tmp_path: Path, lines: list[str], expected: str) -> None:
    assert expected in refusal(write(tmp_path / "val.txt", lines))


def test_the_same_validation_image_under_two_names(tmp_path: Path) -> None:
    lines = ["val/ILSVRC2012_val_00000001.JPEG 65", "ILSVRC2012_val_00000001.jpg 65"]
    message = refusal(write(tmp_path / "val.txt", lines))
    assert "line 2: ILSVRC2012_val_00000001 again (first on line 1)" in message


# --- labels.csv ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        ["file,wnid", "a.jpg,n01440764", "b/c.png,n01443537"],
        ["file,class_index", "a.jpg,0", "b/c.png,1"],
        ["file,wnid,class_index", "./a.jpg,n01440764,0", "b\\c.png,n01443537,1"],
        ["name,class_index,file", '"tench, Tinca tinca",0,a.jpg', "goldfish,1,b/c.png", ""],
        ["\ufefffile , class_index", "a.jpg, 0 ", "b/c.png,1"],
    ],
)
def test_csv(tmp_path: Path, lines: list[str]) -> None:
    assert classes_of(write(tmp_path / "labels.csv", lines)) == {"a.jpg": 0, "b/c.png": 1}


def test_csv_of_a_network_with_other_classes(tmp_path: Path) -> None:
    """Whether a label fits the network is checked when the network is known."""
    assert classes_of(write(tmp_path / "labels.csv", ["file,class_index", "a.jpg,5000"])) == {"a.jpg": 5000}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["file,class", "a.jpg,0"], "line 1: unknown column 'class'; nearest: class_index"),
        (["file,name", "a.jpg,x"], "line 1: expected the columns file and wnid, or file and class_index"),
        (["file,wnid,wnid", "a.jpg,x,x"], "line 1: a column occurs twice"),
        (["file,class_index"], "the label file has a header and no rows"),
        (["file,class_index", "a.jpg"], "line 2: expected 2 values (file, class_index), got 1"),
        (["file,class_index", "a.jpg,1,2"], "line 2: expected 2 values (file, class_index), got 3"),
        (["file,class_index", "a.jpg,one"], "line 2: class_index: expected a number from 0, got 'one'"),
        (["file,class_index", "a.jpg,-1"], "line 2: class_index: expected a number from 0, got '-1'"),
        (["file,class_index", ",1"], "line 2: file: expected a path, got nothing"),
        (["file,class_index", "../a.jpg,1"], "line 2: file: expected a path inside the image folder"),
        (
            ["file,wnid", "a.jpg,n01440765"],
            "line 2: wnid 'n01440765' is none of the 1000 classes; nearest: n01440764",
        ),
        (
            ["file,wnid,class_index", "a.jpg,n01440764,449"],
            "line 2: n01440764 is class 0, but class_index says 449 (another numbering?)",
        ),
        (["file,wnid", "a.jpg,n01440764", "./a.jpg,n01440764"], "line 3: a.jpg again (first on line 2)"),
        (["file,wnid", 'a.jpg,"n01440764'], "not CSV"),
    ],
)
def test_wrong_csv(tmp_path: Path, lines: list[str], expected: str) -> None:
    assert expected in refusal(write(tmp_path / "labels.csv", lines))


def test_the_first_twenty_problems_and_their_number(tmp_path: Path) -> None:
    lines = ["file,wnid", *(f"{n}.jpg,n{n:08d}" for n in range(50))]
    message = refusal(write(tmp_path / "labels.csv", lines))
    assert "50 lines are wrong" in message
    assert message.count("\n") == 21
    assert message.endswith("and 30 more")


# --- files ---------------------------------------------------------------------------------------


def test_files_that_are_no_label_files(tmp_path: Path) -> None:
    (tmp_path / "val.txt").write_bytes(b"\xff\xd8\xff\xe0 not text")
    assert "not a label file: expected UTF-8 text" in refusal(tmp_path / "val.txt")
    (tmp_path / "empty.txt").write_text("\n\n")
    assert "the label file is empty" in refusal(tmp_path / "empty.txt")
    assert "cannot read the label file" in refusal(tmp_path / "absent.txt")
    assert "cannot read the label file" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("a.jpg", "a.jpg"),
        ("./a//b.jpg", "a/b.jpg"),
        ("val/ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000001"),
        ("ILSVRC2012_val_00000001", "ILSVRC2012_val_00000001"),
        ("ILSVRC2012_val_1.JPEG", "ILSVRC2012_val_1.JPEG"),
        ("ILSVRC2012_val_00000001_flipped.png", "ILSVRC2012_val_00000001_flipped.png"),
    ],
)
def test_keys(name: str, key: str) -> None:
    assert labels.key_of(name) == key


# --- real lists ----------------------------------------------------------------------------------


def test_real_lists_agree(assets: Path) -> None:
    ours = labels.read_labels(assets / "labels" / "val_50000_sorted_synset.txt")
    devkit = labels.read_labels(assets / "labels" / "ILSVRC2012_validation_ground_truth.txt")
    classes = {key: label.class_index for key, label in ours.labels.items()}
    assert len(classes) == 50_000
    assert classes == {key: label.class_index for key, label in devkit.labels.items()}
    part = classes_of(assets / "images" / "ilsvrc2012_val_1300" / "labels.csv")
    assert len(part) == 1300
    assert part == {key: classes[key] for key in part}


def test_real_lists_hold_other_numbers(assets: Path) -> None:
    """Why a mix-up must be caught: as numbers, the two lists agree on hardly any image."""
    ours = (assets / "labels" / "val_50000_sorted_synset.txt").read_text().split()[1::2]
    devkit = (assets / "labels" / "ILSVRC2012_validation_ground_truth.txt").read_text().split()
    assert sum(a == b for a, b in zip(ours, devkit, strict=True)) < 100


def test_real_classes(assets: Path) -> None:
    lines = (assets / "labels" / "synset.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == list(CLASSES.wnids)


# --- several right classes -----------------------------------------------------------------------


def _several(path: Path, text: str) -> dict[str, tuple[int, ...]]:
    path.write_text(text, encoding="utf-8")
    return {key: label.classes for key, label in labels.read_labels(path).labels.items()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.csv", "file,class_index\na.jpg,7;2;7\nb.jpg,none\nc d.jpg,999\n"),
        ("l.csv", "file,wnid\na.jpg,n01518878;n01484850\nb.jpg,none\nc d.jpg,n15075141\n"),
        ("l.txt", "a.jpg n01518878;n01484850\nb.jpg none\nc d.jpg n15075141\n"),
    ],
)
def test_several_right_classes_or_none(tmp_path: Path, name: str, text: str) -> None:
    """By number or wnid; ascending, each once. An image without a right class is told by a word, not by a gap."""
    found = _several(tmp_path / name, text)
    expected = {"a.jpg": (2, 7), "b.jpg": (), "c d.jpg": (999,)}
    assert found == (expected if "7;2" in text else {**expected, "a.jpg": (2, 9)})
    assert not labels.read_labels(tmp_path / name).one_class_each


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("file,class_index\na.jpg,\n", "line 2: class_index: expected a number from 0, got ''"),
        ("file,class_index\na.jpg,7;\n", "line 2: class_index: expected a number from 0, got ''"),
        ("file,class_index\na.jpg,none\n", "none of the 1 images has a right class"),
        (
            "file,wnid,class_index\na.jpg,n01518878;n01484850,9;3\n",
            "n01518878;n01484850 is class 9;2, but class_index says 9;3 (another numbering?)",
        ),
    ],
)
def test_gaps_are_no_way_to_say_none(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ImageSetError) as raised:
        _several(tmp_path / "l.csv", text)
    assert expected in str(raised.value)


def test_real_json(tmp_path: Path) -> None:
    """The published form: the k-th list is of the k-th validation image."""
    found = _several(tmp_path / "real.json", "[[], [970, 795], [230]]")
    assert found == {
        "ILSVRC2012_val_00000001": (),
        "ILSVRC2012_val_00000002": (795, 970),
        "ILSVRC2012_val_00000003": (230,),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[1], 2]", "entry 2: expected a list of numbers from 0 to 999, got 2"),
        ("[[1], [1000]]", "entry 2: expected a list of numbers from 0 to 999, got [1000]"),
        ("[[1], [true]]", "entry 2: expected a list of numbers from 0 to 999, got [true]"),
        ("[[1], [-1]]", "entry 2: expected a list of numbers from 0 to 999, got [-1]"),
        ('{"a": [1]}', "got a JSON dict"),
        ("[[1]", "got something that is no JSON"),
        ("[" * 100_000, "got something that is no JSON"),
        ("[[], []]", "none of the 2 images has a right class"),
        ("[]", "none of the 0 images has a right class"),
    ],
)
def test_json_that_is_no_real_json(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ImageSetError) as raised:
        _several(tmp_path / "real.json", text)
    assert expected in str(raised.value)


def test_numbers_of_several_classes_are_told_by_known_images(tmp_path: Path) -> None:
    """In the development kit's numbering too, if each known image has its known class among the others."""
    by_id = {index: number for number, index in imagenet_classes().by_ilsvrc2012_id.items()}
    lines = [f"{stem}.JPEG {by_id[index]};{by_id[5]}" for stem, index in labels.anchors().items()]
    found = _several(tmp_path / "val.txt", "\n".join(lines))
    assert found == {stem: tuple(sorted({5, index})) for stem, index in labels.anchors().items()}
