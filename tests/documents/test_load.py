"""A user's zoo: what loads, and what each mistake in its data files is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.documents.load import Zoo, load_zoo
from zoo.errors import ManifestError

CHECKPOINT = """\
[[checkpoint]]
id = "mine/one"
framework = "onnxruntime"
format = "onnx"
recipe = "torch_256_224"
label_map = "imagenet1000"
network = { alpha = 1.0, resolution = 224, classes = 1000 }

[[checkpoint.files]]
name = "one.onnx"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"""
RECIPES = """\
[[geometry]]
id = "small"
steps = [
    { op = "decode", library = "pil", exif = "ignore" },
    { op = "centre_crop", size = 32, offset = "floor" },
]

[[recipe]]
id = "small"
geometry = "small"
numeric = "imagenet_nchw"
"""
SOURCES = "id,title,url\npage,My page,https://example.org/page\n"
CLAIMS = """\
id,checkpoint,metric,value,unit,decimals,population,source
one-top1,mine/one,top1,71.8,percent,1,imagenet_val,page
one-size,mine/one,size,13.6,MB,1,,page
"""
GOOD = {"checkpoints.toml": CHECKPOINT, "recipes.toml": RECIPES, "sources.csv": SOURCES, "claims.csv": CLAIMS}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a good zoo with some files replaced; None leaves a file out."""

    def put(changes: dict[str, str | bytes | None] | None = None) -> Path:
        for name, content in {**GOOD, **(changes or {})}.items():
            if content is not None:
                path = tmp_path / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return put


def refused(folder: Path) -> str:
    with pytest.raises(ManifestError) as caught:
        load_zoo(folder)
    return str(caught.value)


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} must stand there once"
    return text.replace(old, new)


# --- what loads --------------------------------------------------------------------------------


def test_a_users_zoo_has_the_base_data_and_its_own(write: Write) -> None:
    zoo = load_zoo(write())
    assert list(zoo.checkpoints) == ["mine/one"]
    assert list(zoo.claims) == ["one-top1", "one-size"]
    assert zoo.claims["one-top1"].interval() == (0.7175, 0.7185)
    assert zoo.recipes["small"].geometry.side == 32
    assert zoo.recipes["small"].numeric is zoo.numerics["imagenet_nchw"]
    assert {"torch_256_224", "small"} <= set(zoo.recipes)
    assert {"imagenet1000", "background_first", "trailing_unused"} <= set(zoo.label_maps)
    assert zoo.populations["imagenet_val"].images == 50_000


def test_root_is_the_folder(write: Write) -> None:
    folder = write()
    assert load_zoo(str(folder)) == load_zoo(folder)
    assert load_zoo(folder).root == folder


def test_everything_but_checkpoints_is_optional(write: Write) -> None:
    only = write({"recipes.toml": None, "sources.csv": None, "claims.csv": None})
    assert not load_zoo(only).claims


def test_checkpoints_in_a_folder_are_read_in_order_of_name(write: Write) -> None:
    other = {f"checkpoints/{name}.toml": CHECKPOINT.replace("one", name) for name in ("b", "a")}
    assert list(load_zoo(write(other)).checkpoints) == ["mine/one", "mine/a", "mine/b"]


def test_a_byte_order_mark_is_no_error(write: Write) -> None:
    folder = write({"checkpoints.toml": "\ufeff" + CHECKPOINT, "claims.csv": "\ufeff" + CLAIMS})
    assert len(load_zoo(folder).claims) == 2


def test_quoted_csv_fields_may_span_lines(write: Write) -> None:
    header, first, second = CLAIMS.splitlines()
    text = f'{header},note\n{first},"two\nlines"\n{second},\n'
    assert load_zoo(write({"claims.csv": text})).claims["one-top1"].note == "two\nlines"


def test_names_win_over_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "embedded").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "embedded/onnx" in load_zoo("embedded").checkpoints


@pytest.mark.parametrize("which", ["embedded", "published"])
def test_own_zoos_load(which: str) -> None:
    zoo = load_zoo(which)
    assert isinstance(zoo, Zoo)
    assert zoo.name == which


