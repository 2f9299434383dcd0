"""Damaged, odd and missing input of every command: one clear sentence and the code 2 or 3; nothing is raised."""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.by_hand import folders as folders_by_hand
from tests.by_hand import little_zoo
from tests.by_hand.built import built
from tests.by_hand.folders import answers, run_with
from tests.by_hand.records import a_verdict
from zoo import disk
from zoo.cli.commands import run
from zoo.runs.folder import RunFolder

Damage = Callable[[Path], object]
LONG = "a" * 5000


@pytest.fixture
def folder(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stranger's zoo."""
    monkeypatch.chdir(tmp_path)
    return little_zoo.make(tmp_path / "little")


def refused(code: int, words: str, capsys: pytest.CaptureFixture[str], *arguments: object) -> None:
    """A command line ends with `code`, and says `words`, wherever they are wrapped."""
    assert run([str(each) for each in arguments]) == code
    found = capsys.readouterr()
    assert "".join(words.split()) in "".join((found.out + found.err).split())


# --- the files of a zoo --------------------------------------------------------------------------


def link_to_nothing(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("nowhere")


def link_to_itself(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (link_to_nothing, "it is a link to nothing"),
        (link_to_itself, "Too many levels of symbolic links"),
        (pipe, "expected a file, got a folder, a pipe or a device"),
    ],
)
def test_weights_that_are_no_file(damage: Damage, words: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(folder / "good.json")
    for command in ("validate", "doctor"):
        refused(3, words, capsys, command, "--zoo", folder)
    refused(3, "cannot fetch good.json: no address is known", capsys, "fetch", "--zoo", folder)
    assert run(["audit", "--zoo", str(folder)]) == 0  # what is not here is not looked into


@pytest.mark.parametrize("name", ["claims.csv", "sources.csv", "statements.toml", "checkpoints"])
@pytest.mark.parametrize(("damage", "words"), [(link_to_nothing, "No such file"), (link_to_itself, "Too many levels")])
def test_a_data_file_that_somebody_means_is_read_or_it_is_an_error(
    name: str, damage: Damage, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder / name)
    refused(2, f"{folder / name}: ", capsys, "list", "claims", "--zoo", folder)
    refused(2, words, capsys, "list", "claims", "--zoo", folder)


def test_an_editors_lock_is_no_data_file(folder: Path) -> None:
    (folder / "checkpoints").mkdir()
    link_to_nothing(folder / "checkpoints" / ".#mine.toml")
    assert run(["list", "checkpoints", "--zoo", str(folder)]) == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"deep = {'[' * 5000}{']' * 5000}", "its values are nested too deeply"),
        (f"{'a.' * 3000}b = 1", "its values are nested too deeply"),
        (f"opset = {'9' * 5000}", "not valid TOML: Exceeds the limit"),
        (
            'files = [{ name = "../good.json" }]',
            "begins with a point), got '../good.json'",
        ),
        (
            'files = [{ name = "good\\u0000.json" }]',
            "stays inside its folder (no part is empty or",
        ),
        ("options = { scale = 'x' }", "expected a number, or three with commas between them, got 'x'"),
        ("network = { alpha = inf, resolution = 8, classes = 10 }", "field network.alpha"),
        ("network = { alpha = 1e300, resolution = 8, classes = 10 }", "field network.alpha"),
        ("network = { alpha = 1.0, resolution = 1000000000000, classes = 10 }", "field network.resolution"),
        ('output = { name = "x", dtype = "float32", shape = [] }', "field output.shape"),
    ],
)
def test_a_value_that_no_record_can_have(
    line: str, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "checkpoints.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub("files = .*\n", "", text) if line.startswith("files") else text, encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    refused(2, words, capsys, "list", "checkpoints", "--zoo", folder)


def test_a_folder_whose_name_is_not_utf8_is_said_in_a_report(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror = Path(os.fsdecode(bytes(tmp_path) + b"/mirror/\xff"))
    mirror.mkdir(parents=True)
    (folder / "good.json").rename(mirror / "good.json")
    path = folder / "checkpoints.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(" }]", ", size_bytes = 5 }]"), encoding="utf-8")
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path / "mirror"))
    refused(3, r"/mirror/\udcff/good.json: expected 5 bytes", capsys, "validate", "--zoo", folder, "--out", "out")
    assert r"\udcff" in (RunFolder(Path("out")).report().runs[0].error or "")


