"""`zoo answers export`: from a run folder to a file that is a reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.by_hand import folders, little_zoo
from tests.by_hand.commands import validated
from zoo.cli.commands import run
from zoo.jobs import references

NAME = "a-one@onnxruntime.answers.npz"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder with one full run; the current folder is empty."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return written(tmp_path / "run", "a/one")


def written(path: Path, *checkpoints: str, **changes: str) -> Path:
    """A run folder with a full run of each checkpoint."""
    answers = folders.answers([0, 1, 2, 4], [0, 1, 2, 3])
    known = {"population": "full", "population_id": "own", **changes}
    runs = [
        (folders.run_with(answers, key=f"{number}" * 64, checkpoint=name, **known), answers)
        for number, name in enumerate(checkpoints, 1)
    ]
    return folders.write(path, runs).path


def test_the_file_lies_here_and_the_command_that_uses_it_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["answers", "export", str(folder)]) == 0
    reference = references.read(Path(NAME))
    assert (reference.subject, reference.stems) == ("a/one@onnxruntime", ("0", "1", "2", "3"))
    assert capsys.readouterr().out.splitlines() == [
        f"written: {NAME}, 4 answers in {Path(NAME).stat().st_size:,} bytes",
        f"sha256 of the answers: {reference.digest}",
        f"use: zoo validate --sample auto --reference {NAME}",
    ]
    assert [path.name for path in Path().iterdir()] == [NAME]


def test_the_same_run_gives_the_same_bytes(folder: Path) -> None:
    for name in ("one.npz", "new folder/two.npz"):
        assert run(["answers", "export", str(folder), "a/one", "--out", name]) == 0
    assert Path("one.npz").read_bytes() == Path("new folder/two.npz").read_bytes()


def test_the_command_can_be_pasted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["answers", "export", str(folder), "--out", "it's mine.npz"]) == 0
    assert capsys.readouterr().out.endswith("""--reference 'it'"'"'s mine.npz'\n""")


def test_of_several_runs_one_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    several = written(folder.parent / "several", "a/one", "a/two", "a/two")
    assert run(["answers", "export", str(several)]) == 2
    said = capsys.readouterr().err
    assert "it has several runs; name one" in said
    assert "a/two@onnxruntime on own, run 333333333333\n" in said
    assert run(["answers", "export", str(several), "a/two"]) == 2
    assert run(["answers", "export", str(several), "3" * 64]) == 0
    assert references.read(Path("a-two@onnxruntime.answers.npz")).run == "3" * 64


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 2, "nowhere is not a run folder"),
        (["RUN", "b/*"], 2, "it has no run 'b/*'; known: a/one@onnxruntime"),
        (["RUN", "--out", "."], 2, "is a directory"),
        (["RUN", "--out", "taken/file.npz"], 3, "cannot write taken/file.npz"),
        (["SAMPLE"], 2, "run it without --sample"),
    ],
)
def test_what_cannot_be_exported(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    Path("taken").write_text("a file")
    places = {"RUN": str(folder), "SAMPLE": str(written(folder.parent / "part", "a/one", population="random_sample"))}
    assert run(["answers", "export", *(places.get(each, each) for each in arguments)]) == code
    assert said in capsys.readouterr().err
    assert not list(Path().glob("**/*.npz"))


def test_a_run_of_a_strangers_zoo(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its images are a population once its zoo says so."""
    monkeypatch.chdir(tmp_path)
    zoo = little_zoo.make(tmp_path / "little", 20)
    digest = validated(zoo, tmp_path / "first").conditions.images_digest
    assert run(["answers", "export", "first"]) == 2
    little_zoo.claim_accuracy(zoo, "little/good", "100.0", digest, 20)
    validated(zoo, tmp_path / "second")
    assert run(["answers", "export", "second"]) == 0
    reference = references.read(Path("little-good@fake.answers.npz"))
    assert (reference.population, len(reference.stems)) == ("own", 20)
    assert reference.correct("top1").all()