# --- mistakes in TOML --------------------------------------------------------------------------


def test_unknown_zoo() -> None:
    with pytest.raises(ManifestError, match="zoo 'publishd': expected embedded, published or a folder, got neither"):
        load_zoo("publishd")


def test_folder_without_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.toml").write_text(CHECKPOINT)
    message = refused(tmp_path)
    assert message == (
        f"{tmp_path}: expected checkpoints.toml or checkpoints/*.toml with a [[checkpoint]], or claims.csv or "
        "statements.toml with an entry; got checkpoint.toml"
    )


def test_bad_syntax(write: Write) -> None:
    folder = write({"checkpoints.toml": changed(CHECKPOINT, 'format = "onnx"', "format = onnx")})
    message = refused(folder)
    assert message.startswith(f"{folder / 'checkpoints.toml'}, line 4, column 10: not valid TOML: ")


def test_syntax_error_at_the_end(write: Write) -> None:
    folder = write({"checkpoints.toml": CHECKPOINT + 'quirks = ["a",'})
    assert f"{folder / 'checkpoints.toml'}, line 12: not valid TOML: " in refused(folder)


@pytest.mark.parametrize(("file", "text"), [("checkpoints.toml", CHECKPOINT), ("claims.csv", CLAIMS)])
def test_not_utf8(write: Write, file: str, text: str) -> None:
    lines = text.encode().splitlines()
    lines[1] += "é".encode("latin-1")
    folder = write({file: b"\n".join(lines) + b"\n"})
    assert refused(folder) == f"{folder / file}, line 2: expected UTF-8 text, got byte 0xe9; save the file as UTF-8"


def test_unreadable_file(write: Write) -> None:
    folder = write({"recipes.toml": None})
    (folder / "recipes.toml").mkdir()
    assert refused(folder) == f"{folder / 'recipes.toml'}: cannot be read: Is a directory"


def test_table_of_another_kind(write: Write) -> None:
    folder = write({"checkpoints.toml": CHECKPOINT + '\n[[checkpoints]]\nid = "x"\n'})
    assert refused(folder) == (
        f"{folder / 'checkpoints.toml'}, line 13: table 'checkpoints' is not known here; nearest: checkpoint"
    )


@pytest.mark.parametrize(
    ("text", "got"), [("[checkpoint]\nid = 'x'\n", "[checkpoint]"), ("checkpoint = 3\n", "checkpoint = 3")]
)
def test_table_instead_of_array(write: Write, text: str, got: str) -> None:
    folder = write({"checkpoints.toml": text})
    assert refused(folder) == (
        f"{folder / 'checkpoints.toml'}, line 1: expected tables headed [[checkpoint]], got {got}"
    )


