"""Every path of a TOML document has the line on which it is written."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from zoo import disk
from zoo.documents.toml_lines import line_of, lines_of

TEXT = '''# a comment with [brackets] and = signs
title = "a # b = [ \\" ]"
note = """
x = 1
[[no]]
""" # ends here
lit = \'\'\'
y = "2" \'\'\'

[[a]]
id = "1"
sources = [
  "x, y", "z",  # two on one line
  # a comment, with commas
  "w",
]

[[a.f]]
n = 1

[a.f.archive]
m.k = 2

[[a.f]]
"q k" = 3
steps = [
    { op = "x", v = [1, 2] },
    { op = "y" },
]

[[a]]
id = "2"
[[ a . f ]]
z = 1
last = [[1], [2,
3]]
'''

EXPECTED = [
    (("title",), 2),
    (("note",), 3),
    (("lit",), 7),
    (("a", 0), 10),
    (("a", 0, "id"), 11),
    (("a", 0, "sources"), 12),
    (("a", 0, "sources", 1), 13),
    (("a", 0, "sources", 2), 15),
    (("a", 0, "f", 0), 18),
    (("a", 0, "f", 0, "n"), 19),
    (("a", 0, "f", 0, "archive"), 21),
    (("a", 0, "f", 0, "archive", "m", "k"), 22),
    (("a", 0, "f", 1), 24),
    (("a", 0, "f", 1, "q k"), 25),
    (("a", 0, "f", 1, "steps"), 26),
    (("a", 0, "f", 1, "steps", 0), 27),
    (("a", 0, "f", 1, "steps", 1), 28),
    (("a", 1), 31),
    (("a", 1, "id"), 32),
    (("a", 1, "f", 0), 33),
    (("a", 1, "f", 0, "z"), 34),
    (("a", 1, "f", 0, "last"), 35),
]


def paths(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path in a parsed document."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [at, *(path for key, inner in items for path in paths(inner, (*at, key)))]


@pytest.mark.parametrize(("path", "line"), EXPECTED)
def test_line(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, path) == line


def test_every_line_found_belongs_to_a_path_of_the_document() -> None:
    assert set(lines_of(TEXT)) <= set(paths(tomllib.loads(TEXT)))


@pytest.mark.parametrize(
    ("path", "line"),
    [(("a", 0, "f", 1, "steps", 1, "op"), 28), (("a", 1, "missing"), 31), (("nothing",), 1), ((), 1)],
)
def test_unknown_path_falls_back_to_its_parent(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, path) == line


def test_windows_line_ends() -> None:
    text = '[[a]]\r\nid = "1"\r\nlist = [\r\n  1,\r\n  2,\r\n]\r\n'
    assert [line_of(text, path) for path in (("a", 0, "id"), ("a", 0, "list", 1))] == [2, 5]


@pytest.mark.parametrize("file", sorted(disk.DATA.rglob("*.toml")), ids=lambda file: file.name)
def test_own_data_files(file: Path) -> None:
    """Every entry of ours begins with its name, and the line of the name holds it."""
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    for kind, entries in tomllib.loads(text).items():
        for index, entry in enumerate(entries):
            key, name = next(iter(entry.items()))
            assert f'"{name}"' in lines[line_of(text, (kind, index, key)) - 1]
