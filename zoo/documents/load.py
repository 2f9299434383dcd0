"""Data files to records: checkpoints, recipes, label maps, populations, sources and documented numbers.

A zoo is the base data (recipes, label maps and populations for all zoos) and then its own folder. Every error is a
ManifestError that says file, line, field, the expected value and the value that was read.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn, get_args

from pydantic import TypeAdapter, ValidationError

from zoo import disk
from zoo.documents.toml_lines import line_of
from zoo.errors import ManifestError, known_names
from zoo.records import (
    Checkpoint,
    Claim,
    Deviation,
    FileName,
    Geometry,
    Identifier,
    IdPattern,
    LabelMap,
    Numeric,
    Population,
    Recipe,
    Record,
    Source,
    Url,
    statements,
)
from zoo.records.statements import KINDS, Statement, with_settings

PROBLEMS_SHOWN = 5
UNKNOWN = "extra_forbidden"  # pydantic's word for a key that a record does not have
CONSTANTS = {"mean", "scale"}  # options that name what a conversion put into the network
_NUMBER = r"-?\d+(\.\d+)?(e-?\d{1,2})?"
NUMBERS = re.compile(rf"{_NUMBER}(\s*,\s*{_NUMBER}\s*,\s*{_NUMBER})?", re.ASCII)
TOO_DEEP = "its values are nested too deeply; no record has more than a few levels"

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Zoo:
    """Everything known of one model zoo, each dict from id to record in file order.

    root: the folder in which local files and `export_from` are looked up.
    """

    name: str
    root: Path
    checkpoints: dict[str, Checkpoint]
    recipes: dict[str, Recipe]
    geometries: dict[str, Geometry]
    numerics: dict[str, Numeric]
    label_maps: dict[str, LabelMap]
    populations: dict[str, Population]
    sources: dict[str, Source]
    claims: dict[str, Claim]
    statements: dict[str, Statement] = field(default_factory=dict)
    deviations: dict[str, Deviation] = field(default_factory=dict)


class _RecipeRow(Record):
    """A recipe as files hold it: its parts are named, not spelled out."""

    id: Identifier
    geometry: Identifier
    numeric: Identifier
    sources: tuple[str, ...] = ()
    note: str = ""


MODELS: dict[str, type[Record]] = {
    "checkpoint": Checkpoint,
    "geometry": Geometry,
    "numeric": Numeric,
    "recipe": _RecipeRow,
    "label_map": LabelMap,
    "population": Population,
    "source": Source,
    "claim": Claim,
    "deviation": Deviation,
    **KINDS,
}
# Which fields hold ids, and of what.
REFERENCES = {
    "recipe": {"geometry": "geometry", "numeric": "numeric"},
    "checkpoint": {"recipe": "recipe", "label_map": "label_map", "converted_from": "checkpoint"},
    "claim": {name: name for name in ("source", "checkpoint", "population", "recipe")},
    **dict.fromkeys(KINDS, statements.REFERENCES),
}
TOML_FILES = {
    "checkpoints.toml": ("checkpoint",),
    "checkpoints/*.toml": ("checkpoint",),
    "recipes.toml": ("geometry", "numeric", "recipe"),
    "label_maps.toml": ("label_map",),
    "populations.toml": ("population",),
    "statements.toml": tuple(KINDS),
    "known_deviations.toml": ("deviation",),
}
CSV_FILES = {"sources.csv": "source", "claims.csv": "claim"}
CONTENT = ("checkpoint", "claim", *KINDS)  # a folder without any of these is no zoo; documents alone can be audited


def load_zoo(which: str | Path) -> Zoo:
    """The zoo called "embedded" or "published", or the one in a user's folder (a name wins over a folder).

    Raises ManifestError for the first data file, row or reference that is wrong.
    """
    root, folders = _folders(which)
    rows: dict[str, dict[str, _Row]] = {kind: {} for kind in MODELS}
    for folder in folders:
        for row in _read_folder(folder):
            _add(row, rows[row.kind])
    if not any(rows[kind] for kind in CONTENT):
        names = ", ".join(sorted(path.name for path in _listed(root))[:10]) or "nothing"
        wanted = "checkpoints.toml or checkpoints/*.toml with a [[checkpoint]]"
        documents = "claims.csv or statements.toml with an entry"
        raise ManifestError(f"{root}: expected {wanted}, or {documents}; got {names}")
    zoo = _zoo(str(which), root, rows)
    _check(zoo, rows)
    return replace(zoo, claims=with_settings(zoo.claims, zoo.statements.values()))


def _folders(which: str | Path) -> tuple[Path, list[Path]]:
    """Root of the zoo, and the folders its data files are in."""
    base, published = disk.DATA / "base", disk.DATA / "published"
    if which == "embedded":
        return disk.EMBEDDED, [base, disk.EMBEDDED]
    if which == "published":
        return published, [base, published, disk.REFERENCE_RESULTS]
    root = disk.given(which, "--zoo")
    if not root.is_dir():
        names = known_names(str(which), ("embedded", "published"))
        raise ManifestError(f"zoo {str(which)!r}: expected embedded, published or a folder, got neither; {names}")
    return root, [base, root]


# --- files to rows -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """One entry of a data file, not yet checked.

    number: its line in a CSV file, or its place among the tables of its kind in a TOML file of this `text`.
    """

    kind: str
    data: Mapping[str, Any]
    file: Path
    number: int
    text: str = ""

    def fail(self, problem: str, location: Location = ()) -> NoReturn:
        """Raise ManifestError about the field at `location`, or about the whole entry."""
        raise ManifestError(self.problem(problem, location))

    def problem(self, text: str, location: Location = ()) -> str:
        """`file, line 12: [[recipe]] 'a', field steps[1].size: text`."""
        field = f", field {_dotted(location)}" if location else ""
        name = f" {self.data['id']!r}" if isinstance(self.data.get("id"), str) else ""
        return f"{self.place(location)}: {self.kind}{name}{field}: {text}"

    def place(self, location: Location = ()) -> str:
        """`file, line 12`."""
        line = line_of(self.text, (self.kind, self.number, *location)) if self.text else self.number
        return f"{self.file}, line {line}"


def _dotted(location: Location) -> str:
    """("files", 0, "sha256") as files[0].sha256."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _read_folder(folder: Path) -> Iterator[_Row]:
    """Rows of every data file in `folder`; all of them are optional."""
    for pattern, kinds in TOML_FILES.items():
        for path in _named(folder, pattern):
            yield from _toml_rows(path, kinds)
    for name, kind in CSV_FILES.items():
        for path in _named(folder, name):
            yield from _csv_rows(path, kind)


