"""Every kind of file under ZOO_HOME, damaged in every way: the same answers again, and a line for each file."""

from __future__ import annotations

import logging
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.by_hand import little_zoo
from tests.by_hand.commands import validated
from tests.by_hand.stored import KINDS, flipped, stored
from tests.by_hand.stored import answers as answers_in
from zoo import kept
from zoo.disk import CacheError
from zoo.measure import speed
from zoo.measure.accuracy import Evaluation


def a_zoo(folder: Path) -> Path:
    """`little/good` in a file of its own, `little/packed` in an archive, `little/made` exported from weights."""
    little_zoo.make(folder, 20)
    with tarfile.open(folder / "net.tgz", "w:gz") as archive:
        archive.add(folder / "good.json", "inside/net.json")
    save_file({"weight": np.zeros(1, np.float32)}, folder / "weights.safetensors")
    (folder / "recipes.toml").write_text(
        (folder / "recipes.toml").read_text()
        + '[[numeric]]\nid = "floats"\nsteps = [{ op = "divide", by = 1 }, { op = "layout", order = "nchw" }]\n\n'
        '[[recipe]]\nid = "floats"\ngeometry = "whole"\nnumeric = "floats"\n'
    )
    with (folder / "checkpoints.toml").open("a", encoding="utf-8") as file:
        file.write(
            '[[checkpoint]]\nid = "little/packed"\nframework = "fake"\nformat = "fake"\nrecipe = "whole"\n'
            'label_map = "ten"\n'
            'files = [{ name = "net.json", archive = { name = "net.tgz", member = "inside/net.json" } }]\n\n'
            '[[checkpoint]]\nid = "little/made"\nframework = "fake"\nformat = "fake"\nrecipe = "floats"\n'
            f'label_map = "ten"\nexport_from = "weights.safetensors"\n'
            f"network = {{ alpha = 1.0, resolution = {little_zoo.SIDE}, classes = {little_zoo.CLASSES} }}\n"
        )
    return folder


def answers(zoo: Path, out: Path) -> dict[str, tuple[list[list[int]], list[bool]]]:
    """Those of a whole run of the zoo."""
    report = validated(zoo, out)
    assert [run.status for run in report.runs] == ["done"] * 3, [run.error for run in report.runs]
    return answers_in(out)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": flipped,
    "cut": lambda data: data[: len(data) * 2 // 3],
    "zeros": lambda data: data[: len(data) // 3] + bytes(len(data) // 3) + data[2 * (len(data) // 3) :],
    "empty": lambda data: b"",
    "edited": lambda data: data.replace(b'"', b'"x', 1) if data.startswith(b"{") else data[:-1] + b"#",
}


def test_damaged_files_are_made_again(tmp_path: Path, own_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    zoo = a_zoo(tmp_path / "zoo")
    before = answers(zoo, tmp_path / "run")
    assert len(before) == 3
    assert all(stored(own_home, pattern) for pattern in KINDS.values())
    for name, damage in DAMAGES.items():
        caplog.clear()
        damaged = {}
        for pattern in KINDS.values():
            for path in stored(own_home, pattern):
                if path.name != kept.CONTENTS:
                    damaged[path] = damage(path.read_bytes())
                    path.write_bytes(damaged[path])
        assert answers(zoo, tmp_path / name) == before
        told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        for path, data in damaged.items():
            aside = path.with_name(f"{path.name}{kept.ASIDE}")
            if path.parent.parent.name in ("exports", "members"):
                aside = path.parent.with_name(f"{path.parent.name}{kept.ASIDE}") / path.name
            assert aside.read_bytes() == data, (name, path)
            assert sum(str(path) in line for line in told) == 1, (name, path, told)
    caplog.clear()
    assert answers(zoo, tmp_path / "again") == before
    assert not caplog.records  # whole by now


def test_files_that_changed_places_are_made_again(
    tmp_path: Path, own_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each of two files is whole, under the other's name."""
    zoo = a_zoo(tmp_path / "zoo")
    before = answers(zoo, tmp_path / "run")
    for kind in ("results", "models", "inspections"):
        first, second, *_ = stored(own_home, KINDS[kind])
        both = first.read_bytes(), second.read_bytes()
        first.write_bytes(both[1])
        second.write_bytes(both[0])
    assert answers(zoo, tmp_path / "again") == before
    assert sum("it is of another key" in record.getMessage() for record in caplog.records) == 6


def test_pixels_that_change_while_a_worker_reads_them_give_no_answer(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were whole before, and nothing else would tell."""
    zoo = a_zoo(tmp_path / "zoo")
    scores = Evaluation._scores

    def meanwhile(self: Evaluation, pixels: Path, count: int) -> Any:
        found = scores(self, pixels, count)
        pixels.write_bytes(pixels.read_bytes())
        return found

    monkeypatch.setattr(Evaluation, "_scores", meanwhile)
    report = validated(zoo, tmp_path / "run", checkpoints="little/good")
    assert [run.status for run in report.runs] == ["failed"]
    assert "it was changed while a worker read it" in (report.runs[0].error or "")
    assert stored(own_home, KINDS["results"]) == []


def test_a_bench_times_nothing_on_damaged_pixels(tmp_path: Path, own_home: Path) -> None:
    zoo = a_zoo(tmp_path / "zoo")
    answers(zoo, tmp_path / "run")
    pixels = stored(own_home, KINDS["pixels"])
    speed._refuse_damaged(pixels)
    pixels[0].write_bytes(flipped(pixels[0].read_bytes()))
    with pytest.raises(CacheError, match="decoded images were damaged"):
        speed._refuse_damaged(pixels)
