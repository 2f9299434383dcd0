"""Label files: the class of every image, in any of the numberings that files use.

Four forms are read:

- `labels.csv`: header `file` and `wnid` or `class_index` (both are compared), `name` is for readers;
  class_index counts from 0 in sorted-synset order;
- text lines "file number" or "file wnid";
- one number a line, 50,000 lines: line k labels ILSVRC2012_val_<k>;
- one wnid a line, likewise.

Three numberings of the same 1000 classes are in use. They agree on few images, and nothing in a file says
which one it holds, so numbers are believed only when known images (anchors) or their range leave one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from zoo import disk
from zoo.documents.classes import imagenet_classes
from zoo.errors import ImageSetError, known_names, listing

LABEL_FILES = ("labels.csv", "val.txt", "ILSVRC2012_validation_ground_truth.txt", "synset_labels.txt")
COLUMNS = ("file", "wnid", "class_index", "name")
WNID = re.compile(r"n\d{8}", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_VALIDATION = re.compile(r"(ILSVRC2012_val_\d{8})(\.\w+)?", re.ASCII)
_VALIDATION_IMAGES = 50_000
_HELP = "add a labels.csv with the columns file,wnid, or give the whole list of 50,000 lines with --labels"


@dataclass(frozen=True)
class Label:
    """A class (from 0, sorted-synset order) and the line it was read from (from 1)."""

    class_index: int
    line: int


@dataclass(frozen=True)
class LabelFile:
    """What a file says; keys are those of `key_of`."""

    path: Path
    labels: Mapping[str, Label]


@dataclass(frozen=True)
class _Row:
    line: int
    key: str
    token: str  # a number or a wnid


@cache
def anchors() -> Mapping[str, int]:
    """Classes of a few validation images, by key (zoo/data/imagenet/anchors.csv)."""
    with (disk.DATA / "imagenet" / "anchors.csv").open(encoding="utf-8", newline="") as stream:
        return {row["image"]: imagenet_classes().by_wnid[row["wnid"]] for row in csv.DictReader(stream)}


def key_of(name: str) -> str:
    """What a label and its image have in common: the path relative to the image folder, with slashes.

    Validation images are known by their number alone, wherever they lie and whatever their suffix.

    >>> key_of("./a/b.jpg"), key_of("val/ILSVRC2012_val_00000001.JPEG")
    ('a/b.jpg', 'ILSVRC2012_val_00000001')
    """
    path = PurePosixPath(name.replace("\\", "/"))
    validation = _VALIDATION.fullmatch(path.name)
    return validation[1] if validation else path.as_posix()


def read_labels(path: Path) -> LabelFile:
    """Every label of a file. Raises ImageSetError naming file and lines."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImageSetError(f"{path}: not a label file: expected UTF-8 text, got other bytes") from error
    except OSError as error:
        raise ImageSetError(f"{path}: cannot read the label file: {error.strerror or error}") from error
    if not text.strip():
        raise ImageSetError(f"{path}: the label file is empty; {_HELP}")
    is_csv = path.suffix.lower() == ".csv"
    rows = _csv_rows(path, text) if is_csv else _text_rows(path, text)
    _refuse_duplicates(path, rows)
    if is_csv:
        classes: Mapping[str, int] = {row.token: int(row.token) for row in rows}
    elif all(WNID.fullmatch(row.token) for row in rows):
        classes = _by_wnid(path, rows)
    else:
        classes = _by_number(path, rows)
    return LabelFile(path, {row.key: Label(classes[row.token], row.line) for row in rows})


# --- labels.csv ----------------------------------------------------------------------------------


