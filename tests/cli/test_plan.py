"""`zoo plan` as a user runs it: with and without the answers of a relative."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import folders
from tests.by_hand.answer_files import a_reference, written
from zoo.cli import commands

IMAGES = [f"embedded_{number:04d}" for number in range(960)]


def planned(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code, and what is printed."""
    code = commands.run(["plan", *map(str, arguments), "--zoo", "embedded"])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def saved(folder: Path, **changes: Any) -> Path:
    """A file of answers to the embedded images."""
    path = folder / "some.answers.npz"
    path.write_bytes(written(a_reference(IMAGES, **changes)))
    return path


def numbers(text: str, claim: str) -> list[int]:
    """In the first line of a claim's row, from the one for a true claim on."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"{claim} ")]
    return [int(number.replace(",", "")) for number in line.partition(" %")[2].split()]


def test_the_further_off_the_fewer_images(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = planned(capsys, "embedded/onnx")
    assert code == 0
    true, half, one, two, auto = numbers(text, "embedded-onnx-top1")
    assert 960 >= true > half > one > two
    assert auto == 960
    assert "probability of 80 %" in text


@pytest.mark.parametrize(("subject", "said"), [
    ("embedded/onnx@onnxruntime", "same weights"), ("other/net@torch", "not related"),
])  # fmt: skip
def test_with_a_file_of_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str], subject: str, said: str) -> None:
    code, text = planned(capsys, "embedded-tflite-top1", "--reference", saved(tmp_path, subject=subject))
    assert code == 0
    assert said in text
    true, half, one, two, alone = numbers(text, "embedded-tflite-top1")
    assert alone == 960 >= true >= half >= one >= two >= 128


def test_the_same_weights_save_more_than_a_stranger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for subject in ("embedded/onnx@onnxruntime", "other/net@torch"):
        _, text = planned(capsys, "embedded-tflite-top1", "--reference", saved(tmp_path, subject=subject))
        found[subject] = sum(numbers(text, "embedded-tflite-top1")[:4])
    assert found["embedded/onnx@onnxruntime"] < found["other/net@torch"]


def test_of_a_run_folder_the_nearest_relative_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = folders.answers([number % 10 for number in range(960)], [0] * 960)
    whole = {"population": "full", "population_id": "embedded_val"}
    runs = [
        (folders.run_with(answers, key=key * 32, checkpoint=checkpoint, **whole), answers)
        for key, checkpoint in (("1f", "other/net"), ("2e", "embedded/onnx"))
    ]
    folder = folders.write(tmp_path / "run", runs)
    code, text = planned(capsys, "embedded-tflite-top1", "--reference", folder.path)
    assert code == 0, text
    assert "embedded/onnx@" in text
    assert "same weights" in text


@pytest.mark.parametrize(("changes", "images", "said"), [
    ({"population": "another"}, IMAGES, "expected answers to all images of embedded_val, got those to 960 images of"),
    ({}, IMAGES[:500], "got those to 500 images of 'embedded_val'"),
])  # fmt: skip
def test_answers_to_other_images_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], images: list[str], said: str
) -> None:
    path = tmp_path / "some.answers.npz"
    path.write_bytes(written(a_reference(images, **changes)))
    code, text = planned(capsys, "embedded/onnx", "--reference", path)
    assert code == 2
    assert said in text


def test_what_is_no_file_of_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("no answers", encoding="utf-8")
    code, text = planned(capsys, "embedded/onnx", "--reference", other)
    assert code == 2
    assert "expected a file of answers" in text


def test_a_fixed_sample_is_not_drawn_by_a_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = planned(capsys, "embedded/onnx", "--sample", 100, "--reference", saved(tmp_path))
    assert code == 2
    assert "--sample N about samples of a fixed size" in text