FIELDS = [
    # (file, old, new, line, field, rest of the message)
    ("checkpoints.toml", 'label_map = "im', 'labelmap = "im', 6, "labelmap", "not known; nearest: label_map"),
    (
        "checkpoints.toml",
        "classes = 1000",
        "clases = 1000",
        7,
        "network.clases",
        "not known; nearest: classes",
    ),
    ("checkpoints.toml", "sha256 =", "sha265 =", 11, "files[0].sha265", "not known; nearest: sha256"),
    ("checkpoints.toml", "= 1.0,", "= 0,", 7, "network.alpha", "expected greater than 0, got 0"),
    (
        "checkpoints.toml",
        "= 224,",
        '= "224",',
        7,
        "network.resolution",
        "expected a valid integer, got '224'",
    ),
    ("checkpoints.toml", 'format = "onnx"', "format = 7", 4, "format", "expected a valid string, got 7"),
    (
        "checkpoints.toml",
        '"00000000',
        '"ABCDEFGH',
        11,
        "files[0].sha256",
        "expected 64 lower-case hex digits, got",
    ),
    (
        "checkpoints.toml",
        "sha256 =",
        'urls = ["http://a.b"]\nsha256 =',
        11,
        "files[0].urls[0]",
        "expected an https address, got 'http://a.b'",
    ),
    (
        "checkpoints.toml",
        '"mine/one"',
        '"mine one"',
        2,
        "id",
        "expected an id (letters, digits and . _ + -; / between parts; a letter or digit first), got 'mine one'",
    ),
    (
        "checkpoints.toml",
        "classes = 1000",
        'classes = 1000, padding = "smae"',
        7,
        "network.padding",
        "expected 'symmetric' or 'same', got 'smae'; nearest: same",
    ),
    ("recipes.toml", "size = 32,", "", 5, "steps[1].size", "missing"),
    ("recipes.toml", "size = 32", "sise = 32, size = 32", 5, "steps[1].sise", "not known; nearest: size"),
    (
        "recipes.toml",
        '"floor"',
        '"flor"',
        5,
        "steps[1].offset",
        "expected 'floor', 'round_half_even' or 'half_minus_half', got 'flor'; nearest: floor",
    ),
    (
        "recipes.toml",
        '"centre_crop"',
        '"center_crop"',
        5,
        "steps[1].op",
        "expected one of decode, to_float, central_fraction, resize_short, resize_exact, centre_crop; "
        "got 'center_crop'",
    ),
    ("recipes.toml", 'op = "centre_crop", ', "", 5, "steps[1].op", "missing"),
    ("recipes.toml", 'geometry = "small"', "", 8, "geometry", "missing"),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "field", "rest"),
    FIELDS,
    ids=[f"{case[4]}-{case[2][:12]}" for case in FIELDS],
)
def test_wrong_field(write: Write, file: str, old: str, new: str, line: int, field: str, rest: str) -> None:
    folder = write({file: changed(GOOD[file], old, new)})
    message = refused(folder)
    assert message.startswith(f"{folder / file}, line {line}: ")
    assert f", field {field}: {rest}" in message


def test_missing_field_names_the_entry(write: Write) -> None:
    folder = write({"checkpoints.toml": changed(CHECKPOINT, 'framework = "onnxruntime"\n', "")})
    assert refused(folder) == (
        f"{folder / 'checkpoints.toml'}, line 1: checkpoint 'mine/one', field framework: missing"
    )


def test_rule_across_fields(write: Write) -> None:
    folder = write({"checkpoints.toml": CHECKPOINT[: CHECKPOINT.index("[[checkpoint.files]]")]})
    assert refused(folder) == (
        f"{folder / 'checkpoints.toml'}, line 1: checkpoint 'mine/one': exactly one of files, export_from "
        "is needed (or `unavailable` with the reason)"
    )


def test_many_problems_are_cut(write: Write) -> None:
    text = CHECKPOINT.replace("[[checkpoint.files]]", "".join(f"x{n} = 1\n" for n in range(7)) + "[[checkpoint.files]]")
    message = refused(write({"checkpoints.toml": text}))
    assert message.count("not known") == 5
    assert message.endswith("and 2 more")


def test_duplicate_id_names_both_places(write: Write) -> None:
    folder = write({"checkpoints/more.toml": "# again\n\n" + CHECKPOINT})
    assert refused(folder) == (
        f"{folder / 'checkpoints/more.toml'}, line 4: checkpoint 'mine/one', field id: "
        f"the id stands there already: {folder / 'checkpoints.toml'}, line 2"
    )


@pytest.mark.parametrize(
    ("new", "line", "rest"), [("", 1, "missing"), ("id = 5\n", 2, "expected a valid string, got 5")]
)
def test_no_id(write: Write, new: str, line: int, rest: str) -> None:
    folder = write({"checkpoints.toml": changed(CHECKPOINT, 'id = "mine/one"\n', new)})
    assert refused(folder) == f"{folder / 'checkpoints.toml'}, line {line}: checkpoint, field id: {rest}"


def test_an_id_of_the_base_data_is_taken(write: Write) -> None:
    message = refused(write({"recipes.toml": RECIPES.replace('id = "small"', 'id = "torch_256_224"')}))
    assert "line 2: geometry 'torch_256_224', field id: the id stands there already: " in message
    assert "recipes.toml, line" in message.rpartition("already: ")[2]


