"""Pages that a test follows as a reader would: their files are written, their commands run, their outputs compared.

A paragraph that begins with a file's name in backticks gives the block below it to that file. A block of `sh` is run
in the page's folder, and a block of `text` right below it is what it prints. A comment `<!-- not tested: why -->` above
a block of `sh` leaves it out, and its output. Blocks of `python` with prompts are one session of an interpreter.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.by_hand.built import REPOSITORY

BLOCK = re.compile(r"(?P<before>(?:^[^\n]+\n)*)\n*^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`([\w./-]+\.\w+)`[^`\n]*:\n$")


@dataclass(frozen=True)
class Step:
    """One file to write, or one command to run with what it prints (None where the page does not say)."""

    text: str
    path: str = ""
    printed: str | None = None


def steps(page: str) -> Iterator[Step]:
    """What a reader of docs/`page` does, in order."""
    blocks = list(BLOCK.finditer((REPOSITORY / "docs" / page).read_text(encoding="utf-8")))
    for number, block in enumerate(blocks):
        if named := FILE.search(block["before"]):
            yield Step(block["text"], path=named[1])
        elif block["language"] == "sh" and "<!-- not tested: " not in block["before"]:
            below = blocks[number + 1] if number + 1 < len(blocks) else None
            follows = below is not None and below["language"] == "text" and not below["before"]
            yield Step(block["text"], printed=below["text"] if below is not None and follows else None)


def session(page: str) -> doctest.DocTest:
    """All examples of docs/`page` with Python's prompt."""
    path = REPOSITORY / "docs" / page
    blocks = BLOCK.finditer(path.read_text(encoding="utf-8"))
    text = "\n".join(block["text"] for block in blocks if block["language"] == "python")
    return doctest.DocTestParser().get_doctest(text, {}, page, str(path), 0)


def shell(command: str, folder: Path) -> str:
    """What a command prints to stdout; `zoo` and `python` are those of the tests."""
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    for name, arguments in (("python", ""), ("zoo", " -m zoo")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def same_everywhere(printed: str) -> list[str]:
    """Lines without what differs from one machine to another: speeds, the width of tables, digests."""
    lines = (re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", " ".join(line.split())) for line in printed.splitlines())
    return [re.sub(r"^(onnxruntime .*) \d+$", r"\1 SPEED", line) for line in lines if not set(line) <= {"─"}]
