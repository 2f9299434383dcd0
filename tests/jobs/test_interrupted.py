"""Killed at any moment, or beside another process on the same ZOO_HOME: the same answers in the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.stored import KINDS, answers, flipped, stored

IMAGES = 400  # four blocks


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """Three checkpoints, two of which share a file."""
    folder = little_zoo.make(tmp_path / "little", IMAGES)
    little_zoo.add_checkpoint(folder, "other", comment="another file")
    records = folder / "checkpoints.toml"
    (good, *_) = records.read_text().split("[[checkpoint]]")[1:]
    records.write_text(f"{records.read_text()}[[checkpoint]]{good.replace('little/good', 'little/twin')}")
    return folder


def start(home: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", *map(str, arguments)],
        env={**os.environ, "ZOO_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    """What it said on stderr, once it was successful."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    return err


def written(*folders: Path) -> int:
    """Files in folders that may not be there yet."""
    return sum(len(list(folder.rglob("*.*"))) for folder in folders)


@pytest.mark.slow
def test_killed_ten_times_and_resumed(zoo: Path, tmp_path: Path) -> None:
    """Each time when a few more files have been written, some of them by half."""
    ended(start(tmp_path / "home", "validate", "--zoo", zoo, "--out", tmp_path / "reference"))
    home, out, chance = tmp_path / "other", tmp_path / "out", random.Random(11)
    killed = 0
    for _ in range(10):
        words = ("--resume", out) if (out / "request.json").exists() else ("--zoo", zoo, "--out", out)
        process = start(home, "validate", *words)
        wanted = written(home, out) + chance.randint(1, 4)
        while process.poll() is None and written(home, out) < wanted:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed >= 5
    words = ("--resume", out) if (out / "request.json").exists() else ("--zoo", zoo, "--out", out)
    said = ended(start(home, "validate", *words))
    assert "set aside" not in said  # a kill leaves nothing half
    assert answers(out) == answers(tmp_path / "reference")


def test_two_processes_on_one_home(zoo: Path, tmp_path: Path) -> None:
    """From nothing, and again when both find the same damaged files."""
    home = tmp_path / "home"
    before: dict[str, Any] | None = None
    for attempt in ("fresh", "damaged"):
        outs = [tmp_path / f"{attempt}-{number}" for number in (1, 2)]
        for process in [start(home, "validate", "--zoo", zoo, "--out", out) for out in outs]:
            ended(process)
        first, second = (answers(out) for out in outs)
        assert first == second
        assert before in (None, first)
        before = first
        for pattern in KINDS.values():
            for path in stored(home, pattern):
                path.write_bytes(flipped(path.read_bytes()))