REFERENCES = [
    (
        "checkpoints.toml",
        '"torch_256_224"',
        '"torch_265_224"',
        5,
        "recipe",
        "expected the id of a known recipe, got 'torch_265_224'; nearest: torch_256_224",
    ),
    (
        "checkpoints.toml",
        '"imagenet1000"',
        '"imagenet"',
        6,
        "label_map",
        "expected the id of a known label map, got 'imagenet'; nearest: imagenet1000",
    ),
    (
        "checkpoints.toml",
        'format = "onnx"',
        'format = "onnx"\nconverted_from = "mine/on"',
        5,
        "converted_from",
        "expected the id of a known checkpoint, got 'mine/on'; nearest: mine/one",
    ),
    (
        "checkpoints.toml",
        'format = "onnx"',
        'format = "onnx"\nsources = ["pge"]',
        5,
        "sources[0]",
        "expected an https address or the id of a known source, got 'pge'; nearest: page",
    ),
    (
        "recipes.toml",
        'geometry = "small"',
        'geometry = "smal"',
        10,
        "geometry",
        "expected the id of a known geometry, got 'smal'; nearest: small",
    ),
    (
        "recipes.toml",
        '"imagenet_nchw"',
        '"imagenet_nchv"',
        11,
        "numeric",
        "expected the id of a known numeric, got 'imagenet_nchv'; nearest: imagenet_nchw",
    ),
    (
        "claims.csv",
        "one-top1,mine/one",
        "one-top1,mine/won",
        2,
        "checkpoint",
        "expected the id of a known checkpoint, got 'mine/won'; nearest: mine/one",
    ),
    (
        "claims.csv",
        "imagenet_val",
        "imagenet_vl",
        2,
        "population",
        "expected the id of a known population, got 'imagenet_vl'; nearest: imagenet_val",
    ),
    (
        "claims.csv",
        "MB,1,,page",
        "MB,1,,paper",
        3,
        "source",
        "expected the id of a known source, got 'paper'; nearest: page",
    ),
    (
        "checkpoints.toml",
        "= 224,",
        "= 192,",
        7,
        "network.resolution",
        "expected 224, as recipe 'torch_256_224' makes, got 192",
    ),
    (
        "checkpoints.toml",
        "classes = 1000",
        "classes = 1001",
        7,
        "network.classes",
        "expected 1000, as label map 'imagenet1000' has, got 1001",
    ),
    (
        "checkpoints.toml",
        'format = "onnx"',
        'format = "onnx"\noutput = { name = "o", dtype = "float32", shape = [-1, 10] }',
        5,
        "output.shape",
        "expected 1000, as label map 'imagenet1000' has, got 10",
    ),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "field", "rest"), REFERENCES, ids=[case[4] for case in REFERENCES]
)
def test_reference(write: Write, file: str, old: str, new: str, line: int, field: str, rest: str) -> None:
    folder = write({file: changed(GOOD[file], old, new)})
    message = refused(folder)
    assert message.startswith(f"{folder / file}, line {line}: ")
    assert f", field {field}: {rest}" in message


def test_an_output_of_free_size_is_not_judged(write: Write) -> None:
    new = 'format = "onnx"\noutput = { name = "o", dtype = "float32", shape = [-1, -1] }'
    load_zoo(write({"checkpoints.toml": changed(CHECKPOINT, 'format = "onnx"', new)}))


# --- mistakes in CSV ---------------------------------------------------------------------------


def test_unknown_column(write: Write) -> None:
    folder = write({"claims.csv": changed(CLAIMS, "decimals", "decimal")})
    assert refused(folder) == f"{folder / 'claims.csv'}, line 1: column 'decimal' is not known; nearest: decimals"


def test_missing_columns(write: Write) -> None:
    folder = write({"claims.csv": "id,checkpoint,value\n"})
    assert refused(folder) == (
        f"{folder / 'claims.csv'}, line 1: expected a header with metric, unit, decimals, source; "
        "got id,checkpoint,value"
    )


