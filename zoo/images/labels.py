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
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    token: str  # a number or a wnid, as written


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
    if path.suffix.lower() == ".csv":
        return _read_csv(path, text)
    rows = _text_rows(path, text)
    _refuse_duplicates(path, rows)
    if all(WNID.fullmatch(row.token) for row in rows):
        return LabelFile(path, _by_wnid(path, rows))
    return _by_number(path, rows)


# --- labels.csv ----------------------------------------------------------------------------------


def _read_csv(path: Path, text: str) -> LabelFile:
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
    records = [(line, dict(zip(header, (value.strip() for value in values), strict=True))) for line, values in lines]
    if not records:
        raise ImageSetError(f"{path}: the label file has a header and no rows")
    return LabelFile(path, _csv_labels(path, records))


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


def _csv_labels(path: Path, records: Sequence[tuple[int, Mapping[str, str]]]) -> dict[str, Label]:
    problems: list[str] = []
    labels: dict[str, Label] = {}
    for line, values in records:
        found = _csv_class(values)
        problem = found if isinstance(found, str) else _bad_name(values["file"])
        if problem:
            problems.append(f"line {line}: {problem}")
    _refuse(path, "wrong", problems)
    rows = [_Row(line, key_of(values["file"]), "") for line, values in records]
    _refuse_duplicates(path, rows)
    for row, (_, values) in zip(rows, records, strict=True):
        found = _csv_class(values)
        assert isinstance(found, int)
        labels[row.key] = Label(found, row.line)
    return labels


def _csv_class(values: Mapping[str, str]) -> int | str:
    """The class, or what is wrong."""
    wnid, number = values.get("wnid"), values.get("class_index")
    if number is not None and not _NUMBER.fullmatch(number):
        return f"class_index: expected a number from 0, got {number!r}"
    if wnid is None:
        assert number is not None
        return int(number)
    known = imagenet_classes().by_wnid
    if wnid not in known:
        return f"wnid {wnid!r} is none of the 1000 classes; {known_names(wnid, known, limit=3)}"
    if number is not None and int(number) != known[wnid]:
        return f"{wnid} is class {known[wnid]}, but class_index says {number} (another numbering?)"
    return known[wnid]


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
    _refuse(
        path,
        "broken",
        (
            f"line {number}: expected {expected}, got {' '.join(parts)!r}"
            for number, parts in enumerate(lines, 1)
            if len(parts) != width
        ),
    )
    if width == 1 and len(lines) != _VALIDATION_IMAGES:
        raise ImageSetError(
            f"{path}: one label a line needs {_VALIDATION_IMAGES:,} lines (line k is ILSVRC2012_val_<k>), "
            f"got {len(lines):,}; write 'file label' lines, or a labels.csv with the columns file,wnid"
        )
    rows = [
        _Row(number, key_of(parts[0].strip()) if width == 2 else f"ILSVRC2012_val_{number:08d}", parts[-1])
        for number, parts in enumerate(lines, 1)
    ]
    _refuse(
        path,
        "wrong",
        (f"line {row.line}: {problem}" for row in rows if (problem := _bad_name(row.key) or _bad_token(row.token))),
    )
    return rows


def _bad_token(token: str) -> str:
    if _NUMBER.fullmatch(token) or WNID.fullmatch(token):
        return ""
    return f"expected a class number or a wnid such as n01440764, got {token!r}"


def _by_wnid(path: Path, rows: Sequence[_Row]) -> dict[str, Label]:
    known = imagenet_classes().by_wnid
    _refuse(
        path,
        "wrong",
        (f"line {row.line}: wnid {row.token} is none of the 1000 classes" for row in rows if row.token not in known),
    )
    return {row.key: Label(known[row.token], row.line) for row in rows}


# --- numberings ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Numbering:
    title: str
    first: int
    class_of: Callable[[int], int | None]

    @property
    def last(self) -> int:
        return self.first + 999


def _numberings() -> tuple[_Numbering, ...]:
    def from_zero(number: int) -> int | None:
        return number if 0 <= number <= 999 else None

    def from_one(number: int) -> int | None:
        return from_zero(number - 1)

    return (
        _Numbering("sorted synsets from 0", 0, from_zero),
        _Numbering("sorted synsets from 1", 1, from_one),
        _Numbering("ILSVRC2012_ID from 1", 1, imagenet_classes().by_ilsvrc2012_id.get),
    )


def _by_number(path: Path, rows: Sequence[_Row]) -> LabelFile:
    _refuse(
        path,
        "wrong",
        (
            f"line {row.line}: expected a number as in the other lines, got {row.token}"
            for row in rows
            if not _NUMBER.fullmatch(row.token)
        ),
    )
    numbers = {row.key: int(row.token) for row in rows}
    known = [row for row in rows if row.key in anchors()]
    numbering = _told_by_anchors(path, known) if known else _told_by_range(path, rows)
    labels: dict[str, Label] = {}
    problems: list[str] = []
    for row in rows:
        class_index = numbering.class_of(numbers[row.key])
        if class_index is None:
            problems.append(f"line {row.line}: {row.token} is outside {numbering.first}..{numbering.last}")
        else:
            labels[row.key] = Label(class_index, row.line)
    _refuse(path, f"out of range for {numbering.title}", problems)
    return LabelFile(path, labels)


def _told_by_anchors(path: Path, known: Sequence[_Row]) -> _Numbering:
    """The one numbering in which every known image has its known class."""
    wrong = {
        numbering: [row for row in known if numbering.class_of(int(row.token)) != anchors()[row.key]]
        for numbering in _numberings()
    }
    fitting = [numbering for numbering, rows in wrong.items() if not rows]
    if len(fitting) == 1:
        return fitting[0]
    counts = "; ".join(
        f"{numbering.title}: {len(known) - len(rows)} of {len(known)}" for numbering, rows in wrong.items()
    )
    if fitting:
        raise ImageSetError(f"{path}: the known validation images fit more than one numbering ({counts}); {_HELP}")
    nearest = min(wrong, key=lambda numbering: len(wrong[numbering]))
    raise ImageSetError(
        listing(
            f"{path}: the numbers fit no known numbering; validation images with the right class: {counts}; "
            f"under the nearest one these are wrong",
            (f"line {row.line}: {row.key} is not {row.token}" for row in wrong[nearest]),
        )
    )


def _told_by_range(path: Path, rows: Sequence[_Row]) -> _Numbering:
    """The one numbering in whose range all numbers lie, for files without a known image."""
    beyond = [row for row in rows if int(row.token) > 1000]
    _refuse(path, "out of range", (f"line {row.line}: {row.token} is outside 0..1000" for row in beyond))
    fitting = [
        numbering
        for numbering in _numberings()
        if all(numbering.first <= int(row.token) <= numbering.last for row in rows)
    ]
    if len(fitting) == 1:
        return fitting[0]
    numbers = [int(row.token) for row in rows]
    titles = ", ".join(numbering.title for numbering in fitting)
    seen = f"could each be {titles}" if fitting else "hold both 0 and 1000, which no numbering has"
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