def _csv_rows(path: Path, text: str) -> list[_Row]:
    """Rows whose token is the class."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip() for column in next(reader)]
        _check_header(path, header)
        lines = [(reader.line_num, values) for values in reader if any(values)]
    except csv.Error as error:
        raise ImageSetError(f"{path}, line {reader.line_num}: not CSV: {error}") from error
    problems = [
        f"line {line}: expected {len(header)} values ({', '.join(header)}), got {len(values)}"
        for line, values in lines
        if len(values) != len(header)
    ]
    _refuse(path, "broken", problems)
    if not lines:
        raise ImageSetError(f"{path}: the label file has a header and no rows")
    rows = []
    for line, values in lines:
        stated = dict(zip(header, (value.strip() for value in values), strict=True))
        try:
            rows.append(_Row(line, key_of(stated["file"]), str(_csv_class(stated))))
        except ValueError as error:
            problems.append(f"line {line}: {error}")
    _refuse(path, "wrong", problems)
    return rows


def _check_header(path: Path, header: Sequence[str]) -> None:
    for column in header:
        if column not in COLUMNS:
            raise ImageSetError(f"{path}, line 1: unknown column {column!r}; {known_names(column, COLUMNS)}")
    if len(set(header)) != len(header):
        raise ImageSetError(f"{path}, line 1: a column occurs twice: {', '.join(header)}")
    if "file" not in header or not {"wnid", "class_index"} & set(header):
        raise ImageSetError(
            f"{path}, line 1: expected the columns file and wnid, or file and class_index, got {', '.join(header)}"
        )


def _csv_class(values: Mapping[str, str]) -> int:
    """The class of a row. Raises ValueError that says what is wrong with the row."""
    wnid, number = values.get("wnid"), values.get("class_index", "")
    known = imagenet_classes().by_wnid
    if "class_index" in values and not _NUMBER.fullmatch(number):
        raise ValueError(f"class_index: expected a number from 0, got {number!r}")
    if wnid is not None and wnid not in known:
        raise ValueError(f"wnid {wnid!r} is none of the 1000 classes; {known_names(wnid, known, limit=3)}")
    if wnid is not None and number and int(number) != known[wnid]:
        raise ValueError(f"{wnid} is class {known[wnid]}, but class_index says {number} (another numbering?)")
    if problem := _bad_name(values["file"]):
        raise ValueError(problem)
    return int(number) if wnid is None else known[wnid]


def _bad_name(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if not name:
        return "file: expected a path, got nothing"
    if path.is_absolute() or ".." in path.parts:
        return f"file: expected a path inside the image folder, got {name!r}"
    return ""


# --- text ----------------------------------------------------------------------------------------


def _text_rows(path: Path, text: str) -> list[_Row]:
    lines = [line.rsplit(maxsplit=1) for line in text.rstrip().splitlines()]
    problems = [f"line {number}: empty" for number, parts in enumerate(lines, 1) if not parts]
    _refuse(path, "broken", problems)
    width = len(lines[0])
    expected = "a label" if width == 1 else "a file and a label"
    other = ((number, " ".join(parts)) for number, parts in enumerate(lines, 1) if len(parts) != width)
    _refuse(path, "broken", (f"line {number}: expected {expected}, got {got!r}" for number, got in other))
    if width == 1 and len(lines) != _VALIDATION_IMAGES:
        raise ImageSetError(
            f"{path}: one label a line needs {_VALIDATION_IMAGES:,} lines (line k is ILSVRC2012_val_<k>), "
            f"got {len(lines):,}; write 'file label' lines, or a labels.csv with the columns file,wnid"
        )
    rows = [
        _Row(number, key_of(parts[0].strip()) if width == 2 else f"ILSVRC2012_val_{number:08d}", parts[-1])
        for number, parts in enumerate(lines, 1)
    ]
    problems = [
        f"line {row.line}: {problem}" for row in rows if (problem := _bad_name(row.key) or _bad_token(row.token))
    ]
    _refuse(path, "wrong", problems)
    return rows


def _bad_token(token: str) -> str:
    if _NUMBER.fullmatch(token) or WNID.fullmatch(token):
        return ""
    return f"expected a class number or a wnid such as n01440764, got {token!r}"


def _by_wnid(path: Path, rows: Sequence[_Row]) -> Mapping[str, int]:
    known = imagenet_classes().by_wnid
    unknown = (row for row in rows if row.token not in known)
    _refuse(path, "wrong", (f"line {row.line}: wnid {row.token} is none of the 1000 classes" for row in unknown))
    return known


# --- numberings ----------------------------------------------------------------------------------


def _numberings() -> dict[str, Mapping[int, int]]:
    """The class of each number, in each numbering."""
    return {
        "sorted synsets from 0": {index: index for index in range(1000)},
        "sorted synsets from 1": {index + 1: index for index in range(1000)},
        "ILSVRC2012_ID from 1": imagenet_classes().by_ilsvrc2012_id,
    }


def _by_number(path: Path, rows: Sequence[_Row]) -> Mapping[str, int]:
    strange = (row for row in rows if not _NUMBER.fullmatch(row.token))
    expected = "expected a number as in the other lines"
    _refuse(path, "wrong", (f"line {row.line}: {expected}, got {row.token}" for row in strange))
    known = [row for row in rows if row.key in anchors()]
    title = _told_by_anchors(path, known) if known else _told_by_range(path, rows)
    classes = _numberings()[title]
    limits = f"{min(classes)}..{max(classes)}"
    outside = (row for row in rows if int(row.token) not in classes)
    problems = (f"line {row.line}: {row.token} is outside {limits}" for row in outside)
    _refuse(path, f"out of range for {title}", problems)
    return {row.token: classes[int(row.token)] for row in rows}


def _told_by_anchors(path: Path, known: Sequence[_Row]) -> str:
    """The one numbering in which every known image has its known class."""
    wrong = {
        title: [row for row in known if classes.get(int(row.token)) != anchors()[row.key]]
        for title, classes in _numberings().items()
    }
    fitting = [title for title, rows in wrong.items() if not rows]
    if len(fitting) == 1:
        return fitting[0]
    counts = "; ".join(f"{title}: {len(known) - len(rows)} of {len(known)}" for title, rows in wrong.items())
    if fitting:
        raise ImageSetError(f"{path}: the known validation images fit more than one numbering ({counts}); {_HELP}")
    nearest = min(wrong.values(), key=len)
    raise ImageSetError(
        listing(
            f"{path}: the numbers fit no known numbering; validation images with the right class: {counts}; "
            f"under the nearest one these are wrong",
            (f"line {row.line}: {row.key} is not {row.token}" for row in nearest),
        )
    )


def _told_by_range(path: Path, rows: Sequence[_Row]) -> str:
    """The one numbering in whose range all numbers lie, for files without a known image."""
    beyond = (row for row in rows if int(row.token) > 1000)
    _refuse(path, "out of range", (f"line {row.line}: {row.token} is outside 0..1000" for row in beyond))
    numbers = {int(row.token) for row in rows}
    fitting = [title for title, classes in _numberings().items() if numbers <= classes.keys()]
    if len(fitting) == 1:
        return fitting[0]
    seen = f"could each be {', '.join(fitting)}" if fitting else "hold both 0 and 1000, which no numbering has"
    raise ImageSetError(
        f"{path}: it cannot be told which classes its numbers mean: none of its {len(rows):,} lines labels "
        f"a known image (ILSVRC2012_val_00000001 to {len(anchors()):08d}), and the numbers "
        f"({min(numbers)}..{max(numbers)}) {seen}; {_HELP}"
    )


# --- refusals ------------------------------------------------------------------------------------


def _refuse_duplicates(path: Path, rows: Iterable[_Row]) -> None:
    first: dict[str, int] = {}
    problems = []
    for row in rows:
        if row.key in first:
            problems.append(f"line {row.line}: {row.key} again (first on line {first[row.key]})")
        first.setdefault(row.key, row.line)
    _refuse(path, "duplicates", problems)


def _refuse(path: Path, what: str, problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        lines = "1 line is" if len(found) == 1 else f"{len(found):,} lines are"
        raise ImageSetError(listing(f"{path}: {lines} {what}", found))