def test_empty_file(write: Write) -> None:
    folder = write({"sources.csv": ""})
    assert refused(folder) == f"{folder / 'sources.csv'}, line 1: expected a header with id, title; got an empty file"


def test_column_twice(write: Write) -> None:
    folder = write({"sources.csv": "id,title,title\n"})
    assert refused(folder) == f"{folder / 'sources.csv'}, line 1: column 'title' stands there twice"


@pytest.mark.parametrize(
    ("row", "got", "hint"),
    [
        ("a,mine/one,size,1,000,MB,0,,page", 9, "a comma inside a field needs quotes"),
        ("a,mine/one,size", 3, "an empty field still needs its comma"),
    ],
)
def test_number_of_fields(write: Write, row: str, got: int, hint: str) -> None:
    folder = write({"claims.csv": CLAIMS + row + "\n"})
    assert refused(folder) == f"{folder / 'claims.csv'}, line 4: expected 8 fields, got {got} ({hint})"


def test_unclosed_quote(write: Write) -> None:
    folder = write({"sources.csv": SOURCES + '"b,B,\n'})
    assert refused(folder).startswith(f"{folder / 'sources.csv'}, line 3: not valid CSV: ")


VALUES = [
    ("71.8,percent", "71.8%,percent", "value", "expected a number as printed, such as 71.88, got '71.8%'"),
    ("71.8,percent", "718.0,percent", "", "value 718.0 percent is not an accuracy"),
    ("percent,1", "percent,2", "", "decimals is 2, but '71.8' has 1"),
    ("percent,1", "ms,1", "", "unit 'ms' does not fit top1; known: percent, fraction, percent_error, fraction_error"),
    ("percent,1,imagenet_val", "percent,1,", "", "population is needed for top1"),
    ("top1,71.8,percent,1,imagenet_val", "latency,0.0,ms,1,", "", "value is 0.0; latency is more than nothing"),
    ("71.8", "٧١.٨", "value", "expected a number as printed, such as 71.88, got '٧١.٨'"),
    ("71.8", "9" * 40 + ".8", "value", f"expected a number as printed, such as 71.88, got '{'9' * 40}.8'"),
    ("top1,71.8", "top2,71.8", "metric", "got 'top2'; nearest: top5, top1"),
    ("percent,1,imagenet_val,page", "percent,1,imagenet_val,", "source", "missing"),
]


@pytest.mark.parametrize(("old", "new", "field", "rest"), VALUES, ids=[case[1] for case in VALUES])
def test_wrong_value(write: Write, old: str, new: str, field: str, rest: str) -> None:
    folder = write({"claims.csv": changed(CLAIMS, old, new)})
    message = refused(folder)
    name = f", field {field}: " if field else ": "
    assert message.startswith(f"{folder / 'claims.csv'}, line 2: claim 'one-top1'{name}")
    assert message.endswith(rest)


def test_line_of_a_row_after_a_quoted_newline(write: Write) -> None:
    header, first, second = CLAIMS.splitlines()
    text = f'{header},note\n{first},"two\nlines"\n{second.replace("13.6", "big")},\n'
    assert ", line 4: claim 'one-size', field value: " in refused(write({"claims.csv": text}))


def test_duplicate_rows(write: Write) -> None:
    folder = write({"claims.csv": CLAIMS + CLAIMS.splitlines()[1] + "\n"})
    path = folder / "claims.csv"
    assert refused(folder) == (
        f"{path}, line 4: claim 'one-top1', field id: the id stands there already: {path}, line 2"
    )


def test_a_setting_is_of_accuracies(write: Write) -> None:
    setting = '[[setting]]\nid = "s"\nsource = "page"\nclaims = ["one-top1", "one-size"]\ncrop = 0.9\n'
    folder = write({"statements.toml": setting})
    expected = "field claims[1]: expected the id of an accuracy, got 'one-size', which is of size"
    assert refused(folder) == f"{folder / 'statements.toml'}, line 4: setting 's', {expected}"