def _named(folder: Path, pattern: str) -> list[Path]:
    """What has such a name, also a link to nothing: a file that somebody means is read, or it is an error."""
    parent, name = (folder / pattern).parent, Path(pattern).name
    if not os.path.lexists(parent):
        return []
    paths = (path for path in _listed(parent) if fnmatchcase(path.name, name) and not path.name.startswith("."))
    return sorted(paths)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise ManifestError(f"{folder}: expected a folder that can be listed: {error.strerror}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = f"byte 0x{error.object[error.start]:02x}"
        raise ManifestError(f"{path}, line {line}: expected UTF-8 text, got {byte}; save the file as UTF-8") from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from None


def _toml_rows(path: Path, kinds: tuple[str, ...]) -> Iterator[_Row]:
    """Every element of the arrays of tables named `kinds`."""
    text = _text(path)
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # not only tomllib's own: numbers may have too many digits
        raise ManifestError(f"{path}{_position(str(error), text)}") from None
    except RecursionError:
        raise ManifestError(f"{path}: {TOO_DEEP}") from None
    for kind, entries in data.items():
        if problem := _misplaced(kind, entries, kinds):
            raise ManifestError(f"{path}, line {line_of(text, (kind, 0))}: {problem}")
        for index, entry in enumerate(entries):
            yield _Row(kind, entry, path, index, text)


def _misplaced(kind: str, entries: Any, kinds: tuple[str, ...]) -> str:
    """What is wrong with a top-level key of a TOML file; empty if nothing is."""
    if kind not in kinds:
        return f"table {kind!r} is not known here; {known_names(kind, kinds)}"
    if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
        return ""
    got = f"[{kind}]" if isinstance(entries, dict) else f"{kind} = {entries!r}"
    return f"expected tables headed [[{kind}]], got {got}"


def _position(message: str, text: str) -> str:
    """`, line 3, column 5: not valid TOML: ...` from tomllib's own message."""
    match = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    if match is None:
        return f": not valid TOML: {message}"
    line = match[1] or len(text.splitlines())
    column = f", column {match[2]}" if match[2] else ""
    return f", line {line}{column}: not valid TOML: {message[: match.start()]}"


def _csv_rows(path: Path, kind: str) -> Iterator[_Row]:
    """One row per line of a CSV file with a header; empty fields are left out, so that defaults hold."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        columns = next(reader, [])
        _check_header(path, kind, columns)
        for values in filter(None, reader):
            number, got = reader.line_num, len(values)
            if got != len(columns):
                more = got > len(columns)
                hint = "a comma inside a field needs quotes" if more else "an empty field still needs its comma"
                raise ManifestError(f"{path}, line {number}: expected {len(columns)} fields, got {got} ({hint})")
            stated = {name: value for name, value in zip(columns, values, strict=True) if value}
            yield _Row(kind, stated, path, number)
    except csv.Error as error:
        raise ManifestError(f"{path}, line {reader.line_num}: not valid CSV: {error}") from None


def _check_header(path: Path, kind: str, columns: list[str]) -> None:
    known = MODELS[kind].model_fields
    needed = [name for name, field in known.items() if field.is_required()]
    if unknown := [name for name in columns if name not in known]:
        raise ManifestError(f"{path}, line 1: column {unknown[0]!r} is not known; {known_names(unknown[0], known)}")
    if missing := [name for name in needed if name not in columns]:
        got = ",".join(columns) or "an empty file"
        raise ManifestError(f"{path}, line 1: expected a header with {', '.join(missing)}; got {got}")
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise ManifestError(f"{path}, line 1: column {twice!r} stands there twice")


# --- rows to records ---------------------------------------------------------------------------


def _add(row: _Row, rows: dict[str, _Row]) -> None:
    """Put `row` under its id."""
    name = row.data.get("id")
    if not isinstance(name, str):
        row.fail("missing" if name is None else f"expected a valid string, got {name!r}", ("id",))
    if name in rows:
        row.fail(f"the id stands there already: {rows[name].place(('id',))}", ("id",))
    rows[name] = row


def _zoo(name: str, root: Path, rows: Mapping[str, Mapping[str, _Row]]) -> Zoo:
    found: dict[str, dict[str, Any]] = {
        kind: {name: _record(row, MODELS[kind]) for name, row in entries.items()} for kind, entries in rows.items()
    }
    for kind in MODELS:
        for row in rows[kind].values():
            _check_references(row, rows)
    recipes = {
        name: Recipe(**dict(each) | {part: found[part][getattr(each, part)] for part in REFERENCES["recipe"]})
        for name, each in found["recipe"].items()
    }
    stated: dict[str, Statement] = {}
    for kind in KINDS:
        for each_id, row in rows[kind].items():
            if each_id in stated:
                row.fail("the id stands there already, in a table of another kind", ("id",))
            stated[each_id] = found[kind][each_id]
    return Zoo(
        name=name,
        root=root,
        checkpoints=found["checkpoint"],
        recipes=recipes,
        geometries=found["geometry"],
        numerics=found["numeric"],
        label_maps=found["label_map"],
        populations=found["population"],
        sources=found["source"],
        claims=found["claim"],
        statements=stated,
        deviations=found["deviation"],
    )


def _record(row: _Row, model: type[Record]) -> Record:
    """The row as a record. TOML has types and is taken at its word; all CSV is text and is converted."""
    try:
        if row.kind in CSV_FILES.values():
            return model.from_json(row.data)
        return model.model_validate_json(json.dumps(row.data, default=str), strict=True)
    except ValidationError as error:
        problems = sorted(error.errors(include_url=False), key=lambda problem: problem["type"] != UNKNOWN)
        lines = [_explain(row, model, problem) for problem in problems[:PROBLEMS_SHOWN]]
        if len(problems) > PROBLEMS_SHOWN:
            lines.append(f"and {len(problems) - PROBLEMS_SHOWN} more")
        raise ManifestError("\n".join(lines)) from None
    except RecursionError:
        row.fail(TOO_DEEP)


PATTERNS = {
    TypeAdapter(Url).json_schema()["pattern"]: "an https address",
    TypeAdapter(IdPattern).json_schema()["pattern"]: "one {n} or {n:08d} in a name",
    TypeAdapter(Identifier).json_schema()[
        "pattern"
    ]: "an id (letters, digits and . _ + -; / between parts; a letter or digit first)",
    TypeAdapter(FileName).json_schema()["pattern"]: "the name of a file, without a folder",
    Claim.model_json_schema()["properties"]["value"]["pattern"]: "a number as printed, such as 71.88",
    **{f"^[0-9a-f]{{{digits}}}$": f"{digits} lower-case hex digits" for digits in (32, 40, 64, 96)},
}


def _explain(row: _Row, model: type[Record], problem: Any) -> str:
    """One of pydantic's errors in words: field, expected, got, nearest known names."""
    shown, _ = _walk(model, problem["loc"])
    kind, context, got = problem["type"], problem.get("ctx", {}), problem["input"]
    if kind == UNKNOWN:
        _, parents = _walk(model, problem["loc"][:-1])
        names = [name for parent in parents for name in parent.model_fields]
        return row.problem(f"not known; {known_names(str(shown[-1]), names)}", shown)
    if kind == "value_error":
        return row.problem(str(context["error"]), shown)
    if kind.startswith("union_tag"):
        shown = (*shown, context["discriminator"].strip("'"))
    if kind in ("missing", "union_tag_not_found"):
        return row.problem("missing", shown)
    if kind == "union_tag_invalid":
        tags = ", ".join(re.findall(r"'([^']*)'", context["expected_tags"]))
        return row.problem(f"expected one of {tags}; got {context['tag']!r}", shown)
    message = problem["msg"].partition("should be ")[2] or problem["msg"]
    expected = PATTERNS.get(context.get("pattern", ""), message)
    near = ""
    if kind == "literal_error" and isinstance(got, str):
        near = "; " + known_names(got, re.findall(r"'([^']*)'", context["expected"]))
    return row.problem(f"expected {expected}, got {got!r}{near}", shown)


def _walk(model: type[Record], location: Location) -> tuple[Location, list[type[Record]]]:
    """Pydantic's location without the tags of unions, which no file has, and the records possible there."""
    shown: list[str | int] = []
    models: list[type[Record]] = [model]
    for part in location:
        if tagged := [each for each in models if part in _tags(each)]:
            models = tagged
            continue
        shown.append(part)
        if isinstance(part, str):
            fields = [each.model_fields[part] for each in models if part in each.model_fields]
            models = [found for field in fields for found in _models(field.annotation)]
    return tuple(shown), models


def _tags(model: type[Record]) -> tuple[Any, ...]:
    """What the field that tells the records of a union apart may be in this one: `op` of steps, `family` of networks.

    Empty in no union.
    """
    fields = [field for name, field in model.model_fields.items() if name in ("op", "family")]
    return get_args(fields[0].annotation) if fields else ()


def _models(annotation: Any) -> list[type[Record]]:
    """The record types inside a field's annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


# --- references --------------------------------------------------------------------------------


def _check_references(row: _Row, rows: Mapping[str, Mapping[str, _Row]]) -> None:
    """Every id that the row names is there; each of its `sources` is one too, or an https address."""
    for name, kind in REFERENCES.get(row.kind, {}).items():
        value = row.data.get(name) or ()
        for one in (value,) if isinstance(value, str) else value:
            if one not in rows[kind]:
                expected = f"the id of a known {kind.replace('_', ' ')}"
                row.fail(f"expected {expected}, got {one!r}; {known_names(one, rows[kind])}", (name,))
    for index, source in enumerate(row.data.get("sources", ())):
        if source not in rows["source"] and not source.startswith("https://"):
            expected = "an https address or the id of a known source"
            row.fail(f"expected {expected}, got {source!r}; {known_names(source, rows['source'])}", ("sources", index))


def _check(zoo: Zoo, rows: Mapping[str, Mapping[str, _Row]]) -> None:
    """What two records say of one thing agrees."""
    for name, checkpoint in zoo.checkpoints.items():
        _check_checkpoint(zoo, checkpoint, rows["checkpoint"][name])
    for name, population in zoo.populations.items():
        _check_population(population, rows["population"][name])
    for name, claim in zoo.claims.items():
        side = zoo.recipes[claim.recipe].geometry.side if claim.recipe else None
        if side is not None and claim.resolution not in (None, side):
            problem = f"expected {side}, as recipe {claim.recipe!r} makes, got {claim.resolution}"
            rows["claim"][name].fail(problem, ("resolution",))
    for row in rows["setting"].values():
        for index, claim_id in enumerate(row.data["claims"]):
            if not (claim := zoo.claims[claim_id]).is_accuracy:
                problem = f"expected the id of an accuracy, got {claim_id!r}, which is of {claim.metric}"
                row.fail(problem, ("claims", index))


def _check_population(population: Population, row: _Row) -> None:
    """Run folders may hold weaker ones, of earlier versions; nothing is recognised by these."""
    if population.digest is None and population.labels_digest is None:
        row.fail(
            "digest or labels_digest is needed, as names alone recognise no images; the report.json of a run on them "
            "has both (images_digest, and labels_digest under recognition)"
        )
    if population.per_class is not None:
        row.fail("not known; labels_digest stands for the label of every image", ("per_class",))


def _check_checkpoint(zoo: Zoo, checkpoint: Checkpoint, row: _Row) -> None:
    recipe, label_map = zoo.recipes[checkpoint.recipe], zoo.label_maps[checkpoint.label_map]
    for name in CONSTANTS & checkpoint.options.keys():
        if not NUMBERS.fullmatch(str(checkpoint.options[name])):
            problem = f"expected a number, or three with commas between them, got {checkpoint.options[name]!r}"
            row.fail(problem, ("options", name))
    side, outputs = recipe.geometry.side, label_map.outputs
    made = f"expected {side}, as recipe {recipe.id!r} makes"
    mapped = f"expected {outputs}, as label map {label_map.id!r} has"
    if (network := checkpoint.network) and network.resolution != side:
        row.fail(f"{made}, got {network.resolution}", ("network", "resolution"))
    if network and network.classes != outputs:
        row.fail(f"{mapped}, got {network.classes}", ("network", "classes"))
    if (output := checkpoint.output) and output.shape[-1] not in (-1, outputs):
        row.fail(f"{mapped}, got {output.shape[-1]}", ("output", "shape"))
