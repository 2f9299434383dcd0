"""Label files: the class of every image, in any of the numberings that files use.

Five forms are read:

- `labels.csv`: header `file` and `wnid` or `class_index` (both are compared), `name` is for readers;
  class_index counts from 0 in sorted-synset order;
- text lines "file number" or "file wnid";
- one number a line, 50,000 lines: line k labels ILSVRC2012_val_<k>;
- one wnid a line, likewise;
- `real.json` of ReaL (https://github.com/google-research/reassessed-imagenet): a list of lists of classes from 0 in
  sorted-synset order, the k-th of which labels ILSVRC2012_val_<k>.

Where several classes are right, they stand beside each other with semicolons between them ("970;795"); `none` says that
no class is right. In real.json an empty list says so.

Three numberings of the same 1000 classes are in use. They agree on few images, and nothing in a file says
which one it holds, so numbers are believed only when known images (anchors) or their range leave one.
"""

from __future__ import annotations

import csv
import io
import json
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
_CLASSES = 1000
BETWEEN, NONE = ";", "none"  # between the right classes of an image; in place of a class where none is right
_HELP = "add a labels.csv with the columns file,wnid, or give the whole list of 50,000 lines with --labels"


@dataclass(frozen=True)
class Label:
    """The right classes (from 0, sorted-synset order), ascending, and the line they were read from (from 1).

    classes: none where the file says that no class is right. line: of real.json the place in its list.
    """

    classes: tuple[int, ...]
    line: int

    @property
    def class_index(self) -> int:
        """The lowest right class, -1 where no class is right."""
        return self.classes[0] if self.classes else -1


@dataclass(frozen=True)
class LabelFile:
    """What a file says; keys are those of `key_of`."""

    path: Path
    labels: Mapping[str, Label]

    @property
    def one_class_each(self) -> bool:
        """Whether every image has exactly one right class."""
        return all(len(label.classes) == 1 for label in self.labels.values())


@dataclass(frozen=True)
class _Row:
    line: int
    key: str
    token: str  # numbers or wnids, or NONE

    @property
    def tokens(self) -> tuple[str, ...]:
        return _separate(self.token)


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
    suffix = path.suffix.lower()
    read = {".csv": _csv_rows, ".json": _json_rows}.get(suffix, _text_rows)
    rows = read(path, text)
    _refuse_duplicates(path, rows)
    if not any(row.tokens for row in rows):
        raise ImageSetError(
            f"{path}: none of the {len(rows):,} images has a right class; expected at least one that has"
        )
    if suffix in (".csv", ".json"):
        classes: Mapping[str, int] = {token: int(token) for row in rows for token in row.tokens}
    elif all(WNID.fullmatch(token) for row in rows for token in row.tokens):
        classes = _by_wnid(path, rows)
    else:
        classes = _by_number(path, rows)
    return LabelFile(path, {row.key: Label(_ascending(classes[each] for each in row.tokens), row.line) for row in rows})


def _separate(text: str) -> tuple[str, ...]:
    """The classes of one field, as they are written."""
    return () if text == NONE else tuple(each.strip() for each in text.split(BETWEEN))


def _ascending(classes: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(classes)))


# --- real.json -----------------------------------------------------------------------------------


def _json_rows(path: Path, text: str) -> list[_Row]:
    """Rows whose token is the classes."""
    expected = "expected the list of lists of class indices that ReaL's real.json is"
    try:
        lists = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ImageSetError(f"{path}: {expected}, got something that is no JSON: {error}") from error
    if not isinstance(lists, list):
        raise ImageSetError(f"{path}: {expected}, got a JSON {type(lists).__name__}")
    wrong = (
        f"entry {number}: expected a list of numbers from 0 to {_CLASSES - 1}, got {json.dumps(entry)[:40]}"
        for number, entry in enumerate(lists, 1)
        if not (isinstance(entry, list) and all(_is_class(each) for each in entry))
    )
    _refuse(path, "wrong", wrong)
    return [
        _Row(number, f"ILSVRC2012_val_{number:08d}", BETWEEN.join(map(str, entry)) or NONE)
        for number, entry in enumerate(lists, 1)
    ]


def _is_class(value: object) -> bool:
    return type(value) is int and 0 <= value < _CLASSES


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
            rows.append(_Row(line, key_of(stated["file"]), BETWEEN.join(map(str, _csv_classes(stated))) or NONE))
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


def _csv_classes(values: Mapping[str, str]) -> list[int]:
    """The right classes of a row. Raises ValueError that says what is wrong with the row."""
    wnids, numbers = (_separate(values[name]) if name in values else None for name in ("wnid", "class_index"))
    known = imagenet_classes().by_wnid
    for number in numbers or ():
        if not _NUMBER.fullmatch(number):
            raise ValueError(f"class_index: expected a number from 0, got {number!r}")
    for wnid in wnids or ():
        if wnid not in known:
            raise ValueError(f"wnid {wnid!r} is none of the 1000 classes; {known_names(wnid, known, limit=3)}")
    if problem := _bad_name(values["file"]):
        raise ValueError(problem)
    by_number = [int(number) for number in numbers or ()]
    if wnids is None:
        return by_number
    by_wnid = [known[wnid] for wnid in wnids]
    if numbers is not None and by_number != by_wnid:
        are = f"class {BETWEEN.join(map(str, by_wnid)) or NONE}"
        raise ValueError(
            f"{values['wnid']} is {are}, but class_index says {values['class_index']} (another numbering?)"
        )
    return by_wnid


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
    if all(_NUMBER.fullmatch(each) or WNID.fullmatch(each) for each in _separate(token)):
        return ""
    return f"expected a class number or a wnid such as n01440764, got {token!r}"


def _by_wnid(path: Path, rows: Sequence[_Row]) -> Mapping[str, int]:
    known = imagenet_classes().by_wnid
    unknown = ((row.line, wnid) for row in rows for wnid in row.tokens if wnid not in known)
    _refuse(path, "wrong", (f"line {line}: wnid {wnid} is none of the 1000 classes" for line, wnid in unknown))
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
    strange = (row for row in rows if not all(map(_NUMBER.fullmatch, row.tokens)))
    expected = "expected a number as in the other lines"
    _refuse(path, "wrong", (f"line {row.line}: {expected}, got {row.token}" for row in strange))
    known = [row for row in rows if row.key in anchors() and row.tokens]
    title = _told_by_anchors(path, known) if known else _told_by_range(path, rows)
    classes = _numberings()[title]
    limits = f"{min(classes)}..{max(classes)}"
    tokens = {token: classes.get(int(token)) for row in rows for token in row.tokens}
    outside = ((row.line, token) for row in rows for token in row.tokens if tokens[token] is None)
    _refuse(path, f"out of range for {title}", (f"line {line}: {token} is outside {limits}" for line, token in outside))
    return {token: number for token, number in tokens.items() if number is not None}


def _told_by_anchors(path: Path, known: Sequence[_Row]) -> str:
    """The one numbering in which every known image has its known class."""
    wrong = {
        title: [row for row in known if anchors()[row.key] not in [classes.get(int(each)) for each in row.tokens]]
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
    beyond = ((row.line, token) for row in rows for token in row.tokens if int(token) > _CLASSES)
    _refuse(path, "out of range", (f"line {line}: {token} is outside 0..{_CLASSES}" for line, token in beyond))
    numbers = {int(token) for row in rows for token in row.tokens}
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
