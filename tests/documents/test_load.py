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


def no_such(kind: str, got: str, nearest: str) -> str:
    return f"expected the id of a known {kind}, got {got!r}; nearest: {nearest}"


MISTAKES = {
    # file: (line, field, what stands there, what shall stand there, what the message says of the field)
    "checkpoints.toml": [
        (6, "labelmap", 'label_map = "im', 'labelmap = "im', "not known; nearest: label_map"),
        (7, "network.clases", "classes = 1000", "clases = 1000", "not known; nearest: classes"),
        (11, "files[0].sha265", "sha256 =", "sha265 =", "not known; nearest: sha256"),
        (7, "network.alpha", "= 1.0,", "= 0,", "expected greater than 0, got 0"),
        (7, "network.resolution", "= 224,", '= "224",', "expected a valid integer, got '224'"),
        (4, "format", 'format = "onnx"', "format = 7", "expected a valid string, got 7"),
        (11, "files[0].sha256", '"00000000', '"ABCDEFGH', "expected 64 lower-case hex digits, got"),
        (
            11,
            "files[0].urls[0]",
            "sha256 =",
            'urls = ["http://a.b"]\nsha256 =',
            "expected an https address, got 'http://a.b'",
        ),
        (
            2,
            "id",
            '"mine/one"',
            '"mine one"',
            "expected an id (letters, digits and . _ + -; / between parts; a letter or digit first), got 'mine one'",
        ),
        (
            7,
            "network.padding",
            "classes = 1000",
            'classes = 1000, padding = "smae"',
            "expected 'symmetric' or 'same', got 'smae'; nearest: same",
        ),
        (5, "recipe", '"torch_256_224"', '"torch_265_224"', no_such("recipe", "torch_265_224", "torch_256_224")),
        (6, "label_map", '"imagenet1000"', '"imagenet"', no_such("label map", "imagenet", "imagenet1000")),
        (
            5,
            "converted_from",
            "recipe",
            'converted_from = "mine/on"\nrecipe',
            no_such("checkpoint", "mine/on", "mine/one"),
        ),
        (
            5,
            "sources[0]",
            "recipe",
            'sources = ["pge"]\nrecipe',
            "expected an https address or the id of a known source, got 'pge'; nearest: page",
        ),
        (7, "network.resolution", "= 224,", "= 192,", "expected 224, as recipe 'torch_256_224' makes, got 192"),
        (7, "network.classes", "= 1000", "= 1001", "expected 1000, as label map 'imagenet1000' has, got 1001"),
        (
            5,
            "output.shape",
            "recipe",
            'output = { name = "o", dtype = "float32", shape = [-1, 10] }\nrecipe',
            "expected 1000, as label map 'imagenet1000' has, got 10",
        ),
    ],
    "recipes.toml": [
        (5, "steps[1].size", "size = 32,", "", "missing"),
        (5, "steps[1].sise", "size = 32", "sise = 32, size = 32", "not known; nearest: size"),
        (
            5,
            "steps[1].offset",
            '"floor"',
            '"flor"',
            "expected 'floor', 'round_half_even' or 'half_minus_half', got 'flor'; nearest: floor",
        ),
        (
            5,
            "steps[1].op",
            '"centre_crop"',
            '"center_crop"',
            "expected one of decode, to_float, central_fraction, resize_short, resize_exact, centre_crop; "
            "got 'center_crop'",
        ),
        (5, "steps[1].op", 'op = "centre_crop", ', "", "missing"),
        (8, "geometry", 'geometry = "small"', "", "missing"),
        (10, "geometry", 'geometry = "small"', 'geometry = "smal"', no_such("geometry", "smal", "small")),
        (11, "numeric", '"imagenet_nchw"', '"imagenet_nchv"', no_such("numeric", "imagenet_nchv", "imagenet_nchw")),
    ],
    "claims.csv": [
        (2, "checkpoint", "top1,mine/one", "top1,mine/won", no_such("checkpoint", "mine/won", "mine/one")),
        (2, "population", "imagenet_val", "imagenet_vl", no_such("population", "imagenet_vl", "imagenet_val")),
        (3, "source", "MB,1,,page", "MB,1,,paper", no_such("source", "paper", "page")),
    ],
}


