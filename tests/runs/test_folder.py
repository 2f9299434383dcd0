"""A run folder is read again as it was written, or the damaged file is named; no number of it changes unseen."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import zoo
from tests.by_hand import folders as folders_by_hand
from tests.by_hand.built import REPOSITORY
from tests.by_hand.folders import ANIMALS, SHIFTED, answers, run_with
from tests.by_hand.records import a_claim, a_latency_run
from zoo import kept
from zoo.cli.commands import cli
from zoo.errors import DamagedError, RunFolderError
from zoo.jobs.request import Request
from zoo.records import Report
from zoo.runs.folder import RunFolder

OLD = REPOSITORY / "tests" / "data" / "run_format_1"
GOOD = answers([0, 1, 2, 3, 4, 5, 0, 1], [0, 1, 2, 3, 4, 5, 0, 1])
BAD = answers([1, 1, 2, 3, 4, 4, 0, 0], [0, 1, 2, 3, 4, 5, 0, 1])
ONE = run_with(GOOD, key="11" * 32, checkpoint="a/one")
TWO = run_with(BAD, key="22" * 32, checkpoint="a/two", weights="w2")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Two finished runs with their answers, `a/one` right on 8 images and `a/two` on 5, and a latency."""
    made = folders_by_hand.write(tmp_path / "run", [(ONE, GOOD), (TWO, BAD)], latencies=[a_latency_run()])
    made.create(Request().to_json())
    return made


def of(folder: RunFolder, number: str) -> Path:
    """The answers of a run."""
    return folder.path / "predictions" / f"{number * 32}.npz"


def states(folder: RunFolder) -> list[tuple[str, int]]:
    return [(run.status, run.top1_correct) for run in folder.report().runs]


def command(*words: object) -> tuple[int, str]:
    """Exit code and everything that was printed; a ZooError is its message."""
    result = CliRunner().invoke(cli, [*map(str, words)], standalone_mode=False)
    if isinstance(result.exception, DamagedError):
        return 3, str(result.exception)
    if isinstance(result.exception, RunFolderError):
        return 2, str(result.exception)
    assert result.exception is None, result.exception
    return result.return_value, result.output


def test_whole_is_read(folder: RunFolder) -> None:
    report = folder.report()
    assert states(folder) == [("done", 8), ("done", 5)]
    assert folder.damages() == ()
    assert (report.format, set(report.answers)) == (2, {ONE.key, TWO.key})
    found = folder.predictions(TWO)
    assert found is not None
    assert np.array_equal(found.indices, BAD.indices)
    assert folder.documents().label_maps == (ANIMALS, SHIFTED)
    assert folder.request(Request) == Request()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) // 2],
    "trailer cut off": lambda data: data[:-170],
    "empty": lambda data: b"",
    "zeros": lambda data: data[:40] + bytes(200) + data[240:],
    "flipped": lambda data: data[:90] + bytes([data[90] ^ 1]) + data[91:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_answers_end_their_own_run(folder: RunFolder, damage: Callable[[bytes], bytes]) -> None:
    of(folder, "22").write_bytes(damage(of(folder, "22").read_bytes()))
    assert states(folder) == [("done", 8), ("failed", 0)]
    (told,) = folder.damages()
    assert told.startswith("a/two@onnxruntime: ")
    assert str(of(folder, "22")) in told
    assert "zoo validate --resume" in told


def test_removed_answers_are_missed(folder: RunFolder) -> None:
    of(folder, "11").unlink()
    assert states(folder) == [("failed", 0), ("done", 5)]
    assert "is missing" in folder.damages()[0]


def test_answers_that_were_never_there_are_not_missed(tmp_path: Path) -> None:
    folder = folders_by_hand.write(tmp_path / "run", [(ONE, None)])
    assert states(folder) == [("done", 8)]


def test_swapped_answers_are_found(folder: RunFolder) -> None:
    both = of(folder, "11").read_bytes(), of(folder, "22").read_bytes()
    of(folder, "11").write_bytes(both[1])
    of(folder, "22").write_bytes(both[0])
    assert states(folder) == [("failed", 0), ("failed", 0)]
    assert all("it is of another key" in told for told in folder.damages())


def test_whole_answers_of_another_day_are_found(folder: RunFolder) -> None:
    """The key is right, and the file is not the one that was judged."""
    other = answers([0, 1, 2, 3, 4, 5, 0, 2], [0, 1, 2, 3, 4, 5, 0, 2])
    folder.write_predictions(ONE, other)
    assert states(folder)[0] == ("failed", 0)
    assert "it is not the file that report.json was written with" in folder.damages()[0]


@pytest.mark.parametrize("name", ["report.json", "documents.json", "request.json"])
def test_any_flipped_bit_of_a_json_file_is_named(folder: RunFolder, name: str) -> None:
    path = folder.path / name
    whole, chance = path.read_bytes(), random.Random(5)
    before = folder.report(), folder.documents(), folder.request(Request)
    for _ in range(40):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        told = name
        try:
            assert (folder.report(), folder.documents(), folder.request(Request)) == before  # another kind of space
        except RunFolderError as error:
            told = str(error)
        assert name in told


@pytest.mark.parametrize("name", ["report.json", "documents.json"])
@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-30], lambda data: b"[]", lambda data: b"\xff"]
)
def test_a_damaged_json_file_is_wrong_use(folder: RunFolder, name: str, damage: Callable[[bytes], bytes]) -> None:
    path = folder.path / name
    path.write_bytes(damage(path.read_bytes()))
    for words in (("report", folder.path), ("compare", folder.path), ("compare", folder.path, folder.path)):
        code, told = command(*words)
        assert code == 2
        assert str(path) in told
    with pytest.raises(RunFolderError, match=name):
        zoo.load_run(folder.path)