def test_an_id_leads_into_no_other_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "checkpoints.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("little/good", "a/../../../b"), encoding="utf-8")
    refused(2, "expected an id (letters, digits", capsys, "fetch", "--zoo", folder)


# --- images --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (link_to_nothing, "0003.png: No such file or directory"),
        (link_to_itself, "0003.png: Too many levels of symbolic links"),
        (pipe, "0003.png: expected a file, got a pipe or a device"),
    ],
)
def test_an_image_that_is_no_file(damage: Damage, words: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(folder / "images" / "0003.png")
    refused(3, words, capsys, "validate", "--zoo", folder)


def test_an_image_whose_name_is_not_utf8(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(folder / "images" / "0003.png", os.fsdecode(bytes(folder / "images") + b"/\xff.png"))
    refused(3, "bytes that are not UTF-8", capsys, "validate", "--zoo", folder)


def test_a_tar_of_names_without_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = tarfile.TarInfo("x")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 1
    (folder / "x.tar").write_bytes((name.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0")) * 5000 + bytes(1024))
    refused(3, "expected a folder of images, or an uncompressed tar", capsys, "validate", "--images", folder / "x.tar")


# --- paths and numbers on the command line -------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (LONG, "File name too long"),
        ("~nobody-of-that-name/x", "Could not determine home directory"),
        ("\udcff", "its name is not UTF-8"),
        ("loop/x", "Too many levels of symbolic links"),
    ],
)
def test_a_path_of_which_nobody_can_know_whether_it_is_there(
    path: str, words: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    link_to_itself(Path("loop"))
    for command in (
        ("list", "claims", "--zoo", path),
        ("validate", "--zoo", folder, "--images", path),
        ("validate", "--zoo", folder, "--labels", path),
        ("validate", "--zoo", folder, "--out", path),
        ("validate", "--resume", path),
        ("bench", "--zoo", folder, "--baseline", path),
        ("compare", path),
        ("compare", folder, path),
        ("report", path, "--out", folder),
        ("audit", "--out", path),
    ):
        refused(2, words, capsys, *command)
    monkeypatch.setenv("ZOO_MIRROR", path)
    refused(2, words, capsys, "doctor", "--zoo", folder)
    monkeypatch.delenv("ZOO_MIRROR")
    monkeypatch.setenv("ZOO_HOME", path)
    refused(2, words, capsys, "validate", "--zoo", folder, "--out", "out")


@pytest.mark.parametrize(
    "words",
    [
        ("validate", "--tolerance", "nan"),
        ("plan", "*", "--tolerance", "nan"),
        ("bench", "--budget", "inf"),
        ("bench", "--budget", "nan"),
        ("bench", "--batch", "9" * 5000),
        ("validate", "--sample", "9" * 5000),
        ("validate", "--sample", "٣"),
        ("validate", "--seed", "9" * 5000),
    ],
)
def test_a_number_that_is_none(words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(2, f"Invalid value for '{words[-2]}'", capsys, *words)


# --- run folders ---------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A run folder with one run and its answers."""
    found = answers([0, 1, 2, 3], [0, 1, 2, 3])
    one = run_with(found)
    return folders_by_hand.write(tmp_path / "run", [(one, found)], [a_verdict(run=one.key)]).path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not readable as JSON"),
        ("[" * 100_000, "not readable as JSON"),
        ("9" * 5000, "not readable as JSON"),
        ("[]", "expected a JSON object, got list"),
        ('{"format": 1}', "field conditions: Field required"),
        ('{"format": 1, "conditions": 7}', "field conditions: Input should be a valid dictionary"),
    ],
)
def test_a_report_that_is_none(text: str, words: str, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (made / "report.json").write_text(text, encoding="utf-8")
    for command in (("report", made), ("compare", made), ("compare", made, made), ("bench", "--baseline", made)):
        refused(2, words, capsys, *command)


def test_a_folder_in_place_of_a_report(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_folder(made / "report.json")
    refused(2, "report.json: it cannot be read: Is a directory", capsys, "report", made)
    refused(2, "is not a run folder: it has no report.json", capsys, "report", made / "documents.json")


def no_answers(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, classes=np.zeros(3))


def answers_of_other_lengths(path: Path) -> None:
    with np.load(path) as found:
        arrays = {name: found[name] for name in found.files}
    with path.open("wb") as file:
        np.savez(file, **{**arrays, "classes": arrays["classes"][:2]})


def one_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b""), "EOFError"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "BadZipFile"),
        (lambda path: path.write_bytes(path.read_bytes()[:60] + b"\xff" * 60 + path.read_bytes()[120:]), "damaged"),
        (no_answers, "KeyError"),
        (one_array, "TypeError"),
        (answers_of_other_lengths, "its arrays do not fit together"),
    ],
)
def test_answers_that_are_damaged(damage: Damage, words: str, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = (made / "predictions").iterdir()
    damage(path)
    for command in (("report", made), ("compare", made), ("compare", made, made)):
        refused(3, words, capsys, *command)
        refused(3, f"{path}: ", capsys, *command)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ([1], "expected a JSON object, got list"),
        ({"batch": [1], "untrained": False}, "field batch: Extra inputs are not permitted"),
        ({"threads": "two"}, "field threads: Input should be a valid integer"),
        ({"threads": 0}, "field threads: Input should be greater than or equal to 1"),
        ({"tolerance": float("nan")}, "field tolerance: Input should be a finite number"),
        ({"sample": "all"}, "field sample"),
        ({"frameworks": ["pytroch"]}, "framework 'pytroch' is not known; nearest: torch"),
    ],
)
def test_a_request_that_cannot_be_resumed(
    request_: object, words: str, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (made / "request.json").write_text(json.dumps(request_), encoding="utf-8")
    refused(2, words, capsys, "validate", "--resume", made)


# --- the cache folder ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["results", "results/models", "pixels", "digests"])
def test_a_cache_that_cannot_be_written(
    name: str, folder: Path, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_home / name).parent.mkdir(exist_ok=True)
    (own_home / name).write_text("", encoding="utf-8")
    refused(3, f"cannot write {own_home / name}", capsys, "validate", "--zoo", folder, "--out", "out")


def test_a_cache_folder_that_is_a_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("ZOO_HOME", str(home))
        refused(3, "no folder: ", capsys, "doctor", "--zoo", folder)
        refused(3, f"cannot write {home}", capsys, "validate", "--zoo", folder, "--out", "out")


@pytest.mark.parametrize("command", [("--out", "file"), ("--out", "file/below")])
def test_a_run_folder_that_cannot_be_written(
    command: tuple[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_text("", encoding="utf-8")
    words = f"cannot write {command[1]}/request.json"
    refused(3, words, capsys, "validate", "--zoo", folder, *command)
    refused(3, "make it writable or choose another place", capsys, "validate", "--zoo", folder, *command)


# --- environments --------------------------------------------------------------------------------


def test_an_environment_whose_python_is_gone(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = built("onnxruntime").folder
    home = tmp_path / "another"
    broken = home / "envs" / folder.name
    broken.mkdir(parents=True)
    shutil.copy(folder / "environment.json", broken)
    monkeypatch.setenv("ZOO_HOME", str(home))
    gone = f"its Python is gone: {broken / 'bin' / 'python'}"
    remedy = f"delete {broken}, then zoo setup onnxruntime"
    arguments = ("validate", "--checkpoints", "embedded/onnx", "--images", disk.EMBEDDED / "images", "--sample", "8")
    refused(3, f"{gone}; {remedy}", capsys, *arguments, "--out", tmp_path / "out")
    refused(3, f"{gone}; {remedy}", capsys, "setup", "onnxruntime")
    refused(3, "its Python is gone", capsys, "doctor")
    refused(0, f"broken: {remedy}", capsys, "list", "frameworks")