@pytest.mark.parametrize(
    ("file", "line", "field", "old", "new", "rest"),
    [(file, *mistake) for file, mistakes in MISTAKES.items() for mistake in mistakes],
    ids=[f"{field}-{new[:12]}" for mistakes in MISTAKES.values() for _, field, _, new, _ in mistakes],
)
def test_wrong_field(write: Write, file: str, line: int, field: str, old: str, new: str, rest: str) -> None:
    folder = write({file: changed(GOOD[file], old, new)})
    message = refused(folder)
    assert message.startswith(f"{folder / file}, line {line}: ")
    assert f", field {field}: {rest}" in message


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


def test_an_id_of_the_base_data_is_taken(write: Write) -> None:
    message = refused(write({"recipes.toml": RECIPES.replace('id = "small"', 'id = "torch_256_224"')}))
    assert "line 2: geometry 'torch_256_224', field id: the id stands there already: " in message
    assert "recipes.toml, line" in message.rpartition("already: ")[2]


def test_an_output_of_free_size_is_not_judged(write: Write) -> None:
    new = 'format = "onnx"\noutput = { name = "o", dtype = "float32", shape = [-1, -1] }'
    load_zoo(write({"checkpoints.toml": changed(CHECKPOINT, 'format = "onnx"', new)}))


ID = 'id = "mine/one"\n'
WHOLE = {
    # what is wrong: (file, its text, line, the whole message after it)
    "table of another kind": (
        "checkpoints.toml",
        CHECKPOINT + '\n[[checkpoints]]\nid = "x"\n',
        13,
        "table 'checkpoints' is not known here; nearest: checkpoint",
    ),
    "table instead of array": (
        "checkpoints.toml",
        "[checkpoint]\nid = 'x'\n",
        1,
        "expected tables headed [[checkpoint]], got [checkpoint]",
    ),
    "no table": (
        "checkpoints.toml",
        "checkpoint = 3\n",
        1,
        "expected tables headed [[checkpoint]], got checkpoint = 3",
    ),
    "missing field": (
        "checkpoints.toml",
        changed(CHECKPOINT, 'framework = "onnxruntime"\n', ""),
        1,
        "checkpoint 'mine/one', field framework: missing",
    ),
    "rule across fields": (
        "checkpoints.toml",
        CHECKPOINT[: CHECKPOINT.index("[[checkpoint.files]]")],
        1,
        "checkpoint 'mine/one': exactly one of files, export_from is needed (or `unavailable` with the reason)",
    ),
    "no id": ("checkpoints.toml", changed(CHECKPOINT, ID, ""), 1, "checkpoint, field id: missing"),
    "id of another type": (
        "checkpoints.toml",
        changed(CHECKPOINT, ID, "id = 5\n"),
        2,
        "checkpoint, field id: expected a valid string, got 5",
    ),
    "setting of a size": (
        "statements.toml",
        '[[setting]]\nid = "s"\nsource = "page"\nclaims = ["one-top1", "one-size"]\ncrop = 0.9\n',
        4,
        "setting 's', field claims[1]: expected the id of an accuracy, got 'one-size', which is of size",
    ),
    "unknown column": (
        "claims.csv",
        changed(CLAIMS, "decimals", "decimal"),
        1,
        "column 'decimal' is not known; nearest: decimals",
    ),
    "missing columns": (
        "claims.csv",
        "id,checkpoint,value\n",
        1,
        "expected a header with metric, unit, decimals, source; got id,checkpoint,value",
    ),
    "empty file": ("sources.csv", "", 1, "expected a header with id, title; got an empty file"),
    "column twice": ("sources.csv", "id,title,title\n", 1, "column 'title' stands there twice"),
    "too many fields": (
        "claims.csv",
        CLAIMS + "a,mine/one,size,1,000,MB,0,,page\n",
        4,
        "expected 8 fields, got 9 (a comma inside a field needs quotes)",
    ),
    "too few fields": (
        "claims.csv",
        CLAIMS + "a,mine/one,size\n",
        4,
        "expected 8 fields, got 3 (an empty field still needs its comma)",
    ),
}


@pytest.mark.parametrize(("file", "text", "line", "rest"), WHOLE.values(), ids=WHOLE)
def test_whole_message(write: Write, file: str, text: str, line: int, rest: str) -> None:
    folder = write({file: text})
    assert refused(folder) == f"{folder / file}, line {line}: {rest}"


# --- mistakes in CSV ---------------------------------------------------------------------------


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