def edit(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **fields}), encoding="utf-8")


def test_edited_counts_are_found(folder: RunFolder) -> None:
    path = folder.path / "report.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["runs"][1].update(top1_correct=8, top5_correct=8)
    edit(path, runs=stored["runs"])
    with pytest.raises(RunFolderError, match="damaged or edited"):
        folder.report()
    # even where somebody makes the seal fit
    kept.write_json(path, "report.json", stored)
    assert states(folder) == [("done", 8), ("failed", 0)]
    assert "n, top-1 and top-5 are (8, 5, 7), report.json says (8, 8, 8)" in folder.damages()[0]


def test_a_seal_that_was_taken_off_is_missed(folder: RunFolder) -> None:
    path = folder.path / "report.json"
    stored = {name: value for name, value in json.loads(path.read_text()).items() if name != "seal"}
    path.write_text(json.dumps(stored))
    with pytest.raises(RunFolderError, match="its seal is missing"):
        folder.report()


def test_documents_of_another_run_are_found(folder: RunFolder, tmp_path: Path) -> None:
    claim = a_claim(checkpoint="a/two", value="62.5", decimals=1)
    other = folders_by_hand.write(tmp_path / "other", [(TWO, BAD)], documents={"claims": (claim,)})
    shutil.copy(other.path / "documents.json", folder.path)
    assert folder.report().runs
    with pytest.raises(RunFolderError, match="not the file that report"):
        folder.documents()


def test_a_report_is_not_written_over_where_answers_are_damaged(folder: RunFolder) -> None:
    """Its counts are all that is left of the run."""
    before, whole = (folder.path / "report.json").read_bytes(), of(folder, "22").read_bytes()
    of(folder, "22").write_bytes(whole[:100])
    code, told = command("report", folder.path)
    assert code == 3
    assert "nothing was written" in told
    assert "a/two@onnxruntime" in told
    assert (folder.path / "report.json").read_bytes() == before
    of(folder, "22").write_bytes(whole)
    assert command("report", folder.path)[0] == 0
    assert states(folder) == [("done", 8), ("done", 5)]


def test_a_damaged_run_is_told_and_the_others_are_judged(folder: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(folder.path, tmp_path / "whole")
    of(folder, "22").write_bytes(b"")
    code, told = command("compare", folder.path)
    assert code == 3
    assert "failed: a/two@onnxruntime" in told
    for words in (("compare", tmp_path / "whole", folder.path), ("compare", folder.path, tmp_path / "whole")):
        code, told = command(*words)
        assert code == 3, told
    code, _ = command("report", folder.path, "--out", tmp_path / "merged")
    merged = RunFolder(tmp_path / "merged")
    assert (code, states(merged)) == (3, [("done", 8), ("failed", 0)])
    # another folder has the run
    code, _ = command("report", folder.path, tmp_path / "whole", "--out", tmp_path / "both")
    assert (code, states(RunFolder(tmp_path / "both"))) == (3, [("done", 8), ("done", 5)])
    assert zoo.load_run(folder.path).runs["status"].tolist() == ["done", "failed"]


@pytest.fixture
def old(tmp_path: Path) -> RunFolder:
    """A run folder that version 1 of the format wrote: `little/good` right on 12 images, `little/shifted` on 4."""
    shutil.copytree(OLD, tmp_path / "old")
    return RunFolder(tmp_path / "old")


def test_an_old_folder_is_read_and_judged(old: RunFolder) -> None:
    assert (old.report().format, states(old)) == (1, [("done", 12), ("done", 4)])
    code, told = command("compare", old.path)
    assert code == 0
    assert "3 verdicts differ from what is stored" in told  # two of a newer rule, one in a sentence
    assert command("compare", old.path, old.path)[0] == 0
    assert len(zoo.load_run(old.path).predictions) == 24
    assert old.request(Request).zoo == "little"


def test_an_old_folder_that_is_written_again_is_a_new_one(old: RunFolder) -> None:
    before = [old.predictions(run) for run in old.report().runs]
    assert command("report", old.path)[0] == 0
    report = old.report()
    assert (report.format, states(old)) == (2, [("done", 12), ("done", 4)])
    assert set(report.answers) == {run.key for run in report.runs}
    for run, earlier in zip(report.runs, before, strict=True):
        found = old.predictions(run)
        assert found is not None
        assert earlier is not None
        assert np.array_equal(found.scores, earlier.scores)


def test_numbers_of_an_old_folder_are_held_against_its_answers(old: RunFolder) -> None:
    first, second = sorted((old.path / "predictions").iterdir())
    both = first.read_bytes(), second.read_bytes()
    first.write_bytes(both[1])
    second.write_bytes(both[0])
    assert states(old) == [("failed", 0), ("failed", 0)]
    assert command("report", old.path)[0] == 3
    first.write_bytes(both[0])
    second.write_bytes(both[1][:200])
    assert [status for status, _ in states(old)].count("failed") == 1
    second.write_bytes(both[1])
    stored = json.loads((old.path / "report.json").read_text())
    stored["runs"][1].update(top1_correct=12, top5_correct=12)
    edit(old.path / "report.json", runs=stored["runs"])
    assert states(old) == [("done", 12), ("failed", 0)]


def test_a_report_says_what_it_is_written_with(folder: RunFolder) -> None:
    """The fields of which docs and schema speak."""
    stored = Report.from_json(json.loads((folder.path / "report.json").read_text(encoding="utf-8")))
    assert stored.seal is not None
    assert stored.answers[ONE.key] == kept.stated_digest(of(folder, "11"))
    documents = json.loads((folder.path / "documents.json").read_text(encoding="utf-8"))
    documents.pop("seal")
    assert stored.documents == kept.digest_of_json(documents)
